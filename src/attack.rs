//! Szegedy's search: the smallest `r` with `f(x + r) = l` and `x + r` in the box.
//!
//! `minimise ½‖r‖² + h·loss(x + r, l)` for a sequence of weights `h = 1/(2c)`,
//! by box-constrained L-BFGS; the largest `c` that still succeeds gives the
//! smallest `r`.

mod boundary;
mod descent;
mod problem;
mod weight;

use crate::{
    LABELS, PIXELS,
    decimal::Decimal,
    lbfgs::{self, Minimizer, Scaling},
    network::Network,
    vector::{clip, squared_distance},
};
use boundary::{Tangents, multiplier};
pub use descent::Stand;
use problem::Problem;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use weight::{Next, WeightSearch};

/// What the search is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Goal {
    /// The network shall predict this label.
    Target(usize),
    /// The network shall predict anything but what it predicts now.
    Any,
}

/// How the paper's `c` is understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
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
    /// The settings for one reading of c. The weight alone has to be found finely, as nothing follows; a scale fixes
    /// its c so that the margin is about one logit; only both together also step along the boundary.
    pub fn new(reading: Reading) -> Self {
        let (inner_tolerance, margin_window, boundary_steps) = match reading {
            Reading::Weight => (0.02, 0.03, 0),
            Reading::Scale => (0.02, 2.0, 0),
            Reading::Both => (0.1, 0.2, 8),
        };
        Options { reading, max_evaluations: 1000, memory: 8, inner_tolerance, margin_window, boundary_steps }
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
    #[error("pixel {index} is {}; every pixel must lie in [0, 1]", Decimal(*value))]
    Pixel {
        /// Which pixel, row by row.
        index: usize,
        /// Its value.
        value: f32,
    },
    /// The target is no label.
    #[error("the target {0} is not a digit from 0 to 9")]
    Target(usize),
    /// The network predicts the target already; there is nothing to change.
    #[error("the network classifies this as {0} already")]
    AlreadyTarget(usize),
}

impl AttackError {
    /// Refuses an image that is not 784 pixels in [0, 1], and a target that is no label.
    pub(crate) fn check(image: &[f32], goal: Goal) -> Result<(), AttackError> {
        if image.len() != PIXELS {
            return Err(AttackError::Size(image.len()));
        }
        if let Some(index) = image.iter().position(|p| !(0.0..=1.0).contains(p)) {
            return Err(AttackError::Pixel { index, value: image[index] });
        }
        match goal {
            Goal::Target(target) if target >= LABELS => Err(AttackError::Target(target)),
            _ => Ok(()),
        }
    }
}

/// The stage that a search is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
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
#[cfg_attr(test, derive(ts_rs::TS))]
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
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// The label that the network predicts for x.
    pub prediction: usize,
    /// The label that it predicts for x + r; that of x if the search failed.
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

impl Outcome {
    /// `‖r‖₂ / √784`, the paper's measure.
    pub fn distortion(&self) -> f32 {
        self.norm / (PIXELS as f32).sqrt()
    }
}

/// A search that can be stepped, observed, and started anew without allocating.
pub struct Attack {
    options: Options,
    problem: Problem,
    minimizer: Minimizer<f32>,
    stage: Stage,
    weights: WeightSearch,
    tangents: Tangents,
    zeros: Vec<f32>,
    ones: Vec<f32>,
    /// The image's own margin, negative.
    first_margin: f32,
    /// How often h was estimated before the bracket began.
    estimates: u32,
    /// Evaluations spent on the current h.
    spent: u32,
    /// Whether the search has begun again from another point.
    elsewhere: bool,
    /// The margin, push and success at the minimizer's point.
    margin: f32,
    push: f32,
    succeeds: bool,
    /// Scratch: a gradient, the point that a boundary step is at, a point on its ray.
    slope: Vec<f32>,
    candidate: Vec<f32>,
    ray: Vec<f32>,
    outcome: Option<Outcome>,
}

/// What the next step does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    /// The first evaluation, at x itself.
    First,
    /// The minimisation for the current h.
    Minimise,
    /// A step along the boundary; how many were made.
    Boundary(u32),
    Done,
}

/// Far from the boundary, by this part of the image's own margin, h is estimated anew after every accepted step.
const FAR: f32 = 0.05;
/// …this often at most.
const ESTIMATES: u32 = 6;
/// Evaluations after which the minimizer's point must do as the minimiser for its h: on a network with kinks the
/// gradient need not become small anywhere.
const PATIENCE: u32 = 30;
/// A minimiser that is off by one logit need only be found this much less precisely,
const EASE: f32 = 0.2;
/// and never less precisely than this.
const LOOSEST: f32 = 1.0;
/// The boundary steps end when the best success is within this part, in ‖r‖², of what the tangents promise.
const SETTLED: f32 = 4e-3;
/// The margin that a boundary step aims at, in logits.
const BOUNDARY_AIM: f32 = 1e-3;
/// A candidate that falls short by less than this part of the image's own margin is worth following its ray.
const NEAR: f32 = 0.02;
/// How far beyond a boundary step's candidate its ray is followed.
const RAY_LIMIT: f32 = 1.1;
/// 1 − p(l) where the target just ties with one other label.
const BOUNDARY_PUSH: f32 = 0.5;
/// The most forward passes of one scale step, and how precisely it places s.
const SCALE_PASSES: u32 = 12;
const SCALE_PRECISION: f32 = 1e-4;

impl Attack {
    /// Room for searches on `network`.
    pub fn new(network: impl Into<Network>, options: Options) -> Self {
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
        Attack {
            problem: Problem::new(network.into()),
            minimizer,
            stage: Stage::Done,
            weights: WeightSearch::default(),
            tangents: Tangents::new(),
            zeros: zeros(),
            ones: vec![1.0; PIXELS],
            first_margin: 0.0,
            estimates: 0,
            spent: 0,
            elsewhere: false,
            margin: 0.0,
            push: 0.0,
            succeeds: false,
            slope: zeros(),
            candidate: zeros(),
            ray: zeros(),
            outcome: None,
            options,
        }
    }

    /// Begins a search on `image` (784 pixels in [0, 1]); any earlier one is dropped.
    pub fn start(&mut self, image: &[f32], goal: Goal) -> Result<(), AttackError> {
        self.stage = Stage::Done;
        self.outcome = None;
        AttackError::check(image, goal)?;
        self.problem.start(image, goal);
        if goal == Goal::Target(self.problem.prediction) {
            return Err(AttackError::AlreadyTarget(self.problem.prediction));
        }
        self.weights = WeightSearch::default();
        self.tangents.clear();
        self.estimates = 0;
        self.elsewhere = false;
        if self.minimizer.start(image, &self.zeros, &self.ones).is_ok() {
            self.stage = Stage::First;
        }
        Ok(())
    }

    /// One evaluation of loss and gradient. Returns whether the search goes on.
    pub fn step(&mut self) -> bool {
        match self.stage {
            Stage::Done => return false,
            Stage::First => self.first_step(),
            Stage::Minimise => self.minimise_step(),
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

    /// Searches for each of the nine labels that the network does not predict for `image`, in order. `found` is given the
    /// label, its outcome, and this search as it ended.
    pub fn run_all(
        &mut self,
        image: &[f32],
        mut found: impl FnMut(usize, Outcome, &Attack),
    ) -> Result<(), AttackError> {
        for target in 0..LABELS {
            match self.start(image, Goal::Target(target)) {
                Err(AttackError::AlreadyTarget(_)) => continue,
                started => started?,
            }
            if let Some(outcome) = self.run() {
                found(target, outcome, self);
            }
        }
        Ok(())
    }

    /// At x, r = 0: the gradient is the loss's alone, and gives the first weight to try.
    fn first_step(&mut self) {
        if self.evaluate() == Some(lbfgs::Ending::NotFinite) {
            return self.finish(Ending::NotFinite);
        }
        self.stage = Stage::Minimise;
        self.note_accepted();
        self.first_margin = self.margin;
        let steepest = self.minimizer.gradient().iter().fold(0.0f32, |m, g| m.max(g.abs()));
        if steepest == 0.0 {
            return self.finish(Ending::Unreachable); // the loss is flat here: nothing shows the way
        }
        // The step to r = −h·∇loss then ends where the tangent says that the boundary is.
        let tangent = self.estimate_h().map(|h| h * BOUNDARY_PUSH / self.push);
        self.set_h(tangent.unwrap_or(1.0 / steepest));
    }

    /// One evaluation for the minimizer.
    fn evaluate(&mut self) -> Option<lbfgs::Ending> {
        let problem = &mut self.problem;
        self.minimizer.step(|u, gradient| problem.evaluate(u, gradient))
    }

    /// The evaluation made last is the minimizer's new point.
    fn note_accepted(&mut self) {
        self.margin = self.problem.seen.margin;
        self.push = self.problem.seen.push;
        self.succeeds = self.problem.seen.success;
    }

    /// Continues from the minimizer's point with another weight; no evaluation is needed for that.
    fn set_h(&mut self, h: f32) {
        let ratio = h / self.problem.h;
        self.problem.h = h;
        self.spent = 0;
        let image = &self.problem.image;
        let half_square = 0.5 * squared_distance(self.minimizer.x(), image);
        let value = half_square + ratio * (self.minimizer.value() - half_square);
        let gradient = |x: &[f32], g: &mut [f32]| {
            for ((g, x), image) in g.iter_mut().zip(x).zip(image) {
                let r = x - image;
                *g = r + ratio * (*g - r);
            }
        };
        let pair = |s: &[f32], y: &mut [f32]| {
            for (y, s) in y.iter_mut().zip(s) {
                *y = s + ratio * (*y - s);
            }
        };
        self.minimizer.change_objective(value, gradient, pair);
    }

    fn minimise_step(&mut self) {
        let iterations = self.minimizer.iterations();
        let ending = self.evaluate();
        self.spent += 1;
        if ending == Some(lbfgs::Ending::NotFinite) {
            return self.finish(Ending::NotFinite);
        }
        if self.problem.goal == Goal::Any && self.problem.has_best() {
            // Away from a label the loss has no minimum: stop at the boundary, on the way from x.
            self.candidate.copy_from_slice(&self.problem.best.point);
            self.scale(1.0);
            return self.after_weights();
        }
        if self.minimizer.iterations() > iterations {
            self.note_accepted();
            let gap = self.margin - self.wanted_margin();
            if self.weights.is_open() && self.estimates < ESTIMATES && gap.abs() > FAR * self.first_margin.abs() {
                self.estimates += 1;
                if let Some(h) = self.estimate_h() {
                    return self.set_h(clip(h, 0.1 * self.problem.h, 10.0 * self.problem.h));
                }
            }
            if self.is_minimal(gap) {
                return self.next_weight();
            }
        }
        if ending.is_some() || self.spent >= PATIENCE {
            self.next_weight();
        }
    }

    /// The middle of the window that ends the search over c.
    fn wanted_margin(&self) -> f32 {
        0.5 * self.options.margin_window
    }

    /// Whether the minimizer's point is the minimiser for this h, as precisely as its margin deserves.
    fn is_minimal(&self, gap: f32) -> bool {
        let size = squared_distance(self.minimizer.x(), &self.problem.image).sqrt();
        let ease = EASE * (gap.abs() - self.options.margin_window).max(0.0);
        let tolerance = (self.options.inner_tolerance + ease).min(LOOSEST);
        self.minimizer.projected_gradient_norm() <= tolerance * size
    }

    /// The weight whose minimiser has the wanted margin, by the tangent at the minimizer's point. There the loss's
    /// gradient is half the margin's, as at any boundary between two labels.
    fn estimate_h(&mut self) -> Option<f32> {
        let x = self.minimizer.x();
        let scale = 1.0 / (self.problem.h * self.push);
        let points = x.iter().zip(&self.problem.image).zip(self.minimizer.gradient());
        for (slope, ((u, x), gradient)) in self.slope.iter_mut().zip(points) {
            *slope = ((u - x) - gradient) * scale;
        }
        let rise = self.wanted_margin() - self.margin;
        let t = multiplier(&self.problem.image, x, &self.slope, rise)?;
        (t > 0.0).then_some(t / BOUNDARY_PUSH)
    }

    /// A minimiser for this h is found: accept its margin, or choose another h.
    fn next_weight(&mut self) {
        if self.options.reading == Reading::Scale {
            // This c stays, unless its minimiser falls short of the goal.
            if self.problem.keep_only(self.minimizer.x()) {
                return self.finish(Ending::Success);
            }
        } else if self.succeeds && self.margin <= self.options.margin_window {
            return self.after_weights();
        }
        let estimate = self.estimate_h();
        match self.weights.next(self.problem.h, self.succeeds, self.margin, 0.5 * self.options.margin_window, estimate)
        {
            Next::Try(h) => self.set_h(h),
            Next::Closed => self.after_weights(),
            Next::OutOfReach => self.start_elsewhere(),
        }
        if self.weights.has_bracket() && self.stage == Stage::Minimise {
            self.problem.seen.phase = Phase::Root;
        }
    }

    /// No weight leads from x to the goal: the loss may have a minimum of its own on the way. Once, the search begins
    /// again from plain grey.
    fn start_elsewhere(&mut self) {
        if std::mem::replace(&mut self.elsewhere, true) {
            return self.finish(Ending::Unreachable);
        }
        self.candidate.fill(0.5);
        if self.minimizer.start(&self.candidate, &self.zeros, &self.ones).is_err() {
            return self.finish(Ending::Unreachable);
        }
        self.weights = WeightSearch::default();
        self.estimates = ESTIMATES;
        self.spent = 0;
        self.problem.seen.phase = Phase::Bracket;
    }

    fn after_weights(&mut self) {
        if !self.problem.has_best() {
            return self.start_elsewhere();
        }
        if self.options.boundary_steps == 0 {
            return self.finish(Ending::Success);
        }
        self.stage = Stage::Boundary(0);
        self.candidate.copy_from_slice(&self.problem.best.point);
    }

    /// One more tangent, taken at the candidate; the closest point to x under all of them is the next candidate,
    /// and the nearest success on its ray is kept.
    fn boundary_step(&mut self, made: u32) {
        self.problem.seen.phase = Phase::Boundary;
        let judgement = self.problem.margin_gradient(&self.candidate, &mut self.tangents);
        self.tangents.keep(judgement.rival, &self.candidate, BOUNDARY_AIM - judgement.margin);
        self.tangents.closest(&self.problem.image, &mut self.candidate);
        if self.problem.goal == Goal::Any {
            // No minimisation chose this c: it is the one that would hold r here, at the boundary.
            self.problem.h = self.tangents.total_multiplier().max(f32::MIN_POSITIVE) / BOUNDARY_PUSH;
        }
        let judgement = self.problem.try_scale(&self.candidate, 1.0, &mut self.ray);
        if !judgement.success && judgement.margin - BOUNDARY_AIM > NEAR * self.first_margin {
            self.scale(RAY_LIMIT);
        }
        let promised = squared_distance(&self.candidate, &self.problem.image);
        let settled = self.problem.best.norm_squared <= promised * (1.0 + SETTLED);
        if settled || made + 1 >= self.options.boundary_steps {
            return self.finish(Ending::Success);
        }
        self.stage = Stage::Boundary(made + 1);
    }

    /// Looks for the smallest s up to `limit` at which `clip(x + s·r)` reaches the goal, with r from the candidate:
    /// regula falsi on the margin, by forward passes alone. The problem keeps what it finds.
    fn scale(&mut self, limit: f32) {
        let (mut low, mut low_margin) = (0.0, self.first_margin);
        let (mut high, mut step) = (1.0, 0.01);
        let mut judgement = self.problem.try_scale(&self.candidate, high, &mut self.ray);
        while !judgement.success {
            if high >= limit {
                return;
            }
            (low, low_margin) = (high, judgement.margin);
            high = (high + step).min(limit);
            step *= 4.0;
            judgement = self.problem.try_scale(&self.candidate, high, &mut self.ray);
        }
        let mut high_margin = judgement.margin;
        for _ in 0..SCALE_PASSES {
            if high - low <= SCALE_PRECISION * high || high_margin <= SCALE_PRECISION * self.first_margin.abs() {
                return;
            }
            // A little beyond the root, for a success.
            let part = clip((-low_margin + 0.01 * high_margin) / (high_margin - low_margin), 0.1, 0.98);
            let s = low + (high - low) * part;
            let judgement = self.problem.try_scale(&self.candidate, s, &mut self.ray);
            if judgement.success {
                (high, high_margin) = (s, judgement.margin);
                low_margin *= 0.5;
            } else {
                (low, low_margin) = (s, judgement.margin);
                high_margin *= 0.5;
            }
        }
    }

    /// The scale step, where the reading has one, and a plain forward pass on the result.
    fn finish(&mut self, ending: Ending) {
        self.stage = Stage::Done;
        let found = self.problem.has_best();
        let norm_c = if found { self.problem.best.norm_squared.sqrt() } else { 0.0 };
        if found && self.options.reading != Reading::Weight {
            self.problem.seen.phase = Phase::Scale;
            self.candidate.copy_from_slice(&self.problem.best.point);
            self.scale(1.0);
        }
        let judgement = self.problem.look_at_result();
        let norm = if found { self.problem.best.norm_squared.sqrt() } else { 0.0 };
        let best = &self.problem.best;
        self.outcome = Some(Outcome {
            ending: if found { Ending::Success } else { ending },
            prediction: self.problem.prediction,
            label: if found { best.label } else { self.problem.prediction },
            norm,
            norm_c,
            scale: if found { norm / norm_c } else { 0.0 },
            c: 0.5 / if found { best.h } else { self.problem.h },
            margin: judgement.margin,
            evaluations: self.problem.evaluations,
        });
    }

    /// The evaluation made last, and after the end the result; none before the first step.
    pub fn observation(&self) -> Option<Observation<'_>> {
        let (problem, seen) = (&self.problem, &self.problem.seen);
        (problem.evaluations > 0).then(|| Observation {
            r: &seen.r,
            loss: seen.loss,
            margin: seen.margin,
            c: 0.5 / problem.h,
            phase: seen.phase,
            bracket: self.weights.bracket_of_c(),
            evaluations: problem.evaluations,
        })
    }

    /// The result; none while the search goes on.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// The result's r, 784 values: the smallest that reaches the goal; zeros if none has. Before the end, the r that
    /// was evaluated last.
    pub fn perturbation(&self) -> &[f32] {
        &self.problem.seen.r
    }

    /// The best x + r so far, exactly as it was evaluated; x itself if none has reached the goal.
    pub fn adversarial(&self) -> &[f32] {
        if self.problem.has_best() { &self.problem.best.point } else { &self.problem.image }
    }
}
