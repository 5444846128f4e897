//! The UNIPEN format, as far as digits need it (Guyon, Schomaker, Plamondon, Liberman, Janet 1994, *UNIPEN project of on-line
//! data exchange and recognizer benchmarks*).
//!
//! A statement begins with a dot at the head of a line and goes on to the next one:
//!
//! ```text
//! .INCLUDE aga/data/aga01.dat         another file, below a folder named `include`
//! .WRITER_ID anne
//! .COORD X Y T                        what the numbers of a point are
//! .SEGMENT CHARACTER 0-1,3:4-5 OK "7" components 0 and 1, and from point 4 of component 3 to the end of component 5
//! .PEN_DOWN                           a component: points of the pen on the paper …
//! 120 340 0
//! .PEN_UP                             … or above it
//! ```
//!
//! Components count from 0 over the whole file, what it includes too, and a `.PEN_UP` without points is none. y grows upwards.
//! The UCI set *Pen-Based Recognition of Handwritten Digits* is published so in its original form (`pendigits-orig.tra`,
//! `.tes`), with a `.COMMENT` of digit, writer and serial number after each segment.

use super::{Drawing, PenError, fitted, text};
use std::{
    ops::Range,
    path::{Path, PathBuf},
};

/// How many files deep files may include one another.
const DEEPEST: usize = 8;

/// The digits of a file. Segments that are labelled otherwise, or that have no point of a pen on paper, are passed over.
pub fn read(path: &Path) -> Result<Vec<Drawing>, PenError> {
    let mut file = File { set: set(path), writer: stem(path), ..File::default() };
    file.read(path, 0)?;
    let mut drawings = Vec::new();
    for segment in &file.segments {
        let strokes = file.strokes(segment);
        if strokes.is_empty() {
            continue;
        }
        let strokes = fitted(&strokes).map_err(|e| PenError::Line {
            path: path.into(),
            line: segment.line,
            message: e.to_string(),
        })?;
        let writer = segment.writer.clone().unwrap_or_else(|| file.writer.clone());
        drawings.push(Drawing { set: file.set.clone(), writer, digit: segment.digit, strokes });
    }
    Ok(drawings)
}

/// What a file and those that it includes have said so far.
#[derive(Default)]
struct File {
    set: String,
    writer: String,
    /// Which numbers of a point are x and y.
    columns: Option<[usize; 2]>,
    components: Vec<Component>,
    segments: Vec<Segment>,
}

/// A run of the pen.
struct Component {
    is_down: bool,
    /// y downwards.
    points: Vec<[f32; 2]>,
}

/// A digit, and where it is.
struct Segment {
    line: usize,
    digit: u8,
    /// Whoever wrote it, if the segment itself says so.
    writer: Option<String>,
    pieces: Vec<Piece>,
}

/// From one component and point to another, both included.
struct Piece {
    first: Place,
    last: Place,
}

/// A component, and a point of it if one is named.
struct Place {
    component: usize,
    point: Option<usize>,
}

impl File {
    fn read(&mut self, path: &Path, depth: usize) -> Result<(), PenError> {
        let text = text(path)?;
        let mut is_down = None;
        for (number, line) in (1..).zip(text.lines()) {
            let refused = |message: String| PenError::Line { path: path.into(), line: number, message };
            let line = line.trim();
            let Some(statement) = line.strip_prefix('.') else {
                if let Some(is_down) = is_down {
                    self.point(line, is_down).map_err(refused)?;
                }
                continue;
            };
            let (keyword, rest) = statement.split_once(char::is_whitespace).unwrap_or((statement, ""));
            // What is not known ends a run of points all the same, but for the time that a pen was up.
            if keyword != "DT" {
                self.end(is_down.take());
            }
            match keyword {
                "PEN_DOWN" | "PEN_UP" => {
                    is_down = Some(keyword == "PEN_DOWN");
                    self.components.push(Component { is_down: keyword == "PEN_DOWN", points: Vec::new() });
                }
                "COORD" => self.columns = Some(columns(rest).map_err(refused)?),
                "WRITER_ID" if !rest.trim().is_empty() => self.writer = rest.trim().to_owned(),
                "SEGMENT" => self.segments.extend(segment(number, rest).map_err(refused)?),
                "COMMENT" => self.comment(rest),
                "INCLUDE" => self.include(path, number, rest.trim(), depth)?,
                _ => {}
            }
        }
        self.end(is_down);
        Ok(())
    }

    /// A component is over; without points it was none.
    fn end(&mut self, is_down: Option<bool>) {
        if is_down.is_some() && self.components.last().is_some_and(|component| component.points.is_empty()) {
            self.components.pop();
        }
    }

    /// A line of numbers within a component.
    fn point(&mut self, line: &str, is_down: bool) -> Result<(), String> {
        if line.is_empty() {
            return Ok(());
        }
        let [x, y] = self.columns.unwrap_or([0, 1]);
        let number = |column: usize| {
            let number = line.split_whitespace().nth(column).and_then(|word| word.parse::<f32>().ok());
            number.filter(|number| number.is_finite())
        };
        let found = || format!("found {line:?} within a component; expected the numbers of one point");
        let (x, y) = number(x).zip(number(y)).ok_or_else(found)?;
        match self.components.last_mut() {
            Some(component) if component.is_down == is_down => component.points.push([x, -y]),
            _ => return Err(found()),
        }
        Ok(())
    }

    /// `digit writer serial`, after a segment of that digit.
    fn comment(&mut self, text: &str) {
        let Some(segment) = self.segments.last_mut() else { return };
        let words: Vec<&str> = text.split_whitespace().collect();
        let [digit, writer, _] = words.as_slice() else { return };
        if digit.parse() == Ok(segment.digit) && writer.bytes().all(|b| b.is_ascii_digit()) {
            segment.writer = Some((*writer).to_owned());
        }
    }

    /// Reads another file in the middle of this one. Headers without points (`dene.doc`) are often not at hand; a file
    /// whose points are needed is.
    fn include(&mut self, path: &Path, line: usize, name: &str, depth: usize) -> Result<(), PenError> {
        let Some(other) = find(path, name) else {
            if name.ends_with(".doc") {
                return Ok(());
            }
            return Err(PenError::Include { path: path.into(), line, included: name.to_owned() });
        };
        if depth == DEEPEST {
            let message = format!("files include one another more than {DEEPEST} deep, down to {}", other.display());
            return Err(PenError::Line { path: path.into(), line, message });
        }
        // In a folder named by its contributor, as `aga/data/…` has it.
        if let Some((contributor, _)) = name.split_once('/').filter(|_| depth == 0) {
            self.set = format!("unipen/{contributor}");
        }
        self.read(&other, depth + 1)
    }

    /// The pen's runs on paper within a segment.
    fn strokes(&self, segment: &Segment) -> Vec<Vec<[f32; 2]>> {
        let mut strokes = Vec::new();
        for piece in &segment.pieces {
            let components = self.components.iter().enumerate().take(piece.last.component + 1);
            for (k, component) in components.skip(piece.first.component).filter(|(_, c)| c.is_down) {
                let points = piece.points(k, component.points.len());
                strokes.extend(component.points.get(points).filter(|p| !p.is_empty()).map(<[_]>::to_vec));
            }
        }
        strokes
    }
}

impl Piece {
    /// Those of a component's points that belong to it.
    fn points(&self, component: usize, count: usize) -> Range<usize> {
        let first = self.first.point.filter(|_| component == self.first.component).unwrap_or(0);
        let last = self.last.point.filter(|_| component == self.last.component).map_or(count, |p| p + 1);
        first.min(count)..last.min(count)
    }
}

/// Where x and y are among a point's numbers, e.g. of `X Y T P`.
fn columns(text: &str) -> Result<[usize; 2], String> {
    let place = |name: &str| text.split_whitespace().position(|word| word == name);
    let found = || format!("found the coordinates {:?}; expected X and Y among them", text.trim());
    let (x, y) = place("X").zip(place("Y")).ok_or_else(found)?;
    Ok([x, y])
}

/// `LEVEL RANGES QUALITY "LABEL"`: the segment if its label is a digit, nothing if it is anything else.
fn segment(line: usize, text: &str) -> Result<Option<Segment>, String> {
    let Some((head, label)) = text.split_once('"') else { return Ok(None) };
    let label = label.trim_end().strip_suffix('"').unwrap_or(label);
    let mut words = head.split_whitespace();
    let (level, ranges) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let digit = match label.as_bytes() {
        [digit @ b'0'..=b'9'] if matches!(level, "DIGIT" | "CHARACTER") => digit - b'0',
        _ => return Ok(None),
    };
    let pieces = ranges.split(',').map(piece).collect::<Option<Vec<_>>>();
    let pieces = pieces.ok_or_else(|| {
        format!("found the components {ranges:?} for the digit {label:?}; expected some like 0, 3-4 or 3:10-4:25")
    })?;
    Ok(Some(Segment { line, digit, writer: None, pieces }))
}

/// `3`, `3-4`, `3:10-4:25`.
fn piece(text: &str) -> Option<Piece> {
    let place = |text: &str| match text.split_once(':') {
        Some((component, point)) => {
            Some(Place { component: component.parse().ok()?, point: Some(point.parse().ok()?) })
        }
        None => Some(Place { component: text.parse().ok()?, point: None }),
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (place(first)?, place(last)?);
    (first.component <= last.component).then_some(Piece { first, last })
}

/// The file that another includes: below a folder `include` beside it or above it, or beside it.
fn find(path: &Path, name: &str) -> Option<PathBuf> {
    let folders = path.ancestors().skip(1);
    folders.flat_map(|folder| [folder.join("include").join(name), folder.join(name)]).find(|other| other.is_file())
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The set of a file that includes no other: its name.
fn set(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
