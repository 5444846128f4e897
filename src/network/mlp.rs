//! Multi-layer perceptrons.
//!
//! A network is `z_k = W_k a_{k−1} + b_k`, `a_k = φ(z_k)` with `a_0 = x`; the last
//! `z` are the logits. `φ` is one activation for all hidden layers.

use super::{NetworkError, error::words};
use crate::{LABELS, PIXELS};
use serde::{Deserialize, Serialize};

/// The non-linearity of the hidden layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// `1 / (1 + e^−z)`
    Sigmoid,
    /// `max(0, z)`
    Relu,
    /// `tanh z`
    Tanh,
}

impl Activation {
    /// The name that a network file's metadata uses.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Sigmoid => "sigmoid",
            Activation::Relu => "relu",
            Activation::Tanh => "tanh",
        }
    }

    /// `φ(z)`.
    pub fn apply(self, z: f64) -> f64 {
        match self {
            Activation::Sigmoid => 1.0 / (1.0 + (-z).exp()),
            Activation::Relu => z.max(0.0),
            Activation::Tanh => z.tanh(),
        }
    }

    /// The activation of that name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        [Activation::Sigmoid, Activation::Relu, Activation::Tanh].into_iter().find(|a| a.name() == name)
    }
}

/// One affine layer, `z = W a + b`.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Width of `a`.
    pub inputs: usize,
    /// Width of `z`.
    pub outputs: usize,
    /// `W`, row-major, `[outputs, inputs]`.
    pub weight: Vec<f32>,
    /// `b`, `[outputs]`.
    pub bias: Vec<f32>,
}

/// A network from 784 pixels to 10 logits.
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp {
    name: String,
    activation: Activation,
    layers: Vec<Layer>,
}

impl Mlp {
    /// A network of the given layers, checked: shapes chain from 784 to 10, all values finite.
    pub fn new(name: impl Into<String>, activation: Activation, layers: Vec<Layer>) -> Result<Self, NetworkError> {
        let names: Vec<String> = (1..=layers.len()).map(|k| format!("fc{k}")).collect();
        check_layers(&names, &layers)?;
        Ok(Mlp::checked(name.into(), activation, layers))
    }

    /// A network of layers that [`check_layers`] has let pass.
    pub(super) fn checked(name: String, activation: Activation, layers: Vec<Layer>) -> Self {
        Mlp { name, activation, layers }
    }

    /// What the network is called, e.g. `FC100-100-10`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The activation of its hidden layers.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// Its layers, first to last.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The ten logits of one image of 784 pixels, by a plain forward pass that sums in f64 and shares no code with
    /// the kernel: what results are checked with.
    ///
    /// # Panics
    /// If `image` has another length.
    pub fn logits(&self, image: &[f32]) -> [f32; LABELS] {
        assert_eq!(image.len(), PIXELS, "an image has 784 pixels");
        let mut values: Vec<f64> = image.iter().map(|&v| f64::from(v)).collect();
        for (k, layer) in self.layers.iter().enumerate() {
            let rows = layer.weight.chunks_exact(layer.inputs).zip(&layer.bias);
            let affine =
                rows.map(|(row, &b)| row.iter().zip(&values).fold(f64::from(b), |z, (&w, a)| z + f64::from(w) * a));
            values = if k + 1 < self.layers.len() {
                affine.map(|z| self.activation.apply(z)).collect()
            } else {
                affine.collect()
            };
        }
        std::array::from_fn(|l| values[l] as f32)
    }
}

/// Shapes chain from 784 to 10, nothing is empty, every value is finite.
pub(super) fn check_layers(names: &[String], layers: &[Layer]) -> Result<(), NetworkError> {
    let mut width = PIXELS;
    for (k, (name, layer)) in names.iter().zip(layers).enumerate() {
        let wrong = |expected: String| NetworkError::Shape {
            tensor: words(|| format!("{name}.weight")),
            found: vec![layer.outputs, layer.inputs],
            expected,
        };
        if layer.inputs != width {
            return Err(wrong(words(|| match k {
                0 => format!("[out, {width}], one for each pixel of 28×28"),
                _ => format!("[out, {width}], the width of {}", names[k - 1]),
            })));
        }
        if layer.outputs == 0 {
            return Err(wrong(words(|| "at least one output".into())));
        }
        if k + 1 == layers.len() && layer.outputs != LABELS {
            return Err(wrong(words(|| format!("[{LABELS}, {width}] in the last layer, one row for each digit"))));
        }
        for (part, values, expected) in
            [("weight", &layer.weight, layer.outputs * layer.inputs), ("bias", &layer.bias, layer.outputs)]
        {
            let tensor = || words(|| format!("{name}.{part}"));
            if values.len() != expected {
                return Err(NetworkError::Shape {
                    tensor: tensor(),
                    found: vec![values.len()],
                    expected: words(|| format!("{expected} values")),
                });
            }
            if let Some(&value) = values.iter().find(|v| !v.is_finite()) {
                return Err(NetworkError::NotFinite { tensor: tensor(), value });
            }
        }
        width = layer.outputs;
    }
    if layers.is_empty() { Err(NetworkError::Empty) } else { Ok(()) }
}

/// A name for a network whose file gives none, e.g. `784-100-100-10`.
pub(super) fn shape_name(layers: &[Layer]) -> String {
    let mut name = PIXELS.to_string();
    for layer in layers {
        name.push_str(&format!("-{}", layer.outputs));
    }
    name
}
