//! `cargo xtask …`: builds, serves, tests and measures the page, and installs what each of these needs on a fresh machine.

mod bench;
mod bundle;
mod cache;
mod commands;
mod coverage;
mod documents;
mod features;
mod files;
mod fuzz;
mod modules;
mod npm;
mod page;
mod process;
mod serve;
mod setup;
mod share;
mod single_file;
mod site;
mod size;
mod soak;
mod supply;
mod test;
mod trunk;
mod wasm;

use process::Result;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const DEFAULT_PORT: u16 = 8080;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = coverage::as_compiler(&arguments) {
        return code;
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let root = root()?;
    let (command, options) = arguments.split_first().map_or(("--help", [].as_slice()), |(first, rest)| (first, rest));
    if options.iter().any(|option| option == "--help" || option == "-h") {
        println!("{}", help());
        return Ok(());
    }
    match (command, options) {
        ("--help" | "-h" | "help", _) => {
            println!("{}", help());
            Ok(())
        }
        ("serve", options) => serve::serve(&root, port(options)?),
        ("build", []) => site::build(&root).and_then(|dist| size::list(&dist)),
        ("test", suites) => test::test(&root, suites),
        ("fuzz", options) => fuzz::fuzz(&root, options),
        ("soak", options) => soak::soak(&root, options),
        ("coverage", options) => coverage::coverage(&root, options),
        ("bench", options) => bench::bench(&root, options),
        ("size", []) => size::report(&root),
        ("size", [write]) if write == "--write" => size::write(&root),
        ("npm", []) => npm::report(&root),
        ("single-file", []) => site::report_single_file(&root),
        _ => Err(format!("`cargo xtask {}` is not a command; see `cargo xtask --help`.", arguments.join(" "))),
    }
}

fn help() -> String {
    format!(
        "\
Usage: cargo xtask COMMAND

  serve [--port N]   build the page and serve it on 127.0.0.1:{DEFAULT_PORT}
  build              leave the static site in dist/
  test [SUITE …]     run every test, or only some suites:
                     {}
  fuzz [TARGET …] [--minutes N]
                     hostile input for everything that reads some, a minute each
  soak [--steps N] [--rest SECONDS]
                     10,000 strokes and choices on one page and a minute at rest, of which nothing may grow
  coverage [--brief] which lines of the core the native tests run; fails below its share
  bench [--json]     measure the search in Chromium
  bench --hardening  watch a network being hardened there, for three minutes
  bench --training   measure training there, natively, and by TensorFlow.js in the same browser
                     (with --brief each of these only shows that it runs)
  single-file        the whole page as one file, dist/pockets.html, that needs no server and no network
  npm                the package for npm, in target/npm
  size [--write]     what a first attack downloads; fails above its budget; puts the tables into the documents

Each command first installs what it needs and this machine lacks, and says so: into $XDG_CACHE_HOME/pockets
or ~/.cache/pockets, and, for root on Debian, as system packages. CHROME and CHROMEDRIVER name a browser and
its driver, if not those on the PATH are meant.",
        test::suites()
    )
}

fn port(options: &[String]) -> Result<u16> {
    let value = match options {
        [] => return Ok(DEFAULT_PORT),
        [option, value] if option == "--port" => value,
        [option] => option
            .strip_prefix("--port=")
            .ok_or_else(|| format!("`{option}` is not an option of serve; it has only --port N."))?,
        _ => return Err("serve has only the option --port N.".to_owned()),
    };
    value.parse().map_err(|_| format!("`{value}` is not a port: a whole number up to {} is.", u16::MAX))
}

/// The project's folder, wherever inside of it we were called.
fn root() -> Result<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().map(Path::to_owned).ok_or_else(|| "xtask is not in the folder of its project.".to_owned())
}
