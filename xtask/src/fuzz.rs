//! Hostile input by the minute: each target of `fuzz/` under libFuzzer, which follows what it reaches.
//!
//! The compiler is whichever is active, a stable one too: coverage is a pass of LLVM's that it runs when asked. What an address
//! sanitizer would add needs an unstable compiler; docs/testing.md says what stands in for it.

use crate::process::{Result, run};
use crate::setup::{self, host};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The names of `pockets_fuzz::TARGETS`.
const TARGETS: [&str; 5] = ["network", "idx", "strokes", "engine", "packed"];

/// Counters of which code was reached and what was compared, as `cargo fuzz --sanitizer none` sets them; and every overflow is a crash.
const COVERAGE: [&str; 8] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cdebug-assertions",
    "-Coverflow-checks",
];

/// Runs each target, or one, for so many minutes. What it finds to be new is kept in target/fuzz/corpus.
pub fn fuzz(root: &Path, options: &[String]) -> Result<()> {
    let (minutes, names) = parse(options)?;
    let programs = build(root)?;
    for name in names {
        eprintln!("\n== {name}, {minutes} minutes");
        let home = root.join("target/fuzz");
        let (grown, found) = (home.join("corpus").join(name), home.join("found").join(name));
        for folder in [&grown, &found] {
            fs::create_dir_all(folder).map_err(|error| format!("{} can't be made: {error}.", folder.display()))?;
        }
        let mut target = Command::new(programs.join(format!("fuzz_{name}")));
        target.current_dir(root).args([&grown, &root.join("fuzz/corpus").join(name)]);
        target.arg(format!("-max_total_time={}", (60.0 * minutes) as u64));
        // A hang is an input of a minute, and growth anything beyond half a gigabyte.
        target.args(["-max_len=16384", "-timeout=60", "-rss_limit_mb=512", "-print_final_stats=1", "-verbosity=0"]);
        target.arg(format!("-artifact_prefix={}/", found.display()));
        run(&mut target, &format!("Fuzzing {name} (the input is in {})", found.display()))?;
    }
    Ok(())
}

/// `--minutes N` and a target's name, in any order.
fn parse(options: &[String]) -> Result<(f64, Vec<&str>)> {
    let (mut minutes, mut names) = (1.0, Vec::new());
    let mut rest = options.iter();
    while let Some(option) = rest.next() {
        if option == "--minutes" {
            let given = rest.next().and_then(|value| value.parse().ok()).filter(|value: &f64| *value > 0.0);
            minutes = given.ok_or("--minutes needs a number.")?;
        } else if TARGETS.contains(&option.as_str()) {
            names.push(option.as_str());
        } else {
            return Err(format!("There is no target `{option}`; there are {}.", TARGETS.join(", ")));
        }
    }
    Ok((minutes, if names.is_empty() { TARGETS.to_vec() } else { names }))
}

fn build(root: &Path) -> Result<PathBuf> {
    setup::cpp()?;
    let host = &host(&mut Command::new("rustc"))?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.current_dir(root).args([
        "build",
        "--release",
        "--package",
        "pockets-fuzz",
        "--features",
        "libfuzzer",
        "--bins",
    ]);
    // Named, so that only what runs is counted, and not what runs while compiling.
    cargo.args(["--target", host, "--target-dir", "target/fuzz"]);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\u{1f}"));
    run(&mut cargo, "Building the targets")?;
    Ok(root.join("target/fuzz").join(host).join("release"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_minutes_and_targets_are_understood_and_nothing_else() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(parse(&words("")), Ok((1.0, TARGETS.to_vec())));
        assert_eq!(parse(&words("idx --minutes 0.5")), Ok((0.5, vec!["idx"])));
        assert!(parse(&words("--minutes")).is_err());
        assert!(parse(&words("--minutes none")).is_err());
        assert!(parse(&words("idle")).is_err());
    }
}
