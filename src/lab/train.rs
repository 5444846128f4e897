//! Training by candle: Adam on cross-entropy with the paper's weight decay.

use super::{
    autoencoder,
    backfeeding::{Pool, Sample},
    recipe::{Method, Part, Recipe},
};
use crate::{
    LABELS, PIXELS,
    attack::AttackError,
    idx::Digits,
    network::{Layer, Mlp, NetworkError, kernel::Evaluator, label},
};
use candle_core::{D, DType, Device, Tensor, Var, backprop::GradStore};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, loss, ops};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use std::{f64::consts::PI, sync::Arc};
use thiserror::Error;

/// The share of its first value that the rate falls to.
const LAST_RATE: f64 = 0.01;
/// Digits in one forward pass when nothing is learned from it.
pub(super) const JUDGE_BATCH: usize = 2000;

/// Why a network was not trained.
#[derive(Debug, Error)]
pub enum TrainError {
    /// A recipe that cannot be followed.
    #[error("{0}")]
    Recipe(String),
    /// The loss became NaN or infinite.
    #[error("the loss was {loss} in epoch {epoch}; a smaller --rate may help")]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// The mean loss.
        loss: f64,
    },
    /// candle refused an operation.
    #[error("candle: {0}")]
    Candle(#[from] candle_core::Error),
    /// The trained weights are no network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// No adversarial example could be made of a digit.
    #[error(transparent)]
    Attack(#[from] AttackError),
}

/// How training stands after an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Which, from 1.
    pub number: usize,
    /// The mean loss over its batches, weight decay included.
    pub loss: f64,
    /// The share of the judged digits that is misread now, from 0 to 1.
    pub error: f64,
}

/// The digits that a recipe's network learns from.
pub fn part(recipe: &Recipe, train: Digits) -> Digits {
    let half = train.len() / 2;
    match recipe.part {
        Part::All => train,
        Part::First => train.split_at(half).0,
        Part::Second => train.split_at(half).1,
    }
}

/// Trains a network on `digits` and tells `report` after every epoch how it reads `judged`.
///
/// `judged` changes nothing: the weights are those after the last epoch. The same recipe and digits
/// give the same weights.
pub fn train(
    recipe: &Recipe,
    digits: &Digits,
    judged: &Digits,
    mut report: impl FnMut(Epoch),
) -> Result<Mlp, TrainError> {
    check(recipe, digits)?;
    let mut random = StdRng::seed_from_u64(recipe.seed);
    let network = Network::new(recipe, &mut random)?;
    let (mut images, labels) = tensors(digits)?;
    let judged = tensors(judged)?;
    let mut frozen = 0;
    let mut pool = None;
    match recipe.method {
        Method::Labels => {}
        Method::Autoencoder(settings) => {
            autoencoder::learn(&network, &settings, recipe, &images, &mut random)?;
            frozen = 1;
        }
        Method::BackFeeding(settings) => {
            let width = network.layers[settings.layer].0.dim(0)?;
            pool = Some((settings.layer, Pool::new(settings, digits, width, recipe.seed)));
        }
    }
    // What is frozen need be computed only once.
    let (below, learning) = network.split_at(frozen);
    images = below.features(&images)?;
    let decay = &recipe.decay[frozen..];
    let adam = ParamsAdamW { lr: recipe.rate, weight_decay: 0.0, ..ParamsAdamW::default() };
    let variables = learning.variables();
    let mut adam = AdamW::new(variables.clone(), adam)?;
    let mut order: Vec<u32> = (0..digits.len() as u32).collect();
    let batches = digits.len().div_ceil(recipe.batch);
    for epoch in 0..recipe.epochs {
        order.shuffle(&mut random);
        let mut sum = 0.0;
        for (b, batch) in order.chunks(recipe.batch).enumerate() {
            adam.set_learning_rate(rate(recipe.rate, epoch * batches + b, recipe.epochs * batches));
            let chosen = Tensor::new(batch, &Device::Cpu)?;
            let shown = (images.index_select(&chosen, 0)?, labels.index_select(&chosen, 0)?);
            let mut adversarial = None;
            if let Some((layer, pool)) = &mut pool {
                pool.refresh(&network.mlp(recipe)?)?;
                adversarial = Some((*layer, pool.sample(batch.len())?));
            }
            let loss = || {
                let decay = learning.decay(decay)?;
                let loss = (decay + loss::cross_entropy(&learning.logits(&shown.0)?, &shown.1)?)?;
                let Some((layer, sample)) = &adversarial else { return Ok(loss) };
                loss + loss::cross_entropy(&learning.adversarial_logits(*layer, sample)?, &sample.labels)?
            };
            let (here, gradients) = sharpness_aware(&variables, recipe.sharpness, loss)?;
            adam.step(&gradients)?;
            sum += here * batch.len() as f64;
        }
        let (number, loss) = (epoch + 1, sum / digits.len() as f64);
        if !loss.is_finite() {
            return Err(TrainError::Diverged { epoch: number, loss });
        }
        report(Epoch { number, loss, error: network.error(&judged)? });
    }
    network.mlp(recipe)
}

/// The loss at the weights, and the gradient that a step follows: the gradient where the loss is highest, to first order,
/// within a distance of ρ from the weights, so that flat minima win over sharp ones (Foret et al. 2020). With ρ = 0 it is
/// the gradient at the weights themselves.
fn sharpness_aware(
    variables: &[Var],
    rho: f64,
    loss: impl Fn() -> Result<Tensor, candle_core::Error>,
) -> Result<(f64, GradStore), candle_core::Error> {
    let here = loss()?;
    let value = f64::from(here.to_scalar::<f32>()?);
    let gradients = here.backward()?;
    if rho == 0.0 {
        return Ok((value, gradients));
    }
    let mut square = 0.0;
    for gradient in variables.iter().filter_map(|variable| gradients.get(variable)) {
        square += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
    }
    let scale = rho / square.sqrt().max(f64::MIN_POSITIVE);
    let mut weights = Vec::with_capacity(variables.len());
    for variable in variables {
        weights.push(variable.as_tensor().copy()?);
        if let Some(gradient) = gradients.get(variable) {
            variable.set(&(variable.as_tensor() + gradient * scale)?.detach())?;
        }
    }
    let gradients = loss()?.backward()?;
    for (variable, weight) in variables.iter().zip(&weights) {
        variable.set(weight)?;
    }
    Ok((value, gradients))
}

/// The rate after `step` of `steps`: half a cosine from the first rate to its hundredth.
pub(super) fn rate(first: f64, step: usize, steps: usize) -> f64 {
    let done = step as f64 / steps as f64;
    first * (LAST_RATE + (1.0 - LAST_RATE) * (1.0 + (PI * done).cos()) / 2.0)
}

/// The share of `digits` that `network` misreads, from 0 to 1, by the project's own kernels.
pub fn error(network: &Mlp, digits: &Digits) -> f64 {
    let mut evaluator = Evaluator::new(Arc::new(network.clone()));
    let wrong = digits.iter().filter(|(image, l)| label(evaluator.logits(image)) != *l).count();
    wrong as f64 / digits.len().max(1) as f64
}

fn check(recipe: &Recipe, digits: &Digits) -> Result<(), TrainError> {
    let refuse = |why: String| Err(TrainError::Recipe(why));
    let layers = recipe.hidden.len() + 1;
    if recipe.decay.len() != layers {
        let (title, given) = (recipe.title, recipe.decay.len());
        return refuse(format!("{title} needs one λ for each layer, {layers} in all; {given} were given"));
    }
    if let Method::BackFeeding(settings) = recipe.method
        && (settings.layer >= layers || settings.layer > 0 && recipe.activation != crate::network::Activation::Sigmoid)
    {
        return refuse(format!(
            "{} has no layer {} whose inputs are pixels or sigmoids, for adversarial examples",
            recipe.title,
            settings.layer + 1
        ));
    }
    if recipe.batch == 0 || digits.is_empty() {
        return refuse("there must be digits to train on, and at least one in each batch".into());
    }
    Ok(())
}

/// Images `[n, 784]` in F32 and labels `[n]`.
fn tensors(digits: &Digits) -> Result<(Tensor, Tensor), candle_core::Error> {
    let pixels: Vec<f32> = digits.images().iter().flatten().collect();
    let images = Tensor::from_vec(pixels, (digits.len(), PIXELS), &Device::Cpu)?;
    let labels = digits.labels().as_slice().iter().map(|&l| u32::from(l)).collect();
    Ok((images, Tensor::from_vec(labels, digits.len(), &Device::Cpu)?))
}

/// The network while it learns: per layer a weight, transposed to `[in, out]`, and a bias `[out]`.
pub(super) struct Network {
    activation: crate::network::Activation,
    pub(super) layers: Vec<(Var, Var)>,
}

impl Network {
    /// Weights drawn as Glorot and Bengio (2010) propose, biases zero.
    fn new(recipe: &Recipe, random: &mut StdRng) -> Result<Self, candle_core::Error> {
        let mut layers = Vec::new();
        let mut inputs = PIXELS;
        for outputs in recipe.hidden.iter().copied().chain([LABELS]) {
            let limit = (6.0 / (inputs + outputs) as f32).sqrt();
            let weight: Vec<f32> = (0..inputs * outputs).map(|_| random.random_range(-limit..limit)).collect();
            let weight = Var::from_vec(weight, (inputs, outputs), &Device::Cpu)?;
            layers.push((weight, Var::zeros(outputs, DType::F32, &Device::Cpu)?));
            inputs = outputs;
        }
        Ok(Network { activation: recipe.activation, layers })
    }

    fn variables(&self) -> Vec<Var> {
        self.layers.iter().flat_map(|(weight, bias)| [weight.clone(), bias.clone()]).collect()
    }

    /// The first `count` layers and the others; both share this network's weights.
    fn split_at(&self, count: usize) -> (Network, Network) {
        let (below, above) = self.layers.split_at(count);
        let network = |layers: &[(Var, Var)]| Network { activation: self.activation, layers: layers.to_vec() };
        (network(below), network(above))
    }

    /// The last layer's activations, as numbers that no gradient flows through; the images themselves without layers.
    fn features(&self, images: &Tensor) -> Result<Tensor, candle_core::Error> {
        if self.layers.is_empty() {
            return Ok(images.clone());
        }
        let mut features = Vec::new();
        for first in (0..images.dim(0)?).step_by(JUDGE_BATCH) {
            let batch = images.narrow(0, first, JUDGE_BATCH.min(images.dim(0)? - first))?;
            features.push(self.activations(&batch)?.detach());
        }
        Tensor::cat(&features, 0)
    }

    /// The last layer's activations; the images themselves without layers.
    fn activations(&self, images: &Tensor) -> Result<Tensor, candle_core::Error> {
        if self.layers.is_empty() { Ok(images.clone()) } else { self.activate(&self.logits(images)?) }
    }

    /// The logits of images whose values at a layer's input are perturbed.
    fn adversarial_logits(&self, layer: usize, sample: &Sample) -> Result<Tensor, candle_core::Error> {
        let (below, above) = self.split_at(layer);
        above.logits(&(below.activations(&sample.images)? + &sample.perturbations)?.clamp(0f32, 1f32)?)
    }

    fn activate(&self, values: &Tensor) -> Result<Tensor, candle_core::Error> {
        use crate::network::Activation::{Relu, Sigmoid, Tanh};
        match self.activation {
            Sigmoid => ops::sigmoid(values),
            Relu => values.relu(),
            Tanh => values.tanh(),
        }
    }

    /// `[n, inputs]` to the last layer's values before any activation: for a whole network the logits, `[n, 10]`.
    fn logits(&self, images: &Tensor) -> Result<Tensor, candle_core::Error> {
        let mut values = images.clone();
        for (k, (weight, bias)) in self.layers.iter().enumerate() {
            values = values.matmul(weight)?.broadcast_add(bias)?;
            if k + 1 < self.layers.len() {
                values = self.activate(&values)?;
            }
        }
        Ok(values)
    }

    /// `Σ λ·Σw²/k` over the layers, k being a layer's units (section 4.2).
    fn decay(&self, lambdas: &[f64]) -> Result<Tensor, candle_core::Error> {
        let mut sum = Tensor::zeros((), DType::F32, &Device::Cpu)?;
        for ((weight, bias), lambda) in self.layers.iter().zip(lambdas) {
            sum = (sum + (weight.sqr()?.sum_all()? * (lambda / bias.elem_count() as f64))?)?;
        }
        Ok(sum)
    }

    /// The share of digits that is misread.
    fn error(&self, (images, labels): &(Tensor, Tensor)) -> Result<f64, candle_core::Error> {
        let count = labels.elem_count();
        let mut wrong = 0.0;
        for first in (0..count).step_by(JUDGE_BATCH) {
            let length = JUDGE_BATCH.min(count - first);
            let read = self.logits(&images.narrow(0, first, length)?)?.argmax(D::Minus1)?;
            let misread = read.ne(&labels.narrow(0, first, length)?)?;
            wrong += misread.to_dtype(DType::F64)?.sum_all()?.to_scalar::<f64>()?;
        }
        Ok(wrong / count.max(1) as f64)
    }

    /// The network as it stands.
    fn mlp(&self, recipe: &Recipe) -> Result<Mlp, TrainError> {
        Ok(Mlp::new(recipe.title, recipe.activation, self.layers()?)?)
    }

    fn layers(&self) -> Result<Vec<Layer>, candle_core::Error> {
        let layer = |(weight, bias): &(Var, Var)| {
            let (inputs, outputs) = weight.dims2()?;
            let weight = weight.t()?.flatten_all()?.to_vec1()?;
            Ok(Layer { inputs, outputs, weight, bias: bias.to_vec1()? })
        };
        self.layers.iter().map(layer).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sharpness_aware_gradient_is_that_of_the_steepest_point_at_the_distance() {
        // ½u² + 2v², with the gradient (u, 4v).
        let variable = |w: f32| Var::new(&[w], &Device::Cpu).unwrap();
        let variables = [variable(3.0), variable(-1.0)];
        let loss = || -> Result<Tensor, candle_core::Error> {
            ((variables[0].sqr()? * 0.5)? + (variables[1].sqr()? * 2.0)?)?.sum_all()
        };
        let number = |tensor: &Tensor| f64::from(tensor.to_vec1::<f32>().unwrap()[0]);
        let (value, plain) = sharpness_aware(&variables, 0.0, loss).unwrap();
        assert!((value - 6.5).abs() < 1e-6);
        let gradients = [0, 1].map(|k| number(plain.get(&variables[k]).unwrap()));
        assert_eq!(gradients, [3.0, -4.0]);
        // The gradient (3, −4) has length 5: with ρ = 0.5 the steepest point is (3, −1) + (0.3, −0.4).
        let (value, sharp) = sharpness_aware(&variables, 0.5, loss).unwrap();
        assert!((value - 6.5).abs() < 1e-6, "the loss is told at the weights themselves");
        for (k, expected) in [(0, 3.3), (1, -5.6)] {
            assert!((number(sharp.get(&variables[k]).unwrap()) - expected).abs() < 1e-5);
        }
        assert_eq!(variables.each_ref().map(|v| number(v.as_tensor())), [3.0, -1.0], "the weights stay where they are");
    }
}
