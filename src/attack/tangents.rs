//! The closest point to x under linear models of the margins.
//!
//! Where the target ties with several other labels at once, one tangent of the boundary is not enough: [`Tangents`]
//! keeps several and solves
//!
//! ```text
//! minimise ½‖u − x‖²   subject to   a_k·u ≥ b_k for each tangent k,   u ∈ [0, 1]^784
//! ```
//!
//! by Newton's method on its dual, whose unknowns are one multiplier λ_k for each tangent: `u = clip(x + Σ λ_k a_k)`.
//! This is one step of sequential quadratic programming with the unit matrix (Nocedal and Wright, *Numerical
//! Optimization*, 2nd ed., chapter 18). For a box and one halfspace it is that of Croce and Hein, *Minimally distorted
//! adversarial examples with a fast adaptive boundary attack*, 2020.

use crate::{
    LABELS, PIXELS,
    vector::{add_scaled, clip, dot, sums, zeros},
};

/// The most Newton steps of one solve. The dual is piecewise linear, and most solves need fewer than ten.
const NEWTON_STEPS: usize = 20;
/// A tangent is met when the point is this near to it, in logits: about the rounding of a sum of 784 products.
const NEWTON_TOLERANCE: f32 = 1e-4;
/// One multiplier alone is found when its model rises to this part of what it shall, of a thousandth of a logit at least.
const NEWTON_PART: f32 = 1e-5;
const LEAST_RISE: f32 = 1e-3;

/// Tangents of the decision boundary, in ten places. A boundary between two labels keeps its own in the rival's.
pub(super) struct Tangents {
    /// `a_k`, `[10, 784]`, in logits for a pixel from black to white.
    normals: Vec<f32>,
    /// `b_k`; none where no tangent is kept.
    offsets: [Option<f32>; LABELS],
    /// `λ_k` of the last closest point.
    multipliers: [f32; LABELS],
}

impl Tangents {
    pub(super) fn new() -> Self {
        Tangents { normals: zeros(LABELS * PIXELS), offsets: [None; LABELS], multipliers: [0.0; LABELS] }
    }

    pub(super) fn clear(&mut self) {
        self.offsets = [None; LABELS];
        self.multipliers = [0.0; LABELS];
    }

    /// `Σ λ_k` of the last closest point: with one tangent, the multiple of the margin's gradient that r is.
    pub(super) fn total_multiplier(&self) -> f32 {
        self.multipliers.iter().sum()
    }

    /// Whether the tangent of this place holds the last closest point.
    pub(super) fn holds(&self, place: usize) -> bool {
        self.offsets[place].is_some() && self.multipliers[place] > 0.0
    }

    /// Whether several tangents hold it.
    pub(super) fn several_hold(&self) -> bool {
        (0..LABELS).filter(|&place| self.holds(place)).count() > 1
    }

    /// By how many logits the margin still has to rise at `u`, as the tangent of this place has it. None if there is none.
    pub(super) fn rise(&self, place: usize, u: &[f32]) -> Option<f32> {
        self.offsets[place].map(|offset| offset - dot(&self.normals[place * PIXELS..][..PIXELS], u))
    }

    /// Where to write a margin's gradient, before [`Tangents::keep`].
    pub(super) fn normal(&mut self, place: usize) -> &mut [f32] {
        &mut self.normals[place * PIXELS..][..PIXELS]
    }

    /// Keeps the tangent at `point`, where the margin still has to rise by `rise` logits.
    pub(super) fn keep(&mut self, place: usize, point: &[f32], rise: f32) {
        self.offsets[place] = Some(dot(self.normal(place), point) + rise);
    }

    /// Writes the closest point to `x`. Where the tangents and the box have no common point, what it writes breaks
    /// some of them; a forward pass judges it anyway.
    pub(super) fn closest(&mut self, x: &[f32], u: &mut [f32]) {
        for _ in 0..NEWTON_STEPS {
            self.place(x, u);
            let mut active = [0usize; LABELS];
            let mut missing = [0.0f32; LABELS];
            let mut count = 0;
            let mut largest = 0.0f32;
            for k in 0..LABELS {
                let Some(short) = self.rise(k, u) else { continue };
                if short > 0.0 || self.multipliers[k] > 0.0 {
                    (active[count], missing[count]) = (k, short);
                    count += 1;
                    largest = largest.max(short.abs());
                }
            }
            if largest <= NEWTON_TOLERANCE {
                return;
            }
            self.newton_step(x, &active[..count], &mut missing[..count]);
        }
        self.place(x, u);
    }

    /// Writes `clip(x + Σ λ_k a_k)`.
    fn place(&self, x: &[f32], u: &mut [f32]) {
        u.copy_from_slice(x);
        for k in (0..LABELS).filter(|&k| self.holds(k)) {
            add_scaled(u, self.multipliers[k], &self.normals[k * PIXELS..][..PIXELS]);
        }
        u.iter_mut().for_each(|u| *u = clip(*u, 0.0, 1.0));
    }

    /// `λ ← max(0, λ + (A D Aᵀ)⁻¹ missing)` over the active tangents, D the pixels that are off the box's faces.
    fn newton_step(&mut self, x: &[f32], active: &[usize], missing: &mut [f32]) {
        let count = active.len();
        let mut matrix = [[0.0f32; LABELS]; LABELS];
        for (i, &x) in x.iter().enumerate() {
            let moved = active.iter().fold(x, |u, &k| u + self.multipliers[k] * self.normals[k * PIXELS + i]);
            let push: f32 = active.iter().zip(missing.iter()).map(|(&k, m)| m * self.normals[k * PIXELS + i]).sum();
            let blocked = (moved <= 0.0 && push <= 0.0) || (moved >= 1.0 && push >= 0.0);
            if blocked || !(0.0..=1.0).contains(&moved) {
                continue;
            }
            for (row, &k) in active.iter().enumerate() {
                for (column, &l) in active.iter().enumerate().take(row + 1) {
                    matrix[row][column] += self.normals[k * PIXELS + i] * self.normals[l * PIXELS + i];
                }
            }
        }
        // A touch on the diagonal keeps parallel tangents solvable.
        for (k, row) in matrix.iter_mut().enumerate().take(count) {
            row[k] = row[k] * (1.0 + 1e-5) + 1e-12;
        }
        solve_symmetric(&mut matrix, missing);
        for (&k, change) in active.iter().zip(missing.iter()) {
            self.multipliers[k] = (self.multipliers[k] + change).max(0.0);
        }
    }
}

/// `b ← M⁻¹ b` for a symmetric positive definite M, given by its lower triangle, by Cholesky's factorisation.
fn solve_symmetric(m: &mut [[f32; LABELS]; LABELS], b: &mut [f32]) {
    let n = b.len();
    for i in 0..n {
        for j in 0..=i {
            let sum = (0..j).fold(m[i][j], |sum, k| sum - m[i][k] * m[j][k]);
            m[i][j] = if i == j { sum.max(1e-12).sqrt() } else { sum / m[j][j] };
        }
    }
    for i in 0..n {
        b[i] = (0..i).fold(b[i], |sum, k| sum - m[i][k] * b[k]) / m[i][i];
    }
    for i in (0..n).rev() {
        b[i] = (i + 1..n).fold(b[i], |sum, k| sum - m[k][i] * b[k]) / m[i][i];
    }
}

/// One tangent alone: the t ≥ 0 at which `slope·(clip(x + t·slope) − from) = rise`. That is the multiplier of the
/// closest point to `x` in the box at which the linear model, taken at `from`, rises by that many logits. None if the
/// box allows no such rise.
///
/// The left side grows with t, ever more slowly, so Newton's method from the left never overshoots.
pub(super) fn multiplier(x: &[f32], from: &[f32], slope: &[f32], rise: f32) -> Option<f32> {
    let mut t = 0.0f32;
    for _ in 0..NEWTON_STEPS {
        let [gained, rate] = sums([x, from, slope], |[x, from, slope]| {
            let moved = x + t * slope;
            let inside = ((slope > 0.0) & (moved < 1.0)) | ((slope <= 0.0) & (moved > 0.0));
            [slope * (clip(moved, 0.0, 1.0) - from), if inside { slope * slope } else { 0.0 }]
        });
        let short = rise - gained;
        if short <= NEWTON_PART * rise.abs().max(LEAST_RISE) {
            return Some(t);
        }
        t += short / rate;
        if !t.is_finite() {
            return None;
        }
    }
    Some(t)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment;
    use rand::Rng;

    /// An image of which many pixels are on a face of the box or close to one, and some normals.
    fn drawn(seed: u64, count: usize) -> (Vec<f32>, Vec<Vec<f32>>) {
        let mut random = experiment::random(seed);
        let image = (0..PIXELS).map(|_| clip(random.random_range(-0.5..1.5), 0.0, 1.0)).collect();
        let mut normal = || (0..PIXELS).map(|_| random.random_range(-1.0..1.0)).collect();
        (image, (0..count).map(|_| normal()).collect())
    }

    #[test]
    fn the_closest_point_is_as_far_along_each_tangent_as_it_must_be_and_no_further_along_one_that_holds_it() {
        for seed in 0..20 {
            let (image, normals) = drawn(seed, 4);
            let mut tangents = Tangents::new();
            for (k, normal) in normals.iter().enumerate() {
                tangents.normal(2 * k).copy_from_slice(normal);
                // The last is fulfilled by a wide margin from the beginning.
                tangents.keep(2 * k, &image, if k == 3 { -200.0 } else { 5.0 + k as f32 });
            }
            let mut point = zeros(PIXELS);
            tangents.closest(&image, &mut point);
            let holding: Vec<usize> = (0..LABELS).filter(|&k| tangents.holds(k)).collect();
            assert_eq!((holding, tangents.several_hold()), (vec![0, 2, 4], true), "seed {seed}");
            for k in [0, 2, 4] {
                let rise = tangents.rise(k, &point).unwrap();
                assert!(rise.abs() <= 2e-4, "seed {seed}, {k}: {rise}");
            }
            assert!(tangents.rise(6, &point).unwrap() < -100.0);
            assert_eq!(tangents.rise(1, &point), None, "no tangent was kept there");
            // It is x, moved along the normals by their multipliers, in the box: with the above, the only closest point there is.
            let mut moved = image.clone();
            for (normal, k) in normals.iter().zip([0, 2, 4]) {
                add_scaled(&mut moved, tangents.multipliers[k], normal);
            }
            assert!(moved.iter().zip(&point).all(|(moved, point)| (clip(*moved, 0.0, 1.0) - point).abs() < 1e-6));
        }
    }

    #[test]
    fn one_tangent_or_none_is_not_several() {
        let (image, normals) = drawn(1, 1);
        let mut tangents = Tangents::new();
        assert!(!tangents.several_hold());
        tangents.normal(3).copy_from_slice(&normals[0]);
        tangents.keep(3, &image, 4.0);
        let mut point = zeros(PIXELS);
        tangents.closest(&image, &mut point);
        assert!(tangents.holds(3) && !tangents.several_hold());
        let alone = multiplier(&image, &image, &normals[0], 4.0).unwrap();
        assert!((tangents.total_multiplier() - alone).abs() < 1e-4 * alone, "{alone}");
    }

    #[test]
    fn a_multiplier_raises_the_model_by_as_much_as_asked_or_there_is_none() {
        for seed in 0..20 {
            let (image, normals) = drawn(seed, 2);
            let from: Vec<f32> = normals[1].iter().map(|v| v.abs()).collect();
            let gain = |t: f32| -> f32 {
                let moved = image.iter().zip(&normals[0]).map(|(x, slope)| clip(x + t * slope, 0.0, 1.0));
                moved.zip(&from).zip(&normals[0]).map(|((moved, from), slope)| slope * (moved - from)).sum()
            };
            let (least, most) = (gain(0.0), gain(1e9));
            for part in [0.01, 0.3, 0.9, 0.999] {
                let rise = least + part * (most - least);
                let t = multiplier(&image, &from, &normals[0], rise).unwrap();
                assert!((gain(t) - rise).abs() < 1e-3 * most.abs(), "seed {seed}: {} instead of {rise}", gain(t));
            }
            assert_eq!(multiplier(&image, &from, &normals[0], most + 1.0), None, "seed {seed}");
        }
    }
}
