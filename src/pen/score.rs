//! How a network classifies what people wrote: by set, by digit, by writer, and a sheet of what it missed.

use super::{Drawing, PAD};
use crate::{
    LABELS,
    digit::{Brush, Rasteriser},
    network::{Network, kernel::Evaluator, label, probabilities},
};
use std::{collections::BTreeMap, fmt::Write};

/// Drawings in a row of the sheet.
const COLUMNS: usize = 10;
/// Side of a drawing on the sheet, and the height of the line below it, in pixels.
const CELL: f32 = 96.0;
const CAPTION: f32 = 20.0;

/// How many of some drawings were classified as meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// All of them.
    pub drawings: usize,
    /// Those that were.
    pub right: usize,
}

impl Share {
    /// The share in per cent; 100 where there is none to miss.
    pub fn percent(self) -> f64 {
        if self.drawings == 0 { 100.0 } else { 100.0 * self.right as f64 / self.drawings as f64 }
    }

    fn add(&mut self, is_right: bool) {
        self.drawings += 1;
        self.right += usize::from(is_right);
    }
}

/// A drawing that was taken for another digit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Missed {
    /// Which of the drawings.
    pub index: usize,
    /// What it was taken for.
    pub taken_for: usize,
    /// The probability that the network gave it, from 0 to 1.
    pub probability: f32,
}

/// How a network did.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// On everything.
    pub all: Share,
    /// On each set, by name.
    pub sets: BTreeMap<String, Share>,
    /// On each writer, by set and name.
    pub writers: BTreeMap<(String, String), Share>,
    /// How often a digit (the row) was taken for each digit.
    pub confusion: [[usize; LABELS]; LABELS],
    /// What was missed, in the order of the drawings.
    pub missed: Vec<Missed>,
}

impl Score {
    /// Shows the drawings, in the ink of a brush, to a network. One that is blank is missed, as whatever a blank pad is taken for.
    pub fn of(network: impl Into<Network>, drawings: &[Drawing], brush: Brush) -> Self {
        let mut score = Score::default();
        let (mut network, mut rasteriser) = (Evaluator::new(network), Rasteriser::new(brush));
        for (index, drawing) in drawings.iter().enumerate() {
            let pixels = rasteriser.rasterise(&drawing.strokes).map(|digit| *digit.pixels);
            let logits = network.logits(&pixels.unwrap_or([0.0; crate::PIXELS]));
            let taken_for = label(logits);
            let is_right = pixels.is_some() && taken_for == usize::from(drawing.digit);
            score.all.add(is_right);
            score.sets.entry(drawing.set.clone()).or_default().add(is_right);
            score.writers.entry((drawing.set.clone(), drawing.writer.clone())).or_default().add(is_right);
            score.confusion[usize::from(drawing.digit)][taken_for] += 1;
            if !is_right {
                score.missed.push(Missed { index, taken_for, probability: probabilities(logits)[taken_for] });
            }
        }
        score
    }

    /// On each collection: sets whose names begin alike, before a slash, together.
    pub fn collections(&self) -> BTreeMap<&str, Share> {
        let mut collections: BTreeMap<&str, Share> = BTreeMap::new();
        for (set, share) in &self.sets {
            let collection = collections.entry(set.split('/').next().unwrap_or(set)).or_default();
            collection.drawings += share.drawings;
            collection.right += share.right;
        }
        collections
    }

    /// On each digit.
    pub fn digits(&self) -> [Share; LABELS] {
        let share = |digit: usize| {
            let row = self.confusion[digit];
            Share { drawings: row.iter().sum(), right: row[digit] }
        };
        std::array::from_fn(share)
    }

    /// The missed drawings as an SVG picture: each with its digit, what it was taken for, and its writer.
    pub fn sheet(&self, drawings: &[Drawing]) -> String {
        let mut missed: Vec<(&Drawing, &Missed)> =
            self.missed.iter().filter_map(|missed| Some((drawings.get(missed.index)?, missed))).collect();
        missed.sort_by_key(|(drawing, missed)| (drawing.digit, missed.taken_for));
        let rows = missed.len().div_ceil(COLUMNS);
        let (width, height) = (CELL * COLUMNS as f32, (CELL + CAPTION) * rows as f32);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" font-family=\"sans-serif\" font-size=\"9\" text-anchor=\"middle\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
        );
        for (place, (drawing, missed)) in missed.iter().enumerate() {
            let (x, y) = (CELL * (place % COLUMNS) as f32, (CELL + CAPTION) * (place / COLUMNS) as f32);
            let (path, writer) = (path(drawing), escaped(&drawing.writer));
            let (scale, middle, below) = (CELL / PAD, CELL / 2.0, CELL + CAPTION / 2.0);
            // Writing to a string cannot fail.
            let _ = writeln!(
                svg,
                "<g transform=\"translate({x} {y})\"><path transform=\"scale({scale})\" d=\"{path}\" fill=\"none\" \
                 stroke=\"black\" stroke-width=\"14\" stroke-linecap=\"round\" stroke-linejoin=\"round\"/>\
                 <text x=\"{middle}\" y=\"{below}\">{} as {} · {writer}</text></g>",
                drawing.digit, missed.taken_for
            );
        }
        svg + "</svg>\n"
    }
}

/// The pen's path, in pad units.
fn path(drawing: &Drawing) -> String {
    let mut path = String::new();
    for stroke in drawing.strokes.iter() {
        for (k, p) in stroke.iter().filter(|p| p.x.is_finite() && p.y.is_finite()).enumerate() {
            let _ = write!(path, "{}{:.1} {:.1}", if k == 0 { 'M' } else { 'L' }, p.x, p.y);
        }
        // A dot: a line of no length has round ends.
        if let [p] = stroke {
            let _ = write!(path, "L{:.1} {:.1}", p.x, p.y);
        }
    }
    path
}

/// Text as XML has it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
