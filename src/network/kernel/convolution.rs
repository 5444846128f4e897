//! A convolution: an affine layer of the patch under a window.
//!
//! Forwards four positions go through their patches together, so that every vector of weights that is loaded is used four
//! times and the sums stay in registers. Backwards most of what comes in is zero, behind a pooling that kept one number of
//! four or an activation with a flat side: what is zero costs nothing.

use super::{
    grid::Grid,
    loops::{affine, columns},
};
use crate::{
    network::{
        Layer, Window,
        lanes::{LANES, Lanes},
    },
    vector::zeros,
};

/// Outputs that are summed at once.
const BLOCK: usize = 2 * LANES;
/// Positions that go together.
const TOGETHER: usize = 4;

pub(super) struct Convolution {
    /// `[padded patch, outputs]`, and `[outputs, padded patch]`.
    columns: Vec<f32>,
    rows: Vec<f32>,
    bias: Vec<f32>,
    zeros: Vec<f32>,
    patch: Vec<f32>,
    nonzero: Vec<u32>,
    /// How long one row of a patch is, and how many there are.
    length: usize,
    height: usize,
    /// Where each position's patch begins in the frame.
    begins: Vec<usize>,
    /// How far the rows of the frame are apart, where the first of the input begins in it, and how long these are.
    apart: usize,
    first: usize,
    width: usize,
    /// The input with zeros around it, or the gradient over that.
    frame: Vec<f32>,
}

impl Convolution {
    /// Prepared for `input`, and where it leaves the result. The layer's weight is [out, channel, row, column].
    #[inline(never)]
    pub(super) fn new(input: Grid, window: Window, layer: &Layer) -> (Self, Grid) {
        let outputs = layer.outputs.next_multiple_of(BLOCK);
        let output = Grid { channels: layer.outputs, stride: outputs, ..input.under(window) };
        let columns = columns(&layer.weight, input.channels, window.area(), input.stride, outputs);
        let patch = columns.len() / outputs;
        let mut rows = zeros(columns.len());
        for (k, weight) in columns.iter().enumerate() {
            rows[k % outputs * patch + k / outputs] = *weight;
        }
        let mut bias = zeros(outputs);
        bias[..layer.outputs].copy_from_slice(&layer.bias);
        let apart = (input.columns + window.padding.1 + window.after.1) * input.stride;
        let begin = |row: usize, column: usize| row * apart + column * input.stride;
        let mut begins = Vec::with_capacity(output.rows * output.columns);
        for position in 0..output.rows * output.columns {
            let (row, column) = (position / output.columns, position % output.columns);
            begins.push(begin(row * window.stride.0, column * window.stride.1));
        }
        let convolution = Convolution {
            columns,
            rows,
            bias,
            zeros: zeros(patch),
            patch: zeros(patch),
            nonzero: Vec::with_capacity(outputs),
            length: window.size.1 * input.stride,
            height: window.size.0,
            begins,
            apart,
            first: begin(window.padding.0, window.padding.1),
            width: input.columns * input.stride,
            frame: zeros((input.rows + window.padding.0 + window.after.0) * apart),
        };
        (convolution, output)
    }

    #[inline(never)]
    pub(super) fn forward(&mut self, input: &[f32], output: &mut [f32]) {
        self.frame.fill(0.0);
        for (framed, row) in self.frame[self.first..].chunks_mut(self.apart).zip(input.chunks_exact(self.width)) {
            framed[..self.width].copy_from_slice(row);
        }
        let outputs = self.bias.len();
        for (begins, output) in self.begins.chunks(TOGETHER).zip(output.chunks_mut(TOGETHER * outputs)) {
            // The last few go together with the first of them, again.
            let begins = std::array::from_fn(|k| begins[if k < begins.len() { k } else { 0 }]);
            for block in (0..outputs).step_by(BLOCK) {
                let sums = self.products(block, begins);
                for (output, sums) in output.chunks_exact_mut(outputs).zip(sums) {
                    let output = output[block..].as_chunks_mut::<LANES>().0;
                    output.iter_mut().zip(sums).for_each(|(output, sum)| sum.store(output));
                }
            }
        }
    }

    /// `b + W·patch` for four patches and the block of outputs that begins here.
    #[inline(always)]
    fn products(&self, block: usize, begins: [usize; TOGETHER]) -> [[Lanes; 2]; TOGETHER] {
        let outputs = self.bias.len();
        let load = |values: &[f32; BLOCK]| {
            let vectors = values.as_chunks::<LANES>().0;
            [Lanes::load(&vectors[0]), Lanes::load(&vectors[1])]
        };
        let mut sums = [load(&self.bias[block..].as_chunks().0[0]); TOGETHER];
        for (row, weights) in self.columns.chunks(self.length * outputs).take(self.height).enumerate() {
            let [a, b, c, d] = begins.map(|begin| &self.frame[begin + row * self.apart..][..self.length]);
            let weights = weights[block..].chunks(outputs).filter_map(|weights| weights.first_chunk());
            for ((((weights, a), b), c), d) in weights.zip(a).zip(b).zip(c).zip(d) {
                let weights = load(weights);
                for (sums, value) in sums.iter_mut().zip([a, b, c, d]) {
                    let value = Lanes::splat(*value);
                    for (sum, weights) in sums.iter_mut().zip(weights) {
                        *sum = sum.add_product(weights, value);
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
        for (&begin, delta) in self.begins.iter().zip(delta.chunks_exact(self.bias.len())) {
            if delta.iter().all(|d| *d == 0.0) {
                continue;
            }
            affine(&self.rows, delta, &self.zeros, &mut self.nonzero, &mut self.patch);
            let rows = self.frame[begin..].chunks_mut(self.apart);
            for (row, patch) in rows.zip(self.patch.chunks_exact(self.length)) {
                row.iter_mut().zip(patch).for_each(|(g, p)| *g += p);
            }
        }
        for (framed, row) in self.frame[self.first..].chunks(self.apart).zip(gradient.chunks_exact_mut(self.width)) {
            row.copy_from_slice(&framed[..self.width]);
        }
    }
}
