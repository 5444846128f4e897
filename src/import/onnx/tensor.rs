//! The numbers of ONNX's tensors.

use super::{Constant, proto::Tensor};
use crate::import::{Error, Format};
use half::{bf16, f16};

/// A tensor's numbers, from the model or from a file beside it.
pub(super) fn constant(tensor: &Tensor, files: &[(&str, &[u8])]) -> Result<Constant, Error> {
    let broken = |problem: &str| Error::broken(Format::Onnx, format!("{problem} ({:?})", tensor.name));
    let mut raw = tensor.raw_data.as_slice();
    if tensor.data_location == 1 {
        let entry = |key: &str| tensor.external_data.iter().find(|e| e.key == key).map(|e| e.value.as_str());
        let missing = entry("location").unwrap_or_default().to_owned();
        let name = |path: &str| path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        let file = files.iter().find(|(file, _)| name(file) == name(&missing)).ok_or(Error::Missing { missing })?.1;
        let number = |key: &str| {
            entry(key).map(|text| text.parse::<usize>()).transpose().map_err(|_| broken("a place is no number"))
        };
        let offset = number("offset")?.unwrap_or(0);
        let length = number("length")?.unwrap_or(file.len().saturating_sub(offset));
        raw = file
            .get(offset..)
            .and_then(|rest| rest.get(..length))
            .ok_or_else(|| broken("the file of weights is too short"))?;
    }
    let dims: Option<Vec<usize>> = tensor.dims.iter().map(|d| usize::try_from(*d).ok()).collect();
    let dims = dims.ok_or_else(|| broken("a tensor has a negative dimension"))?;
    let (mut values, mut ints) = (Vec::new(), None);
    match tensor.data_type {
        1 if raw.is_empty() => values = tensor.float_data.clone(),
        1 => values = raw.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        11 if raw.is_empty() => values = tensor.double_data.iter().map(|v| *v as f32).collect(),
        11 => values = raw.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
        10 => values = raw.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
        16 => values = raw.as_chunks().0.iter().map(|b| bf16::from_le_bytes(*b).to_f32()).collect(),
        7 if raw.is_empty() => ints = Some(tensor.int64_data.clone()),
        7 => ints = Some(raw.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect()),
        6 if raw.is_empty() => ints = Some(tensor.int32_data.iter().map(|v| i64::from(*v)).collect()),
        6 => ints = Some(raw.as_chunks().0.iter().map(|b| i64::from(i32::from_le_bytes(*b))).collect()),
        kind => return Err(Error::operation(format!("weights of ONNX's data type {kind}, quantised ones perhaps"))),
    }
    if let Some(ints) = &ints {
        values = ints.iter().map(|n: &i64| *n as f32).collect();
    }
    let count = dims.iter().try_fold(1usize, |product, d| product.checked_mul(*d));
    if count != Some(values.len()) {
        return Err(broken("a tensor has not as many numbers as its shape says"));
    }
    Ok(Constant { dims, values, ints })
}
