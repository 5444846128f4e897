//! What an evaluation consists of, forwards and back.
//!
//! Numbers are kept [row, column, channel], channels padded to the lanes, so that a convolution is an affine layer of the
//! patch under its window, and so is its gradient. An affine layer of everything is a convolution whose window is as large
//! as what it looks at, and a mean is a convolution too.

use super::loops::{activate, affine, columns, differentiate, gelu, pad, padded, transposed};
use crate::{
    SIDE,
    network::{Activation, Layer, Operation, Window},
};

/// One operation, prepared, with what the way back needs.
pub(super) enum Step {
    Affine(Affine),
    /// What each window covers, and which number was the largest, for each of the output.
    MaxPool(Vec<Run>, Grid, Vec<u32>),
    /// A factor and a summand for each number.
    Scale(Vec<f32>, Vec<f32>),
    Activation(Activation),
    /// The slope at each number.
    Gelu(Vec<f32>),
}

/// Where numbers are: `(row·columns + column)·stride + channel`.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    channels: usize,
    rows: usize,
    columns: usize,
    stride: usize,
}

impl Grid {
    /// Of the image, whose single channel is not padded.
    pub(super) const IMAGE: Grid = Grid { channels: 1, rows: SIDE, columns: SIDE, stride: 1 };

    /// How many numbers there are, padding included.
    pub(super) fn len(self) -> usize {
        padded(self.rows * self.columns * self.stride)
    }

    /// How many there are before the last padding.
    fn used(self) -> usize {
        (self.rows * self.columns - 1) * self.stride + self.channels
    }
}

/// Numbers side by side under a window: in which of its positions, where they begin in the input and in the window.
pub(super) struct Run {
    position: usize,
    from: usize,
    to: usize,
    length: usize,
}

/// An affine layer of the patch under a window.
pub(super) struct Affine {
    columns: Vec<f32>,
    bias: Vec<f32>,
    /// How many numbers of the input there are.
    inputs: usize,
    /// What the window covers; nothing where that is everything, always.
    runs: Vec<Run>,
    patch: Vec<f32>,
    /// Which inputs of the layer are not zero.
    nonzero: Vec<u32>,
}

impl Step {
    /// What `operation` does to `input`, and where it leaves the result; nothing where it does nothing.
    pub(super) fn of(operation: &Operation, input: Grid) -> Option<(Self, Grid)> {
        Some(match operation {
            Operation::Convolution(window, layer) => Step::affine(input, Some(*window), layer),
            Operation::Linear(layer) => Step::affine(input, None, layer),
            Operation::AveragePool(window) => Step::affine(input, Some(*window), &mean(*window, input.channels)),
            Operation::MaxPool(window) => {
                let (runs, output) = runs(*window, input);
                (Step::MaxPool(runs, input, vec![0; output.len()]), output)
            }
            Operation::Scale { factor, shift } => (Step::Scale(spread(factor, input), spread(shift, input)), input),
            Operation::Activation(activation) => (Step::Activation(*activation), input),
            Operation::Gelu => (Step::Gelu(vec![0.0; input.len()]), input),
            // Whatever follows looks at the whole grid, or at each number alone.
            Operation::Flatten => return None,
        })
    }

    /// A layer of everything, or of the patch under a window. Its weight is [out, channel, row, column].
    #[inline(never)]
    pub(super) fn affine(input: Grid, window: Option<Window>, layer: &Layer) -> (Self, Grid) {
        let whole = Window { size: (input.rows, input.columns), stride: (1, 1), padding: (0, 0) };
        let (mut runs, output) = runs(window.unwrap_or(whole), input);
        let area = window.map_or(input.rows * input.columns, Window::area);
        if window.is_none() {
            runs.clear();
        }
        let channels = layer.inputs / area;
        let patch = vec![0.0; padded(area * input.stride)];
        let step = Step::Affine(Affine {
            columns: columns(&layer.weight, channels, area, input.stride, layer.outputs),
            bias: pad(&layer.bias),
            inputs: input.used(),
            runs,
            nonzero: Vec::with_capacity(patch.len()),
            patch,
        });
        (step, Grid { channels: layer.outputs, stride: padded(layer.outputs), ..output })
    }

    pub(super) fn forward(&mut self, input: &[f32], output: &mut [f32]) {
        match self {
            Step::Affine(layer) => layer.forward(input, output),
            Step::MaxPool(runs, grid, largest) => {
                output.fill(f32::NEG_INFINITY);
                for run in runs {
                    for place in (run.from..run.from + run.length).step_by(grid.stride) {
                        for channel in 0..grid.stride {
                            let to = run.position * grid.stride + channel;
                            if input[place + channel] > output[to] {
                                output[to] = input[place + channel];
                                largest[to] = (place + channel) as u32;
                            }
                        }
                    }
                }
            }
            Step::Scale(factor, shift) => {
                for (((o, v), f), s) in output.iter_mut().zip(input).zip(factor).zip(shift) {
                    *o = *f * v + *s;
                }
            }
            Step::Activation(activation) => {
                output.copy_from_slice(input);
                activate(*activation, output);
            }
            Step::Gelu(slopes) => {
                for ((o, slope), &z) in output.iter_mut().zip(slopes).zip(input) {
                    (*o, *slope) = gelu(z);
                }
            }
        }
    }

    /// From the gradient over the output, `delta`, to that over the input.
    pub(super) fn backward(&mut self, output: &[f32], delta: &[f32], gradient: &mut [f32]) {
        match self {
            Step::Affine(layer) => layer.backward(delta, gradient),
            Step::MaxPool(_, _, largest) => {
                gradient.fill(0.0);
                largest.iter().zip(delta).for_each(|(&at, d)| gradient[at as usize] += d);
            }
            Step::Scale(slopes, _) | Step::Gelu(slopes) => {
                gradient.iter_mut().zip(delta).zip(slopes).for_each(|((g, d), slope)| *g = *slope * d);
            }
            Step::Activation(activation) => {
                gradient.copy_from_slice(delta);
                differentiate(*activation, output, gradient);
            }
        }
    }
}

impl Affine {
    fn forward(&mut self, input: &[f32], output: &mut [f32]) {
        if self.runs.is_empty() {
            return affine(&self.columns, &input[..self.inputs], &self.bias, &mut self.nonzero, output);
        }
        let positions = self.runs.chunk_by(|a, b| a.position == b.position);
        for (runs, output) in positions.zip(output.chunks_exact_mut(self.bias.len())) {
            self.patch.fill(0.0);
            for run in runs {
                self.patch[run.to..][..run.length].copy_from_slice(&input[run.from..][..run.length]);
            }
            affine(&self.columns, &self.patch, &self.bias, &mut self.nonzero, output);
        }
    }

    /// The gradient over every patch, added up where patches overlap.
    fn backward(&mut self, delta: &[f32], gradient: &mut [f32]) {
        if self.runs.is_empty() {
            return transposed(&self.columns, delta, gradient);
        }
        gradient.fill(0.0);
        let positions = self.runs.chunk_by(|a, b| a.position == b.position);
        for (runs, delta) in positions.zip(delta.chunks_exact(self.bias.len())) {
            if delta.iter().all(|d| *d == 0.0) {
                continue;
            }
            transposed(&self.columns, delta, &mut self.patch);
            for run in runs {
                let patch = &self.patch[run.to..][..run.length];
                gradient[run.from..][..run.length].iter_mut().zip(patch).for_each(|(g, p)| *g += p);
            }
        }
    }
}

/// What a window covers in each of its positions, and the grid of these positions.
#[inline(never)]
fn runs(window: Window, input: Grid) -> (Vec<Run>, Grid) {
    let along = |length: usize, size: usize, stride: usize, padding: usize| (length + 2 * padding - size) / stride + 1;
    let rows = along(input.rows, window.size.0, window.stride.0, window.padding.0);
    let columns = along(input.columns, window.size.1, window.stride.1, window.padding.1);
    let mut runs = Vec::new();
    for position in 0..rows * columns {
        let (top, left) = (position / columns * window.stride.0, position % columns * window.stride.1);
        // Columns of the window that are over the input.
        let first = window.padding.1.saturating_sub(left);
        let end = (input.columns + window.padding.1 - left).min(window.size.1);
        for row in 0..window.size.0 {
            let Some(y) = (top + row).checked_sub(window.padding.0).filter(|&y| y < input.rows) else { continue };
            runs.push(Run {
                position,
                from: (y * input.columns + left + first - window.padding.1) * input.stride,
                to: (row * window.size.1 + first) * input.stride,
                length: (end - first) * input.stride,
            });
        }
    }
    (runs, Grid { rows, columns, ..input })
}

/// The layer that makes of each channel its mean under a window.
fn mean(window: Window, channels: usize) -> Layer {
    let area = window.area();
    let mut weight = vec![0.0; channels * channels * area];
    for channel in 0..channels {
        weight[channel * (channels + 1) * area..][..area].fill(1.0 / area as f32);
    }
    Layer { inputs: channels * area, outputs: channels, weight, bias: vec![0.0; channels] }
}

/// One for each channel, or for each number in the order [channel, row, column], where the grid has them.
#[inline(never)]
fn spread(values: &[f32], grid: Grid) -> Vec<f32> {
    let area = grid.rows * grid.columns;
    let mut all = vec![0.0; grid.len()];
    for k in 0..area * grid.channels {
        let (place, channel) = (k % area, k / area);
        all[place * grid.stride + channel] = values[if values.len() == grid.channels { channel } else { k }];
    }
    all
}
