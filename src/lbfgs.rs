//! Box-constrained limited-memory BFGS, one evaluation at a time.
//!
//! ```text
//! minimise f(x)   subject to   lower ≤ x ≤ upper
//! ```
//!
//! Knows vectors and bounds, not digits: any number of variables, any bounds (infinite,
//! one-sided, equal ones that fix a variable), `f32` or `f64`. All memory is allocated by
//! [`Minimizer::new`]; each [`Minimizer::step`] evaluates f and ∇f once. The caller keeps the
//! loop, and may look, stop, or go on with another objective between any two evaluations.
//!
//! ```
//! use pockets::lbfgs::{Ending, Minimizer, Options};
//!
//! // (x − 3)² + (y + 1)² with 0 ≤ x ≤ 2 and y free
//! let mut minimizer = Minimizer::<f64>::new(2, Options::default());
//! minimizer.start(&[0.0, 0.0], &[0.0, f64::NEG_INFINITY], &[2.0, f64::INFINITY])?;
//! let ending = loop {
//!     let ending = minimizer.step(|x, gradient| {
//!         gradient.copy_from_slice(&[2.0 * (x[0] - 3.0), 2.0 * (x[1] + 1.0)]);
//!         (x[0] - 3.0).powi(2) + (x[1] + 1.0).powi(2)
//!     });
//!     if let Some(ending) = ending {
//!         break ending;
//!     }
//! };
//! assert_eq!(ending, Ending::Gradient);
//! assert!((minimizer.x()[0] - 2.0).abs() < 1e-6 && (minimizer.x()[1] + 1.0).abs() < 1e-6);
//! # Ok::<(), pockets::lbfgs::BoundsError>(())
//! ```
//!
//! Each iteration
//! 1. finds the *active set*: the variables that sit on a bound and are pushed against it. What
//!    is nearly on a bound counts as on it, or it would bend the path of step 4 at once and
//!    stop the search short of the minimum (Bertsekas). The others are *free*;
//! 2. multiplies the free part of −∇f by the inverse Hessian of L-BFGS, built by the two-loop
//!    recursion from the free parts of the last curvature pairs `s = x⁺ − x`,
//!    `y = ∇f(x⁺) − ∇f(x)`. A pair whose free part shows no positive curvature is left out;
//! 3. takes out what points through a bound that is reached already, and leads the active set
//!    onto its bounds. The result `d` is a descent direction: what was taken out pointed
//!    uphill, for a free variable on a bound is pulled inwards. If rounding has spoilt it all
//!    the same, the pairs are dropped and the free part is −∇f, times γ where one is given;
//! 4. searches along the projected path `x(t) = clip(x + t·d)` for a sufficient decrease
//!    (Armijo). A step that is too long is followed by the minimum of a cubic through both
//!    values and slopes; a step that is still steep, by where the secant of the slopes leads
//!    (Wolfe). Where values differ by rounding alone, the slope decides. The first trial is
//!    t = 1; where no pair is known yet and no γ is given ([`Scaling::Fixed`]),
//!    `1/‖x − clip(x − ∇f)‖`, at most 1.
//!
//! It ends ([`Ending`]) when the projected gradient vanishes, when f or the line search no
//! longer decreases, when the evaluations run out, or at the first NaN or infinity. A
//! non-convex objective is followed to a point where the projected gradient vanishes, which
//! need not be the lowest.
//!
//! The L-BFGS-B of Byrd, Lu, Nocedal and Zhu finds the active set differently: it minimises
//! its quadratic model along the projected gradient and then within the face found there,
//! with 2m×2m factorisations. The projected path needs none, and takes as many evaluations:
//! tests/lbfgs.rs counts them on its published drivers and on other problems, seventy in all,
//! beside SciPy's and basin's L-BFGS-B.
//!
//! Sources: J. Nocedal and S. Wright, *Numerical Optimization*, 2nd ed., algorithm 7.4
//! (two-loop recursion), sections 3.1 and 3.5 (Armijo and Wolfe conditions, interpolation)
//! and 16.7 (gradient projection); D. Bertsekas, *Projected Newton methods for optimization
//! problems with simple constraints*, SIAM J. Control Optim. 20 (1982); W. Hager and H. Zhang,
//! *A new conjugate gradient method with guaranteed descent and an efficient line search*,
//! SIAM J. Optim. 16 (2005), section 4 (values within rounding).

mod line_search;
mod pairs;

use crate::vector::{clip, dot, sums};
use line_search::{LineSearch, Probe, Verdict};
use num_traits::Float;
use pairs::Pairs;
use thiserror::Error;

/// The matrix that the two-loop recursion starts from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scaling<T> {
    /// `γI`, `γ = s·y / y·y` of the newest pair (Nocedal and Wright, equation 7.20).
    NewestPair,
    /// `γI` with a known γ, for objectives whose curvature is known outside a few directions.
    Fixed(T),
}

/// When to stop, and how much to remember.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options<T> {
    /// Curvature pairs kept; 5 to 20.
    pub memory: usize,
    /// The start of the inverse Hessian.
    pub scaling: Scaling<T>,
    /// Converged when no entry of the projected gradient is larger.
    pub gradient_tolerance: T,
    /// Converged when two iterations in a row each lower the lowest f by no more than this part of max(|f|, |f⁺|, 1).
    /// One alone may have met a new bound.
    pub decrease_tolerance: T,
    /// Rounding noise of the objective, as a part of |f|: decreases below it count as none.
    pub noise: T,
    /// The most evaluations.
    pub max_evaluations: u32,
}

impl<T: Float> Default for Options<T> {
    fn default() -> Self {
        let epsilon = T::epsilon();
        Options {
            memory: 10,
            scaling: Scaling::NewestPair,
            gradient_tolerance: epsilon.sqrt(),
            decrease_tolerance: epsilon * real(10.0),
            noise: epsilon * real(10.0),
            max_evaluations: 15_000,
        }
    }
}

/// How a minimisation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The projected gradient is within its tolerance: a first-order solution.
    Gradient,
    /// The last two iterations lowered the objective by no more than its tolerance.
    Decrease,
    /// No decrease can be found along the projected steepest descent: the objective's noise is reached.
    Noise,
    /// The evaluations ran out.
    Evaluations,
    /// The objective, its gradient or its squared norm was NaN or infinite, or x went to infinity after it.
    NotFinite,
}

/// Why a problem was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BoundsError {
    /// A vector has another length than the minimizer.
    #[error("expected {expected} values, found {found}")]
    Length {
        /// The minimizer's number of variables.
        expected: usize,
        /// The length found.
        found: usize,
    },
    /// A bound is NaN or a lower one exceeds its upper one.
    #[error("variable {0} has no value within its bounds")]
    Empty(usize),
    /// The start is NaN or infinite.
    #[error("variable {0} does not start at a finite number")]
    Start(usize),
}

/// The state of a minimisation. All memory is allocated by [`Minimizer::new`].
pub struct Minimizer<T> {
    options: Options<T>,
    lower: Vec<T>,
    upper: Vec<T>,
    /// The last accepted point, its objective and its gradient.
    x: Vec<T>,
    value: T,
    gradient: Vec<T>,
    /// The point to evaluate next.
    trial: Vec<T>,
    trial_gradient: Vec<T>,
    direction: Vec<T>,
    /// 1 for free variables, 0 for those in the active set.
    free: Vec<T>,
    /// How near a bound counts as on it, as a part of 1 + |x|.
    near: T,
    pairs: Pairs<T>,
    line: LineSearch<T>,
    /// The trial is `clip(x + step·direction)`.
    step: T,
    /// No pair stands behind the direction.
    steepest: bool,
    /// The lowest value since the start; and the last iteration came below it by no more than the tolerance.
    lowest: T,
    stalled: bool,
    ending: Option<Ending>,
    evaluations: u32,
    iterations: u32,
}

impl<T: Float> Minimizer<T> {
    /// Room for `n` variables.
    pub fn new(n: usize, options: Options<T>) -> Self {
        let zeros = || vec![T::zero(); n];
        Minimizer {
            lower: zeros(),
            upper: zeros(),
            x: zeros(),
            value: T::zero(),
            gradient: zeros(),
            trial: zeros(),
            trial_gradient: zeros(),
            direction: zeros(),
            free: zeros(),
            near: T::zero(),
            pairs: Pairs::new(n, options.memory.max(1)),
            line: LineSearch::new(T::zero(), T::zero(), T::zero()),
            step: T::zero(),
            steepest: true,
            lowest: T::zero(),
            stalled: false,
            ending: None,
            evaluations: 0,
            iterations: 0,
            options,
        }
    }

    /// Begins at `start`, clipped to the bounds (which may be infinite). Forgets what came before.
    pub fn start(&mut self, start: &[T], lower: &[T], upper: &[T]) -> Result<(), BoundsError> {
        let expected = self.x.len();
        for found in [start.len(), lower.len(), upper.len()] {
            if found != expected {
                return Err(BoundsError::Length { expected, found });
            }
        }
        for i in 0..expected {
            let possible = lower[i] <= upper[i] && lower[i] < T::infinity() && upper[i] > T::neg_infinity();
            if !possible {
                return Err(BoundsError::Empty(i));
            }
            if !start[i].is_finite() {
                return Err(BoundsError::Start(i));
            }
        }
        for i in 0..expected {
            self.trial[i] = clip(start[i], lower[i], upper[i]);
        }
        self.lower.copy_from_slice(lower);
        self.upper.copy_from_slice(upper);
        self.x.copy_from_slice(&self.trial);
        self.pairs.clear();
        self.stalled = false;
        self.ending = None;
        self.evaluations = 0;
        self.iterations = 0;
        Ok(())
    }

    /// The point that the next step evaluates.
    pub fn trial(&self) -> &[T] {
        &self.trial
    }

    /// The direction that is searched: the trial is `clip(x + step_length·direction)`.
    pub fn direction(&self) -> &[T] {
        &self.direction
    }

    /// How far along the direction the trial is.
    pub fn step_length(&self) -> T {
        self.step
    }

    /// 1 for each free variable, 0 for each in the active set.
    pub fn free(&self) -> &[T] {
        &self.free
    }

    /// The best point accepted so far.
    pub fn x(&self) -> &[T] {
        &self.x
    }

    /// The objective at [`Minimizer::x`].
    pub fn value(&self) -> T {
        self.value
    }

    /// The gradient at [`Minimizer::x`].
    pub fn gradient(&self) -> &[T] {
        &self.gradient
    }

    /// Evaluations since the start.
    pub fn evaluations(&self) -> u32 {
        self.evaluations
    }

    /// Accepted steps since the start.
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    /// How it ended; none while it goes on.
    pub fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// The Euclidean norm of `x − clip(x − ∇f)`, zero at a first-order solution.
    pub fn projected_gradient_norm(&self) -> T {
        let [sum] = sums([&self.x, &self.gradient, &self.lower, &self.upper], |[x, g, lower, upper]| {
            let p = projected(x, g, lower, upper);
            [p * p]
        });
        sum.sqrt()
    }

    /// Evaluates `objective` once: it is given the point and writes the gradient. Returns the ending, if this
    /// was the last step; further calls return it again without evaluating.
    pub fn step(&mut self, objective: impl FnOnce(&[T], &mut [T]) -> T) -> Option<Ending> {
        if self.ending.is_some() {
            return self.ending;
        }
        let value = objective(&self.trial, &mut self.trial_gradient);
        self.evaluations += 1;
        // NaN if any entry is not finite.
        let [zero] = sums([&self.trial_gradient, &self.trial], |[g, x]| [g * T::zero() + x * T::zero()]);
        if !(value + zero).is_finite() {
            self.ending = Some(Ending::NotFinite);
        } else if self.evaluations == 1 {
            self.accept_start(value);
        } else {
            self.search(value);
        }
        if self.ending.is_none() && self.evaluations >= self.options.max_evaluations {
            self.ending = Some(Ending::Evaluations);
        }
        self.ending
    }

    /// Continues from [`Minimizer::x`] on another objective whose value and gradient there are known, and whose
    /// curvature pairs follow from the old ones: `value` is the new objective, `gradient` turns (x, ∇f) into the
    /// new gradient in place, `pair` turns (s, y) into the new y in place. Costs no evaluation.
    pub fn change_objective(
        &mut self,
        value: T,
        gradient: impl FnOnce(&[T], &mut [T]),
        pair: impl FnMut(&[T], &mut [T]),
    ) {
        self.value = value;
        self.lowest = value;
        gradient(&self.x, &mut self.gradient);
        self.pairs.transform(pair);
        self.stalled = false;
        self.ending = None;
        self.begin_iteration();
    }

    fn accept_start(&mut self, value: T) {
        self.value = value;
        self.lowest = value;
        std::mem::swap(&mut self.gradient, &mut self.trial_gradient);
        self.begin_iteration();
    }

    /// Judges the trial: accept it, or propose another step along the same direction.
    fn search(&mut self, value: T) {
        let (step, (promised, slope)) = (self.step, self.slopes_at_trial());
        match self.line.judge(Probe { step, value, slope }, promised) {
            Verdict::Accept => self.accept(value),
            Verdict::Try(step) => self.place_trial(step),
            Verdict::GiveUp => self.give_up(),
        }
    }

    /// `∇f(x)·(x(t) − x)`, and the slope at the trial along the path: that of the direction, less the variables that
    /// bounds have stopped.
    fn slopes_at_trial(&self) -> (T, T) {
        let path = [&self.x[..], &self.trial, &self.lower, &self.upper, &self.direction];
        let [x, trial, lower, upper, direction] = path;
        let slices = [x, trial, lower, upper, direction, &self.gradient, &self.trial_gradient];
        let [promised, slope] = sums(slices, |[x, trial, lower, upper, d, g, g_trial]| {
            let moving = if (trial > lower) & (trial < upper) { g_trial * d } else { T::zero() };
            [g * (trial - x), moving]
        });
        (promised, slope)
    }

    /// The direction gave no decrease: try plain steepest descent once, then stop.
    fn give_up(&mut self) {
        if self.steepest {
            self.ending = Some(Ending::Noise);
        } else {
            self.pairs.clear();
            self.begin_iteration();
        }
    }

    fn accept(&mut self, value: T) {
        self.pairs.push(&self.x, &self.trial, &self.gradient, &self.trial_gradient);
        let scale = self.value.abs().max(value.abs()).max(T::one());
        let decrease = self.lowest - value;
        std::mem::swap(&mut self.x, &mut self.trial);
        std::mem::swap(&mut self.gradient, &mut self.trial_gradient);
        self.value = value;
        self.iterations += 1;
        let stalled = decrease <= self.options.decrease_tolerance * scale;
        if stalled && self.stalled {
            self.ending = Some(Ending::Decrease);
        }
        self.stalled = stalled;
        self.lowest = self.lowest.min(value);
        // The next trial is prepared all the same, for whoever continues with another objective or tolerance.
        self.begin_iteration();
    }

    /// Active set, direction, first trial of the line search.
    fn begin_iteration(&mut self) {
        let tolerance = self.options.gradient_tolerance;
        let slices = [&self.x[..], &self.gradient, &self.lower, &self.upper];
        let [beyond, squares] = sums(slices, |[x, g, lower, upper]| {
            let p = projected(x, g, lower, upper);
            [if p.abs() > tolerance { T::one() } else { T::zero() }, p * p]
        });
        if beyond == T::zero() {
            self.ending = Some(Ending::Gradient);
            return;
        }
        let distance = squares.sqrt();
        self.near = distance.min(T::epsilon().sqrt());
        self.point_downhill();
        self.pairs.apply(&mut self.direction, &self.free, self.options.scaling);
        self.steepest = self.pairs.is_empty();
        let mut slope = self.keep_within_bounds();
        if slope >= T::zero() || !slope.is_finite() {
            self.pairs.clear();
            self.steepest = true;
            self.point_downhill();
            self.pairs.apply(&mut self.direction, &self.free, self.options.scaling);
            slope = self.keep_within_bounds();
        }
        if !slope.is_finite() {
            self.ending = Some(Ending::NotFinite);
            return;
        }
        self.line = LineSearch::new(self.value, slope, self.options.noise * self.value.abs());
        self.place_trial(match self.options.scaling {
            Scaling::NewestPair if self.steepest => distance.recip().min(T::one()),
            _ => T::one(),
        });
    }

    /// The direction of steepest descent of the free variables, zero for those in the active set: those that are on a
    /// bound, or nearly, and pushed against it.
    fn point_downhill(&mut self) {
        let near = self.near;
        let variables = self.x.iter().zip(&self.gradient).zip(&self.lower).zip(&self.upper);
        for ((d, free), (((&x, &g), &lower), &upper)) in self.direction.iter_mut().zip(&mut self.free).zip(variables) {
            let width = near * (T::one() + x.abs());
            let active = ((x - lower <= width) & (g > T::zero())) | ((upper - x <= width) & (g < T::zero()));
            *free = if active { T::zero() } else { T::one() };
            *d = -g * *free;
        }
    }

    /// Takes out of the direction what points through a bound that is already reached, and leads the active set onto
    /// its bounds. Returns the slope.
    fn keep_within_bounds(&mut self) -> T {
        let variables = self.x.iter().zip(&self.gradient).zip(&self.lower).zip(&self.upper);
        for ((d, &free), (((&x, &g), &lower), &upper)) in self.direction.iter_mut().zip(&self.free).zip(variables) {
            let blocked = ((*d < T::zero()) & (x <= lower)) | ((*d > T::zero()) & (x >= upper));
            let to_bound = if g > T::zero() { lower - x } else { upper - x };
            *d = if free == T::zero() {
                to_bound
            } else if blocked {
                T::zero()
            } else {
                *d
            };
        }
        dot(&self.direction, &self.gradient)
    }

    fn place_trial(&mut self, step: T) {
        self.step = step;
        let zipped = self.trial.iter_mut().zip(&self.x).zip(&self.direction).zip(&self.lower).zip(&self.upper);
        for ((((trial, &x), &d), &lower), &upper) in zipped {
            *trial = clip(x + step * d, lower, upper);
        }
    }
}

/// One entry of `x − clip(x − ∇f)`, without the rounding of x − ∇f.
#[inline(always)]
fn projected<T: Float>(x: T, g: T, lower: T, upper: T) -> T {
    clip(g, x - upper, x - lower)
}

fn real<T: Float>(value: f64) -> T {
    T::from(value).unwrap_or_else(T::nan)
}
