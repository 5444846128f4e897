//! Lines of JSON, one drawing each:
//!
//! ```text
//! {"set": "pendigits", "writer": "p12", "digit": 8, "strokes": [[141.5, 54.4, 141.5, 51.3, …], …]}
//! ```
//!
//! Each stroke is x, y, x, y, …: to the right and downwards, on a pad whose side is [`PAD`](super::PAD), 280. Blank lines are
//! passed over.

use super::{Drawing, PAD, PenError, text};
use crate::{
    LABELS,
    digit::{Point, Strokes},
};
use serde::Deserialize;
use std::path::Path;

/// One line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    set: String,
    writer: String,
    digit: u8,
    strokes: Vec<Vec<f32>>,
}

/// The drawings of a file.
pub fn read(path: &Path) -> Result<Vec<Drawing>, PenError> {
    let text = text(path)?;
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            drawing(line).map_err(|message| PenError::Line { path: path.into(), line: number, message })
        })
        .collect()
}

/// The drawing of a line, or a sentence that says why there is none.
fn drawing(line: &str) -> Result<Drawing, String> {
    let line: Line = serde_json::from_str(line).map_err(|e| {
        format!("{e}; expected {{\"set\": \"…\", \"writer\": \"…\", \"digit\": 0, \"strokes\": [[x, y, …], …]}}")
    })?;
    if usize::from(line.digit) >= LABELS {
        return Err(format!("the digit is {}; expected one from 0 to 9", line.digit));
    }
    if line.strokes.iter().all(Vec::is_empty) {
        return Err("there is no point in any stroke".into());
    }
    let mut strokes = Strokes::new(PAD).map_err(|e| e.to_string())?;
    for stroke in &line.strokes {
        if !stroke.len().is_multiple_of(2) {
            return Err(format!("a stroke has {} numbers; expected x and y for each point", stroke.len()));
        }
        strokes.begin();
        stroke.chunks_exact(2).for_each(|p| strokes.push(Point { x: p[0], y: p[1], t: 0.0 }));
    }
    Ok(Drawing { set: line.set, writer: line.writer, digit: line.digit, strokes })
}
