//! The search's speed in the browser, on the shipped page.

use crate::process::{self, Result};
use crate::setup::Node;
use crate::{page, site};
use serde_json::{Map, Value};
use std::env;
use std::path::Path;
use std::process::Command;

/// What the JSON object has; the table has more.
const FIGURES: [&str; 6] =
    ["eval_us", "roofline_us", "search_ms", "search_evaluations", "nine_ms", "stroke_to_paint_ms"];

/// Builds the site, measures it in Chromium, and prints a table, or one JSON object alone.
pub fn report(root: &Path, as_json: bool) -> Result<()> {
    site::build(root)?;
    let mut figures = figures(&mut page::script(root, "bench.mjs")?)?;
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
pub fn report_training(root: &Path) -> Result<()> {
    site::build(root)?;
    let folder = root.join("benches/training");
    Node::find_or_install()?.install_modules(&folder)?;
    let mut figures = figures(page::node(root)?.arg(folder.join("training.mjs")))?;
    let mut native = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    let native =
        process::output(native.current_dir(root).args(["run", "--release", "--quiet", "--example", "training"]))?;
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
pub fn report_hardening(root: &Path) -> Result<()> {
    site::build(root)?;
    process::run(&mut page::script(root, "hardening.mjs")?, "Hardening in Chromium")
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
