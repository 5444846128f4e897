//! `pockets pack-digits`: the digits that the page trains on and is judged by.

use clap::Args;
use pockets::{feed::pack::pack, idx::Digits, lab::mnist};
use std::{error::Error, fs, path::PathBuf};

/// Digits to train on, the first of the training set.
const TRAIN: usize = 10_000;
/// Digits to judge by, the whole test set: the networks that are shipped have learned from every training digit, so that
/// none of those would show what they have not seen. Nothing is chosen by them.
const TEST: usize = 10_000;

#[derive(Args)]
pub struct Arguments {
    /// The folder of MNIST's files [default: pockets/mnist in the user's cache]
    #[arg(long, value_name = "DIR")]
    mnist: Option<PathBuf>,
    /// Where to write train-10000.bin and test-10000.bin
    #[arg(long, value_name = "DIR", default_value = "www/digits")]
    out: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let folder = arguments.mnist.clone().map_or_else(mnist::default_folder, Ok)?;
    let digits = mnist::load(&folder)?;
    let write = |name: &str, digits: Digits, count: usize| {
        let path = arguments.out.join(format!("{name}-{count}.bin"));
        let bytes = pack(&digits.split_at(count).0);
        fs::write(&path, &bytes).map_err(|e| format!("{}: {e}", path.display()))?;
        println!("{}: {} bytes", path.display(), bytes.len());
        Ok(())
    };
    write("train", digits.train, TRAIN).and_then(|()| write("test", digits.test, TEST))
}
