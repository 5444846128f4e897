//! The running mean of a network's weights over the last steps (Polyak and Juditsky 1992): steadier than the weights
//! themselves, which Adam throws about, and with fewer errors.

use super::{FeedError, trainable::Trainable};
use crate::network::{Layer, Mlp};

/// Steps from one look at the weights to the next.
const EVERY: u32 = 4;
/// The share of the mean that each look makes up in the end: some 200 steps are remembered.
const SHARE: f32 = 0.02;

/// The mean of the weights.
pub(super) struct Average {
    /// The network of the mean; at first the one before any step.
    network: Mlp,
    looks: u32,
}

impl Average {
    /// Begins anew: the network itself, until the first step after it.
    pub(super) fn new(network: Mlp) -> Self {
        Average { network, looks: 0 }
    }

    /// The mean as it stands; its numbers are always finite.
    pub(super) fn network(&self) -> &Mlp {
        &self.network
    }

    /// Looks at the weights after this step, counted from 1. Refused, and the mean unchanged, if one is no finite number.
    pub(super) fn note(&mut self, network: &Trainable, step: u32) -> Result<(), FeedError> {
        if step % EVERY != 1 {
            return Ok(());
        }
        self.looks += 1;
        let share = SHARE.max(1.0 / self.looks as f32);
        let mixed = self.network.layers().iter().zip(network.numbers()?).map(|(mean, now)| Layer {
            weight: mix(&mean.weight, now.weight, share),
            bias: mix(&mean.bias, now.bias, share),
            ..now
        });
        self.network = Mlp::new(self.network.name(), self.network.activation(), mixed.collect())?;
        Ok(())
    }
}

fn mix(mean: &[f32], mut now: Vec<f32>, share: f32) -> Vec<f32> {
    now.iter_mut().zip(mean).for_each(|(now, mean)| *now = mean + share * (*now - mean));
    now
}
