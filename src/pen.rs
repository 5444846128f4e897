//! Digits that people wrote with a pen: files of strokes, and the ways in which hands differ.
//!
//! Three kinds of file are read: the UNIPEN format in which the UNIPEN set and the UCI set *Pen-Based Recognition of
//! Handwritten Digits* are published ([`unipen`]), and lines of JSON ([`json_lines`]). Ink is scaled and centred on one
//! pad, so that devices of any resolution give the same drawings.

pub mod json_lines;
pub mod score;
pub mod unipen;
pub mod variation;

use crate::digit::{Point, Strokes, StrokesError};
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use thiserror::Error;

/// The pad's side, in pad units.
pub const PAD: f32 = 280.0;
/// The longer side of a drawing's ink, in pad units.
pub const INK: f32 = 200.0;

/// How the names of files with strokes end; in a folder, others are left alone.
const ENDINGS: [&str; 5] = ["jsonl", "tra", "tes", "dat", "unp"];

/// A digit that somebody wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// The collection that it is from, e.g. `unipen/aga`.
    pub set: String,
    /// Whoever wrote it: unique within the set.
    pub writer: String,
    /// The digit that was meant, from 0 to 9.
    pub digit: u8,
    /// The pen's path, on a pad of side [`PAD`].
    pub strokes: Strokes,
}

/// Why there are no drawings. Each message is for the person who named the file.
#[derive(Debug, Error)]
pub enum PenError {
    /// A file or folder that could not be read.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line that does not say what it should.
    #[error("{}, line {line}: {message}", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What was found, and what was expected.
        message: String,
    },
    /// A file whose coordinates are in another one, which is not there.
    #[error(
        "{}, line {line}: it includes {included:?}, which is in no folder named `include` above it, nor beside it",
        .path.display()
    )]
    Include {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// The name of the other file, as it stands there.
        included: String,
    },
    /// Nothing to work with.
    #[error(
        "{} has no digit; expected strokes in UNIPEN's format (.tra, .tes, .dat, .unp) or as lines of JSON (.jsonl)",
        .0.display()
    )]
    Empty(PathBuf),
}

/// The drawings in a file, or in all files of strokes in a folder and the folders in it, by name.
///
/// Folders named `include` are passed over: they hold coordinates for the files that include them.
pub fn read(path: &Path) -> Result<Vec<Drawing>, PenError> {
    let mut drawings = Vec::new();
    for file in files(path)? {
        drawings.extend(match file.extension() {
            Some(ending) if ending == "jsonl" => json_lines::read(&file)?,
            _ => unipen::read(&file)?,
        });
    }
    if drawings.is_empty() { Err(PenError::Empty(path.into())) } else { Ok(drawings) }
}

/// The file itself, or those of a folder.
fn files(path: &Path) -> Result<Vec<PathBuf>, PenError> {
    if !path.is_dir() {
        return Ok(vec![path.into()]);
    }
    let mut entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(at(path))?;
    entries.sort_by_key(fs::DirEntry::path);
    let mut found = Vec::new();
    for entry in entries.iter().map(fs::DirEntry::path) {
        let is_known = || entry.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known));
        if entry.is_dir() && entry.file_name().is_some_and(|name| name != "include") {
            found.extend(files(&entry)?);
        } else if entry.is_file() && is_known() {
            found.push(entry);
        }
    }
    Ok(found)
}

/// A file as text; bytes that are no UTF-8 become replacement characters, for old files have names in Latin-1.
fn text(path: &Path) -> Result<String, PenError> {
    Ok(String::from_utf8_lossy(&fs::read(path).map_err(at(path))?).into_owned())
}

fn at(path: &Path) -> impl Fn(io::Error) -> PenError + '_ {
    move |source| PenError::File { path: path.into(), source }
}

/// Strokes of points `[x, y]`, y downwards, in any unit, as ink of the usual size in the middle of the pad.
fn fitted(strokes: &[Vec<[f32; 2]>]) -> Result<Strokes, StrokesError> {
    let points = || strokes.iter().flatten();
    let side = |i: usize| {
        let values = || points().map(move |p| p[i]);
        (values().fold(f32::INFINITY, f32::min), values().fold(f32::NEG_INFINITY, f32::max))
    };
    let [(left, right), (top, bottom)] = [side(0), side(1)];
    // A dot has no size to be scaled by.
    let scale = INK / (right - left).max(bottom - top).max(f32::MIN_POSITIVE);
    let scale = if scale.is_finite() { scale } else { 1.0 };
    let middle = [(left + right) / 2.0, (top + bottom) / 2.0];
    let mut fitted = Strokes::new(PAD)?;
    for stroke in strokes {
        fitted.begin();
        for p in stroke {
            let [x, y] = [0, 1].map(|i| PAD / 2.0 + scale * (p[i] - middle[i]));
            fitted.push(Point { x, y, t: 0.0 });
        }
    }
    Ok(fitted)
}
