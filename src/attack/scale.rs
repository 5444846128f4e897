//! Step 5, scale: the smallest s at which x + s·r, in the box, still reaches the goal.
//!
//! Regula falsi on the margin with the Illinois rule, by forward passes alone, which are not counted as evaluations. The
//! [`Problem`] keeps the nearest success on the way. Other phases look along rays in the same way.

use super::{
    problem::{Judgement, Problem},
    tuning::Tuning,
};
use crate::{
    PIXELS,
    vector::{clip, zeros},
};

pub(super) struct Scale {
    /// How precisely s is placed: as a part of it, and by a margin that is this part of the image's own.
    pub precision: f32,
    /// x + r while the best success is shortened.
    end: Vec<f32>,
    /// The point of the ray that is tried.
    point: Vec<f32>,
}

/// Which points of a ray are tried. Lengths are in units of r.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ray {
    /// The first.
    pub first: f32,
    /// The farthest, where all before it fail.
    pub limit: f32,
    /// How many between one that fails and one that succeeds.
    pub passes: u32,
}

impl Scale {
    pub(super) fn new(tuning: &Tuning) -> Self {
        Scale { precision: tuning.scale_precision, end: zeros(PIXELS), point: zeros(PIXELS) }
    }

    /// Another search begins.
    pub(super) fn start(&mut self, tuning: &Tuning) {
        self.precision = tuning.scale_precision;
    }

    /// Shortens the best success, as far as it stays one.
    pub(super) fn shorten_best(&mut self, problem: &mut Problem, passes: u32, tuning: &Tuning) {
        self.end.copy_from_slice(&problem.best_point);
        let end = std::mem::take(&mut self.end);
        self.search(problem, &end, Ray { first: 1.0, limit: 1.0, passes }, tuning);
        self.end = end;
    }

    /// One forward pass at the end of r.
    pub(super) fn judge(&mut self, problem: &mut Problem, end: &[f32]) -> Judgement {
        problem.try_scale(end, 1.0, &mut self.point)
    }

    /// Looks for the nearest success on the ray from x through `end`, which is at x + r.
    pub(super) fn search(&mut self, problem: &mut Problem, end: &[f32], ray: Ray, tuning: &Tuning) {
        let (mut low, mut low_margin) = (0.0, problem.image_margin);
        let (mut high, mut stride) = (ray.first, tuning.scale_stride);
        let mut judgement = problem.try_scale(end, high, &mut self.point);
        while !judgement.success {
            if high >= ray.limit {
                return;
            }
            (low, low_margin) = (high, judgement.margin);
            high = (high + stride).min(ray.limit);
            stride *= tuning.scale_growth;
            judgement = problem.try_scale(end, high, &mut self.point);
        }
        let mut high_margin = judgement.margin;
        let [least, most] = tuning.scale_steps;
        for _ in 0..ray.passes {
            let is_near = high_margin <= self.precision * problem.image_margin.abs();
            if is_near || high - low <= self.precision * high {
                return;
            }
            // A little beyond the root, for a success.
            let rise = -low_margin + tuning.scale_beyond * high_margin;
            let s = low + (high - low) * clip(rise / (high_margin - low_margin), least, most);
            let judgement = problem.try_scale(end, s, &mut self.point);
            if judgement.success {
                (high, high_margin) = (s, judgement.margin);
                low_margin *= 0.5;
            } else {
                (low, low_margin) = (s, judgement.margin);
                high_margin *= 0.5;
            }
        }
    }
}
