//! Set-up: finds what a command needs on this machine, and installs what is missing.
//!
//! A tool that is on the PATH in the right version is used. What is missing is installed into the per-user [cache](crate::cache),
//! or, by root on Debian, as a system package. Nothing ever asks a question, and a machine that has everything is not touched.

use crate::cache;
use crate::process::{Result, which};

mod browser;
mod debian;
mod llvm;
mod node;
mod python;
mod toolchain;
mod tools;
mod webkit;

pub use browser::{Browser, firefox, headless_shell};
pub use llvm::Llvm;
pub use node::Node;
pub use python::python;
pub use toolchain::{Toolchain, host};
pub use tools::{Esbuild, RUNNER, Trunk, WasmBindgen, WasmOpt};
pub use webkit::WebKit;

/// The names of C++ compilers, as libFuzzer looks for them.
const CPP: [&str; 3] = ["c++", "g++", "clang++"];

/// How somebody installs a system package where we do not: packages are named as Debian names them.
fn advice(package: &str) -> String {
    let manager = MANAGERS.iter().find(|manager| which(manager.program).is_some());
    manager.map_or_else(|| format!("install it (Debian calls it {package})"), |manager| manager.advice(package))
}

/// What installs packages on one kind of system.
struct Manager {
    program: &'static str,
    command: &'static str,
    /// Its own names, where they are not Debian's.
    names: &'static [(&'static str, &'static str)],
}

const MANAGERS: [Manager; 5] = [
    Manager {
        program: "brew",
        command: "brew install",
        names: &[
            ("chromium", "--cask chromium"),
            ("chromium-driver", "--cask chromedriver"),
            ("firefox-esr", "--cask firefox"),
            ("nodejs npm", "node"),
            ("python3-venv", "python"),
        ],
    },
    Manager { program: "apt-get", command: "sudo apt-get install", names: &[] },
    Manager {
        program: "dnf",
        command: "sudo dnf install",
        names: &[
            ("chromium-driver", "chromedriver"),
            ("firefox-esr", "firefox"),
            ("nodejs npm", "nodejs"),
            ("xvfb", "xorg-x11-server-Xvfb"),
        ],
    },
    Manager {
        program: "pacman",
        command: "sudo pacman -S",
        names: &[("chromium-driver", "chromium"), ("firefox-esr", "firefox"), ("xvfb", "xorg-server-xvfb")],
    },
    Manager {
        program: "zypper",
        command: "sudo zypper install",
        names: &[
            ("chromium-driver", "chromedriver"),
            ("firefox-esr", "MozillaFirefox"),
            ("xvfb", "xorg-x11-server-Xvfb"),
        ],
    },
];

impl Manager {
    fn advice(&self, package: &str) -> String {
        let own = self.names.iter().find(|(debian, _)| *debian == package).map_or(package, |(_, own)| own);
        format!("run `{} {own}`", self.command)
    }
}

/// A C++ compiler, which libFuzzer is built by.
pub fn cpp() -> Result<()> {
    let is_there = || CPP.iter().any(|name| which(name).is_some());
    if !is_there() && debian::can_install() {
        let _held = cache::lock()?;
        debian::install(&["g++"], "builds libFuzzer", "1 minute")?;
    }
    if is_there() { Ok(()) } else { Err(format!("libFuzzer needs a C++ compiler: {}.", advice("g++"))) }
}

/// Announces an installation: what is missing, what it is for, and how long getting it usually takes.
fn announce(what: &str, purpose: &str, usually: &str) {
    eprintln!("  Installing {what} ({purpose}); this usually takes {usually} …");
}

#[cfg(test)]
mod tests {
    use super::MANAGERS;

    #[test]
    fn a_mac_and_other_linuxes_are_told_what_to_run() {
        let told = |program: &str, package: &str| {
            MANAGERS.iter().find(|manager| manager.program == program).unwrap().advice(package)
        };
        assert_eq!(told("brew", "chromium"), "run `brew install --cask chromium`");
        assert_eq!(told("dnf", "chromium-driver"), "run `sudo dnf install chromedriver`");
        assert_eq!(told("pacman", "lld"), "run `sudo pacman -S lld`");
    }
}
