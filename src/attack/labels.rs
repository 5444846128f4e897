//! Away from a label: which of the nine others the boundary steps are to lead to.
//!
//! The margin of each other label has a tangent at x, and the ray along it reaches a boundary somewhere. The labels come
//! from the most likely on, as long as the steepest slope seen so far could close their margin within the best r. From
//! the nearest point of all rays the boundary steps go on; then, perhaps, from others that are nearly as near.

use super::{
    Attack, Ending, Next, Options, Stage,
    boundary::BoundaryStep,
    problem::{Problem, Success, weight_at_boundary},
    scale::{Ray, Scale},
    tangents::multiplier,
    tuning::Tuning,
};
use crate::{
    LABELS, PIXELS,
    vector::{clip, dot, zeros},
};
use std::ops::ControlFlow::{Break, Continue};

impl Attack {
    /// Away from a label, before step 4: which of the nine others is nearest.
    pub(super) fn choose_label(&mut self) -> Next {
        let Attack { options: Options { tuning, .. }, problem, labels, .. } = self;
        labels.look_at_next(problem, &mut self.scale, tuning);
        if labels.may_be_nearer(problem, tuning) {
            Continue(Stage::Label)
        } else if problem.best.is_some() {
            self.follow_way()
        } else {
            Continue(Stage::Image) // no ray leads to a boundary: by the loss, as to a target
        }
    }

    /// On to the boundary steps, from the nearest ray's end.
    pub(super) fn follow_way(&mut self) -> Next {
        match self.labels.next_way(&self.problem, &self.options.tuning) {
            Some(start) => self.boundary.begin_at(start),
            None => return Break(Ending::Success),
        }
        Continue(Stage::Boundary)
    }
}

pub(super) struct Labels {
    /// For each label the nearest success known, `[10, 784]`: on its ray, or on its boundary.
    points: Vec<f32>,
    successes: [Option<Success>; LABELS],
    /// Whether the boundary steps have begun there.
    followed: [bool; LABELS],
    /// How many labels were looked at, from the most likely on.
    seen: usize,
    /// The steepest slope of a margin that was seen, in logits for each unit of ‖r‖.
    steepest: f32,
    /// The most by which the boundary steps have divided ‖r‖² so far: large where the boundary is bent.
    bend: f32,
    /// What the boundary steps follow now; none towards a target.
    way: Option<Way>,
    /// A margin's gradient at x, and the end of its ray.
    slope: Vec<f32>,
    end: Vec<f32>,
}

/// One ray's end, from which boundary steps lead on.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// ‖r‖² where it began.
    began_at: f32,
    /// ‖r‖² of the best success then, if another way had led there.
    best_before: Option<f32>,
}

impl Labels {
    pub(super) fn new() -> Self {
        Labels {
            points: zeros(LABELS * PIXELS),
            successes: [None; LABELS],
            followed: [false; LABELS],
            seen: 0,
            steepest: 0.0,
            bend: 1.0,
            way: None,
            slope: zeros(PIXELS),
            end: zeros(PIXELS),
        }
    }

    /// Another search begins.
    pub(super) fn start(&mut self) {
        self.successes = [None; LABELS];
        self.followed = [false; LABELS];
        (self.seen, self.steepest, self.bend, self.way) = (0, 0.0, 1.0, None);
    }

    /// Looks at one more label: its tangent at x, one evaluation, and the nearest success on the ray to there.
    pub(super) fn look_at_next(&mut self, problem: &mut Problem, scale: &mut Scale, tuning: &Tuning) {
        let (label, margin) = problem.ranked(self.seen);
        self.seen += 1;
        problem.look_at_image();
        problem.margin_gradient(label, problem.prediction, &mut self.slope);
        self.steepest = self.steepest.max(dot(&self.slope, &self.slope).sqrt());
        let x = &problem.image;
        let Some(t) = multiplier(x, x, &self.slope, -margin) else { return };
        for ((end, x), slope) in self.end.iter_mut().zip(x).zip(&self.slope) {
            *end = clip(x + t * slope, 0.0, 1.0);
        }
        problem.weight = weight_at_boundary(t).max(f32::MIN_POSITIVE);
        // This ray's success is kept with its label, even where another ray's is nearer.
        let before = problem.best.take();
        let ray = Ray { first: 1.0, limit: tuning.label_ray_limit, passes: tuning.label_ray_passes };
        scale.search(problem, &self.end, ray, tuning);
        self.keep_best(problem);
        // Until boundary steps lead nearer, the c that is reported is that of the last ray with a success.
        let last = problem.best.or(before);
        if let Some((label, nearest)) = self.nearest(|_| true) {
            problem.best = Some(Success { weight: last.map_or(nearest.weight, |last| last.weight), ..nearest });
            problem.best_point.copy_from_slice(&self.points[label * PIXELS..][..PIXELS]);
        }
    }

    /// Whether the steepest slope seen so far could close the next label's margin within the best r. As long as there is
    /// none, any slope could.
    pub(super) fn may_be_nearer(&self, problem: &Problem, tuning: &Tuning) -> bool {
        let closes = tuning.label_reach * self.steepest * problem.best_norm_squared().sqrt();
        self.seen + 1 < LABELS && -problem.ranked(self.seen).1 < closes
    }

    /// The point where the boundary steps are to begin: the nearest ray's, of those that were not followed. None if that is
    /// too far away for its boundary to lead nearer than the best.
    pub(super) fn next_way(&mut self, problem: &Problem, tuning: &Tuning) -> Option<&[f32]> {
        let (label, start) = self.nearest(|label| !self.followed[label])?;
        let best = problem.best?.norm_squared;
        let is_promising = start.norm_squared < tuning.label_close * self.bend * self.bend * best;
        if self.way.is_some() && !is_promising {
            return None;
        }
        self.followed[label] = true;
        self.way = Some(Way { began_at: start.norm_squared, best_before: self.way.map(|_| best) });
        Some(&self.points[label * PIXELS..][..PIXELS])
    }

    /// Takes note of a boundary step: slopes there may be steeper than at x.
    pub(super) fn note_step(&mut self, step: &BoundaryStep, tuning: &Tuning) {
        self.steepest = self.steepest.max(tuning.label_mean_slope * step.slope);
    }

    /// Whether the boundary steps may settle here. Towards a target, on the first way, or on one that has led nearer, they
    /// go to the very end: until a step is short.
    pub(super) fn may_settle(&self, step: &BoundaryStep, problem: &Problem, tuning: &Tuning) -> bool {
        let Some(way) = self.way else { return true };
        let best = problem.best.map(|best| best.norm_squared);
        best == way.best_before || step.moved <= tuning.label_still * step.promised
    }

    /// Takes note of where a way has ended. False towards a target, where there is none.
    pub(super) fn end_way(&mut self, problem: &Problem) -> bool {
        if let (Some(way), Some(best)) = (self.way, problem.best) {
            self.bend = self.bend.max(way.began_at / best.norm_squared);
            self.keep_best(problem);
        }
        self.way.is_some()
    }

    /// Keeps the problem's best success, if it is the nearest of its label.
    fn keep_best(&mut self, problem: &Problem) {
        let Some(best) = problem.best else { return };
        if self.successes[best.label].is_none_or(|known| best.norm_squared < known.norm_squared) {
            self.successes[best.label] = Some(best);
            self.points[best.label * PIXELS..][..PIXELS].copy_from_slice(&problem.best_point);
        }
    }

    /// The nearest success of certain labels.
    fn nearest(&self, of: impl Fn(usize) -> bool) -> Option<(usize, Success)> {
        let known = (0..LABELS).filter(|&label| of(label)).filter_map(|label| Some((label, self.successes[label]?)));
        known.min_by(|(_, a), (_, b)| a.norm_squared.total_cmp(&b.norm_squared))
    }
}
