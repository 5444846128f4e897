//! A convolutional network, trained by candle: two convolutions, each with max pooling and ReLU after it, and one dense
//! layer, as the usual tutorials have it.

use super::{
    error::TrainError,
    patches::patches,
    recipe::Convolutional,
    schedule::rate,
    train::{Epoch, error},
};
use crate::{
    LABELS, SIDE,
    feed::moved,
    idx::Digits,
    network::{Activation, Layer, Operation, Sequential, Window},
};
use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, loss};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

/// Rows and columns of a convolution's window.
const WINDOW: usize = 5;
/// Rows and columns of a pooling's window, and how far it moves.
const POOL: usize = 2;

/// Trains a network on `digits` and tells `report` after every epoch how it classifies `judged`, which changes nothing.
/// The same recipe and digits give the same weights.
pub fn train(
    recipe: &Convolutional,
    digits: &Digits,
    judged: &Digits,
    mut report: impl FnMut(Epoch),
) -> std::result::Result<Sequential, TrainError> {
    let mut random = StdRng::seed_from_u64(recipe.seed);
    let learner = Learner::random(recipe.channels, &mut random)?;
    let adam = ParamsAdamW { lr: recipe.rate, weight_decay: 0.0, ..ParamsAdamW::default() };
    let mut adam = AdamW::new(learner.variables(), adam)?;
    let mut order: Vec<usize> = (0..digits.len()).collect();
    let batches = digits.len().div_ceil(recipe.batch);
    for epoch in 0..recipe.epochs {
        order.shuffle(&mut random);
        let mut sum = 0.0;
        for (b, batch) in order.chunks(recipe.batch).enumerate() {
            adam.set_learning_rate(rate(recipe.rate, epoch * batches + b, recipe.epochs * batches));
            let (images, labels) = shown(digits, batch, recipe.shift, &mut random)?;
            let loss = loss::cross_entropy(&learner.logits(&images)?, &labels)?;
            adam.backward_step(&loss)?;
            sum += f64::from(loss.to_scalar::<f32>()?) * batch.len() as f64;
        }
        let (number, loss) = (epoch + 1, sum / digits.len() as f64);
        if !loss.is_finite() {
            return Err(TrainError::Diverged { epoch: number, loss });
        }
        report(Epoch { number, loss, error: error(learner.network(recipe.title)?, judged) });
    }
    learner.network(recipe.title)
}

/// The images `[n, 28, 28, 1]` of a batch, each moved by up to `shift` pixels in both directions, and their labels.
fn shown(digits: &Digits, batch: &[usize], shift: i8, random: &mut StdRng) -> Result<(Tensor, Tensor)> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for &digit in batch {
        let image = digits.images().get(digit).unwrap_or([0.0; SIDE * SIDE]);
        pixels.extend(moved(&image, [0, 1].map(|_| random.random_range(-shift..=shift))));
        labels.push(u32::from(digits.labels().as_slice()[digit]));
    }
    let images = Tensor::from_vec(pixels, (batch.len(), SIDE, SIDE, 1), &Device::Cpu)?;
    Ok((images, Tensor::from_vec(labels, batch.len(), &Device::Cpu)?))
}

/// The network while it learns. Per layer a weight `[in, out]` and a bias `[out]`; a convolution's inputs are [row, column,
/// channel] of its window, the dense layer's [channel, row, column].
pub(super) struct Learner {
    layers: [(Var, Var); 3],
}

impl Learner {
    /// Weights drawn as He et al. (2015) propose, biases zero.
    pub(super) fn random([first, second]: [usize; 2], random: &mut StdRng) -> Result<Self> {
        let side = pooled(pooled(SIDE));
        let mut layer = |inputs: usize, outputs: usize| {
            let limit = (6.0 / inputs as f32).sqrt();
            let weight: Vec<f32> = (0..inputs * outputs).map(|_| random.random_range(-limit..limit)).collect();
            let weight = Var::from_vec(weight, (inputs, outputs), &Device::Cpu)?;
            Ok::<_, candle_core::Error>((weight, Var::zeros(outputs, DType::F32, &Device::Cpu)?))
        };
        let area = WINDOW * WINDOW;
        let layers = [layer(area, first)?, layer(area * first, second)?, layer(side * side * second, LABELS)?];
        Ok(Learner { layers })
    }

    pub(super) fn variables(&self) -> Vec<Var> {
        self.layers.iter().flat_map(|(weight, bias)| [weight.clone(), bias.clone()]).collect()
    }

    /// The logits `[n, 10]` of images `[n, 28, 28, 1]`.
    pub(super) fn logits(&self, images: &Tensor) -> Result<Tensor> {
        let [first, second, (weight, bias)] = &self.layers;
        let values = convolve(&convolve(images, first)?, second)?;
        values.permute((0, 3, 1, 2))?.flatten_from(1)?.matmul(weight)?.broadcast_add(bias)
    }

    /// The network as it stands.
    pub(super) fn network(&self, name: &str) -> std::result::Result<Sequential, TrainError> {
        let mut operations = Vec::new();
        let mut channels = 1;
        for (weight, bias) in &self.layers[..2] {
            // [row, column, channel] to [channel, row, column].
            let weight = weight.reshape((WINDOW * WINDOW, channels, ()))?.transpose(0, 1)?.flatten(0, 1)?;
            let layer = layer(&weight, bias)?;
            channels = layer.outputs;
            let convolution = Window { size: (WINDOW, WINDOW), stride: (1, 1), padding: (0, 0), after: (0, 0) };
            operations.push(Operation::Convolution(convolution, layer));
            let pool = Window { size: (POOL, POOL), stride: (POOL, POOL), padding: (0, 0), after: (0, 0) };
            operations.push(Operation::MaxPool(pool));
            operations.push(Operation::Activation(Activation::Relu));
        }
        let (weight, bias) = &self.layers[2];
        operations.extend([Operation::Flatten, Operation::Linear(layer(weight, bias)?)]);
        Ok(Sequential::new(name, operations).map_err(crate::feed::FeedError::from)?)
    }
}

/// Rows or columns after a convolution and a pooling.
fn pooled(side: usize) -> usize {
    (side + 1 - WINDOW) / POOL
}

/// A convolution of values `[n, rows, columns, channels]`, max pooling, ReLU.
fn convolve(values: &Tensor, (weight, bias): &(Var, Var)) -> Result<Tensor> {
    let patches = patches(values, WINDOW)?;
    let (n, rows, columns, inputs) = patches.dims4()?;
    let product = patches.reshape(((), inputs))?.matmul(weight)?;
    let pooled = product.reshape((n * rows / POOL, POOL, ()))?.max(1)?;
    let pooled = pooled.reshape((n * rows / POOL * columns / POOL, POOL, ()))?.max(1)?;
    pooled.broadcast_add(bias)?.relu()?.reshape((n, rows / POOL, columns / POOL, ()))
}

/// A layer of a weight `[in, out]`.
fn layer(weight: &Tensor, bias: &Tensor) -> Result<Layer> {
    let (inputs, outputs) = weight.dims2()?;
    let weight = weight.t()?.flatten_all()?.to_vec1()?;
    Ok(Layer { inputs, outputs, weight, bias: bias.to_vec1()? })
}
