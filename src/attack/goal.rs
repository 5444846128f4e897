//! What a search is asked for, and why it may be refused.

use crate::{LABELS, PIXELS, decimal::Decimal};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What the network shall predict for x + r.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Goal {
    /// This label.
    Target(usize),
    /// Any label but the one that it predicts for x.
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
