//! The search's speed in the browser, on the shipped page.

use crate::process::{self, Result};
use crate::setup::Node;
use crate::{page, site, test};
use serde_json::{Map, Value};
use std::path::Path;
use std::process::Command;

/// What the JSON object has; the table has more.
const FIGURES: [&str; 6] =
    ["eval_us", "roofline_us", "search_ms", "search_evaluations", "nine_ms", "stroke_to_paint_ms"];

/// Takes too little time for its figures to mean anything: it is only seen that it runs.
const BRIEF: &str = "--brief";

/// `--json`, `--hardening` or `--training`, and with each of them, or none, [`BRIEF`].
pub fn bench(root: &Path, options: &[String]) -> Result<()> {
    let mut words: Vec<&str> = options.iter().map(String::as_str).collect();
    words.retain(|word| *word != BRIEF);
    let brief = (words.len() < options.len()).then_some(BRIEF);
    match words.as_slice() {
        [] => report(root, false, brief),
        ["--json"] => report(root, true, brief),
        ["--hardening"] => report_hardening(root, brief),
        ["--training"] => report_training(root, brief),
        _ => Err(format!("`{}` are no options of bench; see `cargo xtask --help`.", words.join(" "))),
    }
}

/// Builds the site, measures it in Chromium, and prints a table, or one JSON object alone.
fn report(root: &Path, as_json: bool, brief: Option<&str>) -> Result<()> {
    site::build(root)?;
    let mut figures = figures(page::script(root, "bench.mjs")?.args(brief))?;
    if as_json {
        figures.retain(|name, _| FIGURES.contains(&name.as_str()));
        println!("{}", Value::Object(figures));
    } else {
        for (name, value) in figures {
            println!("{name:<24} {value:>12}");
        }
    }
    Ok(())
}

/// Images per second of training: in Chromium, natively, and by TensorFlow.js in the same browser.
fn report_training(root: &Path, brief: Option<&str>) -> Result<()> {
    site::build(root)?;
    let folder = root.join("benches/training");
    Node::find_or_install()?.install_modules(&folder)?;
    let mut figures = figures(page::node(root)?.arg(folder.join("training.mjs")).args(brief))?;
    let mut native = test::cargo(root);
    native.args(["run", "--package", "pockets", "--quiet", "--example", "training"]);
    // In brief as the native tests have compiled it.
    native.args(if brief.is_some() { ["--", "1"].as_slice() } else { &["--release"] });
    let native = process::output(&mut native)?;
    let speed: u64 =
        native.split_whitespace().next().and_then(|word| word.parse().ok()).ok_or("The example says no speed.")?;
    figures.insert("native".into(), speed.into());
    println!("Images per second, training 784-100-100-10 on batches of 128:");
    for (name, value) in figures {
        println!("{name:<24} {value:>12}");
    }
    Ok(())
}

/// How hardening goes in Chromium, for as long as it takes.
fn report_hardening(root: &Path, brief: Option<&str>) -> Result<()> {
    site::build(root)?;
    process::run(page::script(root, "hardening.mjs")?.args(brief), "Hardening in Chromium")
}

/// What a script says in JSON on its last line.
fn figures(script: &mut Command) -> Result<Map<String, Value>> {
    let said = process::output(script)?;
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    match serde_json::from_str(last) {
        Ok(Value::Object(figures)) => Ok(figures),
        _ => Err(format!("Measuring ended in `{last}`, not in a JSON object.")),
    }
}
