//! Small multi-layer perceptrons: safetensors in, logits and input gradients out.
//!
//! A network is `z_k = W_k a_{k−1} + b_k`, `a_k = φ(z_k)` with `a_0 = x`; the last
//! `z` are the logits. `φ` is one activation for all hidden layers.

mod container;
pub mod kernel;
pub(crate) mod lanes;

use crate::{LABELS, PIXELS};
use container::{Container, Tensor};
use half::f16;
#[cfg(feature = "lab")]
use safetensors::{Dtype, tensor::TensorView};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use thiserror::Error;

/// Multiples of a row's scale on either side of zero, in [`Mlp::to_safetensors_i8`].
#[cfg(feature = "lab")]
const LEVELS: f32 = 63.0;

/// The non-linearity of the hidden layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

    fn parse(name: &str) -> Option<Self> {
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

/// Why some bytes are not a network. Each message is for the person who chose the file.
#[derive(Debug, Error, PartialEq)]
pub enum NetworkError {
    /// The container itself is broken: truncated, overlapping or oversized.
    #[error("this is not a whole safetensors file: {0}")]
    Container(String),
    /// A file without any tensor.
    #[error("the file holds no tensors; expected fc1.weight, fc1.bias, fc2.weight, …")]
    Empty,
    /// A tensor that is neither a weight nor a bias.
    #[error("found a tensor named {0:?}; expected only “….weight”, “….bias” and, beside I8 weights, “….weight_scale”")]
    UnexpectedTensor(String),
    /// A weight without its bias or a bias without its weight.
    #[error("layer {layer:?} has no {missing}; expected a weight [out, in] and a bias [out] for each layer")]
    Incomplete {
        /// The layer's name, e.g. `fc2`.
        layer: String,
        /// `weight` or `bias`.
        missing: &'static str,
    },
    /// A number format that is not read here.
    #[error("{tensor} is stored as {found}; expected {expected}")]
    Dtype {
        /// The tensor's name.
        tensor: String,
        /// The format found.
        found: String,
        /// The formats that are read there.
        expected: &'static str,
    },
    /// I8 weights without their scales, or scales beside weights of another format.
    #[error(
        "{weight} is stored as {found} and {scale} is {presence}; I8 weights, and only those, come with a scale for each row"
    )]
    Scale {
        /// The weight's name.
        weight: String,
        /// Its format.
        found: String,
        /// The scale's name.
        scale: String,
        /// `there` or `not there`.
        presence: &'static str,
    },
    /// A tensor whose shape does not fit its place.
    #[error("{tensor} has shape {found:?}; expected {expected}")]
    Shape {
        /// The tensor's name.
        tensor: String,
        /// The shape found.
        found: Vec<usize>,
        /// What would have fitted, in words.
        expected: String,
    },
    /// A weight that is NaN or infinite.
    #[error("{tensor} holds a value that is {value}; every weight must be a finite number")]
    NotFinite {
        /// The tensor's name.
        tensor: String,
        /// The offending value.
        value: f32,
    },
    /// No activation, or one that is not known, in a network with hidden layers.
    #[error("the file's metadata gives the activation as {found}; expected “sigmoid”, “relu” or “tanh”")]
    Activation {
        /// What was found, quoted, or `nothing`.
        found: String,
    },
}

impl Mlp {
    /// A network of the given layers, checked: shapes chain from 784 to 10, all values finite.
    pub fn new(name: impl Into<String>, activation: Activation, layers: Vec<Layer>) -> Result<Self, NetworkError> {
        let names: Vec<String> = (1..=layers.len()).map(|k| format!("fc{k}")).collect();
        check_layers(&names, &layers)?;
        Ok(Mlp { name: name.into(), activation, layers })
    }

    /// Reads a safetensors file.
    ///
    /// Layers are `fc1.weight` [out, in], `fc1.bias` [out], `fc2.…`, or any other names that end in
    /// `.weight` and `.bias`, taken in natural order (`layers.2` before `layers.10`). F32 or F16; or, of weights
    /// only, I8 with a scale for each row, `fc1.weight_scale` [out]: `W_ij = scale_i·q_ij`.
    /// The metadata's `activation` is required where there is a hidden layer.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, NetworkError> {
        let tensors = Container::parse(bytes).map_err(NetworkError::Container)?;
        let names = layer_names(&tensors)?;
        let mut layers = Vec::with_capacity(names.len());
        for name in &names {
            layers.push(read_layer(&tensors, name)?);
        }
        check_layers(&names, &layers)?;
        let activation = match tensors.entry("activation") {
            Some(text) => {
                Activation::parse(text).ok_or_else(|| NetworkError::Activation { found: format!("{text:?}") })?
            }
            None if layers.len() == 1 => Activation::Sigmoid, // no hidden layer uses it
            None => return Err(NetworkError::Activation { found: "nothing".into() }),
        };
        let name = tensors.entry("name").map_or_else(|| shape_name(&layers), str::to_owned);
        Ok(Mlp { name, activation, layers })
    }

    /// Writes the file that [`Mlp::from_safetensors`] reads, in F16, with further `metadata` entries.
    #[cfg(feature = "lab")]
    pub fn to_safetensors_f16(&self, metadata: &[(&str, String)]) -> Result<Vec<u8>, NetworkError> {
        let encode = |values: &[f32]| values.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect::<Vec<u8>>();
        let mut tensors = Vec::new();
        for (k, layer) in self.layers.iter().enumerate() {
            let shape = vec![layer.outputs, layer.inputs];
            tensors.push((format!("fc{}.weight", k + 1), Dtype::F16, shape, encode(&layer.weight)));
            tensors.push((format!("fc{}.bias", k + 1), Dtype::F16, vec![layer.outputs], encode(&layer.bias)));
        }
        self.file(&tensors, metadata)
    }

    /// Writes it in 8 bits a weight: each row of `W` as the nearest multiples of a 63rd of its largest value; biases in
    /// F32. Twice as fine a grid, all that a signed byte holds, misreads as many test digits, and its file packs into a
    /// sixth more.
    #[cfg(feature = "lab")]
    pub fn to_safetensors_i8(&self, metadata: &[(&str, String)]) -> Result<Vec<u8>, NetworkError> {
        let encode = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        let mut tensors = Vec::new();
        for (k, layer) in self.layers.iter().enumerate() {
            let (mut scales, mut weights) = (Vec::new(), Vec::new());
            for row in layer.weight.chunks_exact(layer.inputs) {
                let largest = row.iter().fold(0.0f32, |m, w| m.max(w.abs()));
                // A row of zeros, or of numbers too small to be divided by, is zeros at any scale.
                let scale = if largest / LEVELS >= f32::MIN_POSITIVE { largest / LEVELS } else { 1.0 };
                scales.push(scale);
                weights.extend(row.iter().map(|w| (w / scale).round() as i8 as u8));
            }
            tensors.push((format!("fc{}.weight", k + 1), Dtype::I8, vec![layer.outputs, layer.inputs], weights));
            tensors.push((format!("fc{}.weight_scale", k + 1), Dtype::F32, vec![layer.outputs], encode(&scales)));
            tensors.push((format!("fc{}.bias", k + 1), Dtype::F32, vec![layer.outputs], encode(&layer.bias)));
        }
        self.file(&tensors, metadata)
    }

    #[cfg(feature = "lab")]
    fn file(
        &self,
        tensors: &[(String, Dtype, Vec<usize>, Vec<u8>)],
        metadata: &[(&str, String)],
    ) -> Result<Vec<u8>, NetworkError> {
        let container = |e: safetensors::SafeTensorError| NetworkError::Container(e.to_string());
        let mut views = Vec::new();
        for (name, dtype, shape, bytes) in tensors {
            views.push((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).map_err(container)?));
        }
        let mut header: std::collections::HashMap<String, String> =
            metadata.iter().map(|(k, v)| (k.to_string(), v.clone())).collect();
        header.insert("activation".into(), self.activation.name().into());
        header.insert("name".into(), self.name.clone());
        safetensors::serialize(views, Some(header)).map_err(container)
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

/// Softmax of the logits: ten probabilities that sum to one.
pub fn probabilities(logits: &[f32; LABELS]) -> [f32; LABELS] {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials = logits.map(|z| (z - largest).exp());
    let sum: f32 = exponentials.iter().sum();
    exponentials.map(|e| e / sum)
}

/// The label of the largest logit; the smallest label of those that tie.
pub fn label(logits: &[f32; LABELS]) -> usize {
    let mut best = 0;
    for l in 1..LABELS {
        if logits[l] > logits[best] {
            best = l;
        }
    }
    best
}

/// The distinct layer names, in natural order, of tensors called `….weight`, `….bias` and `….weight_scale`.
fn layer_names(container: &Container) -> Result<Vec<String>, NetworkError> {
    let mut names = Vec::new();
    for tensor in container.tensors.iter().map(|tensor| tensor.name.as_str()) {
        let Some((layer, "weight" | "bias" | "weight_scale")) = tensor.rsplit_once('.') else {
            return Err(NetworkError::UnexpectedTensor(tensor.into()));
        };
        if !names.iter().any(|n| n == layer) {
            names.push(layer.to_string());
        }
    }
    if names.is_empty() {
        return Err(NetworkError::Empty);
    }
    names.sort_by(|a, b| natural_order(a, b));
    Ok(names)
}

/// Compares names so that runs of decimal digits count as numbers: `layers.2` < `layers.10`.
fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (da, db) = (leading_digits(a), leading_digits(b));
        if da > 0 && db > 0 {
            let (na, nb) = (a[..da].trim_start_matches('0'), b[..db].trim_start_matches('0'));
            let order = na.len().cmp(&nb.len()).then_with(|| na.cmp(nb));
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (&a[da..], &b[db..]);
            continue;
        }
        match (a.chars().next(), b.chars().next()) {
            (Some(ca), Some(cb)) if ca == cb => (a, b) = (&a[ca.len_utf8()..], &b[cb.len_utf8()..]),
            (ca, cb) => return ca.cmp(&cb),
        }
    }
}

fn leading_digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn read_layer(tensors: &Container, name: &str) -> Result<Layer, NetworkError> {
    let weight_name = format!("{name}.weight");
    let bias_name = format!("{name}.bias");
    let find = |tensor: &str, missing| {
        tensors.tensor(tensor).ok_or_else(|| NetworkError::Incomplete { layer: name.into(), missing })
    };
    let (weight, bias) = (find(&weight_name, "weight")?, find(&bias_name, "bias")?);
    let &[outputs, inputs] = weight.shape.as_slice() else {
        return Err(NetworkError::Shape {
            tensor: weight_name,
            found: weight.shape.clone(),
            expected: "two dimensions, [out, in]".into(),
        });
    };
    let one_each = |tensor: &str, found: &[usize]| {
        if found == [outputs] {
            return Ok(());
        }
        let expected = format!("[{outputs}], one for each row of {weight_name}");
        Err(NetworkError::Shape { tensor: tensor.into(), found: found.to_vec(), expected })
    };
    one_each(&bias_name, &bias.shape)?;
    let scale_name = format!("{name}.weight_scale");
    let scale = tensors.tensor(&scale_name);
    let is_i8 = weight.dtype == "I8";
    let weight = match (is_i8, scale) {
        (true, Some(scale)) => {
            one_each(&scale_name, &scale.shape)?;
            decode_rows(&weight_name, weight.data, inputs, &decode(&scale_name, scale, "F32 or F16")?)?
        }
        (true, None) | (false, Some(_)) => {
            return Err(NetworkError::Scale {
                weight: weight_name,
                found: weight.dtype.clone(),
                scale: scale_name,
                presence: if is_i8 { "not there" } else { "there" },
            });
        }
        (false, None) => decode(&weight_name, weight, "F32 or F16, or I8 with scales")?,
    };
    Ok(Layer { inputs, outputs, weight, bias: decode(&bias_name, bias, "F32 or F16")? })
}

fn decode(name: &str, tensor: &Tensor, expected: &'static str) -> Result<Vec<f32>, NetworkError> {
    let values: Vec<f32> = match tensor.dtype.as_str() {
        "F32" => tensor.data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        "F16" => tensor.data.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
        other => return Err(NetworkError::Dtype { tensor: name.into(), found: other.into(), expected }),
    };
    finite(name, values)
}

/// Rows of signed bytes, each times its scale.
fn decode_rows(name: &str, bytes: &[u8], inputs: usize, scales: &[f32]) -> Result<Vec<f32>, NetworkError> {
    if inputs == 0 {
        return Ok(Vec::new()); // refused with the other shapes
    }
    let rows = bytes.chunks_exact(inputs).zip(scales);
    finite(name, rows.flat_map(|(row, scale)| row.iter().map(move |&q| scale * f32::from(q as i8))).collect())
}

fn finite(name: &str, values: Vec<f32>) -> Result<Vec<f32>, NetworkError> {
    match values.iter().find(|v| !v.is_finite()) {
        Some(&value) => Err(NetworkError::NotFinite { tensor: name.into(), value }),
        None => Ok(values),
    }
}

/// Shapes chain from 784 to 10, nothing is empty, every value is finite.
fn check_layers(names: &[String], layers: &[Layer]) -> Result<(), NetworkError> {
    let mut width = PIXELS;
    for (k, (name, layer)) in names.iter().zip(layers).enumerate() {
        let wrong = |expected: String| NetworkError::Shape {
            tensor: format!("{name}.weight"),
            found: vec![layer.outputs, layer.inputs],
            expected,
        };
        if layer.inputs != width {
            let why =
                if k == 0 { "one for each pixel of 28×28".into() } else { format!("the width of {}", names[k - 1]) };
            return Err(wrong(format!("[out, {width}], {why}")));
        }
        if layer.outputs == 0 {
            return Err(wrong("at least one output".into()));
        }
        if k + 1 == layers.len() && layer.outputs != LABELS {
            return Err(wrong(format!("[{LABELS}, {width}] in the last layer, one row for each digit")));
        }
        for (part, values, expected) in
            [("weight", &layer.weight, layer.outputs * layer.inputs), ("bias", &layer.bias, layer.outputs)]
        {
            let tensor = format!("{name}.{part}");
            if values.len() != expected {
                return Err(NetworkError::Shape {
                    tensor,
                    found: vec![values.len()],
                    expected: format!("{expected} values"),
                });
            }
            if let Some(&value) = values.iter().find(|v| !v.is_finite()) {
                return Err(NetworkError::NotFinite { tensor, value });
            }
        }
        width = layer.outputs;
    }
    if layers.is_empty() { Err(NetworkError::Empty) } else { Ok(()) }
}

/// A name for a network whose file gives none, e.g. `784-100-100-10`.
fn shape_name(layers: &[Layer]) -> String {
    let mut name = PIXELS.to_string();
    for layer in layers {
        name.push_str(&format!("-{}", layer.outputs));
    }
    name
}
