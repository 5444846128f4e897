//! `pockets pack IN OUT`: a network in 8 bits a weight, as the page ships it.

use clap::Args;
use pockets::{
    idx::Digits,
    lab::{mnist, recipe::recipes, train},
    network::Network,
};
use safetensors::SafeTensors;
use std::{collections::BTreeMap, error::Error, fs, path::PathBuf};

#[derive(Args)]
pub struct Arguments {
    /// The network to pack, as `pockets train` wrote it
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The file to write: the same network with one signed byte for each weight
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// The folder of MNIST's files [default: pockets/mnist in the user's cache]
    #[arg(long, value_name = "DIR")]
    mnist: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let at = |path: &PathBuf, e: &dyn Error| format!("{}: {e}", path.display());
    let bytes = fs::read(&arguments.input).map_err(|e| at(&arguments.input, &e))?;
    let whole = Network::from_safetensors(&bytes).map_err(|e| at(&arguments.input, &e))?;
    let (_, header) = SafeTensors::read_metadata(&bytes)?;
    let mut metadata: BTreeMap<String, String> = header.metadata().clone().unwrap_or_default().into_iter().collect();

    // What is reported is of the weights as packed, so they are judged anew.
    let network = Network::from_safetensors(&whole.to_safetensors_i8(&[])?)?;
    let folder = arguments.mnist.clone().map_or_else(mnist::default_folder, Ok)?;
    let digits = mnist::load(&folder)?;
    let recipe = recipes().into_iter().find(|recipe| recipe.title == whole.name());
    let learned = match recipe {
        Some(recipe) => train::part(recipe.part, digits.train),
        None => digits.train,
    };
    for (key, judged) in [("train_error_pct", &learned), ("test_error_pct", &digits.test)] {
        let before = metadata.insert(key.into(), percent(&network, judged));
        println!("{key}: {} before, {} packed", before.as_deref().unwrap_or("not stated"), metadata[key]);
    }
    let entries: Vec<(&str, String)> = metadata.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    let packed = whole.to_safetensors_i8(&entries)?;
    fs::write(&arguments.output, &packed).map_err(|e| at(&arguments.output, &e))?;
    println!("{} bytes, {} packed, written to {}", bytes.len(), packed.len(), arguments.output.display());
    Ok(())
}

/// The error in per cent, two digits after the point: one digit of 10,000 shows.
fn percent(network: &Network, digits: &Digits) -> String {
    format!("{:.2}", 100.0 * train::error(network.clone(), digits))
}
