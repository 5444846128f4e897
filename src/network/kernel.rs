//! The hot loops: logits, and the gradient of any function of the logits with
//! respect to the input.
//!
//! One evaluation of a search is [`Evaluator::logits`] followed by
//! [`Evaluator::input_gradient`] with the loss's gradient over the logits.

#[cfg(feature = "sequential")]
mod convolution;
mod grid;
mod loops;
#[cfg(feature = "sequential")]
mod operation;
mod step;

use super::Network;
use crate::{LABELS, PIXELS, vector::zeros};
use grid::Grid;
use step::Step;

/// A network with room for one evaluation. All memory is allocated at the start.
pub struct Evaluator {
    network: Network,
    steps: Vec<Step>,
    /// Per step, what comes out of it (the logits for the last).
    outputs: Vec<Vec<f32>>,
    /// Per step, the gradient with respect to that.
    deltas: Vec<Vec<f32>>,
    logits: [f32; LABELS],
}

impl Evaluator {
    /// Room to evaluate `network`.
    pub fn new(network: impl Into<Network>) -> Self {
        Self::of(network.into())
    }

    fn of(network: Network) -> Self {
        let mut grid = Grid::IMAGE;
        let (mut steps, mut outputs) = (Vec::new(), Vec::new());
        let mut add = |(step, after): (Step, Grid)| {
            steps.push(step);
            outputs.push(zeros(after.len()));
            after
        };
        match &network {
            Network::Mlp(mlp) => {
                let layers = mlp.layers();
                for (k, layer) in layers.iter().enumerate() {
                    grid = add(Step::affine(grid, layer));
                    if k + 1 < layers.len() {
                        grid = add((Step::Activation(mlp.activation()), grid));
                    }
                }
            }
            #[cfg(feature = "sequential")]
            Network::Sequential(sequential) => {
                for operation in sequential.operations() {
                    grid = Step::of(operation, grid).map_or(grid, &mut add);
                }
            }
        }
        Evaluator { deltas: outputs.clone(), outputs, steps, network, logits: [0.0; LABELS] }
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
        let mut input = image;
        for (step, output) in self.steps.iter_mut().zip(&mut self.outputs) {
            step.forward(input, output);
            input = output;
        }
        self.logits.copy_from_slice(&input[..LABELS]);
        &self.logits
    }

    /// `Jᵀ v`, the gradient over the input of `Σ v_k z_k`, at the image last given to
    /// [`Evaluator::logits`]. `v` is the gradient of a loss over the logits; `gradient` has 784 places.
    pub fn input_gradient(&mut self, v: &[f32; LABELS], gradient: &mut [f32]) {
        let mut before = self.deltas.as_mut_slice();
        for (step, output) in self.steps.iter_mut().zip(&self.outputs).rev() {
            let Some((delta, rest)) = before.split_last_mut() else { return };
            before = rest;
            if before.len() + 1 == self.outputs.len() {
                delta[..LABELS].copy_from_slice(v);
            }
            let to = before.last_mut().map_or(&mut gradient[..PIXELS], |delta| delta);
            step.backward(output, delta, to);
        }
    }
}
