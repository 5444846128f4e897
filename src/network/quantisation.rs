//! Weights in 8 bits: signed bytes, and a scale for each row, `W_ij = scale_i·q_ij`.

/// Steps of the scale in the spread (root mean square) of a large layer's weights.
#[cfg(feature = "import")]
const STEPS: f32 = 8.0;

/// Steps of a row's scale in its largest weight, in layers that are not large.
#[cfg(feature = "import")]
const LEVELS: f32 = 63.0;

/// Weights of a layer that is not large: in coarser steps it would make a file smaller by some hundred bytes.
#[cfg(feature = "import")]
const FEW: usize = 8192;

/// Rows of `inputs` weights as signed bytes, and their scales. A large layer's rows have one scale, which costs fewer bits for the
/// same error than one for each, but for those whose largest weight would be beyond a byte.
#[cfg(feature = "import")]
pub(super) fn encode_rows(weight: &[f32], inputs: usize) -> (Vec<u8>, Vec<f32>) {
    let square: f64 = weight.iter().map(|&w| f64::from(w) * f64::from(w)).sum();
    let spread = (square / weight.len() as f64).sqrt() as f32;
    let scale_for = |largest: f32| match weight.len() {
        ..=FEW => largest / LEVELS,
        _ => (spread / STEPS).max(largest / f32::from(i8::MAX)),
    };
    let (mut bytes, mut scales) = (Vec::with_capacity(weight.len()), Vec::new());
    for row in weight.chunks_exact(inputs) {
        let scale = scale_for(row.iter().fold(0.0f32, |m, w| m.max(w.abs())));
        // Zeros, or numbers too small to be divided by, are zeros at any scale.
        let scale = if scale >= f32::MIN_POSITIVE { scale } else { 1.0 };
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
