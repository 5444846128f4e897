//! From pen strokes to 28×28 pixels, the way MNIST was made.
//!
//! MNIST's makers scaled the *ink* of a scanned digit to a 20×20 box, keeping its aspect, and moved the result so that
//! its centre of mass falls on the centre of a 28×28 field (LeCun, Bottou, Bengio, Haffner 1998, *Gradient-based
//! learning applied to document recognition*, section III.A). Here the ink is a pen's path, so nothing needs to be drawn
//! big and shrunk: the path itself is scaled, and a round brush of a width given in *image* pixels runs along it.
//! A small digit in a corner and a large one in the middle therefore give the same image.
//!
//! ```text
//! strokes ─► curve ─► resample ─► smooth ─► fit to 20×20 ─► distance to the path ─► centre of mass ─► pixels
//! ```
//!
//! # The brush, measured
//!
//! [`Brush::default`] was chosen with `cargo run --release --example digit`, which draws the 150 drawings of
//! `tests/fixtures/strokes` with other brushes and shows them to FC100-100-10 as shipped. Every drawing counts three
//! times: as drawn, redrawn 24 pixels tall on whole pixels, and with only every fourth report of the pen. Eight hands
//! were for choosing (240 images), seven were held out (210). *Loss* is the mean −log p of the digit meant; *24 px* and
//! *sparse* are the mean ‖·‖₂ between such an image and the unsmoothed image of the original.
//!
//! | width | smoothing | path | centre | ink | right, loss | 24 px | sparse | held out |
//! |---|---|---|---|---|---|---|---|---|
//! | 1.6 | 0.50 | curve | exact | 68 | 237 of 240, 0.0354 | 1.462 | 1.207 | 205 of 210, 0.0377 |
//! | 2.0 | 0.50 | curve | exact | 83 | 237 of 240, 0.0214 | 1.402 | 1.177 | 210 of 210, 0.0215 |
//! | 2.4 | 0.50 | curve | exact | 97 | 238 of 240, 0.0130 | 1.347 | 1.146 | 210 of 210, 0.0133 |
//! | **2.6** | **0.50** | **curve** | **exact** | 104 | 239 of 240, 0.0095 | 1.310 | 1.129 | 210 of 210, 0.0117 |
//! | 2.8 | 0.50 | curve | exact | 110 | 240 of 240, 0.0074 | 1.277 | 1.110 | 210 of 210, 0.0117 |
//! | 3.2 | 0.50 | curve | exact | 123 | 240 of 240, 0.0054 | 1.240 | 1.081 | 209 of 210, 0.0210 |
//! | 4.0 | 0.50 | curve | exact | 147 | 240 of 240, 0.0079 | 1.135 | 1.000 | 201 of 210, 0.0706 |
//! | 2.6 | 0.00 | curve | exact | 106 | 240 of 240, 0.0068 | 1.665 | 0.978 | 210 of 210, 0.0113 |
//! | 2.6 | 0.25 | curve | exact | 105 | 240 of 240, 0.0072 | 1.517 | 1.008 | 210 of 210, 0.0112 |
//! | 2.6 | 0.75 | curve | exact | 103 | 238 of 240, 0.0133 | 1.288 | 1.281 | 210 of 210, 0.0127 |
//! | 2.6 | 1.00 | curve | exact | 102 | 237 of 240, 0.0180 | 1.345 | 1.470 | 210 of 210, 0.0140 |
//! | 2.6 | 2.00 | curve | exact | 100 | 237 of 240, 0.0396 | 1.970 | 2.469 | 209 of 210, 0.0235 |
//! | 2.6 | 0.50 | lines | exact | 103 | 239 of 240, 0.0104 | 1.262 | 1.230 | 210 of 210, 0.0119 |
//! | 2.6 | 0.50 | curve | whole | 104 | 239 of 240, 0.0190 | 2.555 | 1.887 | 210 of 210, 0.0130 |
//!
//! - **Width 2.6**: the ink of MNIST's training images, 102.4 pixels' worth on average, and the least loss of the hands
//!   held out. Wider brushes suit the other hands a little better, which is no reason to draw more ink than MNIST has.
//! - **Smoothing 0.5**: the choice is between the two distances, for the predictions hardly differ (by one or two
//!   versions of a wide 1 with a long upstroke). It takes a fifth off what a small drawing loses to its pixels; beyond it,
//!   corners suffer more than that.
//! - **Curve**: what is missing between few reports is guessed better than by straight lines.
//! - **Exact centre**: MNIST moved its images by whole pixels, but then a hair's breadth more ink on one side makes the
//!   whole image jump by a pixel, which doubles the distances and would flicker while a person draws.

use crate::{PIXELS, SIDE, decimal::Decimal, vector::clip};
use thiserror::Error;

/// Side of the box that the ink fills, in image pixels.
pub const BOX: f32 = 20.0;

/// The centre of mass of every MNIST image, in image pixels from the top left corner: the middle of pixel 14.
///
/// In the 60,000 training images its coordinates lie in [13.98, 15.00], with a mean of 14.50.
pub const CENTRE: f32 = 14.5;

/// The extent, as a share of the pad's side, below which ink is no longer enlarged to fill the box.
///
/// A tap of the pen trembles by a pixel or two; enlarged, it would be a disc or a bar as large as a digit.
pub const SMALLEST: f32 = 0.08;

/// Spacing of the resampled path, in image pixels.
const SPACING: f32 = 0.5;

/// Points farther from the pad than this many sides are not on it in any sense.
const FARTHEST: f32 = 16.0;

/// One position of the pen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// To the right, in pad units.
    pub x: f32,
    /// Downwards, in pad units.
    pub y: f32,
    /// When, in milliseconds. The image does not depend on it.
    pub t: f32,
}

/// What was drawn: strokes on a pad of known size, in the order of drawing.
#[derive(Clone, Debug, PartialEq)]
pub struct Strokes {
    side: f32,
    points: Vec<Point>,
    starts: Vec<usize>,
}

/// Why some numbers are not strokes.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum StrokesError {
    /// A pad of no size, or of one that no screen has.
    #[error("the pad's side is {}; expected a length between 0.001 and 1000000 in the units of the points", Decimal(*.0))]
    Side(f32),
    /// A flat array that is cut inside a point.
    #[error("found {0} numbers; expected x, y and t for each point, a multiple of three")]
    Length(usize),
    /// Stroke starts that do not divide the points into strokes.
    #[error("stroke {stroke} starts at point {start} of {points}; expected starts that begin at 0 and never fall")]
    Start {
        /// Which stroke, from 0.
        stroke: usize,
        /// Its start.
        start: usize,
        /// How many points there are.
        points: usize,
    },
    /// Points, but no stroke that they belong to.
    #[error("found {0} points but no stroke start")]
    NoStart(usize),
}

impl Strokes {
    /// A blank square pad of the given side; of a pad that is not square, pass the shorter one.
    pub fn new(side: f32) -> Result<Self, StrokesError> {
        if (1e-3..=1e6).contains(&side) {
            Ok(Strokes { side, points: Vec::new(), starts: Vec::new() })
        } else {
            Err(StrokesError::Side(side))
        }
    }

    /// Strokes from flat arrays: `points` is x, y, t, x, y, t, …; `starts` is each stroke's first point.
    pub fn from_flat(side: f32, points: &[f32], starts: &[u32]) -> Result<Self, StrokesError> {
        let mut strokes = Strokes::new(side)?;
        if !points.len().is_multiple_of(3) {
            return Err(StrokesError::Length(points.len()));
        }
        let count = points.len() / 3;
        if starts.is_empty() && count > 0 {
            return Err(StrokesError::NoStart(count));
        }
        let mut least = 0;
        for (stroke, &start) in starts.iter().enumerate() {
            let start = start as usize;
            if start < least || start > count || (stroke == 0 && start != 0) {
                return Err(StrokesError::Start { stroke, start, points: count });
            }
            least = start;
            strokes.starts.push(start);
        }
        strokes.points.extend(points.chunks_exact(3).map(|p| Point { x: p[0], y: p[1], t: p[2] }));
        Ok(strokes)
    }

    /// The pen goes down: what is pushed from here on is a new stroke.
    pub fn begin(&mut self) {
        self.starts.push(self.points.len());
    }

    /// The pen moves. Before the first [`begin`](Self::begin) this begins a stroke.
    pub fn push(&mut self, point: Point) {
        if self.starts.is_empty() {
            self.begin();
        }
        self.points.push(point);
    }

    /// Wipes the pad, keeping its memory.
    pub fn clear(&mut self) {
        self.points.clear();
        self.starts.clear();
    }

    /// The pad's side, in pad units.
    pub fn side(&self) -> f32 {
        self.side
    }

    /// The strokes, in the order of drawing.
    pub fn iter(&self) -> impl Iterator<Item = &[Point]> {
        self.starts.iter().enumerate().map(|(k, &start)| {
            let end = self.starts.get(k + 1).copied().unwrap_or(self.points.len());
            &self.points[start..end]
        })
    }

    /// Whether the point can be ink: finite, and on the pad or at least somewhere near it.
    fn is_ink(&self, p: &Point) -> bool {
        p.x.abs() <= FARTHEST * self.side && p.y.abs() <= FARTHEST * self.side
    }
}

/// How a path becomes ink. The default is what was measured to be classified best.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Brush {
    /// Width of the line, in image pixels.
    pub width: f32,
    /// Standard deviation, in image pixels along the path, of the Gaussian that smooths it. 0 leaves it as it is.
    pub smoothing: f32,
    /// Whether the pen went from point to point along a centripetal Catmull–Rom curve, or straight.
    pub curve: bool,
    /// Whether the image moves by whole pixels only, as MNIST's did, or puts its centre of mass on [`CENTRE`],
    /// to within a tenth of a pixel.
    pub whole_pixels: bool,
}

impl Default for Brush {
    fn default() -> Self {
        Brush { width: 2.6, smoothing: 0.5, curve: true, whole_pixels: false }
    }
}

/// Where the pad is in the image: `image = scale · pad + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// Image pixels per pad unit.
    pub scale: f32,
    /// Image coordinates of the pad's origin.
    pub offset: [f32; 2],
}

impl Placement {
    /// Image coordinates of a point on the pad; the image's top left corner is (0, 0), its first pixel's middle (½, ½).
    pub fn to_image(&self, x: f32, y: f32) -> [f32; 2] {
        [self.scale * x + self.offset[0], self.scale * y + self.offset[1]]
    }

    /// Pad coordinates of a point in the image.
    pub fn to_pad(&self, x: f32, y: f32) -> [f32; 2] {
        [(x - self.offset[0]) / self.scale, (y - self.offset[1]) / self.scale]
    }
}

/// An image that has ink.
#[derive(Clone, Copy, Debug)]
pub struct Digit<'a> {
    /// Row-major 28×28, 0 for paper and 1 for ink.
    pub pixels: &'a [f32; PIXELS],
    /// Where the strokes are in it.
    pub placement: Placement,
}

/// Draws strokes as images, in memory of its own that it uses again and again.
#[derive(Clone, Debug)]
pub struct Rasteriser {
    brush: Brush,
    /// One half of the symmetric smoothing kernel, its middle first.
    kernel: Vec<f32>,
    /// The drawing's path: all strokes' samples, and where each stroke ends.
    path: Vec<[f32; 2]>,
    ends: Vec<usize>,
    /// One stroke's points, then its samples before smoothing.
    knots: Vec<[f32; 2]>,
    samples: Vec<[f32; 2]>,
    /// Squared distance of every pixel's middle to the path, then its ink.
    pixels: Box<[f32; PIXELS]>,
}

impl Default for Rasteriser {
    fn default() -> Self {
        Rasteriser::new(Brush::default())
    }
}

impl Rasteriser {
    /// A rasteriser for one brush. The width is kept within (0, 20) image pixels, the smoothing within [0, 10].
    pub fn new(brush: Brush) -> Self {
        let width = if brush.width.is_finite() { clip(brush.width, 0.1, BOX - 0.1) } else { Brush::default().width };
        let smoothing = if brush.smoothing.is_finite() { clip(brush.smoothing, 0.0, BOX / 2.0) } else { 0.0 };
        Rasteriser {
            brush: Brush { width, smoothing, ..brush },
            kernel: half_gaussian(smoothing / SPACING),
            path: Vec::new(),
            ends: Vec::new(),
            knots: Vec::new(),
            samples: Vec::new(),
            pixels: Box::new([0.0; PIXELS]),
        }
    }

    /// The strokes' image, or `None` where the pad is blank.
    ///
    /// A single dot is a dot of the brush's width in the middle of the image, and anything smaller than
    /// [`SMALLEST`] of the pad stays proportionally small. Points that are not finite, or that are sixteen pads away, are left
    /// out as if the pen had not reported them; a stroke goes straight on from the one before to the one after.
    pub fn rasterise(&mut self, strokes: &Strokes) -> Option<Digit<'_>> {
        let ink = || strokes.iter().flatten().filter(|p| strokes.is_ink(p)).map(|p| [p.x, p.y]);
        let raw = Bounds::of(ink())?;
        // To roughly the image's scale, in which spacing and smoothing are given …
        let scale = self.scale_for(&raw, SMALLEST * strokes.side);
        self.path.clear();
        self.ends.clear();
        for stroke in strokes.iter() {
            self.knots.clear();
            let scaled = |p: &Point| [(p.x - raw.low[0]) * scale, (p.y - raw.low[1]) * scale];
            self.knots.extend(stroke.iter().filter(|p| strokes.is_ink(p)).map(scaled));
            self.trace();
        }
        // … and then exactly, because smoothing shortens a path's turning points a little.
        let smooth = Bounds::of(self.path.iter().copied())?;
        let rescale = self.scale_for(&smooth, SMALLEST * strokes.side * scale);
        let radius = self.brush.width / 2.0;
        for p in &mut self.path {
            *p = [0, 1].map(|i| (p[i] - smooth.low[i]) * rescale + radius);
        }
        let size = [0, 1].map(|i| (smooth.high[i] - smooth.low[i]) * rescale + self.brush.width);
        // Drawn once to weigh it, and once in its place.
        self.draw([0.0, 0.0]);
        let mass = centre_of_mass(&self.pixels);
        let place = [0, 1].map(|i| {
            let shift = CENTRE - mass[i];
            let shift = if self.brush.whole_pixels { shift.round() } else { shift };
            clip(shift, 0.0, SIDE as f32 - size[i])
        });
        self.draw(place);
        let offset = [0, 1].map(|i| place[i] + radius - (smooth.low[i] + raw.low[i] * scale) * rescale);
        Some(Digit { pixels: &self.pixels, placement: Placement { scale: scale * rescale, offset } })
    }

    /// What makes the longer side of the ink, brush included, as long as the box; `smallest` caps it.
    fn scale_for(&self, bounds: &Bounds, smallest: f32) -> f32 {
        (BOX - self.brush.width) / bounds.extent().max(smallest)
    }

    /// Adds one stroke, `knots`, to the path: evenly resampled, then smoothed.
    fn trace(&mut self) {
        self.knots.dedup_by(|b, a| distance(*a, *b) < 1e-3);
        self.samples.clear();
        resample(&self.knots, self.brush.curve, &mut self.samples);
        let (samples, kernel) = (&self.samples, &self.kernel);
        self.path.extend((0..samples.len()).map(|k| smoothed(samples, k, kernel)));
        self.ends.push(self.path.len());
    }

    /// Draws the path, moved by `place`, into `pixels`.
    fn draw(&mut self, place: [f32; 2]) {
        self.pixels.fill(f32::INFINITY);
        let radius = self.brush.width / 2.0;
        let mut start = 0;
        for &end in &self.ends {
            let stroke = &self.path[start..end];
            start = end;
            // One point alone is a segment of no length.
            for k in 0..stroke.len().saturating_sub(1).max(stroke.len().min(1)) {
                let moved = |p: [f32; 2]| [p[0] + place[0], p[1] + place[1]];
                let (a, b) = (moved(stroke[k]), moved(stroke[(k + 1).min(stroke.len() - 1)]));
                nearest(&mut self.pixels, a, b, radius + 0.5);
            }
        }
        // The share of a pixel that a straight edge at this distance covers, to within a few hundredths.
        for pixel in self.pixels.iter_mut() {
            *pixel = clip(radius + 0.5 - pixel.sqrt(), 0.0, 1.0);
        }
    }
}

/// The smallest upright rectangle around some points.
struct Bounds {
    low: [f32; 2],
    high: [f32; 2],
}

impl Bounds {
    fn of(points: impl Iterator<Item = [f32; 2]>) -> Option<Self> {
        points.fold(None, |bounds: Option<Bounds>, p| {
            let b = bounds.unwrap_or(Bounds { low: p, high: p });
            Some(Bounds { low: [0, 1].map(|i| b.low[i].min(p[i])), high: [0, 1].map(|i| b.high[i].max(p[i])) })
        })
    }

    fn extent(&self) -> f32 {
        (self.high[0] - self.low[0]).max(self.high[1] - self.low[1])
    }
}

fn distance(a: [f32; 2], b: [f32; 2]) -> f32 {
    // `hypot` guards against overflow, which scaled points can't have, at several times the cost.
    ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)).sqrt()
}

/// `e^(−k²/2σ²)` for k = 0, 1, … up to three σ; not normalised, because a path's ends use less of it.
fn half_gaussian(sigma: f32) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil() as usize;
    (0..=reach).map(|k| if k == 0 { 1.0 } else { libm::expf(-0.5 * (k as f32 / sigma).powi(2)) }).collect()
}

/// The weighted mean of the samples around `k`. The window shrinks towards the ends, so that they stay where they are.
fn smoothed(samples: &[[f32; 2]], k: usize, kernel: &[f32]) -> [f32; 2] {
    let reach = (kernel.len() - 1).min(k).min(samples.len() - 1 - k);
    let (mut sum, mut weight) = (samples[k], 1.0);
    for (j, &w) in kernel.iter().enumerate().take(reach + 1).skip(1) {
        for i in [0, 1] {
            sum[i] += w * (samples[k - j][i] + samples[k + j][i]);
        }
        weight += 2.0 * w;
    }
    sum.map(|s| s / weight)
}

/// Samples, [`SPACING`] apart, of the line through the knots, with its two ends.
fn resample(knots: &[[f32; 2]], curve: bool, samples: &mut Vec<[f32; 2]>) {
    let Some((&first, &last)) = knots.first().zip(knots.last()) else { return };
    samples.push(first);
    let (mut at, mut due) = (first, SPACING);
    let mut walk = |to: [f32; 2]| {
        let mut left = distance(at, to);
        while left >= due {
            let share = due / left;
            at = [0, 1].map(|i| at[i] + share * (to[i] - at[i]));
            samples.push(at);
            left -= due;
            due = SPACING;
        }
        due -= left;
        at = to;
    };
    for k in 0..knots.len() - 1 {
        if curve {
            let piece = Piece::of(knots, k);
            let steps = (4.0 * distance(knots[k], knots[k + 1]) / SPACING).ceil() as usize;
            (1..steps).for_each(|step| walk(piece.at(step as f32 / steps as f32)));
        }
        walk(knots[k + 1]);
    }
    if samples.last() != Some(&last) {
        samples.push(last);
    }
}

/// The piece between two knots of a centripetal Catmull–Rom curve, in cubic Hermite form.
///
/// Its knot intervals are `√distance`, with which no piece has a cusp or a loop
/// (Yuksel, Schaefer, Keyser 2011, *Parameterization and applications of Catmull–Rom curves*).
struct Piece {
    from: [f32; 2],
    to: [f32; 2],
    slopes: [[f32; 2]; 2],
}

impl Piece {
    /// The piece from `knots[k]` to `knots[k + 1]`. At an end of the path its slope is that of the straight line.
    fn of(knots: &[[f32; 2]], k: usize) -> Self {
        let (from, to) = (knots[k], knots[k + 1]);
        let interval = |a, b| distance(a, b).sqrt();
        let own = interval(from, to);
        let slope = |before: [f32; 2], here: [f32; 2], after: [f32; 2]| {
            let (a, b) = (interval(before, here), interval(here, after));
            [0, 1].map(|i| {
                let (left, right, whole) = (here[i] - before[i], after[i] - here[i], after[i] - before[i]);
                own * (left / a + right / b - whole / (a + b))
            })
        };
        let straight = [0, 1].map(|i| to[i] - from[i]);
        let start = if k > 0 { slope(knots[k - 1], from, to) } else { straight };
        let end = knots.get(k + 2).map_or(straight, |&after| slope(from, to, after));
        Piece { from, to, slopes: [start, end] }
    }

    /// The point at `u` in [0, 1].
    fn at(&self, u: f32) -> [f32; 2] {
        let (uu, uuu) = (u * u, u * u * u);
        let blend = 3.0 * uu - 2.0 * uuu;
        let [start, end] = self.slopes;
        [0, 1].map(|i| {
            let line = self.from[i] + blend * (self.to[i] - self.from[i]);
            line + (uuu - 2.0 * uu + u) * start[i] + (uuu - uu) * end[i]
        })
    }
}

/// Lowers each entry of `squares` within `reach` of the segment `ab` to its middle's squared distance to it.
fn nearest(squares: &mut [f32; PIXELS], a: [f32; 2], b: [f32; 2], reach: f32) {
    let span = |i: usize| {
        let (low, high) = (a[i].min(b[i]) - reach - 0.5, a[i].max(b[i]) + reach - 0.5);
        // Saturating casts: a path outside the image has an empty span.
        (low.ceil().max(0.0) as usize, clip(high.floor() + 1.0, 0.0, SIDE as f32) as usize)
    };
    let (columns, rows) = (span(0), span(1));
    let ab = [b[0] - a[0], b[1] - a[1]];
    let length2 = ab[0] * ab[0] + ab[1] * ab[1];
    let inverse = if length2 > 0.0 { 1.0 / length2 } else { 0.0 };
    for row in rows.0..rows.1 {
        let y = row as f32 + 0.5 - a[1];
        for column in columns.0..columns.1 {
            let x = column as f32 + 0.5 - a[0];
            let along = clip((x * ab[0] + y * ab[1]) * inverse, 0.0, 1.0);
            let (dx, dy) = (x - along * ab[0], y - along * ab[1]);
            let square = &mut squares[row * SIDE + column];
            *square = square.min(dx * dx + dy * dy);
        }
    }
}

/// The ink's centre of mass, in image coordinates; the image's middle where there is no ink.
fn centre_of_mass(pixels: &[f32; PIXELS]) -> [f32; 2] {
    let (mut mass, mut x, mut y) = (0.0, 0.0, 0.0);
    for (row, line) in pixels.chunks_exact(SIDE).enumerate() {
        for (column, &ink) in line.iter().enumerate() {
            mass += ink;
            x += ink * (column as f32 + 0.5);
            y += ink * (row as f32 + 0.5);
        }
    }
    if mass > 0.0 { [x / mass, y / mass] } else { [CENTRE; 2] }
}
