//! Running other programs.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{env, io, thread};

/// A failure is one sentence that says what to do, or what went wrong.
pub type Result<T> = std::result::Result<T, String>;

/// How often a long step shows that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// What follows the step that is under way, in words, for those who wait for it.
static AHEAD: Mutex<String> = Mutex::new(String::new());

/// Says what follows the steps to come; every line of life ends in it.
pub fn set_ahead(words: String) {
    *AHEAD.lock().unwrap_or_else(PoisonError::into_inner) = words;
}

/// The first executable file called `name` on the PATH.
pub fn which(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|candidate| is_executable(candidate))
}

#[cfg(unix)]
pub fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
pub fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// A PATH with `folders` before everything that is on it now.
pub fn path_with(folders: &[&Path]) -> Result<std::ffi::OsString> {
    let rest = env::var_os("PATH").unwrap_or_default();
    let all = folders.iter().map(|folder| folder.to_path_buf()).chain(env::split_paths(&rest));
    env::join_paths(all).map_err(|error| format!("A folder can't be put on the PATH: {error}."))
}

/// Runs to the end with our own standard streams. `what` begins the sentence of a failure.
pub fn run(command: &mut Command, what: &str) -> Result<()> {
    let status = command.status().map_err(|error| not_started(command, &error))?;
    if status.success() { Ok(()) } else { Err(format!("{what} failed ({status}).")) }
}

/// Runs to the end and returns its standard output without the white space around it; its errors are kept for the sentence.
pub fn output(command: &mut Command) -> Result<String> {
    let done = command.output().map_err(|error| not_started(command, &error))?;
    if done.status.success() {
        Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
    } else {
        let errors = String::from_utf8_lossy(&done.stderr);
        Err(format!("`{}` failed: {}", show(command), errors.trim()))
    }
}

/// Runs a long step with its output in the file `log`, a line of life every half minute, and the end of the log when it fails.
pub fn run_logged(command: &mut Command, what: &str, log: &Path) -> Result<()> {
    try_logged(command, what, log).inspect_err(|_| eprintln!("{}", last_lines(log, 40)))
}

/// The same for a step that may fail, because there is another way: the log's end is not shown.
pub fn try_logged(command: &mut Command, what: &str, log: &Path) -> Result<()> {
    let open = || -> io::Result<(File, File)> {
        if let Some(folder) = log.parent() {
            fs::create_dir_all(folder)?;
        }
        let out = File::create(log)?;
        Ok((out.try_clone()?, out))
    };
    let (out, errors) = open().map_err(|error| format!("{} can't be written: {error}.", log.display()))?;
    command.stdin(Stdio::null()).stdout(out).stderr(errors);
    let mut child = command.spawn().map_err(|error| not_started(command, &error))?;

    let (finished, is_finished) = mpsc::channel::<()>();
    let status = thread::scope(|scope| {
        scope.spawn(move || {
            let start = Instant::now();
            while is_finished.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
                let ahead = AHEAD.lock().unwrap_or_else(PoisonError::into_inner);
                let after = if ahead.is_empty() { String::new() } else { format!("  ({ahead})") };
                let (seconds, said) = (start.elapsed().as_secs(), last_lines(log, 1));
                eprintln!("    … {seconds:>4} s  {what}: {}{after}", said.trim());
            }
        });
        let status = child.wait();
        drop(finished);
        status
    })
    .map_err(|error| format!("{what} could not be waited for: {error}."))?;

    if status.success() {
        return Ok(());
    }
    Err(format!("{what} failed ({status}); everything it said is in {}.", log.display()))
}

fn last_lines(file: &Path, count: usize) -> String {
    let bytes = fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

fn not_started(command: &Command, error: &io::Error) -> String {
    format!("`{}` could not be started: {error}.", command.get_program().to_string_lossy())
}

/// A command in words.
pub fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
