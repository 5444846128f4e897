//! Python, with the packages of tests/python: other people's readers, which our files are judged by.

use super::{advice, announce, debian};
use crate::cache;
use crate::process::{Result, run_logged, which};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A Python that has what tests/python/requirements.txt names.
pub fn python(root: &Path) -> Result<PathBuf> {
    let requirements = root.join("tests/python/requirements.txt");
    let wanted =
        fs::read(&requirements).map_err(|error| format!("{} can't be read: {error}.", requirements.display()))?;
    let place = cache::folder()?.join("tools").join(format!("python-{:x}", md5::compute(wanted)));
    let python = place.join("bin/python");
    if python.exists() {
        return Ok(python);
    }
    let held = cache::lock()?;
    let base = base()?;
    announce("Python's safetensors", "reads what the page lets visitors download", "20 seconds");
    cache::install(&held, &place, |part| {
        let log = cache::log("python")?;
        run_logged(Command::new(&base).args(["-m", "venv"]).arg(part), "Making a place for Python's packages", &log)?;
        let mut pip = Command::new(part.join("bin/python"));
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", "-r"]).arg(&requirements);
        run_logged(&mut pip, "Installing Python's safetensors", &log)
    })?;
    Ok(python)
}

/// A Python 3 that can make places for packages: on Debian that is a package of its own.
fn base() -> Result<PathBuf> {
    let find = || which("python3").filter(|python| makes_places(python));
    if find().is_none() && debian::can_install() {
        debian::install(&["python3", "python3-venv"], "judges the files that visitors download", "30 seconds")?;
    }
    find().ok_or_else(|| format!("Python 3 with its module venv is needed: {}.", advice("python3-venv")))
}

fn makes_places(python: &Path) -> bool {
    Command::new(python).args(["-c", "import ensurepip, venv"]).output().is_ok_and(|done| done.status.success())
}
