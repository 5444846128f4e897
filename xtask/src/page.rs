//! Scripts that drive the finished page in Chromium: tests/page.

use crate::process::Result;
use crate::setup::{Browser, Node};
use crate::site;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the page's tests and scripts.
pub fn folder(root: &Path) -> PathBuf {
    root.join("tests/page")
}

/// Node.js with the modules of tests/page, told where the browser and the site are.
pub fn node(root: &Path) -> Result<Command> {
    let node = Node::find_or_install()?;
    node.install_modules(&folder(root))?;
    let browser = Browser::find_or_install()?;
    let mut command = Command::new(&node.node);
    command.current_dir(root).env("CHROME", browser.chrome).env("POCKETS_DIST", site::folder(root));
    Ok(command)
}

/// A script of tests/page.
pub fn script(root: &Path, name: &str) -> Result<Command> {
    let mut command = node(root)?;
    command.arg(folder(root).join(name));
    Ok(command)
}
