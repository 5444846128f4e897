//! A convolution: an affine layer of the patch under a window.
//!
//! Forwards four positions go through their patches together, so that every vector of weights that is loaded is used four
//! times and the sums stay in registers. Backwards most of what comes in is zero, behind a pooling that kept one number of
//! four or an activation with a flat side: what is zero costs nothing.

use super::{
    loops::{affine, columns, padded, zeros},
    step::Grid,
};
use crate::network::{
    Layer, Window,
    lanes::{LANES, Lanes},
};

/// Outputs that are summed at once.
const BLOCK: usize = 2 * LANES;
/// Positions that go together.
const TOGETHER: usize = 4;

pub(super) struct Convolution {
    /// `[outputs / 8, patch, 8]`, rounded up, and a bias for each of these outputs.
    blocks: Vec<f32>,
    bias: Vec<f32>,
    /// The outputs of one position, padded.
    outputs: usize,
    /// `[padded outputs, padded patch]`.
    rows: Vec<f32>,
    zeros: Vec<f32>,
    patch: Vec<f32>,
    nonzero: Vec<u32>,
    /// How long one row of a patch is.
    length: usize,
    /// Where each position's patch begins in the frame.
    begins: Vec<usize>,
    /// How far the rows of the frame are apart, where each row of the input begins in it, and how long that is.
    apart: usize,
    inside: Vec<usize>,
    width: usize,
    /// The input with zeros around it, or the gradient over that.
    frame: Vec<f32>,
}

impl Convolution {
    /// Prepared for `input`, and where it leaves the result. The layer's weight is [out, channel, row, column].
    #[inline(never)]
    pub(super) fn new(input: Grid, window: Window, layer: &Layer) -> (Self, Grid) {
        let outputs = padded(layer.outputs);
        let output = Grid { channels: layer.outputs, stride: outputs, ..input.under(window) };
        let weights = columns(&layer.weight, input.channels, window.area(), input.stride, layer.outputs);
        let (patch, used) = (weights.len() / outputs, window.area() * input.stride);
        let mut rows = zeros(weights.len());
        let mut blocks = zeros(outputs.next_multiple_of(BLOCK) * used);
        for i in 0..used {
            for o in 0..outputs {
                let weight = weights[i * outputs + o];
                rows[o * patch + i] = weight;
                blocks[(o / BLOCK * used + i) * BLOCK + o % BLOCK] = weight;
            }
        }
        let mut bias = layer.bias.clone();
        bias.resize(outputs.next_multiple_of(BLOCK), 0.0);
        let apart = (input.columns + 2 * window.padding.1) * input.stride;
        let begin = |row: usize, column: usize| row * apart + column * input.stride;
        let positions = (0..output.rows).flat_map(|row| (0..output.columns).map(move |column| (row, column)));
        let convolution = Convolution {
            blocks,
            bias,
            outputs,
            rows,
            zeros: zeros(patch),
            patch: zeros(patch),
            nonzero: Vec::with_capacity(outputs),
            length: window.size.1 * input.stride,
            begins: positions.map(|(row, column)| begin(row * window.stride.0, column * window.stride.1)).collect(),
            apart,
            inside: (0..input.rows).map(|row| begin(row + window.padding.0, window.padding.1)).collect(),
            width: input.columns * input.stride,
            frame: zeros((input.rows + 2 * window.padding.0) * apart),
        };
        (convolution, output)
    }

    #[inline(never)]
    pub(super) fn forward(&mut self, input: &[f32], output: &mut [f32]) {
        self.frame.fill(0.0);
        for (&begin, row) in self.inside.iter().zip(input.chunks_exact(self.width)) {
            self.frame[begin..][..self.width].copy_from_slice(row);
        }
        let size = self.blocks.len() / self.bias.len() * BLOCK;
        for (begins, output) in self.begins.chunks(TOGETHER).zip(output.chunks_mut(TOGETHER * self.outputs)) {
            // The last few go together with the first of them, again.
            let begins = std::array::from_fn(|k| begins[if k < begins.len() { k } else { 0 }]);
            for (block, weights) in self.blocks.chunks_exact(size).enumerate() {
                let sums = self.products(block, weights, begins);
                for (output, sums) in output.chunks_exact_mut(self.outputs).zip(sums) {
                    let output = output[block * BLOCK..].as_chunks_mut::<LANES>().0;
                    output.iter_mut().zip(sums).for_each(|(output, sum)| sum.store(output));
                }
            }
        }
    }

    /// `b + W·patch` for four patches and one block of outputs.
    #[inline(always)]
    fn products(&self, block: usize, weights: &[f32], begins: [usize; TOGETHER]) -> [[Lanes; 2]; TOGETHER] {
        let bias = self.bias.as_chunks::<LANES>().0;
        let mut sums = [[Lanes::load(&bias[2 * block]), Lanes::load(&bias[2 * block + 1])]; TOGETHER];
        for (row, weights) in weights.chunks_exact(self.length * BLOCK).enumerate() {
            let [a, b, c, d] = begins.map(|begin| &self.frame[begin + row * self.apart..][..self.length]);
            let weights = weights.as_chunks::<LANES>().0.as_chunks::<2>().0;
            for ((((weights, a), b), c), d) in weights.iter().zip(a).zip(b).zip(c).zip(d) {
                for (sums, value) in sums.iter_mut().zip([a, b, c, d]) {
                    let value = Lanes::splat(*value);
                    for (sum, weights) in sums.iter_mut().zip(weights) {
                        *sum = sum.add_product(Lanes::load(weights), value);
                    }
                }
            }
        }
        sums
    }

    /// The gradient over every patch, added up where patches overlap.
    #[inline(never)]
    pub(super) fn backward(&mut self, delta: &[f32], gradient: &mut [f32]) {
        self.frame.fill(0.0);
        for (&begin, delta) in self.begins.iter().zip(delta.chunks_exact(self.outputs)) {
            if delta.iter().all(|d| *d == 0.0) {
                continue;
            }
            affine(&self.rows, delta, &self.zeros, &mut self.nonzero, &mut self.patch);
            let rows = self.frame[begin..].chunks_mut(self.apart);
            for (row, patch) in rows.zip(self.patch.chunks_exact(self.length)) {
                row.iter_mut().zip(patch).for_each(|(g, p)| *g += p);
            }
        }
        for (&begin, row) in self.inside.iter().zip(gradient.chunks_exact_mut(self.width)) {
            row.copy_from_slice(&self.frame[begin..][..self.width]);
        }
    }
}
