//! The hot loops: logits, and the gradient of any function of the logits with
//! respect to the input.
//!
//! One evaluation of a search is [`Evaluator::logits`] followed by
//! [`Evaluator::input_gradient`] with the loss's gradient over the logits.

#[cfg(feature = "sequential")]
mod convolution;
mod grid;
#[cfg(feature = "sequential")]
mod link;
#[cfg(feature = "sequential")]
mod local;
mod loops;
#[cfg(feature = "sequential")]
mod operation;
mod step;

use super::Network;
use crate::{LABELS, PIXELS, vector::zeros};
use grid::Grid;
#[cfg(feature = "sequential")]
use link::Links;
use step::Step;

/// A network with room for one evaluation. All memory is allocated at the start.
pub struct Evaluator {
    network: Network,
    steps: Vec<Step>,
    /// Per step, what comes out of it (the logits for the last).
    outputs: Vec<Vec<f32>>,
    /// Per step, the gradient with respect to that.
    deltas: Vec<Vec<f32>>,
    /// What also flows from one step to another than the next.
    #[cfg(feature = "sequential")]
    links: Links,
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
        #[cfg(feature = "sequential")]
        let mut links = Links::default();
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
                let mut place = 0;
                for operation in sequential.operations() {
                    grid = links.follow(operation, place, grid);
                    if let Some(step) = Step::of(operation, grid) {
                        grid = add(step);
                        place += 1;
                    }
                }
            }
        }
        Evaluator {
            deltas: outputs.clone(),
            outputs,
            steps,
            network,
            #[cfg(feature = "sequential")]
            links,
            logits: [0.0; LABELS],
        }
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
        for (k, step) in self.steps.iter_mut().enumerate() {
            let (before, after) = self.outputs.split_at_mut(k);
            let (input, Some(output)) = (before.last().map_or(image, Vec::as_slice), after.first_mut()) else { break };
            step.forward(input, output);
            #[cfg(feature = "sequential")]
            self.links.forward(k, before, output);
        }
        let last = self.outputs.last().map_or(image, Vec::as_slice);
        self.logits.copy_from_slice(&last[..LABELS]);
        &self.logits
    }

    /// `Jᵀ v`, the gradient over the input of `Σ v_k z_k`, at the image last given to
    /// [`Evaluator::logits`]. `v` is the gradient of a loss over the logits; `gradient` has 784 places.
    pub fn input_gradient(&mut self, v: &[f32; LABELS], gradient: &mut [f32]) {
        if let Some(delta) = self.deltas.last_mut() {
            delta[..LABELS].copy_from_slice(v);
        }
        for (k, step) in self.steps.iter_mut().enumerate().rev() {
            let (before, after) = self.deltas.split_at_mut(k);
            let Some(delta) = after.first() else { return };
            let to = before.last_mut().map_or(&mut gradient[..PIXELS], |delta| delta);
            step.backward(&self.outputs[k], delta, to);
            #[cfg(feature = "sequential")]
            self.links.backward(k, to, after);
        }
    }
}
