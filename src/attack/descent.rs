//! One weight c by itself: its minimiser r(c), and the steps that L-BFGS takes to it.

use super::{Attack, Stage};
use crate::{
    PIXELS,
    lbfgs::Minimizer,
    vector::{squared_distance, zeros},
};

/// Where L-BFGS stands before a step of its own. Objectives are c·‖r‖² + loss.
pub struct Stand {
    /// x + r, 784 values.
    pub point: Vec<f32>,
    /// The objective there.
    pub height: f32,
    /// Its gradient, 784 values.
    pub gradient: Vec<f32>,
    /// Where the next step leads: minus the inverse Hessian that the curvature pairs build, times the gradient, but for pixels that a
    /// bound holds, 784 values.
    pub direction: Vec<f32>,
    /// Whether a pixel is free: no bound holds it.
    pub is_free: Vec<bool>,
    /// The step lengths that the line search tries, each with the objective there; the last one is taken.
    pub trials: Vec<(f32, f32)>,
}

impl Attack {
    /// Minimises c·‖r‖² + loss for this c alone, in the place of [`Attack::step`]: after [`Attack::start`] from r = 0, else
    /// from the r of the call before, with all curvature pairs. [`Attack::observation`] then has r(c). Returns every
    /// step; the last stand, from which none is taken, has no trials.
    pub fn descend(&mut self, c: f32) -> Vec<Stand> {
        let Attack { options, problem, minimisation, .. } = self;
        if self.stage.take() == Some(Stage::Image) {
            // If that is no number, the minimizer says so below.
            let _ = minimisation.evaluate_start(problem);
        }
        minimisation.set_weight(problem, 0.5 / c);
        let minimizer = &mut minimisation.minimizer;
        let mut stands = vec![Stand::of(minimizer, c)];
        for _ in 0..options.tuning.descent_limit {
            let norm = squared_distance(minimizer.x(), &problem.image).sqrt();
            let is_found = minimizer.projected_gradient_norm() <= options.tuning.descent_tolerance * norm;
            if is_found || minimizer.ending().is_some() {
                break;
            }
            let (step, taken) = (minimizer.step_length(), minimizer.iterations());
            let mut value = 0.0;
            minimizer.step(|u, gradient| {
                value = problem.evaluate(u, gradient);
                value
            });
            if let Some(stand) = stands.last_mut() {
                stand.trials.push((step, 2.0 * c * value));
            }
            if minimizer.iterations() > taken {
                stands.push(Stand::of(minimizer, c));
            }
        }
        problem.evaluate(minimizer.x(), &mut zeros(PIXELS));
        stands
    }

    /// c·‖r‖² + loss and its gradient at `point`, for the c of the last [`Attack::descend`].
    pub fn objective(&mut self, point: &[f32], gradient: &mut [f32]) -> f32 {
        let twice_c = self.problem.weight.recip();
        let value = self.problem.evaluate(point, gradient);
        gradient.iter_mut().for_each(|g| *g *= twice_c);
        twice_c * value
    }
}

impl Stand {
    fn of(minimizer: &Minimizer<f32>, c: f32) -> Self {
        Stand {
            point: minimizer.x().to_vec(),
            height: 2.0 * c * minimizer.value(),
            gradient: minimizer.gradient().iter().map(|g| 2.0 * c * g).collect(),
            direction: minimizer.direction().to_vec(),
            is_free: minimizer.free().iter().map(|&free| free > 0.0).collect(),
            trials: Vec::new(),
        }
    }
}
