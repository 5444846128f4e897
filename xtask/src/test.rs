//! Every test there is: the crate's own, those of its WebAssembly in a browser, and the page's.

use crate::process::{Result, run, set_ahead};
use crate::setup::{self, Browser, RUNNER, Toolchain, WasmBindgen, WebKit, python};
use crate::{commands, documents, features, npm, page, site, size, supply, trunk, wasm};
use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use std::{env, fs, thread};

type Suite = (&'static str, fn(&Path) -> Result<()>);

/// Cheap ones first.
const SUITES: [Suite; 12] = [
    ("lint", lint),
    ("supply", supply),
    ("native", native),
    ("features", features::test),
    ("wasm", wasm),
    ("types", types),
    ("trunk", trunk::test),
    ("commands", commands::test),
    ("page", pages),
    ("firefox", firefox),
    ("webkit", webkit),
    ("size", size::report),
];

/// What is tested in Firefox and WebKit too: what depends on the browser, and that results do not.
const IN_ALL_ENGINES: [&str; 6] =
    ["shown.test.mjs", "faults.test.mjs", "draw.test.mjs", "robust.test.mjs", "state.test.mjs", "bits.test.mjs"];

/// What only Firefox can be told: to let scripts know less.
const IN_FIREFOX_ALONE: &str = "coarse.firefox.mjs";

/// The element, with what it finds in hosts' pages. The frame and the single file are looked at by `shown.test.mjs`.
const IN_WEBKIT_TOO: [&str; 1] = ["embed-element.test.mjs"];

/// The page tests whose limits other work on the same machine would break.
const MEASURING: &str = "measured.test.mjs";

/// The names of all suites, for the help.
pub fn suites() -> String {
    SUITES.map(|(name, _)| name).join(", ")
}

/// How a suite ended, with a sentence where it did not pass.
enum Ending {
    Passed,
    Skipped(String),
    Failed(String),
}

/// Why a suite can't run on this machine at all.
fn why_not(suite: &str) -> Option<String> {
    if suite == "webkit" { WebKit::find_or_install().err() } else { None }
}

/// Runs the named suites, or all, to the end, and says which of them failed, and which were skipped and why.
pub fn test(root: &Path, names: &[String]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| SUITES.iter().all(|(suite, _)| suite != name)) {
        return Err(format!("There is no suite `{unknown}`; there are {}.", suites()));
    }
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let wanted: Vec<&Suite> = SUITES.iter().filter(|(name, _)| is_wanted(name)).collect();
    let mut results = Vec::new();
    for (k, (name, suite)) in wanted.iter().enumerate() {
        let ahead = ahead(&wanted[k + 1..]);
        eprintln!("\n== {name}, {} of {}; {ahead}", k + 1, wanted.len());
        set_ahead(ahead);
        let start = Instant::now();
        let ending = match why_not(name) {
            Some(sentence) => Ending::Skipped(sentence),
            None => suite(root).map_or_else(Ending::Failed, |()| Ending::Passed),
        };
        if let Ending::Failed(sentence) | Ending::Skipped(sentence) = &ending {
            eprintln!("{sentence}");
        }
        results.push((name, ending, start.elapsed().as_secs_f32()));
    }
    println!("\nSummary");
    for (name, ending, seconds) in &results {
        let (word, sentence) = match ending {
            Ending::Passed => ("passed", ""),
            Ending::Skipped(sentence) => ("skipped", sentence.as_str()),
            Ending::Failed(_) => ("FAILED", ""),
        };
        println!("  {name:<8} {word:<7} {seconds:>6.1} s  {sentence}");
    }
    let is_failed = |ending: &Ending| matches!(ending, Ending::Failed(_));
    let failed: Vec<&str> =
        results.iter().filter(|(_, ending, _)| is_failed(ending)).map(|(name, ..)| **name).collect();
    if failed.is_empty() { Ok(()) } else { Err(format!("Failed: {}.", failed.join(", "))) }
}

/// What remains after a suite, in words.
fn ahead(suites: &[&Suite]) -> String {
    let names: Vec<&str> = suites.iter().map(|(name, _)| *name).collect();
    if names.is_empty() { "the last".to_owned() } else { format!("then {}", names.join(", ")) }
}

/// The crates' licences and sources; and what the registry of npm knows against the tests' modules, where it can be asked.
fn supply(root: &Path) -> Result<()> {
    supply::check(root)?;
    let mut audit = Command::new(setup::Node::find_or_install()?.npm);
    audit.current_dir(page::folder(root)).args(["audit", "--json"]);
    let said = audit.output().map_err(|error| format!("npm could not be started: {error}."))?.stdout;
    let found: serde_json::Value = serde_json::from_slice(&said).unwrap_or_default();
    match found["metadata"]["vulnerabilities"]["total"].as_u64() {
        None => eprintln!("The npm registry answers no audit here: what it knows is not checked."),
        Some(0) => {}
        Some(count) => return Err(format!("npm knows {count} vulnerabilities of the tests' modules: `npm audit`.")),
    }
    Ok(())
}

/// What the documents name; formatting and clippy, where they are installed, and the same for the JavaScript.
fn lint(root: &Path) -> Result<()> {
    documents::check(root)?;
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
    let mut test = cargo(root);
    test.args(["test", "--workspace", "--no-fail-fast"]).env("POCKETS_PYTHON", python(root)?);
    run(&mut test, "A native test")
}

/// Every tests/wasm*.rs, in headless Chromium.
fn wasm(root: &Path) -> Result<()> {
    let bindgen = WasmBindgen::find_or_install_with_runner(root)?;
    let browser = Browser::find_or_install()?;
    let mut test = wasm_command(root, &bindgen)?;
    test.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", bindgen.0.join(RUNNER));
    test.env("CHROMEDRIVER", &browser.driver).env("WASM_BINDGEN_TEST_TIMEOUT", "120");
    test.env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", webdriver_settings(root, &browser.chrome)?);
    run(&mut test, "A test in the browser")
}

/// The same in Firefox, which a script opens.
fn wasm_in_firefox(root: &Path, firefox: &Path) -> Result<()> {
    let bindgen = WasmBindgen::find_or_install_with_runner(root)?;
    let node = page::node(root)?;
    let mut test = wasm_command(root, &bindgen)?;
    let script = format!("{} tests/page/wasm-in-firefox.mjs", node.get_program().to_string_lossy());
    test.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", script);
    test.env("WASM_BINDGEN_TEST_RUNNER", bindgen.0.join(RUNNER)).env("FIREFOX", firefox);
    run(&mut test, "A wasm test in Firefox")
}

/// What compiles and runs the wasm tests; which runner, is still to be said.
fn wasm_command(root: &Path, bindgen: &WasmBindgen) -> Result<Command> {
    let toolchain = Toolchain::find_or_install()?;
    let names = wasm_tests(root);
    if names.is_empty() {
        return Err("There is no test named tests/wasm*.rs.".to_owned());
    }
    wasm::fetch(root, &toolchain)?;
    let mut test = toolchain.command("cargo", &[&bindgen.0], root)?;
    // As the page is compiled; and a debug build of the dependencies takes four times as long.
    test.args([
        "test",
        "--no-fail-fast",
        "--release",
        "--target",
        "wasm32-unknown-unknown",
        "--no-default-features",
        "--features",
        "sections",
    ]);
    for name in &names {
        test.args(["--test", name]);
    }
    Ok(test)
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
    for module in wasm::MODULES {
        let mut describe = Command::new(bindgen.0.join("wasm-bindgen"));
        describe.arg(module.compiled(root)).args(["--target", "web", "--out-name", module.name, "--out-dir"]);
        run(describe.arg(root.join("target/page-types")), "Describing a module's types")?;
    }
    let mut tsc = page::script(root, "node_modules/typescript/bin/tsc")?;
    run(tsc.arg("--project").arg(page::folder(root).join("tsconfig.json")), "The type check of the JavaScript")
}

/// Every tests/page/*.test.mjs, on the finished site: what measures comes last, by itself.
fn pages(root: &Path) -> Result<()> {
    site::build(root)?;
    npm::make(root)?;
    let folder = page::folder(root);
    let files = fs::read_dir(&folder).into_iter().flatten().flatten().map(|file| file.path());
    let mut tests: Vec<PathBuf> = files.filter(|file| file.to_string_lossy().ends_with(".test.mjs")).collect();
    // The long ones first, so that none is left alone at the end.
    tests.sort_by_key(|file| (Reverse(fs::metadata(file).map_or(0, |known| known.len())), file.clone()));
    let (measuring, others): (Vec<_>, Vec<_>) = tests.into_iter().partition(|file| file.ends_with(MEASURING));
    if measuring.is_empty() || others.is_empty() {
        return Err(format!("There are tests missing in {}.", folder.display()));
    }
    let chrome = setup::headless_shell(Browser::find_or_install()?.chrome)?;
    let answers = answers(root)?;
    // Much of its time a test waits, for a pen or for the page to have come to rest.
    let at_once = thread::available_parallelism().map_or(2, |cores| (3 * cores.get()).min(8));
    let suite = |files: &[PathBuf], at_once: usize| {
        let mut node = page::script(root, "run.mjs")?;
        run(
            node.env("CHROME", &chrome).env("POCKETS_ANSWERS", &answers).arg(at_once.to_string()).args(files),
            "A test of the page",
        )
    };
    let results = [suite(&others, at_once), suite(&measuring, 1)];
    results.into_iter().collect()
}

/// The wasm tests, and some of the page's, in Firefox.
fn firefox(root: &Path) -> Result<()> {
    let firefox = setup::firefox()?;
    wasm_in_firefox(root, &firefox)?;
    let mut node = in_engine(root, "firefox", 2, &[&IN_ALL_ENGINES[..], &[IN_FIREFOX_ALONE]].concat())?;
    run(node.env("FIREFOX", firefox), "A test of the page in Firefox")
}

/// Some of the page's tests in Safari's engine.
fn webkit(root: &Path) -> Result<()> {
    let webkit = WebKit::find_or_install()?;
    let files = [&IN_ALL_ENGINES[..], &IN_WEBKIT_TOO].concat();
    let mut node = in_engine(root, "webkit", webkit.most(), &files)?;
    webkit.tell(&mut node);
    run(&mut node, "A test of the page in WebKit")
}

/// What runs files of page tests in another engine than Chromium, so many at once.
fn in_engine(root: &Path, engine: &str, at_once: usize, files: &[&str]) -> Result<Command> {
    site::build(root)?;
    let mut node = page::script(root, "run.mjs")?;
    node.arg(at_once.to_string()).args(files.iter().map(|name| page::folder(root).join(name)));
    node.env("POCKETS_BROWSER", engine).env("POCKETS_ANSWERS", answers(root)?);
    Ok(node)
}

/// The program that answers natively what a page has been asked.
pub fn answers(root: &Path) -> Result<PathBuf> {
    run(cargo(root).args(["build", "--workspace", "--example", "answers"]), "Compiling the example `answers`")?;
    Ok(root.join("target/debug/examples/answers"))
}

/// The cargo that runs us.
pub fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.current_dir(root);
    cargo
}
