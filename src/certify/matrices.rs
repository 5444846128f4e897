//! The matrices behind what is below the margin: P, the factor of Λ − P, N, and N in the row space's coordinates; `shape`
//! says what they are, and why any choices make them sound.

use super::{
    dense::{self, ROUNDING, add_rows, add_squares, certain_cholesky, mirror, solve_lower_all},
    model::Affine,
    region::Slab,
    shape::Task,
};
use crate::vector::{add_scaled, dot};

/// What the picks come to.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    /// `|c|·curvature` of the second layer's units; empty if there is one layer.
    pub kappa: Vec<f64>,
    /// What is passed on to the first layer's activations.
    pub passed: Vec<f64>,
    pub mu: Vec<f64>,
    /// Of the first layer's pre-activations: a.
    pub slope: Vec<f64>,
    pub gap: f64,
}

/// Room for the matrices of one round.
#[derive(Default)]
pub(super) struct Matrices {
    /// P, and P S₀ before and after F⁻¹ is applied: F Fᵀ ⪯ Λ − P.
    pub p: Vec<f64>,
    pub factor: Vec<f64>,
    solved: Vec<f64>,
    /// N.
    pub n: Vec<f64>,
    /// N L, then `η Lᵀ N L − 2 Σ m y yᵀ`.
    product: Vec<f64>,
    pub h: Vec<f64>,
}

impl Matrices {
    /// P, F and N for these sums; λ grows until Λ − P has a factor.
    pub(super) fn form(&mut self, task: &Task, sums: &Sums, lambda: &mut Vec<f64>) {
        let (n, touch) = (task.basis.n, task.touch);
        self.n.clear();
        self.n.resize(n * n, 0.0);
        if touch.second.is_none() {
            (0..n).for_each(|i| self.n[i * n + i] = sums.mu[i]);
            return;
        }
        let layer: &Affine = &task.model.layers[1];
        self.p.clear();
        self.p.resize(n * n, 0.0);
        add_squares(&mut self.p, &layer.weight, n, |k| sums.kappa[k]);
        mirror(&mut self.p, n);
        self.find_factor(n, lambda);
        self.solved.clear();
        self.solved.extend_from_slice(&self.p);
        self.solved.chunks_exact_mut(n).for_each(|row| row.iter_mut().zip(&touch.middle).for_each(|(v, s)| *v *= s));
        solve_lower_all(&self.factor, n, &mut self.solved, n);
        for i in 0..n {
            let row = self.n[i * n..][..=i].iter_mut().zip(&self.p[i * n..]).zip(&touch.middle);
            row.for_each(|((out, p), s)| *out = touch.middle[i] * p * s);
        }
        add_squares(&mut self.n, &self.solved, n, |_| 1.0);
        for (i, lambda) in lambda.iter().enumerate() {
            self.n[i * n + i] += sums.mu[i] + touch.half[i] * touch.half[i] * lambda;
        }
        mirror(&mut self.n, n);
    }

    fn find_factor(&mut self, n: usize, lambda: &mut Vec<f64>) {
        let spread: Vec<f64> = self.p.chunks_exact(n).map(|row| row.iter().map(|v| v.abs()).sum()).collect();
        let widest = spread.iter().copied().fold(0.0, f64::max);
        if lambda.len() != n {
            *lambda = spread.iter().map(|t| 2.0 * t.max(1e-3 * widest) + 1e-9).collect();
        }
        let most = 1e4 * (widest + 1e-6);
        lambda.iter_mut().for_each(|l| *l = l.clamp(1e-9, most));
        for _ in 0..200 {
            self.factor.clear();
            self.factor.extend(self.p.iter().map(|v| -v));
            (0..n).for_each(|i| self.factor[i * n + i] += lambda[i]);
            if certain_cholesky(&mut self.factor, n) {
                return;
            }
            lambda.iter_mut().for_each(|l| *l = 1.15 * *l + 1e-9);
        }
        // Numbers that no λ can hold: nothing is certain of what follows.
        self.factor.fill(f64::NAN);
    }

    /// `H = η Lᵀ N L − 2 Σ m y yᵀ`.
    pub(super) fn turn(&mut self, task: &Task, slabs: &[f64]) {
        let (n, lower) = (task.basis.n, &task.basis.lower);
        self.product.clear();
        self.product.resize(n * n, 0.0);
        for (i, out) in self.product.chunks_exact_mut(n).enumerate() {
            let row = &self.n[i * n..][..n];
            if task.touch.second.is_none() {
                add_rows(&mut out[..=i], lower, n, i, i + 1, |_| row[i]);
                continue;
            }
            // Rows of L end at their diagonal.
            for from in (0..n).step_by(4) {
                let until = (from + 4).min(n);
                add_rows(&mut out[..until], lower, n, from, until, |r| row[r]);
            }
        }
        self.h.clear();
        self.h.resize(n * n, 0.0);
        for i in 0..n {
            add_rows(&mut self.h[i * n..][..=i], &self.product, n, i, n, |r| task.eta * lower[r * n + i]);
        }
        for (slab, m) in task.slabs.iter().zip(slabs) {
            let y = &slab.direction;
            for i in 0..n {
                add_scaled(&mut self.h[i * n..][..=i], -2.0 * m * y[i], &y[..=i]);
            }
        }
        mirror(&mut self.h, n);
    }

    /// By how much `Lᵀ N L` may be too small, as a multiple of the identity: what rounding has done to P, to the solutions
    /// of the triangular system, to N and to the product.
    pub(super) fn lost(&self, task: &Task, sums: &Sums) -> f64 {
        let (n, touch) = (task.basis.n, task.touch);
        let gamma = |count: usize| 1.1 * (count + 4) as f64 * ROUNDING;
        let stretch = dot(&task.basis.lower, &task.basis.lower);
        let form = dense::size(&self.n);
        if touch.second.is_none() {
            return stretch * form * gamma(n + 4);
        }
        let layer = &task.model.layers[1];
        let rows = layer.weight.chunks_exact(n).zip(&sums.kappa);
        let p: f64 = gamma(layer.outputs()) * rows.map(|(row, kappa)| kappa.abs() * dot(row, row)).sum::<f64>();
        let reach = touch.middle.iter().zip(&touch.half).map(|(m, h)| m + h).fold(0.0, f64::max);
        let widest = touch.half.iter().copied().fold(0.0, f64::max);
        // F X − P S₀ for the computed X: `2 ζᵀ(…)ᵀ e` is no more than twice its size times δ.
        let mut residual = 0.0;
        let mut row = vec![0.0; n];
        for i in 0..n {
            let own = self.p[i * n..].iter().zip(&touch.middle);
            row.iter_mut().zip(own).for_each(|(out, (p, s))| *out = -p * s);
            add_rows(&mut row, &self.solved, n, 0, i + 1, |r| self.factor[i * n + r]);
            residual += dot(&row, &row);
        }
        let mut triangle = 0.0;
        for i in 0..n {
            let row = &self.factor[i * n..][..=i];
            triangle += dot(row, row);
        }
        let solved = dense::size(&self.solved);
        let residual = residual.sqrt() + gamma(n) * (triangle.sqrt() * solved + dense::size(&self.p));
        let sums = gamma(n) * (dense::size(&self.p) + solved * solved + form);
        stretch * (p * reach * reach + 2.0 * residual * widest + sums + gamma(2 * n) * form)
    }
}

/// Takes the slabs' directions out of a form: `Z H Z`, `Z = I − Σ y yᵀ`.
pub(super) fn without(h: &mut [f64], n: usize, slabs: &[Slab]) {
    for slab in slabs {
        let y = &slab.direction;
        let product: Vec<f64> = h.chunks_exact(n).map(|row| dot(row, y)).collect();
        let twice = dot(&product, y);
        for (i, row) in h.chunks_exact_mut(n).enumerate() {
            for ((v, p), y_j) in row.iter_mut().zip(&product).zip(y) {
                *v += y[i] * (twice * y_j - p) - product[i] * y_j;
            }
        }
    }
}
