//! A network in words.

use crate::{
    PIXELS,
    network::{self, Network, Operation, Shape},
};

/// How many weights and biases it has.
pub(super) fn weights(network: &Network) -> usize {
    let of = |layer: &network::Layer| layer.weight.len() + layer.bias.len();
    match network {
        Network::Mlp(mlp) => mlp.layers().iter().map(of).sum(),
        Network::Sequential(sequential) => sequential.operations().iter().filter_map(Operation::layer).map(of).sum(),
    }
}

/// The operations in a few words each.
pub(super) fn describe(network: &Network) -> Vec<String> {
    let mut words = Vec::new();
    match network {
        Network::Mlp(mlp) => {
            for (k, layer) in mlp.layers().iter().enumerate() {
                words.push(format!("dense {}→{}", layer.inputs, layer.outputs));
                if k + 1 < mlp.layers().len() {
                    words.push(mlp.activation().name().into());
                }
            }
        }
        Network::Sequential(sequential) => {
            for (operation, shapes) in sequential.operations().iter().zip(sequential.shapes().windows(2)) {
                words.push(operation_in_words(operation, shapes[0], shapes[1]));
            }
        }
    }
    words
}

fn operation_in_words(operation: &Operation, input: Shape, output: Shape) -> String {
    let size = operation.window().map(|window| format!("{}×{}", window.size.0, window.size.1)).unwrap_or_default();
    match operation {
        Operation::Convolution(..) => format!("convolution {size} {}→{}", input.channels, output.channels),
        Operation::Depthwise(..) => format!("convolution in depth {size}"),
        Operation::Linear(layer) => format!("dense {}→{}", layer.inputs, layer.outputs),
        Operation::MaxPool(_) => format!("maximum of {size}"),
        Operation::AveragePool(_) | Operation::AverageInside(_) => format!("mean of {size}"),
        Operation::Scale { .. } if input.values() == PIXELS => "normalisation of the image".into(),
        Operation::Scale { .. } => "normalisation".into(),
        Operation::Resize((rows, columns)) => format!("resized to {rows}×{columns}"),
        other => other.kind().into(),
    }
}
