//! The scripts that a page begins with, as one file: it is asked for once, and is half as large as they are one by one.
//!
//! What is loaded later must meet the same modules and not others of the same name, so it imports them from that file.

use crate::files::unreadable;
use crate::modules::{Imports, imported};
use crate::process::{Result, run};
use crate::setup::Esbuild;
use crate::wasm::MODULES;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, io};

/// A page and its file.
struct Bundle {
    page: &'static str,
    /// The script that the page names.
    script: &'static str,
    /// What goes into the file, with all that it imports.
    entries: &'static [&'static str],
    name: &'static str,
    /// Whether something that is loaded later imports from it.
    is_shared: bool,
}

const BUNDLES: [Bundle; 2] = [
    Bundle { page: "index.html", script: "main.js", entries: &["main.js"], name: "page.js", is_shared: true },
    Bundle {
        page: "embed.html",
        script: "embed.js",
        entries: &["embed.js", "element-view.js"],
        name: "frame.js",
        is_shared: false,
    },
];

/// What scripts load later, relative to `www`.
const LATER: [&str; 4] = ["./explore/*", "./embed-snippets.js", "../pockets.js", "../sections.js"];
/// The scripts that other pages import by themselves, and bundlers.
const PUBLISHED: [&str; 3] = ["element.js", "client.js", WORKER];
/// The script of the Worker, which is the page's too.
const WORKER: &str = "worker.js";
/// The pages' styles.
const STYLES: [&str; 3] = ["style.css", "embed.css", "explore/explore.css"];
/// The oldest JavaScript that has to understand them.
const TARGET: &str = "es2022";

/// What a page of `made` begins with, relative to `www`: its file, or without one its scripts. None if it shows no demo.
pub fn entries(page: &Path, made: &Path) -> Option<&'static [&'static str]> {
    let bundle = BUNDLES.iter().find(|bundle| page == Path::new(bundle.page))?;
    let is_made = made.join("www").join(bundle.name).exists();
    Some(if is_made { std::slice::from_ref(&bundle.name) } else { bundle.entries })
}

/// The files in `made` that only frames and other pages ask for, if the page has its scripts in one.
pub fn elsewhere(made: &Path) -> io::Result<Vec<String>> {
    let www = made.join("www");
    let [page, frame] = BUNDLES.map(|bundle| bundle.name);
    if !www.join(page).exists() {
        return Ok(Vec::new());
    }
    let inside = imported(&www, &[WORKER], Imports::Static)?;
    let mut names = imported(&www, &PUBLISHED, Imports::All)?;
    names.push(frame.to_owned());
    names.retain(|name| !inside.contains(name));
    Ok(names.into_iter().map(|name| format!("www/{name}")).collect())
}

/// Makes the files of the pages in `made`, and has the pages name them; and has the styles and the scripts of wasm-bindgen shorter.
pub fn make(esbuild: &Esbuild, made: &Path) -> Result<()> {
    let Some(esbuild) = &esbuild.0 else { return Ok(()) };
    let mut shorten = Command::new(esbuild);
    shorten.args(MODULES.map(|module| made.join(module.name).with_extension("js")));
    shorten.args(STYLES.map(|name| made.join("www").join(name)));
    shorten.args(["outdir", "outbase"].map(|option| format!("--{option}={}", made.display())));
    shorten.args(["--minify", "--format=esm", "--allow-overwrite", "--log-level=warning"]);
    run(shorten.arg(format!("--target={TARGET}")), "Shortening the modules' scripts and the styles")?;
    let www = made.join("www");
    let failed = |error: io::Error| unreadable(&www, &error);
    let mut published = imported(&www, &PUBLISHED, Imports::All).map_err(failed)?;
    let mut bundled = BTreeSet::new();
    for bundle in &BUNDLES {
        let modules = imported(&www, bundle.entries, Imports::Static).map_err(failed)?;
        let text = join(esbuild, &www, bundle, &modules)?;
        if bundle.is_shared {
            redirect(&www, &modules, bundle.name).map_err(failed)?;
        }
        fs::write(www.join(bundle.name), text).map_err(failed)?;
        let page = made.join(bundle.page);
        let html = fs::read_to_string(&page).map_err(|error| unreadable(&page, &error))?;
        let named = html.replace(&format!("www/{}\"", bundle.script), &format!("www/{}\"", bundle.name));
        fs::write(&page, named).map_err(|error| unreadable(&page, &error))?;
        bundled.extend(modules);
    }
    published.sort();
    for module in bundled.iter().filter(|module| published.binary_search(module).is_err()) {
        fs::remove_file(www.join(module)).map_err(failed)?;
    }
    Ok(())
}

/// The text of a bundle.
fn join(esbuild: &Path, www: &Path, bundle: &Bundle, modules: &[String]) -> Result<String> {
    let entry: String = if bundle.is_shared {
        modules.iter().map(|module| format!("export * from './{module}';\n")).collect()
    } else {
        bundle.entries.iter().map(|module| format!("import './{module}';\n")).collect()
    };
    let mut command = Command::new(esbuild);
    command.current_dir(www).args(["--bundle", "--format=esm", "--minify", "--legal-comments=none"]);
    command.arg(format!("--target={TARGET}")).args(LATER.map(|module| format!("--external:{module}")));
    let failed = |error: io::Error| format!("esbuild could not be run: {error}.");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(entry.as_bytes()).map_err(failed)?;
    }
    let done = child.wait_with_output().map_err(failed)?;
    if !done.status.success() {
        return Err(format!("esbuild could not join the scripts of {}.", bundle.page));
    }
    String::from_utf8(done.stdout).map_err(|_| "esbuild wrote something that is no text.".to_owned())
}

/// Has what is loaded later import from the bundle what is in it.
fn redirect(www: &Path, modules: &[String], bundle: &str) -> io::Result<()> {
    let explore = www.join("explore");
    let mut later = vec![(www.join("embed-snippets.js"), "./")];
    for file in fs::read_dir(explore)?.flatten() {
        if file.path().extension().is_some_and(|kind| kind == "js") {
            later.push((file.path(), "../"));
        }
    }
    for (file, way) in later {
        let mut text = fs::read_to_string(&file)?;
        for module in modules {
            text = text.replace(&format!("from '{way}{module}';"), &format!("from '{way}{bundle}';"));
        }
        fs::write(&file, text)?;
    }
    Ok(())
}
