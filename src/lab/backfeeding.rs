//! A pool of adversarial examples that is refreshed while a network learns from it (section 4.2 of the paper).
//!
//! The paper trains "in an alternating fashion, with maintaining and updating a pool of adversarial examples". Here the
//! project's own search adds to the pool before every step, and the oldest examples make room.

use super::recipe::BackFeeding;
use crate::{
    PIXELS,
    attack::{Attack, AttackError, Goal, Options, Reading},
    experiment::{self, Random},
    idx::Digits,
    network::Mlp,
    vector::clip,
};
use candle_core::{Device, Tensor};
use rand::Rng;
use std::{sync::Arc, thread};

/// The examples, and the digits that they are made of.
pub(super) struct Pool {
    settings: BackFeeding,
    digits: Vec<[f32; PIXELS]>,
    digit_labels: Vec<u8>,
    examples: Vec<f32>,
    labels: Vec<u32>,
    /// Where the next example goes.
    next: usize,
    random: Random,
}

/// Enough for an example near the boundary; the last tenth of a per cent of its norm is of no use here.
const CHEAP: Options = Options {
    reading: Reading::Both,
    confidence: 0.0,
    max_evaluations: 30,
    memory: 8,
    inner_tolerance: 0.3,
    margin_window: 1.0,
    boundary_steps: 0,
};

impl Pool {
    /// An empty pool for examples of `digits`.
    pub(super) fn new(settings: BackFeeding, digits: &Digits, seed: u64) -> Self {
        Pool {
            settings,
            digits: digits.images().iter().collect(),
            digit_labels: digits.labels().as_slice().to_vec(),
            examples: Vec::new(),
            labels: Vec::new(),
            next: 0,
            random: experiment::random(seed),
        }
    }

    /// Makes new examples of random digits against the network as it is now. A digit that it misreads is an example
    /// as it stands.
    pub(super) fn refresh(&mut self, network: &Mlp) -> Result<(), AttackError> {
        // The first time there is nothing to sample from yet.
        let count = self.settings.fresh.max(1);
        let network = Arc::new(network.clone());
        let chosen: Vec<(usize, f32)> = (0..count)
            .map(|_| {
                let digit = self.random.random_range(0..self.digits.len());
                (digit, self.random.random_range(1.0..=self.settings.overshoot as f32))
            })
            .collect();
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let made: Vec<Result<Vec<f32>, AttackError>> = thread::scope(|scope| {
            let workers: Vec<_> = chosen
                .chunks(count.div_ceil(threads))
                .map(|chunk| {
                    let mut attack = Attack::new(network.clone(), CHEAP);
                    let (digits, labels) = (&self.digits, &self.digit_labels);
                    scope.spawn(move || {
                        let mut made = Vec::with_capacity(chunk.len() * PIXELS);
                        for &(digit, stretch) in chunk {
                            made.extend(example(&mut attack, &digits[digit], labels[digit], stretch)?);
                        }
                        Ok(made)
                    })
                })
                .collect();
            workers.into_iter().map(|w| w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        });
        let mut examples = Vec::with_capacity(count * PIXELS);
        for part in made {
            examples.extend(part?);
        }
        for (example, (digit, _)) in examples.chunks_exact(PIXELS).zip(chosen) {
            self.put(example, u32::from(self.digit_labels[digit]));
        }
        Ok(())
    }

    fn put(&mut self, example: &[f32], label: u32) {
        if self.labels.len() < self.settings.pool.max(1) {
            self.examples.extend_from_slice(example);
            self.labels.push(label);
        } else {
            self.examples[self.next * PIXELS..][..PIXELS].copy_from_slice(example);
            self.labels[self.next] = label;
            self.next = (self.next + 1) % self.labels.len();
        }
    }

    /// `count` examples of the pool at random, `[count, 784]`, and their digits' true labels.
    pub(super) fn sample(&mut self, count: usize) -> Result<(Tensor, Tensor), candle_core::Error> {
        let mut images = Vec::with_capacity(count * PIXELS);
        let mut labels = Vec::with_capacity(count);
        for _ in 0..count {
            let i = self.random.random_range(0..self.labels.len());
            images.extend_from_slice(&self.examples[i * PIXELS..][..PIXELS]);
            labels.push(self.labels[i]);
        }
        Ok((Tensor::from_vec(images, (count, PIXELS), &Device::Cpu)?, Tensor::from_vec(labels, count, &Device::Cpu)?))
    }
}

/// `clip(x + s·r)` with r the smallest that the cheap search finds to any other label.
fn example(attack: &mut Attack, image: &[f32], label: u8, stretch: f32) -> Result<Vec<f32>, AttackError> {
    attack.start(image, Goal::Any)?;
    let misread = attack.run().is_none_or(|outcome| outcome.prediction != usize::from(label));
    let stretch = if misread { 0.0 } else { stretch };
    Ok(image.iter().zip(attack.adversarial()).map(|(x, a)| clip(x + stretch * (a - x), 0.0, 1.0)).collect())
}
