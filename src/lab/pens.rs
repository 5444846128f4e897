//! Training on MNIST and on pen strokes together: every image is made anew whenever it is learned from, as another hand
//! might have written it.

use super::{
    convolutional::Learner,
    error::TrainError,
    schedule::rate,
    train::{Epoch, error},
};
use crate::{
    PIXELS, SIDE,
    feed::{Batch, Inputs, Trainable, moved},
    idx::Digits,
    network::{Activation, Network},
    pen::{
        Drawing,
        variation::{Pens, Variation},
    },
};
use candle_core::{Device, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, loss};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use std::{collections::BTreeSet, sync::Arc};

/// What is trained.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Hidden layers of these widths, sigmoids, and λ for every layer (the paper's weight decay).
    Perceptron {
        /// Widths of the hidden layers.
        hidden: Vec<usize>,
        /// λ of every layer: the loss has `Σ λ·Σw²/k` added, k being the layer's units.
        decay: Vec<f64>,
    },
    /// Two convolutions of so many channels, as [`super::convolutional`] has them.
    Convolutional {
        /// Channels that each convolution puts out.
        channels: [usize; 2],
    },
}

/// A network that learns from pens too, and the settings that train it.
#[derive(Clone, Debug, PartialEq)]
pub struct PenRecipe {
    /// What the command line calls it.
    pub name: &'static str,
    /// What its file and the page call it.
    pub title: &'static str,
    /// What is trained.
    pub shape: Shape,
    /// How often every drawing is seen in an epoch, in which every image of MNIST is seen once.
    pub times: usize,
    /// How MNIST's images vary.
    pub images: Variation,
    /// How drawings vary.
    pub drawings: Variation,
    /// How many pixels an image is moved in each direction, at most.
    pub shift: i8,
    /// Adam's rate at the start; it falls to a hundredth along a half cosine.
    pub rate: f64,
    /// How often every digit is seen.
    pub epochs: usize,
    /// Digits in one step of Adam.
    pub batch: usize,
    /// Where the random numbers of initial weights, order and variations begin.
    pub seed: u64,
}

/// Every network that learns from pens too, by name. Of the perceptron there is a file in `networks`; the convolutional one
/// has not been trained in full yet. What the perceptron errs on: docs/training.md.
pub fn recipes() -> Vec<PenRecipe> {
    let convolutional = PenRecipe {
        name: "cnn8-16-10-pens",
        title: "CNN8-16-10 (pens)",
        shape: Shape::Convolutional { channels: [8, 16] },
        times: 2,
        images: Variation { share: 0.3, turn: 0.1, slant: 0.15, stretch: 0.08, bend: 0.02 },
        drawings: Variation { share: 0.7, turn: 0.15, slant: 0.25, stretch: 0.15, bend: 0.03 },
        shift: 1,
        rate: 4e-3,
        epochs: 18,
        batch: 100,
        seed: 1,
    };
    let perceptron = PenRecipe {
        name: "fc100-100-10-pens",
        title: "FC100-100-10 (pens)",
        shape: Shape::Perceptron { hidden: vec![100, 100], decay: vec![1e-3, 1e-3, 1e-4] },
        batch: 128,
        ..convolutional.clone()
    };
    vec![perceptron, convolutional]
}

/// The drawings of every fifth writer, and those of the others.
pub fn hold_out(drawings: Vec<Drawing>) -> (Vec<Drawing>, Vec<Drawing>) {
    let writers: BTreeSet<_> = drawings.iter().map(|d| (d.set.clone(), d.writer.clone())).collect();
    let held_out: BTreeSet<_> = writers.into_iter().skip(4).step_by(5).collect();
    drawings.into_iter().partition(|d| held_out.contains(&(d.set.clone(), d.writer.clone())))
}

impl PenRecipe {
    /// The settings in one line, as a network file's metadata keeps them.
    pub fn settings(&self) -> String {
        let PenRecipe { rate, epochs, batch, shift, times, .. } = self;
        let decay = match &self.shape {
            Shape::Perceptron { decay, .. } => {
                format!(", decay {}", decay.iter().map(|l| format!("{l:e}")).collect::<Vec<_>>().join(" "))
            }
            Shape::Convolutional { .. } => String::new(),
        };
        format!(
            "Adam {rate:e} cosine to its hundredth, {epochs} epochs, batch {batch}{decay}, images moved by up to {shift} \
             and {}, pen strokes {times} times an epoch and {}",
            words(&self.images),
            words(&self.drawings)
        )
    }
}

/// Bounds in words.
fn words(Variation { share, turn, slant, stretch, bend }: &Variation) -> String {
    format!("{share} of them turned by up to {turn}, slanted {slant}, stretched {stretch}, bent {bend}")
}

/// What a network learns from.
#[derive(Clone, Copy)]
pub struct Material<'a> {
    /// Images as they are.
    pub digits: &'a Digits,
    /// Strokes, drawn anew each time.
    pub drawings: &'a [Drawing],
}

/// Trains a network and tells `report` after every epoch how it classifies `judged`, which changes nothing. The same recipe
/// and material give the same weights.
pub fn train(
    recipe: &PenRecipe,
    material: Material,
    judged: &Digits,
    mut report: impl FnMut(Epoch),
) -> Result<Network, TrainError> {
    let mut random = StdRng::seed_from_u64(recipe.seed);
    let pupil = Pupil::random(&recipe.shape, &mut random)?;
    let mut lessons = Lessons::new(recipe, material)?;
    let adam = ParamsAdamW { lr: recipe.rate, weight_decay: 0.0, ..ParamsAdamW::default() };
    let mut adam = AdamW::new(pupil.variables(), adam)?;
    let mut order = lessons.order();
    let batches = order.len().div_ceil(recipe.batch);
    for epoch in 0..recipe.epochs {
        order.shuffle(&mut random);
        let mut sum = 0.0;
        for (b, batch) in order.chunks(recipe.batch).enumerate() {
            adam.set_learning_rate(rate(recipe.rate, epoch * batches + b, recipe.epochs * batches));
            let (images, labels) = lessons.give(batch, &mut random)?;
            let loss = (loss::cross_entropy(&pupil.logits(&images)?, &labels)? + pupil.decay(&recipe.shape)?)?;
            adam.backward_step(&loss)?;
            sum += f64::from(loss.to_scalar::<f32>()?) * batch.len() as f64;
        }
        let (number, loss) = (epoch + 1, sum / order.len() as f64);
        if !loss.is_finite() {
            return Err(TrainError::Diverged { epoch: number, loss });
        }
        report(Epoch { number, loss, error: error(pupil.network(recipe.title)?, judged) });
    }
    pupil.network(recipe.title)
}

/// Something to learn from: an image of MNIST, or a drawing.
#[derive(Clone, Copy)]
enum Item {
    Image(usize),
    Drawing(usize),
}

/// Makes batches.
struct Lessons<'a> {
    recipe: &'a PenRecipe,
    material: Material<'a>,
    pens: Pens,
}

impl<'a> Lessons<'a> {
    fn new(recipe: &'a PenRecipe, material: Material<'a>) -> Result<Self, TrainError> {
        if recipe.batch == 0 || material.digits.is_empty() || material.drawings.is_empty() {
            let title = recipe.title;
            return Err(TrainError::Recipe(format!(
                "{title} needs digits and strokes to learn from, and at least one in each batch"
            )));
        }
        Ok(Lessons { recipe, material, pens: Pens::default() })
    }

    /// Everything that an epoch has, in order.
    fn order(&self) -> Vec<Item> {
        let images = (0..self.material.digits.len()).map(Item::Image);
        let drawings = (0..self.recipe.times).flat_map(|_| (0..self.material.drawings.len()).map(Item::Drawing));
        images.chain(drawings).collect()
    }

    /// The images of a batch, and their labels `[n]`.
    fn give(&mut self, batch: &[Item], random: &mut StdRng) -> Result<(Vec<[f32; PIXELS]>, Tensor), TrainError> {
        let (images, labels): (Vec<_>, Vec<_>) = batch.iter().map(|&item| self.vary(item, random)).unzip();
        let labels: Vec<u32> = labels.into_iter().map(u32::from).collect();
        Ok((images, Tensor::from_vec(labels, batch.len(), &Device::Cpu)?))
    }

    /// An item as another hand might have written it, moved by some pixels, and its label.
    fn vary(&mut self, item: Item, random: &mut StdRng) -> ([f32; PIXELS], u8) {
        let (image, label) = match item {
            Item::Image(index) => {
                let image = self.material.digits.images().get(index).unwrap_or([0.0; PIXELS]);
                let deformation = self.recipe.images.draw(random);
                (deformation.image(&image), self.material.digits.labels().as_slice()[index])
            }
            Item::Drawing(index) => {
                let drawing = &self.material.drawings[index];
                (self.pens.image(drawing, &self.recipe.drawings, random), drawing.digit)
            }
        };
        let shift = self.recipe.shift;
        (moved(&image, [0, 1].map(|_| random.random_range(-shift..=shift))), label)
    }
}

/// A network while it learns.
enum Pupil {
    Perceptron(Trainable),
    Convolutional(Learner),
}

impl Pupil {
    fn random(shape: &Shape, random: &mut StdRng) -> Result<Self, TrainError> {
        Ok(match shape {
            Shape::Perceptron { hidden, .. } => {
                Pupil::Perceptron(Trainable::random(hidden, Activation::Sigmoid, random)?)
            }
            Shape::Convolutional { channels } => Pupil::Convolutional(Learner::random(*channels, random)?),
        })
    }

    fn variables(&self) -> Vec<Var> {
        match self {
            Pupil::Perceptron(network) => network.variables(),
            Pupil::Convolutional(network) => network.variables(),
        }
    }

    /// The logits `[n, 10]` of images.
    fn logits(&self, images: &[[f32; PIXELS]]) -> Result<Tensor, candle_core::Error> {
        match self {
            Pupil::Perceptron(network) => network.logits(&Inputs::Images(Arc::new(Batch::new(PIXELS, images))), &[]),
            Pupil::Convolutional(network) => {
                network.logits(&Tensor::from_slice(images.as_flattened(), (images.len(), SIDE, SIDE, 1), &Device::Cpu)?)
            }
        }
    }

    /// What is added to the loss, so that weights stay small.
    fn decay(&self, shape: &Shape) -> Result<Tensor, candle_core::Error> {
        match (self, shape) {
            (Pupil::Perceptron(network), Shape::Perceptron { decay, .. }) => network.decay(decay),
            _ => Tensor::new(0f32, &Device::Cpu),
        }
    }

    /// The network as it stands.
    fn network(&self, name: &str) -> Result<Network, TrainError> {
        Ok(match self {
            Pupil::Perceptron(network) => network.mlp(name)?.into(),
            Pupil::Convolutional(network) => network.network(name)?.into(),
        })
    }
}
