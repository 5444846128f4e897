//! Where an adversarial example may still be: a ball within the box.

use crate::vector::{add_scaled, dot, sums};

/// `‖u − centre‖₂ ≤ radius` and `u ∈ [0, 1]^n`; the centre lies in the box.
#[derive(Clone, Debug)]
pub(super) struct Region {
    pub centre: Vec<f64>,
    pub radius: f64,
}

/// What lies between two parallel planes: `low ≤ normal·u ≤ high`.
#[derive(Clone, Debug)]
pub(super) struct Slab {
    /// Over the pixels, of length 1 or a little less, nearly at right angles to those of other slabs.
    pub normal: Vec<f64>,
    /// The same in the coordinates of the first layer's row space.
    pub direction: Vec<f64>,
    pub low: f64,
    pub high: f64,
}

/// Halvings in the search for the slabs' multipliers.
const HALVINGS: u32 = 50;
/// Rounds of the search for the multiplier; each is exact once the clipped pixels are known.
const ROUNDS: u32 = 12;

impl Region {
    /// A lower bound of `a·(u − centre)` over the region, by its dual with one multiplier 1/t for the ball:
    /// `min_u a·(u − centre) + (‖u − centre‖² − radius²)/2t` over the box, a bound for every t > 0.
    pub(super) fn least(&self, a: &[f64]) -> f64 {
        let [square] = sums([a], |[a]| [a * a]);
        if square == 0.0 || self.radius == 0.0 {
            return 0.0;
        }
        let mut t = self.radius / square.sqrt();
        for _ in 0..ROUNDS {
            let [clipped, free] = sums([a, &self.centre], |[a, c]| {
                let moved = c - t * a;
                if moved < 0.0 {
                    [c * c, 0.0]
                } else if moved > 1.0 {
                    [(1.0 - c) * (1.0 - c), 0.0]
                } else {
                    [0.0, a * a]
                }
            });
            let left = self.radius * self.radius - clipped;
            if free <= 1e-18 * square || left <= 0.0 {
                t = if free <= 1e-18 * square { t * 1e9 } else { t };
                break;
            }
            let next = (left / free).sqrt();
            if next <= t * (1.0 + 1e-6) {
                break;
            }
            t = next;
        }
        let [product, distance] = sums([a, &self.centre], |[a, c]| {
            let step = (c - t * a).clamp(0.0, 1.0) - c;
            [a * step, step * step]
        });
        let bound = product + (distance - self.radius * self.radius) / (2.0 * t);
        // The ball's own bound holds too: it is what rounding is compared with.
        let plain = -self.radius * square.sqrt();
        bound.max(plain) - 1e-12 * plain.abs()
    }
}

/// A lower bound of `a·(u − centre)` over the region and the slabs. For any multipliers π
/// `a·(u − c) = (a − Σ π_j v_j)·(u − c) + Σ π_j v_j·(u − c)`: the first part is bounded over ball and box, the second by
/// the slabs' ends. The π used are about the best for the ball alone.
pub(super) fn least_within(region: &Region, slabs: &[Slab], a: &[f64]) -> f64 {
    let alone = region.least(a);
    if slabs.is_empty() {
        return alone;
    }
    let radius = region.radius;
    let ends: Vec<(f64, f64, f64)> = slabs
        .iter()
        .map(|slab| {
            let at = dot(&slab.normal, &region.centre);
            (dot(a, &slab.normal), slab.low - at, slab.high - at)
        })
        .collect();
    let across = (dot(a, a) - ends.iter().map(|(along, ..)| along * along).sum::<f64>()).max(1e-300).sqrt();
    let place = |t: f64, &(along, low, high): &(f64, f64, f64)| (-t * along).max(low).min(high);
    let (mut low, mut high) = (1e-6f64, 1e9f64);
    for _ in 0..HALVINGS {
        let t = (low * high).sqrt();
        let square = ends.iter().map(|end| place(t, end).powi(2)).sum::<f64>() + (t * across).powi(2);
        if square > radius * radius { high = t } else { low = t }
    }
    let mut rest = a.to_vec();
    let mut along = 0.0;
    for (slab, end) in slabs.iter().zip(&ends) {
        let at = place(high, end);
        if at > end.1 && at < end.2 {
            continue; // this slab holds nothing back
        }
        let multiplier = end.0 + at / high;
        along += if multiplier > 0.0 { multiplier * end.1 } else { multiplier * end.2 };
        add_scaled(&mut rest, -multiplier, &slab.normal);
    }
    let bound = region.least(&rest) + along;
    alone.max(bound - 1e-12 * (bound.abs() + alone.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::random;
    use rand::Rng;

    #[test]
    fn no_point_of_a_ball_within_the_box_lies_below_the_bound_and_some_point_comes_near() {
        let mut rng = random(4);
        for round in 0..3000 {
            let n = 1 + round % 7;
            let mut draw = |f: &dyn Fn(f64) -> f64| (0..n).map(|_| f(rng.random())).collect::<Vec<f64>>();
            let centre = draw(&|v| if v < 0.4 { 0.0 } else { v });
            let a = draw(&|v| if v < 0.1 { 0.0 } else { 2.0 * v - 1.0 });
            let radius = [1e-6, 0.3, 1.0, 30.0][round % 4];
            let region = Region { centre: centre.clone(), radius };
            let bound = region.least(&a);
            // Where the bound says that the least is: along the clipped ray, by halving.
            let place =
                |t: f64| -> Vec<f64> { centre.iter().zip(&a).map(|(c, a)| (c - t * a).clamp(0.0, 1.0) - c).collect() };
            let size = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
            let (mut low, mut high) = (0.0, 1e9);
            for _ in 0..200 {
                let middle = 0.5 * (low + high);
                if size(&place(middle)) <= radius { low = middle } else { high = middle }
            }
            let attained: f64 = place(low).iter().zip(&a).map(|(s, a)| s * a).sum();
            assert!(bound <= attained + 1e-12, "{bound} over {attained}");
            assert!(bound >= attained - 1e-6 * (1.0 + attained.abs()), "{bound} far below {attained}");
            for _ in 0..20 {
                let step = draw(&|v| 2.0 * v - 1.0);
                let stretch = radius / size(&step).max(1e-9);
                let step: Vec<f64> =
                    step.iter().zip(&centre).map(|(s, c)| (c + s * stretch).clamp(0.0, 1.0) - c).collect();
                let value: f64 = step.iter().zip(&a).map(|(s, a)| s * a).sum();
                assert!(value >= bound - 1e-12);
            }
        }
    }
}
