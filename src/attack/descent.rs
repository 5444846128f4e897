//! One weight c by itself: its minimiser r(c), and the steps that L-BFGS takes to it.

use super::{Attack, Stage};
use crate::{lbfgs::Minimizer, vector::squared_distance};

/// A minimiser is found when the projected gradient is within this part of ‖r‖,
const TOLERANCE: f32 = 2e-3;
/// or after so many evaluations.
const LONGEST: u32 = 60;

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
    /// Minimises c·‖r‖² + loss for this c alone: after [`Attack::start`] from r = 0, else from the r of the call before, with all curvature
    /// pairs. [`Attack::observation`] then has r(c). Returns every step; the last stand, from which none is
    /// taken, has no trials. In the place of [`Attack::step`].
    pub fn descend(&mut self, c: f32) -> Vec<Stand> {
        if self.stage == Stage::First {
            self.evaluate();
        }
        self.stage = Stage::Done;
        self.set_h(0.5 / c);
        let mut stands = vec![Stand::of(&self.minimizer, c)];
        for _ in 0..LONGEST {
            let size = squared_distance(self.minimizer.x(), &self.problem.image).sqrt();
            if self.minimizer.ending().is_some() || self.minimizer.projected_gradient_norm() <= TOLERANCE * size {
                break;
            }
            let (step, taken) = (self.minimizer.step_length(), self.minimizer.iterations());
            let (problem, mut value) = (&mut self.problem, 0.0);
            self.minimizer.step(|u, gradient| {
                value = problem.evaluate(u, gradient);
                value
            });
            if let Some(stand) = stands.last_mut() {
                stand.trials.push((step, 2.0 * c * value));
            }
            if self.minimizer.iterations() > taken {
                stands.push(Stand::of(&self.minimizer, c));
            }
        }
        self.problem.evaluate(self.minimizer.x(), &mut self.slope);
        stands
    }

    /// c·‖r‖² + loss and its gradient at `point`, for the c of the last [`Attack::descend`].
    pub fn objective(&mut self, point: &[f32], gradient: &mut [f32]) -> f32 {
        let twice_c = self.problem.h.recip();
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
