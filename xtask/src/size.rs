//! What a visitor downloads until the first attack has been seen.

use crate::page;
use crate::process::{self, Result};
use crate::site;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, thread};

/// The pages, and the most that a first attack on each may download, gzip -9, in bytes.
const PAGES: [(&str, &str, usize); 2] = [("first attack", "", 250_000), ("lean embed", "embed.html", 200_000)];

/// The parts of the download, by the endings of their names; the last takes what is left.
const PARTS: [(&str, &[&str]); 6] = [
    ("page", &["html"]),
    ("styles", &["css"]),
    ("JavaScript", &["js"]),
    ("WebAssembly", &["wasm"]),
    ("network", &["safetensors"]),
    ("samples and icons", &[]),
];

/// Builds the site, loads its pages in Chromium until the first attack has settled, and prints what was asked for; fails above
/// a budget.
pub fn report(root: &Path) -> Result<()> {
    let dist = site::build(root)?;
    let mut failures = Vec::new();
    for (title, page, budget) in PAGES {
        let packed = table(root, &dist, title, page, budget)?;
        if packed > budget {
            failures.push(format!("The {title} downloads {packed} bytes, more than its budget of {budget}."));
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join(" ")) }
}

/// Prints the table of one page, and returns the size of all that it loads, packed.
fn table(root: &Path, dist: &Path, title: &str, page: &str, budget: usize) -> Result<usize> {
    let mut load = page::script(root, "first-load.mjs")?;
    let asked_for = process::output(load.arg(page))?;
    let files: Vec<&str> = asked_for.lines().collect();
    if files.is_empty() {
        return Err(format!("The {title} asked for nothing, so its size is not known."));
    }
    let mut parts = PARTS.map(|(part, _)| (part, 0, 0, 0));
    for file in files {
        let path = dist.join(file);
        let bytes = fs::read(&path).map_err(|error| format!("{} can't be read: {error}.", path.display()))?;
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let part = PARTS.iter().position(|(_, endings)| endings.contains(&ending)).unwrap_or(PARTS.len() - 1);
        let (_, count, raw, packed) = &mut parts[part];
        (*count, *raw, *packed) = (*count + 1, *raw + bytes.len(), *packed + gzip_size(&bytes)?);
    }
    let (count, raw, packed) =
        parts.iter().fold((0, 0, 0), |sum, part| (sum.0 + part.1, sum.1 + part.2, sum.2 + part.3));
    println!("| {title:<17} | files |   bytes | gzip -9 |");
    println!("|-------------------|------:|--------:|--------:|");
    for (part, count, raw, packed) in parts.into_iter().chain([("total", count, raw, packed)]) {
        println!("| {part:<17} | {count:>5} | {raw:>7} | {packed:>7} |");
    }
    println!("| budget            |       |         | {budget:>7} |\n");
    Ok(packed)
}

/// Prints every file of the site with its size.
pub fn list(dist: &Path) -> Result<()> {
    let unreadable = |error: std::io::Error| format!("{} can't be read: {error}.", dist.display());
    println!("{:<48} {:>9} {:>9}", "file", "bytes", "gzip -9");
    for file in site::files_in(dist).map_err(unreadable)? {
        let bytes = fs::read(dist.join(&file)).map_err(unreadable)?;
        println!("{:<48} {:>9} {:>9}", file.display(), bytes.len(), gzip_size(&bytes)?);
    }
    Ok(())
}

/// The size after `gzip -9`, as a host sends it.
fn gzip_size(bytes: &[u8]) -> Result<usize> {
    let failed = |error: io::Error| format!("`gzip -9` could not be run: {error}.");
    let mut gzip = Command::new("gzip");
    let mut child = gzip.arg("-9c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let input = child.stdin.take();
    let packed = thread::scope(|scope| {
        scope.spawn(move || input.map(|mut input| input.write_all(bytes)));
        child.wait_with_output()
    });
    packed.map(|done| done.stdout.len()).map_err(failed)
}
