//! How fast a network learns as time goes on.

use std::f64::consts::PI;

/// The share of its first value that the rate falls to.
const LAST_RATE: f64 = 0.01;

/// The rate after `step` of `steps`: half a cosine from the first rate to its hundredth.
pub(super) fn rate(first: f64, step: usize, steps: usize) -> f64 {
    let done = step as f64 / steps as f64;
    first * (LAST_RATE + (1.0 - LAST_RATE) * (1.0 + (PI * done).cos()) / 2.0)
}
