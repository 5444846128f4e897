//! The sentences with which a file is refused: what was found, what was expected, what to do.

use super::Format;
use crate::network::NetworkError;
use thiserror::Error;

/// Why some files are not a network that can be searched here. Each message is for the person who chose them.
#[derive(Debug, Error, PartialEq)]
pub enum Error {
    /// No file at all.
    #[error(
        "there is no file; expected a network: .h5, .keras, .pt, .pth, .onnx, .tflite, .safetensors, or a TensorFlow.js model.json"
    )]
    Nothing,
    /// A text that stands for a file in a Git repository.
    #[error(
        "{0} is a Git LFS pointer: three lines that name the network, not the network; fetch the file itself with “git lfs pull”, \
         or by the download button of the page where it lies"
    )]
    LfsPointer(String),
    /// A page around a file.
    #[error(
        "{0} is a web page, not a network; download the file itself (a repository's page has a button for the raw file)"
    )]
    WebPage(String),
    /// None of the formats.
    #[error(
        "{file} is no network that is known here: it begins with {beginning}; expected .h5, .keras, .pt, .pth, .onnx, .tflite, \
         .safetensors, or a TensorFlow.js model.json with its shards"
    )]
    Unknown {
        /// The file's name.
        file: String,
        /// Its first bytes, as text or numbers.
        beginning: String,
    },
    /// A file that is known, but not of a network that could be read.
    #[error("this {format} holds {found}; {advice}")]
    Kind {
        /// The file's format.
        format: Format,
        /// What is in it.
        found: String,
        /// What to do.
        advice: &'static str,
    },
    /// A damaged file.
    #[error("this {format} is not whole: {problem}; copy or download it again")]
    Broken {
        /// The file's format.
        format: Format,
        /// What is wrong.
        problem: String,
    },
    /// Weights that are in another file.
    #[error("the weights are in {missing:?}, which is not here; choose both files together")]
    Missing {
        /// The file that is missing.
        missing: String,
    },
    /// An operation that is not done here.
    #[error("the network has {operation}, which cannot be done here; what can: {known}")]
    Operation {
        /// Its name, and that of its layer if it has one.
        operation: String,
        /// What can be done.
        known: &'static str,
    },
    /// An operation that does not fit what comes into it.
    #[error("{operation} does not fit: {problem}")]
    Fit {
        /// Its name.
        operation: String,
        /// What is wrong.
        problem: String,
    },
    /// Something that takes no digit.
    #[error(
        "the network takes values of shape {found}; expected one image, of 28×28 pixels or a size that it can be resized to"
    )]
    Input {
        /// What it takes, batch first.
        found: String,
    },
    /// Something that gives no ten values.
    #[error("the network gives {found} values; expected ten, one for each digit")]
    Output {
        /// How many it gives.
        found: usize,
    },
    /// Layers that could come in more than one order.
    #[error(
        "the layers {layers} fit in more than one order, and neither the file nor their names say which is meant; number them, or \
         save the network as ONNX"
    )]
    Order {
        /// Their names.
        layers: String,
    },
    /// A choice that is none.
    #[error("{value:?} is none of the readings of {subject}; they are {known}")]
    Choice {
        /// What was to be chosen.
        subject: &'static str,
        /// What was chosen.
        value: String,
        /// What can be.
        known: String,
    },
    /// What came out is not one that the engine takes.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// What layers can be, in a sentence.
pub(super) const KNOWN: &str = "dense layers, convolutions (also grouped, in depth, dilated), maximum and average pooling, batch normalisation, \
                                the usual activations, padding, resizing, reshaping, sums of two branches, and softmax at the end";

impl Error {
    pub(super) fn operation(operation: impl Into<String>) -> Self {
        Error::Operation { operation: operation.into(), known: KNOWN }
    }

    pub(super) fn broken(format: Format, problem: impl Into<String>) -> Self {
        Error::Broken { format, problem: problem.into() }
    }
}
