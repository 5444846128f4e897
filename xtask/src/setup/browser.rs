//! Chromium, and the driver that wasm-bindgen's test runner steers it with; and Firefox, which needs none.

use super::{advice, debian};
use crate::cache;
use crate::process::{Result, is_executable, which};
use std::env;
use std::path::{Path, PathBuf};

const CHROME_NAMES: [&str; 5] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
/// Chromium without a window's trappings: the same engine for two thirds of the work.
const SHELL_NAMES: [&str; 2] = ["chromium-headless-shell", "chrome-headless-shell"];
const CHROME_APPS: [&str; 2] = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

const FIREFOX_NAMES: [&str; 2] = ["firefox-esr", "firefox"];
const FIREFOX_APP: &str = "/Applications/Firefox.app/Contents/MacOS/firefox";

/// Chromium and chromedriver.
pub struct Browser {
    pub chrome: PathBuf,
    pub driver: PathBuf,
}

impl Browser {
    pub fn find_or_install() -> Result<Self> {
        Ok(Self { chrome: chrome()?, driver: driver()? })
    }
}

/// `$CHROME`, or Chromium's headless shell on the PATH, or Debian's, or, where there is none, `otherwise`.
pub fn headless_shell(otherwise: PathBuf) -> Result<PathBuf> {
    let find = || SHELL_NAMES.iter().find_map(|name| which(name));
    if let Some(named) = named_by("CHROME")? {
        return Ok(named);
    }
    if find().is_none() && debian::can_install() {
        let _held = cache::lock()?;
        // Some releases have no such package.
        if let Err(sentence) = debian::install(&["chromium-headless-shell"], "a lighter browser for tests", "1 minute")
        {
            eprintln!("{sentence} The tests do with Chromium.");
        }
    }
    Ok(find().unwrap_or(otherwise))
}

/// `$CHROME`, or a Chromium or Chrome on the PATH or among macOS's applications, or Debian's.
fn chrome() -> Result<PathBuf> {
    let find = || {
        let apps = CHROME_APPS.iter().map(PathBuf::from).filter(|app| is_executable(app));
        CHROME_NAMES.iter().find_map(|name| which(name)).or_else(|| apps.into_iter().next())
    };
    named_by("CHROME")?.map_or_else(|| find_or_install(find, "chromium", "the browser that the tests run in"), Ok)
}

/// `$CHROMEDRIVER`, or a chromedriver on the PATH, or Debian's.
fn driver() -> Result<PathBuf> {
    named_by("CHROMEDRIVER")?
        .map_or_else(|| find_or_install(|| which("chromedriver"), "chromium-driver", "steers the browser"), Ok)
}

/// `$FIREFOX`, or a Firefox on the PATH or among macOS's applications, or Debian's.
pub fn firefox() -> Result<PathBuf> {
    let find = || {
        let app = Path::new(FIREFOX_APP);
        FIREFOX_NAMES.iter().find_map(|name| which(name)).or_else(|| is_executable(app).then(|| app.to_owned()))
    };
    named_by("FIREFOX")?.map_or_else(|| find_or_install(find, "firefox-esr", "the other browser that tests run in"), Ok)
}

fn named_by(variable: &str) -> Result<Option<PathBuf>> {
    match env::var_os(variable) {
        None => Ok(None),
        Some(path) if is_executable(Path::new(&path)) => Ok(Some(path.into())),
        Some(path) => Err(format!("{variable} names {}, which is not a program.", path.to_string_lossy())),
    }
}

fn find_or_install(find: impl Fn() -> Option<PathBuf>, package: &str, purpose: &str) -> Result<PathBuf> {
    if let Some(found) = find() {
        return Ok(found);
    }
    if debian::can_install() {
        let _held = cache::lock()?;
        debian::install(&[package], purpose, "1 minute")?;
    }
    find().ok_or_else(|| {
        let (what, variable) = match package {
            "chromium" => ("Chromium or Chrome", "CHROME"),
            "firefox-esr" => ("Firefox", "FIREFOX"),
            _ => ("the chromedriver of your browser's version", "CHROMEDRIVER"),
        };
        format!("The tests need {what}: {}, or set {variable} to it.", advice(package))
    })
}
