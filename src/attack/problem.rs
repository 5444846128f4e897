//! One image, one goal, one network: what an evaluation needs, and what it keeps.

use super::{Goal, Phase, boundary::Tangents};
use crate::{
    LABELS, PIXELS,
    network::{self, Network, kernel::Evaluator},
    vector::{add_scaled, clip, dot, squared_distance, zeros},
};

/// A success must exceed its rivals by this part of the largest logit, so that a forward pass that sums in another
/// order still agrees.
const MARGIN_FLOOR: f32 = 4e-6;

pub(super) struct Problem {
    evaluator: Evaluator,
    pub image: Vec<f32>,
    pub goal: Goal,
    /// The loss's weight, 1/(2c).
    pub h: f32,
    /// The logits at x.
    first: [f32; LABELS],
    pub prediction: usize,
    pub evaluations: u32,
    pub seen: Seen,
    pub best: Best,
}

/// The evaluation made last.
pub(super) struct Seen {
    pub r: Vec<f32>,
    pub loss: f32,
    pub margin: f32,
    pub success: bool,
    /// The probability that the loss still pushes: 1 − p(l) towards l, 1 − p(prediction) away from it.
    pub push: f32,
    pub phase: Phase,
}

/// The smallest success of all evaluations and forward passes. `point` is x + r.
pub(super) struct Best {
    pub point: Vec<f32>,
    pub norm_squared: f32,
    pub label: usize,
    pub h: f32,
}

/// The label that reaches the goal, the label to beat, and by how much it is beaten.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judgement {
    pub winner: usize,
    pub rival: usize,
    pub margin: f32,
    pub success: bool,
}

impl Problem {
    pub(super) fn new(network: Network) -> Self {
        Problem {
            evaluator: Evaluator::new(network),
            image: zeros(PIXELS),
            goal: Goal::Any,
            h: 1.0,
            first: [0.0; LABELS],
            prediction: 0,
            evaluations: 0,
            seen: Seen { r: zeros(PIXELS), loss: 0.0, margin: 0.0, success: false, push: 0.0, phase: Phase::Bracket },
            best: Best { point: zeros(PIXELS), norm_squared: f32::INFINITY, label: 0, h: 1.0 },
        }
    }

    /// Takes an image that was checked, and forgets the last one.
    pub(super) fn start(&mut self, image: &[f32], goal: Goal) {
        self.image.copy_from_slice(image);
        self.goal = goal;
        self.first = *self.evaluator.logits(image);
        self.prediction = network::label(&self.first);
        self.h = 1.0;
        self.evaluations = 0;
        self.best.norm_squared = f32::INFINITY;
        self.seen.phase = Phase::Bracket;
    }

    pub(super) fn has_best(&self) -> bool {
        self.best.norm_squared.is_finite()
    }

    /// `F(u) = ½‖u − x‖² + h·loss(u)` and its gradient, at `u = x + r`.
    pub(super) fn evaluate(&mut self, u: &[f32], gradient: &mut [f32]) -> f32 {
        let z = *self.evaluator.logits(u);
        let judgement = self.judge(&z);
        let (label, sign) = self.loss_label();
        let mut over_logits = self.see(u, &z, judgement).map(|p| p * sign * self.h);
        over_logits[label] = -sign * self.h * self.seen.push;
        self.evaluator.input_gradient(&over_logits, gradient);
        add_scaled(gradient, 1.0, &self.seen.r);
        let norm_squared = dot(&self.seen.r, &self.seen.r);
        self.evaluations += 1;
        self.keep(u, norm_squared, judgement);
        0.5 * norm_squared + self.h * self.seen.loss
    }

    /// The label that is so many places behind the prediction at x, and its margin there.
    pub(super) fn ranked(&self, rank: usize) -> (usize, f32) {
        let z = &self.first;
        let mut passed = [false; LABELS];
        let mut label = self.prediction;
        for _ in 0..=rank {
            passed[label] = true;
            let rest = (0..LABELS).filter(|&l| !passed[l]);
            label = rest.reduce(|best, l| if z[l] > z[best] { l } else { best }).unwrap_or(label);
        }
        (label, z[label] - z[self.prediction])
    }

    /// The gradient at x of `label`'s margin over the prediction.
    pub(super) fn label_gradient(&mut self, label: usize, gradient: &mut [f32]) {
        let z = *self.evaluator.logits(&self.image);
        let judgement = self.judge(&z);
        self.note(&z, judgement);
        self.seen.r.fill(0.0);
        let mut over_logits = [0.0; LABELS];
        (over_logits[label], over_logits[self.prediction]) = (1.0, -1.0);
        self.evaluator.input_gradient(&over_logits, gradient);
        self.evaluations += 1;
    }

    /// The best x + r so far, or x.
    pub(super) fn nearest(&self) -> &[f32] {
        if self.has_best() { &self.best.point } else { &self.image }
    }

    /// The gradient at `u` of the logits weighed by `mixture`.
    pub(super) fn gradient_of(&mut self, mixture: &[f32; LABELS], u: &[f32], gradient: &mut [f32]) {
        self.evaluator.logits(u);
        self.evaluator.input_gradient(mixture, gradient);
        self.evaluations += 1;
    }

    /// The margin at `u`, and its gradient into this place among the tangents, or the rival's.
    pub(super) fn margin_gradient(&mut self, u: &[f32], place: Option<usize>, tangents: &mut Tangents) -> Judgement {
        let z = *self.evaluator.logits(u);
        let judgement = self.judge(&z);
        self.see(u, &z, judgement);
        let mut over_logits = [0.0; LABELS];
        over_logits[judgement.winner] = 1.0;
        over_logits[judgement.rival] = -1.0;
        self.evaluator.input_gradient(&over_logits, tangents.normal(place.unwrap_or(judgement.rival)));
        self.evaluations += 1;
        judgement
    }

    /// The logits at `u`.
    pub(super) fn logits(&mut self, u: &[f32]) -> &[f32; LABELS] {
        self.evaluator.logits(u)
    }

    /// The margin over `rival` where the logits are `z`.
    pub(super) fn margin_over(&self, rival: usize, z: &[f32; LABELS]) -> f32 {
        z[self.judge(z).winner] - z[rival]
    }

    /// The margin over `rival` at `u`, and its gradient into the rival's place among the tangents.
    pub(super) fn margin_gradient_over(&mut self, rival: usize, u: &[f32], tangents: &mut Tangents) -> f32 {
        let z = *self.evaluator.logits(u);
        let judgement = self.judge(&z);
        self.see(u, &z, judgement);
        let mut over_logits = [0.0; LABELS];
        over_logits[judgement.winner] += 1.0;
        over_logits[rival] -= 1.0;
        self.evaluator.input_gradient(&over_logits, tangents.normal(rival));
        self.evaluations += 1;
        self.margin_over(rival, &z)
    }

    /// A forward pass on `clip(x + s·(end − x))`, which is left in `point`; kept if it is the best so far.
    pub(super) fn try_scale(&mut self, end: &[f32], s: f32, point: &mut [f32]) -> Judgement {
        for ((point, &end), &x) in point.iter_mut().zip(end).zip(&self.image) {
            *point = clip(x + s * (end - x), 0.0, 1.0);
        }
        let norm_squared = squared_distance(point, &self.image);
        let z = *self.evaluator.logits(point);
        let judgement = self.judge(&z);
        self.keep(point, norm_squared, judgement);
        judgement
    }

    /// Forgets every success but `point`; whether that is one.
    pub(super) fn keep_only(&mut self, point: &[f32]) -> bool {
        self.best.norm_squared = f32::INFINITY;
        let z = *self.evaluator.logits(point);
        let norm_squared = squared_distance(point, &self.image);
        self.keep(point, norm_squared, self.judge(&z));
        self.has_best()
    }

    /// A plain forward pass on the result, or on x if there is none; what an observer sees last.
    pub(super) fn look_at_result(&mut self) -> Judgement {
        let point = std::mem::take(if self.has_best() { &mut self.best.point } else { &mut self.image });
        let z = *self.evaluator.logits(&point);
        let judgement = self.judge(&z);
        if self.has_best() {
            self.see(&point, &z, judgement);
            self.best.point = point;
        } else {
            self.image = point;
            self.seen.r.fill(0.0);
        }
        judgement
    }

    /// The label whose cross-entropy is the loss, and its sign.
    fn loss_label(&self) -> (usize, f32) {
        match self.goal {
            Goal::Target(l) => (l, 1.0),
            Goal::Any => (self.prediction, -1.0),
        }
    }

    /// Notes an evaluation at `u`; returns the probabilities.
    fn see(&mut self, u: &[f32], z: &[f32; LABELS], judgement: Judgement) -> [f32; LABELS] {
        for ((r, u), x) in self.seen.r.iter_mut().zip(u).zip(&self.image) {
            *r = u - x;
        }
        self.note(z, judgement)
    }

    /// Notes all of an evaluation but where it was.
    fn note(&mut self, z: &[f32; LABELS], judgement: Judgement) -> [f32; LABELS] {
        let (label, sign) = self.loss_label();
        let probabilities = network::probabilities(z);
        // Summed over the other labels: 1 − p would lose all its digits where p rounds to 1.
        let others: f32 = (0..LABELS).filter(|&j| j != label).map(|j| probabilities[j]).sum();
        let seen = &mut self.seen;
        seen.push = others;
        seen.loss = sign * if others < 0.5 { -libm::log1pf(-others) } else { cross_entropy(z, label) };
        seen.margin = judgement.margin;
        seen.success = judgement.success;
        probabilities
    }

    fn judge(&self, z: &[f32; LABELS]) -> Judgement {
        let strongest_but = |l: usize| {
            let mut best = usize::from(l == 0);
            for j in (best + 1)..LABELS {
                if j != l && z[j] > z[best] {
                    best = j;
                }
            }
            best
        };
        let (winner, rival) = match self.goal {
            Goal::Target(l) => (l, strongest_but(l)),
            Goal::Any => (strongest_but(self.prediction), self.prediction),
        };
        let margin = z[winner] - z[rival];
        let floor = MARGIN_FLOOR * z.iter().fold(1.0f32, |m, v| m.max(v.abs()));
        Judgement { winner, rival, margin, success: margin >= floor }
    }

    /// Keeps `point` if it reaches the goal and is the closest to the image so far.
    fn keep(&mut self, point: &[f32], norm_squared: f32, judgement: Judgement) {
        if judgement.success && norm_squared < self.best.norm_squared {
            self.best.point.copy_from_slice(point);
            self.best.norm_squared = norm_squared;
            self.best.label = judgement.winner;
            self.best.h = self.h;
        }
    }
}

/// `−ln softmax(z)_l`.
fn cross_entropy(z: &[f32; LABELS], l: usize) -> f32 {
    let largest = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    libm::logf(z.iter().map(|v| libm::expf(v - largest)).sum()) + largest - z[l]
}
