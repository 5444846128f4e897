//! How well a network classifies the stroke set under other brushes: the tables in `src/digit.rs`.
//!
//! ```text
//! cargo run --release --example digit [NETWORK.safetensors]
//! ```

#[path = "../tests/fixtures/strokes/mod.rs"]
mod strokes;

use pockets::{
    LABELS,
    digit::{Brush, Point, Rasteriser, Strokes},
    network::{self, Mlp, kernel::Evaluator, probabilities},
};
use std::{error::Error, fs, sync::Arc, time::Instant};

/// What the network makes of some drawings.
#[derive(Default)]
struct Score {
    drawings: usize,
    right: usize,
    /// Sum of −log p(label).
    loss: f64,
    /// Sum of the images' ink.
    ink: f64,
}

impl Score {
    fn add(&mut self, label: usize, logits: &[f32; LABELS], ink: f32) {
        self.drawings += 1;
        self.right += usize::from(network::label(logits) == label);
        self.loss -= f64::from(probabilities(logits)[label].max(f32::MIN_POSITIVE)).ln();
        self.ink += f64::from(ink);
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let n = self.drawings as f64;
        write!(f, "{} of {}, {:.4}", self.right, self.drawings, self.loss / n)
    }
}

/// Scores the drawings, with their names where the answer is wrong.
fn score<'a>(
    network: &mut Evaluator,
    brush: Brush,
    drawings: impl Iterator<Item = (usize, &'a Strokes)>,
) -> (Score, Vec<String>) {
    let (mut score, mut wrong, mut rasteriser) = (Score::default(), Vec::new(), Rasteriser::new(brush));
    for (label, strokes) in drawings {
        let Some(digit) = rasteriser.rasterise(strokes) else { continue };
        let logits = network.logits(digit.pixels);
        score.add(label, logits, digit.pixels.iter().sum());
        if network::label(logits) != label {
            wrong.push(format!("{label} as {}", network::label(logits)));
        }
    }
    (score, wrong)
}

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "www/networks/FC100-100-10.safetensors".into());
    let network = &mut Evaluator::new(Arc::new(Mlp::from_safetensors(&fs::read(file)?)?));
    let hands = strokes::hands();
    let half = |tuning: bool| {
        let drawings = hands.iter().filter(move |h| h.tuning == tuning).flat_map(|h| &h.drawings);
        // As drawn; drawn 24 pixels tall, where a pixel is nearly one of the image's; with few reports of the pen.
        let versions = |s: &Strokes| [s.clone(), small(s, 24.0), sparse(s, 4)];
        drawings.map(|(label, strokes)| (*label, versions(strokes))).collect::<Vec<_>>()
    };
    let (tuning, held_out) = (half(true), half(false));
    println!(
        "| width | smoothing | path | centre | ink | tuning hands: right, loss | 24 px | sparse | held-out hands |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let chosen = Brush::default();
    let mut line = |brush: Brush| {
        let Brush { width, smoothing, curve, whole_pixels } = brush;
        let (path, place) = (if curve { "curve" } else { "lines" }, if whole_pixels { "whole" } else { "exact" });
        let [tuned, new] = [&tuning, &held_out].map(|half| {
            let drawings = half.iter().flat_map(|(label, versions)| versions.iter().map(|v| (*label, v)));
            score(network, brush, drawings).0
        });
        let [_, small, sparse] = distances(brush, &tuning);
        let ink = tuned.ink / tuned.drawings as f64;
        println!(
            "| {width:.1} | {smoothing:.2} | {path} | {place} | {ink:.0} | {tuned} | {small:.3} | {sparse:.3} | {new} |"
        );
    };
    for width in [1.2, 1.6, 2.0, 2.2, 2.4, 2.6, 2.8, 3.0, 3.2, 3.6, 4.0] {
        line(Brush { width, ..chosen });
    }
    for smoothing in [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0] {
        line(Brush { smoothing, ..chosen });
    }
    for (curve, whole_pixels) in [(true, false), (true, true), (false, false), (false, true)] {
        line(Brush { curve, whole_pixels, ..chosen });
    }
    println!("\nwith the chosen brush, as drawn:");
    let mut report = |name: &str, half: &str, drawings: &[(usize, Strokes)]| {
        let (score, wrong) = score(network, chosen, labelled(drawings));
        println!("| {name} | {half} | {score} | {} |", wrong.join(", "));
    };
    for hand in &hands {
        report(&hand.name, if hand.tuning { "tuning" } else { "held out" }, &hand.drawings);
    }
    report("the page's samples", "", &strokes::samples());
    time(&hands[0].drawings[8].1)
}

fn labelled(drawings: &[(usize, Strokes)]) -> impl Iterator<Item = (usize, &Strokes)> {
    drawings.iter().map(|(label, strokes)| (*label, strokes))
}

/// How far, on average, each version's image is from the unsmoothed image of the drawing as it was drawn.
fn distances(brush: Brush, drawings: &[(usize, [Strokes; 3])]) -> [f64; 3] {
    let mut plain = Rasteriser::new(Brush { smoothing: 0.0, ..brush });
    let mut rasteriser = Rasteriser::new(brush);
    let mut sums = [0.0; 3];
    for (_, versions) in drawings {
        let Some(original) = plain.rasterise(&versions[0]) else { continue };
        for (sum, version) in sums.iter_mut().zip(versions) {
            let Some(image) = rasteriser.rasterise(version) else { continue };
            let squares = original.pixels.iter().zip(image.pixels).map(|(a, b)| f64::from(a - b).powi(2));
            *sum += squares.sum::<f64>().sqrt();
        }
    }
    sums.map(|sum| sum / drawings.len() as f64)
}

/// The drawing at `height` pixels tall (or wide), on a device of whole pixels.
fn small(strokes: &Strokes, height: f32) -> Strokes {
    let extent = |of: fn(&Point) -> f32| {
        let values = || strokes.iter().flatten().map(of);
        values().fold(f32::MIN, f32::max) - values().fold(f32::MAX, f32::min)
    };
    let scale = height / extent(|p| p.x).max(extent(|p| p.y));
    let shrunk = |p: &Point| Point { x: (p.x * scale).round(), y: (p.y * scale).round(), t: p.t };
    rewritten(strokes, height * 2.0, |stroke| stroke.iter().map(shrunk).collect())
}

/// The drawing with every `n`th report of the pen and the last ones of its strokes.
fn sparse(strokes: &Strokes, n: usize) -> Strokes {
    rewritten(strokes, strokes.side(), |stroke| {
        let kept = stroke.iter().enumerate().filter(|(k, _)| k % n == 0 || k + 1 == stroke.len());
        kept.map(|(_, p)| *p).collect()
    })
}

fn rewritten(strokes: &Strokes, side: f32, stroke: impl Fn(&[Point]) -> Vec<Point>) -> Strokes {
    let (mut points, mut starts) = (Vec::new(), Vec::new());
    for old in strokes.iter() {
        starts.push(points.len() as u32 / 3);
        points.extend(stroke(old).iter().flat_map(|p| [p.x, p.y, p.t]));
    }
    Strokes::from_flat(side, &points, &starts).unwrap_or_else(|e| unreachable!("strokes made of strokes: {e}"))
}

/// How long one rasterisation takes, of a drawing with this one's path and 500 points.
fn time(strokes: &Strokes) -> Result<(), Box<dyn Error>> {
    let points: Vec<_> = strokes.iter().flatten().collect();
    let mut long = Strokes::new(strokes.side())?;
    for k in 0..500 {
        let at = k as f32 / 500.0 * (points.len() - 1) as f32;
        let (a, b, u) = (points[at as usize], points[at as usize + 1], at.fract());
        long.push(Point { x: a.x + u * (b.x - a.x), y: a.y + u * (b.y - a.y), t: 0.0 });
    }
    let mut rasteriser = Rasteriser::default();
    let mut times: Vec<_> = (0..1001)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(rasteriser.rasterise(std::hint::black_box(&long)));
            start.elapsed()
        })
        .collect();
    times.sort();
    println!("\na drawing of 500 points: {:?}, median of {}", times[times.len() / 2], times.len());
    Ok(())
}
