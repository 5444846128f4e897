//! A change followed inside: how much of the change of a margin passes through each hidden unit.
//!
//! On the straight way from x to x + r the lead of one logit over another changes, and so does every unit a of a layer. By the
//! chain rule `d lead = Σ ∂lead/∂a · da`: each unit's share is its own term, summed along the way. The shares of any one layer sum to
//! the whole change. These are integrated gradients (Sundararajan, Taly, Yan 2017, *Axiomatic Attribution for Deep Networks*, arXiv
//! 1703.01365) with the layer's outputs in the inputs' place, along the way that they really take. In the last hidden layer
//! they are the difference of two rows of weights times the change of each unit, exactly.

use super::spectrum::activations;
use crate::network::{Activation, Mlp};

/// The lead of one label over another, and every hidden unit's share of how it changes.
pub struct Follow<'a> {
    network: &'a Mlp,
    /// The label that gains, and the one that loses.
    labels: [usize; 2],
    /// Every layer's activations at the place reached, and ∂lead over those of the hidden layers.
    at: Vec<Vec<f64>>,
    slopes: Vec<Vec<f64>>,
    /// For each hidden layer its units' shares so far.
    pub shares: Vec<Vec<f64>>,
}

impl<'a> Follow<'a> {
    /// Begins at `image`; the lead is that of `labels[0]` over `labels[1]`.
    pub fn new(network: &'a Mlp, labels: [usize; 2], image: &[f32]) -> Self {
        let at = activations(network, image);
        let slopes = slopes(network, labels, &at);
        let shares = slopes.iter().map(|slopes| vec![0.0; slopes.len()]).collect();
        Follow { network, labels, at, slopes, shares }
    }

    /// Goes on to `image` by the trapezoid rule: the closer, the more precise the shares.
    #[inline(never)]
    pub fn go(&mut self, image: &[f32]) {
        let next = activations(self.network, image);
        let slopes = slopes(self.network, self.labels, &next);
        for (k, shares) in self.shares.iter_mut().enumerate() {
            for (i, share) in shares.iter_mut().enumerate() {
                *share += 0.5 * (self.slopes[k][i] + slopes[k][i]) * (next[k][i] - self.at[k][i]);
            }
        }
        (self.at, self.slopes) = (next, slopes);
    }

    /// The activations of every hidden layer at the place reached, then the logits.
    pub fn activations(&self) -> &[Vec<f64>] {
        &self.at
    }

    /// The lead at the place reached.
    pub fn lead(&self) -> f64 {
        let [gains, loses] = self.labels.map(|label| self.at[self.shares.len()][label]);
        gains - loses
    }
}

/// `∂(z_gains − z_loses)/∂a` for every hidden layer's outputs a.
#[inline(never)]
fn slopes(network: &Mlp, [gains, loses]: [usize; 2], at: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let layers = network.layers();
    let mut over: Vec<f64> = vec![0.0; at[at.len() - 1].len()];
    (over[gains], over[loses]) = (1.0, -1.0);
    let mut all = Vec::new();
    for k in (1..layers.len()).rev() {
        let mut below = vec![0.0; layers[k].inputs];
        for (row, over) in layers[k].weight.chunks_exact(layers[k].inputs).zip(&over) {
            below.iter_mut().zip(row).for_each(|(below, &w)| *below += f64::from(w) * over);
        }
        over = below.iter().zip(&at[k - 1]).map(|(slope, &a)| slope * derivative(network.activation(), a)).collect();
        all.insert(0, below);
    }
    all
}

/// φ′ in terms of φ.
fn derivative(activation: Activation, a: f64) -> f64 {
    match activation {
        Activation::Sigmoid => a * (1.0 - a),
        Activation::Relu => f64::from(u8::from(a > 0.0)),
        Activation::Tanh => 1.0 - a * a,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LABELS, PIXELS, network::Layer};

    fn layer(inputs: usize, outputs: usize, scale: f32) -> Layer {
        let weight = (0..inputs * outputs).map(|i| scale * ((i as f32 * 12.9898).sin() * 43758.547).fract()).collect();
        Layer { inputs, outputs, weight, bias: vec![0.1; outputs] }
    }

    fn image(t: f32) -> Vec<f32> {
        (0..PIXELS).map(|i| if i % 3 == 0 { 0.2 + 0.6 * t } else { 0.5 - 0.3 * t }).collect()
    }

    #[test]
    fn the_shares_of_every_layer_sum_to_the_change_of_the_lead() {
        for activation in [Activation::Sigmoid, Activation::Relu, Activation::Tanh] {
            let layers = vec![layer(PIXELS, 30, 0.2), layer(30, 20, 0.7), layer(20, LABELS, 2.0)];
            let network = Mlp::new("random", activation, layers).unwrap();
            let mut follow = Follow::new(&network, [8, 3], &image(0.0));
            let before = follow.lead();
            (1..=64).for_each(|k| follow.go(&image(k as f32 / 64.0)));
            let change = follow.lead() - before;
            assert!(change.abs() > 0.1, "{activation:?}: the lead hardly changes, {change}");
            for shares in &follow.shares {
                let sum: f64 = shares.iter().sum();
                assert!((sum / change - 1.0).abs() < 0.01, "{activation:?}: {sum} of {change}");
            }
        }
    }

    #[test]
    fn in_the_last_hidden_layer_a_share_is_the_units_change_times_the_difference_of_its_weights() {
        let layers = vec![layer(PIXELS, 30, 0.2), layer(30, LABELS, 1.0)];
        let weight = layers[1].weight.clone();
        let network = Mlp::new("random", Activation::Sigmoid, layers).unwrap();
        let [first, last] = [0.0, 1.0].map(|t| activations(&network, &image(t)));
        let mut follow = Follow::new(&network, [1, 7], &image(0.0));
        follow.go(&image(1.0));
        for (i, share) in follow.shares[0].iter().enumerate() {
            let expected = f64::from(weight[30 + i] - weight[7 * 30 + i]) * (last[0][i] - first[0][i]);
            assert!((share - expected).abs() < 1e-6, "unit {i}: {share}, expected {expected}");
        }
    }
}
