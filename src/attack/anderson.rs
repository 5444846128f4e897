//! Anderson's acceleration of a sequence of steps, with one earlier step (D. Anderson, *Iterative procedures for
//! nonlinear integral equations*, J. ACM 12, 1965).
//!
//! On a curved boundary plain steps overshoot, or creep: each error is a multiple of the one before it. Two successive
//! steps estimate that multiple, along the line that they span, and the second is shortened or extended accordingly.

use super::tuning::Tuning;
use crate::{
    PIXELS,
    vector::{clip, sums, zeros},
};

pub(super) struct Anderson {
    /// Where the step begins, in pixels.
    from: Vec<f32>,
    /// Where the step before led to, and by what change; of use only if there was one.
    last_to: Vec<f32>,
    last_change: Vec<f32>,
    has_last: bool,
}

impl Anderson {
    pub(super) fn new() -> Self {
        Anderson { from: zeros(PIXELS), last_to: zeros(PIXELS), last_change: zeros(PIXELS), has_last: false }
    }

    pub(super) fn clear(&mut self) {
        self.has_last = false;
    }

    /// A step begins here.
    pub(super) fn begin(&mut self, from: &[f32]) {
        self.from.copy_from_slice(from);
    }

    /// The step leads to `to`, which is moved, within the box, to where it and the one before would end up.
    /// Returns the length of the step, squared.
    pub(super) fn accelerate(&mut self, to: &mut [f32], tuning: &Tuning) -> f32 {
        let [moved, along, square] = sums([&*to, &self.from, &self.last_change], |[to, from, last]| {
            let change = to - from;
            let difference = change - last;
            [change * change, change * difference, difference * difference]
        });
        let [extended, shortened] = tuning.anderson_most;
        let part = if self.has_last && square > 0.0 { clip(along / square, -extended, shortened) } else { 0.0 };
        let part = if part.abs() < tuning.anderson_least { 0.0 } else { part };
        let steps = to.iter_mut().zip(&self.from).zip(&mut self.last_to).zip(&mut self.last_change);
        for (((to, from), last_to), last_change) in steps {
            *last_change = *to - from;
            let mixed = *to - part * (*to - *last_to);
            *last_to = *to;
            *to = clip(mixed, 0.0, 1.0);
        }
        self.has_last = true;
        moved
    }
}
