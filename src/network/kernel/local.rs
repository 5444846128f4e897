//! What looks at each channel by itself: means, convolutions in depth, zeros around an image, and resizing.
//!
//! All are sums of a few places of the input, each with a weight for every channel; channels lie side by side, so that their
//! loops become vector code.

use super::{grid::Grid, operation::runs};
use crate::{
    network::{Edges, Layer, Operation, Window, sequential::resized},
    vector::zeros,
};

/// The place of the output where this goes, where it comes from in the input, and where its weights are.
struct Tap {
    to: u32,
    from: u32,
    weights: u32,
}

impl Tap {
    fn places(&self) -> [usize; 3] {
        [self.to, self.from, self.weights].map(|place| place as usize)
    }
}

/// Weighted sums of places, the same places for all channels.
pub(super) struct Local {
    taps: Vec<Tap>,
    /// `stride` numbers each.
    weights: Vec<f32>,
    bias: Vec<f32>,
    stride: usize,
}

impl Local {
    /// What `operation` does to `input`, and where it leaves the result; nothing where it is none of these.
    pub(super) fn of(operation: &Operation, input: Grid) -> Option<(Self, Grid)> {
        let mut local =
            Local { taps: Vec::new(), weights: Vec::new(), bias: zeros(input.stride), stride: input.stride };
        let output = match operation {
            Operation::Depthwise(window, layer) => local.depthwise(*window, layer, input),
            Operation::AveragePool(window) => local.mean(*window, input, |_| window.area()),
            Operation::AverageInside(window) => local.mean(*window, input, |count| count),
            Operation::Pad(edges) => local.pad(*edges, input),
            Operation::Resize(size) => local.resize(*size, input),
            _ => return None,
        };
        Some((local, output))
    }

    /// The same weight for every channel; where it begins.
    fn weight(&mut self, weight: f32) -> usize {
        self.weights.resize(self.weights.len() + self.stride, weight);
        self.weights.len() - self.stride
    }

    fn tap(&mut self, to: usize, from: usize, weights: usize) {
        let [to, from, weights] = [to * self.stride, from * self.stride, weights].map(|place| place as u32);
        self.taps.push(Tap { to, from, weights });
    }

    fn depthwise(&mut self, window: Window, layer: &Layer, input: Grid) -> Grid {
        self.bias[..layer.outputs].copy_from_slice(&layer.bias);
        self.weights = zeros(window.area() * self.stride);
        for (channel, row) in layer.weight.chunks_exact(layer.inputs).enumerate() {
            for (place, weight) in row.iter().enumerate() {
                self.weights[place * self.stride + channel] = *weight;
            }
        }
        let output = input.under(window);
        for position in 0..output.rows * output.columns {
            let top = position / output.columns * window.stride.0;
            let left = position % output.columns * window.stride.1;
            for place in 0..window.area() {
                let row = (top + place / window.size.1).checked_sub(window.padding.0).filter(|row| *row < input.rows);
                let column = (left + place % window.size.1)
                    .checked_sub(window.padding.1)
                    .filter(|column| *column < input.columns);
                if let Some((row, column)) = row.zip(column) {
                    self.tap(position, row * input.columns + column, place * self.stride);
                }
            }
        }
        output
    }

    /// Sums under a window, divided by a number that may depend on how many places there are under it.
    fn mean(&mut self, window: Window, input: Grid, divisor: impl Fn(usize) -> usize) -> Grid {
        let (runs, output) = runs(window, input);
        let mut known: Vec<(usize, usize)> = Vec::new();
        for runs in runs.chunk_by(|a, b| a.position == b.position) {
            let divisor = divisor(runs.iter().map(|run| run.length / self.stride).sum());
            let weights = known.iter().find(|(of, _)| *of == divisor).map(|(_, weights)| *weights);
            let weights = weights.unwrap_or_else(|| {
                known.push((divisor, self.weight(1.0 / divisor as f32)));
                self.weights.len() - self.stride
            });
            for run in runs {
                let from = run.from / self.stride;
                (0..run.length / self.stride).for_each(|k| self.tap(run.position, from + k, weights));
            }
        }
        output
    }

    fn pad(&mut self, edges: Edges, input: Grid) -> Grid {
        let output = Grid {
            rows: input.rows + edges.top + edges.bottom,
            columns: input.columns + edges.left + edges.right,
            ..input
        };
        let one = self.weight(1.0);
        for place in 0..input.rows * input.columns {
            let (row, column) = (place / input.columns + edges.top, place % input.columns + edges.left);
            self.tap(row * output.columns + column, place, one);
        }
        output
    }

    fn resize(&mut self, (rows, columns): (usize, usize), input: Grid) -> Grid {
        for row in 0..rows {
            for column in 0..columns {
                for (y, down) in resized(row, rows, input.rows) {
                    for (x, across) in resized(column, columns, input.columns) {
                        let weights = self.weight((down * across) as f32);
                        self.tap(row * columns + column, y * input.columns + x, weights);
                    }
                }
            }
        }
        Grid { rows, columns, ..input }
    }

    #[inline(never)]
    pub(super) fn forward(&mut self, input: &[f32], output: &mut [f32]) {
        for output in output.chunks_mut(self.stride) {
            output.iter_mut().zip(&self.bias).for_each(|(o, b)| *o = *b);
        }
        for tap in &self.taps {
            let [to, from, weights] = tap.places();
            let (input, weights) = (&input[from..][..self.stride], &self.weights[weights..][..self.stride]);
            let output = &mut output[to..][..self.stride];
            output.iter_mut().zip(input).zip(weights).for_each(|((o, v), w)| *o += w * v);
        }
    }

    #[inline(never)]
    pub(super) fn backward(&mut self, delta: &[f32], gradient: &mut [f32]) {
        gradient.fill(0.0);
        for tap in &self.taps {
            let [to, from, weights] = tap.places();
            let (delta, weights) = (&delta[to..][..self.stride], &self.weights[weights..][..self.stride]);
            let gradient = &mut gradient[from..][..self.stride];
            gradient.iter_mut().zip(delta).zip(weights).for_each(|((g, d), w)| *g += w * d);
        }
    }
}
