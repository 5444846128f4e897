//! What a convolutional network has beside affine layers and activations: windows, factors and gates.
//!
//! A convolution is an affine layer of the patch under its window, and so is its gradient. What looks at each channel by itself,
//! as means do, is in `local`.

use super::{convolution::Convolution, grid::Grid, local::Local};
use crate::{
    network::{Function, Operation, Window},
    vector::zeros,
};

/// One such operation, prepared, with what the way back needs.
pub(super) enum Operated {
    Convolution(Convolution),
    MaxPool(MaxPool),
    Local(Local),
    /// A factor and a summand for each number.
    Scale(Vec<f32>, Vec<f32>),
    /// The slope at each number.
    Function(Function, Vec<f32>),
    /// The same numbers, to be kept, or for others to be added to.
    Same,
    /// Zeros, for others to be added to.
    Nothing,
}

/// Numbers side by side under a window: in which of its positions, and where they begin in the input.
pub(super) struct Run {
    pub(super) position: usize,
    pub(super) from: usize,
    pub(super) length: usize,
}

/// The largest number under a window.
pub(super) struct MaxPool {
    runs: Vec<Run>,
    /// How far apart the places of the input are.
    stride: usize,
    /// The numbers it looked at last.
    came_in: Vec<f32>,
    /// What of the gradient has found no number yet that is as large as the largest.
    rest: Vec<f32>,
}

impl Operated {
    /// What `operation` does to `input`, and where it leaves the result; nothing where it is none of these.
    pub(super) fn of(operation: &Operation, input: Grid) -> Option<(Self, Grid)> {
        Some(match operation {
            Operation::Convolution(window, layer) => {
                let (convolution, output) = Convolution::new(input, *window, layer);
                (Operated::Convolution(convolution), output)
            }
            Operation::Depthwise(..)
            | Operation::AveragePool(_)
            | Operation::AverageInside(_)
            | Operation::Pad(_)
            | Operation::Resize(_) => {
                let (local, output) = Local::of(operation, input)?;
                (Operated::Local(local), output)
            }
            Operation::MaxPool(window) => {
                let (runs, output) = runs(*window, input);
                let [came_in, rest] = [input, output].map(|grid| zeros(grid.len()));
                (Operated::MaxPool(MaxPool { runs, stride: input.stride, came_in, rest }), output)
            }
            Operation::Scale { factor, shift } => (Operated::Scale(spread(factor, input), spread(shift, input)), input),
            Operation::Function(function) => (Operated::Function(*function, zeros(input.len())), input),
            Operation::Mark(_) | Operation::Add(_) => (Operated::Same, input),
            Operation::Recall(_) => (Operated::Nothing, input),
            Operation::Linear(_) | Operation::Activation(_) | Operation::Flatten => return None,
        })
    }

    pub(super) fn forward(&mut self, input: &[f32], output: &mut [f32]) {
        match self {
            Operated::Convolution(convolution) => convolution.forward(input, output),
            Operated::MaxPool(pool) => pool.forward(input, output),
            Operated::Local(local) => local.forward(input, output),
            Operated::Scale(factor, shift) => {
                for (((o, v), f), s) in output.iter_mut().zip(input).zip(factor).zip(shift) {
                    *o = *f * v + *s;
                }
            }
            Operated::Function(function, slopes) => {
                for ((o, slope), &z) in output.iter_mut().zip(slopes).zip(input) {
                    (*o, *slope) = function.value_and_slope(z);
                }
            }
            Operated::Same => output.iter_mut().zip(input).for_each(|(o, v)| *o = *v),
            Operated::Nothing => output.fill(0.0),
        }
    }

    pub(super) fn backward(&mut self, output: &[f32], delta: &[f32], gradient: &mut [f32]) {
        match self {
            Operated::Convolution(convolution) => convolution.backward(delta, gradient),
            Operated::MaxPool(pool) => pool.backward(output, delta, gradient),
            Operated::Local(local) => local.backward(delta, gradient),
            Operated::Same => gradient.iter_mut().zip(delta).for_each(|(g, d)| *g = *d),
            Operated::Nothing => gradient.fill(0.0),
            Operated::Scale(slopes, _) | Operated::Function(_, slopes) => {
                gradient.iter_mut().zip(delta).zip(slopes).for_each(|((g, d), slope)| *g = *slope * d);
            }
        }
    }
}

impl MaxPool {
    #[inline(never)]
    fn forward(&mut self, input: &[f32], output: &mut [f32]) {
        self.came_in.copy_from_slice(input);
        output.fill(f32::NEG_INFINITY);
        for run in &self.runs {
            let output = &mut output[run.position * self.stride..][..self.stride];
            for input in input[run.from..][..run.length].chunks_exact(self.stride) {
                keep_larger(input, output);
            }
        }
    }

    #[inline(never)]
    fn backward(&mut self, output: &[f32], delta: &[f32], gradient: &mut [f32]) {
        self.rest.copy_from_slice(delta);
        gradient.fill(0.0);
        for run in &self.runs {
            let place = run.position * self.stride..(run.position + 1) * self.stride;
            let (output, rest) = (&output[place.clone()], &mut self.rest[place]);
            let input = self.came_in[run.from..][..run.length].chunks_exact(self.stride);
            for (input, gradient) in input.zip(gradient[run.from..][..run.length].chunks_exact_mut(self.stride)) {
                hand_out(rest, input, output, gradient);
            }
        }
    }
}

/// Each number of `output` becomes that of `input` where that is larger.
fn keep_larger(input: &[f32], output: &mut [f32]) {
    for (output, input) in output.iter_mut().zip(input) {
        *output = if input > output { *input } else { *output };
    }
}

/// Where `input` is as large as `output`, what is left in `rest` goes to the gradient: of equals, the first gets it.
fn hand_out(rest: &mut [f32], input: &[f32], output: &[f32], gradient: &mut [f32]) {
    for (((rest, input), output), gradient) in rest.iter_mut().zip(input).zip(output).zip(gradient) {
        let part = if input == output { *rest } else { 0.0 };
        *rest -= part;
        *gradient += part;
    }
}

/// What a window covers in each of its positions, and the grid of these positions.
#[inline(never)]
pub(super) fn runs(window: Window, input: Grid) -> (Vec<Run>, Grid) {
    let output = input.under(window);
    let columns = output.columns;
    let mut runs = Vec::new();
    for position in 0..output.rows * columns {
        let (top, left) = (position / columns * window.stride.0, position % columns * window.stride.1);
        // Columns of the window that are over the input.
        let first = window.padding.1.saturating_sub(left);
        let end = (input.columns + window.padding.1).saturating_sub(left).min(window.size.1);
        for row in 0..window.size.0 {
            let Some(y) = (top + row).checked_sub(window.padding.0).filter(|&y| y < input.rows) else { continue };
            runs.push(Run {
                position,
                from: (y * input.columns + left + first - window.padding.1) * input.stride,
                length: (end - first) * input.stride,
            });
        }
    }
    (runs, output)
}

/// One for each channel, or for each number in the order [channel, row, column], where the grid has them.
#[inline(never)]
fn spread(values: &[f32], grid: Grid) -> Vec<f32> {
    let area = grid.rows * grid.columns;
    let mut all = zeros(grid.len());
    for k in 0..area * grid.channels {
        let (place, channel) = (k % area, k / area);
        all[place * grid.stride + channel] = values[if values.len() == grid.channels { channel } else { k }];
    }
    all
}
