//! The curvature pairs, and the product of the inverse Hessian that they build with a vector.

use super::Scaling;
use crate::vector::{dot, sums};
use num_traits::Float;

/// The last few curvature pairs, oldest overwritten first.
pub(super) struct Pairs<T> {
    n: usize,
    capacity: usize,
    /// `[capacity, n]` each.
    s: Vec<T>,
    y: Vec<T>,
    /// Pairs stored, and where the next one goes.
    count: usize,
    next: usize,
    /// Per pair, `s·s` and `y·y`; `1 / s·y` over the free variables (0: left out); and the recursion's α.
    squares: Vec<[T; 2]>,
    rho: Vec<T>,
    alpha: Vec<T>,
}

impl<T: Float> Pairs<T> {
    pub(super) fn new(n: usize, capacity: usize) -> Self {
        let room = || vec![T::zero(); n * capacity];
        let small = || vec![T::zero(); capacity];
        Pairs {
            n,
            capacity,
            s: room(),
            y: room(),
            count: 0,
            next: 0,
            squares: vec![[T::zero(); 2]; capacity],
            rho: small(),
            alpha: small(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.count = 0;
        self.next = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The slot of the pair that is `age` pairs old (0: the newest).
    fn slot(&self, age: usize) -> usize {
        (self.next + self.capacity - 1 - age) % self.capacity
    }

    /// Stores `s = x⁺ − x`, `y = ∇f(x⁺) − ∇f(x)`, if they show positive curvature.
    pub(super) fn push(&mut self, x: &[T], x_new: &[T], g: &[T], g_new: &[T]) {
        let range = self.next * self.n..(self.next + 1) * self.n;
        let (s, y) = (&mut self.s[range.clone()], &mut self.y[range]);
        difference(s, x_new, x);
        difference(y, g_new, g);
        let [sy, ss, yy] = sums([s, y], |[s, y]| [s * y, s * s, y * y]);
        if shows_curvature(sy, [ss, yy]) {
            self.squares[self.next] = [ss, yy];
            self.next = (self.next + 1) % self.capacity;
            self.count = (self.count + 1).min(self.capacity);
        }
    }

    pub(super) fn transform(&mut self, mut change: impl FnMut(&[T], &mut [T])) {
        for age in 0..self.count {
            let slot = self.slot(age);
            let range = slot * self.n..(slot + 1) * self.n;
            let (s, y) = (&self.s[range.clone()], &mut self.y[range]);
            change(s, y);
            self.squares[slot] = [dot(s, s), dot(y, y)];
        }
    }

    /// `q ← H q` by the two-loop recursion, with every pair restricted to the free variables.
    pub(super) fn apply(&mut self, q: &mut [T], free: &[T], scaling: Scaling<T>) {
        let n = self.n;
        let mut newest = None;
        for age in 0..self.count {
            let slot = self.slot(age);
            let (s, y) = (&self.s[slot * n..][..n], &self.y[slot * n..][..n]);
            let [sy, sq] = sums([s, y, free, q], |[s, y, free, q]| [s * y * free, s * q]);
            // The squares over the free variables are at most those over all, and rarely needed.
            let free_squares = || sums([s, y, free], |[s, y, free]| [s * s * free, y * y * free]);
            if !shows_curvature(sy, self.squares[slot]) && !shows_curvature(sy, free_squares()) {
                self.rho[slot] = T::zero();
                continue;
            }
            newest.get_or_insert(slot);
            self.rho[slot] = sy.recip();
            let alpha = sq / sy;
            self.alpha[slot] = alpha;
            for ((q, y), free) in q.iter_mut().zip(y).zip(free) {
                *q = *q - alpha * *y * *free;
            }
        }
        let gamma = match (scaling, newest) {
            (Scaling::Fixed(gamma), _) => gamma,
            (Scaling::NewestPair, None) => T::one(),
            (Scaling::NewestPair, Some(slot)) => {
                let [yy] = sums([&self.y[slot * n..][..n], free], |[y, free]| [y * y * free]);
                (self.rho[slot] * yy).recip()
            }
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

/// Whether the angle between s and y is well below a right one: its cosine exceeds √ε. The inverse Hessian grows with
/// the inverse of that.
fn shows_curvature<T: Float>(sy: T, [ss, yy]: [T; 2]) -> bool {
    sy > T::zero() && sy * sy > T::epsilon() * ss * yy
}

/// `c ← a − b`.
fn difference<T: Float>(c: &mut [T], a: &[T], b: &[T]) {
    for ((c, a), b) in c.iter_mut().zip(a).zip(b) {
        *c = *a - *b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_angle_decides_whatever_the_lengths() {
        for [s, y] in [[1.0, 1.0], [1e-3, 50.0], [700.0, 0.02]] {
            let cosine = |share: f64| shows_curvature(share * f64::EPSILON.sqrt() * s * y, [s * s, y * y]);
            assert!(cosine(1.1) && !cosine(0.9) && !cosine(-1.1), "{s} {y}");
        }
    }

    #[test]
    fn a_pair_without_curvature_is_left_out_whatever_its_signs() {
        for [s, y] in [[[-1.0, 0.0], [-1e-9, 1.0]], [[1.0, 0.0], [1e-9, -1.0]], [[0.0, -1.0], [-1.0, -1e-9]]] {
            let mut pairs = Pairs::<f64>::new(2, 4);
            pairs.push(&[0.0; 2], &[3.0, 0.0], &[0.0; 2], &[1.0, 0.0]);
            pairs.transform(|_, new| new.copy_from_slice(&y));
            pairs.s[..2].copy_from_slice(&s);
            pairs.squares[0] = [dot(&s, &s), dot(&y, &y)];
            let mut q = [1.0, 2.0];
            pairs.apply(&mut q, &[1.0, 1.0], Scaling::NewestPair);
            assert_eq!(q, [1.0, 2.0], "{s:?} {y:?}");
        }
    }

    #[test]
    fn a_pair_whose_free_part_shows_curvature_is_used_though_the_whole_does_not() {
        // Over the second variable, which is not free, one of both is so long that the angle is a right one.
        for [s, y] in [[[3.0, 0.0], [1.0, 1e9]], [[3.0, 1e9], [1.0, 0.0]]] {
            let mut pairs = Pairs::<f64>::new(2, 4);
            pairs.push(&[0.0; 2], &[3.0, 0.0], &[0.0; 2], &[1.0, 0.0]);
            pairs.transform(|old, new| {
                assert_eq!((old, &*new), (&[3.0, 0.0][..], &[1.0, 0.0][..]));
                new.copy_from_slice(&y);
            });
            // Only y can be changed from outside.
            pairs.s[..2].copy_from_slice(&s);
            pairs.squares[0] = [dot(&s, &s), dot(&y, &y)];
            let mut q = [1.0, 0.0];
            pairs.apply(&mut q, &[1.0, 0.0], Scaling::NewestPair);
            assert_eq!(q, [3.0, 0.0], "H maps y to s");
        }
    }
}
