//! A pool of adversarial examples for every layer that is fed back, in alternation (section 4.2 of the paper).

use super::{error::TrainError, recipe::BackFeeding};
use crate::{
    PIXELS,
    feed::{Batch, Inputs, Kind, Pool, Trainable},
    idx::Digits,
};
use candle_core::{Device, Tensor};
use std::sync::Arc;

/// The pools, and how many turns there were.
pub(super) struct Pools {
    fresh: usize,
    pools: Vec<(usize, Pool)>,
    turn: usize,
}

/// A draw from a pool.
pub(super) struct Sample {
    layer: usize,
    /// The images, perturbed already if it is they that are.
    images: Inputs,
    /// `[n, width]`, to be added to what the layers below make of the images.
    perturbations: Option<Tensor>,
    /// `[n]`, the true ones.
    pub(super) labels: Tensor,
}

impl Pools {
    /// Empty pools for examples of `digits`, at the layers of `network` that the settings name.
    pub(super) fn new(
        settings: &BackFeeding,
        digits: &Digits,
        network: &Trainable,
        seed: u64,
    ) -> Result<Self, TrainError> {
        let digits = Arc::new(digits.clone());
        let mut pools = Vec::new();
        for (layer, &norm) in settings.norms.iter().enumerate().filter(|(_, norm)| **norm > 0.0) {
            let kind = Kind { layer, norms: [0.0, norm as f32], capacity: settings.pool, is_targeted: false };
            let width = network.layers[layer].0.dim(0)?;
            pools.push((layer, Pool::new(kind, digits.clone(), width, seed.wrapping_add(layer as u64))));
        }
        Ok(Pools { fresh: settings.fresh, pools, turn: 0 })
    }

    /// New examples for the pool whose turn it is, and a draw of `count` from it; none if there is no pool.
    pub(super) fn sample(&mut self, network: &Trainable, count: usize) -> Result<Option<Sample>, TrainError> {
        let turns = self.pools.len().max(1);
        let Some((layer, pool)) = self.pools.get_mut(self.turn % turns) else { return Ok(None) };
        self.turn += 1;
        // The first time there is nothing to draw from yet.
        pool.refresh(network, self.fresh.max(1))?;
        let (mut images, mut labels, mut perturbations) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..count {
            let (image, label, perturbation) = pool.draw();
            images.push(image);
            labels.push(label);
            if *layer > 0 {
                perturbations.extend_from_slice(perturbation);
            }
        }
        let width = perturbations.len() / count.max(1);
        let perturbations =
            (*layer > 0).then(|| Tensor::from_vec(perturbations, (count, width), &Device::Cpu)).transpose()?;
        let images = Inputs::Images(Arc::new(Batch::new(PIXELS, &images)));
        Ok(Some(Sample { layer: *layer, images, perturbations, labels: Tensor::new(labels, &Device::Cpu)? }))
    }
}

impl Sample {
    /// The logits of the examples, through which all layers from the perturbed one on learn; those below it learn too
    /// if `with_below`.
    pub(super) fn logits(&self, network: &Trainable, with_below: bool) -> Result<Tensor, candle_core::Error> {
        let (below, above) = network.split_at(self.layer);
        let inputs = match (below.activations(&self.images)?, &self.perturbations) {
            (Inputs::Values(values), Some(perturbations)) => {
                let values = if with_below { values } else { values.detach() };
                Inputs::Values((values + perturbations)?.clamp(0f32, 1f32)?)
            }
            (inputs, _) => inputs,
        };
        above.logits(&inputs, &[])
    }
}
