//! Weights in 8 bits: signed bytes, and a scale for each row, `W_ij = scale_i·q_ij`.

/// Multiples of a row's scale on either side of zero.
#[cfg(feature = "lab")]
const LEVELS: f32 = 63.0;

/// Rows of `inputs` weights as signed bytes, and their scales.
#[cfg(feature = "lab")]
pub(super) fn encode_rows(weight: &[f32], inputs: usize) -> (Vec<u8>, Vec<f32>) {
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
