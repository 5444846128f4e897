//! Box-constrained limited-memory BFGS, one evaluation at a time.
//!
//! ```text
//! minimise f(x)   subject to   lower ≤ x ≤ upper
//! ```
//!
//! Knows vectors and bounds, not digits. Each iteration
//! 1. fixes the variables that sit on a bound and are pushed against it (the
//!    *active set*); the others are *free*;
//! 2. multiplies the free part of the gradient by the L-BFGS inverse Hessian, built
//!    by the two-loop recursion from the free parts of the last curvature pairs
//!    `s = x⁺ − x`, `y = ∇f(x⁺) − ∇f(x)`;
//! 3. searches along the projected path `x(t) = clip(x + t·d)` for a sufficient
//!    decrease (Armijo), stretching a step that is still steep downhill.
//!
//! Sources: J. Nocedal and S. Wright, *Numerical Optimization*, 2nd ed., algorithm
//! 7.4 (two-loop recursion), section 3.1 (Armijo, interpolation) and 18.6 (gradient
//! projection); D. Bertsekas, *Projected Newton methods for optimization problems
//! with simple constraints*, SIAM J. Control Optim. 20 (1982).

use crate::vector::{clip, dot, sums};
use num_traits::Float;
use thiserror::Error;

/// What a step along a descent direction must keep of the decrease that its slope promises (Armijo).
const SUFFICIENT: f64 = 1e-4;
/// A step that leaves more than this part of the slope is still steep, and is stretched (Wolfe).
const STEEP: f64 = 0.9;
/// The most evaluations that one line search may spend.
const LINE_SEARCH_LIMIT: u32 = 20;

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
    /// Converged when an iteration lowers f by less than this part of max(|f|, |f⁺|, 1).
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
            decrease_tolerance: epsilon * real(1e2),
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
    /// The objective no longer decreases by its tolerance.
    Decrease,
    /// No decrease can be found along the projected steepest descent: the objective's noise is reached.
    Noise,
    /// The evaluations ran out.
    Evaluations,
    /// The objective or an entry of its gradient was NaN or infinite.
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
    pairs: Pairs<T>,
    line: Line<T>,
    ending: Option<Ending>,
    evaluations: u32,
    iterations: u32,
}

/// Where a line search stands. Steps are lengths t of `x(t) = clip(x + t·d)`.
#[derive(Clone, Copy)]
struct Line<T> {
    /// The step of the trial.
    step: T,
    /// `∇f(x)·d`.
    slope: T,
    /// The largest step known to be too short, and the smallest known to be too long.
    short: T,
    long: Option<T>,
    evaluations: u32,
    /// No pair stands behind the direction.
    steepest: bool,
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
            pairs: Pairs::new(n, options.memory.max(1)),
            line: Line {
                step: T::zero(),
                slope: T::zero(),
                short: T::zero(),
                long: None,
                evaluations: 0,
                steepest: true,
            },
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
        self.lower.copy_from_slice(lower);
        self.upper.copy_from_slice(upper);
        for i in 0..expected {
            self.trial[i] = clip(start[i], lower[i], upper[i]);
        }
        self.x.copy_from_slice(&self.trial);
        self.pairs.clear();
        self.ending = None;
        self.evaluations = 0;
        self.iterations = 0;
        Ok(())
    }

    /// The point that the next step evaluates.
    pub fn trial(&self) -> &[T] {
        &self.trial
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

    /// The largest entry of `x − clip(x − ∇f)`, zero at a first-order solution.
    pub fn projected_gradient_max(&self) -> T {
        (0..self.x.len()).fold(T::zero(), |largest, i| {
            let moved = clip(self.x[i] - self.gradient[i], self.lower[i], self.upper[i]);
            largest.max((self.x[i] - moved).abs())
        })
    }

    /// The Euclidean norm of `x − clip(x − ∇f)`.
    pub fn projected_gradient_norm(&self) -> T {
        let [sum] = sums([&self.x, &self.gradient, &self.lower, &self.upper], |[x, g, lower, upper]| {
            let p = x - clip(x - g, lower, upper);
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
        let [zero] = sums([&self.trial_gradient], |[g]| [g * T::zero()]); // NaN if any entry is not finite
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
        gradient(&self.x, &mut self.gradient);
        self.pairs.transform(pair);
        self.ending = None;
        self.begin_iteration();
    }

    fn accept_start(&mut self, value: T) {
        self.value = value;
        std::mem::swap(&mut self.gradient, &mut self.trial_gradient);
        self.begin_iteration();
    }

    /// Judges the trial: accept it, or propose another step along the same direction.
    fn search(&mut self, value: T) {
        self.line.evaluations += 1;
        let [promised] = sums([&self.gradient, &self.trial, &self.x], |[g, trial, x]| [g * (trial - x)]);
        let slack = self.options.noise * self.value.abs();
        if value > self.value + real::<T>(SUFFICIENT) * promised + slack {
            self.line.long = Some(self.line.step);
            return self.shorten(value, promised);
        }
        if self.line.long.is_none() && self.line.evaluations < LINE_SEARCH_LIMIT && self.still_steep() {
            return self.stretch();
        }
        self.accept(value);
    }

    /// Whether the slope at the trial, along the direction, is nearly what it was at x.
    fn still_steep(&self) -> bool {
        let slices = [&self.trial[..], &self.lower, &self.upper, &self.trial_gradient, &self.direction];
        let [moving] = sums(slices, |[trial, lower, upper, g, d]| {
            [if (trial > lower) & (trial < upper) { g * d } else { T::zero() }]
        });
        moving < real::<T>(STEEP) * self.line.slope
    }

    fn stretch(&mut self) {
        self.line.short = self.line.step;
        self.line.step = self.line.step * real(4.0);
        self.place_trial();
    }

    /// A shorter step by quadratic interpolation, kept within [0.1, 0.5] of the last one.
    fn shorten(&mut self, value: T, promised: T) {
        if self.line.evaluations >= LINE_SEARCH_LIMIT {
            return self.give_up();
        }
        let half = real::<T>(0.5);
        let ideal = -promised * half / (value - self.value - promised);
        let factor = if ideal.is_finite() { ideal.max(real(0.1)).min(half) } else { half };
        self.line.step = self.line.short + (self.line.step - self.line.short) * factor;
        self.place_trial();
    }

    /// The direction gave no decrease: try plain steepest descent once, then stop.
    fn give_up(&mut self) {
        if self.line.steepest {
            self.ending = Some(Ending::Noise);
        } else {
            self.pairs.clear();
            self.begin_iteration();
        }
    }

    fn accept(&mut self, value: T) {
        self.pairs.push(&self.x, &self.trial, &self.gradient, &self.trial_gradient);
        let scale = self.value.abs().max(value.abs()).max(T::one());
        let decrease = self.value - value;
        std::mem::swap(&mut self.x, &mut self.trial);
        std::mem::swap(&mut self.gradient, &mut self.trial_gradient);
        self.value = value;
        self.iterations += 1;
        if decrease <= self.options.decrease_tolerance * scale {
            self.ending = Some(Ending::Decrease);
        }
        // The next trial is prepared all the same, for whoever continues with another objective or tolerance.
        self.begin_iteration();
    }

    /// Active set, direction, first trial of the line search.
    fn begin_iteration(&mut self) {
        let tolerance = self.options.gradient_tolerance;
        let slices = [&self.x[..], &self.gradient, &self.lower, &self.upper];
        let [beyond] = sums(slices, |[x, g, lower, upper]| {
            [if (x - clip(x - g, lower, upper)).abs() > tolerance { T::one() } else { T::zero() }]
        });
        if beyond == T::zero() {
            self.ending = Some(Ending::Gradient);
            return;
        }
        let zipped = self.free.iter_mut().zip(&self.x).zip(&self.gradient).zip(&self.lower).zip(&self.upper);
        for ((((free, &x), &g), &lower), &upper) in zipped {
            let pushed_out = ((x <= lower) & (g > T::zero())) | ((x >= upper) & (g < T::zero()));
            *free = if pushed_out { T::zero() } else { T::one() };
        }
        self.point_downhill();
        self.pairs.apply(&mut self.direction, &self.free, self.options.scaling);
        self.line.steepest = self.pairs.is_empty();
        let mut slope = self.drop_blocked();
        if slope >= T::zero() || !slope.is_finite() {
            self.pairs.clear();
            self.line.steepest = true;
            self.point_downhill();
            slope = self.drop_blocked();
        }
        let first = match (self.line.steepest, self.options.scaling) {
            (true, Scaling::NewestPair) => (-slope).sqrt().recip().min(T::one()),
            (true, Scaling::Fixed(gamma)) => gamma,
            _ => T::one(),
        };
        self.line = Line { step: first, slope, short: T::zero(), long: None, evaluations: 0, ..self.line };
        self.place_trial();
    }

    fn point_downhill(&mut self) {
        for ((d, g), free) in self.direction.iter_mut().zip(&self.gradient).zip(&self.free) {
            *d = -*g * *free;
        }
    }

    /// Takes out of the direction what points through a bound that is already reached; returns the slope.
    fn drop_blocked(&mut self) -> T {
        for (((d, &x), &lower), &upper) in self.direction.iter_mut().zip(&self.x).zip(&self.lower).zip(&self.upper) {
            let blocked = ((*d < T::zero()) & (x <= lower)) | ((*d > T::zero()) & (x >= upper));
            *d = if blocked { T::zero() } else { *d };
        }
        dot(&self.direction, &self.gradient)
    }

    fn place_trial(&mut self) {
        let step = self.line.step;
        let zipped = self.trial.iter_mut().zip(&self.x).zip(&self.direction).zip(&self.lower).zip(&self.upper);
        for ((((trial, &x), &d), &lower), &upper) in zipped {
            *trial = clip(x + step * d, lower, upper);
        }
    }
}

/// The last few curvature pairs, oldest overwritten first.
struct Pairs<T> {
    n: usize,
    capacity: usize,
    /// `[capacity, n]` each.
    s: Vec<T>,
    y: Vec<T>,
    /// Pairs stored, and where the next one goes.
    count: usize,
    next: usize,
    /// Per pair, `1 / s·y` over the free variables (0: left out), and the recursion's α.
    rho: Vec<T>,
    alpha: Vec<T>,
}

impl<T: Float> Pairs<T> {
    fn new(n: usize, capacity: usize) -> Self {
        let room = || vec![T::zero(); n * capacity];
        let small = || vec![T::zero(); capacity];
        Pairs { n, capacity, s: room(), y: room(), count: 0, next: 0, rho: small(), alpha: small() }
    }

    fn clear(&mut self) {
        self.count = 0;
        self.next = 0;
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The slot of the pair that is `age` pairs old (0: the newest).
    fn slot(&self, age: usize) -> usize {
        (self.next + self.capacity - 1 - age) % self.capacity
    }

    /// Stores `s = x⁺ − x`, `y = ∇f(x⁺) − ∇f(x)`, if they show positive curvature.
    fn push(&mut self, x: &[T], x_new: &[T], g: &[T], g_new: &[T]) {
        let range = self.next * self.n..(self.next + 1) * self.n;
        let (s, y) = (&mut self.s[range.clone()], &mut self.y[range]);
        for i in 0..s.len() {
            s[i] = x_new[i] - x[i];
            y[i] = g_new[i] - g[i];
        }
        let [sy, yy] = sums([s, y], |[s, y]| [s * y, y * y]);
        if sy > T::epsilon() * yy {
            self.next = (self.next + 1) % self.capacity;
            self.count = (self.count + 1).min(self.capacity);
        }
    }

    fn transform(&mut self, mut change: impl FnMut(&[T], &mut [T])) {
        for age in 0..self.count {
            let slot = self.slot(age);
            let range = slot * self.n..(slot + 1) * self.n;
            change(&self.s[range.clone()], &mut self.y[range]);
        }
    }

    /// `q ← H q` by the two-loop recursion, with every pair restricted to the free variables.
    fn apply(&mut self, q: &mut [T], free: &[T], scaling: Scaling<T>) {
        let n = self.n;
        let mut newest = None;
        for age in 0..self.count {
            let slot = self.slot(age);
            let (s, y) = (&self.s[slot * n..][..n], &self.y[slot * n..][..n]);
            let [sy, yy, sq] = sums([s, y, free, q], |[s, y, free, q]| [s * y * free, y * y * free, s * q]);
            if sy <= T::epsilon() * yy || yy <= T::zero() {
                self.rho[slot] = T::zero();
                continue;
            }
            newest.get_or_insert(sy / yy);
            self.rho[slot] = sy.recip();
            let alpha = sq / sy;
            self.alpha[slot] = alpha;
            for ((q, y), free) in q.iter_mut().zip(y).zip(free) {
                *q = *q - alpha * *y * *free;
            }
        }
        let gamma = match scaling {
            Scaling::NewestPair => newest.unwrap_or(T::one()),
            Scaling::Fixed(gamma) => gamma,
        };
        for v in q.iter_mut() {
            *v = *v * gamma;
        }
        for age in (0..self.count).rev() {
            let slot = self.slot(age);
            if self.rho[slot] == T::zero() {
                continue;
            }
            let (s, y) = (&self.s[slot * n..][..n], &self.y[slot * n..][..n]);
            let change = self.alpha[slot] - self.rho[slot] * dot(y, q);
            for ((q, s), free) in q.iter_mut().zip(s).zip(free) {
                *q = *q + change * *s * *free;
            }
        }
    }
}

fn real<T: Float>(value: f64) -> T {
    T::from(value).unwrap_or_else(T::nan)
}
