//! The way from an image through its adversarial example and beyond.

use crate::{
    LABELS, PIXELS,
    network::{kernel::Evaluator, probabilities},
    vector::clip,
};

/// The ten probabilities at `clip(x + t·r)` for `count` values of t, evenly from 0 to `until`: `[count, 10]`.
///
/// # Panics
/// If `image` or `r` has not 784 values.
pub fn probabilities_along(
    evaluator: &mut Evaluator,
    image: &[f32],
    r: &[f32],
    until: f32,
    count: usize,
) -> Vec<[f32; LABELS]> {
    assert_eq!((image.len(), r.len()), (PIXELS, PIXELS), "an image has 784 pixels");
    let mut point = vec![0.0; PIXELS];
    let step = until / count.saturating_sub(1).max(1) as f32;
    let at = |t: f32, point: &mut [f32]| {
        for ((point, x), r) in point.iter_mut().zip(image).zip(r) {
            *point = clip(x + t * r, 0.0, 1.0);
        }
    };
    (0..count)
        .map(|k| {
            at(k as f32 * step, &mut point);
            probabilities(evaluator.logits(&point))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Activation, Layer, Mlp};
    use std::sync::Arc;

    #[test]
    fn the_way_begins_at_the_image_and_stops_at_the_box() {
        // The logit of label 1 is ten times the first pixel, every other one is 5.
        let mut weight = vec![0.0; LABELS * PIXELS];
        weight[PIXELS] = 10.0;
        let mut bias = vec![5.0; LABELS];
        bias[1] = 0.0;
        let layer = Layer { inputs: PIXELS, outputs: LABELS, weight, bias };
        let network = Mlp::new("one pixel", Activation::Sigmoid, vec![layer]).unwrap();
        let mut r = vec![0.0; PIXELS];
        r[0] = 0.5;
        let way = probabilities_along(&mut Evaluator::new(Arc::new(network)), &[0.0; PIXELS], &r, 4.0, 5);
        let expected = |pixel: f32| (10.0 * pixel).exp() / ((10.0 * pixel).exp() + 9.0 * 5.0f32.exp());
        for (found, pixel) in way.iter().zip([0.0, 0.5, 1.0, 1.0, 1.0]) {
            assert!((found[1] - expected(pixel)).abs() < 1e-5, "{} at {pixel}", found[1]);
        }
    }
}
