//! A compiler with a standard library for wasm32-unknown-unknown.
//!
//! Where the active compiler has one, or rustup can add it, there is little to do. Debian packages a recent compiler without one,
//! but with its source: then it is built once, into the cache.

use super::{advice, announce, debian};
use crate::cache::{self, Lock};
use crate::process::{self, Result, path_with, run_logged, try_logged, which};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Loops that are unrolled and calls that are inlined make a module larger, not faster: the hot loops are written out already.
const FLAGS: [&str; 4] = [
    "-Ctarget-feature=+simd128",
    "-Cllvm-args=-inline-threshold=5",
    "-Cllvm-args=-unroll-runtime=false",
    "-Cllvm-args=-unroll-full-max-count=4",
];
const TARGET: &str = "wasm32-unknown-unknown";
/// Debian's compiler and its source.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_SOURCE: &str = "/usr/lib/rustlib/src/rust/library/std";
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
/// The oldest compiler that the project compiles with, as Cargo.toml says.
const OLDEST: (u32, u32) = (1, 90);

/// How to compile for the browser on this machine.
#[derive(Default)]
pub struct Toolchain {
    /// The folder of the compiler, where it isn't the one that is running us.
    programs: Option<PathBuf>,
    /// Where the standard library is, when not in the compiler's own folder.
    sysroot: Option<PathBuf>,
    /// The linker, when the compiler has none of its own.
    linker: Option<PathBuf>,
}

impl Toolchain {
    pub fn find_or_install() -> Result<Self> {
        if has_std(Path::new("rustc"), None) {
            return Ok(Self { linker: linker_for(Path::new("rustc"))?, ..Self::default() });
        }
        if let Some(debian) = debian_from_cache() {
            return Ok(debian);
        }
        let held = cache::lock()?;
        if which("rustup").is_some() {
            announce(&format!("Rust's {TARGET} standard library"), "compiles the page's module", "10 seconds");
            let mut rustup = Command::new("rustup");
            let added =
                try_logged(rustup.args(["target", "add", TARGET]), "`rustup target add`", &cache::log("rustup")?);
            if added.is_ok() && has_std(Path::new("rustc"), None) {
                return Ok(Self::default());
            }
            eprintln!("    rustup could not add it.");
        }
        if debian::can_install() || is_recent(Path::new(DEBIAN_RUSTC)) {
            return install_debian(&held);
        }
        Err(format!(
            "Your Rust compiler has no standard library for {TARGET}: install rustup from https://rustup.rs and run `rustup \
             target add {TARGET}`."
        ))
    }

    /// `program` (cargo, or something that calls it) set up to compile for the browser, with `tools` on its PATH, into target/wasm.
    pub fn command(&self, program: impl AsRef<OsStr>, tools: &[&Path], root: &Path) -> Result<Command> {
        let folders: Vec<&Path> = self.programs.as_deref().into_iter().chain(tools.iter().copied()).collect();
        let mut command = Command::new(program);
        command.current_dir(root).env("PATH", path_with(&folders)?);
        // Apart from the native builds, so that neither waits for the other or undoes its work.
        command.env("CARGO_TARGET_DIR", root.join("target/wasm"));
        // What the compiler makes of our dependencies is the same in every clone (cargo before 1.91 does not know this).
        command.env("CARGO_BUILD_BUILD_DIR", cache::folder()?.join("crates"));
        if self.programs.is_some() {
            for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
                command.env_remove(variable);
            }
        }
        // This replaces every other setting of the flags, so .cargo/config.toml's is repeated.
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).into();
        flags.extend(self.sysroot.as_ref().map(|sysroot| format!("--sysroot={}", sysroot.display())));
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
        if let Some(linker) = &self.linker {
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        Ok(command)
    }
}

/// The platform that this compiler runs on.
pub fn host(rustc: &mut Command) -> Result<String> {
    let said = process::output(rustc.arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say what it is for.".to_owned())
}

/// Whether the compiler finds a standard library for the browser.
fn has_std(rustc: &Path, sysroot: Option<&Path>) -> bool {
    let mut command = Command::new(rustc);
    command.args(["--print", "target-libdir", "--target", TARGET]);
    if let Some(sysroot) = sysroot {
        command.arg("--sysroot").arg(sysroot);
    }
    let Ok(folder) = process::output(&mut command) else { return false };
    let Ok(files) = fs::read_dir(folder) else { return false };
    files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
}

/// Whether this compiler is there and new enough for the project.
fn is_recent(rustc: &Path) -> bool {
    let Ok(said) = process::output(Command::new(rustc).arg("--version")) else { return false };
    let mut numbers = said.split_whitespace().nth(1).unwrap_or_default().split('.').map(|number| number.parse().ok());
    matches!((numbers.next().flatten(), numbers.next().flatten()), (Some(major), Some(minor)) if (major, minor) >= OLDEST)
}

/// The LLVM linker to name to a compiler that brings none of its own, as rustup's do.
fn linker_for(rustc: &Path) -> Result<Option<PathBuf>> {
    let sysroot = PathBuf::from(process::output(Command::new(rustc).args(["--print", "sysroot"]))?);
    let hosts = fs::read_dir(sysroot.join("lib/rustlib")).into_iter().flatten().flatten();
    if hosts.map(|host| host.path().join("bin/rust-lld")).any(|own| own.exists()) {
        return Ok(None);
    }
    let version = llvm_version(rustc)?;
    let find = || which(&format!("wasm-ld-{version}")).or_else(|| which("wasm-ld"));
    if find().is_none() && debian::can_install() {
        debian::install(&[&format!("lld-{version}")], "links the page's module", "30 seconds")?;
    }
    find().map(Some).ok_or_else(|| {
        format!("Your Rust compiler has no WebAssembly linker, LLVM's lld of version {version}: {}.", advice("lld"))
    })
}

fn llvm_version(rustc: &Path) -> Result<String> {
    let said = process::output(Command::new(rustc).arg("-vV"))?;
    let version = said.lines().find_map(|line| line.strip_prefix("LLVM version: "));
    let major = version.and_then(|version| version.split('.').next());
    major.map(str::to_owned).ok_or_else(|| format!("{} does not say which LLVM it has.", rustc.display()))
}

/// Where the standard library for Debian's compiler of this very version is kept.
fn debian_sysroot() -> Result<PathBuf> {
    let said = process::output(Command::new(DEBIAN_RUSTC).arg("-vV"))?;
    let release = said.lines().find_map(|line| line.strip_prefix("release: ")).unwrap_or("unknown");
    let digest = format!("{:x}", md5::compute(&said));
    Ok(cache::folder()?.join("wasm32-std").join(format!("{release}-{}", &digest[..8])))
}

fn debian_from_cache() -> Option<Toolchain> {
    let rustc = Path::new(DEBIAN_RUSTC);
    if !rustc.exists() {
        return None;
    }
    let sysroot = debian_sysroot().ok().filter(|sysroot| has_std(rustc, Some(sysroot)))?;
    let linker = linker_for(rustc).ok()?;
    Some(Toolchain { programs: rustc.parent().map(Path::to_owned), sysroot: Some(sysroot), linker })
}

/// Builds the standard library for Debian's compiler into the cache.
fn install_debian(held: &Lock) -> Result<Toolchain> {
    let rustc = Path::new(DEBIAN_RUSTC);
    if !(is_recent(rustc) && Path::new(DEBIAN_SOURCE).exists() && Path::new("/usr/bin/cargo").exists()) {
        if !debian::can_install() {
            return Err(format!(
                "Debian's compiler needs its source to make a standard library for {TARGET}: run `apt-get install {}`.",
                DEBIAN_PACKAGES.join(" ")
            ));
        }
        debian::install(&DEBIAN_PACKAGES, "a compiler and the source of its standard library", "1 minute")?;
    }
    let linker = linker_for(rustc)?;
    let place = debian_sysroot()?;
    announce(&format!("a {TARGET} standard library, built from its source"), "compiles the page's module", "1 minute");
    let scratch = cache::folder()?.join("build/wasm32-std");
    cache::install(held, &place, |part| build_std(&scratch, part))?;
    cache::remove(&scratch).map_err(|error| format!("{} can't be removed: {error}.", scratch.display()))?;
    if !has_std(rustc, Some(&place)) {
        return Err(format!("The standard library built in {} is not found by {DEBIAN_RUSTC}.", place.display()));
    }
    Ok(Toolchain { programs: rustc.parent().map(Path::to_owned), sysroot: Some(place), linker })
}

/// Compiles an empty crate with its standard library, and keeps the library.
fn build_std(scratch: &Path, part: &Path) -> Result<()> {
    let lib = part.join("lib/rustlib").join(TARGET).join("lib");
    let prepare = || {
        fs::create_dir_all(scratch.join("src"))?;
        fs::create_dir_all(&lib)?;
        fs::write(scratch.join("src/lib.rs"), "#![no_std]\n")?;
        fs::write(scratch.join("Cargo.toml"), "[package]\nname = \"empty\"\nedition = \"2024\"\n\n[workspace]\n")
    };
    prepare().map_err(|error| format!("{} can't be written: {error}.", scratch.display()))?;

    let mut cargo = Command::new("/usr/bin/cargo");
    cargo.current_dir(scratch).args(["build", "--release", "--target", TARGET]);
    // `test` for test crates, bitcode for link-time optimisation; the compiler's own unstable flag builds its own library.
    cargo.arg("-Zbuild-std=std,panic_abort,panic_unwind,proc_macro,test");
    cargo.env("RUSTC_BOOTSTRAP", "1").env("CARGO_ENCODED_RUSTFLAGS", "-Cembed-bitcode=yes");
    cargo.env("CARGO_TARGET_DIR", scratch.join("target")).env("PATH", path_with(&[Path::new("/usr/bin")])?);
    for variable in ["CARGO", "RUSTC", "RUSTFLAGS", "RUSTUP_TOOLCHAIN"] {
        cargo.env_remove(variable);
    }
    run_logged(&mut cargo, &format!("Building the {TARGET} standard library"), &cache::log("wasm32-std")?)?;

    let built = scratch.join("target").join(TARGET).join("release/deps");
    let keep = || {
        for file in fs::read_dir(&built)?.flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            if name.ends_with(".rlib") && !name.starts_with("libempty") {
                fs::copy(file.path(), lib.join(&name))?;
            }
        }
        std::io::Result::Ok(())
    };
    keep().map_err(|error| format!("The built standard library can't be copied: {error}."))
}
