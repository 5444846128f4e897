//! Node.js, npm, and the modules that the page tests use.

use super::{advice, announce, debian};
use crate::cache;
use crate::process::{self, Result, run_logged, which};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest major version whose test runner and modules ours work with.
const OLDEST: u32 = 18;

/// Node.js and npm.
pub struct Node {
    pub node: PathBuf,
    pub npm: PathBuf,
}

impl Node {
    pub fn find_or_install() -> Result<Self> {
        if let Some(found) = Self::find() {
            return Ok(found);
        }
        if debian::can_install() {
            debian::install(&["nodejs", "npm"], "runs the page tests", "1 minute")?;
        }
        Self::find().ok_or_else(|| {
            format!(
                "Node.js {OLDEST} or newer, with npm, is needed: {}, or install it from https://nodejs.org.",
                advice("nodejs npm")
            )
        })
    }

    fn find() -> Option<Self> {
        let found = Self { node: which("node")?, npm: which("npm")? };
        let version = process::output(Command::new(&found.node).arg("--version")).ok()?;
        let major: u32 = version.trim_start_matches('v').split('.').next()?.parse().ok()?;
        (major >= OLDEST).then_some(found)
    }

    /// Installs the modules that `folder/package-lock.json` names, unless they are there already.
    pub fn install_modules(&self, folder: &Path) -> Result<()> {
        let lock_file = folder.join("package-lock.json");
        let lock = fs::read(&lock_file).map_err(|error| format!("{} can't be read: {error}.", lock_file.display()))?;
        let wanted = format!("{:x}", md5::compute(&lock));
        // Written last: a killed `npm ci` is not taken for whole.
        let mark = folder.join("node_modules/.installed-from");
        let is_installed = || fs::read_to_string(&mark).is_ok_and(|found| found == wanted);
        if is_installed() {
            return Ok(());
        }
        let _held = cache::lock()?;
        if is_installed() {
            return Ok(());
        }
        announce("npm modules", "drive the browser and check types", "10 seconds");
        let mut npm = Command::new(&self.npm);
        npm.current_dir(folder).args(["ci", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"]);
        run_logged(&mut npm, "Installing the npm modules", &cache::log("npm")?)?;
        fs::write(&mark, wanted).map_err(|error| format!("{} can't be written: {error}.", mark.display()))
    }
}
