//! Training by candle: Adam on cross-entropy with the paper's weight decay.

pub use super::error::TrainError;

use super::{
    autoencoder::{self, PASS},
    backfeeding::Pools,
    recipe::{Method, Part, Recipe},
    schedule::rate,
};
use crate::{
    PIXELS,
    feed::{Batch, Inputs, Trainable},
    idx::Digits,
    network::{Activation, Mlp, Network, kernel::Evaluator, label},
};
use candle_core::{Device, Tensor, Var, backprop::GradStore};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, loss};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use std::sync::Arc;

/// How training stands after an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Which, from 1.
    pub number: usize,
    /// The mean loss over its batches, weight decay included.
    pub loss: f64,
    /// The share of the judged digits that is misclassified now, from 0 to 1.
    pub error: f64,
}

/// The digits that a recipe's network learns from.
pub fn part(part: Part, train: Digits) -> Digits {
    let half = train.len() / 2;
    match part {
        Part::All => train,
        Part::First => train.split_at(half).0,
        Part::Second => train.split_at(half).1,
    }
}

/// Trains a network on `digits` and tells `report` after every epoch how it classifies `judged`.
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
    let network = Trainable::random(&recipe.hidden, recipe.activation, &mut random)?;
    let mut course = Course::new(recipe, digits, &network, &mut random)?;
    let mut order: Vec<u32> = (0..digits.len() as u32).collect();
    let batches = digits.len().div_ceil(recipe.batch);
    for epoch in 0..recipe.epochs {
        order.shuffle(&mut random);
        let mut sum = 0.0;
        for (b, batch) in order.chunks(recipe.batch).enumerate() {
            course.adam.set_learning_rate(rate(recipe.rate, epoch * batches + b, recipe.epochs * batches));
            sum += course.step(&network, batch, &mut random)? * batch.len() as f64;
        }
        let (number, loss) = (epoch + 1, sum / digits.len() as f64);
        if !loss.is_finite() {
            return Err(TrainError::Diverged { epoch: number, loss });
        }
        report(Epoch { number, loss, error: error(network.mlp(recipe.title)?, judged) });
    }
    Ok(network.mlp(recipe.title)?)
}

/// What a network learns from, and how.
struct Course<'a> {
    recipe: &'a Recipe,
    digits: &'a Digits,
    labels: Tensor,
    /// The layers that learn, with their variables.
    learning: Trainable,
    variables: Vec<Var>,
    /// What the layers below those make of every digit, if they are frozen: computed only once.
    features: Option<Tensor>,
    /// λ of the layers that learn.
    decay: &'a [f64],
    pools: Option<(Pools, bool)>,
    adam: AdamW,
}

impl<'a> Course<'a> {
    fn new(
        recipe: &'a Recipe,
        digits: &'a Digits,
        network: &Trainable,
        random: &mut StdRng,
    ) -> Result<Self, TrainError> {
        let (mut frozen, mut features, mut pools) = (0, None, None);
        match &recipe.method {
            Method::Labels => {}
            Method::Autoencoder(settings) => {
                let images = images(digits)?;
                autoencoder::learn(network, settings, recipe, &images, random)?;
                frozen = 1;
                features = Some(passed(&network.split_at(frozen).0, &images)?);
            }
            Method::BackFeeding(settings) => {
                pools = Some((Pools::new(settings, digits, network, recipe.seed)?, settings.below));
            }
        }
        let learning = network.split_at(frozen).1;
        let labels = digits.labels().as_slice().iter().map(|&l| u32::from(l)).collect();
        let variables = learning.variables();
        let adam = ParamsAdamW { lr: recipe.rate, weight_decay: 0.0, ..ParamsAdamW::default() };
        Ok(Course {
            recipe,
            digits,
            labels: Tensor::from_vec(labels, digits.len(), &Device::Cpu)?,
            adam: AdamW::new(variables.clone(), adam)?,
            learning,
            variables,
            features,
            decay: &recipe.decay[frozen..],
            pools,
        })
    }

    /// One step of Adam on these digits, and as many adversarial examples if there are pools; the loss before it.
    fn step(&mut self, network: &Trainable, batch: &[u32], random: &mut StdRng) -> Result<f64, TrainError> {
        let chosen = Tensor::new(batch, &Device::Cpu)?;
        let labels = self.labels.index_select(&chosen, 0)?;
        let shown = match &self.features {
            Some(features) => Inputs::Values(features.index_select(&chosen, 0)?),
            None => self.shown(batch, random),
        };
        let masks = self.masks(batch.len(), random)?;
        let mut sample = None;
        if let Some((pools, below)) = &mut self.pools {
            sample = pools.sample(network, batch.len())?.map(|sample| (sample, *below));
        }
        let loss = || {
            let decay = self.learning.decay(self.decay)?;
            let loss = (decay + loss::cross_entropy(&self.learning.logits(&shown, &masks)?, &labels)?)?;
            let Some((sample, below)) = &sample else { return Ok(loss) };
            loss + loss::cross_entropy(&sample.logits(&self.learning, *below)?, &sample.labels)?
        };
        let (here, gradients) = sharpness_aware(&self.variables, self.recipe.sharpness, loss)?;
        self.adam.step(&gradients)?;
        Ok(here)
    }

    /// The images of a batch, some pixels of each dropped if the recipe says so.
    fn shown(&self, batch: &[u32], random: &mut StdRng) -> Inputs {
        let share = self.recipe.dropout.first().copied().unwrap_or(0.0);
        let rows = batch.iter().filter_map(|&digit| self.digits.images().get(digit as usize)).map(|mut image| {
            if share > 0.0 {
                image.iter_mut().for_each(|x| *x *= kept(share, random));
            }
            image
        });
        Inputs::Images(Arc::new(Batch::new(PIXELS, rows)))
    }

    /// What the hidden layers' outputs are multiplied by, `[count, units]` each; nothing without dropout.
    fn masks(&self, count: usize, random: &mut StdRng) -> Result<Vec<Tensor>, candle_core::Error> {
        let hidden = self.recipe.dropout.iter().skip(1).zip(&self.recipe.hidden);
        hidden
            .map(|(&share, &units)| {
                let mask: Vec<f32> = (0..count * units).map(|_| kept(share, random)).collect();
                Tensor::from_vec(mask, (count, units), &Device::Cpu)
            })
            .collect()
    }
}

/// Nothing for the share that is dropped, and so much for the others that the mean is one (Srivastava et al. 2014).
fn kept(share: f64, random: &mut StdRng) -> f32 {
    if random.random_bool(share) { 0.0 } else { (1.0 / (1.0 - share)) as f32 }
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

/// The share of `digits` that `network` misclassifies, from 0 to 1, by the project's own kernels.
pub fn error(network: impl Into<Network>, digits: &Digits) -> f64 {
    let mut evaluator = Evaluator::new(network);
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
    if let Method::BackFeeding(settings) = &recipe.method {
        let last = settings.norms.iter().rposition(|&norm| norm > 0.0).unwrap_or(0);
        if last >= layers || last > 0 && recipe.activation != Activation::Sigmoid {
            return refuse(format!(
                "{} has no layer {} whose inputs are pixels or sigmoids, for adversarial examples",
                recipe.title,
                last + 1
            ));
        }
    }
    if recipe.dropout.len() > layers || recipe.dropout.iter().any(|share| !(0.0..1.0).contains(share)) {
        return refuse(format!("{} can drop a share from 0 to below 1 of the inputs of {layers} layers", recipe.title));
    }
    if recipe.batch == 0 || digits.is_empty() {
        return refuse("there must be digits to train on, and at least one in each batch".into());
    }
    Ok(())
}

/// Images `[n, 784]` in F32.
fn images(digits: &Digits) -> Result<Tensor, candle_core::Error> {
    let pixels: Vec<f32> = digits.images().iter().flatten().collect();
    Tensor::from_vec(pixels, (digits.len(), PIXELS), &Device::Cpu)
}

/// What layers make of values `[n, inputs]`, as numbers that no gradient flows through.
fn passed(layers: &Trainable, values: &Tensor) -> Result<Tensor, candle_core::Error> {
    let mut all = Vec::new();
    for first in (0..values.dim(0)?).step_by(PASS) {
        let batch = values.narrow(0, first, PASS.min(values.dim(0)? - first))?;
        if let Inputs::Values(values) = layers.activations(&Inputs::Values(batch))? {
            all.push(values.detach());
        }
    }
    Tensor::cat(&all, 0)
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
