//! The minimiser r(c) for one weight c, by box-constrained L-BFGS.
//!
//! Every weight starts from the minimiser for the one before, with all that L-BFGS has learnt: at another weight the
//! value, the gradient and the curvature pairs follow exactly from the old ones.

use super::{
    Ending,
    problem::{Evaluation, Problem},
    tuning::Tuning,
};
use crate::{
    PIXELS,
    lbfgs::{self, Minimizer, Scaling},
    vector::{squared_distance, zeros},
};
use std::ops::ControlFlow::{self, Break, Continue};

pub(super) struct Minimisation {
    pub minimizer: Minimizer<f32>,
    /// The box's faces.
    lower: Vec<f32>,
    upper: Vec<f32>,
    /// What the evaluation of the minimizer's point showed.
    pub here: Evaluation,
    /// Evaluations spent on this weight.
    spent: u32,
}

impl Minimisation {
    pub(super) fn new(tuning: &Tuning) -> Self {
        let options = lbfgs::Options {
            memory: tuning.memory,
            // ½‖r‖² has the unit matrix as its second derivative, and the loss adds to it in a few directions only.
            scaling: Scaling::Fixed(1.0),
            gradient_tolerance: 0.0,
            decrease_tolerance: 0.0,
            noise: tuning.minimise_noise,
            max_evaluations: u32::MAX,
        };
        Minimisation {
            minimizer: Minimizer::new(PIXELS, options),
            lower: zeros(PIXELS),
            upper: vec![1.0; PIXELS],
            here: Evaluation::default(),
            spent: 0,
        }
    }

    /// Goes on from `point`, knowing nothing. False if it has not as many pixels as the box.
    pub(super) fn start(&mut self, point: &[f32]) -> bool {
        self.spent = 0;
        self.minimizer.start(point, &self.lower, &self.upper).is_ok()
    }

    /// The first evaluation, at the start.
    pub(super) fn evaluate_start(&mut self, problem: &mut Problem) -> ControlFlow<Ending> {
        self.evaluate(problem)?;
        self.here = problem.last;
        Continue(())
    }

    /// One more evaluation. Whether it is of a new point, one that L-BFGS accepts.
    pub(super) fn step(&mut self, problem: &mut Problem) -> ControlFlow<Ending, bool> {
        let accepted = self.minimizer.iterations();
        self.spent += 1;
        self.evaluate(problem)?;
        let is_accepted = self.minimizer.iterations() > accepted;
        if is_accepted {
            self.here = problem.last;
        }
        Continue(is_accepted)
    }

    /// The search ends where F or its gradient is not a finite number.
    fn evaluate(&mut self, problem: &mut Problem) -> ControlFlow<Ending> {
        match self.minimizer.step(|u, gradient| problem.evaluate(u, gradient)) {
            Some(lbfgs::Ending::NotFinite) => Break(Ending::NotFinite),
            _ => Continue(()),
        }
    }

    /// Whether the minimizer's point has to do as the minimiser: nothing lowers F, or that has taken too long.
    pub(super) fn is_over(&self, tuning: &Tuning) -> bool {
        self.minimizer.ending().is_some() || self.is_stuck(tuning)
    }

    /// Whether that has taken too long: on a network with kinks the gradient need not become small anywhere.
    pub(super) fn is_stuck(&self, tuning: &Tuning) -> bool {
        self.spent >= tuning.minimise_patience
    }

    /// Whether the minimizer's point is the minimiser, as precisely as its margin deserves: the farther that is from
    /// the `window` that ends the search over c, in logits, the less precisely.
    pub(super) fn is_minimal(&self, problem: &Problem, window: f32, tuning: &Tuning) -> bool {
        let norm = squared_distance(self.minimizer.x(), &problem.image).sqrt();
        let gap = self.here.margin - 0.5 * window;
        let ease = tuning.minimise_ease * (gap.abs() - window).max(0.0);
        let exact = tuning.strictness(problem.evaluations) * tuning.minimise_tolerance;
        self.minimizer.projected_gradient_norm() <= (exact + ease).min(tuning.minimise_loosest) * norm
    }

    /// Goes on from the minimizer's point with another weight. That costs no evaluation: F is ½‖r‖² + h·loss, so what
    /// exceeds ½‖r‖², r and s in its value, its gradient and its pairs is in proportion to h.
    pub(super) fn set_weight(&mut self, problem: &mut Problem, weight: f32) {
        let ratio = weight / problem.weight;
        problem.weight = weight;
        self.spent = 0;
        let image = &problem.image;
        let half_square = 0.5 * squared_distance(self.minimizer.x(), image);
        let value = half_square + ratio * (self.minimizer.value() - half_square);
        let gradient = |x: &[f32], g: &mut [f32]| {
            for ((g, x), image) in g.iter_mut().zip(x).zip(image) {
                let r = x - image;
                *g = r + ratio * (*g - r);
            }
        };
        let pair = |s: &[f32], y: &mut [f32]| {
            for (y, s) in y.iter_mut().zip(s) {
                *y = s + ratio * (*y - s);
            }
        };
        self.minimizer.change_objective(value, gradient, pair);
    }
}
