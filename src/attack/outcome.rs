//! What a search shows while it goes on, and what it found.

use super::{Attack, problem::Problem};
use crate::PIXELS;
use serde::{Deserialize, Serialize};

/// What the search was doing at an evaluation.
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
    /// The r that was evaluated, 784 values.
    pub r: &'a [f32],
    /// `loss(x + r, l)`.
    pub loss: f32,
    /// In logits: the target's less the largest other one. For `any`: the largest other one less the prediction's.
    pub margin: f32,
    /// The c of the formula.
    pub c: f32,
    /// What the search was doing.
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
    /// That of a search that has come to its end, whose best ‖r‖₂ was `norm_c` before the scale step.
    pub(super) fn of(problem: &mut Problem, ending: Ending, norm_c: f32) -> Self {
        let margin = problem.look_at_result().margin;
        let (prediction, evaluations) = (problem.prediction, problem.evaluations);
        let Some(best) = problem.best else {
            let (label, norm, scale, c) = (prediction, 0.0, 0.0, 0.5 / problem.weight);
            return Outcome { ending, prediction, label, norm, norm_c, scale, c, margin, evaluations };
        };
        let norm = best.norm_squared.sqrt();
        let (ending, label, scale, c) = (Ending::Success, best.label, norm / norm_c, 0.5 / best.weight);
        Outcome { ending, prediction, label, norm, norm_c, scale, c, margin, evaluations }
    }

    /// `‖r‖₂ / √784`, the paper's measure.
    pub fn distortion(&self) -> f32 {
        self.norm / (PIXELS as f32).sqrt()
    }
}

/// What a search shows.
impl Attack {
    /// The evaluation made last, and after the end the result; none before the first step.
    pub fn observation(&self) -> Option<Observation<'_>> {
        let Problem { last, last_r, weight, evaluations, .. } = &self.problem;
        (*evaluations > 0).then(|| Observation {
            r: last_r,
            loss: last.loss,
            margin: last.margin,
            c: 0.5 / weight,
            phase: self.phase,
            bracket: self.bracket.of_c(),
            evaluations: *evaluations,
        })
    }

    /// The result; none while the search goes on.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// The result's r, 784 values: the smallest that reaches the goal; zeros if none has. Before the end, the r that
    /// was evaluated last.
    pub fn perturbation(&self) -> &[f32] {
        &self.problem.last_r
    }

    /// The best x + r so far, exactly as it was evaluated; x itself if none has reached the goal.
    pub fn adversarial(&self) -> &[f32] {
        self.problem.nearest()
    }
}
