//! The folder where set-up keeps what it installs: one per user, shared by all clones.

use crate::process::Result;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::{env, io};

/// `$XDG_CACHE_HOME/pockets`, or `~/.cache/pockets`.
pub fn folder() -> Result<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").or_else(|| absolute("USERPROFILE")).map(|home| home.join(".cache")))
        .map(|cache| cache.join("pockets"))
        .ok_or_else(|| "Neither HOME nor XDG_CACHE_HOME says where tools can be kept; set one of them.".to_owned())
}

/// The file in which the output of an installation is kept.
pub fn log(name: &str) -> Result<PathBuf> {
    Ok(folder()?.join("logs").join(format!("{name}.log")))
}

/// While this lives, no other run installs anything. A killed run lets go of it.
pub struct Lock(#[expect(dead_code, reason = "held open, and so locked, until dropped")] File);

/// Waits for its turn to install.
pub fn lock() -> Result<Lock> {
    let folder = folder()?;
    let take = || -> io::Result<File> {
        fs::create_dir_all(&folder)?;
        let file = File::options().create(true).truncate(false).write(true).open(folder.join("lock"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                eprintln!("  Another run is installing; waiting for it.");
                file.lock()?;
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(file)
    };
    take().map(Lock).map_err(|error| format!("The cache {} can't be used: {error}.", folder.display()))
}

/// Makes the folder `place` whole or not at all: `make` fills a folder beside it, which is then renamed. The [`Lock`] must be held.
pub fn install(_held: &Lock, place: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let name = place.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let part = place.with_file_name(format!(".{name}.part"));
    let in_the_way = |error: io::Error| format!("{} can't be written: {error}.", place.display());
    remove(&part).map_err(in_the_way)?;
    fs::create_dir_all(&part).map_err(in_the_way)?;
    make(&part)?;
    remove(place).map_err(in_the_way)?;
    fs::rename(&part, place).map_err(in_the_way)
}

/// Removes a folder with all that is in it, if it is there.
pub fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes a file, if it is there.
pub fn remove_file(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_installation_leaves_nothing_that_is_taken_for_whole() {
        let home = env::temp_dir().join(format!("xtask-cache-{}", std::process::id()));
        fs::create_dir_all(&home).unwrap();
        let held = Lock(File::create(home.join("lock")).unwrap());
        let place = home.join("tool-1.0");

        let failed = install(&held, &place, |part| {
            fs::write(part.join("half"), "made").unwrap();
            Err("The power went out.".to_owned())
        });
        assert!(failed.is_err());
        assert!(!place.exists());

        install(&held, &place, |part| fs::write(part.join("whole"), "made").map_err(|error| error.to_string()))
            .unwrap();
        assert!(place.join("whole").exists());
        assert!(!place.join("half").exists());
        remove(&home).unwrap();
    }
}
