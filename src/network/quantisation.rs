//! Weights in 8 bits: signed bytes, and a scale for each row, `W_ij = scale_i·q_ij`.

#[cfg(feature = "lab")]
use super::{Layer, Mlp, Network, NetworkError, file};
#[cfg(feature = "lab")]
use safetensors::Dtype;

/// Multiples of a row's scale on either side of zero.
#[cfg(feature = "lab")]
const LEVELS: f32 = 63.0;

/// A layer's tensors in 8 bits a weight; its weight has this shape.
#[cfg(feature = "lab")]
pub(super) fn layer_i8(name: &str, shape: Vec<usize>, layer: &Layer) -> Vec<file::Written> {
    let (weights, scales) = encode_rows(&layer.weight, layer.inputs);
    vec![
        (format!("{name}.weight"), Dtype::I8, shape, weights),
        (format!("{name}.weight_scale"), Dtype::F32, vec![layer.outputs], file::f32_bytes(&scales)),
        (format!("{name}.bias"), Dtype::F32, vec![layer.outputs], file::f32_bytes(&layer.bias)),
    ]
}

#[cfg(feature = "lab")]
impl Mlp {
    /// Writes the file that [`Mlp::from_safetensors`] reads in 8 bits a weight: each row of `W` as the nearest multiples
    /// of a 63rd of its largest value; biases in F32. With twice as fine a grid, all that a signed byte holds, a network
    /// errs on as many test digits, and its file packs into a sixth more.
    pub fn to_safetensors_i8(&self, metadata: &[(&str, String)]) -> Result<Vec<u8>, NetworkError> {
        self.file(layer_i8, metadata)
    }
}

#[cfg(feature = "lab")]
impl Network {
    /// Writes the file that [`Network::from_safetensors`] reads in 8 bits a weight, as [`Mlp::to_safetensors_i8`] does.
    pub fn to_safetensors_i8(&self, metadata: &[(&str, String)]) -> Result<Vec<u8>, NetworkError> {
        match self {
            Network::Mlp(mlp) => mlp.file(layer_i8, metadata),
            Network::Sequential(sequential) => sequential.file(layer_i8, metadata),
        }
    }
}

/// Rows of `inputs` weights as signed bytes, and their scales.
#[cfg(feature = "lab")]
fn encode_rows(weight: &[f32], inputs: usize) -> (Vec<u8>, Vec<f32>) {
    let (mut bytes, mut scales) = (Vec::with_capacity(weight.len()), Vec::new());
    for row in weight.chunks_exact(inputs) {
        let largest = row.iter().fold(0.0f32, |m, w| m.max(w.abs()));
        // A row of zeros, or of numbers too small to be divided by, is zeros at any scale.
        let scale = if largest / LEVELS >= f32::MIN_POSITIVE { largest / LEVELS } else { 1.0 };
        scales.push(scale);
        bytes.extend(row.iter().map(|w| (w / scale).round() as i8 as u8));
    }
    (bytes, scales)
}

/// Rows of `inputs` signed bytes, each times its scale; none where rows are empty.
pub(super) fn decode_rows(bytes: &[u8], inputs: usize, scales: &[f32]) -> Vec<f32> {
    let rows = bytes.chunks_exact(inputs.max(1)).zip(scales);
    rows.flat_map(|(row, scale)| row.iter().map(move |&q| scale * f32::from(q as i8))).collect()
}
