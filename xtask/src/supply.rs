//! What others wrote and we pass on: which crates there are, under which licences, and the notice that goes with the module.
//!
//! Read from `cargo metadata`, in a second; cargo-deny asks the same questions and takes minutes to compile.

use crate::files::files_in;
use crate::process::{self, Result};
use crate::wasm::MODULES;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// Licences that ask for no more than their text.
const ALLOWED: [&str; 12] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];
/// Named nowhere in our code: it is there for its features.
const FOR_FEATURES: [&str; 2] = ["getrandom", "plotters-svg"];
/// Ours, whose words are everybody's but for one line.
const MIT: &str = include_str!("../../LICENSE-MIT");
/// The notice's name in the finished site.
pub const NOTICE: &str = "licences.txt";

/// A crate as `cargo metadata` tells of it.
struct Crates(Value);

/// Every crate is from the registry, under a licence that we may pass on; the demo's module has none twice; and each that we name is used.
pub fn check(root: &Path) -> Result<()> {
    let all = Crates::read(root, &[])?;
    let mut wrong = Vec::new();
    for package in all.packages() {
        let (name, licence) = (name_of(package), package["license"].as_str().unwrap_or_default());
        if !is_allowed(licence) {
            wrong.push(format!("{name} is under “{licence}”, which is not among those that we pass on"));
        }
        if package["source"].as_str().is_some_and(|source| !source.starts_with("registry+")) {
            wrong.push(format!("{name} comes from no registry of crates"));
        }
    }
    let shipped = Crates::of_the_page(root, "")?.shipped();
    let mut names = BTreeSet::new();
    let twice = shipped.iter().filter(|package| !names.insert(package["name"].as_str().unwrap_or_default()));
    wrong.extend(twice.map(|package| format!("{} is in the demo's module in another version, too", name_of(package))));
    for package in all.packages().filter(|package| package["source"].is_null()) {
        wrong.extend(unused(package));
    }
    println!("{} crates, {} of them in the demo's module.", all.packages().count(), shipped.len());
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}.", wrong.join(".\n"))) }
}

/// The licences of everything that is compiled into the page's modules, each text once.
pub fn notice(root: &Path) -> Result<String> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let features = MODULES.map(|module| module.library_feature()).join(" ");
    for package in Crates::of_the_page(root, &features)?.shipped() {
        let text =
            text_of(&package).ok_or_else(|| format!("{} comes without its licence's text.", name_of(&package)))?;
        let licence = package["license"].as_str().unwrap_or_default();
        texts.entry(text).or_default().push(format!("{} ({licence})", name_of(&package)));
    }
    let mut notice = String::from(
        "Pockets is under MIT or Apache-2.0, as you like. Its WebAssembly modules contain code of these crates, and of Rust's standard\n\
         library (MIT or Apache-2.0, The Rust Project Developers). The networks were trained on MNIST, and the sample digits are drawn\n\
         after it (Yann LeCun, Corinna Cortes, Christopher J. C. Burges; CC BY-SA 3.0, https://creativecommons.org/licenses/by-sa/3.0/).\n",
    );
    for (text, crates) in texts {
        let line = "-".repeat(80);
        notice.push_str(&format!("\n{line}\n{}\n{line}\n\n{}\n", crates.join(", "), text.trim()));
    }
    Ok(notice)
}

impl Crates {
    fn read(root: &Path, options: &[&str]) -> Result<Self> {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo.current_dir(root).args(["metadata", "--format-version", "1", "--locked"]).args(options);
        let said = process::output(&mut cargo)?;
        serde_json::from_str(&said).map(Crates).map_err(|error| format!("cargo's metadata can't be read: {error}."))
    }

    /// As a module of the page is compiled.
    fn of_the_page(root: &Path, features: &str) -> Result<Self> {
        let platform = ["--filter-platform", "wasm32-unknown-unknown"];
        Self::read(root, &[&platform[..], &["--no-default-features", "--features", features]].concat())
    }

    fn packages(&self) -> impl Iterator<Item = &Value> {
        self.0["packages"].as_array().into_iter().flatten()
    }

    /// What `pockets` is compiled with, in order of names; macros run in the compiler alone.
    fn shipped(&self) -> Vec<Value> {
        let package = |id: &str| self.packages().find(|package| package["id"] == id);
        let nodes = || self.0["resolve"]["nodes"].as_array().into_iter().flatten();
        let own = self.packages().find(|package| package["name"] == "pockets");
        let mut waiting: Vec<&str> = own.and_then(|own| own["id"].as_str()).into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(id) = waiting.pop() {
            if package(id).is_none_or(is_macro) || !seen.insert(id) {
                continue;
            }
            let node = nodes().find(|node| node["id"] == id);
            for dependency in node.and_then(|node| node["deps"].as_array()).into_iter().flatten() {
                let kinds = dependency["dep_kinds"].as_array();
                if kinds.into_iter().flatten().any(|kind| kind["kind"].is_null()) {
                    waiting.extend(dependency["pkg"].as_str());
                }
            }
        }
        let mut shipped: Vec<Value> = seen.iter().filter_map(|id| package(id).cloned()).collect();
        shipped.retain(|package| package["name"] != "pockets");
        shipped.sort_by_key(name_of);
        shipped
    }
}

fn name_of(package: &Value) -> String {
    format!("{} {}", package["name"].as_str().unwrap_or_default(), package["version"].as_str().unwrap_or_default())
}

fn is_macro(package: &Value) -> bool {
    let kinds = package["targets"].as_array().into_iter().flatten().filter_map(|target| target["kind"].as_array());
    kinds.flatten().any(|kind| kind == "proc-macro")
}

/// The text of the licence that we take a crate under: MIT's where it is offered, else all that there is.
fn text_of(package: &Value) -> Option<String> {
    let folder = Path::new(package["manifest_path"].as_str()?).parent()?;
    let named = |file: &Path| file.file_name().map(|name| name.to_string_lossy().to_uppercase()).unwrap_or_default();
    let mut files: Vec<_> = fs::read_dir(folder).ok()?.flatten().map(|file| file.path()).collect();
    files.retain(|file| {
        file.is_file() && ["LICENSE", "LICENCE", "COPYING", "NOTICE"].iter().any(|start| named(file).starts_with(start))
    });
    files.sort();
    if let Some(mit) = files.iter().find(|file| named(file).contains("MIT")) {
        files = vec![mit.clone()];
    }
    let texts: Vec<String> = files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect();
    if texts.is_empty() { written_out(package) } else { Some(texts.join("\n\n")) }
}

/// MIT's text in the name of the authors, for a crate that offers the licence and forgets the file.
fn written_out(package: &Value) -> Option<String> {
    let offers = package["license"].as_str()?.split(['/', ' ']).any(|word| word == "MIT");
    let authors =
        package["authors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    let owner = if authors.is_empty() { format!("the authors of {}", package["name"].as_str()?) } else { authors };
    let line =
        |line: &str| if line.starts_with("Copyright") { format!("Copyright (c) {owner}") } else { line.to_owned() };
    offers.then(|| MIT.lines().map(line).collect::<Vec<_>>().join("\n"))
}

/// Dependencies of one of our packages that none of its files name.
fn unused(package: &Value) -> Vec<String> {
    let Some(folder) = package["manifest_path"].as_str().and_then(|path| Path::new(path).parent()) else {
        return Vec::new();
    };
    let places = ["src", "tests", "benches", "examples"].map(|place| folder.join(place));
    let sources: Vec<String> = places
        .iter()
        .filter_map(|place| Some((place, files_in(place).ok()?)))
        .flat_map(|(place, files)| files.into_iter().map(|file| place.join(file)))
        .filter_map(|file| fs::read_to_string(file).ok())
        .collect();
    let is_named = |name: &str| sources.iter().any(|source| source.contains(&format!("{}::", name.replace('-', "_"))));
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    let names = dependencies.filter_map(|dependency| dependency["rename"].as_str().or(dependency["name"].as_str()));
    names
        .filter(|name| !FOR_FEATURES.contains(name) && !is_named(name))
        .map(|name| format!("{} does not use {name}", name_of(package)))
        .collect()
}

/// Whether a licence expression (SPDX; old ones have `/` for `OR`) can be met from those allowed.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    !words.is_empty() && any_of(&mut rest) && rest.is_empty()
}

fn any_of(rest: &mut &[&str]) -> bool {
    let mut met = all_of(rest);
    while rest.first() == Some(&"OR") {
        *rest = &rest[1..];
        met |= all_of(rest);
    }
    met
}

fn all_of(rest: &mut &[&str]) -> bool {
    let mut met = one(rest);
    while rest.first() == Some(&"AND") {
        *rest = &rest[1..];
        met &= one(rest);
    }
    met
}

fn one(rest: &mut &[&str]) -> bool {
    match rest {
        ["(", inner @ ..] => {
            *rest = inner;
            let met = any_of(rest);
            *rest = rest.get(1..).unwrap_or_default();
            met
        }
        [licence, "WITH", exception, after @ ..] => {
            let name = format!("{licence} WITH {exception}");
            *rest = after;
            ALLOWED.contains(&name.as_str())
        }
        [licence, after @ ..] => {
            let met = ALLOWED.contains(licence);
            *rest = after;
            met
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_is_allowed_where_one_that_is_can_be_chosen() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR GPL-3.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR X",
        ] {
            assert!(is_allowed(good), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR X) AND (Y OR Z)", "MIT )"] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }

    #[test]
    fn the_notice_names_what_the_module_is_made_of() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let notice = notice(root).unwrap();
        for name in ["wasm-bindgen 0.2", "rand_pcg", "libm", "candle-core", "Permission is hereby granted"] {
            assert!(notice.contains(name), "{name}");
        }
        assert!(!notice.contains("proptest"), "that only tests");
    }
}
