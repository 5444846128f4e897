//! Where the certificate looks most closely: a near adversarial example, and how much each rival label holds it back.
//!
//! Nothing that is proved depends on what is found here; a better guess only makes the bound larger.

use super::model::Model;
use crate::{
    LABELS,
    vector::{add_scaled, clip, dot, squared_distance, sums},
};

/// A point that is nearly as close to x as any with the wanted label, and the multipliers of its rivals.
pub(super) struct Nearest {
    pub point: Vec<f64>,
    /// Sum to one.
    pub multipliers: [f64; LABELS],
    /// The distance to x; infinite if there seems to be no such point.
    pub distance: f64,
    /// What the margin's slope has to be multiplied with to hold x − point: its multiplier in ½‖u − x‖².
    pub eta: f64,
}

/// Newton steps on the dual of one of them.
const NEWTON: u32 = 20;

/// One tangent for each rival: `normal·u ≥ offset` where the label's logit is not below the rival's.
struct Tangent {
    rival: usize,
    normal: Vec<f64>,
    offset: f64,
    multiplier: f64,
}

/// Looks for the point nearest to `x` at which `label` is no weaker than any of `rivals`, by so many steps of sequential
/// quadratic programming. One step gives the distance to the tangent.
pub(super) fn nearest(model: &Model, x: &[f64], label: usize, rivals: &[usize], steps: u32) -> Nearest {
    let mut point = x.to_vec();
    let mut tangents: Vec<Tangent> = Vec::new();
    let mut margin = f64::INFINITY;
    let mut step = 1.0f64;
    for _ in 0..steps {
        let z = model.forward(&point);
        let logits = &z[model.hidden()];
        let strongest = rivals.iter().copied().max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap_or(0);
        let now = logits[strongest] - logits[label];
        // A step that has made the margin much worse overshoots: the next ones are shorter.
        step = if now.abs() > 1.5 * margin { 0.5 * step } else { (1.2 * step).min(1.0) };
        margin = now.abs();
        tangents.retain(|t| t.multiplier > 0.0 && t.rival != strongest);
        tangents.push(Tangent { rival: strongest, normal: vec![], offset: 0.0, multiplier: 0.0 });
        for tangent in &mut tangents {
            let mut v = [0.0; LABELS];
            v[label] = 1.0;
            v[tangent.rival] = -1.0;
            tangent.normal = model.gradient(&z, &v);
            tangent.offset = dot(&tangent.normal, &point) - (logits[label] - logits[tangent.rival]);
        }
        let target = closest(x, &mut tangents);
        let moved: f64 = point.iter().zip(&target).map(|(a, b)| (a - b) * (a - b)).sum();
        for (p, t) in point.iter_mut().zip(&target) {
            *p += step * (t - *p);
        }
        if moved < 1e-7 {
            break;
        }
    }
    let mut multipliers = [0.0; LABELS];
    let total: f64 = tangents.iter().map(|t| t.multiplier).sum();
    for tangent in &tangents {
        multipliers[tangent.rival] = if total > 0.0 { tangent.multiplier / total } else { 0.0 };
    }
    if total.is_nan() || total <= 0.0 {
        multipliers = [0.0; LABELS];
        multipliers[rivals.first().copied().unwrap_or(0)] = 1.0;
    }
    let distance = squared_distance(&point, x).sqrt();
    let found = distance.is_finite() && distance > 0.0 && total > 0.0;
    if !found {
        point = x.to_vec();
    }
    let eta = if found { total } else { 0.0 };
    Nearest { point, multipliers, distance: if found { distance } else { f64::INFINITY }, eta }
}

/// The closest point to x in the box under all tangents, by Newton's method on the dual.
fn closest(x: &[f64], tangents: &mut [Tangent]) -> Vec<f64> {
    let mut moved = x.to_vec();
    let mut u = x.to_vec();
    for _ in 0..NEWTON {
        for (i, (moved, &x)) in moved.iter_mut().zip(x).enumerate() {
            *moved = tangents.iter().fold(x, |v, t| v + t.multiplier * t.normal[i]);
            u[i] = clip(*moved, 0.0, 1.0);
        }
        let short: Vec<f64> = tangents.iter().map(|t| t.offset - dot(&t.normal, &u)).collect();
        let active: Vec<usize> =
            (0..tangents.len()).filter(|&k| short[k] > 0.0 || tangents[k].multiplier > 0.0).collect();
        if active.iter().all(|&k| short[k].abs() <= 1e-10 * (1.0 + tangents[k].offset.abs())) {
            break;
        }
        let mut change: Vec<f64> = active.iter().map(|&k| short[k]).collect();
        let mut push = vec![0.0; x.len()];
        for &k in &active {
            add_scaled(&mut push, short[k], &tangents[k].normal);
        }
        // 1 for pixels that follow the multipliers, 0 for those that a face of the box holds.
        for (push, &v) in push.iter_mut().zip(&moved) {
            let held = !(0.0..=1.0).contains(&v) || (v == 0.0 && *push <= 0.0) || (v == 1.0 && *push >= 0.0);
            *push = if held { 0.0 } else { 1.0 };
        }
        let n = active.len();
        let mut matrix = vec![0.0; n * n];
        for (a, &k) in active.iter().enumerate() {
            for (b, &l) in active.iter().enumerate().take(a + 1) {
                let [free] = sums([&tangents[k].normal, &tangents[l].normal, &push], |[p, q, free]| [p * q * free]);
                matrix[a * n + b] = free;
            }
            matrix[a * n + a] = matrix[a * n + a] * (1.0 + 1e-9) + 1e-12;
        }
        solve(&mut matrix, &mut change);
        for (&k, change) in active.iter().zip(&change) {
            tangents[k].multiplier = (tangents[k].multiplier + change).max(0.0);
        }
    }
    u
}

/// `b ← M⁻¹ b` for a symmetric positive definite M.
fn solve(m: &mut [f64], b: &mut [f64]) {
    let n = b.len();
    for i in 0..n {
        for j in 0..=i {
            let sum = (0..j).fold(m[i * n + j], |sum, k| sum - m[i * n + k] * m[j * n + k]);
            m[i * n + j] = if i == j { sum.max(1e-12).sqrt() } else { sum / m[j * n + j] };
        }
    }
    for i in 0..n {
        b[i] = (0..i).fold(b[i], |sum, k| sum - m[i * n + k] * b[k]) / m[i * n + i];
    }
    for i in (0..n).rev() {
        b[i] = (i + 1..n).fold(b[i], |sum, k| sum - m[k * n + i] * b[k]) / m[i * n + i];
    }
}
