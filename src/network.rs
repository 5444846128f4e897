//! Small networks: safetensors in, logits and input gradients out.

mod container;
mod file;
pub mod kernel;
pub(crate) mod lanes;
mod mlp;
mod quantisation;

pub use file::NetworkError;
pub use mlp::{Activation, Layer, Mlp};

use crate::LABELS;

/// Softmax of the logits: ten probabilities that sum to one.
pub fn probabilities(logits: &[f32; LABELS]) -> [f32; LABELS] {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials = logits.map(|z| libm::expf(z - largest));
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
