//! A hidden layer that learns without labels: the encoder of a sparse denoising autoencoder.
//!
//! Some pixels are blanked, and a decoder has to find the whole digit again from the units' activations (Vincent et
//! al. 2008). Its weights are the encoder's, transposed: units that only just stir could not restore a digit then. Every unit is held to a small mean activation ρ by the divergence `Σ_j KL(ρ ‖ ρ_j)` (Ng 2011), so that
//! few units speak for one digit.

use super::{
    recipe::{Autoencoder, Recipe},
    train::{Network, TrainError, rate},
};
use crate::PIXELS;
use candle_core::{D, DType, Device, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, ops};
use rand::{Rng, rngs::StdRng, seq::SliceRandom};

/// Keeps logarithms of means finite.
const TINY: f64 = 1e-6;

/// Trains the network's first layer on `images` `[n, 784]` as an encoder; the decoder's bias is thrown away,
/// and the encoder softened by the gain.
pub(super) fn learn(
    network: &Network,
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
            let whole = images.index_select(&Tensor::new(batch, &Device::Cpu)?, 0)?;
            let seen = (&whole * mask(settings.blanked, batch.len(), random)?)?;
            let hidden = ops::sigmoid(&seen.matmul(weight)?.broadcast_add(bias)?)?;
            let logits = hidden.matmul(&weight.t()?)?.broadcast_add(&decoder_bias)?;
            let loss = (reconstruction(&logits, &whole)? + divergence(&hidden, settings)?)?;
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
    for variable in [weight, bias] {
        variable.set(&(variable.as_tensor() * settings.gain)?.detach())?;
    }
    Ok(())
}

/// Zeros for the share `blanked` of the pixels, ones for the others.
fn mask(blanked: f64, count: usize, random: &mut StdRng) -> Result<Tensor, candle_core::Error> {
    let values: Vec<f32> = (0..count * PIXELS).map(|_| f32::from(u8::from(!random.random_bool(blanked)))).collect();
    Tensor::from_vec(values, (count, PIXELS), &Device::Cpu)
}

/// The cross-entropy between pixels and their reconstruction, summed over a digit, the mean over the batch:
/// `log(1 + e^z) − x·z`, written so that nothing overflows.
fn reconstruction(logits: &Tensor, images: &Tensor) -> Result<Tensor, candle_core::Error> {
    let softplus = (logits.relu()? + (logits.abs()?.neg()?.exp()? + 1.0)?.log()?)?;
    (softplus - (images * logits)?)?.sum(D::Minus1)?.mean_all()
}

/// `β·Σ_j KL(ρ ‖ ρ_j)`, ρ_j being a unit's mean activation over the batch.
fn divergence(hidden: &Tensor, settings: &Autoencoder) -> Result<Tensor, candle_core::Error> {
    let (rho, mean) = (settings.density, hidden.mean(0)?);
    let on = (mean.affine(1.0, TINY)?.log()? * -rho)?;
    let off = (mean.affine(-1.0, 1.0 + TINY)?.log()? * (rho - 1.0))?;
    let entropy = rho * rho.ln() + (1.0 - rho) * (1.0 - rho).ln();
    (on + off)?.affine(1.0, entropy)?.sum_all()? * settings.sparsity
}
