//! `pockets attack`: the search on the first images that a network reads correctly.

use clap::{Args, ValueEnum};
use pockets::{attack::Reading, idx::Digits, network::Mlp};
use std::{error::Error, fs, path::PathBuf, str::FromStr};

#[derive(Args)]
pub struct Arguments {
    /// The network, a safetensors file
    #[arg(long, value_name = "FILE")]
    network: PathBuf,
    /// The images, an IDX3 file
    #[arg(long, value_name = "IDX3")]
    images: PathBuf,
    /// Their labels, an IDX1 file
    #[arg(long, value_name = "IDX1")]
    labels: PathBuf,
    /// How many of the images that the network reads correctly
    #[arg(long, default_value_t = 100)]
    count: usize,
    /// What they shall be read as: next, best, all, a digit, or any
    #[arg(long, default_value = "next")]
    target: Target,
    /// How the paper's c is read
    #[arg(long, value_enum, default_value_t = ReadingName::Both)]
    reading: ReadingName,
    /// Where to write the results
    #[arg(long, value_name = "OUT.json")]
    json: Option<PathBuf>,
}

/// What the images shall be read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// (label + 1) mod 10.
    Next,
    /// The one of nine with the smallest norm.
    Best,
    /// Each of nine.
    All,
    /// This digit.
    Digit(usize),
    /// Anything but the label.
    Any,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse()) {
            ("next", _) => Ok(Target::Next),
            ("best", _) => Ok(Target::Best),
            ("all", _) => Ok(Target::All),
            ("any", _) => Ok(Target::Any),
            (_, Ok(digit @ 0..=9)) => Ok(Target::Digit(digit)),
            _ => Err("expected next, best, all, any, or a digit from 0 to 9".into()),
        }
    }
}

/// [`Reading`] as the command line spells it.
#[derive(Clone, Copy, ValueEnum)]
enum ReadingName {
    /// A weight between the size of r and the loss
    Weight,
    /// A scale: minimise for one c, then scale r
    Scale,
    /// The search over c, then the scale step
    Both,
}

pub fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let read = |path: &PathBuf| fs::read(path).map_err(|e| format!("{}: {e}", path.display()));
    let network = Mlp::from_safetensors(&read(&arguments.network)?)
        .map_err(|e| format!("{}: {e}", arguments.network.display()))?;
    let digits = Digits::parse(&read(&arguments.images)?, &read(&arguments.labels)?)?;
    let reading = match arguments.reading {
        ReadingName::Weight => Reading::Weight,
        ReadingName::Scale => Reading::Scale,
        ReadingName::Both => Reading::Both,
    };
    let _ = (network, digits, reading, arguments.count, arguments.target, &arguments.json);
    Err("the search is not wired to the command line yet".into())
}
