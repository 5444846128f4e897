//! Networks of one operation after another.
//!
//! Values are kept [row, column, channel], channels padded to the lanes, so that a convolution is an affine layer of the
//! patch under its window, and so is its gradient, and both go through the loops of the perceptrons.

use super::{
    loops::{affine, columns, pad, padded, transposed},
    perceptron::{activate, differentiate},
};
use crate::{
    LABELS, PIXELS,
    network::{Layer, Operation, Sequential, Shape, Window},
};

/// Room for one evaluation.
pub(super) struct Kernel {
    steps: Vec<Step>,
    /// The image, then every operation's output.
    values: Vec<Vec<f32>>,
    /// The gradient over each of those.
    deltas: Vec<Vec<f32>>,
    logits: [f32; LABELS],
}

/// One operation, prepared.
struct Step {
    work: Work,
    input: Grid,
    output: Grid,
}

enum Work {
    /// Factors and shifts, padded.
    Scale(Vec<f32>, Vec<f32>),
    Convolution(Window, Affine),
    Linear(Affine),
    /// Which value of the input was the largest, for each of the output.
    MaxPool(Window, Vec<u32>),
    AveragePool(Window),
    Activation(crate::network::Activation),
    Gelu,
    Flatten,
}

/// An affine layer, and the patch that it is applied to.
struct Affine {
    columns: Vec<f32>,
    bias: Vec<f32>,
    patch: Vec<f32>,
    nonzero: Vec<u32>,
}

/// Where values are: `(row·columns + column)·stride + channel`.
#[derive(Clone, Copy)]
struct Grid {
    shape: Shape,
    stride: usize,
}

impl Grid {
    /// Of the image, whose single channel is not padded.
    fn image(shape: Shape) -> Self {
        Grid { shape, stride: 1 }
    }

    /// Of what an operation makes of this: padded where an affine layer or a flat vector begins, else as before.
    fn after(self, operation: &Operation, shape: Shape) -> Self {
        match operation {
            Operation::Convolution(..) | Operation::Linear(_) | Operation::Flatten => {
                Grid { shape, stride: padded(shape.channels) }
            }
            _ => Grid { shape, ..self },
        }
    }

    fn len(self) -> usize {
        padded(self.shape.area() * self.stride)
    }

    fn at(self, row: usize, column: usize) -> usize {
        (row * self.shape.columns + column) * self.stride
    }

    /// Every row and column.
    fn places(self) -> impl Iterator<Item = (usize, usize)> {
        let Shape { rows, columns, .. } = self.shape;
        (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
    }
}

impl Affine {
    fn new(layer: &Layer, weight: &[f32]) -> Self {
        let patch = vec![0.0; padded(layer.inputs)];
        let columns = columns(weight, layer.inputs, layer.outputs);
        Affine { columns, bias: pad(&layer.bias), nonzero: Vec::with_capacity(patch.len()), patch }
    }

    /// Of a convolution: its patches are [row, column, channel], its weights [out, channel, row, column].
    fn convolution(layer: &Layer, window: Window, channels: usize) -> Self {
        let area = window.area();
        let row =
            |row: &[f32]| (0..layer.inputs).map(|i| row[i % channels * area + i / channels]).collect::<Vec<f32>>();
        let weight: Vec<f32> = layer.weight.chunks_exact(layer.inputs).flat_map(row).collect();
        Affine::new(layer, &weight)
    }
}

impl Kernel {
    pub(super) fn new(network: &Sequential) -> Self {
        let mut grids: Vec<Grid> = network.shapes().first().map(|&shape| Grid::image(shape)).into_iter().collect();
        for (operation, &shape) in network.operations().iter().zip(&network.shapes()[1..]) {
            grids.extend(grids.last().map(|grid| grid.after(operation, shape)));
        }
        let step = |(operation, grids): (&Operation, &[Grid])| {
            let (input, output) = (grids[0], grids[1]);
            Step { work: Work::of(operation, input, output), input, output }
        };
        let room = || grids.iter().map(|grid| vec![0.0; grid.len()]).collect();
        Kernel {
            steps: network.operations().iter().zip(grids.windows(2)).map(step).collect(),
            values: room(),
            deltas: room(),
            logits: [0.0; LABELS],
        }
    }

    /// The ten logits of `image`.
    pub(super) fn logits(&mut self, image: &[f32]) -> &[f32; LABELS] {
        self.values[0].copy_from_slice(image);
        for (k, step) in self.steps.iter_mut().enumerate() {
            let (before, after) = self.values.split_at_mut(k + 1);
            step.forward(&before[k], &mut after[0]);
        }
        self.logits.copy_from_slice(&self.values[self.steps.len()][..LABELS]);
        &self.logits
    }

    /// `Jᵀ v` at the image last given to [`Kernel::logits`].
    pub(super) fn input_gradient(&mut self, v: &[f32; LABELS], gradient: &mut [f32]) {
        self.deltas[self.steps.len()][..LABELS].copy_from_slice(v);
        for (k, step) in self.steps.iter_mut().enumerate().rev() {
            let (before, after) = self.deltas.split_at_mut(k + 1);
            step.backward(&self.values[k], &self.values[k + 1], &after[0], &mut before[k]);
        }
        gradient[..PIXELS].copy_from_slice(&self.deltas[0]);
    }
}

impl Work {
    fn of(operation: &Operation, input: Grid, output: Grid) -> Self {
        match operation {
            Operation::Scale { factor, shift } => Work::Scale(wide(factor, input), wide(shift, input)),
            Operation::Convolution(window, layer) => {
                Work::Convolution(*window, Affine::convolution(layer, *window, input.shape.channels))
            }
            Operation::Linear(layer) => Work::Linear(Affine::new(layer, &layer.weight)),
            Operation::MaxPool(window) => Work::MaxPool(*window, vec![0; output.len()]),
            Operation::AveragePool(window) => Work::AveragePool(*window),
            Operation::Activation(activation) => Work::Activation(*activation),
            Operation::Gelu => Work::Gelu,
            Operation::Flatten => Work::Flatten,
        }
    }
}

/// One value for each channel, with zeros up to the grid's stride.
fn wide(values: &[f32], grid: Grid) -> Vec<f32> {
    let mut wide = values.to_vec();
    wide.resize(grid.stride, 0.0);
    wide
}

impl Step {
    fn forward(&mut self, values: &[f32], result: &mut [f32]) {
        let (input, output) = (self.input, self.output);
        match &mut self.work {
            Work::Scale(factor, shift) => {
                let channels = result.chunks_exact_mut(input.stride).zip(values.chunks_exact(input.stride));
                for (result, values) in channels {
                    for (((r, v), f), s) in result.iter_mut().zip(values).zip(&*factor).zip(&*shift) {
                        *r = f * v + s;
                    }
                }
            }
            Work::Convolution(window, affine) => affine.convolve(*window, input, output, values, result),
            Work::Linear(layer) => {
                let inputs = &values[..input.shape.channels];
                affine(&layer.columns, inputs, &layer.bias, &mut layer.nonzero, result);
            }
            Work::MaxPool(window, largest) => pool_largest(*window, input, output, values, result, largest),
            Work::AveragePool(window) => {
                result.fill(0.0);
                let share = 1.0 / window.area() as f32;
                for_pairs(*window, input, output, |from, to| {
                    let (values, result) = (&values[from..][..input.stride], &mut result[to..][..output.stride]);
                    result.iter_mut().zip(values).for_each(|(r, v)| *r += share * v);
                });
            }
            Work::Activation(activation) => {
                result.copy_from_slice(values);
                activate(*activation, result);
            }
            Work::Gelu => result.iter_mut().zip(values).for_each(|(r, &z)| *r = z * normal(z)),
            Work::Flatten => for_flat(input, |from, to| result[to] = values[from]),
        }
    }

    /// From the gradient over the output, `delta`, to that over the input.
    fn backward(&mut self, values: &[f32], result: &[f32], delta: &[f32], gradient: &mut [f32]) {
        let (input, output) = (self.input, self.output);
        match &mut self.work {
            Work::Scale(factor, _) => {
                let channels = gradient.chunks_exact_mut(input.stride).zip(delta.chunks_exact(input.stride));
                for (gradient, delta) in channels {
                    gradient.iter_mut().zip(delta).zip(&*factor).for_each(|((g, d), f)| *g = f * d);
                }
            }
            Work::Convolution(window, affine) => affine.scatter(*window, input, output, delta, gradient),
            Work::Linear(layer) => transposed(&layer.columns, delta, gradient),
            Work::MaxPool(_, largest) => {
                gradient.fill(0.0);
                largest.iter().zip(delta).for_each(|(&at, d)| gradient[at as usize] += d);
            }
            Work::AveragePool(window) => {
                gradient.fill(0.0);
                let share = 1.0 / window.area() as f32;
                for_pairs(*window, input, output, |from, to| {
                    let (delta, gradient) = (&delta[to..][..output.stride], &mut gradient[from..][..input.stride]);
                    gradient.iter_mut().zip(delta).for_each(|(g, d)| *g += share * d);
                });
            }
            Work::Activation(activation) => {
                gradient.copy_from_slice(delta);
                differentiate(*activation, result, gradient);
            }
            Work::Gelu => {
                // (z·Φ(z))′ = Φ(z) + z·φ(z)
                let density = |z: f32| {
                    (-0.5 * z * z).exp() * (std::f32::consts::FRAC_2_SQRT_PI * 0.5 * std::f32::consts::FRAC_1_SQRT_2)
                };
                let slopes = values.iter().map(|&z| normal(z) + z * density(z));
                gradient.iter_mut().zip(delta).zip(slopes).for_each(|((g, d), slope)| *g = d * slope);
            }
            Work::Flatten => {
                gradient.fill(0.0);
                for_flat(input, |from, to| gradient[from] = delta[to]);
            }
        }
    }
}

impl Affine {
    /// The layer of the patch under every position of the window.
    fn convolve(&mut self, window: Window, input: Grid, output: Grid, values: &[f32], result: &mut [f32]) {
        let channels = input.shape.channels;
        let whole = window.size.1 * channels;
        for (row, column) in output.places() {
            let at = output.at(row, column);
            self.patch.fill(0.0);
            for (y, i) in window.rows(input.shape, row) {
                let patch = &mut self.patch[i * whole..][..whole];
                for (x, j) in window.columns(input.shape, column) {
                    let from = input.at(y, x);
                    patch[j * channels..][..channels].copy_from_slice(&values[from..][..channels]);
                }
            }
            let patch = &self.patch[..window.size.0 * whole];
            affine(&self.columns, patch, &self.bias, &mut self.nonzero, &mut result[at..][..output.stride]);
        }
    }

    /// The gradient over every patch, added up where patches overlap.
    fn scatter(&mut self, window: Window, input: Grid, output: Grid, delta: &[f32], gradient: &mut [f32]) {
        gradient.fill(0.0);
        let channels = input.shape.channels;
        let whole = window.size.1 * channels;
        for (row, column) in output.places() {
            let delta = &delta[output.at(row, column)..][..output.stride];
            if delta.iter().all(|d| *d == 0.0) {
                continue;
            }
            transposed(&self.columns, delta, &mut self.patch);
            for (y, i) in window.rows(input.shape, row) {
                for (x, j) in window.columns(input.shape, column) {
                    let gradient = &mut gradient[input.at(y, x)..][..channels];
                    let patch = &self.patch[i * whole + j * channels..][..channels];
                    gradient.iter_mut().zip(patch).for_each(|(g, p)| *g += p);
                }
            }
        }
    }
}

/// The largest value under every position of the window, and which it is: of equals, the first.
fn pool_largest(window: Window, input: Grid, output: Grid, values: &[f32], result: &mut [f32], largest: &mut [u32]) {
    result.fill(f32::NEG_INFINITY);
    for_pairs(window, input, output, |from, to| {
        let places = result[to..][..output.stride].iter_mut().zip(&mut largest[to..][..output.stride]);
        for ((r, at), (i, v)) in places.zip((from as u32..).zip(&values[from..][..input.stride])) {
            let is_larger = *v > *r;
            *r = if is_larger { *v } else { *r };
            *at = if is_larger { i } else { *at };
        }
    });
}

/// Where the channels of every input that a window covers begin, with where those of its position do.
fn for_pairs(window: Window, input: Grid, output: Grid, mut of: impl FnMut(usize, usize)) {
    for (row, column) in output.places() {
        for (y, _) in window.rows(input.shape, row) {
            for (x, _) in window.columns(input.shape, column) {
                of(input.at(y, x), output.at(row, column));
            }
        }
    }
}

/// Every value of a grid, with its place in a flat vector [channel, row, column].
fn for_flat(input: Grid, mut of: impl FnMut(usize, usize)) {
    for (k, (row, column)) in input.places().enumerate() {
        for channel in 0..input.shape.channels {
            of(input.at(row, column) + channel, channel * input.shape.area() + k);
        }
    }
}

/// Φ(z)
fn normal(z: f32) -> f32 {
    0.5 * libm::erfcf(-z * std::f32::consts::FRAC_1_SQRT_2)
}
