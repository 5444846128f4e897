//! Szegedy's search: the smallest `r` with `f(x + r) = l` and `x + r` in the box.
//!
//! `minimise ½‖r‖² + h·loss(x + r, l)` for a sequence of weights `h = 1/(2c)`,
//! by box-constrained L-BFGS; the largest `c` that still succeeds gives the
//! smallest `r`.

use crate::{LABELS, network::Mlp};
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
}

impl Default for Options {
    fn default() -> Self {
        Options { reading: Reading::Both, confidence: 0.0, max_evaluations: 1000 }
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
    network: Arc<Mlp>,
}

impl Attack {
    /// Room for searches on `network`.
    pub fn new(network: Arc<Mlp>, options: Options) -> Self {
        Attack { options, network }
    }

    /// Begins a search on `image` (784 pixels in [0, 1]); any earlier one is dropped.
    pub fn start(&mut self, image: &[f32], goal: Goal) -> Result<(), AttackError> {
        let _ = (image, goal, LABELS, &self.network, self.options);
        Ok(())
    }

    /// One evaluation of loss and gradient. Returns whether the search goes on.
    pub fn step(&mut self) -> bool {
        false
    }

    /// The evaluation made last; none before the first step.
    pub fn observation(&self) -> Option<Observation<'_>> {
        None
    }

    /// The result; none while the search goes on.
    pub fn outcome(&self) -> Option<Outcome> {
        None
    }

    /// The best r so far, 784 values: the smallest that reaches the goal; zeros if none has.
    pub fn perturbation(&self) -> &[f32] {
        &[]
    }

    /// x + r for [`Attack::perturbation`], exactly as it was evaluated.
    pub fn adversarial(&self) -> &[f32] {
        &[]
    }
}
