//! What a step of training makes smaller.

use super::{
    FeedError, Options,
    product::Batch,
    trainable::{Inputs, Trainable},
};
use crate::{PIXELS, SIDE, network::Mlp};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use candle_nn::{loss, ops};
use std::sync::Arc;

/// Cross-entropy, and what the options add to it.
pub(super) struct Objective {
    decay: f64,
    smoothness: f64,
    distillation: f64,
    /// The network before any step, where something of it shall be kept.
    teacher: Option<Trainable>,
}

impl Objective {
    pub(super) fn new(before: &Mlp, options: &Options) -> std::result::Result<Self, FeedError> {
        let &Options { decay, smoothness, distillation, .. } = options;
        let teacher = if distillation > 0.0 { Some(Trainable::from_mlp(before)?) } else { None };
        Ok(Objective { decay, smoothness, distillation, teacher })
    }

    /// The value for images, the first `digits` of them digits and the others adversarial examples, and their labels `[n]`.
    pub(super) fn value(
        &self,
        network: &Trainable,
        images: &[[f32; PIXELS]],
        labels: &Tensor,
        digits: usize,
    ) -> Result<Tensor> {
        let inputs = |images: &[[f32; PIXELS]]| Inputs::Images(Arc::new(Batch::new(PIXELS, images)));
        let logits = network.logits(&inputs(images), &[])?;
        let lambdas = vec![self.decay; network.layers.len()];
        let mut value = (loss::cross_entropy(&logits, labels)? + network.decay(&lambdas)?)?;
        if let (true, Some((weight, _))) = (self.smoothness > 0.0, network.layers.first()) {
            value = (value + (weight.apply_op1(Roughness)? * self.smoothness)?)?;
        }
        if let Some(teacher) = &self.teacher {
            let taught = ops::softmax(&teacher.logits(&inputs(&images[..digits]), &[])?, 1)?.detach();
            let learned = ops::log_softmax(&logits.narrow(0, 0, digits)?, 1)?;
            value = (value - ((taught * learned)?.sum_all()? * (self.distillation / digits as f64))?)?;
        }
        Ok(value)
    }
}

/// `Σ (w − w of the next pixel)²/k`, over rows and columns of the image and over k units, of weights `[784, k]`. candle's own operations would
/// copy the weights a dozen times.
struct Roughness;

impl Roughness {
    /// For each two neighbouring pixels, the first of the two and how far the other is from it.
    fn neighbours() -> impl Iterator<Item = (usize, usize)> {
        let beside = (0..PIXELS).filter(|pixel| pixel % SIDE + 1 < SIDE).map(|pixel| (pixel, 1));
        beside.chain((0..PIXELS - SIDE).map(|pixel| (pixel, SIDE)))
    }
}

impl CustomOp1 for Roughness {
    fn name(&self) -> &'static str {
        "roughness"
    }

    fn cpu_fwd(&self, weight: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (inputs, units) = layout.shape().dims2()?;
        let Some((from, to)) = layout.contiguous_offsets().filter(|_| inputs == PIXELS) else {
            candle_core::bail!("the weights of an image were expected, not {layout:?}");
        };
        let weight = &weight.as_slice::<f32>()?[from..to];
        let sum: f32 = Self::neighbours()
            .map(|(pixel, far)| {
                let (a, b) = (&weight[pixel * units..][..units], &weight[(pixel + far) * units..][..units]);
                a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>()
            })
            .sum();
        Ok((CpuStorage::F32(vec![sum / units as f32]), Shape::from(())))
    }

    fn bwd(&self, weight: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let units = weight.dim(1)?;
        let scale = 2.0 * gradient.to_scalar::<f32>()? / units as f32;
        let numbers: Vec<f32> = weight.flatten_all()?.to_vec1()?;
        let mut slopes = vec![0.0; numbers.len()];
        for (pixel, far) in Self::neighbours() {
            let (at, next) = (pixel * units, (pixel + far) * units);
            for unit in 0..units {
                let slope = scale * (numbers[at + unit] - numbers[next + unit]);
                slopes[at + unit] += slope;
                slopes[next + unit] -= slope;
            }
        }
        Ok(Some(Tensor::from_vec(slopes, weight.shape(), weight.device())?))
    }
}
