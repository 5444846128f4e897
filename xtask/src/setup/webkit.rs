//! Safari's engine, as tests drive it: WebKitGTK's small browser on a screen that nobody sees, or Safari itself.

use super::{advice, debian};
use crate::cache;
use crate::process::{self, Result, which};
use std::path::PathBuf;
use std::process::Command;

const DRIVER: &str = "WebKitWebDriver";
const SCREEN: &str = "Xvfb";
/// Their packages, as Debian names them.
const PACKAGES: [&str; 2] = ["webkit2gtk-driver", "xvfb"];

/// What starts a WebKit.
pub enum WebKit {
    /// The driver, which finds the browser, and the screen.
    Gtk { driver: PathBuf, screen: PathBuf },
    /// The driver.
    Safari(PathBuf),
}

impl WebKit {
    /// A Mac's Safari, or WebKitGTK on the PATH, or Debian's; an error says why there is none.
    pub fn find_or_install() -> Result<Self> {
        if let Some(driver) = which("safaridriver") {
            return safari(driver);
        }
        if Self::gtk().is_none() && debian::can_install() {
            let _held = cache::lock()?;
            debian::install(&PACKAGES, "Safari's engine, and a screen for it", "1 minute")?;
        }
        Self::gtk().ok_or_else(|| {
            let wanted = PACKAGES.map(advice).join(" and ");
            format!("WebKit needs {DRIVER} and {SCREEN}: {wanted}.")
        })
    }

    fn gtk() -> Option<Self> {
        Some(Self::Gtk { driver: which(DRIVER)?, screen: which(SCREEN)? })
    }

    /// Tells a script of tests/page what to start.
    pub fn tell(&self, script: &mut Command) {
        match self {
            Self::Gtk { driver, screen } => script.env("WEBKITDRIVER", driver).env("XVFB", screen),
            Self::Safari(driver) => script.env("SAFARIDRIVER", driver),
        };
    }

    /// How many can run beside each other: there is one Safari.
    pub fn most(&self) -> usize {
        if matches!(self, Self::Gtk { .. }) { 2 } else { 1 }
    }
}

/// Safari takes orders only where its user has allowed that.
fn safari(driver: PathBuf) -> Result<WebKit> {
    let is_allowed =
        process::output(Command::new("defaults").args(["read", "com.apple.Safari", "AllowRemoteAutomation"]));
    if is_allowed.is_ok_and(|said| said == "1") {
        return Ok(WebKit::Safari(driver));
    }
    Err("Safari takes no orders from tests here: run `safaridriver --enable`.".to_owned())
}
