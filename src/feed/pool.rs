//! A pool of adversarial examples that is refreshed while a network learns from it (section 4.2 of the paper).
//!
//! The paper trains "in an alternating fashion, maintaining and updating a pool of adversarial examples for each layer". Here the
//! project's own search adds to a pool, against the weights of the moment, and the oldest examples make room. A hidden layer's
//! output is searched like an image: the layers above it are a network too.

use super::{
    FeedError,
    product::Batch,
    trainable::{Inputs, Trainable},
};
use crate::{
    LABELS, PIXELS,
    attack::{Attack, AttackError, Goal, Options, Reading, Tuning},
    experiment::{self, Random},
    idx::Digits,
    network::{Layer, Mlp, kernel::Evaluator},
    vector::clip,
};
use rand::Rng;
use std::sync::Arc;

/// What a pool holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Kind {
    /// The layer whose input is perturbed: 0 for the image, 1 for what the first hidden layer puts out.
    pub layer: usize,
    /// An example is x + s·r with ‖s·r‖ drawn evenly between these two.
    pub norms: [f32; 2],
    /// Examples in the pool; the oldest make room.
    pub capacity: usize,
    /// Whether each is searched towards a label, the likeliest other one or any of them at random; otherwise to whichever is
    /// reached first. That is quicker and serves generalisation as well, but a network that learns for long enough from nothing
    /// else learns to mislead that search, and is hardly harder to fool for it.
    pub is_targeted: bool,
}

/// Perturbations, and which digits they are of.
pub(crate) struct Pool {
    kind: Kind,
    /// Values in one perturbation: 784, or a hidden layer's units.
    width: usize,
    digits: Arc<Digits>,
    perturbations: Vec<f32>,
    /// Which digit each is of.
    of: Vec<usize>,
    /// Where the next one goes.
    next: usize,
    random: Random,
}

/// Enough for a direction to the boundary: the length is another one in the end.
const CHEAP: Options = Options {
    reading: Reading::Weight,
    max_evaluations: 30,
    tuning: Tuning { minimise_tolerance: 0.3, root_margin: 1.0, ..Tuning::of(Reading::Weight) },
};

/// The share of targeted examples that are made towards the likeliest other label.
const LIKELIEST: f32 = 0.5;

impl Pool {
    /// An empty pool for examples of `digits`; `width` is that of the layer that they are made at.
    pub(crate) fn new(kind: Kind, digits: Arc<Digits>, width: usize, seed: u64) -> Self {
        Pool {
            kind,
            width,
            digits,
            perturbations: Vec::new(),
            of: Vec::new(),
            next: 0,
            random: experiment::random(seed),
        }
    }

    /// Makes new perturbations of `count` random digits against the network as it is now. That of a digit that it
    /// misclassifies is nothing: such a digit is an example as it stands. Returns the digits, and the norm of the smallest
    /// perturbation that changes each.
    pub(crate) fn refresh(
        &mut self,
        network: &Trainable,
        count: usize,
    ) -> Result<Vec<(usize, Option<f32>)>, FeedError> {
        let (below, above) = network.split_at(self.kind.layer);
        let chosen: Vec<usize> = (0..count).map(|_| self.random.random_range(0..self.digits.len())).collect();
        let images = Batch::new(PIXELS, chosen.iter().filter_map(|&digit| self.digits.images().get(digit)));
        let inputs = match below.activations(&Inputs::Images(Arc::new(images)))? {
            Inputs::Values(values) => Some(values.flatten_all()?.to_vec1::<f32>()?),
            Inputs::Images(_) => None,
        };
        let above = Arc::new(wide(&above)?);
        let (mut attack, mut evaluator) = (Attack::new(above.clone(), CHEAP), Evaluator::new(above));
        let mut norms = Vec::with_capacity(count);
        for (i, &digit) in chosen.iter().enumerate() {
            let mut input = [0.0; PIXELS];
            match &inputs {
                Some(values) => input[..self.width].copy_from_slice(&values[i * self.width..][..self.width]),
                None => input = self.digits.images().get(digit).unwrap_or(input),
            }
            let [least, most] = self.kind.norms;
            let norm = least + (most - least) * self.random.random::<f32>();
            let label = usize::from(self.digits.labels().as_slice()[digit]);
            let goal = self.goal(evaluator.logits(&input), label);
            let (change, found) = perturbation(&mut attack, &input, goal, label, norm)?;
            self.put(&change[..self.width], digit);
            norms.push((digit, found));
        }
        Ok(norms)
    }

    /// Where the next search leads.
    fn goal(&mut self, logits: &[f32; LABELS], label: usize) -> Goal {
        if !self.kind.is_targeted {
            return Goal::Any;
        }
        let mut others: Vec<usize> = (0..LABELS).filter(|&other| other != label).collect();
        others.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
        let is_likeliest = self.random.random::<f32>() < LIKELIEST;
        Goal::Target(others[if is_likeliest { 0 } else { self.random.random_range(0..others.len()) }])
    }

    fn put(&mut self, perturbation: &[f32], digit: usize) {
        if self.of.len() < self.kind.capacity.max(1) {
            self.perturbations.extend_from_slice(perturbation);
            self.of.push(digit);
        } else {
            self.perturbations[self.next * self.width..][..self.width].copy_from_slice(perturbation);
            self.of[self.next] = digit;
            self.next = (self.next + 1) % self.of.len();
        }
    }

    /// An example of the pool at random, which may not be empty: an image, perturbed already if it is images that are, its true
    /// label, and the perturbation.
    pub(crate) fn draw(&mut self) -> ([f32; PIXELS], u32, &[f32]) {
        let i = self.random.random_range(0..self.of.len());
        let mut image = self.digits.images().get(self.of[i]).unwrap_or([0.0; PIXELS]);
        let perturbation = &self.perturbations[i * self.width..][..self.width];
        if self.kind.layer == 0 {
            image.iter_mut().zip(perturbation).for_each(|(x, r)| *x = clip(*x + r, 0.0, 1.0));
        }
        (image, u32::from(self.digits.labels().as_slice()[self.of[i]]), perturbation)
    }
}

/// Layers as a network of their own, which gives no weight to the places of an image beyond its inputs.
fn wide(network: &Trainable) -> Result<Mlp, FeedError> {
    let mut layers = network.numbers()?;
    if let Some(first) = layers.first_mut().filter(|first| first.inputs < PIXELS) {
        let mut weight = vec![0.0; first.outputs * PIXELS];
        for (wide, row) in weight.chunks_exact_mut(PIXELS).zip(first.weight.chunks_exact(first.inputs)) {
            wide[..first.inputs].copy_from_slice(row);
        }
        *first = Layer { inputs: PIXELS, weight, ..first.clone() };
    }
    Ok(Mlp::new("", network.activation(), layers)?)
}

/// `clip(x + s·r) − x` with r the smallest that the cheap search finds to this goal, and s such that s·r has this norm; and ‖r‖.
/// Nothing of either where the network misclassifies x.
fn perturbation(
    attack: &mut Attack,
    x: &[f32],
    goal: Goal,
    label: usize,
    norm: f32,
) -> Result<(Vec<f32>, Option<f32>), AttackError> {
    let found = match attack.start(x, goal) {
        Err(AttackError::AlreadyTarget(_)) => None,
        started => {
            started?;
            attack.run().filter(|outcome| outcome.prediction == label && outcome.norm > 0.0).map(|found| found.norm)
        }
    };
    let Some(length) = found else { return Ok((vec![0.0; x.len()], None)) };
    let stretch = norm / length;
    let change = x.iter().zip(attack.adversarial()).map(|(x, a)| clip(x + stretch * (a - x), 0.0, 1.0) - x);
    Ok((change.collect(), found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{experiment::spectrum, network::Activation};

    #[test]
    fn the_layers_above_give_the_whole_networks_logits_on_padded_activations() {
        let network = Trainable::random(&[7, 5], Activation::Sigmoid, &mut experiment::random(1)).unwrap();
        let whole = network.mlp("small").unwrap();
        let image = [0.5; PIXELS];
        let activations = spectrum::activations(&whole, &image);
        for k in [1, 2] {
            let mut input = [0.0; PIXELS];
            input.iter_mut().zip(&activations[k - 1]).for_each(|(place, &a)| *place = a as f32);
            let logits = wide(&network.split_at(k).1).unwrap().logits(&input);
            let same = logits.iter().zip(whole.logits(&image)).all(|(a, b)| (a - b).abs() < 1e-5);
            assert!(same, "above layer {k}: {logits:?} against {:?}", whole.logits(&image));
        }
    }

    #[test]
    fn examples_are_made_against_the_weights_of_the_moment() {
        let images = include_bytes!("../../tests/fixtures/mnist-300-images-idx3-ubyte");
        let labels = include_bytes!("../../tests/fixtures/mnist-300-labels-idx1-ubyte");
        let digits = Arc::new(Digits::parse(images, labels).unwrap());
        let shipped = include_bytes!("../../www/networks/FC100-100-10.safetensors");
        let network = Trainable::from_mlp(&Mlp::from_safetensors(shipped).unwrap()).unwrap();
        let kind = Kind { layer: 0, norms: [2.0, 2.0], capacity: 10, is_targeted: true };
        let mut pool = Pool::new(kind, digits.clone(), PIXELS, 1);
        for scale in [1.0, 1.5] {
            // The network changes, and with it what is found.
            let (weight, bias) = &network.layers[0];
            for variable in [weight, bias] {
                variable.set(&(variable.as_tensor() * scale).unwrap()).unwrap();
            }
            let present = Arc::new(network.mlp("present").unwrap());
            let mut attack = Attack::new(present.clone(), CHEAP);
            for (digit, norm) in pool.refresh(&network, 10).unwrap() {
                let image = digits.images().get(digit).unwrap();
                let mut norms = Vec::new();
                attack.run_all(&image, |_, outcome, _| norms.push(outcome.norm)).unwrap();
                let prediction = crate::network::label(&present.logits(&image));
                let is_right = prediction == usize::from(digits.labels().as_slice()[digit]);
                assert_eq!(norm.is_some_and(|norm| norms.contains(&norm)), is_right, "{norm:?} of {norms:?}");
            }
        }
        for _ in 0..20 {
            let (image, label, perturbation) = pool.draw();
            let length = perturbation.iter().map(|r| r * r).sum::<f32>().sqrt();
            assert!(length == 0.0 || (1.0..=2.001).contains(&length), "2, or less where the box cuts it: {length}");
            assert!(label < 10 && image.iter().all(|x| (0.0..=1.0).contains(x)));
        }
    }
}
