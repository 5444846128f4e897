//! The hot loops: logits, and the gradient of any function of the logits with
//! respect to the input.
//!
//! One evaluation of a search is [`Evaluator::logits`] followed by
//! [`Evaluator::input_gradient`] with the loss's gradient over the logits.

mod loops;
mod perceptron;
mod sequential;

use super::Network;
use crate::{LABELS, PIXELS};
use perceptron::Perceptron;

/// A network with room for one evaluation. All memory is allocated at the start.
pub struct Evaluator {
    network: Network,
    kernel: Kernel,
}

enum Kernel {
    Perceptron(Perceptron),
    Sequential(sequential::Kernel),
}

impl Evaluator {
    /// Room to evaluate `network`.
    pub fn new(network: impl Into<Network>) -> Self {
        let network = network.into();
        let kernel = match &network {
            Network::Mlp(mlp) => Kernel::Perceptron(Perceptron::new(mlp.clone())),
            Network::Sequential(sequential) => Kernel::Sequential(sequential::Kernel::new(sequential)),
        };
        Evaluator { network, kernel }
    }

    /// The network that is evaluated.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The ten logits of `image`, 784 pixels; kept for [`Evaluator::input_gradient`].
    ///
    /// # Panics
    /// If `image` has another length.
    pub fn logits(&mut self, image: &[f32]) -> &[f32; LABELS] {
        assert_eq!(image.len(), PIXELS, "an image has 784 pixels");
        match &mut self.kernel {
            Kernel::Perceptron(kernel) => kernel.logits(image),
            Kernel::Sequential(kernel) => kernel.logits(image),
        }
    }

    /// `Jᵀ v`, the gradient over the input of `Σ v_k z_k`, at the image last given to
    /// [`Evaluator::logits`]. `v` is the gradient of a loss over the logits; `gradient` has 784 places.
    pub fn input_gradient(&mut self, v: &[f32; LABELS], gradient: &mut [f32]) {
        match &mut self.kernel {
            Kernel::Perceptron(kernel) => kernel.input_gradient(v, gradient),
            Kernel::Sequential(kernel) => kernel.input_gradient(v, gradient),
        }
    }
}
