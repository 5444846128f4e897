//! The trainer: a step at a time, on digits and on adversarial examples of the weights of the moment.

use super::{
    FeedError,
    average::Average,
    evaluation::{Evaluation, Measures},
    gallery::{Hard, Ledger},
    objective::Objective,
    pool::{Kind, Pool},
    trainable::Trainable,
};
use crate::{
    PIXELS, SIDE,
    experiment::{self, Random},
    idx::Digits,
    network::{Activation, Mlp},
};
use candle_core::{Device, Tensor};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use rand::{Rng, seq::SliceRandom};
use serde::{Deserialize, Serialize};
use std::{f64::consts::PI, sync::Arc};

/// The digits to learn from, and those to be judged by.
#[derive(Clone)]
pub struct Data {
    /// What the network learns from.
    pub train: Arc<Digits>,
    /// What measures are taken on; nothing is learned from them.
    pub held_out: Arc<Digits>,
}

/// How to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Options {
    /// Steps in all.
    pub steps: u32,
    /// Digits in a step.
    pub digits: usize,
    /// Adversarial examples in a step, beside the digits; 0 to learn from digits alone.
    pub examples: usize,
    /// Adversarial examples that are made anew for every step.
    pub fresh: usize,
    /// Adversarial examples in the pool; the oldest make room.
    pub pool: usize,
    /// An example is x + s·r with ‖s·r‖ drawn evenly between these two.
    pub norms: [f32; 2],
    /// The share of the digits, not of the examples, that are moved by up to a pixel in each direction before they are learned from.
    pub moved: f32,
    /// Adam's highest rate: in each round it rises to it from nothing, and falls along a half cosine to a hundredth.
    pub rate: f64,
    /// Rounds of equally many steps, at whose ends the network is at its best (Loshchilov and Hutter 2017).
    pub rounds: u32,
    /// λ of every layer: the loss has `Σ λ·Σw²/k` added, k being the layer's units (section 4.2).
    pub decay: f64,
    /// λ of how smooth the first layer's weights are over the image: the loss has `λ·Σ(w − w of the next pixel)²/k` added, over rows and
    /// columns, k being the layer's units.
    pub smoothness: f64,
    /// How much of what the network before any step said of the digits, not of the examples, is kept: the loss has so many times the
    /// cross-entropy to its probabilities added (Hinton et al. 2015).
    pub distillation: f64,
    /// Steps between one measurement on held-out digits and the next; the first is of the network before any step, the last of
    /// that after all.
    pub rest: u32,
    /// Held-out digits, the first ones, whose minimal distortion is searched for.
    pub sample: usize,
    /// Where random numbers begin.
    pub seed: u64,
}

impl Options {
    /// For a network that is trained already, to need larger changes: chosen on held-out training digits (docs/training.md).
    pub fn harden() -> Self {
        Options {
            steps: 7200,
            digits: 128,
            examples: 64,
            fresh: 12,
            pool: 1024,
            norms: [0.0, 3.2],
            moved: 0.5,
            rate: 2e-3,
            rounds: 3,
            decay: 0.0,
            smoothness: 1e-2,
            distillation: 2.0,
            rest: 20,
            sample: 50,
            seed: 1,
        }
    }

    /// For a new network, from digits alone.
    pub fn scratch() -> Self {
        Options {
            steps: 4000,
            examples: 0,
            moved: 0.0,
            rate: 4e-3,
            rounds: 1,
            decay: 1e-4,
            smoothness: 0.0,
            distillation: 0.0,
            ..Options::harden()
        }
    }

    /// Adam's rate after so many steps.
    fn rate_at(&self, step: u32) -> f64 {
        let steps = f64::from(self.steps) / f64::from(self.rounds.max(1));
        let done = f64::from(step) / steps % 1.0;
        let cosine = LAST_RATE + (1.0 - LAST_RATE) * (1.0 + (PI * done).cos()) / 2.0;
        self.rate * cosine * ((done + 1.0 / steps) / WARM_UP).min(1.0)
    }
}

/// How training stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Steps made.
    pub step: u32,
    /// Steps in all.
    pub steps: u32,
    /// The loss, smoothed over some fifty steps.
    pub loss: f32,
    /// What the held-out digits say, if that was found out just now.
    pub measures: Option<Measures>,
    /// Whether all steps are made, and the last weights measured.
    pub is_done: bool,
}

/// Weights to go on from, if training is cut short.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Steps made.
    pub step: u32,
    /// The last weights that were measured, all finite.
    pub weights: Arc<Mlp>,
    /// The network before any step.
    pub before: Arc<Mlp>,
    /// How to train.
    pub options: Options,
}

/// A network that learns.
pub struct Trainer {
    options: Options,
    data: Data,
    network: Trainable,
    objective: Objective,
    average: Average,
    adam: AdamW,
    pool: Pool,
    ledger: Ledger,
    /// The digits in the order of this epoch, and how many of them it has seen.
    order: Vec<usize>,
    seen: usize,
    random: Random,
    step: u32,
    loss: Option<f64>,
    before: Arc<Mlp>,
    good: (u32, Arc<Mlp>),
    /// The measurement that is under way, or the step that it ended at.
    evaluation: Result<Evaluation, u32>,
    is_done: bool,
}

/// The share of its highest value that the rate falls to.
const LAST_RATE: f64 = 0.01;
/// The share of a round's steps in which the rate rises.
const WARM_UP: f64 = 0.02;
/// The part of the smoothed loss that each step's loss makes up.
const SMOOTHING: f64 = 0.02;
/// The widest hidden layer, and the most of them: enough to play with, and a step stays short.
const WIDEST: usize = 512;
const DEEPEST: usize = 4;

impl Trainer {
    /// Goes on training a network, on its own adversarial examples too.
    pub fn harden(network: Mlp, data: Data, options: Options) -> Result<Self, FeedError> {
        let network = Arc::new(network);
        Self::resume(Checkpoint { step: 0, weights: network.clone(), before: network, options }, data)
    }

    /// Trains a new network with hidden layers of these widths.
    pub fn from_scratch(
        hidden: &[usize],
        activation: Activation,
        data: Data,
        options: Options,
    ) -> Result<Self, FeedError> {
        if hidden.len() > DEEPEST || hidden.iter().any(|width| !(1..=WIDEST).contains(width)) {
            return Err(FeedError::Shape { deepest: DEEPEST, widest: WIDEST });
        }
        let name = hidden.iter().chain([&10]).map(ToString::to_string).collect::<Vec<_>>().join("-");
        let network = Trainable::random(hidden, activation, &mut experiment::random(options.seed))?;
        Self::harden(network.mlp(&format!("FC{name}"))?, data, options)
    }

    /// Goes on from a checkpoint; what Adam knew of earlier steps is not in it, and is learned anew.
    pub fn resume(checkpoint: Checkpoint, data: Data) -> Result<Self, FeedError> {
        let Checkpoint { step, weights, before, options } = checkpoint;
        if data.train.is_empty() || data.held_out.is_empty() || options.digits == 0 || options.steps == 0 {
            return Err(FeedError::Empty);
        }
        let network = Trainable::from_mlp(&weights)?;
        let kind = Kind { layer: 0, norms: options.norms, capacity: options.pool, is_targeted: true };
        Ok(Trainer {
            adam: adam(&network)?,
            network,
            objective: Objective::new(&before, &options)?,
            average: Average::new((*weights).clone()),
            pool: Pool::new(kind, data.train.clone(), PIXELS, options.seed.wrapping_add(1)),
            ledger: Ledger::new(data.train.len()),
            order: (0..data.train.len()).collect(),
            seen: data.train.len(),
            random: experiment::random(options.seed.wrapping_add(2)),
            step: step.min(options.steps),
            loss: None,
            evaluation: Ok(Evaluation::new(weights.clone(), step)),
            before,
            good: (step, weights),
            data,
            options,
            is_done: false,
        })
    }

    /// One step of Adam, or once all are made a part of the last measurement.
    ///
    /// If the loss or a weight is no finite number any more, the last good weights are put back and the error says so.
    pub fn step(&mut self) -> Result<Progress, FeedError> {
        if self.step < self.options.steps {
            let loss = match self.learn() {
                // Examples can't be made of weights that are no numbers.
                Err(FeedError::Network(_)) => f64::NAN,
                learned => learned?,
            };
            if !loss.is_finite() {
                return Err(self.diverged()?);
            }
            self.loss = Some(self.loss.map_or(loss, |before| before + SMOOTHING * (loss - before)));
            self.step += 1;
            match self.average.note(&self.network, self.step) {
                Err(FeedError::Network(_)) => return Err(self.diverged()?),
                noted => noted?,
            }
        }
        let measures = if self.is_done { None } else { self.measure()? };
        Ok(Progress {
            step: self.step,
            steps: self.options.steps,
            loss: self.loss.unwrap_or(0.0) as f32,
            measures,
            is_done: self.is_done,
        })
    }

    /// A step of training, and its loss.
    fn learn(&mut self) -> Result<f64, FeedError> {
        if self.options.examples > 0 {
            // The first time there is nothing to draw from yet.
            for (digit, norm) in self.pool.refresh(&self.network, self.options.fresh.max(1))? {
                self.ledger.note(digit, norm);
            }
        }
        let (images, labels) = self.batch();
        let labels = Tensor::new(labels, &Device::Cpu)?;
        let loss = self.objective.value(&self.network, &images, &labels, self.options.digits)?;
        let value = f64::from(loss.to_scalar::<f32>()?);
        if value.is_finite() {
            self.adam.set_learning_rate(self.options.rate_at(self.step));
            self.adam.backward_step(&loss)?;
        }
        Ok(value)
    }

    /// The next digits of this epoch, then adversarial examples.
    fn batch(&mut self) -> (Vec<[f32; PIXELS]>, Vec<u32>) {
        let digits = &self.data.train;
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        for _ in 0..self.options.digits {
            if self.seen == self.order.len() {
                self.order.shuffle(&mut self.random);
                self.seen = 0;
            }
            let digit = self.order[self.seen];
            self.seen += 1;
            let image = digits.images().get(digit).unwrap_or([0.0; PIXELS]);
            let is_moved = self.random.random::<f32>() < self.options.moved;
            images.push(if is_moved {
                moved(&image, [0, 1].map(|_| self.random.random_range(-1i8..=1)))
            } else {
                image
            });
            labels.push(u32::from(digits.labels().as_slice()[digit]));
        }
        for _ in 0..self.options.examples {
            let (image, label, _) = self.pool.draw();
            images.push(image);
            labels.push(label);
        }
        (images, labels)
    }

    /// A part of the measurement that is under way, or the beginning of the next once it is due.
    fn measure(&mut self) -> Result<Option<Measures>, FeedError> {
        let evaluation = match &mut self.evaluation {
            Ok(evaluation) => evaluation,
            Err(ended) => {
                if self.step == self.options.steps || self.step - *ended >= self.options.rest {
                    self.evaluation = Ok(Evaluation::new(self.weights(), self.step));
                }
                return Ok(None);
            }
        };
        let Some(measures) = evaluation.go_on(&self.data.held_out, self.options.sample)? else { return Ok(None) };
        if measures.loss.is_finite() {
            self.good = (measures.step, evaluation.network().clone());
        }
        self.is_done = measures.step == self.options.steps;
        self.evaluation = Err(self.step);
        Ok(Some(measures))
    }

    /// Puts the last good weights back.
    fn diverged(&mut self) -> Result<FeedError, FeedError> {
        let step = self.step;
        let good = self.good.1.clone();
        self.network = Trainable::from_mlp(&good)?;
        self.average = Average::new((*good).clone());
        self.adam = adam(&self.network)?;
        self.step = self.good.0;
        self.loss = None;
        self.evaluation = Ok(Evaluation::new(good, self.step));
        Ok(FeedError::Diverged { step })
    }

    /// The network as it is now: the mean of its weights over the last steps, each of them finite.
    pub fn weights(&self) -> Arc<Mlp> {
        Arc::new(self.average.network().clone())
    }

    /// The network before any step.
    pub fn before(&self) -> &Arc<Mlp> {
        &self.before
    }

    /// Images that a step learns from, adversarial examples included.
    pub fn images_a_step(&self) -> usize {
        self.options.digits + self.options.examples
    }

    /// What is needed to go on from the last good weights, wherever that is.
    pub fn checkpoint(&self) -> Checkpoint {
        let (step, weights) = self.good.clone();
        Checkpoint { step, weights, before: self.before.clone(), options: self.options.clone() }
    }

    /// The `count` training digits that the last good weights let go for the least distortion, hardest first, of those that examples
    /// were made of so far.
    pub fn hardest(&mut self, count: usize) -> Result<Vec<Hard>, FeedError> {
        Ok(self.ledger.hardest(self.good.1.clone(), &self.data.train, count)?)
    }
}

/// An image moved down and to the right by so many pixels; what leaves it is lost, what enters it is blank.
pub(crate) fn moved(image: &[f32; PIXELS], [down, right]: [i8; 2]) -> [f32; PIXELS] {
    let mut moved = [0.0; PIXELS];
    let from = |place: usize, by: i8| place.checked_add_signed(-isize::from(by)).filter(|&place| place < SIDE);
    for y in 0..SIDE {
        let Some(row) = from(y, down) else { continue };
        for x in 0..SIDE {
            if let Some(column) = from(x, right) {
                moved[y * SIDE + x] = image[row * SIDE + column];
            }
        }
    }
    moved
}

fn adam(network: &Trainable) -> Result<AdamW, FeedError> {
    Ok(AdamW::new(network.variables(), ParamsAdamW { weight_decay: 0.0, ..ParamsAdamW::default() })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_and_falls_as_often_as_there_are_rounds() {
        let options = Options { steps: 300, rounds: 3, rate: 0.5, ..Options::harden() };
        let rates: Vec<f64> = (0..300).map(|step| options.rate_at(step)).collect();
        for round in rates.chunks(100) {
            assert!((round[0] - 0.25).abs() < 1e-3 && (round[1] - 0.5).abs() < 1e-3, "{:?}", &round[..3]);
            assert!(round[1..].is_sorted_by(|a, b| a > b), "{round:?}");
            assert!((round[50] - 0.2525).abs() < 1e-4 && round[99] < 0.0052, "{round:?}");
        }
    }
}
