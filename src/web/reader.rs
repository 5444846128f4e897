//! What a network makes of images that are already there.

use super::{Network, check_image};
use crate::{
    experiment::{path, rounding, transfer},
    network::{kernel::Evaluator, probabilities},
};
use serde::Serialize;
use wasm_bindgen::prelude::*;

/// Reads images by forward passes.
#[wasm_bindgen]
pub struct Reader(Evaluator);

#[derive(Serialize)]
struct Rounded {
    levels: Vec<u8>,
    label: usize,
    norm: f32,
    /// `nearest`, `towards`, `further` or `lost`.
    rounding: &'static str,
    /// By how much r was lengthened.
    scale: f32,
}

#[wasm_bindgen]
impl Reader {
    /// Reads by `network`.
    #[wasm_bindgen(constructor)]
    pub fn new(network: &Network) -> Reader {
        Reader(Evaluator::new(network.0.clone()))
    }

    /// The ten probabilities of an image.
    pub fn probabilities(&mut self, image: &[f32]) -> Result<Vec<f32>, JsError> {
        check_image(image)?;
        Ok(probabilities(self.0.logits(image)).to_vec())
    }

    /// The probabilities on the way from x through x + r to x + until·r: see [`path::probabilities_along`].
    pub fn along(&mut self, image: &[f32], r: &[f32], until: f32, count: usize) -> Result<Vec<f32>, JsError> {
        check_image(image)?;
        check_image(r)?;
        Ok(path::probabilities_along(&mut self.0, image, r, until, count).into_flattened())
    }

    /// x + r in 256 levels that is still read as `target`, or without one as anything but `prediction`.
    pub fn rounded(
        &mut self,
        image: &[f32],
        r: &[f32],
        prediction: usize,
        target: Option<usize>,
    ) -> Result<JsValue, JsError> {
        check_image(image)?;
        check_image(r)?;
        let wanted = |label| target.map_or(label != prediction, |target| label == target);
        let found = rounding::round(&mut self.0, image, r, wanted);
        let (rounding, scale) = match found.rounding {
            rounding::Rounding::Nearest => ("nearest", 1.0),
            rounding::Rounding::Towards => ("towards", 1.0),
            rounding::Rounding::Further(s) => ("further", s),
            rounding::Rounding::Lost => ("lost", 1.0),
        };
        let rounded = Rounded { levels: found.levels, label: found.label, norm: found.norm, rounding, scale };
        Ok(serde_wasm_bindgen::to_value(&rounded)?)
    }
}

/// `clip(x + s·r)` with the s that gives it this distortion: see [`transfer::amplify`].
#[wasm_bindgen]
pub fn amplified(image: &[f32], r: &[f32], distortion: f32) -> Result<Vec<f32>, JsError> {
    check_image(image)?;
    check_image(r)?;
    let mut point = vec![0.0; image.len()];
    transfer::amplify(image, r, distortion, &mut point);
    Ok(point)
}
