//! The tensors of a file as the numbers of a layer; what is written of one.

#[cfg(feature = "import")]
use super::Layer;
use super::{
    NetworkError,
    container::{Container, Tensor},
    error::words,
    quantisation,
};
use half::f16;

/// The refusal of a weight that is no matrix.
pub(super) fn not_two(tensor: String, found: Vec<usize>) -> NetworkError {
    NetworkError::Shape { tensor, found, expected: words(|| "two dimensions, [out, in]".into()) }
}

/// The name of a layer's tensor: a layer without a name has tensors without one before the dot.
pub(super) fn part(layer: &str, part: &str) -> String {
    if layer.is_empty() { part.into() } else { [layer, part].join(".") }
}

/// The weight of a layer, [out, …], row by row, and its shape.
pub(super) fn weight(tensors: &Container, layer: &str) -> Result<(Vec<usize>, Vec<f32>), NetworkError> {
    let name = part(layer, "weight");
    let weight = tensors.tensor(&name).ok_or_else(|| incomplete(layer, "weight"))?;
    let (outputs, inputs) = weight.shape.split_first().map_or((1, 1), |(&out, rest)| (out, rest.iter().product()));
    let scale_name = part(layer, "weight_scale");
    let scale = tensors.tensor(&scale_name);
    let is_i8 = weight.dtype == "I8";
    let values = match (is_i8, scale) {
        (true, Some(scale)) => {
            one_each(layer, &scale_name, &scale.shape, outputs)?;
            let scales = decode(&scale_name, scale, "F32 or F16")?;
            finite(&name, quantisation::decode_rows(weight.data, inputs, &scales))?
        }
        (true, None) | (false, Some(_)) => {
            return Err(NetworkError::Scale {
                weight: name,
                found: weight.dtype.clone(),
                scale: scale_name,
                presence: if is_i8 { "not there" } else { "there" },
            });
        }
        (false, None) => decode(&name, weight, "F32 or F16, or I8 with scales")?,
    };
    Ok((weight.shape.clone(), values))
}

/// The bias of a layer, one number for each of its outputs.
#[inline(never)]
pub(super) fn bias(tensors: &Container, layer: &str, outputs: usize) -> Result<Vec<f32>, NetworkError> {
    let name = part(layer, "bias");
    let bias = tensors.tensor(&name).ok_or_else(|| incomplete(layer, "bias"))?;
    one_each(layer, &name, &bias.shape, outputs)?;
    decode(&name, bias, "F32 or F16")
}

/// The numbers of a tensor of one dimension, if it is there.
#[cfg(feature = "sequential")]
#[inline(never)]
pub(super) fn vector(tensors: &Container, name: &str) -> Result<Option<Vec<f32>>, NetworkError> {
    let Some(tensor) = tensors.tensor(name) else { return Ok(None) };
    if tensor.shape.len() != 1 {
        let (tensor, found) = (name.into(), tensor.shape.clone());
        return Err(NetworkError::Shape { tensor, found, expected: "one dimension".into() });
    }
    decode(name, tensor, "F32 or F16").map(Some)
}

fn incomplete(layer: &str, missing: &'static str) -> NetworkError {
    NetworkError::Incomplete { layer: layer.into(), missing }
}

fn one_each(layer: &str, tensor: &str, found: &[usize], outputs: usize) -> Result<(), NetworkError> {
    if found == [outputs] {
        return Ok(());
    }
    let expected = words(|| format!("[{outputs}], one for each row of {layer}.weight"));
    Err(NetworkError::Shape { tensor: tensor.into(), found: found.to_vec(), expected })
}

pub(crate) fn decode(name: &str, tensor: &Tensor, expected: &'static str) -> Result<Vec<f32>, NetworkError> {
    let values: Vec<f32> = match tensor.dtype.as_str() {
        "F32" => tensor.data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        #[cfg(feature = "sequential")]
        "F64" => tensor.data.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b) as f32).collect(),
        #[cfg(feature = "sequential")]
        "BF16" => tensor.data.as_chunks().0.iter().map(|&b| half::bf16::from_le_bytes(b).to_f32()).collect(),
        "F16" => tensor.data.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
        other => return Err(NetworkError::Dtype { tensor: name.into(), found: other.into(), expected }),
    };
    finite(name, values)
}

fn finite(name: &str, values: Vec<f32>) -> Result<Vec<f32>, NetworkError> {
    match values.iter().find(|v| !v.is_finite()) {
        Some(&value) => Err(NetworkError::NotFinite { tensor: name.into(), value }),
        None => Ok(values),
    }
}

/// A tensor to write: its name, format, shape and bytes.
#[cfg(feature = "import")]
pub(super) type Written = (String, safetensors::Dtype, Vec<usize>, Vec<u8>);

/// Makes tensors of a layer, given what their names begin with, and the shape of the weight.
#[cfg(feature = "import")]
pub(super) type WriteLayer = fn(&str, Vec<usize>, &Layer) -> Vec<Written>;

/// Little-endian, as a file has them.
#[cfg(feature = "import")]
pub(super) fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}
