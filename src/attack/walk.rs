//! Step 4 where the boundary has kinks: many short steps from success to success.
//!
//! A network of ReLU and max pooling has a boundary of many small flat pieces. There the minimizer's gradient does not
//! become small, and a tangent does not say where the boundary is a step further on. Three things help. The walk
//! remembers several tangents, those of pieces near by, whatever label they hold against. It goes only a part of the way
//! to the closest point under them. And it looks first whether r is shorter there (bundle methods: C. Lemaréchal,
//! *Nondifferentiable optimization*, Handbooks in Operations Research and Management Science 1, 1989, chapter VII).

use super::{
    Attack, Goal, Next, Phase, Stage,
    problem::{Problem, weight_at_boundary},
    scale::{Ray, Scale},
    tangents::Tangents,
    tuning::Tuning,
};
use crate::{
    PIXELS,
    vector::{squared_distance, zeros},
};
use std::ops::ControlFlow::Continue;

impl Attack {
    /// Step 4 where the boundary has kinks.
    pub(super) fn begin_walk(&mut self) -> Next {
        self.phase = Phase::Boundary;
        self.walk.begin(&mut self.problem, &mut self.scale, &self.options.tuning);
        Continue(Stage::Walk)
    }

    /// One more step of it.
    pub(super) fn walk(&mut self) -> Next {
        let goes_on = self.walk.step(&mut self.problem, &mut self.scale, &self.options.tuning);
        if goes_on { Continue(Stage::Walk) } else { self.after_boundary() }
    }
}

pub(super) struct Walk {
    /// Those taken last, each in the place of the oldest.
    tangents: Tangents,
    /// The best success when the step begins.
    from: Vec<f32>,
    /// The closest point to x under the tangents.
    ahead: Vec<f32>,
    /// A part of the way from the one to the other.
    point: Vec<f32>,
    /// How large a part of the way the next step tries first.
    part: f32,
    made: u32,
}

impl Walk {
    pub(super) fn new() -> Self {
        Walk {
            tangents: Tangents::new(),
            from: zeros(PIXELS),
            ahead: zeros(PIXELS),
            point: zeros(PIXELS),
            part: 1.0,
            made: 0,
        }
    }

    /// Begins at the best success, brought to the boundary.
    pub(super) fn begin(&mut self, problem: &mut Problem, scale: &mut Scale, tuning: &Tuning) {
        self.tangents.clear();
        self.part = 1.0;
        self.made = 0;
        scale.shorten_best(problem, tuning.walk_passes, tuning);
    }

    /// One more step. Whether there may be another.
    pub(super) fn step(&mut self, problem: &mut Problem, scale: &mut Scale, tuning: &Tuning) -> bool {
        let Some(before) = problem.best.map(|best| best.norm_squared) else { return false };
        let promised = self.look_ahead(problem, tuning);
        let mut goes_on = before > promised * (1.0 + tuning.boundary_settled);
        while goes_on {
            if self.try_part([before, promised], problem, scale, tuning) {
                break;
            }
            self.part *= 0.5;
            goes_on = self.part >= tuning.walk_shortest;
        }
        self.part = (2.0 * self.part).min(1.0);
        self.made += 1;
        goes_on && self.made < tuning.walk_steps
    }

    /// Takes one more tangent, at the best success. Returns ‖r‖² of the closest point under those remembered.
    fn look_ahead(&mut self, problem: &mut Problem, tuning: &Tuning) -> f32 {
        let place = self.made as usize % tuning.walk_tangents;
        self.from.copy_from_slice(&problem.best_point);
        let judgement = problem.look_at(&self.from);
        problem.margin_gradient(judgement.winner, judgement.rival, self.tangents.normal(place));
        self.tangents.keep(place, &self.from, tuning.boundary_aim - judgement.margin);
        self.tangents.closest(&problem.image, &mut self.ahead);
        if problem.goal == Goal::Any {
            problem.weight = weight_at_boundary(self.tangents.total_multiplier().max(f32::MIN_POSITIVE));
        }
        squared_distance(&self.ahead, &problem.image)
    }

    /// Goes a part of the way, and from x in that direction until ‖r‖² has fallen enough from what it was `before`, of
    /// which the tangents have `promised` more. Where that is a success it is brought back to the boundary. Returns
    /// whether it was one.
    fn try_part(
        &mut self,
        [before, promised]: [f32; 2],
        problem: &mut Problem,
        scale: &mut Scale,
        tuning: &Tuning,
    ) -> bool {
        for (point, (from, ahead)) in self.point.iter_mut().zip(self.from.iter().zip(&self.ahead)) {
            *point = from + self.part * (ahead - from);
        }
        let enough = before - tuning.walk_decrease * self.part * (before - promised);
        let stretch = (enough / squared_distance(&self.point, &problem.image)).sqrt();
        let ray = Ray { first: stretch, limit: stretch, passes: tuning.walk_passes };
        scale.search(problem, &self.point, ray, tuning);
        problem.best.is_some_and(|best| best.norm_squared < before)
    }
}
