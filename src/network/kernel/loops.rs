//! The loops that an affine layer spends its time in, forwards and back.

use crate::{
    network::{
        Activation,
        lanes::{LANES, Lanes, exp},
    },
    vector::zeros,
};

/// `output = b + Σ_i columns_i · input_i`, four inputs at a time, skipping those that are zero.
#[inline(never)]
pub(super) fn affine(columns: &[f32], input: &[f32], bias: &[f32], nonzero: &mut Vec<u32>, output: &mut [f32]) {
    output.copy_from_slice(bias);
    let width = bias.len();
    nonzero.clear();
    nonzero.extend((0u32..).zip(input).filter(|(_, v)| **v != 0.0).map(|(i, _)| i));
    let column = |i: u32| columns[i as usize * width..][..width].as_chunks::<LANES>().0;
    let outputs = output.as_chunks_mut::<LANES>().0;
    let (blocks, rest) = nonzero.as_chunks::<4>();
    for &[i, j, k, l] in blocks {
        let [p, q, r, s] = [i, j, k, l].map(|i| Lanes::splat(input[i as usize]));
        let (a, b, c, d) = (column(i), column(j), column(k), column(l));
        for ((((o, a), b), c), d) in outputs.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            Lanes::load(o)
                .add_product(Lanes::load(a), p)
                .add_product(Lanes::load(b), q)
                .add_product(Lanes::load(c), r)
                .add_product(Lanes::load(d), s)
                .store(o);
        }
    }
    for &i in rest {
        let value = Lanes::splat(input[i as usize]);
        for (o, a) in outputs.iter_mut().zip(column(i)) {
            Lanes::load(o).add_product(Lanes::load(a), value).store(o);
        }
    }
}

/// `output_i = columns_i · delta`, four inputs at a time. `output` is padded to a multiple of four.
pub(super) fn transposed(columns: &[f32], delta: &[f32], output: &mut [f32]) {
    let width = delta.len();
    let deltas = delta.as_chunks::<LANES>().0;
    for (out, block) in output.as_chunks_mut::<LANES>().0.iter_mut().zip(columns.chunks_exact(LANES * width)) {
        let column = |i: usize| block[i * width..][..width].as_chunks::<LANES>().0;
        let [mut p, mut q, mut r, mut s] = [Lanes::splat(0.0); 4];
        let (a, b, c, d) = (column(0), column(1), column(2), column(3));
        for ((((delta, a), b), c), d) in deltas.iter().zip(a).zip(b).zip(c).zip(d) {
            let delta = Lanes::load(delta);
            p = p.add_product(Lanes::load(a), delta);
            q = q.add_product(Lanes::load(b), delta);
            r = r.add_product(Lanes::load(c), delta);
            s = s.add_product(Lanes::load(d), delta);
        }
        Lanes::sums([p, q, r, s]).store(out);
    }
}

/// `n` made a multiple of the lanes.
pub(super) fn padded(n: usize) -> usize {
    n.div_ceil(LANES) * LANES
}

/// The part of the largest weight below which one vanishes.
const VANISHING: f32 = 1e-20;

/// `W` transposed to `[patch, padded outputs]`: one layout serves both directions, and an input that is zero, as most
/// pixels are, costs nothing on the way forward. `weight` is [out, channel, place], a patch has `stride` numbers for each
/// of its `area` places, and there are as many rows as make a multiple of the lanes.
///
/// Weights that vanish beside the largest become zero. Weight decay leaves such where no digit ever has ink; they change no sum in
/// single precision, but their products are subnormal numbers, each of which costs a processor a hundred cycles.
pub(super) fn columns(weight: &[f32], channels: usize, area: usize, stride: usize, outputs: usize) -> Vec<f32> {
    let width = padded(outputs);
    let mut columns = zeros(padded(area * stride) * width);
    let vanishing = VANISHING * weight.iter().fold(0f32, |largest, w| largest.max(w.abs()));
    for (o, row) in weight.chunks_exact(channels * area).enumerate() {
        for (channel, row) in row.chunks_exact(area).enumerate() {
            for (place, &w) in row.iter().enumerate() {
                columns[(place * stride + channel) * width + o] = if w.abs() > vanishing { w } else { 0.0 };
            }
        }
    }
    columns
}

/// `values` with zeros after them.
pub(super) fn pad(values: &[f32]) -> Vec<f32> {
    let mut v = values.to_vec();
    v.resize(padded(values.len()), 0.0);
    v
}

/// `φ` of a padded layer; what it makes of the padding meets only weights that are zero.
pub(super) fn activate(activation: Activation, values: &mut [f32]) {
    for v in values.as_chunks_mut::<LANES>().0 {
        *v = match activation {
            Activation::Sigmoid => v.map(|v| 1.0 / (1.0 + exp(-v))),
            Activation::Relu => v.map(|v| v.max(0.0)),
            Activation::Tanh => v.map(|v| 1.0 - 2.0 / (1.0 + exp(2.0 * v))),
        };
    }
}

/// Multiplies `delta` by `φ′`, which each activation gives in terms of its own output.
pub(super) fn differentiate(activation: Activation, output: &[f32], delta: &mut [f32]) {
    for (d, &a) in delta.iter_mut().zip(output) {
        *d *= match activation {
            Activation::Sigmoid => a * (1.0 - a),
            Activation::Relu => f32::from(a > 0.0),
            Activation::Tanh => 1.0 - a * a,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_that_vanish_beside_the_largest_are_zero_however_large_that_is() {
        for scale in [1.0, 1e-15, 1e15] {
            let weight = [1.0, -1e-10, 1e-19, 1e-21, -1e-23, 0.0].map(|w| w * scale);
            let columns = columns(&weight, 6, 1, 6, 1);
            let kept: Vec<f32> = columns.chunks_exact(LANES).map(|column| column[0]).collect();
            assert_eq!(kept[..6], [weight[0], weight[1], weight[2], 0.0, 0.0, 0.0]);
        }
    }
}
