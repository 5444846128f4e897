//! A network in f64, as the certificate needs it.

use super::curve::Curve;
use crate::{
    network::{Activation, Mlp},
    vector::{add_scaled, dot},
};

/// `z = W a + b`, W row by row.
pub(super) struct Affine {
    pub inputs: usize,
    pub weight: Vec<f64>,
    pub bias: Vec<f64>,
}

impl Affine {
    pub(super) fn outputs(&self) -> usize {
        self.bias.len()
    }

    pub(super) fn row(&self, k: usize) -> &[f64] {
        &self.weight[k * self.inputs..][..self.inputs]
    }

    pub(super) fn forward(&self, input: &[f64]) -> Vec<f64> {
        (0..self.outputs()).map(|k| self.bias[k] + dot(self.row(k), input)).collect()
    }

    /// `Wᵀ v`.
    pub(super) fn backward(&self, v: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.inputs];
        for (k, &v) in v.iter().enumerate() {
            if v != 0.0 {
                add_scaled(&mut out, v, self.row(k));
            }
        }
        out
    }
}

/// The same function of the pixels as an [`Mlp`]'s in real numbers, with `tanh` written as a sigmoid.
pub(super) struct Model {
    pub layers: Vec<Affine>,
    pub curve: Curve,
}

impl Model {
    pub(super) fn new(network: &Mlp) -> Self {
        let mut layers: Vec<Affine> = network
            .layers()
            .iter()
            .map(|layer| Affine {
                inputs: layer.inputs,
                weight: layer.weight.iter().map(|&w| f64::from(w)).collect(),
                bias: layer.bias.iter().map(|&b| f64::from(b)).collect(),
            })
            .collect();
        if network.activation() == Activation::Tanh {
            let last = layers.len() - 1;
            for (k, layer) in layers.iter_mut().enumerate() {
                tanh_to_sigmoid(layer, k > 0, k < last);
            }
        }
        Model { layers, curve: Curve::of(network.activation()) }
    }

    pub(super) fn hidden(&self) -> usize {
        self.layers.len() - 1
    }

    /// The pre-activations of every layer; the last are the logits.
    pub(super) fn forward(&self, image: &[f64]) -> Vec<Vec<f64>> {
        let mut all: Vec<Vec<f64>> = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let z = match all.last() {
                None => layer.forward(image),
                Some(before) => layer.forward(&before.iter().map(|&z| self.curve.value(z)).collect::<Vec<_>>()),
            };
            all.push(z);
        }
        all
    }

    /// The gradient over the pixels of `v·logits`, where `z` are the pre-activations.
    pub(super) fn gradient(&self, z: &[Vec<f64>], v: &[f64]) -> Vec<f64> {
        let mut delta = self.layers[self.hidden()].backward(v);
        for k in (0..self.hidden()).rev() {
            for (d, &z) in delta.iter_mut().zip(&z[k]) {
                *d *= self.curve.slope(z);
            }
            delta = self.layers[k].backward(&delta);
        }
        delta
    }
}

/// `tanh z = 2σ(2z) − 1`: a layer that feeds a tanh is doubled; one that is fed by it takes `2a − 1` for a.
fn tanh_to_sigmoid(layer: &mut Affine, is_fed: bool, feeds: bool) {
    if is_fed {
        for k in 0..layer.outputs() {
            layer.bias[k] -= layer.row(k).iter().sum::<f64>();
        }
        layer.weight.iter_mut().for_each(|w| *w *= 2.0);
    }
    if feeds {
        layer.weight.iter_mut().chain(&mut layer.bias).for_each(|v| *v *= 2.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LABELS, PIXELS, experiment::random, network::Layer};
    use rand::Rng;

    #[test]
    fn it_is_the_networks_own_function_with_tanh_written_as_a_sigmoid() {
        let mut rng = random(2);
        for activation in [Activation::Sigmoid, Activation::Tanh, Activation::Relu] {
            let widths = [PIXELS, 7, 5, 6, LABELS];
            let layers = widths.windows(2).map(|w| Layer {
                inputs: w[0],
                outputs: w[1],
                weight: (0..w[0] * w[1]).map(|_| rng.random_range(-0.5..0.5)).collect(),
                bias: (0..w[1]).map(|_| rng.random_range(-0.5..0.5)).collect(),
            });
            let network = Mlp::new("random", activation, layers.collect()).unwrap();
            let image: Vec<f32> = (0..PIXELS).map(|_| rng.random()).collect();
            let exact: Vec<f64> = image.iter().map(|&v| f64::from(v)).collect();
            let model = Model::new(&network);
            let z = model.forward(&exact);
            for (own, expected) in z[3].iter().zip(network.logits(&image)) {
                assert!((own - f64::from(expected)).abs() < 1e-5, "{activation:?}: {own}, not {expected}");
            }
            // The gradient, by differences.
            let v: Vec<f64> = (0..LABELS).map(|l| l as f64 - 4.0).collect();
            let gradient = model.gradient(&z, &v);
            for i in [0, 100, 783] {
                let at = |step: f64| {
                    let mut moved = exact.clone();
                    moved[i] += step;
                    dot(&model.forward(&moved)[3], &v)
                };
                let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
                assert!((slope - gradient[i]).abs() < 1e-4 * (1.0 + slope.abs()), "{activation:?}: {slope}");
            }
        }
    }
}
