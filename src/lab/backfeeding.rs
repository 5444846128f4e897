//! A pool of adversarial examples that is refreshed while a network learns from it (section 4.2 of the paper).
//!
//! The paper trains "in an alternating fashion, with maintaining and updating a pool of adversarial examples", of the
//! input or of a hidden layer's output. Here the project's own search adds to the pool before every step, and the oldest
//! examples make room. A hidden layer's output is searched like an image: the layers above it are a network too.

use super::recipe::BackFeeding;
use crate::{
    PIXELS,
    attack::{Attack, AttackError, Goal, Options, Reading},
    experiment::{self, Random, spectrum},
    idx::Digits,
    lab::train::TrainError,
    network::{Layer, Mlp},
    vector::clip,
};
use candle_core::{Device, Tensor};
use rand::Rng;
use std::{sync::Arc, thread};

/// The perturbations, and the digits that they are of.
pub(super) struct Pool {
    settings: BackFeeding,
    /// Values in one perturbation: 784, or a hidden layer's units.
    width: usize,
    images: Vec<[f32; PIXELS]>,
    labels: Vec<u8>,
    perturbations: Vec<f32>,
    /// Which digit each is of.
    digits: Vec<usize>,
    /// Where the next one goes.
    next: usize,
    random: Random,
}

/// A draw from the pool.
pub(super) struct Sample {
    /// `[n, 784]`
    pub(super) images: Tensor,
    /// `[n, width]`, to be added to the images or to what the layers below make of them.
    pub(super) perturbations: Tensor,
    /// `[n]`, the true ones.
    pub(super) labels: Tensor,
}

/// Enough for a direction to the boundary: the length is another one in the end.
const CHEAP: Options = Options {
    reading: Reading::Weight,
    max_evaluations: 30,
    memory: 8,
    inner_tolerance: 0.3,
    margin_window: 1.0,
    boundary_steps: 0,
};

impl Pool {
    /// An empty pool for examples of `digits`; `width` is that of the layer that they are made at.
    pub(super) fn new(settings: BackFeeding, digits: &Digits, width: usize, seed: u64) -> Self {
        Pool {
            settings,
            width,
            images: digits.images().iter().collect(),
            labels: digits.labels().as_slice().to_vec(),
            perturbations: Vec::new(),
            digits: Vec::new(),
            next: 0,
            random: experiment::random(seed),
        }
    }

    /// Makes new perturbations of random digits against the network as it is now. That of a digit that it misreads is
    /// nothing: such a digit is an example as it stands.
    pub(super) fn refresh(&mut self, network: &Mlp) -> Result<(), TrainError> {
        // The first time there is nothing to sample from yet.
        let count = self.settings.fresh.max(1);
        let above = Arc::new(above(network, self.settings.layer)?);
        let chosen: Vec<(usize, f32)> = (0..count)
            .map(|_| {
                let digit = self.random.random_range(0..self.images.len());
                (digit, self.random.random_range(0.0..=self.settings.norm as f32))
            })
            .collect();
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let made: Vec<Result<Vec<f32>, AttackError>> = thread::scope(|scope| {
            let workers: Vec<_> = chosen
                .chunks(count.div_ceil(threads))
                .map(|chunk| {
                    let mut attack = Attack::new(above.clone(), CHEAP);
                    let pool = &*self;
                    scope.spawn(move || {
                        let mut made = Vec::with_capacity(chunk.len() * pool.width);
                        for &(digit, norm) in chunk {
                            let input = pool.input(network, digit);
                            let change = perturbation(&mut attack, &input, pool.labels[digit], norm)?;
                            made.extend_from_slice(&change[..pool.width]);
                        }
                        Ok(made)
                    })
                })
                .collect();
            workers.into_iter().map(|w| w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        });
        let mut perturbations = Vec::with_capacity(count * self.width);
        for part in made {
            perturbations.extend(part?);
        }
        for (perturbation, (digit, _)) in perturbations.chunks_exact(self.width).zip(chosen) {
            self.put(perturbation, digit);
        }
        Ok(())
    }

    /// What the layer that examples are made at is given of a digit, in 784 places.
    fn input(&self, network: &Mlp, digit: usize) -> [f32; PIXELS] {
        let image = self.images[digit];
        let Some(below) = self.settings.layer.checked_sub(1) else { return image };
        let mut input = [0.0; PIXELS];
        let activations = spectrum::activations(network, &image).swap_remove(below);
        input.iter_mut().zip(activations).for_each(|(place, a)| *place = a as f32);
        input
    }

    fn put(&mut self, perturbation: &[f32], digit: usize) {
        if self.digits.len() < self.settings.pool.max(1) {
            self.perturbations.extend_from_slice(perturbation);
            self.digits.push(digit);
        } else {
            self.perturbations[self.next * self.width..][..self.width].copy_from_slice(perturbation);
            self.digits[self.next] = digit;
            self.next = (self.next + 1) % self.digits.len();
        }
    }

    /// `count` examples of the pool at random.
    pub(super) fn sample(&mut self, count: usize) -> Result<Sample, candle_core::Error> {
        let mut images = Vec::with_capacity(count * PIXELS);
        let mut perturbations = Vec::with_capacity(count * self.width);
        let mut labels = Vec::with_capacity(count);
        for _ in 0..count {
            let i = self.random.random_range(0..self.digits.len());
            let digit = self.digits[i];
            images.extend_from_slice(&self.images[digit]);
            perturbations.extend_from_slice(&self.perturbations[i * self.width..][..self.width]);
            labels.push(u32::from(self.labels[digit]));
        }
        Ok(Sample {
            images: Tensor::from_vec(images, (count, PIXELS), &Device::Cpu)?,
            perturbations: Tensor::from_vec(perturbations, (count, self.width), &Device::Cpu)?,
            labels: Tensor::from_vec(labels, count, &Device::Cpu)?,
        })
    }
}

/// The layers from `layer` on as a network of their own, which gives no weight to the places of an image beyond its inputs.
fn above(network: &Mlp, layer: usize) -> Result<Mlp, TrainError> {
    let mut layers = network.layers()[layer..].to_vec();
    if let Some(first) = layers.first_mut().filter(|first| first.inputs < PIXELS) {
        let mut weight = vec![0.0; first.outputs * PIXELS];
        for (wide, row) in weight.chunks_exact_mut(PIXELS).zip(first.weight.chunks_exact(first.inputs)) {
            wide[..first.inputs].copy_from_slice(row);
        }
        *first = Layer { inputs: PIXELS, weight, ..first.clone() };
    }
    Ok(Mlp::new(network.name(), network.activation(), layers)?)
}

/// `clip(x + s·r) − x` with r the smallest that the cheap search finds to any other label, and s such that s·r has this norm.
fn perturbation(attack: &mut Attack, x: &[f32], label: u8, norm: f32) -> Result<Vec<f32>, AttackError> {
    attack.start(x, Goal::Any)?;
    let outcome = attack.run().filter(|outcome| outcome.prediction == usize::from(label) && outcome.norm > 0.0);
    let stretch = outcome.map_or(0.0, |outcome| norm / outcome.norm);
    Ok(x.iter().zip(attack.adversarial()).map(|(x, a)| clip(x + stretch * (a - x), 0.0, 1.0) - x).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Activation;

    #[test]
    fn the_layers_above_give_the_whole_networks_logits_on_padded_activations() {
        let mut random = experiment::random(1);
        let mut layer = |inputs: usize, outputs: usize| Layer {
            inputs,
            outputs,
            weight: (0..inputs * outputs).map(|_| random.random_range(-0.1..0.1)).collect(),
            bias: (0..outputs).map(|_| random.random_range(-0.1..0.1)).collect(),
        };
        let layers = vec![layer(PIXELS, 7), layer(7, 5), layer(5, 10)];
        let network = Mlp::new("small", Activation::Sigmoid, layers).unwrap();
        let image = [0.5; PIXELS];
        let activations = spectrum::activations(&network, &image);
        for k in [1, 2] {
            let mut input = [0.0; PIXELS];
            input.iter_mut().zip(&activations[k - 1]).for_each(|(place, &a)| *place = a as f32);
            let logits = above(&network, k).unwrap().logits(&input);
            let same = logits.iter().zip(network.logits(&image)).all(|(a, b)| (a - b).abs() < 1e-5);
            assert!(same, "above layer {k}: {logits:?} against {:?}", network.logits(&image));
        }
    }
}
