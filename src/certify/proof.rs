//! One proof: that nothing within a radius is classified as any of the enemies.

use super::{
    minorant::{First, Intervals, Lines, Minorant, minorant},
    model::Model,
    nearest::Nearest,
    region::Region,
    spectrum::Gram,
};
use crate::{
    LABELS,
    vector::{dot, squared_distance, sums},
};

/// A label that shall not be reached.
pub(super) struct Enemy {
    pub label: usize,
    /// Those whose logits it has to exceed.
    pub rivals: Vec<usize>,
    /// About how far away its nearest example is.
    pub distance: f64,
    /// Whether that was looked at closely.
    pub is_known: bool,
    /// No example of it is nearer than this.
    pub bound: f64,
    /// Its nearest known example.
    pub point: Vec<f64>,
    /// Over the logits: positive for rivals, −1 for the label.
    pub weights: [f64; LABELS],
    /// The multiplier of its margin there: see [`super::nearest::Nearest`].
    pub eta: f64,
}

impl Enemy {
    pub(super) fn new(label: usize, rivals: Vec<usize>) -> Self {
        Enemy {
            label,
            rivals,
            distance: f64::INFINITY,
            is_known: false,
            bound: 0.0,
            point: Vec::new(),
            weights: [0.0; LABELS],
            eta: 0.0,
        }
    }

    /// Takes what was found: where it is nearest, and how much each rival holds it back.
    pub(super) fn aim_at(&mut self, nearest: Nearest) {
        self.point = nearest.point;
        self.weights = nearest.multipliers;
        self.weights[self.label] = -1.0;
        self.distance = nearest.distance;
        self.eta = nearest.eta;
    }
}

/// What a step of a proof came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    More,
    Proved,
    Failed,
    /// The network's numbers are too large for f64.
    Overflow,
}

/// Multiplications in one step, about.
const WORK: usize = 1_500_000;
/// Parts of the units' curvature that are absorbed, each tried about two points.
const PARTS: [f64; 3] = [0.6, 0.85, 0.3];
/// Pre-activations beyond this leave no room for their squares.
const LARGEST: f64 = 1e100;
/// A region that shrinks less than this has stopped shrinking.
const SHRINKS: f64 = 0.97;
/// The most of ½‖u − x‖²'s curvature that a parabola may use up.
const ABSORBED: f64 = 0.97;

/// A region where examples may be left, and what is known of the units there.
#[derive(Clone)]
struct Node {
    region: Region,
    intervals: Intervals,
    /// No example in it is nearer than this.
    distance: f64,
}

/// Where a proof is.
enum Stage {
    /// Bounding the rows of hidden layer `.0` from row `.1` on.
    Bounding(usize, usize),
    /// Measuring how far the enemy is, in try `.0`.
    Measuring(usize),
}

/// A proof for one radius, of one enemy after another.
pub(super) struct Proof {
    pub radius: f64,
    effort: u32,
    /// The enemy at work.
    enemy: usize,
    /// The whole ball, once its units are bounded: every enemy starts there.
    root: Option<Node>,
    node: Node,
    stage: Stage,
    /// Bounds of the rows of the layer at work.
    fresh: (Vec<f64>, Vec<f64>),
    lines: Vec<Lines>,
    forward: Vec<Vec<f64>>,
    /// The smallest ball of this round.
    ball: Option<Region>,
    failed: bool,
}

impl Proof {
    pub(super) fn new(image: &[f64], radius: f64, effort: u32) -> Self {
        let region = Region { centre: image.to_vec(), radius };
        Proof {
            radius,
            effort,
            enemy: 0,
            root: None,
            node: Node { region, intervals: Intervals::default(), distance: 0.0 },
            stage: Stage::Bounding(0, 0),
            fresh: (Vec::new(), Vec::new()),
            lines: Vec::new(),
            forward: Vec::new(),
            ball: None,
            failed: false,
        }
    }

    /// A few milliseconds' work.
    pub(super) fn step(&mut self, model: &Model, gram: &Gram, image: &[f64], enemies: &mut [Enemy]) -> Step {
        while self.enemy < enemies.len() && enemies[self.enemy].bound >= self.radius {
            self.enemy += 1;
        }
        if self.enemy == enemies.len() {
            return if self.failed { Step::Failed } else { Step::Proved };
        }
        match self.stage {
            Stage::Bounding(layer, _) if layer == model.hidden() => {
                if self.root.is_none() {
                    self.root = Some(self.node.clone());
                }
                self.stage = Stage::Measuring(0);
                self.ball = None;
                Step::More
            }
            Stage::Bounding(layer, row) => self.bound_rows(model, gram, layer, row),
            Stage::Measuring(attempt) => self.measure(model, gram, image, enemies, attempt),
        }
    }

    /// Bounds some rows of a layer over the region.
    fn bound_rows(&mut self, model: &Model, gram: &Gram, layer: usize, from: usize) -> Step {
        let rows = model.layers[layer].outputs();
        if from == 0 {
            self.fresh = (vec![f64::NEG_INFINITY; rows], vec![f64::INFINITY; rows]);
            if layer == 0 {
                self.forward = model.forward(&self.node.region.centre);
            }
            self.lines.clear();
            for k in 0..layer {
                let part = if k == 0 { 1.0 } else { 0.0 };
                self.lines.push(Lines::new(model, &self.node.intervals, k, &self.forward[k], part).tabled());
            }
        }
        let cost = model.layers[..=layer].iter().map(|l| l.inputs).sum::<usize>() * model.layers[0].outputs();
        let until = rows.min(from + (WORK / cost.max(1)).max(1));
        for row in from..until {
            let (low, high) = self.bound_row(model, gram, layer, row);
            if !(low.abs() < LARGEST && high.abs() < LARGEST) {
                return Step::Overflow;
            }
            (self.fresh.0[row], self.fresh.1[row]) = (low, high);
        }
        if until < rows {
            self.stage = Stage::Bounding(layer, until);
            return Step::More;
        }
        self.take_bounds(layer);
        self.stage = Stage::Bounding(layer + 1, 0);
        Step::More
    }

    /// Bounds of earlier, larger regions hold as well.
    fn take_bounds(&mut self, layer: usize) {
        let (mut low, mut high) = std::mem::take(&mut self.fresh);
        let known = &mut self.node.intervals;
        if let (Some(old_low), Some(old_high)) = (known.low.get(layer), known.high.get(layer)) {
            for (new, old) in low.iter_mut().zip(old_low) {
                *new = new.max(*old);
            }
            for (new, old) in high.iter_mut().zip(old_high) {
                *new = new.min(*old);
            }
        }
        // Rounding may cross the ends of an interval that is a point.
        for (low, high) in low.iter_mut().zip(&mut high) {
            if *low > *high {
                (*low, *high) = (*high, *low);
            }
        }
        if layer < known.low.len() {
            (known.low[layer], known.high[layer]) = (low, high);
        } else {
            known.low.push(low);
            known.high.push(high);
        }
    }

    fn bound_row(&self, model: &Model, gram: &Gram, layer: usize, row: usize) -> (f64, f64) {
        let region = &self.node.region;
        if layer == 0 {
            let (weights, at) = (model.layers[0].row(row), self.forward[0][row]);
            let negative: Vec<f64> = weights.iter().map(|w| -w).collect();
            return (at + region.least(weights), at - region.least(&negative));
        }
        let mut weights = vec![0.0; model.layers[layer].outputs()];
        let mut side = |sign: f64| {
            weights[row] = sign;
            minorant(model, gram, &self.lines, layer, &weights, self.effort > 0)
        };
        let (low, high) = (side(1.0), side(-1.0));
        let slope = model.layers[0].backward(&low.coefficients);
        let other: Vec<f64> = if low.coefficients.iter().zip(&high.coefficients).all(|(a, b)| *a == -*b) {
            slope.iter().map(|a| -a).collect() // both sides touch at the centre: one product serves both
        } else {
            model.layers[0].backward(&high.coefficients)
        };
        let at = |first: &First, slope: &[f64]| {
            let centre = first.constant + dot(&first.coefficients, &self.forward[0]);
            centre + region.least(slope) - 0.5 * first.bend * region.radius * region.radius
        };
        (at(&low, &slope), -at(&high, &other))
    }

    /// One try at the enemy's distance: with another part of the curvature absorbed, or about another point.
    fn measure(&mut self, model: &Model, gram: &Gram, image: &[f64], enemies: &mut [Enemy], attempt: usize) -> Step {
        let enemy = &mut enemies[self.enemy];
        let region = &self.node.region;
        let tries = match (model.hidden(), self.effort) {
            (0, _) => 1,
            (_, 0) => 4,
            _ => 1 + 2 * PARTS.len(),
        };
        // Tangents are taken about the middle of the region and where the enemy was found, if that is in the region.
        let far = squared_distance(&enemy.point, &region.centre).sqrt();
        let blend = if attempt % 2 == 1 { 0.5 } else { 1.0 } * (region.radius / far.max(1e-9)).min(1.0);
        let about: Vec<f64> =
            region.centre.iter().zip(&enemy.point).map(|(c, p)| (c + blend * (p - c)).clamp(0.0, 1.0)).collect();
        // Lines alone are quickly made, and enough for an enemy that is far away.
        let part = if attempt == 0 { 0.0 } else { PARTS[(attempt - 1) / 2] };
        let forward = model.forward(&about);
        let lines: Vec<Lines> = (0..model.hidden())
            .map(|k| {
                let absorbs = k == 0 || gram.has_factor();
                Lines::new(model, &self.node.intervals, k, &forward[k], if absorbs { part } else { 0.0 })
            })
            .collect();
        let mut below = if model.hidden() == 0 {
            let last = &model.layers[0];
            Minorant { slope: last.backward(&enemy.weights), constant: dot(&enemy.weights, &last.bias), bend: 0.0 }
        } else {
            minorant(model, gram, &lines, model.hidden(), &enemy.weights, true).to_pixels(model)
        };
        let allowance = allowance(model, &self.node.intervals);
        if allowance.is_nan() || allowance >= 1e-8 * f64::from(f32::MAX) {
            return Step::Overflow; // such logits are infinite in f32
        }
        below.constant -= allowance;
        let reach = Reach::of(&below, image, &about, self.radius);
        self.node.distance = self.node.distance.max(reach.distance);
        if let Some(ball) = reach.ball
            && self.ball.as_ref().is_none_or(|b| ball.radius < b.radius)
        {
            self.ball = Some(ball);
        }
        if self.node.distance < self.radius && attempt + 1 < tries {
            self.stage = Stage::Measuring(attempt + 1);
            return Step::More;
        }
        self.end_of_round(enemy)
    }

    fn end_of_round(&mut self, enemy: &mut Enemy) -> Step {
        let distance = self.node.distance;
        if distance < self.radius {
            let shrunk = self.ball.take().filter(|ball| ball.radius < SHRINKS * self.node.region.radius);
            if let Some(ball) = shrunk {
                self.node.region = ball;
                self.stage = Stage::Bounding(0, 0);
                return Step::More;
            }
            self.failed = true;
        }
        enemy.bound = enemy.bound.max(distance.min(self.radius));
        self.next_enemy();
        Step::More
    }

    fn next_enemy(&mut self) {
        self.enemy += 1;
        if let Some(root) = &self.root {
            self.node = root.clone();
            self.stage = Stage::Measuring(0);
            self.ball = None;
        }
    }
}

/// By how much a margin may be positive and still count as an example: the last rounding of logits to f32, and this
/// proof's own rounding in f64, with room to spare.
pub(super) fn allowance(model: &Model, intervals: &Intervals) -> f64 {
    let last = &model.layers[model.hidden()];
    let inputs: Vec<f64> = match intervals.high.last() {
        None => vec![1.0; last.inputs],
        Some(high) => high.iter().map(|&z| model.curve.value(z)).collect(),
    };
    let size = |k: usize| {
        let [sum] = sums([last.row(k), &inputs], |[w, a]| [(w * a).abs()]);
        sum + last.bias[k].abs()
    };
    (0..last.outputs()).map(size).fold(1.0, f64::max) * 2.5e-7
}

/// How near `slope·u + constant − ½·bend·‖u − about‖² ≤ 0` comes to x in the box.
struct Reach {
    distance: f64,
    /// A ball that holds all such points within the radius.
    ball: Option<Region>,
}

impl Reach {
    /// By the dual: `½d² ≥ min_u ½‖u − x‖² + η·(slope·u + constant − ½·bend·‖u − about‖²)` for every η ≥ 0 with
    /// η·bend < 1. There the right side is convex, with curvature 1 − η·bend at least: points within the radius lie in a
    /// ball about its minimiser.
    fn of(below: &Minorant, x: &[f64], about: &[f64], radius: f64) -> Reach {
        let most = if below.bend > 0.0 { ABSORBED / below.bend } else { f64::INFINITY };
        let place = |eta: f64| {
            let rest = 1.0 - eta * below.bend;
            let [square, linear, away] = sums([x, &below.slope, about], |[x, a, c]| {
                let u = ((x - eta * (a + below.bend * c)) / rest).clamp(0.0, 1.0);
                [(u - x) * (u - x), a * u, (u - c) * (u - c)]
            });
            (square, linear + below.constant - 0.5 * below.bend * away)
        };
        let dual = |eta: f64| {
            let (square, margin) = place(eta);
            0.5 * square + eta * margin
        };
        // The dual is concave and its derivative is the margin: up while that is positive.
        let (mut low, mut high) = (0.0, 1e-4f64.min(most));
        while place(high).1 > 0.0 && high < most && high < 1e9 {
            (low, high) = (high, (4.0 * high).min(most));
        }
        for _ in 0..40 {
            let middle = 0.5 * (low + high);
            if place(middle).1 > 0.0 { low = middle } else { high = middle }
        }
        let best = if dual(low) >= dual(high) { low } else { high };
        let half_square = dual(best).max(0.0) * (1.0 - 1e-9);
        let distance = (2.0 * half_square).sqrt();
        if distance >= radius {
            return Reach { distance, ball: None };
        }
        let left = |eta: f64| (radius * radius - 2.0 * dual(eta)) / (1.0 - eta * below.bend);
        let candidates = (0..=16).map(|k| (best * (0.2 + 0.1 * f64::from(k))).min(most));
        let eta = candidates.min_by(|&a, &b| left(a).total_cmp(&left(b))).unwrap_or(best);
        let rest = 1.0 - eta * below.bend;
        let centre = x.iter().zip(&below.slope).zip(about);
        let centre = centre.map(|((x, a), c)| ((x - eta * (a + below.bend * c)) / rest).clamp(0.0, 1.0)).collect();
        let left = (left(eta).max(0.0) + 1e-12).sqrt() * (1.0 + 1e-9);
        Reach { distance, ball: Some(Region { centre, radius: left }) }
    }
}
