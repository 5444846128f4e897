//! `pockets mnist`: the four IDX files, checked against their MD5.

use clap::Args;
use pockets::lab::mnist;
use std::{error::Error, path::PathBuf};

#[derive(Args)]
pub struct Arguments {
    /// Where to keep them [default: pockets/mnist in the user's cache]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let folder = arguments.out.clone().map_or_else(mnist::default_folder, Ok)?;
    eprintln!("Looking for MNIST in {} (fetching is 11 MB, some seconds) …", folder.display());
    let found = if mnist::fetch(&folder)? { "Fetched MNIST into" } else { "MNIST is whole in" };
    println!("{found} {}", folder.display());
    Ok(())
}
