//! Debian's packages, where we are root and may install them.

use crate::cache;
use crate::process::{self, Result, run_logged, which};
use crate::setup::announce;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

/// Whether packages can be installed here without asking anyone.
pub fn can_install() -> bool {
    Path::new("/etc/debian_version").exists()
        && which("apt-get").is_some()
        && process::output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

/// Installs packages, after fetching the package lists once per run.
pub fn install(packages: &[&str], purpose: &str, usually: &str) -> Result<()> {
    static LISTS_ARE_NEW: Mutex<bool> = Mutex::new(false);
    announce(&format!("Debian's {}", packages.join(", ")), purpose, usually);
    let mut lists_are_new = LISTS_ARE_NEW.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if !*lists_are_new {
        let mut update = apt();
        run_logged(update.args(["update", "-q"]), "Fetching Debian's package lists", &cache::log("apt-update")?)?;
        *lists_are_new = true;
    }
    let mut install = apt();
    install.args(["install", "-y", "-q", "--no-install-recommends"]).args(packages);
    run_logged(&mut install, &format!("Installing {}", packages.join(", ")), &cache::log("apt-install")?)
}

fn apt() -> Command {
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive").args(["-o", "DPkg::Lock::Timeout=300"]);
    apt
}
