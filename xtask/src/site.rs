//! Builds the static site: Trunk makes the page, [`wasm`] its modules, and the last step gives everything but the pages
//! themselves an address that changes with the contents, so that it may be cached for ever.

use crate::files::{files_in, unreadable};
use crate::modules::{Imports, imported};
use crate::process::Result;
use crate::setup::{Esbuild, Toolchain, Trunk, WasmBindgen, WasmOpt};
use crate::{bundle, cache, share, single_file, supply, trunk, wasm};
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{fs, io, thread};

/// What Trunk does not know of: it keeps files by their addresses, and only those that [`finish`] gives may be kept.
const SERVICE_WORKER: &str = "sw.js";

/// What else the first attack needs: what the Worker imports, and what is fetched.
const WORKER: [&str; 3] = ["www/worker.js", "www/serve.js", "pockets.js"];
const FETCHED: [&str; 2] = ["pockets_bg.wasm", "www/networks/FC100-100-10.safetensors"];
/// Lists that the first attack needs, and the elements that they are of.
const LISTS: [(&str, &str); 2] = [("www/networks/index.json", "network"), ("www/digits/samples.json", "samples")];

/// The folder of the finished site.
pub fn folder(root: &Path) -> PathBuf {
    root.join("dist")
}

/// Does all set-up that building needs, and leaves the finished site in `dist/`.
pub fn build(root: &Path) -> Result<PathBuf> {
    let start = Instant::now();
    let toolchain = Toolchain::find_or_install()?;
    wasm::fetch(root, &toolchain)?;
    wasm::reclaim(root)?;
    let made = root.join("target/site");
    cache::remove(&made).map_err(|error| format!("{} can't be removed: {error}.", made.display()))?;
    let esbuild = make(root, &toolchain, &made)?;
    let worker = root.join(SERVICE_WORKER);
    fs::copy(&worker, made.join(SERVICE_WORKER)).map_err(|error| unreadable(&worker, &error))?;
    let notice = supply::notice(root)?;
    fs::write(made.join(supply::NOTICE), notice).map_err(|error| unreadable(&made, &error))?;
    share::write(root, &made).map_err(|error| unreadable(&made, &error))?;
    bundle::make(&esbuild, &made)?;
    let dist = folder(root);
    finish(&made, &dist).map_err(|error| format!("The site in {} can't be finished: {error}.", dist.display()))?;
    eprintln!("The site is in {} ({:.0} s).", dist.display(), start.elapsed().as_secs_f32());
    Ok(dist)
}

/// Makes the page by Trunk in the folder `made`, and its modules small. Where Trunk has to be installed, which takes long, what it will do is
/// done meanwhile: compiling wants none of the tools, and to make small what is compiled wants no Trunk; of these none fills a machine by itself.
fn make(root: &Path, toolchain: &Toolchain, made: &Path) -> Result<Esbuild> {
    let ahead = Trunk::find()?.is_none();
    thread::scope(|scope| {
        let compiling = ahead.then(|| scope.spawn(|| wasm::compile(root, toolchain)));
        let bindgen = &WasmBindgen::find_or_install(root)?;
        let (wasm_opt, esbuild) = (&WasmOpt::find_or_install(), Esbuild::find_or_install());
        let trunk = scope.spawn(|| Trunk::find_or_install(root));
        if let Some(compiling) = compiling {
            compiling.join().map_err(|_| "Compiling the modules ended unexpectedly.")??;
            wasm::optimise_ahead(root, bindgen, wasm_opt, &root.join("target/wasm/ahead"))?;
        }
        let trunk = trunk.join().map_err(|_| "Installing Trunk ended unexpectedly.")??;
        trunk::build(trunk::command("build", root, toolchain, bindgen, &trunk, made)?.arg("--release"))?;
        forget_links(&made.join("index.html"))?;
        wasm::make_small(root, wasm_opt, made)?;
        Ok(esbuild)
    })
}

/// Takes out of the page what Trunk leaves there of its own links.
fn forget_links(page: &Path) -> Result<()> {
    let html = fs::read_to_string(page).map_err(|error| unreadable(page, &error))?;
    let is_kept = |line: &&str| !line.trim_start().starts_with("<link data-trunk") && !line.trim().is_empty();
    let kept: String = html.lines().filter(is_kept).map(|line| format!("{line}\n")).collect();
    fs::write(page, kept).map_err(|error| unreadable(page, &error))
}

/// Builds the site and says where the whole page in one file is.
pub fn report_single_file(root: &Path) -> Result<()> {
    let file = build(root)?.join(single_file::NAME);
    let size = fs::metadata(&file).map_err(|error| unreadable(&file, &error))?.len();
    println!("{} ({} KB): open it in a browser, with or without a network.", file.display(), size / 1000);
    Ok(())
}

/// Moves a site to `dist`: pages stay at the top, everything else goes into one folder `v-…` named after all contents, and the
/// pages' references follow. Modules, workers and networks find each other by relative addresses, which stay as they are; and
/// as nothing in the folder ever changes, no browser can mix two versions.
fn finish(made: &Path, dist: &Path) -> io::Result<()> {
    let (mut pages, assets): (Vec<_>, Vec<_>) = files_in(made)?.into_iter().partition(|file| keeps_its_address(file));
    for script in assets.iter().filter(|file| file.extension().is_some_and(|kind| kind == "js")) {
        let text = fs::read_to_string(made.join(script))?;
        fs::write(made.join(script), without_comments(&text))?;
    }
    let mut digest = md5::Context::new();
    for file in &assets {
        digest.consume(file.to_string_lossy().as_bytes());
        digest.consume([0]);
        digest.consume(fs::read(made.join(file))?);
    }
    let version = format!("v-{}", &format!("{:x}", digest.finalize())[..12]);

    let single = single_file::make(&fs::read_to_string(made.join("index.html"))?, made, &assets)?;
    let tops: Vec<String> = top_names(&assets);
    for page in &pages {
        if page.extension().is_some_and(|kind| kind == "html") {
            let html = share::with_address(&fs::read_to_string(made.join(page))?);
            let html = with_preloads(&html, page, made)?;
            fs::write(made.join(page), with_addresses_moved(&html, &tops, &version))?;
        }
    }
    // An address for other pages that stays when the version changes.
    let element = format!("export * from './{version}/www/element.js';\n");
    for (name, text) in [(single_file::NAME, &single), ("element.js", &element)] {
        fs::write(made.join(name), text)?;
        pages.push(name.into());
    }
    let worker = made.join(SERVICE_WORKER);
    if worker.exists() {
        let script = fs::read_to_string(&worker)?;
        let elsewhere = bundle::elsewhere(made)?;
        let kept: Vec<&PathBuf> =
            assets.iter().filter(|file| elsewhere.iter().all(|name| *file != Path::new(name))).collect();
        fs::write(&worker, with_files_named(&script, &version, &kept))?;
    }
    let part = dist.with_extension("part");
    cache::remove(&part)?;
    for (files, to) in [(&pages, part.clone()), (&assets, part.join(&version))] {
        for file in files {
            let place = to.join(file);
            place.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::rename(made.join(file), place)?;
        }
    }
    cache::remove(dist)?;
    fs::rename(part, dist)?;
    cache::remove(made)
}

/// Pages, the service worker (whose reach is the folder that it is in) and what hosts look for at the top.
fn keeps_its_address(file: &Path) -> bool {
    let name = file.to_string_lossy();
    let is_at_top = file.components().count() == 1;
    is_at_top
        && (name.ends_with(".html")
            || name.starts_with('.')
            || [SERVICE_WORKER, "robots.txt", "CNAME"].contains(&&*name)
            || share::FILES.contains(&&*name))
}

fn top_names(files: &[PathBuf]) -> Vec<String> {
    let mut names: Vec<String> = files
        .iter()
        .filter_map(|file| Some(file.components().next()?.as_os_str().to_string_lossy().into_owned()))
        .collect();
    names.dedup();
    names
}

/// A page with a link for everything that its first attack needs, so that all of it is asked for at once and not one after another. The
/// lists stand in the page itself where it has their elements, as `data-list`: there they arrive while the other files are asked for.
fn with_preloads(html: &str, page: &Path, made: &Path) -> io::Result<String> {
    let Some(entries) = bundle::entries(page, made) else { return Ok(html.to_owned()) };
    let mut html = html.to_owned();
    let mut fetched = FETCHED.to_vec();
    for (file, id) in LISTS {
        let element = format!(" id=\"{id}\"");
        if !html.contains(&element) {
            fetched.push(file);
            continue;
        }
        let list: serde_json::Value = serde_json::from_slice(&fs::read(made.join(file))?)?;
        let text = list.to_string().replace('&', "&amp;").replace('"', "&quot;");
        html = html.replacen(&element, &format!("{element} data-list=\"{text}\""), 1);
    }
    let modules = imported(&made.join("www"), entries, Imports::Static)?.into_iter().map(|name| format!("www/{name}"));
    let modules = WORKER.iter().map(|&name| name.to_owned()).chain(modules);
    // The large ones first: they keep the line busy while the small ones wait for their turn.
    let fetched =
        fetched.iter().map(|file| format!("    <link rel=\"preload\" as=\"fetch\" href=\"{file}\" crossorigin />\n"));
    let links: String =
        fetched.chain(modules.map(|file| format!("    <link rel=\"modulepreload\" href=\"{file}\" />\n"))).collect();
    // Below the first script, which is to be asked for before them, and above what only others than browsers read.
    Ok(html.replacen("</script>\n", &format!("</script>\n{links}"), 1))
}

/// Puts `version/` before every attribute value that is the relative address of a moved file.
fn with_addresses_moved(html: &str, moved: &[String], version: &str) -> String {
    let mut result = String::with_capacity(html.len() + 256);
    let mut rest = html;
    while let Some(at) = rest.find("=\"") {
        let (before, after) = rest.split_at(at + 2);
        result.push_str(before);
        rest = after;
        let address = rest.strip_prefix("./").unwrap_or(rest);
        let is_moved = moved
            .iter()
            .any(|name| address.strip_prefix(name.as_str()).is_some_and(|end| end.starts_with(['"', '/', '?', '#'])));
        if is_moved {
            result.push_str("./");
            result.push_str(version);
            result.push('/');
            rest = address;
        }
    }
    result.push_str(rest);
    result
}

/// A script without the comments that begin a line, without empty lines and without indentation: what is said there is for readers of the source,
/// and a third of what a visitor would download.
fn without_comments(script: &str) -> String {
    let mut result = String::with_capacity(script.len());
    let mut is_inside = false;
    for line in script.lines() {
        let mut rest = line;
        while is_inside || rest.trim_start().starts_with("/*") {
            match rest.split_once("*/") {
                Some((_, after)) => (rest, is_inside) = (after, false),
                None => (rest, is_inside) = ("", true),
            }
            if is_inside {
                break;
            }
        }
        if !rest.trim().is_empty() && !rest.trim_start().starts_with("//") {
            result.push_str(&without_types(rest.trim()));
            result.push('\n');
        }
    }
    result
}

/// A line without the types that stand within it, `/** @type {…} */`.
fn without_types(line: &str) -> String {
    let mut result = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, (_, after))) = rest.split_once("/** @").and_then(|(a, b)| Some((a, b.split_once("*/")?))) {
        result.push_str(before);
        rest = after.strip_prefix(' ').unwrap_or(after);
    }
    result + rest
}

/// Tells the service worker which version of the site it keeps, and the files of that version.
fn with_files_named(script: &str, version: &str, assets: &[&PathBuf]) -> String {
    let files: Vec<String> = assets.iter().map(|file| format!("{version}/{}", file.to_string_lossy())).collect();
    script
        .replace("'/* version */'", &serde_json::json!(version).to_string())
        .replace("['/* files */']", &serde_json::json!(files).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_relative_addresses_of_moved_files_are_moved() {
        let moved = ["main.js".to_owned(), "networks".to_owned()];
        let html = concat!(
            r#"<script src="./main.js"></script><link href="networks/a.safetensors"><a href="main.json">"#,
            r#"<a href="https://example.org/main.js"><a href="embed.html" title="main.js is here">"#
        );
        let expected = concat!(
            r#"<script src="./v-1/main.js"></script><link href="./v-1/networks/a.safetensors"><a href="main.json">"#,
            r#"<a href="https://example.org/main.js"><a href="embed.html" title="main.js is here">"#
        );
        assert_eq!(with_addresses_moved(html, &moved, "v-1"), expected);
    }

    #[test]
    fn types_within_a_line_are_left_out_of_scripts() {
        assert_eq!(without_types("(/** @type {A} */ a, /** @type {B} */ (b)) => '/* c */'"), "(a, (b)) => '/* c */'");
    }

    #[test]
    fn comments_that_begin_a_line_are_left_out_of_scripts() {
        let script = "// a\n/**\n * b\n * @param {string} c\n */\nfunction d(c) {\n  /** @type {Worker | null} */ let e = 'https://f';\n\n  \
                      return c + '/* g */'; // h\n}\n";
        let expected = "function d(c) {\nlet e = 'https://f';\nreturn c + '/* g */'; // h\n}\n";
        assert_eq!(without_comments(script), expected);
    }

    #[test]
    fn the_service_worker_is_told_its_version_and_files() {
        let script = include_str!("../../sw.js");
        let told = with_files_named(script, "v-1", &[&PathBuf::from("www/main.js")]);
        assert!(told.contains(r#"const VERSION = "v-1";"#) && told.contains(r#"const FILES = ["v-1/www/main.js"];"#));
    }

    #[test]
    fn a_changed_asset_gets_a_new_address_and_an_unchanged_one_keeps_it() {
        let folder = std::env::temp_dir().join(format!("xtask-site-{}", std::process::id()));
        let version_with = |script: &str| {
            let made = folder.join("made");
            fs::create_dir_all(made.join("www/networks")).unwrap();
            fs::write(
                made.join("index.html"),
                r#"<head><script type="module" src="./www/main.js"></script>
  </head><div id="samples"></div>"#,
            )
            .unwrap();
            fs::write(made.join("www/main.js"), script).unwrap();
            fs::write(made.join("www/networks/a.safetensors"), "weights").unwrap();
            fs::create_dir_all(made.join("www/digits")).unwrap();
            fs::write(made.join("www/digits/samples.json"), "[\n\"a & b\"]").unwrap();
            finish(&made, &folder.join("dist")).unwrap();
            let html = fs::read_to_string(folder.join("dist/index.html")).unwrap();
            assert!(html.contains(r#"<link rel="modulepreload" href="./v-"#) && html.contains("pockets_bg.wasm"));
            assert!(html.contains(r#"<div id="samples" data-list="[&quot;a &amp; b&quot;]"></div>"#));
            assert!(html.contains("www/networks/index.json\"") && !html.contains("samples.json"));
            let script_at = html.split('"').nth(3).unwrap().trim_start_matches("./").to_owned();
            assert_eq!(fs::read_to_string(folder.join("dist").join(&script_at)).unwrap().trim_end(), script);
            script_at
        };
        let first = version_with("one");
        assert_eq!(version_with("one"), first);
        assert_ne!(version_with("two"), first);
        let versions = fs::read_dir(folder.join("dist")).unwrap().flatten().filter(|entry| entry.path().is_dir());
        assert_eq!(versions.count(), 1, "the old version is gone");
        cache::remove(&folder).unwrap();
    }
}
