//! The native command line.

mod attack;
mod convert;
mod inspect;
mod mnist;
mod pack;
mod pack_digits;
mod reproduce;
mod strokes;
mod train;

use clap::{Parser, Subcommand};
use std::{error::Error, process::ExitCode};

/// The smallest change that makes a network misclassify a digit.
#[derive(Parser)]
#[command(name = "pockets", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fetch MNIST's four files and check them against their MD5
    Mnist(mnist::Arguments),
    /// Train a network of the paper by name
    Train(train::Arguments),
    /// Pack a network into 8 bits a weight, as the page ships it
    Pack(pack::Arguments),
    /// Pack the digits that the page trains on, and those that it is judged by
    PackDigits(pack_digits::Arguments),
    /// Search for adversarial examples of the first images that a network classifies correctly
    Attack(attack::Arguments),
    /// Say what a network's file holds, how it wants its image, and how well it classifies digits
    Inspect(inspect::Arguments),
    /// Make a network's file one of the project's own
    Convert(convert::Arguments),
    /// Show a network what people wrote with a pen, and say how it does by digit and writer
    Strokes(strokes::Arguments),
    /// Measure the paper's tables and figures again, and write them beside the paper's
    Reproduce(reproduce::Arguments),
}

fn main() -> ExitCode {
    let done: Result<(), Box<dyn Error>> = match Cli::parse().command {
        Command::Mnist(arguments) => mnist::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
        Command::Pack(arguments) => pack::run(&arguments),
        Command::PackDigits(arguments) => pack_digits::run(&arguments),
        Command::Attack(arguments) => attack::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Convert(arguments) => convert::run(&arguments),
        Command::Strokes(arguments) => strokes::run(&arguments),
        Command::Reproduce(arguments) => reproduce::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pockets: {error}");
            ExitCode::FAILURE
        }
    }
}
