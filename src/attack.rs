//! Szegedy's search: the smallest `r` with `f(x + r) = l` and `x + r` in the box.
//!
//! `minimise ½‖r‖² + h·loss(x + r, l)` for a sequence of weights `h = 1/(2c)`,
//! by box-constrained L-BFGS; the largest `c` that still succeeds gives the
//! smallest `r`.

mod boundary;
mod descent;
mod problem;
mod thorough;
mod walk;
mod weight;

use crate::{
    LABELS, PIXELS,
    decimal::Decimal,
    lbfgs::{self, Minimizer, Scaling},
    network::Network,
    vector::{clip, dot, squared_distance, zeros},
};
use boundary::{Mixer, Tangents, multiplier};
pub use descent::Stand;
use problem::{Best, Problem};
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
            Reading::Both => (0.2, 0.35, 8),
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
    mixer: Mixer,
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
    /// The steepest slope of a margin seen so far, for the ways to other labels.
    steepest: f32,
    ways: Ways,
    /// How precisely a scale step places s, relatively.
    precision: f32,
    /// Whether stale tangents were taken anew.
    renewed: bool,
    /// The part of the way that a walk's next step tries first, and where the step begins.
    reach: f32,
    begun: Vec<f32>,
    /// Scratch: a gradient, the point that a boundary step is at, a point on its ray.
    slope: Vec<f32>,
    candidate: Vec<f32>,
    ray: Vec<f32>,
    outcome: Option<Outcome>,
}

/// Away from a label: for each other one the nearest success found on the ray along its tangent at x, or on its boundary.
struct Ways {
    /// `[10, 784]`.
    points: Vec<f32>,
    /// ‖r‖² there; infinite where there is none.
    norms_squared: [f32; LABELS],
    followed: [bool; LABELS],
    /// How many labels were looked at, from the most likely on.
    seen: usize,
    /// The most by which following a way has divided ‖r‖² so far: large where the boundary is bent.
    bend: f32,
    /// ‖r‖² where the way that is followed began, and of the best success before.
    begun: f32,
    before: f32,
}

impl Ways {
    fn clear(&mut self) {
        self.norms_squared = [f32::INFINITY; LABELS];
        self.followed = [false; LABELS];
        (self.seen, self.bend, self.begun) = (0, 1.0, 0.0);
    }

    /// The label of the nearest of all, and of the nearest that was not followed.
    fn nearest(&self) -> (Option<usize>, Option<usize>) {
        let nearer = |a: &usize, b: &usize| self.norms_squared[*a].total_cmp(&self.norms_squared[*b]);
        let known = || (0..LABELS).filter(|&l| self.norms_squared[l] < f32::INFINITY);
        (known().min_by(nearer), known().filter(|&l| !self.followed[l]).min_by(nearer))
    }

    /// Notes a success, if it is the nearest of its label.
    fn keep(&mut self, best: &Best) {
        let place = best.label * PIXELS..(best.label + 1) * PIXELS;
        if best.norm_squared < self.norms_squared[best.label] {
            self.norms_squared[best.label] = best.norm_squared;
            self.points[place].copy_from_slice(&best.point);
        }
    }
}

/// What the next step does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    /// The first evaluation, at x itself.
    First,
    /// Away from a label: the tangents of the others at x, this one next, from the most likely on.
    Labels(usize),
    /// The minimisation for the current h.
    Minimise,
    /// A step along the boundary; how many were made.
    Boundary(u32),
    /// The tangent of this label anew, then the next boundary step; how many were made.
    Renew(usize, u32),
    /// A step of a walk along a boundary with kinks; how many were made.
    Walk(u32),
    Done,
}

/// Far from the boundary, by this part of the image's own margin, h is estimated anew after every accepted step.
const FAR: f32 = 0.05;
/// …this often at most.
const ESTIMATES: u32 = 6;
/// Evaluations after which the minimizer's point must do as the minimiser for its h: on a network with kinks the
/// gradient need not become small anywhere. A search that may step along the boundary, and has been beyond it, walks there then.
const PATIENCE: u32 = 30;
/// The boundary steps were no help where the best success still has more than this many times the ‖r‖² that they promise.
const NO_HELP: f32 = 1.5;
/// A minimiser that is off by one logit need only be found this much less precisely,
const EASE: f32 = 0.2;
/// and never less precisely than this.
const LOOSEST: f32 = 1.0;
/// A search that is not at the boundary after so many evaluations is on difficult ground, where the boundary steps may go to a
/// farther point than the minimiser is at: from then on it is held to this part of its tolerances.
const LONG: u32 = 16;
const STRICTER: f32 = 0.5;
/// The boundary steps end when the best success is within this part, in ‖r‖², of what the tangents promise.
const SETTLED: f32 = 3e-3;
/// A tangent is stale where it is off by more than this part of the image's own margin.
const STALE: f32 = 3e-3;
/// The margin that a boundary step aims at, in logits.
const BOUNDARY_AIM: f32 = 1e-3;
/// A candidate that falls short by less than this part of the image's own margin is worth following its ray.
const NEAR: f32 = 0.02;
/// How far beyond a boundary step's candidate its ray is followed.
const RAY_LIMIT: f32 = 1.1;
/// How far beyond a label's tangent its ray is followed, and by how many forward passes the nearest success is found.
const RAY_REACH: f32 = 2.0;
const RAY_PASSES: u32 = 4;
/// A label is looked at if its margin is less than this many times what the steepest slope closes within the best r.
const LIKELY: f32 = 1.35;
/// The part of the slope at the boundary that a margin has in the mean on the way there.
const MEAN_SLOPE: f32 = 0.67;
/// Another way is followed if its ‖r‖² is less than this many times the best's, on a boundary that is not bent.
const CLOSE: f32 = 1.05;
/// …and the first one until a step is no longer than this part of ‖r‖, squared.
const MOVED: f32 = 1.2e-2;
/// 1 − p(l) where the target just ties with one other label.
const BOUNDARY_PUSH: f32 = 0.5;
/// The most forward passes of one scale step, and how precisely it places s.
const SCALE_PASSES: u32 = 12;
const SCALE_PRECISION: f32 = 1e-4;

impl Attack {
    /// Room for searches on `network`.
    pub fn new(network: impl Into<Network>, options: Options) -> Self {
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
            mixer: Mixer::new(),
            zeros: zeros(PIXELS),
            ones: vec![1.0; PIXELS],
            first_margin: 0.0,
            estimates: 0,
            spent: 0,
            elsewhere: false,
            margin: 0.0,
            push: 0.0,
            succeeds: false,
            steepest: 0.0,
            ways: Ways {
                points: zeros(LABELS * PIXELS),
                norms_squared: [f32::INFINITY; LABELS],
                followed: [false; LABELS],
                seen: 0,
                bend: 1.0,
                begun: 0.0,
                before: 0.0,
            },
            precision: SCALE_PRECISION,
            renewed: false,
            reach: 1.0,
            begun: zeros(PIXELS),
            slope: zeros(PIXELS),
            candidate: zeros(PIXELS),
            ray: zeros(PIXELS),
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
        self.precision = SCALE_PRECISION;
        self.renewed = false;
        self.ways.clear();
        self.steepest = 0.0;
        if self.minimizer.start(image, &self.zeros, &self.ones).is_ok() {
            let by_label = goal == Goal::Any && self.options.boundary_steps > 0;
            self.stage = if by_label { Stage::Labels(0) } else { Stage::First };
        }
        Ok(())
    }

    /// One evaluation of loss and gradient. Returns whether the search goes on.
    pub fn step(&mut self) -> bool {
        match self.stage {
            Stage::Done => return false,
            Stage::First => self.first_step(),
            Stage::Labels(rank) => self.label_step(rank),
            Stage::Minimise => self.minimise_step(),
            Stage::Boundary(made) => self.boundary_step(made),
            Stage::Renew(rival, made) => self.renew_step(rival, made),
            Stage::Walk(made) => self.walk_step(made),
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

    /// Away from a label: one more of the others, by its tangent at x and the nearest success on the ray to there. Those
    /// whose margins no slope seen so far could close within the best r are left out.
    fn label_step(&mut self, rank: usize) {
        let (label, margin) = self.problem.ranked(rank);
        if rank == 0 {
            self.first_margin = margin;
        }
        self.ways.seen = rank + 1;
        self.problem.label_gradient(label, &mut self.slope);
        self.steepest = self.steepest.max(dot(&self.slope, &self.slope).sqrt());
        let x = &self.problem.image;
        if let Some(t) = multiplier(x, x, &self.slope, -margin) {
            for ((c, x), slope) in self.candidate.iter_mut().zip(x).zip(&self.slope) {
                *c = clip(x + t * slope, 0.0, 1.0);
            }
            self.keep_way(t);
        }
        if self.may_be_nearest(rank + 1) {
            self.stage = Stage::Labels(rank + 1);
        } else if self.problem.has_best() {
            self.follow_way();
        } else {
            self.stage = Stage::First; // no ray leads there: by the loss, as to a target
        }
    }

    /// Whether the steepest slope seen so far would close the margin of the label of this rank within the best r.
    fn may_be_nearest(&self, rank: usize) -> bool {
        let reach = LIKELY * self.steepest * self.problem.best.norm_squared.sqrt();
        rank + 1 < LABELS && -self.problem.ranked(rank).1 < reach
    }

    /// Looks for the nearest success on the candidate's ray, and notes it with the label that it has.
    fn keep_way(&mut self, t: f32) {
        self.problem.h = (t / BOUNDARY_PUSH).max(f32::MIN_POSITIVE);
        self.problem.best.norm_squared = f32::INFINITY;
        self.scale(RAY_REACH, RAY_PASSES);
        let best = &mut self.problem.best;
        self.ways.keep(best);
        if let (Some(nearest), _) = self.ways.nearest() {
            best.norm_squared = self.ways.norms_squared[nearest];
            best.label = nearest;
            best.point.copy_from_slice(&self.ways.points[nearest * PIXELS..][..PIXELS]);
        }
    }

    /// Goes along the boundary from where the nearest way reaches it that was not followed yet.
    fn follow_way(&mut self) {
        let promising = CLOSE * self.ways.bend * self.ways.bend * self.problem.best.norm_squared;
        let (_, Some(label)) = self.ways.nearest() else { return self.finish(Ending::Success) };
        let begun = self.ways.norms_squared[label];
        if self.ways.begun > 0.0 && begun >= promising {
            return self.finish(Ending::Success);
        }
        self.ways.followed[label] = true;
        self.ways.before = if self.ways.begun > 0.0 { self.problem.best.norm_squared } else { 0.0 };
        self.ways.begun = begun;
        self.candidate.copy_from_slice(&self.ways.points[label * PIXELS..][..PIXELS]);
        self.tangents.clear();
        self.mixer.clear();
        self.stage = Stage::Boundary(0);
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
            self.scale(1.0, SCALE_PASSES);
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
        if self.spent >= PATIENCE && self.options.boundary_steps > 0 && self.problem.has_best() {
            self.start_walk();
        } else if ending.is_some() || self.spent >= PATIENCE {
            self.next_weight();
        }
    }

    /// The middle of the window that ends the search over c.
    fn wanted_margin(&self) -> f32 {
        0.5 * self.margin_window()
    }

    /// The margin of a success that ends the search over c.
    fn margin_window(&self) -> f32 {
        self.strictness() * self.options.margin_window
    }

    /// The part of their tolerances that the searches for minimisers and for c are held to.
    fn strictness(&self) -> f32 {
        if self.options.boundary_steps > 0 && self.problem.evaluations > LONG { STRICTER } else { 1.0 }
    }

    /// Whether the minimizer's point is the minimiser for this h, as precisely as its margin deserves.
    fn is_minimal(&self, gap: f32) -> bool {
        let size = squared_distance(self.minimizer.x(), &self.problem.image).sqrt();
        let ease = EASE * (gap.abs() - self.margin_window()).max(0.0);
        let tolerance = (self.strictness() * self.options.inner_tolerance + ease).min(LOOSEST);
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
        } else if self.succeeds && self.margin <= self.margin_window() {
            return self.after_weights();
        }
        let estimate = self.estimate_h();
        match self.weights.next(self.problem.h, self.succeeds, self.margin, 0.5 * self.margin_window(), estimate) {
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
        self.mixer.clear();
        self.stage = Stage::Boundary(0);
        self.candidate.copy_from_slice(&self.problem.best.point);
    }

    /// One more step along the boundary, and whether it was the last.
    fn boundary_step(&mut self, made: u32) {
        let (promised, moved) = self.move_along_boundary();
        let best = self.problem.best.norm_squared;
        // On the first way to any label, or on one that leads nearer, it is worth going to the very end.
        let still = self.ways.begun == 0.0 || best == self.ways.before || moved <= MOVED * promised;
        let settled = still && best <= promised * (1.0 + SETTLED);
        if settled || made + 1 >= self.options.boundary_steps {
            let first_time = !std::mem::replace(&mut self.renewed, true);
            let stale = if first_time && self.tangents.several() { self.stale_tangent(0, STALE) } else { None };
            return match stale {
                Some(rival) => self.stage = Stage::Renew(rival, made + 1),
                None if best > NO_HELP * promised => self.start_walk(),
                None => self.after_boundary(),
            };
        }
        self.stage = Stage::Boundary(made + 1);
    }

    /// One more tangent, taken at the candidate; the closest point to x under all of them, drawn on or back by what the step
    /// before has shown, is the next candidate, and the nearest success on its ray is kept. Returns ‖r‖² of that closest
    /// point, and how far it is from where the step began, squared.
    fn move_along_boundary(&mut self) -> (f32, f32) {
        self.problem.seen.phase = Phase::Boundary;
        let judgement = self.problem.margin_gradient(&self.candidate, None, &mut self.tangents);
        let normal = self.tangents.normal(judgement.rival);
        self.steepest = self.steepest.max(MEAN_SLOPE * dot(normal, normal).sqrt());
        self.tangents.keep(judgement.rival, &self.candidate, BOUNDARY_AIM - judgement.margin);
        self.mixer.begin(&self.candidate);
        self.tangents.closest(&self.problem.image, &mut self.candidate);
        let promised = squared_distance(&self.candidate, &self.problem.image);
        let moved = self.mixer.mix(&mut self.candidate);
        if self.problem.goal == Goal::Any {
            // No minimisation chose this c: it is the one that would hold r here, at the boundary.
            self.problem.h = self.tangents.total_multiplier().max(f32::MIN_POSITIVE) / BOUNDARY_PUSH;
        }
        let judgement = self.problem.try_scale(&self.candidate, 1.0, &mut self.ray);
        if !judgement.success && judgement.margin - BOUNDARY_AIM > NEAR * self.first_margin {
            self.scale(RAY_LIMIT, SCALE_PASSES);
        }
        (promised, moved)
    }

    /// The first label from `from` on whose tangent holds the candidate and is off there by more than this part of the image's own
    /// margin: where the boundary is bent, tangents of earlier steps lead astray.
    fn stale_tangent(&mut self, from: usize, part: f32) -> Option<usize> {
        let z = *self.problem.logits(&self.candidate);
        (from..LABELS).find(|&rival| {
            let off =
                || self.tangents.rise(rival, &self.candidate) - (BOUNDARY_AIM - self.problem.margin_over(rival, &z));
            self.tangents.holds(rival) && off().abs() > part * self.first_margin.abs()
        })
    }

    /// Takes the tangent of `rival` at the candidate.
    fn renew_tangent(&mut self, rival: usize) {
        let margin = self.problem.margin_gradient_over(rival, &self.candidate, &mut self.tangents);
        self.tangents.keep(rival, &self.candidate, BOUNDARY_AIM - margin);
    }

    fn renew_step(&mut self, rival: usize, made: u32) {
        self.renew_tangent(rival);
        self.stage = match self.stale_tangent(rival + 1, STALE) {
            Some(rival) => Stage::Renew(rival, made),
            None => Stage::Boundary(made),
        };
    }

    /// The boundary's nearest point is found: away from a label, another way there may lead to a nearer one.
    fn after_boundary(&mut self) {
        if self.ways.begun == 0.0 {
            return self.finish(Ending::Success);
        }
        self.ways.bend = self.ways.bend.max(self.ways.begun / self.problem.best.norm_squared);
        self.ways.keep(&self.problem.best);
        // At the boundary the slopes may have been steeper than at x.
        if self.may_be_nearest(self.ways.seen) {
            self.stage = Stage::Labels(self.ways.seen);
        } else {
            self.follow_way();
        }
    }

    /// Looks for the smallest s up to `limit` at which `clip(x + s·r)` reaches the goal, with r from the candidate:
    /// regula falsi on the margin, by forward passes alone. The problem keeps what it finds.
    fn scale(&mut self, limit: f32, passes: u32) {
        self.scale_from(1.0, limit, passes);
    }

    /// The same, where `high` is tried first.
    fn scale_from(&mut self, mut high: f32, limit: f32, passes: u32) {
        let (mut low, mut low_margin) = (0.0, self.first_margin);
        let mut step = 0.01;
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
        for _ in 0..passes {
            if high - low <= self.precision * high || high_margin <= self.precision * self.first_margin.abs() {
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
            self.scale(1.0, SCALE_PASSES);
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
