//! A network while it learns: candle's variables, and the passes that gradients flow back through.

use super::{FeedError, product::Batch};
use crate::{
    LABELS, PIXELS,
    network::{Activation, Layer, Mlp},
};
use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::ops;
use rand::Rng;
use std::sync::Arc;

/// What a network, or its upper layers, are given.
#[derive(Clone)]
pub(crate) enum Inputs {
    /// Images, for whose sake nothing is differentiated.
    Images(Arc<Batch>),
    /// What layers below make of them, `[n, inputs]`.
    Values(Tensor),
}

/// Per layer a weight, transposed to `[in, out]`, and a bias `[out]`.
pub(crate) struct Trainable {
    activation: Activation,
    pub(crate) layers: Vec<(Var, Var)>,
}

impl Trainable {
    /// Weights drawn as Glorot and Bengio (2010) propose, biases zero, for 784 pixels, hidden layers of these widths,
    /// and ten labels.
    pub(crate) fn random(hidden: &[usize], activation: Activation, random: &mut impl Rng) -> Result<Self> {
        let mut layers = Vec::new();
        let mut inputs = PIXELS;
        for outputs in hidden.iter().copied().chain([LABELS]) {
            let limit = (6.0 / (inputs + outputs) as f32).sqrt();
            let weight: Vec<f32> = (0..inputs * outputs).map(|_| random.random_range(-limit..limit)).collect();
            let weight = Var::from_vec(weight, (inputs, outputs), &Device::Cpu)?;
            layers.push((weight, Var::zeros(outputs, DType::F32, &Device::Cpu)?));
            inputs = outputs;
        }
        Ok(Trainable { activation, layers })
    }

    /// The weights of a network, to learn on from.
    pub(crate) fn from_mlp(network: &Mlp) -> Result<Self> {
        let variables = |layer: &Layer| {
            let weight = Tensor::from_slice(&layer.weight, (layer.outputs, layer.inputs), &Device::Cpu)?;
            let bias = Var::from_slice(&layer.bias, layer.outputs, &Device::Cpu)?;
            Ok((Var::from_tensor(&weight.t()?.contiguous()?)?, bias))
        };
        let layers = network.layers().iter().map(variables).collect::<Result<_>>()?;
        Ok(Trainable { activation: network.activation(), layers })
    }

    /// The non-linearity of the hidden layers.
    pub(crate) fn activation(&self) -> Activation {
        self.activation
    }

    /// The network as it stands; refused if a weight is no finite number.
    pub(crate) fn mlp(&self, name: &str) -> std::result::Result<Mlp, FeedError> {
        Ok(Mlp::new(name, self.activation, self.numbers()?)?)
    }

    /// The layers' numbers as they stand, finite or not.
    pub(crate) fn numbers(&self) -> Result<Vec<Layer>> {
        let layer = |(weight, bias): &(Var, Var)| {
            let (inputs, outputs) = weight.dims2()?;
            let weight = weight.t()?.flatten_all()?.to_vec1()?;
            Ok(Layer { inputs, outputs, weight, bias: bias.to_vec1()? })
        };
        self.layers.iter().map(layer).collect()
    }

    /// All weights and biases, first layer to last.
    pub(crate) fn variables(&self) -> Vec<Var> {
        self.layers.iter().flat_map(|(weight, bias)| [weight.clone(), bias.clone()]).collect()
    }

    /// The first `count` layers and the others; both share this network's weights.
    pub(crate) fn split_at(&self, count: usize) -> (Trainable, Trainable) {
        let (below, above) = self.layers.split_at(count);
        let network = |layers: &[(Var, Var)]| Trainable { activation: self.activation, layers: layers.to_vec() };
        (network(below), network(above))
    }

    /// The last layer's activations; the inputs themselves without layers.
    pub(crate) fn activations(&self, inputs: &Inputs) -> Result<Inputs> {
        if self.layers.is_empty() {
            return Ok(inputs.clone());
        }
        Ok(Inputs::Values(self.activate(&self.logits(inputs, &[])?)?))
    }

    /// The last layer's values before any activation: for a whole network the logits, `[n, 10]`. The input of layer
    /// k + 1 is multiplied by mask k, `[n, width]`, as far as there are masks.
    pub(crate) fn logits(&self, inputs: &Inputs, masks: &[Tensor]) -> Result<Tensor> {
        let mut inputs = inputs.clone();
        for (k, (weight, bias)) in self.layers.iter().enumerate() {
            let product = match &inputs {
                Inputs::Images(batch) => batch.times(weight)?,
                Inputs::Values(values) => values.matmul(weight)?,
            };
            let mut values = product.broadcast_add(bias)?;
            if k + 1 < self.layers.len() {
                values = self.activate(&values)?;
                if let Some(mask) = masks.get(k) {
                    values = (values * mask)?;
                }
            }
            inputs = Inputs::Values(values);
        }
        match inputs {
            Inputs::Values(values) => Ok(values),
            Inputs::Images(_) => candle_core::bail!("a network without layers has no logits"),
        }
    }

    fn activate(&self, values: &Tensor) -> Result<Tensor> {
        match self.activation {
            Activation::Sigmoid => ops::sigmoid(values),
            Activation::Relu => values.relu(),
            Activation::Tanh => values.tanh(),
        }
    }

    /// `Σ λ·Σw²/k` over the layers, k being a layer's units (section 4.2).
    pub(crate) fn decay(&self, lambdas: &[f64]) -> Result<Tensor> {
        let mut sum = Tensor::zeros((), DType::F32, &Device::Cpu)?;
        for ((weight, bias), lambda) in self.layers.iter().zip(lambdas).filter(|(_, lambda)| **lambda != 0.0) {
            sum = (sum + (weight.sqr()?.sum_all()? * (lambda / bias.elem_count() as f64))?)?;
        }
        Ok(sum)
    }
}
