//! What an evaluation consists of, forwards and back.

#[cfg(feature = "sequential")]
use super::operation::Operated;
use super::{
    grid::Grid,
    loops::{activate, affine, columns, differentiate, pad, padded, transposed},
};
#[cfg(feature = "sequential")]
use crate::network::Operation;
use crate::network::{Activation, Layer};

/// One operation, prepared, with what the way back needs.
pub(super) enum Step {
    Affine(Affine),
    Activation(Activation),
    /// What only networks have that are more than a plain perceptron.
    #[cfg(feature = "sequential")]
    Operated(Operated),
}

/// An affine layer of everything.
pub(super) struct Affine {
    columns: Vec<f32>,
    bias: Vec<f32>,
    /// How many numbers of the input there are.
    inputs: usize,
    /// Which of them are not zero.
    nonzero: Vec<u32>,
}

impl Step {
    /// What `operation` does to `input`, and where it leaves the result; nothing where it does nothing: whatever follows a flattening
    /// looks at the whole grid, or at each number alone.
    #[cfg(feature = "sequential")]
    pub(super) fn of(operation: &Operation, input: Grid) -> Option<(Self, Grid)> {
        match operation {
            Operation::Linear(layer) => Some(Step::affine(input, layer)),
            Operation::Activation(activation) => Some((Step::Activation(*activation), input)),
            _ => Operated::of(operation, input).map(|(operated, output)| (Step::Operated(operated), output)),
        }
    }

    /// A layer of everything. Its weight is [out, channel, row, column].
    #[inline(never)]
    pub(super) fn affine(input: Grid, layer: &Layer) -> (Self, Grid) {
        let area = input.rows * input.columns;
        let step = Step::Affine(Affine {
            columns: columns(&layer.weight, layer.inputs / area, area, input.stride, layer.outputs),
            bias: pad(&layer.bias),
            inputs: input.used(),
            nonzero: Vec::with_capacity(input.len()),
        });
        (step, Grid { channels: layer.outputs, rows: 1, columns: 1, stride: padded(layer.outputs) })
    }

    pub(super) fn forward(&mut self, input: &[f32], output: &mut [f32]) {
        match self {
            Step::Affine(Affine { columns, bias, inputs, nonzero }) => {
                affine(columns, &input[..*inputs], bias, nonzero, output);
            }
            Step::Activation(activation) => {
                output.copy_from_slice(input);
                activate(*activation, output);
            }
            #[cfg(feature = "sequential")]
            Step::Operated(operated) => operated.forward(input, output),
        }
    }

    /// From the gradient over the output, `delta`, to that over the input.
    pub(super) fn backward(&mut self, output: &[f32], delta: &[f32], gradient: &mut [f32]) {
        match self {
            Step::Affine(layer) => transposed(&layer.columns, delta, gradient),
            Step::Activation(activation) => {
                gradient.copy_from_slice(delta);
                differentiate(*activation, output, gradient);
            }
            #[cfg(feature = "sequential")]
            Step::Operated(operated) => operated.backward(output, delta, gradient),
        }
    }
}
