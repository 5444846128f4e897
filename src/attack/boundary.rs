//! The closest point to the image under linear models of the margins.
//!
//! Where the target ties with several other labels at once, one tangent is not
//! enough: [`Tangents`] keeps one for each rival label and solves
//!
//! ```text
//! minimise ½‖u − x‖²   subject to   a_k·u ≥ b_k for each kept rival k,   u ∈ [0, 1]^n
//! ```
//!
//! by Newton's method on its dual, whose unknowns are one multiplier for each
//! tangent: `u = clip(x + Σ λ_k a_k)`. This is one step of sequential quadratic
//! programming with the unit matrix (Nocedal and Wright, *Numerical Optimization*,
//! 2nd ed., chapter 18; for box and halfspace alone, Croce and Hein, *Minimally
//! distorted adversarial examples with a fast adaptive boundary attack*, 2020).

use crate::{
    LABELS, PIXELS,
    vector::{add_scaled, clip, dot, sums, zeros},
};

/// Newton steps on the dual; it is piecewise linear, and most solves need fewer than ten.
const NEWTON_LIMIT: usize = 20;

/// At most one tangent of the decision boundary for each rival label.
pub(super) struct Tangents {
    /// `a_k`, `[10, 784]`.
    normals: Vec<f32>,
    offsets: [f32; LABELS],
    kept: [bool; LABELS],
    multipliers: [f32; LABELS],
}

impl Tangents {
    pub(super) fn new() -> Self {
        Tangents {
            normals: zeros(LABELS * PIXELS),
            offsets: [0.0; LABELS],
            kept: [false; LABELS],
            multipliers: [0.0; LABELS],
        }
    }

    pub(super) fn clear(&mut self) {
        self.kept = [false; LABELS];
        self.multipliers = [0.0; LABELS];
    }

    /// Σ λ_k of the last closest point: with one tangent, the weight that the margin's gradient has in r.
    pub(super) fn total_multiplier(&self) -> f32 {
        self.multipliers.iter().sum()
    }

    /// Whether the tangent of `rival` holds the last closest point.
    pub(super) fn holds(&self, rival: usize) -> bool {
        self.kept[rival] && self.multipliers[rival] > 0.0
    }

    /// Whether several tangents hold it.
    pub(super) fn several(&self) -> bool {
        (0..LABELS).filter(|&rival| self.holds(rival)).count() > 1
    }

    /// By how much the margin over `rival` still has to rise at `u`, as its tangent has it.
    pub(super) fn rise(&self, rival: usize, u: &[f32]) -> f32 {
        self.offsets[rival] - dot(&self.normals[rival * PIXELS..][..PIXELS], u)
    }

    /// Where to write the gradient of the margin over `rival`, before [`Tangents::keep`].
    pub(super) fn normal(&mut self, rival: usize) -> &mut [f32] {
        &mut self.normals[rival * PIXELS..][..PIXELS]
    }

    /// Keeps the tangent at `point`, where the margin over `rival` still has to rise by `rise`.
    pub(super) fn keep(&mut self, rival: usize, point: &[f32], rise: f32) {
        self.kept[rival] = true;
        self.offsets[rival] = dot(self.normal(rival), point) + rise;
    }

    /// Writes the closest point to `x`. Where the tangents and the box have no common point, what it writes breaks
    /// some of them; a forward pass judges it anyway.
    pub(super) fn closest(&mut self, x: &[f32], u: &mut [f32]) {
        for _ in 0..NEWTON_LIMIT {
            self.place(x, u);
            let mut active = [0usize; LABELS];
            let mut missing = [0.0f32; LABELS];
            let mut count = 0;
            let mut largest = 0.0f32;
            for k in (0..LABELS).filter(|&k| self.kept[k]) {
                let short = self.offsets[k] - dot(&self.normals[k * PIXELS..][..PIXELS], u);
                if short > 0.0 || self.multipliers[k] > 0.0 {
                    (active[count], missing[count]) = (k, short);
                    count += 1;
                    largest = largest.max(short.abs());
                }
            }
            if largest <= 1e-4 {
                return;
            }
            self.newton_step(x, &active[..count], &mut missing[..count]);
        }
        self.place(x, u);
    }

    fn place(&self, x: &[f32], u: &mut [f32]) {
        u.copy_from_slice(x);
        for k in (0..LABELS).filter(|&k| self.kept[k] && self.multipliers[k] > 0.0) {
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

/// The t ≥ 0 at which `slope·(clip(x + t·slope) − from) = rise`: the multiplier of the closest point to `x` in the
/// box whose linear model, taken at `from`, rises by that much. None if the box allows no such rise.
///
/// The left side grows with t, ever more slowly, so Newton's method from the left never overshoots.
pub(super) fn multiplier(x: &[f32], from: &[f32], slope: &[f32], rise: f32) -> Option<f32> {
    let mut t = 0.0f32;
    for _ in 0..NEWTON_LIMIT {
        let [gained, rate] = sums([x, from, slope], |[x, from, slope]| {
            let moved = x + t * slope;
            let inside = ((slope > 0.0) & (moved < 1.0)) | ((slope <= 0.0) & (moved > 0.0));
            [slope * (clip(moved, 0.0, 1.0) - from), if inside { slope * slope } else { 0.0 }]
        });
        let short = rise - gained;
        if short <= 1e-5 * rise.abs().max(1e-3) {
            return Some(t);
        }
        t += short / rate;
        if !t.is_finite() {
            return None;
        }
    }
    Some(t)
}

/// Anderson's acceleration of a sequence of steps, with one earlier step (D. Anderson, *Iterative procedures for nonlinear
/// integral equations*, J. ACM 12, 1965).
///
/// On a curved boundary plain steps overshoot, or creep: each error is a multiple of the one before it. Two steps in a row
/// show by how much, along the line that they span.
pub(super) struct Mixer {
    /// Where the step began, in pixels; where the one before led to, and by what change.
    from: Vec<f32>,
    last_to: Vec<f32>,
    last_change: Vec<f32>,
    has_last: bool,
}

/// The most that two steps may be drawn apart or together.
const APART: f32 = 1.5;
const TOGETHER: f32 = 0.9;
/// A smaller part than this may come of the box's faces alone.
const LEAST: f32 = 0.3;

impl Mixer {
    pub(super) fn new() -> Self {
        Mixer { from: zeros(PIXELS), last_to: zeros(PIXELS), last_change: zeros(PIXELS), has_last: false }
    }

    pub(super) fn clear(&mut self) {
        self.has_last = false;
    }

    /// A step begins here.
    pub(super) fn begin(&mut self, from: &[f32]) {
        self.from.copy_from_slice(from);
    }

    /// The step leads to `to`, which is moved, within the box, to where it and the one before would end up.
    /// Returns the length of the step, squared.
    pub(super) fn mix(&mut self, to: &mut [f32]) -> f32 {
        let [moved, along, square] = sums([&*to, &self.from, &self.last_change], |[to, from, last]| {
            let change = to - from;
            let difference = change - last;
            [change * change, change * difference, difference * difference]
        });
        let part = if self.has_last && square > 0.0 { clip(along / square, -APART, TOGETHER) } else { 0.0 };
        let part = if part.abs() < LEAST { 0.0 } else { part };
        let steps = to.iter_mut().zip(&self.from).zip(&mut self.last_to).zip(&mut self.last_change);
        for (((to, from), last_to), last_change) in steps {
            *last_change = *to - from;
            let mixed = *to - part * (*to - *last_to);
            *last_to = *to;
            *to = clip(mixed, 0.0, 1.0);
        }
        self.has_last = true;
        moved
    }
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
            assert_eq!((holding, tangents.several()), (vec![0, 2, 4], true), "seed {seed}");
            for k in [0, 2, 4] {
                assert!(tangents.rise(k, &point).abs() <= 2e-4, "seed {seed}, {k}: {}", tangents.rise(k, &point));
            }
            assert!(tangents.rise(6, &point) < -100.0);
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
        assert!(!tangents.several());
        tangents.normal(3).copy_from_slice(&normals[0]);
        tangents.keep(3, &image, 4.0);
        let mut point = zeros(PIXELS);
        tangents.closest(&image, &mut point);
        assert!(tangents.holds(3) && !tangents.several());
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
