//! LLVM's tools that read what instrumented programs counted.

use super::debian;
use crate::cache;
use crate::process::{self, Result, is_executable, which};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's package; it reads what newer compilers write, too.
const PACKAGE: &str = "llvm-22";
/// Older ones do not know the counters of today's compilers.
const VERSIONS: std::ops::RangeInclusive<u32> = 19..=40;

/// `llvm-profdata` and `llvm-cov`.
pub struct Llvm {
    pub profdata: PathBuf,
    pub cov: PathBuf,
}

impl Llvm {
    /// Those of the compiler, if rustup's component is there, or of the newest LLVM on the PATH, or Debian's.
    pub fn find_or_install() -> Result<Self> {
        if let Some(found) = Self::find() {
            return Ok(found);
        }
        if debian::can_install() {
            let _held = cache::lock()?;
            debian::install(&[PACKAGE], "counts the lines that tests run", "1 minute")?;
        }
        Self::find().ok_or_else(|| {
            "Coverage needs llvm-profdata and llvm-cov: run `rustup component add llvm-tools`, or install LLVM 19 or newer."
                .to_owned()
        })
    }

    fn find() -> Option<Self> {
        let named = VERSIONS.rev().map(|version| format!("-{version}")).chain([String::new()]);
        of_the_compiler()
            .into_iter()
            .find_map(|folder| Self::of(|tool| in_folder(&folder, tool)))
            .or_else(|| named.into_iter().find_map(|suffix| Self::of(|tool| new_enough(&format!("{tool}{suffix}")))))
    }

    fn of(find: impl Fn(&str) -> Option<PathBuf>) -> Option<Self> {
        Some(Self { profdata: find("llvm-profdata")?, cov: find("llvm-cov")? })
    }
}

/// A tool on the PATH, unless it is of an older LLVM.
fn new_enough(tool: &str) -> Option<PathBuf> {
    let path = which(tool)?;
    let said = process::output(Command::new(&path).arg("--version")).ok()?;
    let version = said.split("version ").nth(1)?.split('.').next()?.parse().ok()?;
    VERSIONS.contains(&version).then_some(path)
}

fn in_folder(folder: &Path, tool: &str) -> Option<PathBuf> {
    let path = folder.join(tool);
    is_executable(&path).then_some(path)
}

/// The folders of the active compiler that hold its own tools, one for each of its hosts.
fn of_the_compiler() -> Vec<PathBuf> {
    let Ok(sysroot) = process::output(Command::new("rustc").args(["--print", "sysroot"])) else { return Vec::new() };
    let hosts = fs::read_dir(Path::new(&sysroot).join("lib/rustlib")).into_iter().flatten().flatten();
    hosts.map(|host| host.path().join("bin")).collect()
}
