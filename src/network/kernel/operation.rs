//! What a convolutional network has beside affine layers and activations: windows, factors and gates.
//!
//! A convolution is an affine layer of the patch under its window, and so is its gradient. A mean is a convolution too.

use super::{convolution::Convolution, grid::Grid};
use crate::{
    network::{Layer, Operation, Window, lanes::exp},
    vector::zeros,
};

/// One such operation, prepared, with what the way back needs.
pub(super) enum Operated {
    Convolution(Convolution),
    MaxPool(MaxPool),
    /// A factor and a summand for each number.
    Scale(Vec<f32>, Vec<f32>),
    /// The slope at each number.
    Gelu(Vec<f32>),
}

/// Numbers side by side under a window: in which of its positions, and where they begin in the input.
pub(super) struct Run {
    position: usize,
    from: usize,
    length: usize,
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
            Operation::Convolution(window, layer) => Operated::convolution(input, *window, layer),
            Operation::AveragePool(window) => Operated::convolution(input, *window, &mean(*window, input.channels)),
            Operation::MaxPool(window) => {
                let (runs, output) = runs(*window, input);
                let [came_in, rest] = [input, output].map(|grid| zeros(grid.len()));
                (Operated::MaxPool(MaxPool { runs, stride: input.stride, came_in, rest }), output)
            }
            Operation::Scale { factor, shift } => (Operated::Scale(spread(factor, input), spread(shift, input)), input),
            Operation::Gelu => (Operated::Gelu(zeros(input.len())), input),
            Operation::Linear(_) | Operation::Activation(_) | Operation::Flatten => return None,
        })
    }

    /// A layer of the patch under a window.
    fn convolution(input: Grid, window: Window, layer: &Layer) -> (Self, Grid) {
        let (convolution, output) = Convolution::new(input, window, layer);
        (Operated::Convolution(convolution), output)
    }

    pub(super) fn forward(&mut self, input: &[f32], output: &mut [f32]) {
        match self {
            Operated::Convolution(convolution) => convolution.forward(input, output),
            Operated::MaxPool(pool) => pool.forward(input, output),
            Operated::Scale(factor, shift) => {
                for (((o, v), f), s) in output.iter_mut().zip(input).zip(factor).zip(shift) {
                    *o = *f * v + *s;
                }
            }
            Operated::Gelu(slopes) => {
                for ((o, slope), &z) in output.iter_mut().zip(slopes).zip(input) {
                    (*o, *slope) = gelu(z);
                }
            }
        }
    }

    pub(super) fn backward(&mut self, output: &[f32], delta: &[f32], gradient: &mut [f32]) {
        match self {
            Operated::Convolution(convolution) => convolution.backward(delta, gradient),
            Operated::MaxPool(pool) => pool.backward(output, delta, gradient),
            Operated::Scale(slopes, _) | Operated::Gelu(slopes) => {
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
fn runs(window: Window, input: Grid) -> (Vec<Run>, Grid) {
    let output = input.under(window);
    let columns = output.columns;
    let mut runs = Vec::new();
    for position in 0..output.rows * columns {
        let (top, left) = (position / columns * window.stride.0, position % columns * window.stride.1);
        // Columns of the window that are over the input.
        let first = window.padding.1.saturating_sub(left);
        let end = (input.columns + window.padding.1 - left).min(window.size.1);
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

/// The layer that makes of each channel its mean under a window.
fn mean(window: Window, channels: usize) -> Layer {
    let area = window.area();
    let mut weight = zeros(channels * channels * area);
    for channel in 0..channels {
        weight[channel * (channels + 1) * area..][..area].fill(1.0 / area as f32);
    }
    Layer { inputs: channels * area, outputs: channels, weight, bias: zeros(channels) }
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

/// `z·Φ(z)`, and its slope `Φ(z) + z·φ(z)`. The error function is that of Abramowitz and Stegun, *Handbook of Mathematical
/// Functions*, 7.1.26, which is right to 1.5·10⁻⁷.
fn gelu(z: f32) -> (f32, f32) {
    const COEFFICIENTS: [f32; 5] = [1.061_405_4, -1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6];
    let t = 1.0 / (1.0 + 0.327_591_1 * std::f32::consts::FRAC_1_SQRT_2 * z.abs());
    let bell = exp(-0.5 * z * z);
    let tail = 0.5 * bell * COEFFICIENTS.iter().fold(0.0, |sum, c| (sum + c) * t);
    let below = if z < 0.0 { tail } else { 1.0 - tail };
    (z * below, below + z * bell * 0.398_942_3)
}
