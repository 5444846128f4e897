//! A convex function below `½‖u − x‖² + η·margin(u)`, for the points of a region: what its minimum over the box says.
//!
//! ```text
//! F(u) = ½‖u − x‖² + ½λ(‖u − c‖² − R²) + constant + linear·d − ½ dᵀ H d,   d = Q(u − û)
//! ```
//!
//! H has the minorant's curvature, less what the slabs make up for; the λ-term is not positive in the ball. A candidate, a
//! point of the region with `‖u − x‖ ≤ radius` and no margin, has `F(u) ≤ ½‖u − x‖²`: where F exceeds ½ radius² on the
//! whole box, there is none.

use super::{
    basis::Basis,
    dense::{self, ROUNDING, add_rows, certain_cholesky, solve, solve_lower},
};
use crate::{
    PIXELS,
    vector::{add_scaled, dot, sums},
};

/// Newton steps for one value of the slabs' multipliers.
const NEWTON: u32 = 12;
/// Halvings of a step that does not lower F.
const HALVINGS: u32 = 12;
/// Parts of what the estimates promise that may turn out to be the least curvature.
const PARTS: [f64; 6] = [0.97, 0.9, 0.7, 0.4, 0.15, 0.03];

pub(super) struct Bowl {
    /// η: what the margin is multiplied with.
    pub eta: f64,
    /// û, c and R.
    pub touch: Vec<f64>,
    pub centre: Vec<f64>,
    pub radius: f64,
    /// λ of the ball, m of the slabs.
    pub ball: f64,
    pub slabs: Vec<f64>,
    linear: Vec<f64>,
    constant: f64,
    /// H, `[n, n]`.
    h: Vec<f64>,
    /// F's curvature is at least this, in every direction: `dᵀ((1 + λ)I − H)d ≥ θ‖d‖²`, and 1 + λ off the row space.
    pub theta: f64,
    /// C with `C Cᵀ ⪯ (1 + λ)I − H`.
    factor: Vec<f64>,
    /// What sums may lose: F is that much lower than it is known to be.
    pub slack: f64,
}

/// A point, F there and its gradient.
#[derive(Clone, Default)]
pub(super) struct Place {
    pub point: Vec<f64>,
    pub value: f64,
    pub gradient: Vec<f64>,
}

impl Bowl {
    /// From H, that may be too small by `lost` times the identity. None if it is not certain that F is convex.
    pub(super) fn new(h: &[f64], n: usize, lost: f64, ball: f64, linear: Vec<f64>, constant: f64) -> Option<Self> {
        let shifted = |shift: f64| {
            let mut a: Vec<f64> = h.iter().map(|v| -v).collect();
            (0..n).for_each(|i| a[i * n + i] += 1.0 + ball - shift);
            certain_cholesky(&mut a, n).then_some(a)
        };
        // Entries of H were rounded when they were subtracted.
        let size = dense::size(h);
        let lost = lost + 4.0 * n as f64 * ROUNDING * (size + 1.0 + ball);
        let factor = shifted(lost)?;
        // The least eigenvalue, about: by a few rounds of the inverse iteration.
        let mut v = vec![1.0; n];
        let mut least = 1.0 + ball;
        for _ in 0..8 {
            solve_lower(&factor, n, &mut v);
            dense::solve_upper_all(&factor, n, &mut v, 1);
            let length = dense::size(&v);
            least = (1.0 / length).min(1.0 + ball);
            v.iter_mut().for_each(|v| *v /= length);
        }
        let theta = PARTS.iter().map(|part| part * least).find(|theta| shifted(lost + theta).is_some())?;
        if theta < 1e-3 {
            return None;
        }
        // What the sums of F may lose, with room to spare: a point of the box is no further than 28 from another.
        let slack = 1e-12 * (1.0 + constant.abs() + 28.0 * dense::size(&linear) + 784.0 * size);
        let constant = constant - slack;
        if !constant.is_finite() {
            return None;
        }
        let none = Vec::new;
        Some(Bowl {
            eta: 0.0,
            touch: none(),
            centre: none(),
            radius: 0.0,
            ball,
            slabs: none(),
            linear,
            constant,
            h: h.to_vec(),
            theta,
            factor,
            slack,
        })
    }

    /// F and its gradient.
    pub(super) fn at(&self, basis: &Basis, x: &[f64], point: Vec<f64>) -> Place {
        let n = basis.n;
        let d = basis.coordinates(&point, &self.touch);
        let bent: Vec<f64> = self.h.chunks_exact(n).map(|row| dot(row, &d)).collect();
        let [square, away] = sums([&point, x, &self.centre], |[u, x, c]| [(u - x) * (u - x), (u - c) * (u - c)]);
        let value =
            0.5 * square + 0.5 * self.ball * (away - self.radius * self.radius) + self.constant + dot(&self.linear, &d)
                - 0.5 * dot(&d, &bent);
        let slope: Vec<f64> = self.linear.iter().zip(&bent).map(|(l, b)| l - b).collect();
        let mut gradient = basis.to_pixels(&slope);
        for (((g, u), x), c) in gradient.iter_mut().zip(&point).zip(x).zip(&self.centre) {
            *g += (u - x) + self.ball * (u - c);
        }
        Place { point, value, gradient }
    }

    /// A lower bound of F over the box, from any point: `F(w) ≥ F(u) + ∇F·(w − u) + ½θ‖w − u‖²`, least pixel by pixel.
    pub(super) fn bound(&self, place: &Place) -> f64 {
        let [below] = sums([&place.point, &place.gradient], |[u, g]| {
            let step = (u - g / self.theta).clamp(0.0, 1.0) - u;
            [g * step + 0.5 * self.theta * step * step]
        });
        place.value + below
    }

    /// How far `row·d` is from its value at a point where `½ dᵀ((1 + λ)I − H)d ≤ ½ square` bounds the difference d:
    /// `|row·d| ≤ ‖C⁻¹ row‖·√square`.
    pub(super) fn reach(&self, row: &[f64], square: f64) -> f64 {
        let n = self.linear.len();
        let mut solved = vec![0.0; n];
        solved[..row.len()].copy_from_slice(row);
        solve_lower(&self.factor, n, &mut solved);
        dense::size(&solved) * square.sqrt() * (1.0 + 1e-7) + 1e-9
    }
}

/// What slabs add while their multipliers are looked for: an augmented Lagrangian.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    low: f64,
    high: f64,
}

/// A search for the minimum of a [`Bowl`] over box and slabs, by a semismooth Newton method: pixels that the box holds stay,
/// the others move to the minimum of what is left. Wherever it is stopped, what it has found is sound.
pub(super) struct Descent {
    pub bowl: Bowl,
    place: Place,
    /// π, for each slab.
    multipliers: Vec<Ends>,
    /// `Σ q qᵀ` over the columns q of Q of the pixels that are free, `[n, n]`, and which these are.
    free: Vec<f64>,
    is_free: Vec<bool>,
    penalty: f64,
    outer: u32,
    inner: u32,
    /// The best bound, and where it was found.
    pub best: f64,
    pub at: Vec<f64>,
    tried: Vec<f64>,
}

/// A slab as the descent needs it.
pub(super) struct Between<'a> {
    pub normal: &'a [f64],
    pub direction: &'a [f64],
    pub low: f64,
    pub high: f64,
}

impl Descent {
    pub(super) fn new(basis: &Basis, x: &[f64], bowl: Bowl, slabs: usize) -> Self {
        let n = basis.n;
        let mut free = vec![0.0; n * n];
        (0..n).for_each(|i| free[i * n + i] = 1.0);
        let place = bowl.at(basis, x, bowl.touch.clone());
        let at = place.point.clone();
        Descent {
            bowl,
            place,
            multipliers: vec![Ends::default(); slabs],
            free,
            is_free: vec![true; PIXELS],
            penalty: 4.0,
            outer: 0,
            inner: 0,
            best: f64::NEG_INFINITY,
            at,
            tried: Vec::new(),
        }
    }

    /// One Newton step, or one of the slabs' multipliers. Returns whether there is more to do before `aim` is proved.
    pub(super) fn step(&mut self, basis: &Basis, x: &[f64], slabs: &[Between], aim: f64) -> bool {
        let converged = self.newton(basis, x, slabs);
        self.inner += 1;
        if !converged && self.inner < NEWTON {
            // Already enough?
            if slabs.is_empty() {
                self.judge(slabs);
            }
            return self.best < aim;
        }
        for (slab, ends) in slabs.iter().zip(&mut self.multipliers) {
            let t = dot(slab.normal, &self.place.point);
            ends.low = (ends.low - self.penalty * (t - slab.low)).max(0.0);
            ends.high = (ends.high - self.penalty * (slab.high - t)).max(0.0);
        }
        self.judge(slabs);
        self.inner = 0;
        self.outer += 1;
        let inside = slabs.iter().all(|slab| {
            let t = dot(slab.normal, &self.place.point);
            t > slab.low - 1e-5 && t < slab.high + 1e-5
        });
        self.best < aim && !slabs.is_empty() && self.outer < 8 && !(inside && self.outer > 2)
    }

    /// The bound with the multipliers as they are: `F − Σ π_a(t − low) + π_b(high − t)` is below F on the slabs.
    fn judge(&mut self, slabs: &[Between]) {
        let mut place = self.place.clone();
        for (slab, ends) in slabs.iter().zip(&self.multipliers) {
            let t = dot(slab.normal, &place.point);
            let part = ends.low * (t - slab.low) + ends.high * (slab.high - t);
            place.value -= part + 1e-12 * (ends.low + ends.high) * 28.0;
            add_scaled(&mut place.gradient, ends.high - ends.low, slab.normal);
        }
        let bound = self.bowl.bound(&place);
        if bound > self.best {
            self.best = bound;
            self.at.clone_from(&self.place.point);
        }
    }

    /// The augmented Lagrangian's value, and what it adds to the gradient along each slab's normal.
    fn augmented(&self, place: &Place, slabs: &[Between]) -> (f64, Vec<f64>) {
        let mut value = place.value;
        let pushes = slabs.iter().zip(&self.multipliers).map(|(slab, ends)| {
            let t = dot(slab.normal, &place.point);
            let low = (ends.low - self.penalty * (t - slab.low)).max(0.0);
            let high = (ends.high - self.penalty * (slab.high - t)).max(0.0);
            value += (low * low - ends.low * ends.low + high * high - ends.high * ends.high) / (2.0 * self.penalty);
            high - low
        });
        let pushes = pushes.collect();
        (value, pushes)
    }

    /// A step towards the minimum for the pixels that are free. Returns whether it was there already.
    fn newton(&mut self, basis: &Basis, x: &[f64], slabs: &[Between]) -> bool {
        let (value, pushes) = self.augmented(&self.place, slabs);
        let mut gradient = self.place.gradient.clone();
        for (slab, push) in slabs.iter().zip(&pushes) {
            add_scaled(&mut gradient, *push, slab.normal);
        }
        let mut steepest = 0.0f64;
        for (i, g) in gradient.iter_mut().enumerate() {
            let u = self.place.point[i];
            let free = !((u <= 0.0 && *g > 0.0) || (u >= 1.0 && *g < 0.0));
            if free != self.is_free[i] {
                self.is_free[i] = free;
                flip(&mut self.free, basis, i, if free { 1.0 } else { -1.0 });
            }
            *g = if free { *g } else { 0.0 };
            steepest = steepest.max(g.abs());
        }
        if steepest < 1e-7 {
            return true;
        }
        let Some(step) = self.direction(basis, &gradient, slabs, &pushes) else { return true };
        let mut length = 1.0;
        for _ in 0..HALVINGS {
            let moved = self.place.point.iter().zip(&step).map(|(u, s)| (u + length * s).clamp(0.0, 1.0));
            let place = self.bowl.at(basis, x, moved.collect());
            if self.augmented(&place, slabs).0 < value - 1e-14 {
                self.place = place;
                return false;
            }
            length *= 0.5;
        }
        true
    }

    /// `−(F″ on the free pixels)⁻¹ gradient`: F″ is a multiple of the identity less `Qᵀ M Q`, so that a system of the
    /// basis' size is enough (Woodbury).
    fn direction(&mut self, basis: &Basis, gradient: &[f64], slabs: &[Between], pushes: &[f64]) -> Option<Vec<f64>> {
        let (n, one) = (basis.n, 1.0 + self.bowl.ball);
        let mut m = self.bowl.h.clone();
        for (slab, push) in slabs.iter().zip(pushes) {
            if *push != 0.0 {
                for i in 0..n {
                    add_scaled(&mut m[i * n..][..n], -self.penalty * slab.direction[i], slab.direction);
                }
            }
        }
        let zero = vec![0.0; PIXELS];
        let mut right = basis.coordinates(&zero, gradient); // −Q g
        let mut system = std::mem::take(&mut self.tried);
        system.clear();
        system.resize(n * n, 0.0);
        for (i, out) in system.chunks_exact_mut(n).enumerate() {
            add_rows(out, &m, n, 0, n, |r| -self.free[i * n + r]);
            out[i] += one;
        }
        let solved = solve(&mut system, &mut right);
        self.tried = system;
        if !solved {
            return None;
        }
        let bent: Vec<f64> = m.chunks_exact(n).map(|row| dot(row, &right)).collect();
        let mut step = basis.to_pixels(&bent);
        for ((s, g), free) in step.iter_mut().zip(gradient).zip(&self.is_free) {
            *s = if *free { (*s - g) / one } else { 0.0 };
        }
        Some(step)
    }

    /// F and its gradient at the best point, without the slabs' multipliers.
    pub(super) fn best_place(&self, basis: &Basis, x: &[f64]) -> Place {
        self.bowl.at(basis, x, self.at.clone())
    }
}

/// Adds or takes away pixel `i`'s column of Q.
fn flip(free: &mut [f64], basis: &Basis, i: usize, sign: f64) {
    let n = basis.n;
    let column: Vec<f64> = (0..n).map(|k| basis.rows[k * PIXELS + i]).collect();
    for (row, c) in free.chunks_exact_mut(n).zip(&column) {
        add_scaled(row, sign * c, &column);
    }
}
