//! Step 1, estimate: the weight whose minimiser lies just beyond the boundary, by the boundary's tangent.

use super::{
    minimise::Minimisation,
    problem::{Problem, weight_at_boundary},
    tangents::multiplier,
    tuning::Tuning,
};
use crate::{
    PIXELS,
    vector::{clip, zeros},
};

pub(super) struct Estimate {
    /// The margin's gradient, as the loss's shows it.
    slope: Vec<f32>,
    /// How often the weight was estimated anew on the way to the boundary.
    made: u32,
}

impl Estimate {
    pub(super) fn new() -> Self {
        Estimate { slope: zeros(PIXELS), made: 0 }
    }

    pub(super) fn start(&mut self) {
        self.made = 0;
    }

    /// No more on the way.
    pub(super) fn stop(&mut self, tuning: &Tuning) {
        self.made = tuning.estimate_limit;
    }

    /// The first weight, from the evaluation of x: L-BFGS's first step, to r = −h·∇loss, then ends where the tangent says
    /// that the boundary is. Where it says nothing, that step moves the steepest pixel from one face of the box to the
    /// other. None if the loss is flat.
    pub(super) fn first(&mut self, problem: &Problem, at: &Minimisation, aim: f32) -> Option<f32> {
        let steepest = at.minimizer.gradient().iter().fold(0.0f32, |m, g| m.max(g.abs()));
        if steepest == 0.0 {
            return None;
        }
        let by_tangent = self.multiplier(problem, at, aim).map(|t| t / at.here.push);
        Some(by_tangent.unwrap_or(1.0 / steepest))
    }

    /// Another weight, as long as the minimizer is far from the margin `aim`.
    pub(super) fn on_the_way(
        &mut self,
        problem: &Problem,
        at: &Minimisation,
        aim: f32,
        tuning: &Tuning,
    ) -> Option<f32> {
        let gap = at.here.margin - aim;
        let is_far = gap.abs() > tuning.estimate_gap * problem.image_margin.abs();
        if !is_far || self.made >= tuning.estimate_limit {
            return None;
        }
        self.made += 1;
        let [least, most] = tuning.estimate_change;
        self.weight(problem, at, aim).map(|weight| clip(weight, least * problem.weight, most * problem.weight))
    }

    /// The weight whose minimiser has the margin `aim`, by the tangent at the minimizer's point.
    pub(super) fn weight(&mut self, problem: &Problem, at: &Minimisation, aim: f32) -> Option<f32> {
        self.multiplier(problem, at, aim).map(weight_at_boundary)
    }

    /// The multiple of the margin's gradient that the closest point of the tangent has in r. The loss's gradient is
    /// taken for the margin's, times the push: as it is between two labels.
    fn multiplier(&mut self, problem: &Problem, at: &Minimisation, aim: f32) -> Option<f32> {
        let u = at.minimizer.x();
        let scale = 1.0 / (problem.weight * at.here.push);
        let points = u.iter().zip(&problem.image).zip(at.minimizer.gradient());
        for (slope, ((u, x), gradient)) in self.slope.iter_mut().zip(points) {
            *slope = ((u - x) - gradient) * scale;
        }
        multiplier(&problem.image, u, &self.slope, aim - at.here.margin).filter(|t| *t > 0.0)
    }
}
