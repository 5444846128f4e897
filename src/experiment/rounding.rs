//! An adversarial example as a picture of 8 bits a pixel.
//!
//! The smallest perturbations end on the decision boundary itself, and rounding alone often takes them back across it: what
//! is exported has to be classified again, and moved a little further where that fails.

use crate::{
    PIXELS,
    network::{kernel::Evaluator, label},
    vector::clip,
};

/// How far beyond r an example is followed, and in what steps.
const FURTHEST: f32 = 1.5;
const STEP: f32 = 0.01;

/// What it took for a rounded picture to keep its label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rounding {
    /// Every pixel to its nearest level.
    Nearest,
    /// Every pixel to the next level in the direction of r.
    Towards,
    /// The same, from `x + s·r` with this s above 1.
    Further(f32),
    /// Nothing: the picture is rounded to the nearest levels, and not classified as wished.
    Lost,
}

/// A picture in 256 levels.
#[derive(Clone, Debug, PartialEq)]
pub struct Rounded {
    /// 784 levels; v stands for v/255.
    pub levels: Vec<u8>,
    /// The network's prediction for it.
    pub label: usize,
    /// How it was rounded.
    pub rounding: Rounding,
    /// ‖levels/255 − x‖₂.
    pub norm: f32,
}

/// Rounds `x + r` so that what `wanted` says of the label still holds, with as small a change as that takes.
///
/// # Panics
/// If `image` or `r` has not 784 values.
pub fn round(evaluator: &mut Evaluator, image: &[f32], r: &[f32], wanted: impl Fn(usize) -> bool) -> Rounded {
    assert_eq!((image.len(), r.len()), (PIXELS, PIXELS), "an image has 784 pixels");
    let mut at = |s: f32, direction: f32, rounding: Rounding| {
        let level = |(&x, &r): (&f32, &f32)| {
            let exact = 255.0 * clip(x + s * r, 0.0, 1.0);
            // A float that is a level but for its own rounding stays there.
            let away = if (exact - exact.round()).abs() < 1e-3 { 0.0 } else { 0.5 * direction * r.signum() };
            (exact + away).round().clamp(0.0, 255.0) as u8
        };
        let levels: Vec<u8> = image.iter().zip(r).map(level).collect();
        let point: Vec<f32> = levels.iter().map(|&v| f32::from(v) / 255.0).collect();
        let square: f32 = point.iter().zip(image).map(|(p, x)| (p - x) * (p - x)).sum();
        Rounded { label: label(evaluator.logits(&point)), levels, rounding, norm: square.sqrt() }
    };
    let nearest = at(1.0, 0.0, Rounding::Nearest);
    if wanted(nearest.label) {
        return nearest;
    }
    let towards = at(1.0, 1.0, Rounding::Towards);
    if wanted(towards.label) {
        return towards;
    }
    let steps = ((FURTHEST - 1.0) / STEP) as u32;
    let mut further = (1..=steps).map(|k| 1.0 + k as f32 * STEP).map(|s| at(s, 1.0, Rounding::Further(s)));
    let found = further.find(|rounded| wanted(rounded.label));
    found.unwrap_or(Rounded { rounding: Rounding::Lost, ..nearest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        LABELS,
        network::{Activation, Layer, Mlp},
    };
    use std::sync::Arc;

    /// Label 1 where the first pixel exceeds `threshold`, else label 0.
    fn evaluator(threshold: f32) -> Evaluator {
        let mut weight = vec![0.0; LABELS * PIXELS];
        weight[PIXELS] = 1.0;
        let mut bias = vec![-1.0; LABELS];
        (bias[0], bias[1]) = (threshold, 0.0);
        let layer = Layer { inputs: PIXELS, outputs: LABELS, weight, bias };
        Evaluator::new(Arc::new(Mlp::new("one pixel", Activation::Sigmoid, vec![layer]).unwrap()))
    }

    fn change(first: f32) -> Vec<f32> {
        let mut r = vec![0.0; PIXELS];
        r[0] = first;
        r
    }

    #[test]
    fn an_example_that_survives_is_rounded_to_the_nearest_levels() {
        let rounded = round(&mut evaluator(0.5), &[0.2; PIXELS], &change(0.4), |label| label == 1);
        assert_eq!((rounded.rounding, rounded.label), (Rounding::Nearest, 1));
        assert_eq!((rounded.levels[0], rounded.levels[1]), (153, 51));
        assert!((rounded.norm - 0.4).abs() < 1e-5);
    }

    #[test]
    fn an_example_that_rounding_takes_back_is_rounded_in_the_direction_of_r() {
        // 100.4 levels; the nearest, 100, is below the boundary.
        let rounded = round(&mut evaluator(100.2 / 255.0), &[0.0; PIXELS], &change(100.4 / 255.0), |label| label == 1);
        assert_eq!((rounded.rounding, rounded.label, rounded.levels[0]), (Rounding::Towards, 1, 101));
    }

    #[test]
    fn an_example_that_falls_short_is_followed_further_and_one_that_never_gets_there_is_called_lost() {
        let r = change(100.0 / 255.0);
        let rounded = round(&mut evaluator(110.5 / 255.0), &[0.0; PIXELS], &r, |label| label == 1);
        assert!(matches!(rounded.rounding, Rounding::Further(s) if (1.09..1.13).contains(&s)), "{rounded:?}");
        assert_eq!((rounded.label, rounded.levels[0]), (1, 111));
        let rounded = round(&mut evaluator(0.9), &[0.0; PIXELS], &r, |label| label == 1);
        assert_eq!((rounded.rounding, rounded.label, rounded.levels[0]), (Rounding::Lost, 0, 100));
    }
}
