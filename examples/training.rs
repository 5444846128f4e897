//! How fast the page's training step is, natively: 784-100-100-10, batches of 128 digits, Adam, nothing searched and nothing measured;
//! images per second, the best of RUNS, or of five.
//!
//! ```text
//! cargo run --release --example training [RUNS]
//! ```

use pockets::{
    feed::{Data, FeedError, Options, Trainer, pack::unpack},
    network::Activation,
};
use std::{env, error::Error, fs, sync::Arc, time::Instant};

const STEPS: u32 = 200;
const BATCH: usize = 128;

fn main() -> Result<(), Box<dyn Error>> {
    let digits = unpack(&fs::read("www/digits/train-10000.bin")?)?;
    // One digit to be judged by is next to none.
    let data = Data { held_out: Arc::new(digits.split_at(1).0), train: Arc::new(digits) };
    let mut best = 0.0f64;
    let runs = env::args().nth(1).map_or(Ok(5), |runs| runs.parse())?;
    for _ in 0..runs {
        best = best.max(speed(data.clone())?);
    }
    println!("{best:.0} images/s");
    Ok(())
}

fn speed(data: Data) -> Result<f64, FeedError> {
    let options = Options { steps: STEPS + 1, digits: BATCH, rest: STEPS, sample: 0, ..Options::scratch() };
    let mut trainer = Trainer::from_scratch(&[100, 100], Activation::Sigmoid, data, options)?;
    trainer.step()?;
    let begun = Instant::now();
    for _ in 0..STEPS {
        trainer.step()?;
    }
    Ok(f64::from(STEPS) * BATCH as f64 / begun.elapsed().as_secs_f64())
}
