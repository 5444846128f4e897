//! Files, and the sentence for those that can't be read.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// All files below a folder, relative to it, in order of their names.
pub fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(folder.join(&inner))? {
            let entry = entry?;
            let path = inner.join(entry.file_name());
            if entry.file_type()?.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}

/// The sentence for a file or folder that an operation failed on.
pub fn unreadable(folder: &Path, error: &io::Error) -> String {
    format!("{} can't be read: {error}.", folder.display())
}
