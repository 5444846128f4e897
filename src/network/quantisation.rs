//! Weights in 8 bits: signed bytes, and a scale for each row, `W_ij = scale_i·q_ij`.

#[cfg(feature = "lab")]
use super::{Mlp, NetworkError, file};
#[cfg(feature = "lab")]
use safetensors::Dtype;

/// Multiples of a row's scale on either side of zero.
#[cfg(feature = "lab")]
const LEVELS: f32 = 63.0;

#[cfg(feature = "lab")]
impl Mlp {
    /// Writes the file that [`Mlp::from_safetensors`] reads in 8 bits a weight: each row of `W` as the nearest multiples
    /// of a 63rd of its largest value; biases in F32. With twice as fine a grid, all that a signed byte holds, a network
    /// errs on as many test digits, and its file packs into a sixth more.
    pub fn to_safetensors_i8(&self, metadata: &[(&str, String)]) -> Result<Vec<u8>, NetworkError> {
        let mut tensors = Vec::new();
        for (k, layer) in self.layers().iter().enumerate() {
            let (weights, scales) = encode_rows(&layer.weight, layer.inputs);
            let of_rows = || vec![layer.outputs];
            tensors.push((format!("fc{}.weight", k + 1), Dtype::I8, vec![layer.outputs, layer.inputs], weights));
            tensors.push((format!("fc{}.weight_scale", k + 1), Dtype::F32, of_rows(), file::f32_bytes(&scales)));
            tensors.push((format!("fc{}.bias", k + 1), Dtype::F32, of_rows(), file::f32_bytes(&layer.bias)));
        }
        self.file(&tensors, metadata)
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
