//! A network's file, written: its layers in F16 or in 8 bits a weight, and what it says of itself.

use super::{
    Layer, Mlp, Network, NetworkError, Sequential, architecture,
    quantisation::encode_rows,
    tensors::{WriteLayer, Written, f32_bytes},
};
use half::f16;
use safetensors::{Dtype, tensor::TensorView};

impl Mlp {
    /// Writes the file that [`Mlp::from_safetensors`] reads, in F16, with further `metadata` entries.
    pub fn to_safetensors_f16(&self, metadata: &[(&str, String)]) -> Result<Vec<u8>, NetworkError> {
        self.file(layer_f16, metadata)
    }

    /// A file of its layers as `write` has them, with the network's name and activation among its metadata.
    fn file(&self, write: WriteLayer, metadata: &[(&str, String)]) -> Result<Vec<u8>, NetworkError> {
        let layers = (1..).zip(self.layers());
        let tensors =
            layers.flat_map(|(k, layer)| write(&format!("fc{k}"), vec![layer.outputs, layer.inputs], layer)).collect();
        file(tensors, &[("activation", self.activation().name()), ("name", self.name())], metadata)
    }

    /// Writes the file that [`Mlp::from_safetensors`] reads in 8 bits a weight: each row of `W` as the nearest multiples of a 63rd of
    /// its largest value, but large layers of an eighth of the spread of their weights; biases in F32. With twice as fine a grid a
    /// network errs on as many test digits, and its file packs into a sixth more.
    pub fn to_safetensors_i8(&self, metadata: &[(&str, String)]) -> Result<Vec<u8>, NetworkError> {
        self.file(layer_i8, metadata)
    }
}

impl Network {
    /// Writes the file that [`Network::from_safetensors`] reads, in F32, with further `metadata` entries.
    pub fn to_safetensors(&self, metadata: &[(&str, String)]) -> Result<Vec<u8>, NetworkError> {
        match self {
            Network::Mlp(mlp) => mlp.file(layer_f32, metadata),
            Network::Sequential(sequential) => sequential.file(layer_f32, metadata),
        }
    }

    /// Writes the file that [`Network::from_safetensors`] reads, in F16, with further `metadata` entries.
    pub fn to_safetensors_f16(&self, metadata: &[(&str, String)]) -> Result<Vec<u8>, NetworkError> {
        match self {
            Network::Mlp(mlp) => mlp.file(layer_f16, metadata),
            Network::Sequential(sequential) => sequential.file(layer_f16, metadata),
        }
    }

    /// Writes the file that [`Network::from_safetensors`] reads in 8 bits a weight, as [`Mlp::to_safetensors_i8`] does.
    pub fn to_safetensors_i8(&self, metadata: &[(&str, String)]) -> Result<Vec<u8>, NetworkError> {
        match self {
            Network::Mlp(mlp) => mlp.file(layer_i8, metadata),
            Network::Sequential(sequential) => sequential.file(layer_i8, metadata),
        }
    }
}

impl Sequential {
    /// A file of its layers as `write` has them, with the network's name and architecture among its metadata.
    fn file(&self, write: WriteLayer, metadata: &[(&str, String)]) -> Result<Vec<u8>, NetworkError> {
        let (text, tensors) = architecture::write(self, write);
        file(tensors, &[("architecture", &text), ("name", self.name())], metadata)
    }
}

/// A layer's tensors in 8 bits a weight; its weight has this shape.
fn layer_i8(name: &str, shape: Vec<usize>, layer: &Layer) -> Vec<Written> {
    let (weights, scales) = encode_rows(&layer.weight, layer.inputs);
    vec![
        (format!("{name}.weight"), Dtype::I8, shape, weights),
        (format!("{name}.weight_scale"), Dtype::F32, vec![layer.outputs], f32_bytes(&scales)),
        (format!("{name}.bias"), Dtype::F32, vec![layer.outputs], f32_bytes(&layer.bias)),
    ]
}

/// A layer's tensors in F16; its weight has this shape.
fn layer_f16(name: &str, shape: Vec<usize>, layer: &Layer) -> Vec<Written> {
    let encode = |values: &[f32]| values.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect::<Vec<u8>>();
    vec![
        (format!("{name}.weight"), Dtype::F16, shape, encode(&layer.weight)),
        (format!("{name}.bias"), Dtype::F16, vec![layer.outputs], encode(&layer.bias)),
    ]
}

/// A layer's tensors as they are; its weight has this shape.
fn layer_f32(name: &str, shape: Vec<usize>, layer: &Layer) -> Vec<Written> {
    vec![
        (format!("{name}.weight"), Dtype::F32, shape, f32_bytes(&layer.weight)),
        (format!("{name}.bias"), Dtype::F32, vec![layer.outputs], f32_bytes(&layer.bias)),
    ]
}

/// A file of these tensors, with what the network says of itself among its metadata.
fn file(tensors: Vec<Written>, own: &[(&str, &str)], metadata: &[(&str, String)]) -> Result<Vec<u8>, NetworkError> {
    let container = |e: safetensors::SafeTensorError| NetworkError::Container(e.to_string());
    let mut views = Vec::new();
    for (name, dtype, shape, bytes) in &tensors {
        views.push((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).map_err(container)?));
    }
    let mut header: std::collections::HashMap<String, String> =
        metadata.iter().map(|(k, v)| (k.to_string(), v.clone())).collect();
    header.extend(own.iter().map(|(k, v)| (k.to_string(), v.to_string())));
    safetensors::serialize(views, Some(header)).map_err(container)
}
