//! Small networks: safetensors in, logits and input gradients out.

#[cfg(feature = "sequential")]
pub(crate) mod architecture;
pub(crate) mod container;
mod error;
mod file;
#[cfg(feature = "sequential")]
mod function;
pub mod kernel;
pub(crate) mod lanes;
mod mlp;
#[cfg(feature = "sequential")]
mod plain;
mod quantisation;
#[cfg(feature = "sequential")]
pub mod sequential;
pub(crate) mod tensors;
#[cfg(feature = "import")]
mod write;

pub use error::NetworkError;
pub use mlp::{Activation, Layer, Mlp};
#[cfg(feature = "sequential")]
pub use {
    function::{Function, SELU},
    sequential::{Edges, Operation, Sequential, Shape, Window},
};

use crate::LABELS;
use std::sync::Arc;

/// Any network that can be searched. Clones share the weights.
#[derive(Clone, Debug)]
pub enum Network {
    /// A plain perceptron, whose layers can be looked into.
    Mlp(Arc<Mlp>),
    /// One operation after another.
    #[cfg(feature = "sequential")]
    Sequential(Arc<Sequential>),
}

impl Network {
    /// What it is called.
    pub fn name(&self) -> &str {
        match self {
            Network::Mlp(mlp) => mlp.name(),
            #[cfg(feature = "sequential")]
            Network::Sequential(sequential) => sequential.name(),
        }
    }

    /// The ten logits of one image of 784 pixels, by a plain forward pass in f64.
    ///
    /// # Panics
    /// If `image` has another length.
    pub fn logits(&self, image: &[f32]) -> [f32; LABELS] {
        match self {
            Network::Mlp(mlp) => mlp.logits(image),
            #[cfg(feature = "sequential")]
            Network::Sequential(sequential) => sequential.logits(image),
        }
    }

    /// A network of these operations, as [`Network::from_safetensors`] would read it.
    #[cfg(feature = "import")]
    pub(crate) fn of_operations(name: &str, operations: Vec<Operation>) -> Result<Self, NetworkError> {
        // Before they are simplified, for what does not fit is looked for by its place.
        Sequential::new(name, operations.clone())?;
        let sequential = Sequential::new(name, sequential::simplified(operations))?;
        Ok(sequential.as_mlp().map_or_else(|| sequential.into(), Network::from))
    }

    /// The perceptron, if it is one: what the layers, the spectral bounds and the certified bounds need.
    pub fn mlp(&self) -> Option<&Arc<Mlp>> {
        match self {
            Network::Mlp(mlp) => Some(mlp),
            #[cfg(feature = "sequential")]
            Network::Sequential(_) => None,
        }
    }
}

impl From<Arc<Mlp>> for Network {
    fn from(mlp: Arc<Mlp>) -> Self {
        Network::Mlp(mlp)
    }
}

impl From<Mlp> for Network {
    fn from(mlp: Mlp) -> Self {
        Network::Mlp(Arc::new(mlp))
    }
}

#[cfg(feature = "sequential")]
impl From<Sequential> for Network {
    fn from(sequential: Sequential) -> Self {
        Network::Sequential(Arc::new(sequential))
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_of_tied_labels_is_predicted() {
        assert_eq!(label(&[0.5; LABELS]), 0);
        assert_eq!(label(&[0.0, 0.1, 0.2, 0.1, 0.2, 0.0, 0.2, 0.0, 0.0, 0.0]), 2);
    }
}
