//! The page's WebAssembly modules: the library with some of its features each. Trunk has them compiled and joined to JavaScript by
//! wasm-bindgen; here they are made small by wasm-opt, and made ahead of Trunk while that is still being installed.

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

/// A module of the page: index.html tells Trunk the same.
pub struct Module {
    /// Of its files, and of its program in `module/`.
    pub name: &'static str,
    pub feature: &'static str,
    /// Of Cargo's, for the published page. What is compiled in different profiles does not wait for each other.
    pub profile: &'static str,
}

/// The demo's, which comes first and holds no more than that needs; the sections'; the trainer's; and the one that reads other people's
/// files.
pub const MODULES: [Module; 4] = [
    Module { name: "pockets", feature: "demo", profile: "web" },
    Module { name: "sections", feature: "sections", profile: "web" },
    Module { name: "feed", feature: "feed", profile: "trainer" },
    Module { name: "import", feature: "import", profile: "web" },
];

/// Where Cargo puts what it makes in the profiles that modules are compiled in; the last is that of `trunk build` without `--release`.
const PROFILES: [&str; 3] = ["web", "trainer", "debug"];

impl Module {
    /// What its feature asks of the library: the demo's module asks for nothing.
    pub fn library_feature(&self) -> &'static str {
        if self.feature == "demo" { "" } else { self.feature }
    }

    /// The module as the compiler leaves it.
    pub fn compiled(&self, root: &Path) -> PathBuf {
        root.join("target/wasm").join(TARGET).join(self.profile).join(self.name).with_extension("wasm")
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

/// Makes sure that Cargo takes no other clone's modules for this one's: what it makes of our dependencies is kept in a folder that clones
/// share, where a program for the browser has the same name whichever clone it is of, and is not looked into.
pub fn reclaim(root: &Path) -> Result<()> {
    let own = root.to_string_lossy();
    for profile in PROFILES {
        let folder = cache::folder()?.join("crates").join(TARGET).join(profile);
        let owner = folder.join("clone.txt");
        if fs::read_to_string(&owner).is_ok_and(|clone| clone == own) {
            continue;
        }
        let change = || -> io::Result<()> {
            for module in &MODULES {
                cache::remove_file(&folder.join("deps").join(module.name).with_extension("wasm"))?;
            }
            fs::create_dir_all(&folder)?;
            fs::write(&owner, own.as_bytes())
        };
        change().map_err(|error| unreadable(&folder, &error))?;
    }
    Ok(())
}

/// Compiles all modules as Trunk will, which then finds them done.
pub fn compile(root: &Path, toolchain: &Toolchain) -> Result<()> {
    let [demo, sections, feed, import] = &MODULES;
    thread::scope(|scope| {
        let beside = scope.spawn(|| compile_module(root, toolchain, feed));
        compile_module(root, toolchain, sections)?;
        compile_module(root, toolchain, demo)?;
        compile_module(root, toolchain, import)?;
        beside.join().map_err(|_| "Compiling a module ended unexpectedly.".to_owned())?
    })
}

fn compile_module(root: &Path, toolchain: &Toolchain, module: &Module) -> Result<()> {
    let Module { name, feature, profile } = module;
    let mut cargo = toolchain.command("cargo", &[], root)?;
    cargo.args(["build", "--package", "pockets-module", "--bin", name, "--features", feature]);
    cargo.args(["--profile", profile, "--offline", "--target", TARGET]);
    eprintln!("  Compiling the module `{name}` …");
    run_logged(&mut cargo, &format!("Compiling the module {name}"), &cache::log(&format!("module-{name}"))?)
}

/// Joins what [`compile`] has compiled to JavaScript in the folder `scratch`, as Trunk will, and has wasm-opt make it small: then that is done
/// when Trunk comes to the same.
pub fn optimise_ahead(root: &Path, bindgen: &WasmBindgen, wasm_opt: &WasmOpt, scratch: &Path) -> Result<()> {
    let Some(wasm_opt) = &wasm_opt.0 else { return Ok(()) };
    side_by_side(|module| {
        let mut join = Command::new(bindgen.0.join("wasm-bindgen"));
        join.arg(module.compiled(root));
        join.args(["--target", "web", "--no-typescript", "--out-name", module.name, "--out-dir"]);
        run(join.arg(scratch), "Joining the module and the page")?;
        optimise(root, wasm_opt, module, &scratch.join(format!("{}_bg.wasm", module.name))).map(drop)
    })
}

/// Makes the modules in the folder `made` small.
pub fn make_small(root: &Path, wasm_opt: &WasmOpt, made: &Path) -> Result<()> {
    let Some(wasm_opt) = &wasm_opt.0 else { return Ok(()) };
    side_by_side(|module| {
        let names = optimise(root, wasm_opt, module, &made.join(format!("{}_bg.wasm", module.name)))?;
        let script = made.join(module.name).with_extension("js");
        let text = fs::read_to_string(&script).map_err(|error| unreadable(&script, &error))?;
        fs::write(&script, with_names(&text, &names)).map_err(|error| unreadable(&script, &error))
    })
}

/// Does something with every module at once, as wasm-opt uses little more than a core.
fn side_by_side(work: impl Fn(&Module) -> Result<()> + Sync) -> Result<()> {
    thread::scope(|scope| {
        let all = MODULES.each_ref().map(|module| scope.spawn(|| work(module)));
        all.into_iter()
            .try_for_each(|one| one.join().map_err(|_| "Making a module small ended unexpectedly.".to_owned())?)
    })
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
    fn trunk_is_told_of_the_same_modules() {
        let html = include_str!("../../index.html");
        let links: Vec<&str> = html.lines().filter(|line| line.contains(r#"data-trunk rel="rust""#)).collect();
        assert_eq!(links.len(), MODULES.len());
        for (Module { name, feature, profile }, link) in MODULES.iter().zip(links) {
            for told in [
                format!(r#"data-bin="{name}""#),
                format!(r#"data-cargo-features="{feature}""#),
                format!(r#"data-cargo-profile-release="{profile}""#),
            ] {
                assert!(link.contains(&told), "{told} is not in {link}");
            }
            assert!(PROFILES.contains(profile));
        }
    }
}
