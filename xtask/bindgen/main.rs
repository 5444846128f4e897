//! `wasm-bindgen` without the test runner that its own package brings, and with as much of its command line as building the
//! site uses, by `xtask` and by Trunk.

use anyhow::{Context, Result, bail};
use std::env;
use wasm_bindgen_cli_support::Bindgen;

/// `FILE.wasm --target web --out-dir DIR [--out-name NAME] [--no-typescript]`, values after a space or `=`; or `--version`.
fn main() -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.web(true)?.typescript(true);
    let mut folder = None;
    let mut words = env::args().skip(1).flat_map(|word| match word.split_once('=') {
        Some((option, value)) if option.starts_with("--") => vec![option.to_owned(), value.to_owned()],
        _ => vec![word],
    });
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} lacks its value"));
        match word.as_str() {
            "--version" => {
                println!("wasm-bindgen {}", env!("CARGO_PKG_VERSION"));
                return Ok(());
            }
            "--target" if value()? == "web" => {}
            "--out-dir" => folder = Some(value()?),
            "--out-name" => drop(bindgen.out_name(&value()?)),
            "--no-typescript" => drop(bindgen.typescript(false)),
            file if !file.starts_with('-') => drop(bindgen.input_path(file)),
            other => bail!("{other} means nothing here; the package wasm-bindgen-cli may know it"),
        }
    }
    bindgen.generate(folder.context("--out-dir is missing")?)
}
