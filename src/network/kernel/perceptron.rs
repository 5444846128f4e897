//! Multi-layer perceptrons: one affine layer after another, with one activation between them.

use super::loops::{affine, columns, pad, padded, transposed};
use crate::{
    LABELS, PIXELS,
    network::{
        Activation, Mlp,
        lanes::{LANES, exp},
    },
};
use std::sync::Arc;

/// A network with room for one evaluation. All memory is allocated at the start.
pub(super) struct Perceptron {
    network: Arc<Mlp>,
    /// Per layer; see [`columns`].
    columns: Vec<Vec<f32>>,
    /// Per layer, the padded bias.
    biases: Vec<Vec<f32>>,
    /// Per layer, the padded activations (the logits for the last).
    outputs: Vec<Vec<f32>>,
    /// Per layer, the padded gradient with respect to its pre-activations.
    deltas: Vec<Vec<f32>>,
    /// Which inputs of a layer are not zero.
    nonzero: Vec<u32>,
    logits: [f32; LABELS],
}

impl Perceptron {
    /// Room to evaluate `network`.
    pub(super) fn new(network: Arc<Mlp>) -> Self {
        let layers = network.layers();
        let columns = layers.iter().map(|layer| columns(&layer.weight, layer.inputs, layer.outputs)).collect();
        let biases: Vec<Vec<f32>> = layers.iter().map(|l| pad(&l.bias)).collect();
        let outputs = biases.clone();
        let deltas = biases.iter().map(|b| vec![0.0; b.len()]).collect();
        let widest = layers.iter().map(|l| padded(l.inputs)).max().unwrap_or(0);
        let nonzero = Vec::with_capacity(widest);
        Perceptron { columns, biases, outputs, deltas, nonzero, logits: [0.0; LABELS], network }
    }

    /// The ten logits of `image`.
    pub(super) fn logits(&mut self, image: &[f32]) -> &[f32; LABELS] {
        let layers = self.network.layers();
        for k in 0..layers.len() {
            let (before, after) = self.outputs.split_at_mut(k);
            let input = if k == 0 { image } else { &before[k - 1][..layers[k].inputs] };
            affine(&self.columns[k], input, &self.biases[k], &mut self.nonzero, &mut after[0]);
            if k + 1 < layers.len() {
                activate(self.network.activation(), &mut after[0]);
            }
        }
        self.logits.copy_from_slice(&self.outputs[layers.len() - 1][..LABELS]);
        &self.logits
    }

    /// `Jᵀ v` at the image last given to [`Perceptron::logits`].
    pub(super) fn input_gradient(&mut self, v: &[f32; LABELS], gradient: &mut [f32]) {
        let layers = self.network.layers();
        let last = layers.len() - 1;
        self.deltas[last][..LABELS].copy_from_slice(v);
        for k in (1..=last).rev() {
            let (before, after) = self.deltas.split_at_mut(k);
            let delta = &mut before[k - 1];
            transposed(&self.columns[k], &after[0], delta);
            differentiate(self.network.activation(), &self.outputs[k - 1], delta);
        }
        transposed(&self.columns[0], &self.deltas[0], &mut gradient[..PIXELS]);
    }
}

/// `φ` of a padded layer; what it makes of the padding meets only weights that are zero.
pub(super) fn activate(activation: Activation, values: &mut [f32]) {
    for v in values.as_chunks_mut::<LANES>().0 {
        *v = match activation {
            Activation::Sigmoid => v.map(|v| 1.0 / (1.0 + exp(-v))),
            Activation::Relu => v.map(|v| v.max(0.0)),
            Activation::Tanh => v.map(|v| 1.0 - 2.0 / (1.0 + exp(2.0 * v))),
        };
    }
}

/// Multiplies `delta` by `φ′`, which each activation gives in terms of its own output.
pub(super) fn differentiate(activation: Activation, output: &[f32], delta: &mut [f32]) {
    for (d, &a) in delta.iter_mut().zip(output) {
        *d *= match activation {
            Activation::Sigmoid => a * (1.0 - a),
            Activation::Relu => f32::from(a > 0.0),
            Activation::Tanh => 1.0 - a * a,
        };
    }
}
