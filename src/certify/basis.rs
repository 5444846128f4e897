//! The first layer's row space: every pre-activation depends on its few coordinates alone.

use super::{dense::add_rows, model::Affine, spectrum::Gram};
use crate::{PIXELS, vector::dot};

/// `W = L Q` for the first layer's weights W: L is lower triangular with `L Lᵀ ⪰ W Wᵀ` (the Gram matrix's factor, a touch
/// enlarged), so that `Q Qᵀ ⪯ I`: with d = Q(u − û), `‖d‖ ≤ ‖u − û‖` and `W(u − û) = L d`.
pub(super) struct Basis {
    pub n: usize,
    /// L, `[n, n]`.
    pub lower: Vec<f64>,
    /// Q, `[n, 784]`.
    pub rows: Vec<f64>,
    /// A bound of `‖W − L Q‖`, in the Frobenius norm: what rounding has left.
    pub residual: f64,
    made: usize,
}

impl Basis {
    pub(super) fn new(n: usize) -> Self {
        Basis { n, lower: vec![0.0; n * n], rows: vec![0.0; n * PIXELS], residual: 0.0, made: 0 }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.made == self.n
    }

    /// Makes one more row of both, from the ready factor of the Gram matrix.
    pub(super) fn next_row(&mut self, gram: &Gram, layer: &Affine) {
        let (n, i) = (self.n, self.made);
        self.lower[i * n..][..=i].copy_from_slice(gram.factor_row(i));
        let factor = &self.lower[i * n..][..=i];
        let (before, own) = self.rows.split_at_mut(i * PIXELS);
        let own = &mut own[..PIXELS];
        own.copy_from_slice(layer.row(i));
        add_rows(own, before, PIXELS, 0, i, |r| -factor[r]);
        own.iter_mut().for_each(|v| *v /= factor[i]);
        // What is left of the row, and what the sums below may have lost themselves.
        let mut rest = layer.row(i).to_vec();
        add_rows(&mut rest, &self.rows, PIXELS, 0, i + 1, |r| -factor[r]);
        let lost = 1e-15 * (i + 3) as f64 * dot(factor, factor).sqrt() * (PIXELS as f64).sqrt();
        self.residual = (self.residual * self.residual + dot(&rest, &rest)).sqrt() * (1.0 + 1e-12) + lost;
        self.made += 1;
    }

    /// `Q(u − v)`.
    pub(super) fn coordinates(&self, u: &[f64], v: &[f64]) -> Vec<f64> {
        let difference: Vec<f64> = u.iter().zip(v).map(|(u, v)| u - v).collect();
        self.rows.chunks_exact(PIXELS).map(|row| dot(row, &difference)).collect()
    }

    /// `Qᵀ y`.
    pub(super) fn to_pixels(&self, y: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; PIXELS];
        add_rows(&mut out, &self.rows, PIXELS, 0, self.n, |r| y[r]);
        out
    }
}
