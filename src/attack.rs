//! Szegedy's search: the smallest `r` with `f(x + r) = l` and `x + r` in the box.
//!
//! ```text
//! minimise F(r) = ½‖r‖² + h·loss(x + r, l)   subject to   x + r ∈ [0, 1]^784,   h = 1/(2c)
//! ```
//!
//! for weights c, by box-constrained L-BFGS. The largest c that still succeeds gives the smallest r. Five steps:
//!
//! 1. **Estimate** the c whose minimiser lies just beyond the boundary, by the boundary's tangent.
//! 2. **Bracket**: find a c whose minimiser fails, and one whose minimiser succeeds.
//! 3. **Root**: close in on the largest c that succeeds.
//! 4. **Boundary**: step along the decision boundary to its nearest point.
//! 5. **Scale** r down, as far as x + r stays beyond the boundary.
//!
//! Steps 1 to 3 minimise for every c (`minimise.rs`). Two detours belong to step 4: along kinks the search walks
//! (`walk.rs`), and away from a label it first chooses among the nine others (`labels.rs`). `problem.rs` says what a point
//! is worth, `tuning.rs` has every tolerance. docs/search.md tells the same at length.
//!
//! This module is Szegedy's attack alone. Another attack is a module beside it, with a function of network, image,
//! [`Goal`] and its own settings that returns an [`Outcome`]; nothing in here needs to know of it.

mod anderson;
mod boundary;
mod bracket;
mod descent;
mod estimate;
mod goal;
mod labels;
mod minimise;
mod outcome;
mod problem;
mod root;
mod run;
mod scale;
mod tangents;
mod thorough;
mod tuning;
mod walk;

pub use descent::Stand;
pub use goal::{AttackError, Goal, Reading};
pub use outcome::{Ending, Observation, Outcome, Phase};
pub use tuning::{Options, Tuning};

use crate::{PIXELS, network::Network};
use boundary::Boundary;
use bracket::Bracket;
use estimate::Estimate;
use labels::Labels;
use minimise::Minimisation;
use problem::Problem;
use root::Root;
use scale::Scale;
use std::ops::ControlFlow::{self, Break, Continue};
use walk::Walk;

/// A search that can be stepped, observed, and started anew without allocating.
pub struct Attack {
    options: Options,
    problem: Problem,
    minimisation: Minimisation,
    // The five steps, and the two detours.
    estimate: Estimate,
    bracket: Bracket,
    root: Root,
    boundary: Boundary,
    walk: Walk,
    labels: Labels,
    scale: Scale,
    /// Whether the search has begun again from plain grey.
    is_from_grey: bool,
    phase: Phase,
    /// None before the start and after the end.
    stage: Option<Stage>,
    outcome: Option<Outcome>,
}

/// What the next evaluation is for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    /// Away from a label: one of the nine others.
    Label,
    /// x itself, and the first c.
    Image,
    /// The minimiser for this c.
    Minimise,
    /// A step along the boundary.
    Boundary,
    /// A step of a walk along a boundary with kinks.
    Walk,
}

/// Where an evaluation leads: to another, or to the end.
type Next = ControlFlow<Ending, Stage>;

impl Attack {
    /// Room for searches on `network`.
    pub fn new(network: impl Into<Network>, options: Options) -> Self {
        let tuning = &options.tuning;
        Attack {
            problem: Problem::new(network.into(), tuning),
            minimisation: Minimisation::new(tuning),
            estimate: Estimate::new(),
            bracket: Bracket::default(),
            root: Root::default(),
            boundary: Boundary::new(),
            walk: Walk::new(),
            labels: Labels::new(),
            scale: Scale::new(tuning),
            is_from_grey: false,
            phase: Phase::Bracket,
            stage: None,
            outcome: None,
            options,
        }
    }

    /// Begins a search on `image` (784 pixels in [0, 1]); any earlier one is dropped.
    pub fn start(&mut self, image: &[f32], goal: Goal) -> Result<(), AttackError> {
        self.stage = None;
        self.outcome = None;
        self.problem.start(image, goal)?;
        let tuning = &self.options.tuning;
        self.estimate.start();
        self.boundary.start();
        self.labels.start();
        self.scale.start(tuning);
        self.is_from_grey = false;
        let chooses_label = goal == Goal::Any && tuning.boundary_steps > 0;
        let first = if chooses_label { Stage::Label } else { Stage::Image };
        self.stage = self.search_over_c_from(image).then_some(first);
        Ok(())
    }

    /// One evaluation of loss and gradient. Returns whether the search goes on.
    pub fn step(&mut self) -> bool {
        let next = match self.stage {
            None => return false,
            Some(Stage::Label) => self.choose_label(),
            Some(Stage::Image) => self.evaluate_image(),
            Some(Stage::Minimise) => self.minimise(),
            Some(Stage::Boundary) => self.step_along_boundary(),
            Some(Stage::Walk) => self.walk(),
        };
        let is_spent = self.problem.evaluations >= self.options.max_evaluations;
        self.stage = match next {
            Continue(stage) if !is_spent => Some(stage),
            Continue(_) => self.finish(Ending::OutOfEvaluations),
            Break(ending) => self.finish(ending),
        };
        self.stage.is_some()
    }

    /// The search over c begins, at this point. False if that is no image.
    fn search_over_c_from(&mut self, point: &[f32]) -> bool {
        self.bracket = Bracket::default();
        self.root = Root::default();
        self.phase = Phase::Bracket;
        self.minimisation.start(point)
    }

    /// Step 1, estimate: x itself, where r = 0 and the gradient is the loss's alone, gives the first c.
    fn evaluate_image(&mut self) -> Next {
        self.minimisation.evaluate_start(&mut self.problem)?;
        match self.estimate.first(&self.problem, &self.minimisation, self.wanted_margin()) {
            Some(weight) => self.minimise_for(weight),
            None => Break(Ending::Unreachable), // the loss is flat here: nothing shows the way
        }
    }

    /// Goes on from where L-BFGS is, with another c.
    fn minimise_for(&mut self, weight: f32) -> Next {
        self.minimisation.set_weight(&mut self.problem, weight);
        Continue(Stage::Minimise)
    }

    /// One evaluation of L-BFGS on the way to the minimiser for this c, far from which step 1 estimates it anew.
    fn minimise(&mut self) -> Next {
        let Attack { options: Options { tuning, .. }, problem, minimisation, .. } = self;
        let is_new_point = minimisation.step(problem)?;
        if problem.goal == Goal::Any && problem.best.is_some() {
            // Away from a label the loss has no minimum: stop at the boundary, on the way from x.
            self.scale.shorten_best(problem, tuning.scale_passes, tuning);
            return self.after_search_over_c();
        }
        if is_new_point {
            let window = tuning.root_window(problem.evaluations);
            if self.bracket.is_empty()
                && let Some(weight) = self.estimate.on_the_way(problem, minimisation, 0.5 * window, tuning)
            {
                return self.minimise_for(weight);
            }
            if minimisation.is_minimal(problem, window, tuning) {
                return self.judge_minimiser();
            }
        }
        if minimisation.is_stuck(tuning) && tuning.boundary_steps > 0 && problem.best.is_some() {
            return self.begin_walk();
        }
        if minimisation.is_over(tuning) { self.judge_minimiser() } else { Continue(Stage::Minimise) }
    }

    /// Steps 2 and 3, bracket and root: the margin of this c's minimiser ends the search over c, or leads to another c.
    fn judge_minimiser(&mut self) -> Next {
        let here = self.minimisation.here;
        if self.options.reading == Reading::Scale {
            // This c stays, unless its minimiser falls short of the goal.
            if self.problem.keep_only(self.minimisation.minimizer.x()) {
                return Break(Ending::Success);
            }
        } else if here.success && here.margin <= self.options.tuning.root_window(self.problem.evaluations) {
            return self.after_search_over_c();
        }
        let (aim, tuning) = (self.wanted_margin(), &self.options.tuning);
        let estimate = self.estimate.weight(&self.problem, &self.minimisation, aim);
        self.bracket.note(self.problem.weight, here.success, here.margin);
        let Some(ends) = self.bracket.ends() else {
            return match self.bracket.next(estimate, tuning) {
                Some(weight) => self.minimise_for(weight),
                None => self.start_from_grey(), // even an enormous weight fails
            };
        };
        let Some(weight) = self.root.next(ends, aim, estimate, tuning) else {
            return self.after_search_over_c(); // c is known well enough
        };
        self.phase = Phase::Root;
        self.minimise_for(weight)
    }

    /// The margin that the search over c aims at: the middle of the window that ends it, in logits.
    fn wanted_margin(&self) -> f32 {
        0.5 * self.options.tuning.root_window(self.problem.evaluations)
    }

    /// No c leads from x to the goal: the loss may have a minimum of its own on the way. Once, all begins again from grey.
    fn start_from_grey(&mut self) -> Next {
        if self.is_from_grey || !self.search_over_c_from(&[0.5; PIXELS]) {
            return Break(Ending::Unreachable);
        }
        self.is_from_grey = true;
        self.estimate.stop(&self.options.tuning);
        Continue(Stage::Minimise)
    }

    /// The largest c is found: on to step 4, where the reading of c has it.
    fn after_search_over_c(&mut self) -> Next {
        if self.problem.best.is_none() {
            return self.start_from_grey();
        }
        if self.options.tuning.boundary_steps == 0 {
            return Break(Ending::Success);
        }
        self.boundary.begin_at(&self.problem.best_point);
        Continue(Stage::Boundary)
    }

    /// Step 4, boundary: one more step to the nearest point.
    fn step_along_boundary(&mut self) -> Next {
        self.phase = Phase::Boundary;
        let Attack { options: Options { tuning, .. }, problem, boundary, labels, .. } = self;
        if boundary.renew_next(problem, tuning) {
            return Continue(Stage::Boundary);
        }
        let step = boundary.step(problem, &mut self.scale, tuning);
        labels.note_step(&step, tuning);
        let norm_squared = problem.best_norm_squared();
        let is_settled = labels.may_settle(&step, problem, tuning)
            && norm_squared <= step.promised * (1.0 + tuning.boundary_settled);
        let is_last = is_settled || boundary.is_last(tuning);
        if !is_last || boundary.has_stale(problem, tuning) {
            return Continue(Stage::Boundary);
        }
        // Where they were no help, the boundary has kinks.
        if norm_squared > tuning.walk_from * step.promised { self.begin_walk() } else { self.after_boundary() }
    }

    /// The boundary's nearest point is found. Away from a label, another one's boundary may have a nearer one.
    fn after_boundary(&mut self) -> Next {
        if !self.labels.end_way(&self.problem) {
            return Break(Ending::Success);
        }
        // At the boundary the slopes may have been steeper than at x.
        if self.labels.may_be_nearer(&self.problem, &self.options.tuning) {
            return Continue(Stage::Label);
        }
        self.follow_way()
    }

    /// Step 5, scale, where the reading of c has it; and a forward pass on the result.
    fn finish(&mut self, ending: Ending) -> Option<Stage> {
        let Attack { options: Options { reading, tuning, .. }, problem, .. } = self;
        let norm_c = problem.best.map_or(0.0, |best| best.norm_squared.sqrt());
        if problem.best.is_some() && *reading != Reading::Weight {
            self.phase = Phase::Scale;
            self.scale.shorten_best(problem, tuning.scale_passes, tuning);
        }
        self.outcome = Some(Outcome::of(problem, ending, norm_c));
        None
    }
}
