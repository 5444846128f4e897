//! The tools that turn the crate into a page: wasm-bindgen, Trunk, wasm-opt and esbuild.

use super::{announce, node::Node};
use crate::cache;
use crate::process::{self, Result, is_executable, run_logged, try_logged, which};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What wasm-bindgen runs tests by.
pub const RUNNER: &str = "wasm-bindgen-test-runner";
/// Newer ones want a newer compiler than many machines have.
const TRUNK: &str = "0.21.14";
/// The crates of Trunk that it has no use for here; xtask/stand-ins has one for each.
const UNUSED: [&str; 7] =
    ["hickory-resolver", "lightningcss", "local-ip-address", "minify-html", "minify-js", "oxipng", "zip"];
/// Debian's 108 exports the wrong table when a module has two, and wasm-bindgen's have.
const OLDEST_BINARYEN: u32 = 117;
/// Used where there is no such wasm-opt.
const BINARYEN: &str = "132.0.0";
/// The one that Vite, which the tests use, brings too.
const ESBUILD: &str = "0.25.12";

/// The package with all of wasm-bindgen's programs.
const BINDGEN: &str = "wasm-bindgen-cli";
/// What it does here.
const JOINS: &str = "joins WebAssembly and JavaScript";

/// The folder with `wasm-bindgen`, of the version that Cargo.lock has: they must be equal.
pub struct WasmBindgen(pub PathBuf);

impl WasmBindgen {
    /// The whole package where it is there; else our own program around its library, which takes less than half as long to compile.
    pub fn find_or_install(root: &Path) -> Result<Self> {
        let version = locked_version(root, "wasm-bindgen")?;
        if let Some(whole) = Self::find(&version)? {
            return Ok(whole);
        }
        let tool = Tool { package: "pockets-bindgen", version: &version, program: "wasm-bindgen" };
        cargo_install(&tool, &Source::Path(root.join("xtask/bindgen")), JOINS, "1 minute").map(Self)
    }

    /// With `wasm-bindgen-test-runner` beside it.
    pub fn find_or_install_with_runner(root: &Path) -> Result<Self> {
        let version = locked_version(root, "wasm-bindgen")?;
        if let Some(whole) = Self::find(&version)? {
            return Ok(whole);
        }
        // Its default feature is only there for secure connections to drivers on other machines.
        let options = vec!["--no-default-features".to_owned()];
        let tool = Tool { package: BINDGEN, version: &version, program: RUNNER };
        cargo_install(&tool, &Source::Registry(options), JOINS, "1 to 3 minutes").map(Self)
    }

    /// The whole package: on the PATH, or installed earlier.
    fn find(version: &str) -> Result<Option<Self>> {
        let on_path = which("wasm-bindgen").filter(|tool| says_version(tool, version));
        let on_path = on_path.as_deref().and_then(Path::parent).map(Path::to_owned);
        let installed = place_of(BINDGEN, version)?.join("bin");
        Ok(on_path.into_iter().chain([installed]).find(|folder| is_executable(&folder.join(RUNNER))).map(Self))
    }
}

/// The folder with `trunk`.
pub struct Trunk(pub PathBuf);

impl Trunk {
    pub fn find_or_install(root: &Path) -> Result<Self> {
        if let Some(found) = Self::find()? {
            return Ok(found);
        }
        let tool = Tool { package: "trunk", version: TRUNK, program: "trunk" };
        cargo_install(&tool, &Source::Registry(with_stand_ins(root)), "builds the page", "2 to 5 minutes").map(Self)
    }

    /// On the PATH, or installed earlier.
    pub fn find() -> Result<Option<Self>> {
        let on_path = which("trunk").filter(|tool| says_version(tool, TRUNK));
        let on_path = on_path.as_deref().and_then(Path::parent).map(Path::to_owned);
        let installed = place_of("trunk", TRUNK)?.join("bin");
        Ok(on_path.into_iter().chain([installed]).find(|folder| is_executable(&folder.join("trunk"))).map(Self))
    }
}

/// Trunk's features, and what stands in for the crates that it has no use for: it has no feature to leave them out.
fn with_stand_ins(root: &Path) -> Vec<String> {
    let folder = root.join("xtask/stand-ins");
    let patch = |name| {
        // A string in JSON is one in TOML.
        let path = serde_json::Value::from(folder.join(name).to_string_lossy());
        ["--config".to_owned(), format!("patch.crates-io.{name}.path={path}")]
    };
    let patches = UNUSED.iter().flat_map(patch);
    std::iter::once("--no-default-features".to_owned()).chain(patches).collect()
}

/// A `wasm-opt` that is new enough, if there is one: without it the page is a tenth larger, and works.
pub struct WasmOpt(pub Option<PathBuf>);

impl WasmOpt {
    pub fn find_or_install() -> Self {
        let is_new = |tool: &PathBuf| wasm_opt_version(tool).is_some_and(|version| version >= OLDEST_BINARYEN);
        if let Some(tool) = which("wasm-opt").filter(is_new) {
            return Self(Some(tool));
        }
        let tool = npm_install("binaryen", BINARYEN, "wasm-opt", "makes the modules smaller");
        if let Err(sentence) = &tool {
            eprintln!(
                "  {sentence} The modules stay larger than they need be: wasm-opt (binaryen {OLDEST_BINARYEN} or newer) is missing."
            );
        }
        Self(tool.ok())
    }
}

/// `esbuild`, which joins a page's scripts, if it can be had: without it they are asked for one by one, and the page works.
pub struct Esbuild(pub Option<PathBuf>);

impl Esbuild {
    pub fn find_or_install() -> Self {
        if let Some(tool) = which("esbuild").filter(|tool| says_version(tool, ESBUILD)) {
            return Self(Some(tool));
        }
        let tool = npm_install("esbuild", ESBUILD, "esbuild", "joins the page's scripts");
        if let Err(sentence) = &tool {
            eprintln!("  {sentence} The page's scripts stay as many as they are: esbuild is missing.");
        }
        Self(tool.ok())
    }
}

/// Installs a package from npm into the cache, if it is not there, and returns one of its programs.
fn npm_install(package: &str, version: &str, program: &str, purpose: &str) -> Result<PathBuf> {
    let place = place_of(package, version)?;
    let tool = place.join("node_modules/.bin").join(program);
    if tool.exists() && which("node").is_some() {
        return Ok(tool);
    }
    let node = Node::find_or_install()?;
    let held = cache::lock()?;
    announce(&format!("{package} {version} from npm"), purpose, "10 seconds");
    cache::install(&held, &place, |part| {
        let mut npm = Command::new(&node.npm);
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]);
        npm.arg(part).arg(format!("{package}@{version}"));
        run_logged(&mut npm, &format!("Installing {package} from npm"), &cache::log(package)?)
    })?;
    Ok(tool)
}

/// The number in "wasm-opt version 108".
fn wasm_opt_version(tool: &Path) -> Option<u32> {
    let said = process::output(Command::new(tool).arg("--version")).ok()?;
    said.split_whitespace().find_map(|word| word.parse().ok())
}

/// The version that Cargo.lock gives to a package.
fn locked_version(root: &Path, package: &str) -> Result<String> {
    let file = root.join("Cargo.lock");
    let lock = fs::read_to_string(&file).map_err(|error| format!("{} can't be read: {error}.", file.display()))?;
    version_in(&lock, package).ok_or_else(|| format!("Cargo.lock does not name a version of {package}."))
}

fn version_in(lock: &str, package: &str) -> Option<String> {
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{package}\""));
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"').map(str::to_owned)
}

/// Whether `tool --version` ends in exactly this version.
fn says_version(tool: &Path, version: &str) -> bool {
    process::output(Command::new(tool).arg("--version"))
        .is_ok_and(|said| said.split_whitespace().any(|word| word == version))
}

/// Where a tool's sources are.
enum Source {
    /// On crates.io, built with these options.
    Registry(Vec<String>),
    /// In a folder of this project.
    Path(PathBuf),
}

/// A tool that Cargo installs.
struct Tool<'a> {
    package: &'a str,
    version: &'a str,
    /// One of its programs, which is there once it is installed.
    program: &'a str,
}

/// Where a tool of that version is kept.
fn place_of(package: &str, version: &str) -> Result<PathBuf> {
    Ok(cache::folder()?.join("tools").join(format!("{package}-{version}")))
}

/// Builds a tool into the cache, if it is not there, and returns the folder with its programs.
fn cargo_install(tool: &Tool, source: &Source, purpose: &str, usually: &str) -> Result<PathBuf> {
    let Tool { package, version, program } = tool;
    let cache = cache::folder()?;
    let place = place_of(package, version)?;
    let programs = place.join("bin");
    if is_executable(&programs.join(program)) {
        return Ok(programs);
    }
    let held = cache::lock()?;
    if is_executable(&programs.join(program)) {
        return Ok(programs);
    }
    announce(&format!("{package} {version}"), purpose, usually);
    // An installation that was killed goes on from here.
    let scratch = cache.join("build").join(package);
    cache::install(&held, &place, |part| {
        let build = |lock: &[&str]| {
            let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
            cargo.arg("install").args(lock);
            match source {
                Source::Registry(options) => cargo.args([package, "--version", version]).args(options),
                Source::Path(folder) => cargo.arg("--path").arg(folder),
            };
            cargo.arg("--root").arg(part).arg("--target-dir").arg(&scratch);
            // Outside of the project, whose settings are not meant for these; and not optimised, for they run for a
            // second and are compiled for minutes.
            cargo.current_dir(&cache).env_remove("CARGO_TARGET_DIR").env_remove("RUSTFLAGS");
            cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0").env("CARGO_PROFILE_RELEASE_LTO", "off");
            cargo.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16").env("CARGO_PROFILE_RELEASE_DEBUG", "false");
            cargo
        };
        let (what, log) = (format!("Installing {package}"), cache::log(package)?);
        if let Source::Path(_) = source {
            return run_logged(&mut build(&["--locked"]), &what, &log);
        }
        try_logged(&mut build(&["--locked"]), &what, &log).or_else(|_| {
            eprintln!("    The versions that it was published with can't be had; once more, with those that can.");
            run_logged(&mut build(&[]), &what, &log)
        })
    })?;
    cache::remove(&scratch).map_err(|error| format!("{} can't be removed: {error}.", scratch.display()))?;
    Ok(programs)
}

#[cfg(test)]
mod tests {
    use super::version_in;
    use std::fs;

    #[test]
    fn the_version_is_that_of_the_package_with_exactly_this_name() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"0.2.1\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(version_in(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(version_in(lock, "wasm"), None);
    }

    #[test]
    fn our_own_wasm_bindgen_is_of_the_version_that_the_page_has() {
        let read = |name: &str| fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let version = version_in(&read("../Cargo.lock"), "wasm-bindgen");
        assert!(version.is_some());
        for package in ["pockets-bindgen", "wasm-bindgen-cli-support", "wasm-bindgen-shared"] {
            assert_eq!(version_in(&read("bindgen/Cargo.lock"), package), version, "{package}");
        }
    }
}
