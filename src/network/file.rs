//! A network's file: the names and shapes of its tensors, and the sentence with which anything else is refused.

#[cfg(feature = "lab")]
use super::Sequential;
use super::{
    Activation, Layer, Mlp, Network,
    container::{Container, Tensor},
    mlp::{check_layers, shape_name},
    quantisation,
};
#[cfg(feature = "sequential")]
use super::{Operation, architecture};
use crate::decimal::Decimal;
use half::f16;
#[cfg(feature = "lab")]
use safetensors::{Dtype, tensor::TensorView};
use std::{cmp::Ordering, sync::Arc};
use thiserror::Error;

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
    /// A weight without its bias, a bias without its weight, or another tensor of a layer that is not there.
    #[error("layer {layer:?} has no {missing}; expected a weight [out, in] and a bias [out] for each layer")]
    Incomplete {
        /// The layer's name, e.g. `fc2`.
        layer: String,
        /// `weight`, `bias` or another part.
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
    #[error("{tensor} holds a value that is {}; every weight must be a finite number", Decimal(*value))]
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
    /// An architecture that is not one, or that its tensors do not fit.
    #[error("the architecture in the file's metadata does not work at “{line}”: {problem}")]
    Architecture {
        /// The line.
        line: String,
        /// What is wrong with it, in words.
        problem: String,
    },
    /// A tensor that no operation of the architecture uses.
    #[error("no line of the architecture in the file's metadata names the tensor {0:?}")]
    UnusedTensor(String),
    /// A file with an architecture, in a build without the feature `sequential`.
    #[error("this build reads plain perceptrons alone")]
    Outgrown,
}

impl Network {
    /// Reads a safetensors file: a plain perceptron as [`Mlp::from_safetensors`] does, or one operation after another
    /// where the metadata has an `architecture` (what that is: `src/network/architecture.rs`). An architecture that comes
    /// to a plain perceptron becomes one.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, NetworkError> {
        let tensors = Container::parse(bytes).map_err(NetworkError::Container)?;
        let Some(text) = tensors.entry("architecture") else { return Mlp::read(&tensors).map(Network::from) };
        Network::read(&tensors, text)
    }
}

impl Network {
    #[cfg(feature = "sequential")]
    fn read(tensors: &Container, architecture: &str) -> Result<Self, NetworkError> {
        let sequential = architecture::read(tensors, architecture)?;
        Ok(sequential.as_mlp().map_or_else(|| sequential.into(), Network::from))
    }

    #[cfg(not(feature = "sequential"))]
    fn read(_: &Container, _: &str) -> Result<Self, NetworkError> {
        Err(NetworkError::Outgrown)
    }
}

impl Mlp {
    /// Reads a safetensors file.
    ///
    /// Layers are `fc1.weight` [out, in], `fc1.bias` [out], `fc2.…`, or any other names that end in
    /// `.weight` and `.bias`, taken in natural order (`layers.2` before `layers.10`). F32 or F16; or, of weights
    /// only, I8 with a scale for each row, `fc1.weight_scale` [out]: `W_ij = scale_i·q_ij`.
    /// The metadata's `activation` is required where there is a hidden layer. A file with an `architecture` is read if
    /// that comes to such a network.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, NetworkError> {
        match Network::from_safetensors(bytes)? {
            Network::Mlp(mlp) => Ok(Arc::unwrap_or_clone(mlp)),
            #[cfg(feature = "sequential")]
            Network::Sequential(other) => Err(NetworkError::Architecture {
                line: other.operations().last().map_or("", Operation::kind).into(),
                problem: "only plain perceptrons are taken here".into(),
            }),
        }
    }

    fn read(tensors: &Container) -> Result<Self, NetworkError> {
        let names = layer_names(tensors)?;
        let mut layers = Vec::with_capacity(names.len());
        for name in &names {
            layers.push(read_layer(tensors, name)?);
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
        Ok(Mlp::checked(name, activation, layers))
    }

    /// Writes the file that [`Mlp::from_safetensors`] reads, in F16, with further `metadata` entries.
    #[cfg(feature = "lab")]
    pub fn to_safetensors_f16(&self, metadata: &[(&str, String)]) -> Result<Vec<u8>, NetworkError> {
        self.file(layer_f16, metadata)
    }

    /// A file of its layers as `write` has them, with the network's name and activation among its metadata.
    #[cfg(feature = "lab")]
    pub(super) fn file(&self, write: WriteLayer, metadata: &[(&str, String)]) -> Result<Vec<u8>, NetworkError> {
        let layers = (1..).zip(self.layers());
        let tensors =
            layers.flat_map(|(k, layer)| write(&format!("fc{k}"), vec![layer.outputs, layer.inputs], layer)).collect();
        file(tensors, &[("activation", self.activation().name()), ("name", self.name())], metadata)
    }
}

#[cfg(feature = "lab")]
impl Network {
    /// Writes the file that [`Network::from_safetensors`] reads, in F16, with further `metadata` entries.
    pub fn to_safetensors_f16(&self, metadata: &[(&str, String)]) -> Result<Vec<u8>, NetworkError> {
        match self {
            Network::Mlp(mlp) => mlp.file(layer_f16, metadata),
            Network::Sequential(sequential) => sequential.file(layer_f16, metadata),
        }
    }
}

#[cfg(feature = "lab")]
impl Sequential {
    /// A file of its layers as `write` has them, with the network's name and architecture among its metadata.
    pub(super) fn file(&self, write: WriteLayer, metadata: &[(&str, String)]) -> Result<Vec<u8>, NetworkError> {
        let (text, tensors) = architecture::write(self, write);
        file(tensors, &[("architecture", &text), ("name", self.name())], metadata)
    }
}

/// A tensor to write: its name, format, shape and bytes.
#[cfg(feature = "lab")]
pub(super) type Written = (String, Dtype, Vec<usize>, Vec<u8>);

/// Makes tensors of a layer, given what their names begin with, and the shape of the weight.
#[cfg(feature = "lab")]
pub(super) type WriteLayer = fn(&str, Vec<usize>, &Layer) -> Vec<Written>;

/// A layer's tensors in F16; its weight has this shape.
#[cfg(feature = "lab")]
fn layer_f16(name: &str, shape: Vec<usize>, layer: &Layer) -> Vec<Written> {
    let encode = |values: &[f32]| values.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect::<Vec<u8>>();
    vec![
        (format!("{name}.weight"), Dtype::F16, shape, encode(&layer.weight)),
        (format!("{name}.bias"), Dtype::F16, vec![layer.outputs], encode(&layer.bias)),
    ]
}

/// A file of these tensors, with what the network says of itself among its metadata.
#[cfg(feature = "lab")]
fn file(tensors: Vec<Written>, own: &[(&str, &str)], metadata: &[(&str, String)]) -> Result<Vec<u8>, NetworkError> {
    let container = |e: safetensors::SafeTensorError| NetworkError::Container(e.to_string());
    let mut views = Vec::new();
    for (name, dtype, shape, bytes) in &tensors {
        views.push((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).map_err(container)?));
    }
    let mut header: std::collections::HashMap<String, String> =
        metadata.iter().map(|(k, v)| (k.to_string(), v.clone())).collect();
    header.extend(own.iter().map(|(k, v)| (k.to_string(), v.to_string())));
    safetensors::serialize(views, Some(header)).map_err(container)
}

/// The distinct layer names, in natural order, of tensors called `….weight`, `….bias` and `….weight_scale`.
fn layer_names(container: &Container) -> Result<Vec<String>, NetworkError> {
    let mut names: Vec<String> = Vec::new();
    for tensor in container.tensors.iter().map(|tensor| tensor.name.as_str()) {
        let Some((layer, "weight" | "bias" | "weight_scale")) = tensor.rsplit_once('.') else {
            return Err(NetworkError::UnexpectedTensor(tensor.into()));
        };
        if !names.iter().any(|n| n == layer) {
            // By insertion: there are few, and a sort is two kilobytes of the page's module.
            let before = names.iter().rposition(|n| natural_order(n, layer).is_lt());
            names.insert(before.map_or(0, |before| before + 1), layer.to_string());
        }
    }
    if names.is_empty() {
        return Err(NetworkError::Empty);
    }
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
    let (shape, weight) = weight(tensors, name)?;
    let &[outputs, inputs] = shape.as_slice() else { return Err(not_two(format!("{name}.weight"), shape)) };
    Ok(Layer { inputs, outputs, weight, bias: bias(tensors, name, outputs)? })
}

/// The refusal of a weight that is no matrix.
pub(super) fn not_two(tensor: String, found: Vec<usize>) -> NetworkError {
    NetworkError::Shape { tensor, found, expected: "two dimensions, [out, in]".into() }
}

/// The weight of a layer, [out, …], row by row, and its shape.
pub(super) fn weight(tensors: &Container, layer: &str) -> Result<(Vec<usize>, Vec<f32>), NetworkError> {
    let name = format!("{layer}.weight");
    let weight = tensors.tensor(&name).ok_or_else(|| incomplete(layer, "weight"))?;
    let (outputs, inputs) = weight.shape.split_first().map_or((1, 1), |(&out, rest)| (out, rest.iter().product()));
    let scale_name = format!("{layer}.weight_scale");
    let scale = tensors.tensor(&scale_name);
    let is_i8 = weight.dtype == "I8";
    let values = match (is_i8, scale) {
        (true, Some(scale)) => {
            one_each(layer, &scale_name, &scale.shape, outputs)?;
            let scales = decode(&scale_name, scale, "F32 or F16")?;
            finite(&name, quantisation::decode_rows(weight.data, inputs, &scales))?
        }
        (true, None) | (false, Some(_)) => {
            return Err(NetworkError::Scale {
                weight: name,
                found: weight.dtype.clone(),
                scale: scale_name,
                presence: if is_i8 { "not there" } else { "there" },
            });
        }
        (false, None) => decode(&name, weight, "F32 or F16, or I8 with scales")?,
    };
    Ok((weight.shape.clone(), values))
}

/// The bias of a layer, one number for each of its outputs.
#[inline(never)]
pub(super) fn bias(tensors: &Container, layer: &str, outputs: usize) -> Result<Vec<f32>, NetworkError> {
    let name = format!("{layer}.bias");
    let bias = tensors.tensor(&name).ok_or_else(|| incomplete(layer, "bias"))?;
    one_each(layer, &name, &bias.shape, outputs)?;
    decode(&name, bias, "F32 or F16")
}

/// The numbers of a tensor of one dimension, if it is there.
#[cfg(feature = "sequential")]
#[inline(never)]
pub(super) fn vector(tensors: &Container, name: &str) -> Result<Option<Vec<f32>>, NetworkError> {
    let Some(tensor) = tensors.tensor(name) else { return Ok(None) };
    if tensor.shape.len() != 1 {
        let (tensor, found) = (name.into(), tensor.shape.clone());
        return Err(NetworkError::Shape { tensor, found, expected: "one dimension".into() });
    }
    decode(name, tensor, "F32 or F16").map(Some)
}

fn incomplete(layer: &str, missing: &'static str) -> NetworkError {
    NetworkError::Incomplete { layer: layer.into(), missing }
}

fn one_each(layer: &str, tensor: &str, found: &[usize], outputs: usize) -> Result<(), NetworkError> {
    if found == [outputs] {
        return Ok(());
    }
    let expected = format!("[{outputs}], one for each row of {layer}.weight");
    Err(NetworkError::Shape { tensor: tensor.into(), found: found.to_vec(), expected })
}

fn decode(name: &str, tensor: &Tensor, expected: &'static str) -> Result<Vec<f32>, NetworkError> {
    let values: Vec<f32> = match tensor.dtype.as_str() {
        "F32" => tensor.data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        "F16" => tensor.data.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
        other => return Err(NetworkError::Dtype { tensor: name.into(), found: other.into(), expected }),
    };
    finite(name, values)
}

/// Little-endian, as a file has them.
#[cfg(feature = "lab")]
pub(super) fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn finite(name: &str, values: Vec<f32>) -> Result<Vec<f32>, NetworkError> {
    match values.iter().find(|v| !v.is_finite()) {
        Some(&value) => Err(NetworkError::NotFinite { tensor: name.into(), value }),
        None => Ok(values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_compared_as_numbers_and_come_before_letters() {
        let sorted = ["", "-2", "2", "10", "fc", "fc-1", "fc2", "fc10", "fc10.a", "fc10.b", "head", "ä1"];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(natural_order(a, b), i.cmp(&j), "{a:?}, {b:?}");
            }
        }
    }
}
