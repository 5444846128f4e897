//! Szegedy's search: the smallest `r` with `f(x + r) = l` and `x + r` in the box.
//!
//! `minimise ½‖r‖² + h·loss(x + r, l)` for a sequence of weights `h = 1/(2c)`,
//! by box-constrained L-BFGS; the largest `c` that still succeeds gives the
//! smallest `r`.

use crate::{
    LABELS, PIXELS,
    lbfgs::{self, Minimizer, Scaling},
    network::{self, Mlp, kernel::Evaluator},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use thiserror::Error;

/// What the search is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Goal {
    /// The network shall read this label.
    Target(usize),
    /// The network shall read anything but what it reads now.
    Any,
}

/// How the paper's `c` is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reading {
    /// A weight between the size of r and the loss: the search over c alone.
    Weight,
    /// A scale: minimise for one fixed c, then the smallest s with f(x + s·r) = l.
    Scale,
    /// The search over c, then the scale step on its result.
    #[default]
    Both,
}

/// How to search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// The reading of c.
    pub reading: Reading,
    /// By how much the target's logit must exceed every other one; 0 or more.
    pub confidence: f32,
    /// The most loss-and-gradient evaluations to spend before giving up.
    pub max_evaluations: u32,
    /// Curvature pairs that the minimizer keeps.
    pub memory: usize,
    /// A minimiser for one c is found when the projected gradient is within this part of ‖r‖.
    pub inner_tolerance: f32,
    /// The search over c ends when the margin of a success is below this, in logits.
    pub margin_window: f32,
    /// The most steps along the decision boundary before the scale step.
    pub boundary_steps: u32,
}

impl Options {
    /// The settings for one reading of c. Without the steps that follow in [`Reading::Both`], the search over c
    /// has to be the finer one.
    pub fn new(reading: Reading) -> Self {
        let (inner_tolerance, margin_window, boundary_steps) = match reading {
            Reading::Both => (1e-1, 0.3, 3),
            Reading::Weight | Reading::Scale => (3e-2, 0.1, 0),
        };
        Options {
            reading,
            confidence: 0.0,
            max_evaluations: 1000,
            memory: 8,
            inner_tolerance,
            margin_window,
            boundary_steps,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Options::new(Reading::Both)
    }
}

/// Why a search was refused before it began.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum AttackError {
    /// The image is not 784 numbers.
    #[error("the image has {0} pixels; expected 784")]
    Size(usize),
    /// A pixel is NaN or lies outside the box.
    #[error("pixel {index} is {value}; every pixel must lie in [0, 1]")]
    Pixel {
        /// Which pixel, row by row.
        index: usize,
        /// Its value.
        value: f32,
    },
    /// The target is no label.
    #[error("the target {0} is not a digit from 0 to 9")]
    Target(usize),
    /// The network reads the target already; there is nothing to change.
    #[error("the network reads this as {0} already")]
    AlreadyTarget(usize),
}

/// The stage that a search is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Looking for a c that succeeds and one that fails.
    Bracket,
    /// Closing in on the largest c that succeeds.
    Root,
    /// Moving along the decision boundary to its nearest point.
    Boundary,
    /// Scaling r down to the boundary.
    Scale,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// r reaches the goal.
    Success,
    /// No weight of the loss reaches the goal within the box.
    Unreachable,
    /// The evaluations ran out before the goal was reached.
    OutOfEvaluations,
    /// The loss or its gradient was not a finite number.
    NotFinite,
}

/// One evaluation, as an observer sees it.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// The point evaluated, 784 values.
    pub r: &'a [f32],
    /// `loss(x + r, l)`.
    pub loss: f32,
    /// The target's logit less the largest other one (for `any`: the largest other one less the prediction's).
    pub margin: f32,
    /// The c of the formula.
    pub c: f32,
    /// The stage.
    pub phase: Phase,
    /// The largest c known to succeed and the smallest known to fail.
    pub bracket: (Option<f32>, Option<f32>),
    /// How many evaluations there have been, this one included.
    pub evaluations: u32,
}

/// What a search found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// What the network reads x as.
    pub prediction: usize,
    /// What it reads x + r as; the prediction if the search failed.
    pub label: usize,
    /// ‖r‖₂; 0 if the search failed.
    pub norm: f32,
    /// ‖r‖₂ before the scale step.
    pub norm_c: f32,
    /// s of the scale step.
    pub scale: f32,
    /// The c at which r was found.
    pub c: f32,
    /// The margin at x + r, in logits.
    pub margin: f32,
    /// Loss-and-gradient evaluations spent.
    pub evaluations: u32,
}

/// A search that can be stepped, observed, and started anew without allocating.
pub struct Attack {
    options: Options,
    problem: Problem,
    minimizer: Minimizer<f32>,
    stage: Stage,
    search: Search,
    zeros: Vec<f32>,
    ones: Vec<f32>,
    /// Scratch: a margin's gradient, and the point that a boundary or scale step tries.
    slope: Vec<f32>,
    candidate: Vec<f32>,
    best_r: Vec<f32>,
    outcome: Option<Outcome>,
}

/// What the next step does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    /// The first evaluation, at x itself.
    First,
    /// The minimisation for the current h.
    Inner,
    /// A step along the boundary; how many were made.
    Boundary(u32),
    Done,
}

/// The search over h = 1/(2c). `fails` and `succeeds` are (ln h, margin) of the closest minimisers on either side.
#[derive(Clone, Copy, Debug, Default)]
struct Search {
    fails: Option<(f32, f32)>,
    succeeds: Option<(f32, f32)>,
    /// Which side was replaced last, for the Illinois rule.
    last_side: i8,
    growth: f32,
    first_h: f32,
}

/// The image, the goal and the network: everything that an evaluation needs and keeps.
struct Problem {
    evaluator: Evaluator,
    image: Vec<f32>,
    goal: Goal,
    confidence: f32,
    h: f32,
    prediction: usize,
    evaluations: u32,
    seen: Seen,
    best: Best,
}

/// The evaluation made last.
struct Seen {
    r: Vec<f32>,
    loss: f32,
    margin: f32,
    phase: Phase,
}

/// The smallest success of all evaluations. `point` is x + r.
struct Best {
    point: Vec<f32>,
    norm_squared: f32,
    margin: f32,
    label: usize,
    h: f32,
}

/// A success must exceed its confidence by this part of the largest logit, so that a forward pass that sums in
/// another order still agrees.
const MARGIN_FLOOR: f32 = 2e-6;

impl Problem {
    /// The label that reaches the goal among these logits, by how much, and the strongest rival.
    fn judge(&self, z: &[f32; LABELS]) -> Judgement {
        let strongest_but = |l: usize| {
            (0..LABELS).filter(|&j| j != l).fold(usize::MAX, |b, j| if b == usize::MAX || z[j] > z[b] { j } else { b })
        };
        let (winner, rival) = match self.goal {
            Goal::Target(l) => (l, strongest_but(l)),
            Goal::Any => (strongest_but(self.prediction), self.prediction),
        };
        let margin = z[winner] - z[rival];
        let floor = MARGIN_FLOOR * z.iter().fold(1.0f32, |m, v| m.max(v.abs()));
        Judgement { winner, rival, margin, success: margin >= self.confidence + floor }
    }

    /// Keeps `point` if it reaches the goal and is the closest to the image so far.
    fn keep(&mut self, point: &[f32], norm_squared: f32, judgement: Judgement) {
        if judgement.success && norm_squared < self.best.norm_squared {
            self.best.point.copy_from_slice(point);
            self.best.norm_squared = norm_squared;
            self.best.margin = judgement.margin;
            self.best.label = judgement.winner;
            self.best.h = self.h;
        }
    }

    /// `F(u) = ½‖u − x‖² + h·loss(u)` and its gradient at `u = x + r`.
    fn evaluate(&mut self, u: &[f32], gradient: &mut [f32]) -> f32 {
        let z = *self.evaluator.logits(u);
        let judgement = self.judge(&z);
        let probabilities = network::probabilities(&z);
        let (sign, label) = match self.goal {
            Goal::Target(l) => (1.0, l),
            Goal::Any => (-1.0, self.prediction),
        };
        let loss = sign * cross_entropy(&z, label);
        let mut over_logits = probabilities.map(|p| self.h * sign * p);
        over_logits[label] -= self.h * sign;
        self.evaluator.input_gradient(&over_logits, gradient);
        let mut norm_squared = 0.0;
        for i in 0..PIXELS {
            let r = u[i] - self.image[i];
            self.seen.r[i] = r;
            gradient[i] += r;
            norm_squared += r * r;
        }
        self.seen.loss = loss;
        self.seen.margin = judgement.margin;
        self.evaluations += 1;
        self.keep(u, norm_squared, judgement);
        0.5 * norm_squared + self.h * loss
    }

    /// The margin at `u` and its gradient.
    fn margin_gradient(&mut self, u: &[f32], gradient: &mut [f32]) -> f32 {
        let z = *self.evaluator.logits(u);
        let judgement = self.judge(&z);
        let mut over_logits = [0.0; LABELS];
        over_logits[judgement.winner] = 1.0;
        over_logits[judgement.rival] = -1.0;
        self.evaluator.input_gradient(&over_logits, gradient);
        for i in 0..PIXELS {
            self.seen.r[i] = u[i] - self.image[i];
        }
        self.seen.loss = match self.goal {
            Goal::Target(l) => cross_entropy(&z, l),
            Goal::Any => -cross_entropy(&z, self.prediction),
        };
        self.seen.margin = judgement.margin;
        self.evaluations += 1;
        judgement.margin
    }

    /// A forward pass on `clip(x + s·(direction − x))`, which is left in `point`; kept if it is the best so far.
    fn try_scale(&mut self, direction: &[f32], s: f32, point: &mut [f32]) -> Judgement {
        let mut norm_squared = 0.0;
        for i in 0..PIXELS {
            let x = self.image[i];
            point[i] = (x + s * (direction[i] - x)).clamp(0.0, 1.0);
            norm_squared += (point[i] - x) * (point[i] - x);
        }
        let z = *self.evaluator.logits(point);
        let judgement = self.judge(&z);
        self.keep(point, norm_squared, judgement);
        judgement
    }
}

#[derive(Clone, Copy, Debug)]
struct Judgement {
    winner: usize,
    rival: usize,
    margin: f32,
    success: bool,
}

/// `−ln softmax(z)_l`.
fn cross_entropy(z: &[f32; LABELS], l: usize) -> f32 {
    let largest = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    z.iter().map(|v| (v - largest).exp()).sum::<f32>().ln() + largest - z[l]
}

impl Attack {
    /// Room for searches on `network`.
    pub fn new(network: Arc<Mlp>, options: Options) -> Self {
        let zeros = || vec![0.0; PIXELS];
        let minimizer = Minimizer::new(
            PIXELS,
            lbfgs::Options {
                memory: options.memory,
                // ½‖r‖² has the unit matrix as its second derivative, and the loss adds to it in a few directions only.
                scaling: Scaling::Fixed(1.0),
                gradient_tolerance: 0.0,
                decrease_tolerance: 0.0,
                noise: 1e-6,
                max_evaluations: u32::MAX,
            },
        );
        let problem = Problem {
            evaluator: Evaluator::new(network),
            image: zeros(),
            goal: Goal::Any,
            confidence: options.confidence,
            h: 1.0,
            prediction: 0,
            evaluations: 0,
            seen: Seen { r: zeros(), loss: 0.0, margin: 0.0, phase: Phase::Bracket },
            best: Best { point: zeros(), norm_squared: f32::INFINITY, margin: 0.0, label: 0, h: 1.0 },
        };
        Attack {
            options,
            problem,
            minimizer,
            stage: Stage::Done,
            search: Search::default(),
            zeros: zeros(),
            ones: vec![1.0; PIXELS],
            slope: zeros(),
            candidate: zeros(),
            best_r: zeros(),
            outcome: None,
        }
    }

    /// Begins a search on `image` (784 pixels in [0, 1]); any earlier one is dropped.
    pub fn start(&mut self, image: &[f32], goal: Goal) -> Result<(), AttackError> {
        self.stage = Stage::Done;
        self.outcome = None;
        if image.len() != PIXELS {
            return Err(AttackError::Size(image.len()));
        }
        if let Some(index) = image.iter().position(|p| !(0.0..=1.0).contains(p)) {
            return Err(AttackError::Pixel { index, value: image[index] });
        }
        if let Goal::Target(target) = goal
            && target >= LABELS
        {
            return Err(AttackError::Target(target));
        }
        let problem = &mut self.problem;
        problem.image.copy_from_slice(image);
        problem.goal = goal;
        problem.prediction = network::label(problem.evaluator.logits(image));
        if goal == Goal::Target(problem.prediction) {
            return Err(AttackError::AlreadyTarget(problem.prediction));
        }
        problem.h = 1.0;
        problem.evaluations = 0;
        problem.best.norm_squared = f32::INFINITY;
        problem.seen.phase = Phase::Bracket;
        self.search = Search { growth: 2.0, ..Search::default() };
        self.best_r.fill(0.0);
        self.stage = match self.minimizer.start(image, &self.zeros, &self.ones) {
            Ok(()) => Stage::First,
            Err(_) => Stage::Done, // the lengths are ours and the image was checked
        };
        Ok(())
    }

    /// One evaluation of loss and gradient. Returns whether the search goes on.
    pub fn step(&mut self) -> bool {
        match self.stage {
            Stage::Done => return false,
            Stage::First => self.first_step(),
            Stage::Inner => self.inner_step(),
            Stage::Boundary(made) => self.boundary_step(made),
        }
        if self.stage != Stage::Done && self.problem.evaluations >= self.options.max_evaluations {
            self.finish(Ending::OutOfEvaluations);
        }
        self.stage != Stage::Done
    }

    /// Steps to the end.
    pub fn run(&mut self) -> Option<Outcome> {
        while self.step() {}
        self.outcome
    }

    /// At x, r = 0: the gradient is the loss's alone, and gives the first weight to try.
    fn first_step(&mut self) {
        let problem = &mut self.problem;
        if self.minimizer.step(|u, g| problem.evaluate(u, g)) == Some(lbfgs::Ending::NotFinite) {
            return self.finish(Ending::NotFinite);
        }
        let needed = self.options.confidence - self.problem.seen.margin;
        for (slope, g) in self.slope.iter_mut().zip(self.minimizer.gradient()) {
            *slope = -g;
        }
        let Some(multiplier) = multiplier_for(&self.problem.image, &self.problem.image, &self.slope, needed.max(1e-3)) else {
            return self.finish(Ending::Unreachable);
        };
        // At the boundary between two labels the loss's gradient is half the margin's.
        let h = match self.problem.goal {
            Goal::Target(_) => 2.0 * multiplier,
            Goal::Any => multiplier,
        };
        self.search.first_h = h;
        self.stage = Stage::Inner;
        self.set_h(h);
    }

    /// Continues from the last accepted point with another weight; no evaluation is needed for that.
    fn set_h(&mut self, h: f32) {
        let ratio = h / self.problem.h;
        self.problem.h = h;
        let image = &self.problem.image;
        let half_square = 0.5 * squared_distance(self.minimizer.x(), image);
        let value = half_square + ratio * (self.minimizer.value() - half_square);
        let gradient = |x: &[f32], g: &mut [f32]| {
            for i in 0..PIXELS {
                let r = x[i] - image[i];
                g[i] = r + ratio * (g[i] - r);
            }
        };
        let pair = |s: &[f32], y: &mut [f32]| {
            for i in 0..PIXELS {
                y[i] = s[i] + ratio * (y[i] - s[i]);
            }
        };
        self.minimizer.change_objective(value, gradient, pair);
    }

    fn inner_step(&mut self) {
        let problem = &mut self.problem;
        let iterations = self.minimizer.iterations();
        let ending = self.minimizer.step(|u, g| problem.evaluate(u, g));
        if ending == Some(lbfgs::Ending::NotFinite) {
            return self.finish(Ending::NotFinite);
        }
        if self.problem.goal == Goal::Any && self.has_best() {
            return self.after_search();
        }
        if ending.is_none() {
            if self.minimizer.iterations() == iterations {
                return;
            }
            let size = squared_distance(self.minimizer.x(), &self.problem.image).sqrt();
            if self.minimizer.projected_gradient_norm() > self.options.inner_tolerance * size {
                return;
            }
        }
        self.next_h();
    }

    /// A minimiser for this h is found: accept its margin, or choose another h.
    fn next_h(&mut self) {
        let margin = self.problem.seen.margin - self.options.confidence;
        let here = (self.problem.h.ln(), margin);
        if margin >= 0.0 && margin <= self.options.margin_window {
            return self.after_search();
        }
        let search = &mut self.search;
        let side = if margin >= 0.0 { 1 } else { -1 };
        // The Illinois rule: an end that stays put counts half.
        if side == search.last_side {
            let other = if side > 0 { &mut search.fails } else { &mut search.succeeds };
            if let Some((_, m)) = other {
                *m *= 0.5;
            }
        }
        search.last_side = side;
        if margin >= 0.0 { search.succeeds = Some(here) } else { search.fails = Some(here) }
        let aim = 0.5 * self.options.margin_window;
        let next = match (search.fails, search.succeeds) {
            (Some((low, low_margin)), Some((high, high_margin))) => {
                if high - low <= 0.01 {
                    return self.after_search();
                }
                self.problem.seen.phase = Phase::Root;
                let part = (aim - low_margin) / (high_margin - low_margin);
                low + (high - low) * part.clamp(0.05, 0.95)
            }
            _ => {
                let step = search.growth.ln();
                search.growth *= 1.5;
                here.0 - step * f32::from(side)
            }
        };
        if next - self.search.first_h.ln() > 12.0 {
            return if self.has_best() { self.after_search() } else { self.finish(Ending::Unreachable) };
        }
        self.set_h(next.exp());
    }

    fn has_best(&self) -> bool {
        self.problem.best.norm_squared.is_finite()
    }

    fn after_search(&mut self) {
        if !self.has_best() {
            return self.finish(Ending::Unreachable);
        }
        self.stage = Stage::Boundary(0);
        if self.options.boundary_steps == 0 || self.options.reading != Reading::Both {
            self.finish(Ending::Success);
        }
    }

    /// The closest point to x on the boundary's tangent at the best point, within the box; then along its ray
    /// to the boundary itself.
    fn boundary_step(&mut self, made: u32) {
        self.problem.seen.phase = Phase::Boundary;
        let before = self.problem.best.norm_squared;
        self.candidate.copy_from_slice(&self.problem.best.point);
        let margin = self.problem.margin_gradient(&self.candidate, &mut self.slope);
        let aim = self.options.confidence + 1e-3;
        if let Some(t) = multiplier_for(&self.problem.image, &self.candidate, &self.slope, aim - margin) {
            for i in 0..PIXELS {
                self.candidate[i] = (self.problem.image[i] + t * self.slope[i]).clamp(0.0, 1.0);
            }
            self.scale_to_boundary(1.1);
        }
        let gain = 1.0 - self.problem.best.norm_squared / before;
        if gain < 1e-3 || made + 1 >= self.options.boundary_steps {
            return self.finish(Ending::Success);
        }
        self.stage = Stage::Boundary(made + 1);
    }

    /// The smallest s up to `limit` at which `clip(x + s·r)` reaches the goal, r from the candidate; forward passes only.
    fn scale_to_boundary(&mut self, limit: f32) -> f32 {
        let (problem, direction, point) = (&mut self.problem, &self.candidate, &mut self.best_r);
        let mut judgement = problem.try_scale(direction, 1.0, point);
        let (mut low, mut high) = (0.0, 1.0);
        if !judgement.success {
            low = 1.0;
            high = 1.0;
            let mut step = 0.005;
            while !judgement.success && high < limit {
                low = high;
                high += step;
                step *= 2.0;
                judgement = problem.try_scale(direction, high, point);
            }
            if !judgement.success {
                return f32::INFINITY;
            }
        }
        for _ in 0..12 {
            let middle = 0.5 * (low + high);
            if problem.try_scale(direction, middle, point).success { high = middle } else { low = middle }
        }
        high
    }

    fn finish(&mut self, ending: Ending) {
        self.stage = Stage::Done;
        let found = self.has_best();
        let norm_c = self.problem.best.norm_squared.sqrt();
        if found && self.options.reading != Reading::Weight {
            self.problem.seen.phase = Phase::Scale;
            self.candidate.copy_from_slice(&self.problem.best.point);
            self.scale_to_boundary(1.0);
        }
        let best = &self.problem.best;
        for i in 0..PIXELS {
            self.best_r[i] = if found { best.point[i] - self.problem.image[i] } else { 0.0 };
        }
        let norm = if found { best.norm_squared.sqrt() } else { 0.0 };
        self.outcome = Some(Outcome {
            ending: if found { Ending::Success } else { ending },
            prediction: self.problem.prediction,
            label: if found { best.label } else { self.problem.prediction },
            norm,
            norm_c: if found { norm_c } else { 0.0 },
            scale: if found { norm / norm_c } else { 0.0 },
            c: 0.5 / if found { best.h } else { self.problem.h },
            margin: if found { best.margin } else { self.problem.seen.margin },
            evaluations: self.problem.evaluations,
        });
    }

    /// The evaluation made last; none before the first step.
    pub fn observation(&self) -> Option<Observation<'_>> {
        let (problem, seen) = (&self.problem, &self.problem.seen);
        let c = |side: Option<(f32, f32)>| side.map(|(ln_h, _)| 0.5 / ln_h.exp());
        (problem.evaluations > 0).then(|| Observation {
            r: &seen.r,
            loss: seen.loss,
            margin: seen.margin,
            c: 0.5 / problem.h,
            phase: seen.phase,
            bracket: (c(self.search.succeeds), c(self.search.fails)),
            evaluations: problem.evaluations,
        })
    }

    /// The result; none while the search goes on.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// The result's r, 784 values: the smallest that reaches the goal; zeros if none has.
    pub fn perturbation(&self) -> &[f32] {
        &self.best_r
    }

    /// The result's x + r, exactly as it was evaluated; x itself if the search failed.
    pub fn adversarial(&self) -> &[f32] {
        if self.has_best() { &self.problem.best.point } else { &self.problem.image }
    }
}

fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The t ≥ 0 at which `slope·(clip(x + t·slope) − from) = rise`: the multiplier of the closest point to `x` in the
/// box whose linear model, taken at `from`, rises by that much. None if the box allows no such rise.
///
/// The left side grows with t, ever more slowly, so Newton's method from the left never overshoots.
fn multiplier_for(x: &[f32], from: &[f32], slope: &[f32], rise: f32) -> Option<f32> {
    let mut t = 0.0f32;
    for _ in 0..50 {
        let (mut value, mut rate) = (-rise, 0.0f32);
        for i in 0..x.len() {
            let moved = x[i] + t * slope[i];
            let inside = if slope[i] > 0.0 { moved < 1.0 } else { moved > 0.0 };
            value += slope[i] * (moved.clamp(0.0, 1.0) - from[i]);
            rate += if inside { slope[i] * slope[i] } else { 0.0 };
        }
        if value >= -1e-5 * rise.abs().max(1e-3) {
            return Some(t);
        }
        let next = t - value / rate;
        if !next.is_finite() {
            return None;
        }
        if next <= t * (1.0 + 1e-6) {
            return Some(next);
        }
        t = next;
    }
    Some(t)
}
