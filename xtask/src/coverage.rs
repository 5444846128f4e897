//! Which lines of the core the native tests run.

use crate::process::{self, Result, run};
use crate::setup::{Llvm, python};
use crate::{cache, test};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};

/// The least share of the core's lines, in percent.
const LEAST: f64 = 95.0;

/// What is not the core: the laboratory and the command line, which work for hours; and what only runs in a browser.
const APART: [&str; 4] = ["lab", "lab.rs", "bin", "web"];

/// What is tested.
const WHOLE: [&str; 7] = ["--workspace", "--exclude", "xtask", "--lib", "--bins", "--tests", "--no-fail-fast"];

/// Says to a run of this program that it stands between cargo and the compiler.
const WRAPPER: &str = "POCKETS_COVERAGE";

/// Where cargo calls this program instead of the compiler, calls that, with counters put into our own crates and no others.
pub fn as_compiler(arguments: &[String]) -> Option<ExitCode> {
    env::var_os(WRAPPER)?;
    let (rustc, rest) = arguments.split_first()?;
    let status = Command::new(rustc).args(rest).arg("-Cinstrument-coverage").status();
    Some(if status.is_ok_and(|status| status.success()) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is tested in brief, to see that lines are counted at all: nothing that has to be compiled for long.
const BRIEF: [&str; 7] = ["--package", "pockets", "--no-default-features", "--features", "sections", "--test", "idx"];

/// Runs the native tests and prints, for each file of the core, how many of its lines were run; fails where too few were.
pub fn coverage(root: &Path, options: &[String]) -> Result<()> {
    let is_brief = match options {
        [] => false,
        [brief] if brief == "--brief" => true,
        _ => return Err("coverage has only the option --brief.".to_owned()),
    };
    let llvm = Llvm::find_or_install()?;
    let folder = root.join("target/coverage");
    let counts = folder.join("counts");
    cache::remove(&counts).map_err(|error| format!("{} can't be removed: {error}.", counts.display()))?;
    let wrapper = env::current_exe().map_err(|error| format!("This program can't find itself: {error}."))?;
    let tests = || -> Result<Command> {
        let mut tests = test::cargo(root);
        tests
            .arg("test")
            // Examples in the documentation are linked without what counts.
            .args(if is_brief { &BRIEF[..] } else { &WHOLE[..] })
            .env("POCKETS_PYTHON", python(root)?);
        tests.env("RUSTC_WORKSPACE_WRAPPER", &wrapper).env(WRAPPER, "1");
        // One file for each program, and few of them, which runs at the same time share.
        tests.env("LLVM_PROFILE_FILE", counts.join("%4m.profraw"));
        // Not among the others: the library's file has one name, whatever it was compiled with.
        tests.env("CARGO_TARGET_DIR", folder.join("build"));
        Ok(tests)
    };
    let mut compile = tests()?;
    let said = process::output(compile.args(["--no-run", "--message-format=json"]).stderr(Stdio::inherit()))?;
    let programs: Vec<PathBuf> = said.lines().filter_map(executable).collect();
    let tested = run(&mut tests()?, "A native test");

    let counted = counts.join("all.profdata");
    let mut merge = Command::new(&llvm.profdata);
    merge.args(["merge", "--sparse", "-o"]).arg(&counted);
    let files = fs::read_dir(&counts).map_err(|error| format!("{} can't be read: {error}.", counts.display()))?;
    merge.args(
        files.flatten().map(|file| file.path()).filter(|file| file.extension().is_some_and(|end| end == "profraw")),
    );
    run(&mut merge, "Merging what was counted")?;
    let mut export = Command::new(&llvm.cov);
    export.args(["export", "--summary-only"]).arg(format!("--instr-profile={}", counted.display()));
    for program in &programs {
        export.arg("--object").arg(program);
    }
    let summary = serde_json::from_str(&process::output(&mut export)?)
        .map_err(|error| format!("What llvm-cov says can't be read: {error}."))?;
    report(&lines_of(&summary, &root.join("src")), if is_brief { 0.0 } else { LEAST })?;
    tested
}

/// The program that a line of cargo's says it has made.
fn executable(line: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    message["executable"].as_str().map(PathBuf::from)
}

/// A file of the core, how many of its lines do something, and how many of those were run.
struct Lines {
    file: PathBuf,
    all: u64,
    run: u64,
}

fn lines_of(summary: &serde_json::Value, source: &Path) -> Vec<Lines> {
    let files = summary["data"][0]["files"].as_array().map_or(&[][..], Vec::as_slice);
    let core = files.iter().filter_map(|entry| {
        let file = Path::new(entry["filename"].as_str()?).strip_prefix(source).ok()?;
        let first = file.components().next()?.as_os_str().to_string_lossy();
        let lines = &entry["summary"]["lines"];
        let (all, run) = (lines["count"].as_u64()?, lines["covered"].as_u64()?);
        (!APART.contains(&&*first)).then(|| Lines { file: file.to_owned(), all, run })
    });
    core.collect()
}

fn report(files: &[Lines], least: f64) -> Result<()> {
    let percent = |run: u64, all: u64| 100.0 * run as f64 / all.max(1) as f64;
    println!("{:<44} {:>6} {:>6} {:>7}", "file", "lines", "run", "%");
    for Lines { file, all, run } in files {
        println!("{:<44} {all:>6} {run:>6} {:>7.1}", file.display(), percent(*run, *all));
    }
    let (all, run) = files.iter().fold((0, 0), |(all, run), lines| (all + lines.all, run + lines.run));
    println!("{:<44} {all:>6} {run:>6} {:>7.1}", "the core", percent(run, all));
    if all == 0 || percent(run, all) < least {
        return Err(format!("Less than {least} % of the core's lines are run by a test."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_is_counted_without_the_laboratory_and_too_little_fails() {
        let entry = |file: &str, covered: u64| serde_json::json!({ "filename": file, "summary": { "lines": { "count": 100, "covered": covered } } });
        let files = [entry("/p/src/lbfgs.rs", 97), entry("/p/src/lab/train.rs", 3), entry("/p/tests/lbfgs.rs", 100)];
        let summary = serde_json::json!({ "data": [{ "files": files }] });
        let core = lines_of(&summary, Path::new("/p/src"));
        assert_eq!(core.len(), 1);
        assert!(report(&core, LEAST).is_ok());
        assert!(report(&[Lines { file: "lbfgs.rs".into(), all: 100, run: 94 }], LEAST).is_err());
        assert!(report(&[], LEAST).is_err());
    }
}
