//! Small dense matrices, row by row in f64: what the certificate needs of linear algebra.
//!
//! Loops add up to four rows at once to a row of the result, so that they become vector code natively and in WebAssembly
//! alike, and read and write the result a quarter as often.

use crate::vector::{add_scaled, dot};

/// Half the distance from 1 to the next f64: what one rounding loses.
pub(super) const ROUNDING: f64 = 0.5 * f64::EPSILON;

/// `out ← out + Σ_r factor(r)·row r`, for the rows `from..until` of a matrix with `stride` numbers a row; each row as long
/// as `out`.
#[inline]
pub(super) fn add_rows(
    out: &mut [f64],
    rows: &[f64],
    stride: usize,
    from: usize,
    until: usize,
    factor: impl Fn(usize) -> f64,
) {
    let length = out.len();
    let row = |r: usize| &rows[r * stride..][..length];
    let mut r = from;
    while r + 4 <= until {
        let (f, [a, b, c, d]) = ([0, 1, 2, 3].map(|k| factor(r + k)), [0, 1, 2, 3].map(|k| row(r + k)));
        for ((((out, a), b), c), d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *out += (f[0] * a + f[1] * b) + (f[2] * c + f[3] * d);
        }
        r += 4;
    }
    for r in r..until {
        add_scaled(out, factor(r), row(r));
    }
}

/// The lower half of `Σ_r weight(r)·row_rᵀ row_r`, added to `out`; `[n, n]`.
pub(super) fn add_squares(out: &mut [f64], rows: &[f64], n: usize, weight: impl Fn(usize) -> f64) {
    for i in 0..n {
        add_rows(&mut out[i * n..][..=i], rows, n, 0, rows.len() / n, |r| weight(r) * rows[r * n + i]);
    }
}

/// Copies the lower half of a matrix to the upper.
pub(super) fn mirror(matrix: &mut [f64], n: usize) {
    for i in 0..n {
        for j in 0..i {
            matrix[j * n + i] = matrix[i * n + j];
        }
    }
}

/// The lower triangle F with `F Fᵀ ≈ matrix`, in place; only the lower half is looked at, and what is above it stays as it
/// is. False if there is no such triangle.
pub(super) fn cholesky(matrix: &mut [f64], n: usize) -> bool {
    for i in 0..n {
        let (above, own) = matrix.split_at_mut(i * n);
        for j in 0..i {
            let other = &above[j * n..][..=j];
            own[j] = (own[j] - dot(&own[..j], &other[..j])) / other[j];
        }
        let rest = own[i] - dot(&own[..i], &own[..i]);
        if rest <= 0.0 || !rest.is_finite() {
            return false;
        }
        own[i] = rest.sqrt();
    }
    true
}

/// A triangle F of which `F Fᵀ ⪯ matrix` is certain, in place. Cholesky's rounding changes the matrix by at most
/// `γ·√(a_ii a_jj)` in each entry, γ = (n + 2)·2⁻⁵³ and a little (Higham, *Accuracy and Stability of Numerical
/// Algorithms*, theorem 10.3), so by a form of at most `nγ·Σ a_ii e_i²`: twice that is taken off the diagonal before.
pub(super) fn certain_cholesky(matrix: &mut [f64], n: usize) -> bool {
    let part = 1.0 - 2.0 * (n * (n + 4)) as f64 * ROUNDING;
    for i in 0..n {
        matrix[i * n + i] *= part;
    }
    cholesky(matrix, n)
}

/// `b ← F⁻¹ b`.
pub(super) fn solve_lower(factor: &[f64], n: usize, b: &mut [f64]) {
    for i in 0..n {
        let row = &factor[i * n..][..=i];
        b[i] = (b[i] - dot(&row[..i], &b[..i])) / row[i];
    }
}

/// `B ← F⁻¹ B` for the `[n, columns]` matrix B.
pub(super) fn solve_lower_all(factor: &[f64], n: usize, b: &mut [f64], columns: usize) {
    for i in 0..n {
        let (before, own) = b.split_at_mut(i * columns);
        let (row, own) = (&factor[i * n..][..=i], &mut own[..columns]);
        add_rows(own, before, columns, 0, i, |r| -row[r]);
        let scale = 1.0 / row[i];
        own.iter_mut().for_each(|v| *v *= scale);
    }
}

/// `B ← F⁻ᵀ B`.
pub(super) fn solve_upper_all(factor: &[f64], n: usize, b: &mut [f64], columns: usize) {
    for i in (0..n).rev() {
        let (until, after) = b.split_at_mut((i + 1) * columns);
        let own = &mut until[i * columns..];
        add_rows(own, after, columns, 0, n - i - 1, |r| -factor[(i + 1 + r) * n + i]);
        let scale = 1.0 / factor[i * n + i];
        own.iter_mut().for_each(|v| *v *= scale);
    }
}

/// `b ← M⁻¹ b` by elimination with pivots; M is used up. False if M is singular.
pub(super) fn solve(m: &mut [f64], b: &mut [f64]) -> bool {
    let n = b.len();
    for k in 0..n {
        let pivot = (k..n).max_by(|&i, &j| m[i * n + k].abs().total_cmp(&m[j * n + k].abs())).unwrap_or(k);
        if m[pivot * n + k] == 0.0 || !m[pivot * n + k].is_finite() {
            return false;
        }
        if pivot != k {
            let (above, below) = m.split_at_mut(pivot * n);
            above[k * n..][..n].swap_with_slice(&mut below[..n]);
            b.swap(k, pivot);
        }
        let (above, below) = m.split_at_mut((k + 1) * n);
        let own = &above[k * n..][..n];
        for (i, row) in below.chunks_exact_mut(n).enumerate() {
            let part = row[k] / own[k];
            if part != 0.0 {
                add_scaled(&mut row[k + 1..], -part, &own[k + 1..]);
                b[k + 1 + i] -= part * b[k];
            }
        }
    }
    for k in (0..n).rev() {
        b[k] = (b[k] - dot(&m[k * n + k + 1..][..n - k - 1], &b[k + 1..])) / m[k * n + k];
    }
    true
}

/// The Frobenius norm.
pub(super) fn size(matrix: &[f64]) -> f64 {
    dot(matrix, matrix).sqrt()
}

/// Estimates of the largest eigenvalues of a symmetric matrix and their vectors, largest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Leading {
    pub values: Vec<f64>,
    /// One row for each value, of length 1.
    pub vectors: Vec<f64>,
}

/// By Lanczos' iteration from `start`, with every vector held orthogonal to all before it. Estimates, never bounds: what
/// is proved asks [`certain_cholesky`].
pub(super) fn leading(matrix: &[f64], n: usize, start: &[f64], steps: usize, count: usize) -> Leading {
    let steps = steps.min(n);
    let mut krylov: Vec<f64> = Vec::with_capacity(steps * n);
    let (mut diagonal, mut beside) = (Vec::with_capacity(steps), Vec::with_capacity(steps));
    let mut v = start.to_vec();
    for k in 0..steps {
        let length = size(&v);
        if length.is_nan() || length <= 1e-13 {
            break;
        }
        if k > 0 {
            beside.push(length);
        }
        krylov.extend(v.iter().map(|v| v / length));
        let own = &krylov[k * n..];
        let mut next: Vec<f64> = matrix.chunks_exact(n).map(|row| dot(row, own)).collect();
        diagonal.push(dot(&next, own));
        for _ in 0..2 {
            let parts: Vec<f64> = krylov.chunks_exact(n).map(|row| dot(row, &next)).collect();
            add_rows(&mut next, &krylov, n, 0, k + 1, |r| -parts[r]);
        }
        let scale = matrix[..n].iter().fold(diagonal[k].abs(), |most, v| most.max(v.abs()));
        if size(&next) <= 1e-12 * scale {
            break;
        }
        v = next;
    }
    let m = diagonal.len();
    beside.truncate(m.saturating_sub(1));
    let turned = diagonalise(&mut diagonal, &mut beside);
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|&a, &b| diagonal[b].total_cmp(&diagonal[a]));
    order.truncate(count);
    let mut vectors = vec![0.0; order.len() * n];
    for (out, &k) in vectors.chunks_exact_mut(n).zip(&order) {
        add_rows(out, &krylov, n, 0, m, |r| turned[k * m + r]);
    }
    Leading { values: order.iter().map(|&k| diagonal[k]).collect(), vectors }
}

/// Eigenvalues, in place of the diagonal, and eigenvectors, as rows, of a tridiagonal symmetric matrix: the implicit QL
/// iteration (Golub and Van Loan, *Matrix Computations*, section 8.3).
fn diagonalise(d: &mut [f64], beside: &mut Vec<f64>) -> Vec<f64> {
    let n = d.len();
    let mut vectors = vec![0.0; n * n];
    (0..n).for_each(|i| vectors[i * n + i] = 1.0);
    beside.push(0.0);
    let e = beside;
    for l in 0..n {
        for _ in 0..60 {
            let small = |m: usize| e[m].abs() <= f64::EPSILON * (d[m].abs() + d[m + 1].abs());
            let m = (l..n.saturating_sub(1)).find(|&m| small(m)).unwrap_or(n - 1);
            if m == l {
                break;
            }
            let mut g = (d[l + 1] - d[l]) / (2.0 * e[l]);
            g = d[m] - d[l] + e[l] / (g + g.hypot(1.0).copysign(g));
            let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
            for i in (l..m).rev() {
                let (f, b) = (s * e[i], c * e[i]);
                let r = f.hypot(g);
                e[i + 1] = r;
                (s, c) = if r == 0.0 { (0.0, 1.0) } else { (f / r, g / r) };
                g = d[i + 1] - p;
                let r = (d[i] - g) * s + 2.0 * c * b;
                p = s * r;
                d[i + 1] = g + p;
                g = c * r - b;
                let (low, high) = vectors.split_at_mut((i + 1) * n);
                for (v, w) in low[i * n..].iter_mut().zip(&mut high[..n]) {
                    (*v, *w) = (c * *v - s * *w, s * *v + c * *w);
                }
            }
            d[l] -= p;
            e[l] = g;
            e[m] = 0.0;
        }
    }
    vectors
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::random;
    use rand::Rng;

    fn symmetric(n: usize, rng: &mut impl Rng) -> Vec<f64> {
        let mut matrix: Vec<f64> = (0..n * n).map(|_| rng.random_range(-1.0..1.0)).collect();
        mirror(&mut matrix, n);
        matrix
    }

    #[test]
    fn leading_values_and_vectors_solve_the_eigenvalue_problem() {
        let mut rng = random(5);
        for n in [1, 2, 3, 7, 30, 60] {
            let matrix = symmetric(n, &mut rng);
            let start: Vec<f64> = (0..n).map(|_| rng.random_range(-1.0..1.0)).collect();
            let found = leading(&matrix, n, &start, 60, 4);
            assert_eq!(found.values.len(), n.min(4));
            for (value, vector) in found.values.iter().zip(found.vectors.chunks_exact(n)) {
                assert!((size(vector) - 1.0).abs() < 1e-9);
                for (row, v) in matrix.chunks_exact(n).zip(vector) {
                    assert!((dot(row, vector) - value * v).abs() < 1e-8, "n = {n}: not an eigenvector for {value}");
                }
            }
            // Nothing lies above the first: value·I − matrix has a factor once it is a touch larger.
            let shifted = |shift: f64| {
                let mut m: Vec<f64> = matrix.iter().map(|v| -v).collect();
                (0..n).for_each(|i| m[i * n + i] += shift);
                certain_cholesky(&mut m, n)
            };
            assert!(shifted(found.values[0] + 1e-7) && !shifted(found.values[0] - 1e-7), "n = {n}");
        }
    }

    #[test]
    fn triangles_and_eliminations_solve_their_systems() {
        let mut rng = random(6);
        for n in [1, 2, 5, 9, 40] {
            let root = symmetric(n, &mut rng);
            let mut square = vec![0.0; n * n];
            add_squares(&mut square, &root, n, |_| 1.0);
            (0..n).for_each(|i| square[i * n + i] += 0.1);
            mirror(&mut square, n);
            let mut factor = square.clone();
            assert!(cholesky(&mut factor, n));
            let expected: Vec<f64> = (0..2 * n).map(|_| rng.random_range(-1.0..1.0)).collect();
            let mut b = vec![0.0; 2 * n];
            for i in 0..n {
                add_rows(&mut b[2 * i..][..2], &expected, 2, 0, n, |r| square[i * n + r]);
            }
            let mut one: Vec<f64> = b.iter().step_by(2).copied().collect();
            let mut lower = one.clone();
            solve_lower_all(&factor, n, &mut b, 2);
            solve_lower(&factor, n, &mut lower);
            assert!(lower.iter().zip(b.iter().step_by(2)).all(|(a, b)| (a - b).abs() < 1e-9));
            solve_upper_all(&factor, n, &mut b, 2);
            assert!(b.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-7), "n = {n}");
            assert!(solve(&mut square, &mut one));
            assert!(one.iter().zip(expected.iter().step_by(2)).all(|(a, b)| (a - b).abs() < 1e-7), "n = {n}");
        }
        assert!(!solve(&mut [1.0, 2.0, 2.0, 4.0], &mut [1.0, 1.0]), "singular");
    }
}
