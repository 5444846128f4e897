//! The hot loops: logits, and the gradient of any function of the logits with
//! respect to the input.
//!
//! One evaluation of a search is [`Evaluator::logits`] followed by
//! [`Evaluator::input_gradient`] with the loss's gradient over the logits.

use super::{
    Activation, Mlp,
    lanes::{LANES, Lanes, exp},
};
use crate::{LABELS, PIXELS};
use std::sync::Arc;

/// A network with room for one evaluation. All memory is allocated at the start.
pub struct Evaluator {
    network: Arc<Mlp>,
    /// Per layer, `W` transposed to `[inputs, padded outputs]`: one layout serves both directions, and an input that
    /// is zero, as most pixels are, costs nothing on the way forward. Rows are padded to a multiple of four.
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

impl Evaluator {
    /// Room to evaluate `network`.
    pub fn new(network: Arc<Mlp>) -> Self {
        let layers = network.layers();
        let padded = |n: usize| n.div_ceil(LANES) * LANES;
        let columns = layers
            .iter()
            .map(|layer| {
                let width = padded(layer.outputs);
                let mut columns = vec![0.0; padded(layer.inputs) * width];
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
        let widest = layers.iter().map(|l| padded(l.inputs)).max().unwrap_or(0);
        let nonzero = Vec::with_capacity(widest);
        Evaluator { columns, biases, outputs, deltas, nonzero, logits: [0.0; LABELS], network }
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
            affine(&self.columns[k], input, &self.biases[k], &mut self.nonzero, &mut after[0]);
            if k + 1 < layers.len() {
                activate(self.network.activation(), &mut after[0]);
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
            let delta = &mut before[k - 1];
            transposed(&self.columns[k], &after[0], delta);
            differentiate(self.network.activation(), &self.outputs[k - 1], delta);
        }
        transposed(&self.columns[0], &self.deltas[0], &mut gradient[..PIXELS]);
    }
}

/// `output = b + Σ_i columns_i · input_i`, four inputs at a time, skipping those that are zero.
fn affine(columns: &[f32], input: &[f32], bias: &[f32], nonzero: &mut Vec<u32>, output: &mut [f32]) {
    output.copy_from_slice(bias);
    let width = bias.len();
    nonzero.clear();
    nonzero.extend((0u32..).zip(input).filter(|(_, v)| **v != 0.0).map(|(i, _)| i));
    let column = |i: u32| columns[i as usize * width..][..width].as_chunks::<LANES>().0;
    let outputs = output.as_chunks_mut::<LANES>().0;
    let (blocks, rest) = nonzero.as_chunks::<4>();
    for &[i, j, k, l] in blocks {
        let [p, q, r, s] = [i, j, k, l].map(|i| Lanes::splat(input[i as usize]));
        let (a, b, c, d) = (column(i), column(j), column(k), column(l));
        for ((((o, a), b), c), d) in outputs.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            Lanes::load(o)
                .add_product(Lanes::load(a), p)
                .add_product(Lanes::load(b), q)
                .add_product(Lanes::load(c), r)
                .add_product(Lanes::load(d), s)
                .store(o);
        }
    }
    for &i in rest {
        let value = Lanes::splat(input[i as usize]);
        for (o, a) in outputs.iter_mut().zip(column(i)) {
            Lanes::load(o).add_product(Lanes::load(a), value).store(o);
        }
    }
}

/// `output_i = columns_i · delta`, four inputs at a time. `output` is padded to a multiple of four.
fn transposed(columns: &[f32], delta: &[f32], output: &mut [f32]) {
    let width = delta.len();
    let deltas = delta.as_chunks::<LANES>().0;
    for (out, block) in output.as_chunks_mut::<LANES>().0.iter_mut().zip(columns.chunks_exact(LANES * width)) {
        let column = |i: usize| block[i * width..][..width].as_chunks::<LANES>().0;
        let [mut p, mut q, mut r, mut s] = [Lanes::splat(0.0); 4];
        let (a, b, c, d) = (column(0), column(1), column(2), column(3));
        for ((((delta, a), b), c), d) in deltas.iter().zip(a).zip(b).zip(c).zip(d) {
            let delta = Lanes::load(delta);
            p = p.add_product(Lanes::load(a), delta);
            q = q.add_product(Lanes::load(b), delta);
            r = r.add_product(Lanes::load(c), delta);
            s = s.add_product(Lanes::load(d), delta);
        }
        Lanes::sums([p, q, r, s]).store(out);
    }
}

/// `φ` of a padded layer; what it makes of the padding meets only weights that are zero.
fn activate(activation: Activation, values: &mut [f32]) {
    for v in values.as_chunks_mut::<LANES>().0 {
        *v = match activation {
            Activation::Sigmoid => v.map(|v| 1.0 / (1.0 + exp(-v))),
            Activation::Relu => v.map(|v| v.max(0.0)),
            Activation::Tanh => v.map(|v| 1.0 - 2.0 / (1.0 + exp(2.0 * v))),
        };
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
