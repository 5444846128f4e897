//! Bounds of single units over a region.

use super::{
    choice::Table,
    curve::Below,
    dense::add_rows,
    model::Model,
    node::{Node, Problem},
    region::least_within,
};
use crate::{PIXELS, vector::dot};

/// What is allowed for sums, when bounds of single units are made of them.
pub(super) const SLACK: f64 = 1e-11;

/// Both ends of a first-layer unit's interval.
pub(super) fn first_row(problem: &Problem, node: &Node, row: usize) -> (f64, f64) {
    let layer = &problem.model.layers[0];
    let Node { region, slabs, .. } = node;
    let weights = layer.row(row);
    let negative: Vec<f64> = weights.iter().map(|w| -w).collect();
    let at = layer.bias[row] + dot(weights, &region.centre);
    let slack = SLACK * (1.0 + at.abs());
    (at + least_within(region, slabs, weights) - slack, at - least_within(region, slabs, &negative) + slack)
}

/// The first layer's lines about the region's centre, for bounds of the second layer.
pub(super) struct Lines {
    z: Vec<f64>,
    /// Touching at the centre, with curvature; and straight. For φ and −φ.
    bent: Vec<[Below; 2]>,
    straight: Vec<[Below; 2]>,
}

impl Lines {
    pub(super) fn new(model: &Model, node: &Node) -> Self {
        let z = model.layers[0].forward(&node.region.centre);
        let (low, high) = (&node.intervals.low[0], &node.intervals.high[0]);
        let table = Table::new(model.curve, low, high, &z);
        let bent = |i: usize| {
            [true, false].map(|positive| {
                let choice = table.choices(i, positive)[0];
                let sign = if positive { 1.0 } else { -1.0 };
                let height = sign * model.curve.value(z[i]) - table.exact_gap(i, positive, 0);
                // More curvature than is needed does no harm, and what bends upwards has no use here.
                let curvature = choice.curvature.max(0.0);
                Below { slope: choice.slope, offset: height - choice.slope * z[i], curvature }
            })
        };
        let straight = |i: usize| [1.0, -1.0].map(|sign| model.curve.below(sign, (low[i], high[i]), z[i], 0.0));
        Lines { bent: (0..z.len()).map(bent).collect(), straight: (0..z.len()).map(straight).collect(), z }
    }

    /// Both ends of a second-layer unit's interval: by intervals alone, by straight lines and by lines less parabolas.
    pub(super) fn second_row(&self, problem: &Problem, node: &Node, row: usize) -> (f64, f64) {
        let (model, layer) = (problem.model, &problem.model.layers[1]);
        let weights = layer.row(row);
        let (mut low, mut high) = (layer.bias[row], layer.bias[row]);
        let ends = node.intervals.low[0].iter().zip(&node.intervals.high[0]);
        for (w, (from, to)) in weights.iter().zip(ends) {
            let (a, b) = (w * model.curve.value(*from), w * model.curve.value(*to));
            low += a.min(b);
            high += a.max(b);
        }
        for (units, has_bend) in [(&self.straight, false), (&self.bent, true)] {
            let mut known: Option<(Vec<f64>, Vec<f64>)> = None;
            for side in [1.0, -1.0] {
                let mut constant = side * layer.bias[row];
                let mut curvatures = vec![0.0; weights.len()];
                let coefficients: Vec<f64> = (0..weights.len())
                    .map(|i| {
                        let below = units[i][usize::from(side * weights[i] < 0.0)];
                        let size = weights[i].abs();
                        constant += size * (below.offset + below.slope * self.z[i]);
                        curvatures[i] = size * below.curvature;
                        size * below.slope
                    })
                    .collect();
                let slope: Vec<f64> = match known.take() {
                    // Both sides touch with the same slopes: one product serves for both.
                    Some((other, slope)) if other.iter().zip(&coefficients).all(|(a, b)| *a == -*b) => {
                        slope.iter().map(|a| -a).collect()
                    }
                    _ => to_pixels(model, &coefficients),
                };
                let region = &node.region;
                let bend = if has_bend { problem.gram.largest_of_diagonal(&curvatures) } else { 0.0 };
                let bound =
                    constant + least_within(region, &node.slabs, &slope) - 0.5 * bend * region.radius * region.radius;
                if side > 0.0 {
                    low = low.max(bound)
                } else {
                    high = high.min(-bound)
                }
                known = Some((coefficients, slope));
            }
        }
        (low - SLACK * (1.0 + low.abs()), high + SLACK * (1.0 + high.abs()))
    }
}

/// `W₁ᵀ v`.
fn to_pixels(model: &Model, v: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; PIXELS];
    add_rows(&mut out, &model.layers[0].weight, PIXELS, 0, v.len(), |r| v[r]);
    out
}
