//! A hidden layer that learns without labels: the encoder of a sparse autoencoder.
//!
//! While it learns, its units are rectified, and each may answer only to the few digits of a batch that excite it most
//! (winner-take-all, Makhzani and Frey 2015); from these answers a decoder has to find the digits again, by the encoder's own
//! weights, transposed. Then every unit becomes a sigmoid of its excitation in standard deviations beyond a threshold,
//! so that it stays as rarely active as it was held to be.

use super::{
    error::TrainError,
    recipe::{Autoencoder, Recipe},
    schedule::rate,
};
use crate::{PIXELS, feed::Trainable};
use candle_core::{D, DType, Device, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use rand::{rngs::StdRng, seq::SliceRandom};

/// Keeps a unit that nothing excites from being divided by zero.
const TINY: f64 = 1e-6;
/// Digits in one forward pass when nothing is learned from it.
pub(super) const PASS: usize = 2000;

/// Trains the network's first layer on `images` `[n, 784]` as an encoder; the decoder's bias is thrown away, and the
/// units made sigmoids.
pub(super) fn learn(
    network: &Trainable,
    settings: &Autoencoder,
    recipe: &Recipe,
    images: &Tensor,
    random: &mut StdRng,
) -> Result<(), TrainError> {
    let (weight, bias) = &network.layers[0];
    let decoder_bias = Var::zeros(PIXELS, DType::F32, &Device::Cpu)?;
    let variables = vec![weight.clone(), bias.clone(), decoder_bias.clone()];
    let adam = ParamsAdamW { lr: settings.rate, weight_decay: 0.0, ..ParamsAdamW::default() };
    let mut adam = AdamW::new(variables, adam)?;
    let mut order: Vec<u32> = (0..images.dim(0)? as u32).collect();
    let batches = order.len().div_ceil(recipe.batch);
    for epoch in 0..settings.epochs {
        order.shuffle(random);
        let mut sum = 0.0;
        for (b, batch) in order.chunks(recipe.batch).enumerate() {
            adam.set_learning_rate(rate(settings.rate, epoch * batches + b, settings.epochs * batches));
            let seen = images.index_select(&Tensor::new(batch, &Device::Cpu)?, 0)?;
            let excited = seen.matmul(weight)?.broadcast_add(bias)?.relu()?;
            let answers = (&excited * winners(&excited, settings.share)?)?;
            let found = answers.matmul(&weight.t()?)?.broadcast_add(&decoder_bias)?;
            let loss = (found - seen)?.sqr()?.sum(D::Minus1)?.mean_all()?;
            let decay = (weight.sqr()?.sum_all()? * (recipe.decay[0] / bias.elem_count() as f64))?;
            let loss = (loss + decay)?;
            adam.backward_step(&loss)?;
            sum += f64::from(loss.to_scalar::<f32>()?) * batch.len() as f64;
        }
        let loss = sum / order.len() as f64;
        if !loss.is_finite() {
            return Err(TrainError::Diverged { epoch: epoch + 1, loss });
        }
    }
    make_sigmoids(weight, bias, settings, images)
}

/// Ones where an excitation `[n, units]` is among the `share` of its column's largest, at least one of them; zeros elsewhere.
fn winners(excited: &Tensor, share: f64) -> Result<Tensor, candle_core::Error> {
    let (digits, units) = excited.dims2()?;
    let losers = digits - ((share * digits as f64).round() as usize).clamp(1, digits);
    let columns: Vec<f32> = excited.t()?.flatten_all()?.to_vec1()?;
    let mut least = Vec::with_capacity(units);
    let mut column = Vec::with_capacity(digits);
    for values in columns.chunks_exact(digits) {
        column.clear();
        column.extend_from_slice(values);
        least.push(*column.select_nth_unstable_by(losers, f32::total_cmp).1);
    }
    let least = Tensor::from_vec(least, (1, units), &Device::Cpu)?;
    excited.broadcast_ge(&least)?.to_dtype(DType::F32)
}

/// Rescales weights and biases so that a unit whose excitation is `a` becomes `sigmoid(gain·((a − μ)/σ − threshold))`, with its
/// mean and deviation over `images`.
fn make_sigmoids(weight: &Var, bias: &Var, settings: &Autoencoder, images: &Tensor) -> Result<(), TrainError> {
    let count = images.dim(0)?;
    let mut sum = bias.zeros_like()?.to_dtype(DType::F64)?;
    let mut squares = sum.clone();
    for first in (0..count).step_by(PASS) {
        let batch = images.narrow(0, first, PASS.min(count - first))?;
        let excited = batch.matmul(weight)?.broadcast_add(bias)?.to_dtype(DType::F64)?;
        sum = (sum + excited.sum(0)?)?;
        squares = (squares + excited.sqr()?.sum(0)?)?;
    }
    let mean = (sum / count as f64)?;
    let deviation = ((squares / count as f64)? - mean.sqr()?)?.relu()?.sqrt()?.affine(1.0, TINY)?;
    let scale = (deviation.recip()? * settings.gain)?;
    let shifted = ((bias.to_dtype(DType::F64)? - mean)? * &scale)?;
    let shifted = (shifted - settings.gain * settings.threshold)?;
    weight.set(&weight.broadcast_mul(&scale.to_dtype(DType::F32)?)?.detach())?;
    bias.set(&shifted.to_dtype(DType::F32)?.detach())?;
    Ok(())
}
