//! `pockets convert IN OUT.safetensors`: a network of any format as one of the project's own files.

use crate::inspect::{self, Judged};
use clap::Args;
use std::{error::Error, fs, path::PathBuf};

#[derive(Args)]
pub struct Arguments {
    /// The network, in any format that people have
    #[arg(value_name = "IN")]
    from: PathBuf,
    /// The file to write
    #[arg(value_name = "OUT.safetensors")]
    to: PathBuf,
    #[command(flatten)]
    judged: Judged,
}

pub fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let digits = arguments.judged.digits()?;
    let imported = inspect::import(&arguments.from, digits.as_ref(), &arguments.judged.choices())?;
    println!("{imported}");
    fs::write(&arguments.to, &imported.safetensors).map_err(|e| format!("{}: {e}", arguments.to.display()))?;
    Ok(())
}
