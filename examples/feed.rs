//! Trains as the page's second module does, natively, and prints how it goes: error and mean minimal distortion on held-out digits
//! against steps and time, and images per second.
//!
//! ```text
//! cargo run --release --example feed [-- NETWORK.safetensors [KEY=VALUE …]]
//! ```
//!
//! Keys: steps, digits, examples, fresh, pool, least, most, rate, rounds, decay, smoothness, distillation, seed, moved, rest, sample, count (training digits),
//! judged (held-out digits), test (1: judge by test digits), out (a file for the weights).

use pockets::{
    feed::{Data, Options, Trainer},
    lab::mnist,
    network::Mlp,
};
use std::{env, error::Error, fs, path::PathBuf, sync::Arc, time::Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "www/networks/FC100-100-10.safetensors".into());
    let mut options = Options { sample: 100, ..Options::harden() };
    let (mut count, mut judged, mut test, mut out) = (10_000, 2000, false, None);
    for argument in arguments {
        let (key, value) = argument.split_once('=').ok_or("expected KEY=VALUE")?;
        match key {
            "steps" => options.steps = value.parse()?,
            "digits" => options.digits = value.parse()?,
            "examples" => options.examples = value.parse()?,
            "fresh" => options.fresh = value.parse()?,
            "pool" => options.pool = value.parse()?,
            "least" => options.norms[0] = value.parse()?,
            "most" => options.norms[1] = value.parse()?,
            "rate" => options.rate = value.parse()?,
            "rounds" => options.rounds = value.parse()?,
            "decay" => options.decay = value.parse()?,
            "smoothness" => options.smoothness = value.parse()?,
            "distillation" => options.distillation = value.parse()?,
            "seed" => options.seed = value.parse()?,
            "moved" => options.moved = value.parse()?,
            "sample" => options.sample = value.parse()?,
            "rest" => options.rest = value.parse()?,
            "judged" => judged = value.parse()?,
            "count" => count = value.parse()?,
            "test" => test = value == "1",
            "out" => out = Some(PathBuf::from(value)),
            _ => return Err(format!("there is no {key}").into()),
        }
    }
    let folder = env::var_os("MNIST").map_or_else(mnist::default_folder, |folder| Ok(folder.into()))?;
    let digits = mnist::load(&folder)?;
    let (learned, rest) = digits.train.split_at(count);
    // The last 10,000 training digits were kept from networks that were trained with --holdout.
    let held_out = if test { digits.test } else { rest.split_at(rest.len() - 10_000).1 }.split_at(judged).0;
    let data = Data { train: Arc::new(learned), held_out: Arc::new(held_out) };
    run(Mlp::from_safetensors(&fs::read(path)?)?, data, options, out)
}

fn run(network: Mlp, data: Data, options: Options, out: Option<PathBuf>) -> Result<(), Box<dyn Error>> {
    println!("{options:?}");
    let mut trainer = Trainer::harden(network, data.clone(), options)?;
    let mut first = None;
    let begun = Instant::now();
    loop {
        let progress = trainer.step()?;
        if let Some(measures) = progress.measures {
            let before = *first.get_or_insert(measures);
            if measures.step % 1000 < 220 || progress.is_done {
                println!(
                    "step {:5}  {:5.1} s  loss {:.4}  error {:.2} %  held-out loss {:.4}  distortion {:.4}, {:.2} times",
                    measures.step,
                    begun.elapsed().as_secs_f64(),
                    progress.loss,
                    100.0 * measures.error,
                    measures.loss,
                    measures.distortion,
                    measures.distortion / before.distortion
                );
            }
        }
        if progress.is_done {
            break;
        }
    }
    let images = trainer.images_a_step() as f64 * f64::from(trainer.checkpoint().step);
    println!("{:.0} images/s, measurements included", images / begun.elapsed().as_secs_f64());
    if let Some(out) = out {
        fs::write(out, pockets::feed::to_safetensors(&trainer.weights(), &[]))?;
    }
    Ok(())
}
