//! Networks as people have them, made files of the project's own.
//!
//! Keras's `.h5` and `.keras`, PyTorch's `.pt` and `.pth`, `.onnx`, TensorFlow.js's `model.json` with its shards, `.tflite` in floats, and
//! safetensors of any names. [`read`] gives the bytes of a safetensors file with an `architecture`, which
//! [`Network::from_safetensors`] takes like any other, and says what it had to assume: a file rarely tells how it wants its image, and a
//! state dict tells neither activations nor pooling. What fits and classifies digits best is taken, the usual first, and each
//! assumption comes with what could be chosen instead ([`read_with`]). `docs/networks.md` has the formats.
//!
//! Nothing here touches a file system, a clock or a page.

mod arrangement;
mod describe;
mod error;
mod graph;
mod judge;
mod keras;
mod layers;
mod modules;
mod onnx;
mod pickle;
mod safetensors;
mod tensorflow;
mod tfjs;
mod tflite;
mod torch;
mod zip;

pub use error::Error;

use crate::{
    idx::Digits,
    network::{Network, NetworkError, Operation},
};
use layers::Item;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A file's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Format {
    /// Keras's older format, HDF5.
    KerasH5,
    /// Keras's newer format, an archive.
    Keras,
    /// What `torch.save` writes.
    PyTorch,
    /// The Open Neural Network Exchange.
    Onnx,
    /// A `model.json` and its shards.
    TensorFlowJs,
    /// TensorFlow Lite.
    TfLite,
    /// Tensors by name.
    Safetensors,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::KerasH5 => "Keras file (HDF5)",
            Format::Keras => ".keras file",
            Format::PyTorch => "PyTorch file",
            Format::Onnx => "ONNX file",
            Format::TensorFlowJs => "TensorFlow.js network",
            Format::TfLite => "TensorFlow Lite file",
            Format::Safetensors => "safetensors file",
        })
    }
}

/// What a file may leave open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Subject {
    /// How the network wants its image: divided by 255, normalised, raw, inverted.
    Input,
    /// How an image of 28×28 becomes one of another size.
    Size,
    /// The activation of the hidden layers.
    Activation,
    /// Whether the largest number or the mean of a window is taken.
    Pooling,
    /// Padding, strides, and where there is pooling.
    Arrangement,
    /// Layers that no activation follows.
    Unactivated,
}

impl Subject {
    /// Its name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Subject::Input => "input",
            Subject::Size => "size",
            Subject::Activation => "activation",
            Subject::Pooling => "pooling",
            Subject::Arrangement => "arrangement",
            Subject::Unactivated => "layers without activation",
        }
    }
}

/// What somebody chose instead of what was assumed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices(pub Vec<(Subject, String)>);

/// Something that the file does not say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Assumption {
    /// What it is about.
    pub subject: Subject,
    /// What was taken.
    pub taken: String,
    /// What could be, the better first; each may be in [`Choices`].
    pub alternatives: Vec<Alternative>,
}

/// Another reading of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Alternative {
    /// What it is.
    pub value: String,
    /// How many of the digits it was tried on it classifies as they are labelled; none where there were no digits.
    pub accuracy: Option<Accuracy>,
}

/// How many of how many digits are classified as they are labelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Accuracy {
    /// So many are.
    pub right: usize,
    /// Of so many.
    pub of: usize,
}

impl fmt::Display for Accuracy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} % of {} test digits", 100.0 * self.right as f64 / self.of.max(1) as f64, self.of)
    }
}

/// A network that was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Imported {
    /// The format that it came in.
    pub format: Format,
    /// The file that [`Network::from_safetensors`] takes, in F32.
    #[serde(skip)]
    pub safetensors: Vec<u8>,
    /// Its operations, first to last, in a few words each.
    pub operations: Vec<String>,
    /// How many weights it has.
    pub weights: usize,
    /// How many digits it classifies as they are labelled, if there were any.
    pub accuracy: Option<Accuracy>,
    /// What the file does not say.
    pub assumptions: Vec<Assumption>,
    /// What may be wrong, in sentences.
    pub warnings: Vec<String>,
}

/// What is in a file, before it is known how it is meant.
enum Body {
    /// All operations, first to last.
    Operations(Vec<Operation>),
    /// Layers with weights, and perhaps what is between them.
    Layers(Vec<Item>),
}

/// Reads the network in `files`, each a name and its bytes: one file, or one with those that its weights are in. `digits`, of which the
/// first 1,000 are used, judge what the files leave open; without them the usual is assumed.
///
/// # Errors
/// If it is no network that can be searched here; the message says what was found, what was expected, and what to do.
pub fn read(files: &[(&str, &[u8])], digits: Option<&Digits>) -> Result<Imported, Error> {
    read_with(files, digits, &Choices::default())
}

/// Reads as [`read`] does, with some assumptions replaced by choices.
///
/// # Errors
/// As [`read`], and if a choice is none of the alternatives.
pub fn read_with(files: &[(&str, &[u8])], digits: Option<&Digits>, choices: &Choices) -> Result<Imported, Error> {
    let (format, name, bytes) = main_file(files)?;
    let body = match format {
        Format::KerasH5 => keras::read_h5(bytes)?,
        Format::Keras => keras::read_archive(bytes)?,
        Format::PyTorch => torch::read(bytes)?,
        Format::Onnx => onnx::read(bytes, files)?,
        Format::TensorFlowJs => tfjs::read(bytes, files)?,
        Format::TfLite => tflite::read(bytes)?,
        Format::Safetensors => match Network::from_safetensors(bytes) {
            Ok(network) => return judge::as_it_is(&network, bytes, digits),
            Err(error @ NetworkError::NotFinite { .. }) => return Err(error.into()),
            Err(error) if safetensors::entry(bytes, "architecture").is_some() => return Err(error.into()),
            Err(_) => safetensors::read(bytes)?,
        },
    };
    let mut choices = choices.clone();
    let said = if format == Format::Safetensors { safetensors::entry(bytes, "activation") } else { None };
    if let Some(activation) = said
        && choices.0.iter().all(|(subject, _)| *subject != Subject::Activation)
    {
        choices.0.push((Subject::Activation, activation));
    }
    judge::choose(format, stem(name), &body, digits, &choices)
}

/// A file's name without folders and ending.
fn stem(name: &str) -> &str {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The file that describes the network, by what it begins with.
fn main_file<'a>(files: &[(&'a str, &'a [u8])]) -> Result<(Format, &'a str, &'a [u8]), Error> {
    let mut first = None;
    for &(name, bytes) in files {
        match recognised(name, bytes) {
            Ok(Some(format)) => return Ok((format, name, bytes)),
            Ok(None) => {}
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(|| match files.first() {
        Some((name, bytes)) => Error::Unknown { file: (*name).into(), beginning: beginning(bytes) },
        None => Error::Nothing,
    }))
}

fn recognised(name: &str, bytes: &[u8]) -> Result<Option<Format>, Error> {
    let text = bytes.get(..bytes.len().min(200)).unwrap_or_default().trim_ascii_start();
    let begins = |with: &[u8]| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    if begins(b"version https://git-lfs") {
        return Err(Error::LfsPointer(name.into()));
    }
    if begins(b"<!doctype html") || begins(b"<html") {
        return Err(Error::WebPage(name.into()));
    }
    let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let format = if bytes.starts_with(b"\x89HDF\r\n\x1a\n") {
        Format::KerasH5
    } else if bytes.starts_with(b"PK\x03\x04") {
        if zip::entries(bytes, Format::PyTorch)
            .is_ok_and(|entries| entries.iter().any(|(name, _)| name == "config.json"))
            || ending == "keras"
        {
            Format::Keras
        } else {
            Format::PyTorch
        }
    } else if bytes.get(4..8) == Some(b"TFL3") {
        Format::TfLite
    } else if begins(b"{") {
        Format::TensorFlowJs
    } else if bytes.get(8) == Some(&b'{') && ending != "onnx" {
        Format::Safetensors
    } else if bytes.starts_with(&[0x80]) && bytes.get(1).is_some_and(|protocol| *protocol < 6) {
        Format::PyTorch
    } else if onnx::is_one(bytes) {
        Format::Onnx
    } else {
        match ending.as_str() {
            "safetensors" => Format::Safetensors,
            "pt" | "pth" => Format::PyTorch,
            "onnx" => Format::Onnx,
            _ => return Ok(None),
        }
    };
    Ok(Some(format))
}

/// The first bytes, as text where they are one.
fn beginning(bytes: &[u8]) -> String {
    let start = bytes.get(..bytes.len().min(16)).unwrap_or_default();
    match std::str::from_utf8(start) {
        Ok(text) if !text.is_empty() && text.chars().all(|c| !c.is_control()) => format!("“{text}”"),
        _ if start.is_empty() => "nothing, for it is empty".into(),
        _ => format!("the bytes {start:02x?}"),
    }
}

impl fmt::Display for Imported {
    /// What it is, how it wants its image, and how well it does, in a few sentences.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} with {} weights: {}", self.format, self.weights, self.operations.join(", "))?;
        for assumption in &self.assumptions {
            write!(f, "{}: {} (assumed", assumption.subject.name(), assumption.taken)?;
            for Alternative { value, accuracy } in assumption.alternatives.iter().take(3) {
                write!(f, "; {value}")?;
                if let Some(accuracy) = accuracy {
                    write!(f, " would have {accuracy}")?;
                }
            }
            writeln!(f, ")")?;
        }
        for warning in &self.warnings {
            writeln!(f, "{warning}")?;
        }
        match self.accuracy {
            Some(accuracy) => write!(f, "{accuracy}"),
            None => f.write_str("not tried on digits"),
        }
    }
}
