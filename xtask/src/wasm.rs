//! The page's WebAssembly modules: the library with some of its features each, compiled side by side and only when something has
//! changed, joined to JavaScript by wasm-bindgen and made small by wasm-opt.

use crate::cache;
use crate::files::unreadable;
use crate::process::{self, Result, run, run_logged};
use crate::setup::{Toolchain, WasmBindgen, WasmOpt, host};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io, thread};

/// What the browsers that the page supports can do; wasm-opt may use no more.
const OPTIMISATION: [&str; 11] = [
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
    "-O2",
    "--strip-producers",
    "--strip-target-features",
    // Says which names it has given to what.
    "--minify-imports-and-exports-and-modules",
];

const TARGET: &str = "wasm32-unknown-unknown";

/// A module of the page.
pub struct Module {
    /// Of its files.
    pub name: &'static str,
    pub features: &'static str,
}

/// The demo's, which comes first and holds no more than that needs; the sections'; and the trainer's.
pub const MODULES: [Module; 3] = [
    Module { name: "pockets", features: "" },
    Module { name: "sections", features: "sections" },
    Module { name: "feed", features: "feed" },
];

impl Module {
    /// The module as the compiler leaves it.
    pub fn compiled(&self, root: &Path) -> PathBuf {
        root.join("target/wasm/modules").join(self.name).with_extension("wasm")
    }
}

/// Fetches the crates, so that nothing after it needs a network: those for this machine too, which Cargo wants to have when it compiles
/// for another.
pub fn fetch(root: &Path, toolchain: &Toolchain) -> Result<()> {
    let host = host(&mut toolchain.command("rustc", &[], root)?)?;
    let mut fetch = toolchain.command("cargo", &[], root)?;
    run_logged(
        fetch.args(["fetch", "--target", TARGET, "--target", &host]),
        "Fetching the crates",
        &cache::log("fetch")?,
    )
}

/// Compiles all modules: the trainer's in folders of its own beside the others', as Cargo does one thing at a time in a folder, and
/// most of what the trainer is made of the others are not.
pub fn compile(root: &Path, toolchain: &Toolchain) -> Result<()> {
    let [demo, sections, feed] = &MODULES;
    thread::scope(|scope| {
        let beside = scope.spawn(|| compile_module(root, toolchain, feed, Some("feed")));
        compile_module(root, toolchain, sections, None)?;
        compile_module(root, toolchain, demo, None)?; // last, as Trunk finds it then
        beside.join().map_err(|_| "Compiling a module ended unexpectedly.".to_owned())?
    })
}

/// Compiles a module if anything that goes into it has changed.
fn compile_module(root: &Path, toolchain: &Toolchain, module: &Module, apart: Option<&str>) -> Result<()> {
    let mut cargo = toolchain.command("cargo", &[], root)?;
    let (mut target, mut shared) = (root.join("target/wasm"), cache::folder()?.join("crates"));
    if let Some(name) = apart {
        (target, shared) = (target.join(name), shared.join(name));
        cargo.env("CARGO_TARGET_DIR", &target).env("CARGO_BUILD_BUILD_DIR", &shared);
    }
    cargo.args(["build", "--package", "pockets-module", "--profile", "web", "--offline"]);
    cargo.args(["--features", module.features, "--target", TARGET]);

    // All of them end up in files of one name, whose age says nothing: what they were made of does.
    let compiler = process::output(toolchain.command("rustc", &[], root)?.arg("-vV"))?;
    let flags = cargo.get_envs().find(|(name, _)| *name == "CARGO_ENCODED_RUSTFLAGS");
    let words: Vec<_> = cargo.get_args().collect();
    let digest =
        digest_of(root, &[&compiler, &format!("{words:?} {flags:?}")]).map_err(|error| unreadable(root, &error))?;
    let (kept, mark) = (module.compiled(root), module.compiled(root).with_extension("md5"));
    if kept.exists() && fs::read_to_string(&mark).is_ok_and(|made_of| made_of == digest) {
        return Ok(());
    }
    eprintln!("  Compiling the module `{}` …", module.name);
    // In the folder that clones share it may be another clone's, which Cargo does not see.
    let last = shared.join(TARGET).join("web/deps/pockets.wasm");
    cache::remove_file(&last).map_err(|error| unreadable(&last, &error))?;
    let log = cache::log(&format!("module-{}", module.name))?;
    run_logged(&mut cargo, &format!("Compiling the module {}", module.name), &log)?;
    let said = fs::read_to_string(&log).unwrap_or_default();
    if said.contains("warning: ") {
        eprintln!("{said}");
    }
    let made = target.join(TARGET).join("web/pockets.wasm");
    let keep = || {
        kept.parent().map_or(Ok(()), fs::create_dir_all)?;
        cache::remove_file(&mark)?;
        fs::copy(&made, &kept)?;
        fs::write(&mark, &digest)
    };
    keep().map_err(|error| unreadable(&made, &error))
}

/// The digest of everything that a module is made of, and of `further` words.
fn digest_of(root: &Path, further: &[&str]) -> io::Result<String> {
    let mut digest = md5::Context::new();
    let mut files: Vec<PathBuf> = ["Cargo.toml", "Cargo.lock", ".cargo/config.toml"].map(|file| root.join(file)).into();
    let mut folders = vec![root.join("module"), root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    for file in files {
        digest.consume(file.to_string_lossy().as_bytes());
        digest.consume(fs::read(file)?);
    }
    for words in further {
        digest.consume(words.as_bytes());
    }
    Ok(format!("{:x}", digest.finalize()))
}

/// Joins all modules to the page's JavaScript in the folder `made`, and makes them small: side by side, as wasm-opt uses little more
/// than a core.
pub fn join(root: &Path, bindgen: &WasmBindgen, wasm_opt: &WasmOpt, made: &Path) -> Result<()> {
    thread::scope(|scope| {
        let joining = MODULES.map(|module| scope.spawn(move || join_module(root, &module, bindgen, wasm_opt, made)));
        joining.into_iter().try_for_each(|one| {
            one.join().map_err(|_| "Joining a module and the page ended unexpectedly.".to_owned())?
        })
    })
}

fn join_module(root: &Path, module: &Module, bindgen: &WasmBindgen, wasm_opt: &WasmOpt, made: &Path) -> Result<()> {
    let mut join = Command::new(bindgen.0.join("wasm-bindgen"));
    join.arg(module.compiled(root));
    join.args(["--target", "web", "--no-typescript", "--out-name", module.name, "--out-dir"]);
    run(join.arg(made), "Joining the module and the page")?;
    let Some(wasm_opt) = &wasm_opt.0 else { return Ok(()) };
    let names = optimise(root, wasm_opt, module, &made.join(format!("{}_bg.wasm", module.name)))?;
    let script = made.join(module.name).with_extension("js");
    let text = fs::read_to_string(&script).map_err(|error| unreadable(&script, &error))?;
    fs::write(&script, with_names(&text, &names)).map_err(|error| unreadable(&script, &error))
}

/// Makes the file of a module smaller, once: what came of it is kept under the digest of what went in. Returns the names by which its
/// script is to call things.
fn optimise(root: &Path, wasm_opt: &Path, module: &Module, file: &Path) -> Result<Names> {
    let kept = &root.join("target/wasm/optimised").join(module.name);
    let bytes = fs::read(file).map_err(|error| unreadable(file, &error))?;
    let tool = wasm_opt.to_string_lossy();
    let digest = md5::compute([&bytes, tool.as_bytes(), OPTIMISATION.join(" ").as_bytes()].concat());
    let result = kept.join(format!("{digest:x}.wasm"));
    let named = result.with_extension("json");
    if !result.exists() {
        cache::remove(kept).and_then(|()| fs::create_dir_all(kept)).map_err(|error| unreadable(kept, &error))?;
        let part = kept.join("part");
        let mut optimise = Command::new(wasm_opt);
        optimise.args(OPTIMISATION).arg(file).arg("-o").arg(&part);
        let names = process::output(&mut optimise)?;
        fs::write(&named, names)
            .and_then(|()| fs::rename(&part, &result))
            .map_err(|error| unreadable(&part, &error))?;
    }
    let names = fs::read_to_string(&named).map_err(|error| unreadable(&named, &error))?;
    let names = Names::parse(&names).map_err(|error| format!("wasm-opt's names mean nothing: {error}."))?;
    fs::copy(&result, file).map(|_| names).map_err(|error| unreadable(&result, &error))
}

/// What wasm-opt has called things instead.
struct Names {
    /// Module, name, new name.
    imports: Vec<(String, String, String)>,
    /// Name, new name.
    exports: Vec<(String, String)>,
}

impl Names {
    fn parse(json: &str) -> serde_json::Result<Self> {
        let mut names: serde_json::Value = serde_json::from_str(json)?;
        let [imports, exports] = ["imports", "exports"].map(|kind| names[kind].take());
        Ok(Names { imports: serde_json::from_value(imports)?, exports: serde_json::from_value(exports)? })
    }
}

/// wasm-bindgen's script with these names: of what it gives the module as `name: function`, of what it takes as `wasm.name`. wasm-opt
/// calls the one module that it imports from `a`.
fn with_names(script: &str, names: &Names) -> String {
    let mut text = script.to_owned();
    for (module, name, short) in &names.imports {
        text = text.replace(&format!("\"{module}\":"), "a:").replace(&format!(" {name}:"), &format!(" {short}:"));
    }
    for (name, short) in &names.exports {
        let long = format!("wasm.{name}");
        let mut parts = text.split(&long);
        let mut renamed = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let goes_on = part.starts_with(|next: char| next.is_alphanumeric() || next == '_');
            renamed += &format!("wasm.{}{part}", if goes_on { name } else { short });
        }
        text = renamed;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_calls_things_as_the_module_does() {
        let said = r#"{"imports": [["./m_bg.js", "__wbg_now_1f", "b"]], "exports": [["free", "c"], ["serve", "d"]]}"#;
        let names = Names::parse(said).unwrap();
        let script = "\
            import0 = {\n    __wbg_now_1f: function() { wasm.free(1); wasm.free_all(); },\n};\n\
            return { \"./m_bg.js\": import0 };\n\
            export function serve(port) { wasm.serve(port); }\n";
        let renamed = "\
            import0 = {\n    b: function() { wasm.c(1); wasm.free_all(); },\n};\n\
            return { a: import0 };\n\
            export function serve(port) { wasm.d(port); }\n";
        assert_eq!(with_names(script, &names), renamed);
    }

    #[test]
    fn a_change_anywhere_in_the_sources_or_the_flags_makes_another_digest() {
        let root = std::env::temp_dir().join(format!("xtask-digest-{}", std::process::id()));
        fs::create_dir_all(root.join("src/deep")).unwrap();
        fs::create_dir_all(root.join("module/src")).unwrap();
        fs::create_dir_all(root.join(".cargo")).unwrap();
        for file in
            ["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "module/src/lib.rs", "src/lib.rs", "src/deep/er.rs"]
        {
            fs::write(root.join(file), file).unwrap();
        }
        let first = digest_of(&root, &["flags"]).unwrap();
        assert_eq!(digest_of(&root, &["flags"]).unwrap(), first);
        assert_ne!(digest_of(&root, &["others"]).unwrap(), first);
        fs::write(root.join("src/deep/er.rs"), "changed").unwrap();
        assert_ne!(digest_of(&root, &["flags"]).unwrap(), first);
        cache::remove(&root).unwrap();
    }
}
