//! The hot loops: logits, and the gradient of any function of the logits with
//! respect to the input.
//!
//! One evaluation of a search is [`Evaluator::logits`] followed by
//! [`Evaluator::input_gradient`] with the loss's gradient over the logits.

use super::{Activation, Mlp};
use crate::{LABELS, PIXELS};
use std::sync::Arc;

/// Widths are padded to whole vectors of this many lanes; the padding holds zeros.
const LANES: usize = 4;

/// A network with room for one evaluation. All memory is allocated at the start.
pub struct Evaluator {
    network: Arc<Mlp>,
    /// Per layer, `W` transposed to `[inputs, padded outputs]`: one layout serves both directions.
    columns: Vec<Vec<f32>>,
    /// Per layer, the padded bias.
    biases: Vec<Vec<f32>>,
    /// Per layer, the padded activations (the logits for the last).
    outputs: Vec<Vec<f32>>,
    /// Per layer, the padded gradient with respect to its pre-activations.
    deltas: Vec<Vec<f32>>,
    logits: [f32; LABELS],
}

impl Evaluator {
    /// Room to evaluate `network`.
    pub fn new(network: Arc<Mlp>) -> Self {
        let layers = network.layers();
        let padded = |n: usize| n.div_ceil(LANES) * LANES;
        let columns = layers
            .iter()
            .map(|layer| {
                let width = padded(layer.outputs);
                let mut columns = vec![0.0; layer.inputs * width];
                for (o, row) in layer.weight.chunks_exact(layer.inputs).enumerate() {
                    for (i, &w) in row.iter().enumerate() {
                        columns[i * width + o] = w;
                    }
                }
                columns
            })
            .collect();
        let pad = |values: &[f32]| {
            let mut v = values.to_vec();
            v.resize(padded(values.len()), 0.0);
            v
        };
        let biases: Vec<Vec<f32>> = layers.iter().map(|l| pad(&l.bias)).collect();
        let outputs = biases.clone();
        let deltas = biases.iter().map(|b| vec![0.0; b.len()]).collect();
        Evaluator { columns, biases, outputs, deltas, logits: [0.0; LABELS], network }
    }

    /// The network that is evaluated.
    pub fn network(&self) -> &Arc<Mlp> {
        &self.network
    }

    /// The ten logits of `image`, 784 pixels; kept for [`Evaluator::input_gradient`].
    ///
    /// # Panics
    /// If `image` has another length.
    pub fn logits(&mut self, image: &[f32]) -> &[f32; LABELS] {
        assert_eq!(image.len(), PIXELS, "an image has 784 pixels");
        let layers = self.network.layers();
        for k in 0..layers.len() {
            let (before, after) = self.outputs.split_at_mut(k);
            let input = if k == 0 { image } else { &before[k - 1][..layers[k].inputs] };
            affine(&self.columns[k], input, &self.biases[k], &mut after[0]);
            if k + 1 < layers.len() {
                activate(self.network.activation(), &mut after[0][..layers[k].outputs]);
            }
        }
        self.logits.copy_from_slice(&self.outputs[layers.len() - 1][..LABELS]);
        &self.logits
    }

    /// `Jᵀ v`, the gradient over the input of `Σ v_k z_k`, at the image last given to
    /// [`Evaluator::logits`]. `v` is the gradient of a loss over the logits; `gradient` has 784 places.
    pub fn input_gradient(&mut self, v: &[f32; LABELS], gradient: &mut [f32]) {
        let layers = self.network.layers();
        let last = layers.len() - 1;
        self.deltas[last][..LABELS].copy_from_slice(v);
        for k in (1..=last).rev() {
            let (before, after) = self.deltas.split_at_mut(k);
            let delta = &mut before[k - 1][..layers[k].inputs];
            transposed(&self.columns[k], &after[0], delta);
            differentiate(self.network.activation(), &self.outputs[k - 1], delta);
        }
        transposed(&self.columns[0], &self.deltas[0], &mut gradient[..PIXELS]);
    }
}

/// `output = b + Σ_i columns_i · input_i`.
fn affine(columns: &[f32], input: &[f32], bias: &[f32], output: &mut [f32]) {
    output.copy_from_slice(bias);
    let width = bias.len();
    for (column, &value) in columns.chunks_exact(width).zip(input) {
        if value != 0.0 {
            for (o, w) in output.iter_mut().zip(column) {
                *o += w * value;
            }
        }
    }
}

/// `output_i = columns_i · delta`.
fn transposed(columns: &[f32], delta: &[f32], output: &mut [f32]) {
    for (out, column) in output.iter_mut().zip(columns.chunks_exact(delta.len())) {
        let mut sum = [0.0f32; LANES];
        for (w, d) in column.chunks_exact(LANES).zip(delta.chunks_exact(LANES)) {
            for lane in 0..LANES {
                sum[lane] += w[lane] * d[lane];
            }
        }
        *out = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    }
}

fn activate(activation: Activation, values: &mut [f32]) {
    match activation {
        Activation::Sigmoid => values.iter_mut().for_each(|v| *v = 1.0 / (1.0 + (-*v).exp())),
        Activation::Relu => values.iter_mut().for_each(|v| *v = v.max(0.0)),
        Activation::Tanh => values.iter_mut().for_each(|v| *v = v.tanh()),
    }
}

/// Multiplies `delta` by `φ′`, which each activation gives in terms of its own output.
fn differentiate(activation: Activation, output: &[f32], delta: &mut [f32]) {
    for (d, &a) in delta.iter_mut().zip(output) {
        *d *= match activation {
            Activation::Sigmoid => a * (1.0 - a),
            Activation::Relu => f32::from(a > 0.0),
            Activation::Tanh => 1.0 - a * a,
        };
    }
}
