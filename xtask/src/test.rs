//! Every test there is: the crate's own, those of its WebAssembly in a browser, and the page's.

use crate::process::{Result, run, run_logged};
use crate::setup::{Browser, Toolchain, WasmBindgen};
use crate::{cache, npm, page, site, size};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use std::{env, fs};

type Suite = (&'static str, fn(&Path) -> Result<()>);

/// Cheap ones first.
const SUITES: [Suite; 6] =
    [("lint", lint), ("native", native), ("wasm", wasm), ("types", types), ("page", pages), ("size", size::report)];

/// The names of all suites, for the help.
pub fn suites() -> String {
    SUITES.map(|(name, _)| name).join(", ")
}

/// Runs the named suites, or all, to the end, and says which of them failed.
pub fn test(root: &Path, names: &[String]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| SUITES.iter().all(|(suite, _)| suite != name)) {
        return Err(format!("There is no suite `{unknown}`; there are {}.", suites()));
    }
    let mut results = Vec::new();
    for (name, suite) in SUITES.iter().filter(|(name, _)| names.is_empty() || names.iter().any(|wanted| wanted == name))
    {
        eprintln!("\n== {name}");
        let start = Instant::now();
        let result = suite(root);
        if let Err(sentence) = &result {
            eprintln!("{sentence}");
        }
        results.push((name, result, start.elapsed().as_secs_f32()));
    }
    println!("\nSummary");
    for (name, result, seconds) in &results {
        println!("  {name:<8} {:<7} {seconds:>6.1} s", if result.is_ok() { "passed" } else { "FAILED" });
    }
    let failed: Vec<&str> = results.iter().filter(|(_, result, _)| result.is_err()).map(|(name, ..)| **name).collect();
    if failed.is_empty() { Ok(()) } else { Err(format!("Failed: {}.", failed.join(", "))) }
}

/// Formatting and clippy, where they are installed, and the same for the JavaScript.
fn lint(root: &Path) -> Result<()> {
    let has = |tool: &str| cargo(root).args([tool, "--version"]).output().is_ok_and(|done| done.status.success());
    let formatting = if has("fmt") {
        run(cargo(root).args(["fmt", "--all", "--check"]), "The formatting check")
    } else {
        eprintln!("rustfmt is not installed: formatting is not checked.");
        Ok(())
    };
    if has("clippy") {
        let mut clippy = cargo(root);
        clippy.args(["clippy", "--workspace", "--all-targets", "--", "-Dwarnings"]);
        run(&mut clippy, "clippy")?;
    } else {
        eprintln!("clippy is not installed: lints are not checked.");
    }
    formatting?;
    let mut biome = page::script(root, "node_modules/@biomejs/biome/bin/biome")?;
    run(biome.args(["ci", "--error-on-warnings"]), "The check of the JavaScript (`biome check --write` formats)")
}

fn native(root: &Path) -> Result<()> {
    run(cargo(root).args(["test", "--workspace", "--no-fail-fast"]), "A native test")
}

/// Every tests/wasm*.rs, in headless Chromium.
fn wasm(root: &Path) -> Result<()> {
    let toolchain = Toolchain::find_or_install()?;
    let bindgen = WasmBindgen::find_or_install(root)?;
    let browser = Browser::find_or_install()?;
    let names = wasm_tests(root);
    if names.is_empty() {
        return Err("There is no test named tests/wasm*.rs.".to_owned());
    }
    let mut fetch = toolchain.command("cargo", &[], root)?;
    run_logged(
        fetch.args(["fetch", "--target", "wasm32-unknown-unknown"]),
        "Fetching the crates",
        &cache::log("fetch")?,
    )?;
    let mut test = toolchain.command("cargo", &[&bindgen.0], root)?;
    // As the page is compiled; and a debug build of the dependencies takes four times as long.
    test.args(["test", "--no-fail-fast", "--release", "--target", "wasm32-unknown-unknown", "--no-default-features"]);
    for name in &names {
        test.args(["--test", name]);
    }
    test.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", bindgen.0.join("wasm-bindgen-test-runner"));
    test.env("CHROMEDRIVER", &browser.driver).env("WASM_BINDGEN_TEST_TIMEOUT", "120");
    test.env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", webdriver_settings(root, &browser.chrome)?);
    run(&mut test, "A test in the browser")
}

fn wasm_tests(root: &Path) -> Vec<String> {
    let files = fs::read_dir(root.join("tests")).into_iter().flatten().flatten();
    let names = files.filter_map(|file| file.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned));
    let mut names: Vec<String> = names.filter(|name| name.starts_with("wasm")).collect();
    names.sort();
    names
}

/// How the driver is to start the browser: one that root may run, that opens no window and calls nobody.
fn webdriver_settings(root: &Path, chrome: &Path) -> Result<PathBuf> {
    let file = root.join("target/webdriver.json");
    let settings = serde_json::json!({
        "goog:chromeOptions": {
            "binary": chrome,
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
            ],
        },
    });
    fs::write(&file, settings.to_string()).map_err(|error| format!("{} can't be written: {error}.", file.display()))?;
    Ok(file)
}

/// The types of the page's and its tests' JavaScript, against those of the module that the site was built from.
fn types(root: &Path) -> Result<()> {
    site::build(root)?;
    let bindgen = WasmBindgen::find_or_install(root)?;
    for module in site::MODULES {
        let mut describe = Command::new(bindgen.0.join("wasm-bindgen"));
        describe.arg(module.compiled(root)).args(["--target", "web", "--out-name", module.name, "--out-dir"]);
        run(describe.arg(root.join("target/page-types")), "Describing a module's types")?;
    }
    let mut tsc = page::script(root, "node_modules/typescript/bin/tsc")?;
    run(tsc.arg("--project").arg(page::folder(root).join("tsconfig.json")), "The type check of the JavaScript")
}

/// Every tests/page/*.test.mjs, on the finished site.
fn pages(root: &Path) -> Result<()> {
    site::build(root)?;
    npm::make(root)?;
    let folder = page::folder(root);
    let files = fs::read_dir(&folder).into_iter().flatten().flatten().map(|file| file.path());
    let mut tests: Vec<PathBuf> = files.filter(|file| file.to_string_lossy().ends_with(".test.mjs")).collect();
    tests.sort();
    if tests.is_empty() {
        return Err(format!("There is no test in {}.", folder.display()));
    }
    let mut node = page::node(root)?;
    run(node.args(["--test", "--test-concurrency=1"]).args(tests), "A test of the page")
}

/// The cargo that runs us.
fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.current_dir(root);
    cargo
}
