//! How much a network can amplify a perturbation, and how much it does (section 4.3 of the paper).
//!
//! `‖φ(x) − φ(x + r)‖ ≤ L‖r‖` with `L = Π L_k`, where `L_k` is the operator norm of `W_k`, its largest singular
//! value, times the Lipschitz constant of the activation that follows. Large bounds prove nothing; small ones would
//! exclude blind spots.

use crate::network::{Activation, Layer, Mlp};
use serde::{Deserialize, Serialize};

/// Rounds of the power iteration after which it is good enough in any case.
const ROUNDS: u32 = 1000;
/// The relative change of the norm at which it has settled.
const SETTLED: f64 = 1e-9;

/// The bound of one layer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// The largest singular value of `W`.
    pub norm: f64,
    /// The Lipschitz constant of the activation after it; 1 for the logits.
    pub lipschitz: f64,
}

impl Bound {
    /// `L_k`.
    pub fn product(self) -> f64 {
        self.norm * self.lipschitz
    }
}

/// The bound of every layer; their product bounds the whole network.
pub fn bounds(network: &Mlp) -> Vec<Bound> {
    let layers = network.layers();
    let activation = match network.activation() {
        Activation::Sigmoid => 0.25,
        Activation::Relu | Activation::Tanh => 1.0,
    };
    let lipschitz = |k: usize| if k + 1 < layers.len() { activation } else { 1.0 };
    layers.iter().enumerate().map(|(k, layer)| Bound { norm: operator_norm(layer), lipschitz: lipschitz(k) }).collect()
}

/// The largest singular value of `W`, by power iteration on `WᵀW`.
pub fn operator_norm(layer: &Layer) -> f64 {
    // Uneven, so that it is at right angles to no singular vector that matters.
    let mut v: Vec<f64> = (0..layer.inputs).map(|i| 0.5 + (0.618_034 * (i * i) as f64).fract()).collect();
    let mut norm = 0.0;
    for _ in 0..ROUNDS {
        let length = length(&v);
        if length == 0.0 {
            return 0.0;
        }
        v.iter_mut().for_each(|v| *v /= length);
        let mut next = vec![0.0; layer.inputs];
        let mut square = 0.0;
        for row in layer.weight.chunks_exact(layer.inputs) {
            let u: f64 = row.iter().zip(&v).map(|(&w, v)| f64::from(w) * v).sum();
            square += u * u;
            next.iter_mut().zip(row).for_each(|(n, &w)| *n += u * f64::from(w));
        }
        let before = std::mem::replace(&mut norm, square.sqrt());
        v = next;
        if (norm - before).abs() <= SETTLED * norm {
            break;
        }
    }
    norm
}

/// What every layer makes of an image: the activations of the hidden layers, then the logits.
pub fn activations(network: &Mlp, image: &[f32]) -> Vec<Vec<f64>> {
    let layers = network.layers();
    let mut all: Vec<Vec<f64>> = Vec::with_capacity(layers.len());
    for (k, layer) in layers.iter().enumerate() {
        let input = all.last().map_or_else(|| image.iter().map(|&x| f64::from(x)).collect(), Vec::clone);
        let affine = layer
            .weight
            .chunks_exact(layer.inputs)
            .zip(&layer.bias)
            .map(|(row, &b)| row.iter().zip(&input).fold(f64::from(b), |z, (&w, a)| z + f64::from(w) * a));
        let activation = network.activation();
        all.push(if k + 1 < layers.len() { affine.map(|z| activation.apply(z)).collect() } else { affine.collect() });
    }
    all
}

/// `‖φ_k(x + r) − φ_k(x)‖` over `‖φ_{k−1}(x + r) − φ_{k−1}(x)‖` for every layer k: what each made of the difference
/// that reached it. Their product is the whole network's amplification. Zeros where there is no difference.
pub fn amplification(network: &Mlp, image: &[f32], other: &[f32]) -> Vec<f64> {
    let mut before = length_of_difference(image.iter().zip(other).map(|(&a, &b)| (f64::from(a), f64::from(b))));
    let pairs = activations(network, image).into_iter().zip(activations(network, other));
    let gain = |(a, b): (Vec<f64>, Vec<f64>)| {
        let after = length_of_difference(a.into_iter().zip(b));
        let gain = if before > 0.0 { after / before } else { 0.0 };
        before = after;
        gain
    };
    pairs.map(gain).collect()
}

fn length(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum::<f64>().sqrt()
}

fn length_of_difference(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LABELS, PIXELS};

    fn layer(inputs: usize, outputs: usize, scale: f32) -> Layer {
        let weight = (0..inputs * outputs).map(|i| scale * ((i as f32 * 12.9898).sin() * 43758.547).fract()).collect();
        Layer { inputs, outputs, weight, bias: vec![0.1; outputs] }
    }

    #[test]
    fn the_operator_norm_of_a_diagonal_is_its_largest_entry_and_of_one_row_its_length() {
        let diagonal = Layer {
            inputs: 3,
            outputs: 3,
            weight: vec![2.0, 0.0, 0.0, 0.0, -5.0, 0.0, 0.0, 0.0, 1.0],
            bias: vec![0.0; 3],
        };
        assert!((operator_norm(&diagonal) - 5.0).abs() < 1e-6);
        let row = Layer { inputs: 2, outputs: 1, weight: vec![3.0, 4.0], bias: vec![0.0] };
        assert!((operator_norm(&row) - 5.0).abs() < 1e-9);
    }

    #[test]
    fn no_measured_amplification_exceeds_its_layers_bound() {
        let layers = vec![layer(PIXELS, 20, 0.3), layer(20, LABELS, 2.0)];
        let network = Mlp::new("random", Activation::Sigmoid, layers).unwrap();
        let image = vec![0.2; PIXELS];
        for seed in 0..20 {
            let mut noise = crate::experiment::noise::Noise::new(seed);
            let other = noise.at_deviation(&image, 0.1);
            for (gain, bound) in amplification(&network, &image, other).into_iter().zip(bounds(&network)) {
                assert!(gain > 0.0 && gain <= bound.product(), "{gain} above {bound:?}");
            }
        }
    }

    #[test]
    fn the_last_activations_are_the_logits() {
        let network = Mlp::new("random", Activation::Tanh, vec![layer(PIXELS, 8, 0.1), layer(8, LABELS, 1.0)]).unwrap();
        let image: Vec<f32> = (0..PIXELS).map(|i| (i % 10) as f32 / 10.0).collect();
        let logits: Vec<f32> = activations(&network, &image)[1].iter().map(|&z| z as f32).collect();
        assert_eq!(logits, network.logits(&image));
    }
}
