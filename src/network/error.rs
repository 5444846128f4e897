//! The sentences with which a file is refused.

use crate::decimal::Decimal;
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
    /// Layers of one shape whose names don't say which comes first.
    #[error(
        "the layers {first:?} and {second:?} have one shape, and their names do not say which comes first; number them, or add an \
         architecture to the file's metadata"
    )]
    Order {
        /// The name of one.
        first: String,
        /// The name of the other.
        second: String,
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
    /// A file that is no plain perceptron, in a build without the feature `sequential`, which leaves the reason to one that has it.
    #[error("this build reads plain perceptrons alone")]
    Outgrown,
}

/// A part of a sentence; none, nor the code that would put it together, in a build that gives no reasons.
pub(super) fn words(say: impl FnOnce() -> String) -> String {
    if cfg!(feature = "sequential") { say() } else { String::new() }
}
