//! What the layers of a network do: how they amplify a difference, and what their units and directions look for.

use super::{Network, check_image};
use crate::{
    PIXELS,
    experiment::{self, spectrum, units},
};
use wasm_bindgen::prelude::*;

/// `L_k` of every layer: see [`spectrum::bounds`].
#[wasm_bindgen(js_name = spectralBounds)]
pub fn spectral_bounds(network: &Network) -> Vec<f64> {
    spectrum::bounds(&network.0).into_iter().map(|bound| bound.product()).collect()
}

/// By how much every layer amplifies the difference of two images: see [`spectrum::amplification`].
#[wasm_bindgen]
pub fn amplification(network: &Network, image: &[f32], other: &[f32]) -> Result<Vec<f64>, JsError> {
    check_image(image)?;
    check_image(other)?;
    Ok(spectrum::amplification(&network.0, image, other))
}

/// φ(x) of one layer, for each of the images that follow one another in `images`.
#[wasm_bindgen]
pub fn activations(network: &Network, layer: usize, images: &[f32]) -> Result<Vec<f32>, JsError> {
    let mut all = Vec::new();
    for image in images.chunks(PIXELS) {
        check_image(image)?;
        let layers = spectrum::activations(&network.0, image);
        let phi = layers.get(layer).ok_or_else(|| JsError::new("the network has no such layer"))?;
        all.extend(phi.iter().map(|&a| a as f32));
    }
    Ok(all)
}

/// A random direction of length one in a layer of that width: see [`units::direction`].
#[wasm_bindgen(js_name = randomDirection)]
pub fn random_direction(width: usize, seed: u32) -> Vec<f32> {
    units::direction(width, &mut experiment::random(seed.into()))
}

/// `⟨φ(x), v⟩` for each activation vector: see [`units::scores`].
#[wasm_bindgen(js_name = scoresAlong)]
pub fn scores_along(activations: &[f32], v: &[f32]) -> Vec<f32> {
    if v.is_empty() { Vec::new() } else { units::scores(activations, v) }
}

/// Which have the largest scores, the largest first: see [`units::top`].
#[wasm_bindgen(js_name = topScores)]
pub fn top_scores(scores: &[f32], count: usize) -> Vec<u32> {
    units::top(scores, count).into_iter().map(|i| i as u32).collect()
}
