//! One image, one goal, one network: what a point is worth, and the smallest success so far.
//!
//! Every phase asks the [`Problem`] about points `u = x + r`, and it remembers the nearest one that reached the goal.

use super::{AttackError, Goal, tuning::Tuning};
use crate::{
    LABELS, PIXELS,
    network::{self, Network, kernel::Evaluator},
    vector::{add_scaled, clip, dot, squared_distance, zeros},
};

/// 1 − p(l) where the target just ties with one other label: the part of the margin's gradient that the loss's
/// gradient has there.
const PUSH_AT_BOUNDARY: f32 = 0.5;

/// The weight h whose minimiser lies at a point of the boundary, where r is this multiple of the margin's gradient.
pub(super) fn weight_at_boundary(multiplier: f32) -> f32 {
    multiplier / PUSH_AT_BOUNDARY
}

pub(super) struct Problem {
    evaluator: Evaluator,
    /// x, 784 pixels.
    pub image: Vec<f32>,
    pub goal: Goal,
    /// The label that the network predicts for x, its logits there, and the goal's margin, which is negative.
    pub prediction: usize,
    image_logits: [f32; LABELS],
    pub image_margin: f32,
    /// The loss's weight, 1/(2c).
    pub weight: f32,
    /// How many evaluations of a loss, or of a margin, with its gradient there were.
    pub evaluations: u32,
    /// The last of them, and its r.
    pub last: Evaluation,
    pub last_r: Vec<f32>,
    /// The nearest point that reached the goal, of all evaluations and forward passes; and x + r there.
    pub best: Option<Success>,
    pub best_point: Vec<f32>,
    /// See [`Tuning::success_floor`].
    success_floor: f32,
}

/// What an evaluation says of its point.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evaluation {
    pub loss: f32,
    /// In logits.
    pub margin: f32,
    /// The probability that the loss still pushes: 1 − p(l) towards l, 1 − p(prediction) away from it.
    pub push: f32,
    /// Whether the point reaches the goal.
    pub success: bool,
}

/// A point that reaches the goal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Success {
    /// ‖r‖².
    pub norm_squared: f32,
    pub label: usize,
    /// The loss's weight when it was found.
    pub weight: f32,
}

/// The label that reaches the goal, the label to beat, and by how many logits it is beaten.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judgement {
    pub winner: usize,
    pub rival: usize,
    pub margin: f32,
    pub success: bool,
    logits: [f32; LABELS],
}

impl Judgement {
    /// The winner's margin over this label, which need not be its strongest rival.
    pub(super) fn margin_over(&self, rival: usize) -> f32 {
        self.logits[self.winner] - self.logits[rival]
    }
}

impl Problem {
    pub(super) fn new(network: Network, tuning: &Tuning) -> Self {
        Problem {
            evaluator: Evaluator::new(network),
            image: zeros(PIXELS),
            goal: Goal::Any,
            prediction: 0,
            image_logits: [0.0; LABELS],
            image_margin: 0.0,
            weight: 1.0,
            evaluations: 0,
            last: Evaluation::default(),
            last_r: zeros(PIXELS),
            best: None,
            best_point: zeros(PIXELS),
            success_floor: tuning.success_floor,
        }
    }

    /// Takes an image, and forgets the last one; refuses what is no image, and a target that is reached already.
    pub(super) fn start(&mut self, image: &[f32], goal: Goal) -> Result<(), AttackError> {
        AttackError::check(image, goal)?;
        self.image.copy_from_slice(image);
        self.goal = goal;
        self.image_logits = *self.evaluator.logits(image);
        self.prediction = network::label(&self.image_logits);
        self.image_margin = self.judge(&self.image_logits).margin;
        self.weight = 1.0;
        self.evaluations = 0;
        self.best = None;
        match goal {
            Goal::Target(target) if target == self.prediction => Err(AttackError::AlreadyTarget(target)),
            _ => Ok(()),
        }
    }

    /// The best x + r so far; x itself if none has reached the goal.
    pub(super) fn nearest(&self) -> &[f32] {
        if self.best.is_some() { &self.best_point } else { &self.image }
    }

    /// ‖r‖² of the best success; infinite while there is none.
    pub(super) fn best_norm_squared(&self) -> f32 {
        self.best.map_or(f32::INFINITY, |best| best.norm_squared)
    }

    /// An evaluation of `F(u) = ½‖u − x‖² + h·loss(u)`: its value, and its gradient.
    pub(super) fn evaluate(&mut self, u: &[f32], gradient: &mut [f32]) -> f32 {
        let judgement = self.judge_at(u);
        self.note_r(u);
        let probabilities = self.note(&judgement);
        let (label, sign) = self.loss_label();
        let mut over_logits = probabilities.map(|p| p * sign * self.weight);
        over_logits[label] = -sign * self.weight * self.last.push;
        self.evaluator.input_gradient(&over_logits, gradient);
        add_scaled(gradient, 1.0, &self.last_r);
        let norm_squared = dot(&self.last_r, &self.last_r);
        self.evaluations += 1;
        self.keep(u, norm_squared, &judgement);
        0.5 * norm_squared + self.weight * self.last.loss
    }

    /// The first half of an evaluation of a margin: who wins at `u`, and over whom.
    pub(super) fn look_at(&mut self, u: &[f32]) -> Judgement {
        let judgement = self.judge_at(u);
        self.note_r(u);
        self.note(&judgement);
        judgement
    }

    /// The first half of an evaluation of a margin at x.
    pub(super) fn look_at_image(&mut self) -> Judgement {
        let z = *self.evaluator.logits(&self.image);
        let judgement = self.judge(&z);
        self.last_r.fill(0.0);
        self.note(&judgement);
        judgement
    }

    /// The second half: the gradient of `winner`'s margin over `rival` at the point that was looked at last.
    pub(super) fn margin_gradient(&mut self, winner: usize, rival: usize, gradient: &mut [f32]) {
        let mut over_logits = [0.0; LABELS];
        over_logits[winner] = 1.0;
        over_logits[rival] = -1.0;
        self.evaluator.input_gradient(&over_logits, gradient);
        self.evaluations += 1;
    }

    /// An evaluation of the logits at `u`, weighed by `mixture`: its gradient.
    pub(super) fn mixture_gradient(&mut self, mixture: &[f32; LABELS], u: &[f32], gradient: &mut [f32]) {
        self.evaluator.logits(u);
        self.evaluator.input_gradient(mixture, gradient);
        self.evaluations += 1;
    }

    /// A forward pass at `u`: who wins there, and over whom.
    pub(super) fn judge_at(&mut self, u: &[f32]) -> Judgement {
        let z = *self.evaluator.logits(u);
        self.judge(&z)
    }

    /// A forward pass on `clip(x + s·(end − x))`, which is left in `point`; kept if it is the best so far.
    pub(super) fn try_scale(&mut self, end: &[f32], s: f32, point: &mut [f32]) -> Judgement {
        for ((point, &end), &x) in point.iter_mut().zip(end).zip(&self.image) {
            *point = clip(x + s * (end - x), 0.0, 1.0);
        }
        let norm_squared = squared_distance(point, &self.image);
        let judgement = self.judge_at(point);
        self.keep(point, norm_squared, &judgement);
        judgement
    }

    /// Forgets every success but `point`; whether that is one.
    pub(super) fn keep_only(&mut self, point: &[f32]) -> bool {
        self.best = None;
        let judgement = self.judge_at(point);
        self.keep(point, squared_distance(point, &self.image), &judgement);
        self.best.is_some()
    }

    /// A forward pass on the result, or on x if there is none; what an observer sees last.
    pub(super) fn look_at_result(&mut self) -> Judgement {
        if self.best.is_none() {
            self.last_r.fill(0.0);
            let z = *self.evaluator.logits(&self.image);
            return self.judge(&z);
        }
        let point = std::mem::take(&mut self.best_point);
        let judgement = self.look_at(&point);
        self.best_point = point;
        judgement
    }

    /// The label that is so many places behind the prediction at x, the first at 0; and its margin there.
    pub(super) fn ranked(&self, rank: usize) -> (usize, f32) {
        let z = &self.image_logits;
        let mut passed = [false; LABELS];
        let mut label = self.prediction;
        for _ in 0..=rank {
            passed[label] = true;
            let rest = (0..LABELS).filter(|&l| !passed[l]);
            label = rest.reduce(|best, l| if z[l] > z[best] { l } else { best }).unwrap_or(label);
        }
        (label, z[label] - z[self.prediction])
    }

    /// The label whose cross-entropy is the loss, and its sign.
    fn loss_label(&self) -> (usize, f32) {
        match self.goal {
            Goal::Target(l) => (l, 1.0),
            Goal::Any => (self.prediction, -1.0),
        }
    }

    /// Remembers where an evaluation was.
    fn note_r(&mut self, u: &[f32]) {
        for ((r, u), x) in self.last_r.iter_mut().zip(u).zip(&self.image) {
            *r = u - x;
        }
    }

    /// Remembers what an evaluation showed; returns the probabilities.
    fn note(&mut self, judgement: &Judgement) -> [f32; LABELS] {
        let (label, sign) = self.loss_label();
        let probabilities = network::probabilities(&judgement.logits);
        // Summed over the other labels: 1 − p would lose all its digits where p rounds to 1.
        let push: f32 = (0..LABELS).filter(|&j| j != label).map(|j| probabilities[j]).sum();
        let cross_entropy = if push < 0.5 { -libm::log1pf(-push) } else { cross_entropy(&judgement.logits, label) };
        let Judgement { margin, success, .. } = *judgement;
        self.last = Evaluation { loss: sign * cross_entropy, margin, push, success };
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
        let floor = self.success_floor * z.iter().fold(1.0f32, |m, v| m.max(v.abs()));
        Judgement { winner, rival, margin, success: margin >= floor, logits: *z }
    }

    /// Keeps `point` if it reaches the goal and is the closest to the image so far.
    fn keep(&mut self, point: &[f32], norm_squared: f32, judgement: &Judgement) {
        if judgement.success && self.best.is_none_or(|best| norm_squared < best.norm_squared) {
            self.best_point.copy_from_slice(point);
            self.best = Some(Success { norm_squared, label: judgement.winner, weight: self.weight });
        }
    }
}

/// `−ln softmax(z)_l`.
fn cross_entropy(z: &[f32; LABELS], l: usize) -> f32 {
    let largest = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    libm::logf(z.iter().map(|v| libm::expf(v - largest)).sum()) + largest - z[l]
}
