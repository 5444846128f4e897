//! Upper bounds of the largest eigenvalue of `Wᵀ M W`, W the first layer's weights and M positive semidefinite.

use super::model::Affine;
use crate::vector::{add_scaled, dot};

/// First layers wider than this are bounded by row sums and Frobenius norms alone.
const WIDEST: usize = 512;

/// `G = W Wᵀ` and its Cholesky factor, made row by row.
pub(super) struct Gram {
    n: usize,
    /// `G`, `[n, n]`.
    matrix: Vec<f64>,
    /// Λ with `G + jitter·I = Λ Λᵀ`, `[n, n]`, lower; zeros if the layer is too wide.
    factor: Vec<f64>,
    /// Rows made so far.
    rows: usize,
}

impl Gram {
    pub(super) fn new(n: usize) -> Self {
        Gram { n, matrix: vec![0.0; n * n], factor: vec![0.0; n * n], rows: 0 }
    }

    /// Whether every row is there.
    pub(super) fn is_ready(&self) -> bool {
        self.rows == self.n
    }

    /// Whether [`Gram::largest_of_full`] can be asked.
    pub(super) fn has_factor(&self) -> bool {
        self.n <= WIDEST
    }

    /// Row `i` of the factor, up to its diagonal.
    pub(super) fn factor_row(&self, i: usize) -> &[f64] {
        &self.factor[i * self.n..][..=i]
    }

    /// Makes one more row of both.
    pub(super) fn next_row(&mut self, layer: &Affine) {
        let (n, i) = (self.n, self.rows);
        for j in 0..=i {
            let product = dot(layer.row(i), layer.row(j));
            self.matrix[i * n + j] = product;
            self.matrix[j * n + i] = product;
        }
        self.rows += 1;
        if !self.has_factor() {
            return;
        }
        for j in 0..=i {
            let (a, b) = (&self.factor[i * n..][..j], &self.factor[j * n..][..j]);
            let rest = self.matrix[i * n + j] - dot(a, b);
            self.factor[i * n + j] = if i == j {
                // A touch more than G keeps it positive definite, and errs on the safe side.
                (rest + 1e-9 * self.matrix[i * n + i] + 1e-12).max(1e-12).sqrt()
            } else {
                rest / self.factor[j * n + j]
            };
        }
    }

    /// A bound for a diagonal M: `largest(√M G √M)` is at most its Frobenius norm, and at most the largest row sum of its
    /// absolute values, weighted by any positive vector.
    pub(super) fn largest_of_diagonal(&self, m: &[f64]) -> f64 {
        let root: Vec<f64> = m.iter().map(|m| m.sqrt()).collect();
        let mut frobenius = 0.0;
        for (i, row) in self.matrix.chunks_exact(self.n).enumerate().filter(|(i, _)| root[*i] > 0.0) {
            let [sum] = crate::vector::sums([row, m], |[g, m]| [g * g * m]);
            frobenius += m[i] * sum;
        }
        frobenius.sqrt() * (1.0 + 1e-9)
    }

    /// The same, to about one part in fifty, by Cholesky's factorisation of `bound·I − √M G √M`.
    pub(super) fn largest_of_diagonal_finely(&self, m: &[f64]) -> f64 {
        let n = self.n;
        let kept: Vec<usize> = (0..n).filter(|&i| m[i] > 0.0).collect();
        let size = kept.len();
        let mut matrix = vec![0.0; size * size];
        for (a, &i) in kept.iter().enumerate() {
            for (b, &j) in kept.iter().enumerate() {
                matrix[a * size + b] = (m[i] * m[j]).sqrt() * self.matrix[i * n + j];
            }
        }
        largest(&matrix, size)
    }

    /// About the largest eigenvalue of `M G`, by a few rounds of the power method; no bound.
    pub(super) fn about_largest(&self, times_m: impl Fn(&[f64]) -> Vec<f64>) -> f64 {
        let mut v = vec![1.0; self.n];
        let mut size = 0.0;
        for _ in 0..6 {
            let g: Vec<f64> = self.matrix.chunks_exact(self.n).map(|row| dot(row, &v)).collect();
            v = times_m(&g);
            size = dot(&v, &v).sqrt();
            if size == 0.0 {
                return 0.0;
            }
            v.iter_mut().for_each(|v| *v /= size);
        }
        size
    }

    /// A bound for a full M, symmetric and positive semidefinite: of `Λᵀ M Λ`.
    pub(super) fn largest_of_full(&self, m: &[f64]) -> f64 {
        let n = self.n;
        let mut product = vec![0.0; n * n]; // M Λ
        for (out, row) in product.chunks_exact_mut(n).zip(m.chunks_exact(n)) {
            for (k, &v) in row.iter().enumerate() {
                add_scaled(&mut out[..=k], v, &self.factor[k * n..][..=k]);
            }
        }
        let mut whole = vec![0.0; n * n]; // Λᵀ (M Λ)
        for k in 0..n {
            for i in 0..=k {
                add_scaled(&mut whole[i * n..][..n], self.factor[k * n + i], &product[k * n..][..n]);
            }
        }
        largest(&whole, n)
    }
}

/// An upper bound of the largest eigenvalue of a symmetric matrix, two percent above it at most where the iteration has
/// found it: proved by a Cholesky factorisation of `bound·I − matrix`.
pub(super) fn largest(matrix: &[f64], n: usize) -> f64 {
    if n == 0 {
        return 0.0;
    }
    let times = |v: &[f64]| -> Vec<f64> { matrix.chunks_exact(n).map(|row| dot(row, v)).collect() };
    let mut v: Vec<f64> = (0..n).map(|i| 1.0 + 0.1 * ((i * 7 % 11) as f64)).collect();
    let mut estimate = 0.0;
    for _ in 0..12 {
        let w = times(&v);
        let size = dot(&w, &w).sqrt();
        if size == 0.0 {
            break;
        }
        estimate = dot(&w, &v) / dot(&v, &v);
        v = w.into_iter().map(|w| w / size).collect();
    }
    let trace: f64 = (0..n).map(|i| matrix[i * n + i]).sum();
    let ceiling = matrix.chunks_exact(n).map(|row| row.iter().map(|v| v.abs()).sum::<f64>()).fold(0.0, f64::max);
    // What rounding can do to the factorisation, with room to spare.
    let slack = 1e-10 * (trace.abs() + ceiling);
    let mut bound = 1.02 * estimate.max(0.0) + slack;
    while bound < ceiling {
        if is_positive_definite(matrix, n, bound - slack) {
            return bound + slack;
        }
        bound *= 1.08;
    }
    ceiling + slack
}

/// Whether Cholesky's factorisation of `shift·I − matrix` exists.
fn is_positive_definite(matrix: &[f64], n: usize, shift: f64) -> bool {
    let mut factor = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let (a, b) = (&factor[i * n..][..j], &factor[j * n..][..j]);
            let own = if i == j { shift } else { 0.0 };
            let rest = own - matrix[i * n + j] - dot(a, b);
            if i == j {
                if rest <= 0.0 || !rest.is_finite() {
                    return false;
                }
                factor[i * n + i] = rest.sqrt();
            } else {
                factor[i * n + j] = rest / factor[j * n + j];
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::random;
    use rand::Rng;

    /// `vᵀ Wᵀ M W v / v·v` after many rounds of the power method.
    fn by_power(layer: &Affine, m: &[f64]) -> f64 {
        let (n, outputs) = (layer.inputs, layer.outputs());
        let mut v: Vec<f64> = (0..n).map(|i| 1.0 + (i as f64).sin()).collect();
        let mut value = 0.0;
        for _ in 0..2000 {
            let w: Vec<f64> = (0..outputs).map(|k| dot(layer.row(k), &v)).collect();
            let mw: Vec<f64> = (0..outputs).map(|k| dot(&m[k * outputs..][..outputs], &w)).collect();
            let next = layer.backward(&mw);
            value = dot(&next, &v) / dot(&v, &v);
            let size = dot(&next, &next).sqrt().max(1e-300);
            v = next.iter().map(|x| x / size).collect();
        }
        value
    }

    #[test]
    fn every_bound_of_the_largest_eigenvalue_holds_and_the_fine_ones_are_near() {
        let mut rng = random(9);
        for outputs in [1, 2, 5, 12] {
            for inputs in [3, 20] {
                let weight = (0..outputs * inputs).map(|_| rng.random_range(-1.0..1.0)).collect();
                let layer = Affine { inputs, weight, bias: vec![0.0; outputs] };
                let mut gram = Gram::new(outputs);
                while !gram.is_ready() {
                    gram.next_row(&layer);
                }
                let root: Vec<f64> = (0..outputs * outputs).map(|_| rng.random_range(-1.0..1.0)).collect();
                let mut full = vec![0.0; outputs * outputs];
                for (i, row) in root.chunks_exact(outputs).enumerate() {
                    for (j, other) in root.chunks_exact(outputs).enumerate() {
                        full[i * outputs + j] = dot(row, other);
                    }
                }
                let diagonal: Vec<f64> = (0..outputs).map(|_| rng.random_range(0.0..1.0)).collect();
                let mut spread = vec![0.0; outputs * outputs];
                for (i, d) in diagonal.iter().enumerate() {
                    spread[i * outputs + i] = *d;
                }
                let (exact, bound) = (by_power(&layer, &full), gram.largest_of_full(&full));
                assert!(bound >= exact * (1.0 - 1e-9) && bound <= 1.2 * exact + 1e-6, "{bound} for {exact}");
                let exact = by_power(&layer, &spread);
                let (fine, rough) = (gram.largest_of_diagonal_finely(&diagonal), gram.largest_of_diagonal(&diagonal));
                assert!(fine >= exact * (1.0 - 1e-9) && fine <= 1.2 * exact + 1e-6, "{fine} for {exact}");
                assert!(rough >= exact * (1.0 - 1e-9), "{rough} for {exact}");
            }
        }
    }
}
