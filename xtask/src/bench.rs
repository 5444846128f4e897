//! The search's speed in the browser, on the shipped page.

use crate::page;
use crate::process::Result;
use crate::site;
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;

/// What the JSON object has; the table has more.
const FIGURES: [&str; 6] =
    ["eval_us", "roofline_us", "search_ms", "search_evaluations", "nine_ms", "stroke_to_paint_ms"];

/// Builds the site, measures it in Chromium, and prints a table, or one JSON object alone.
pub fn report(root: &Path, as_json: bool) -> Result<()> {
    site::build(root)?;
    let mut script = page::script(root, "bench.mjs")?;
    let child = script.stdout(Stdio::piped()).spawn();
    let done =
        child.and_then(|child| child.wait_with_output()).map_err(|error| format!("Measuring failed: {error}."))?;
    if !done.status.success() {
        return Err(format!("Measuring failed ({}).", done.status));
    }
    let said = String::from_utf8_lossy(&done.stdout);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let figures: Value =
        serde_json::from_str(last).map_err(|_| format!("Measuring ended in `{last}`, not in JSON."))?;
    let Value::Object(mut figures) = figures else {
        return Err(format!("Measuring ended in `{last}`, not in a JSON object."));
    };
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
