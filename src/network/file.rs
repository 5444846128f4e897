//! A network's file: the names and shapes of its tensors, and the sentence with which anything else is refused.

use super::{
    Activation, Layer, Mlp, Network, NetworkError,
    container::{Container, leading_digits},
    error::words,
    mlp::{check_layers, shape_name},
    tensors::{bias, not_two, weight},
};
#[cfg(feature = "sequential")]
use super::{Operation, architecture};
use std::{cmp::Ordering, sync::Arc};

impl Network {
    /// Reads a safetensors file: a plain perceptron as [`Mlp::from_safetensors`] does, or one operation after another
    /// where the metadata has an `architecture` (what that is: `src/network/architecture.rs`). An architecture that comes
    /// to a plain perceptron becomes one.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, NetworkError> {
        let read = Network::parse(bytes);
        if cfg!(feature = "sequential") { read } else { read.map_err(|_| NetworkError::Outgrown) }
    }

    fn parse(bytes: &[u8]) -> Result<Self, NetworkError> {
        let tensors = Container::parse(bytes).map_err(NetworkError::Container)?;
        let Some(text) = tensors.entry("architecture") else { return Mlp::read(&tensors).map(Network::from) };
        Network::read(&tensors, text)
    }

    #[cfg(feature = "sequential")]
    fn read(tensors: &Container, architecture: &str) -> Result<Self, NetworkError> {
        let sequential = architecture::read(tensors, architecture)?;
        Ok(sequential.as_mlp().map_or_else(|| sequential.into(), Network::from))
    }

    #[cfg(not(feature = "sequential"))]
    fn read(_: &Container, _: &str) -> Result<Self, NetworkError> {
        Err(NetworkError::Outgrown)
    }
}

impl Mlp {
    /// Reads a safetensors file.
    ///
    /// Layers are `fc1.weight` [out, in], `fc1.bias` [out], `fc2.…`, or any other names that end in
    /// `.weight` and `.bias`, taken in natural order (`layers.2` before `layers.10`). F32 or F16; or, of weights
    /// only, I8 with a scale for each row, `fc1.weight_scale` [out]: `W_ij = scale_i·q_ij`.
    /// The metadata's `activation` is required where there is a hidden layer. A file with an `architecture` is read if
    /// that comes to such a network.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, NetworkError> {
        match Network::from_safetensors(bytes)? {
            Network::Mlp(mlp) => Ok(Arc::unwrap_or_clone(mlp)),
            #[cfg(feature = "sequential")]
            Network::Sequential(other) => Err(NetworkError::Architecture {
                line: other.operations().last().map_or("", Operation::kind).into(),
                problem: "only plain perceptrons are taken here".into(),
            }),
        }
    }

    fn read(tensors: &Container) -> Result<Self, NetworkError> {
        let names = layer_names(tensors)?;
        let mut layers = Vec::with_capacity(names.len());
        for name in &names {
            layers.push(read_layer(tensors, name)?);
        }
        check_layers(&names, &layers)?;
        check_order(&names, &layers)?;
        let activation = match tensors.entry("activation") {
            Some(text) => Activation::parse(text)
                .ok_or_else(|| NetworkError::Activation { found: words(|| format!("{text:?}")) })?,
            None if layers.len() == 1 => Activation::Sigmoid, // no hidden layer uses it
            None => return Err(NetworkError::Activation { found: "nothing".into() }),
        };
        let name = tensors.entry("name").map_or_else(|| shape_name(&layers), str::to_owned);
        Ok(Mlp::checked(name, activation, layers))
    }
}

/// Layers that could be exchanged have names that differ in numbers alone.
fn check_order(names: &[String], layers: &[Layer]) -> Result<(), NetworkError> {
    let words = |name: &str| {
        name.bytes().filter(|b| !b.is_ascii_digit()).fold(0u64, |sum, b| sum.wrapping_mul(31) + u64::from(b))
    };
    for (k, (name, layer)) in names.iter().zip(layers).enumerate() {
        for (other, before) in names.iter().zip(layers).take(k) {
            if (layer.inputs, layer.outputs) == (before.inputs, before.outputs) && words(name) != words(other) {
                return Err(NetworkError::Order { first: other.clone(), second: name.clone() });
            }
        }
    }
    Ok(())
}

/// The distinct layer names, in natural order, of tensors called `….weight`, `….bias` and `….weight_scale`.
fn layer_names(container: &Container) -> Result<Vec<String>, NetworkError> {
    let mut names: Vec<String> = Vec::new();
    for tensor in container.tensors.iter().map(|tensor| tensor.name.as_str()) {
        let Some((layer, "weight" | "bias" | "weight_scale")) = tensor.rsplit_once('.') else {
            return Err(NetworkError::UnexpectedTensor(tensor.into()));
        };
        if !names.iter().any(|n| n == layer) {
            // By insertion: there are few, and a sort is two kilobytes of the page's module.
            let before = names.iter().rposition(|n| natural_order(n, layer).is_lt());
            names.insert(before.map_or(0, |before| before + 1), layer.to_string());
        }
    }
    if names.is_empty() {
        return Err(NetworkError::Empty);
    }
    Ok(names)
}

/// Compares names so that runs of decimal digits count as numbers: `layers.2` < `layers.10`.
fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let ((na, rest_a), (nb, rest_b)) = (leading_digits(a), leading_digits(b));
        if !na.is_empty() && !nb.is_empty() {
            let (na, nb) = (na.trim_start_matches('0'), nb.trim_start_matches('0'));
            let order = na.len().cmp(&nb.len()).then_with(|| na.cmp(nb));
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (rest_a, rest_b);
            continue;
        }
        let (mut rest_a, mut rest_b) = (a.chars(), b.chars());
        match (rest_a.next(), rest_b.next()) {
            (Some(ca), Some(cb)) if ca == cb => (a, b) = (rest_a.as_str(), rest_b.as_str()),
            (ca, cb) => return ca.cmp(&cb),
        }
    }
}

fn read_layer(tensors: &Container, name: &str) -> Result<Layer, NetworkError> {
    let (shape, weight) = weight(tensors, name)?;
    let &[outputs, inputs] = shape.as_slice() else { return Err(not_two(words(|| format!("{name}.weight")), shape)) };
    Ok(Layer { inputs, outputs, weight, bias: bias(tensors, name, outputs)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_compared_as_numbers_and_come_before_letters() {
        let sorted = ["", "-2", "2", "10", "fc", "fc-1", "fc2", "fc10", "fc10.a", "fc10.b", "head", "ä1"];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(natural_order(a, b), i.cmp(&j), "{a:?}, {b:?}");
            }
        }
    }
}
