//! Writes `www/digits/test-1000.bin`: MNIST's first thousand test digits for the page, 16 levels a pixel, two pixels a
//! byte, the first in the high half; and `test-1000-labels.bin`, a byte each.
//!
//! ```text
//! cargo run --release --example test_digits [FILE]
//! ```

use pockets::lab::mnist;
use std::{env, error::Error, fs};

const COUNT: usize = 1000;
const FILE: &str = "www/digits/test-1000.bin";

fn main() -> Result<(), Box<dyn Error>> {
    let digits = mnist::load(&mnist::default_folder()?)?;
    let level = |pixel: f32| (15.0 * pixel).round() as u8;
    let mut bytes = Vec::new();
    for image in digits.test.images().iter().take(COUNT) {
        bytes.extend(image.as_chunks::<2>().0.iter().map(|&[a, b]| level(a) << 4 | level(b)));
    }
    let file = env::args().nth(1).unwrap_or_else(|| FILE.into());
    let labels = file.replace(".bin", "-labels.bin");
    fs::write(&file, &bytes)?;
    println!("{file}: {} bytes", bytes.len());
    fs::write(&labels, &digits.test.labels().as_slice()[..COUNT])?;
    println!("{labels}: {COUNT} bytes");
    Ok(())
}
