//! safetensors of any names and formats, whatever their metadata says.

use super::{
    Body, Error, Format,
    layers::{self, Tensor},
    torch::without_prefixes,
};
use crate::network::{container::Container, tensors::decode};

/// An entry of the metadata.
pub(super) fn entry(bytes: &[u8], key: &str) -> Option<String> {
    Container::parse(bytes).ok()?.entry(key).map(str::to_owned)
}

/// The layers in a file that does not say.
pub(super) fn read(bytes: &[u8]) -> Result<Body, Error> {
    let container = Container::parse(bytes).map_err(|problem| Error::broken(Format::Safetensors, problem))?;
    let mut tensors = Vec::new();
    for tensor in container.tensors.iter().filter(|tensor| !tensor.name.ends_with("num_batches_tracked")) {
        let values = decode(&tensor.name, tensor, "F64, F32, F16 or BF16").map_err(|_| Error::Kind {
            format: Format::Safetensors,
            found: format!("{:?} as {}", tensor.name, tensor.dtype),
            advice: "expected the weights of a network as F64, F32, F16 or BF16, all of them finite numbers",
        })?;
        tensors.push(Tensor { name: tensor.name.clone(), shape: tensor.shape.clone(), values });
    }
    Ok(Body::Layers(layers::of_tensors(without_prefixes(tensors), Format::Safetensors, false)?))
}
