//! Step 4, boundary: along the decision boundary to its nearest point.
//!
//! The minimiser for the largest c is not quite the smallest r: the cross-entropy weighs all ten labels, even those that
//! are not in the way. Each boundary step takes the margin's tangent where it is, and goes to the closest point to x under
//! the tangents so far, one for each rival label. On a convex network that ends at the exact minimum.

use super::{
    Goal,
    anderson::Anderson,
    problem::{Problem, weight_at_boundary},
    scale::{Ray, Scale},
    tangents::Tangents,
    tuning::Tuning,
};
use crate::{
    LABELS, PIXELS,
    vector::{dot, squared_distance, zeros},
};

pub(super) struct Boundary {
    tangents: Tangents,
    anderson: Anderson,
    /// Where the next tangent is taken.
    point: Vec<f32>,
    /// How many steps were made.
    made: u32,
    renewal: Renewal,
}

/// Once a search, in the end, tangents that earlier steps took elsewhere are taken anew.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Renewal {
    NotYet,
    /// The next evaluation takes the tangent of this rival.
    Next(usize),
    Over,
}

/// What one boundary step showed.
#[derive(Clone, Copy, Debug)]
pub(super) struct BoundaryStep {
    /// ‖r‖² of the closest point under the tangents: on a flat boundary, the smallest there is.
    pub promised: f32,
    /// The length of the step, squared.
    pub moved: f32,
    /// The length of the margin's gradient, in logits for each unit of ‖r‖.
    pub slope: f32,
}

impl Boundary {
    pub(super) fn new() -> Self {
        Boundary {
            tangents: Tangents::new(),
            anderson: Anderson::new(),
            point: zeros(PIXELS),
            made: 0,
            renewal: Renewal::NotYet,
        }
    }

    /// Another search begins.
    pub(super) fn start(&mut self) {
        self.renewal = Renewal::NotYet;
    }

    /// Goes on from `point`, with no tangents.
    pub(super) fn begin_at(&mut self, point: &[f32]) {
        self.tangents.clear();
        self.anderson.clear();
        self.point.copy_from_slice(point);
        self.made = 0;
    }

    pub(super) fn is_last(&self, tuning: &Tuning) -> bool {
        self.made >= tuning.boundary_steps
    }

    /// One more tangent. The closest point to x under all of them, shortened or extended by what the step before has
    /// shown, is the next point, and the nearest success on its ray is kept.
    pub(super) fn step(&mut self, problem: &mut Problem, scale: &mut Scale, tuning: &Tuning) -> BoundaryStep {
        self.made += 1;
        let aim = tuning.boundary_aim;
        let judgement = problem.look_at(&self.point);
        let normal = self.tangents.normal(judgement.rival);
        problem.margin_gradient(judgement.winner, judgement.rival, normal);
        let slope = dot(normal, normal).sqrt();
        self.tangents.keep(judgement.rival, &self.point, aim - judgement.margin);
        self.anderson.begin(&self.point);
        self.tangents.closest(&problem.image, &mut self.point);
        let promised = squared_distance(&self.point, &problem.image);
        let moved = self.anderson.accelerate(&mut self.point, tuning);
        if problem.goal == Goal::Any {
            // No minimisation chose this c: it is the one that would hold r here, at the boundary.
            problem.weight = weight_at_boundary(self.tangents.total_multiplier().max(f32::MIN_POSITIVE));
        }
        let judgement = scale.judge(problem, &self.point);
        if !judgement.success && judgement.margin - aim > tuning.boundary_ray * problem.image_margin {
            let ray = Ray { first: 1.0, limit: tuning.boundary_ray_limit, passes: tuning.scale_passes };
            scale.search(problem, &self.point, ray, tuning);
        }
        BoundaryStep { promised, moved, slope }
    }

    /// Takes a stale tangent anew, one evaluation. False if none is left, or none was to be renewed.
    pub(super) fn renew_next(&mut self, problem: &mut Problem, tuning: &Tuning) -> bool {
        let Renewal::Next(rival) = self.renewal else { return false };
        self.renew(rival, problem, tuning);
        self.renewal = self.stale(rival + 1, problem, tuning).map_or(Renewal::Over, Renewal::Next);
        true
    }

    /// Whether tangents have to be renewed before the last step. Several must hold the point, and one of them be stale:
    /// where the boundary is bent, those of earlier steps lead astray.
    pub(super) fn has_stale(&mut self, problem: &mut Problem, tuning: &Tuning) -> bool {
        if self.renewal == Renewal::NotYet {
            let stale = if self.tangents.several_hold() { self.stale(0, problem, tuning) } else { None };
            self.renewal = stale.map_or(Renewal::Over, Renewal::Next);
        }
        self.renewal != Renewal::Over
    }

    /// Takes every tangent anew that holds the point.
    pub(super) fn renew_all(&mut self, problem: &mut Problem, tuning: &Tuning) {
        for rival in 0..LABELS {
            if self.tangents.holds(rival) {
                self.renew(rival, problem, tuning);
            }
        }
    }

    /// The first rival from `from` on whose tangent holds the point and is off there.
    fn stale(&self, from: usize, problem: &mut Problem, tuning: &Tuning) -> Option<usize> {
        let judgement = problem.judge_at(&self.point);
        let most = tuning.boundary_stale * problem.image_margin.abs();
        (from..LABELS).filter(|&rival| self.tangents.holds(rival)).find(|&rival| {
            let rise = tuning.boundary_aim - judgement.margin_over(rival);
            self.tangents.rise(rival, &self.point).is_some_and(|by_tangent| (by_tangent - rise).abs() > most)
        })
    }

    /// Takes the tangent of `rival` at the point.
    fn renew(&mut self, rival: usize, problem: &mut Problem, tuning: &Tuning) {
        let judgement = problem.look_at(&self.point);
        problem.margin_gradient(judgement.winner, rival, self.tangents.normal(rival));
        self.tangents.keep(rival, &self.point, tuning.boundary_aim - judgement.margin_over(rival));
    }
}
