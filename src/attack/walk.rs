//! Along a boundary with kinks: many short steps from success to success.
//!
//! A network of ReLU and the largest of several has a boundary of many small flat pieces. There neither the minimizer's
//! gradient becomes small, nor does a tangent say where the boundary is a step further on. What helps is to remember several
//! tangents, those of pieces near by, whatever label they hold against; to go a part of the way only to the closest point under
//! them; and to see first whether the way is shorter there (bundle methods: C. Lemaréchal, *Nondifferentiable optimization*,
//! Handbooks in Operations Research and Management Science 1, 1989, chapter VII).

use super::{Attack, BOUNDARY_AIM, BOUNDARY_PUSH, Goal, Phase, SETTLED, Stage};
use crate::vector::squared_distance;

/// The most steps of a walk, and how many of the last tangents it goes by.
const STEPS: u32 = 30;
const REMEMBERED: usize = 6;
/// The smallest part of the way to the closest point that is tried.
const SHORTEST: f32 = 0.02;
/// A step must bring this part of the decrease of ‖r‖² that the tangents promise.
const SUFFICIENT: f32 = 0.1;
/// The most forward passes that bring a success back to the boundary.
const PASSES: u32 = 4;

impl Attack {
    /// Goes on by walking, from the best success.
    pub(super) fn start_walk(&mut self) {
        self.tangents.clear();
        self.reach = 1.0;
        self.stage = Stage::Walk(0);
        self.problem.seen.phase = Phase::Boundary;
        self.candidate.copy_from_slice(&self.problem.best.point);
        self.scale(1.0, PASSES);
    }

    /// One more step, and whether it was the last; `made` were made.
    pub(super) fn walk_step(&mut self, made: u32) {
        let before = self.problem.best.norm_squared;
        let promised = self.look_ahead(made as usize % REMEMBERED);
        let mut went = before > promised * (1.0 + SETTLED);
        while went && !self.walk(before - SUFFICIENT * self.reach * (before - promised)) {
            self.reach *= 0.5;
            went = self.reach >= SHORTEST;
        }
        self.reach = (2.0 * self.reach).min(1.0);
        if went && made + 1 < STEPS {
            self.stage = Stage::Walk(made + 1);
        } else {
            self.after_boundary();
        }
    }

    /// Takes one more tangent, at the best success; the closest point to x under those remembered goes into the slope's place.
    /// Returns ‖r‖² there.
    fn look_ahead(&mut self, place: usize) -> f32 {
        self.begun.copy_from_slice(&self.problem.best.point);
        let judgement = self.problem.margin_gradient(&self.begun, Some(place), &mut self.tangents);
        self.tangents.keep(place, &self.begun, BOUNDARY_AIM - judgement.margin);
        self.tangents.closest(&self.problem.image, &mut self.slope);
        if self.problem.goal == Goal::Any {
            self.problem.h = self.tangents.total_multiplier().max(f32::MIN_POSITIVE) / BOUNDARY_PUSH;
        }
        squared_distance(&self.slope, &self.problem.image)
    }

    /// Goes a part of the way to the closest point, and in its direction from x as far as ‖r‖² may be. Where that is a
    /// success, it is brought back to the boundary. Returns whether it was one.
    fn walk(&mut self, norm_squared: f32) -> bool {
        for (c, (from, to)) in self.candidate.iter_mut().zip(self.begun.iter().zip(&self.slope)) {
            *c = from + self.reach * (to - from);
        }
        let stretch = (norm_squared / squared_distance(&self.candidate, &self.problem.image)).sqrt();
        let before = self.problem.best.norm_squared;
        self.scale_from(stretch, stretch, PASSES);
        self.problem.best.norm_squared < before
    }
}
