//! What a visitor downloads until the first attack has been seen.

use crate::files::{files_in, unreadable};
use crate::page;
use crate::process::{self, Result};
use crate::site;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, thread};

/// The pages, and the most that a first attack on each may download, gzip -9, in bytes.
const PAGES: [(&str, &str, usize); 2] = [("first attack", "", 150_000), ("lean embed", "embed.html", 150_000)];

/// Where the tables are shown, and between which marks.
const DOCUMENTS: [&str; 2] = ["README.md", "docs/embedding.md"];
const MARKS: [&str; 2] = ["<!-- size -->", "<!-- /size -->"];

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
    measure(root).map(drop)
}

/// The same, and puts the tables between the marks in the documents.
pub fn write(root: &Path) -> Result<()> {
    let tables = measure(root)?;
    for file in DOCUMENTS {
        let path = root.join(file);
        let failed = |error: io::Error| format!("{} can't be changed: {error}.", path.display());
        let text = fs::read_to_string(&path).map_err(failed)?;
        let (before, rest) = text.split_once(MARKS[0]).ok_or_else(|| format!("{file} has no {}.", MARKS[0]))?;
        let (_, after) = rest.split_once(MARKS[1]).ok_or_else(|| format!("{file} has no {}.", MARKS[1]))?;
        fs::write(&path, format!("{before}{}\n\n{tables}{}{after}", MARKS[0], MARKS[1])).map_err(failed)?;
    }
    Ok(())
}

fn measure(root: &Path) -> Result<String> {
    let dist = site::build(root)?;
    let mut failures = Vec::new();
    let mut tables = String::new();
    for (title, page, budget) in PAGES {
        let (table, packed) = table(root, &dist, title, page, budget)?;
        println!("{table}");
        tables += &format!("{table}\n");
        if packed > budget {
            failures.push(format!("The {title} downloads {packed} bytes, more than its budget of {budget}."));
        }
    }
    let modules = modules(&dist)?;
    println!("{modules}");
    tables += &format!("{modules}\n");
    if failures.is_empty() { Ok(tables) } else { Err(failures.join(" ")) }
}

/// What else is fetched in one piece when it is asked for: the end of a file's name, and what it is.
const PIECES: [(&str, &str); 6] = [
    ("pockets_bg.wasm", "the demo"),
    ("sections_bg.wasm", "the sections"),
    ("feed_bg.wasm", "the trainer"),
    ("import_bg.wasm", "files of others"),
    ("train-10000.bin", "its digits"),
    ("test-10000.bin", "those it is judged by"),
];

/// The table of the WebAssembly modules, and of the digits that the trainer's comes with.
fn modules(dist: &Path) -> Result<String> {
    let unreadable = |error: io::Error| unreadable(dist, &error);
    let mut table =
        "| module, digits        |   bytes | gzip -9 |\n|-----------------------|--------:|--------:|\n".to_owned();
    let files = files_in(dist).map_err(unreadable)?;
    for (name, what) in PIECES {
        let is_it = |file: &&PathBuf| file.file_name().is_some_and(|found| found == name);
        let file = files.iter().find(is_it).ok_or(format!("There is no {name}."))?;
        let bytes = fs::read(dist.join(file)).map_err(unreadable)?;
        table += &format!("| {what:<21} | {:>7} | {:>7} |\n", bytes.len(), gzip_size(&bytes)?);
    }
    Ok(table)
}

/// The table of one page, and the size of all that it loads, packed.
fn table(root: &Path, dist: &Path, title: &str, page: &str, budget: usize) -> Result<(String, usize)> {
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
    let mut table =
        format!("| {title:<17} | files |   bytes | gzip -9 |\n|-------------------|------:|--------:|--------:|\n");
    for (part, count, raw, packed) in parts.into_iter().chain([("total", count, raw, packed)]) {
        table += &format!("| {part:<17} | {count:>5} | {raw:>7} | {packed:>7} |\n");
    }
    table += &format!("| budget            |       |         | {budget:>7} |\n");
    Ok((table, packed))
}

/// Prints every file of the site with its size.
pub fn list(dist: &Path) -> Result<()> {
    let unreadable = |error: io::Error| unreadable(dist, &error);
    println!("{:<48} {:>9} {:>9}", "file", "bytes", "gzip -9");
    for file in files_in(dist).map_err(unreadable)? {
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
