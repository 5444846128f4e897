//! The package for npm: `cargo xtask npm`.

use crate::files::files_in;
use crate::modules::{Imports, imported};
use crate::process::Result;
use crate::supply::NOTICE;
use crate::{cache, site};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Where the element, its Worker and the search as functions begin; what they import goes into the package, and nothing else of
/// the page.
const ENTRIES: [&str; 3] = ["element.js", "worker.js", "client.js"];

/// The demo's module and the larger one; and that one's Worker.
const MODULES: [&str; 5] =
    ["pockets.js", "pockets_bg.wasm", "sections.js", "sections_bg.wasm", "www/explore/worker.js"];

/// The folder of the finished package.
pub fn folder(root: &Path) -> PathBuf {
    root.join("target/npm/pockets-demo")
}

/// Builds the site, and from it the package.
pub fn report(root: &Path) -> Result<()> {
    site::build(root)?;
    let package = make(root)?;
    println!("The package is in {}; `npm pack` makes an archive of it.", package.display());
    Ok(())
}

/// Makes the package from the finished site.
pub fn make(root: &Path) -> Result<PathBuf> {
    let package = folder(root);
    fill(root, &package)
        .map_err(|error| format!("The npm package in {} can't be made: {error}.", package.display()))?;
    Ok(package)
}

fn fill(root: &Path, package: &Path) -> io::Result<()> {
    let dist = site::folder(root);
    let version = fs::read_dir(&dist)?.flatten().map(|entry| entry.path()).find(|path| path.is_dir());
    let version = version.ok_or_else(|| io::Error::other(format!("{} holds no version", dist.display())))?;
    cache::remove(package)?;
    let copy = |from: PathBuf, name: &str| {
        let to = package.join(name);
        to.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::copy(&from, to).map(drop).map_err(|error| io::Error::other(format!("{}: {error}", from.display())))
    };
    for entry in fs::read_dir(root.join("npm"))?.flatten() {
        copy(entry.path(), &entry.file_name().to_string_lossy())?;
    }
    for name in MODULES {
        copy(version.join(name), name)?;
    }
    for name in imported(&version.join("www"), &ENTRIES, Imports::All)? {
        copy(version.join("www").join(&name), &format!("www/{name}"))?;
    }
    for name in ["www/protocol.d.ts", "www/digits/samples.json", NOTICE] {
        copy(version.join(name), name)?;
    }
    for name in files_in(&version.join("www/networks"))? {
        copy(version.join("www/networks").join(&name), &format!("www/networks/{}", name.display()))?;
    }
    for license in ["LICENSE-MIT", "LICENSE-APACHE"] {
        if root.join(license).exists() {
            copy(root.join(license), license)?;
        }
    }
    let manifest = package.join("package.json");
    let text = fs::read_to_string(&manifest)?;
    fs::write(&manifest, text.replace("\"0.0.0\"", &serde_json::json!(crate_version(root)?).to_string()))
}

/// The version in Cargo.toml.
fn crate_version(root: &Path) -> io::Result<String> {
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let line = manifest.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    line.map(str::to_owned).ok_or_else(|| io::Error::other("Cargo.toml names no version"))
}
