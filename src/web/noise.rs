//! Random perturbations of a given size, counted.

use super::{Network, check_image};
use crate::{experiment, network::kernel::Evaluator};
use wasm_bindgen::prelude::*;

/// A stream of random perturbations and the network that reads them.
#[wasm_bindgen]
pub struct Noise {
    noise: experiment::noise::Noise,
    evaluator: Evaluator,
}

#[wasm_bindgen]
impl Noise {
    /// The same perturbations for the same seed.
    #[wasm_bindgen(constructor)]
    pub fn new(network: &Network, seed: u32) -> Noise {
        Noise { noise: experiment::noise::Noise::new(seed.into()), evaluator: Evaluator::new(network.0.clone()) }
    }

    /// How many of the next `tries` perturbations of this norm change what is read from `prediction`.
    pub fn changed(&mut self, image: &[f32], prediction: usize, norm: f32, tries: u32) -> Result<u32, JsError> {
        check_image(image)?;
        let counts = self.noise.count(&mut self.evaluator, image, prediction, prediction, &[norm], tries);
        Ok(counts.iter().map(|c| c.changed).sum())
    }

    /// One random x + r whose r has this norm.
    pub fn perturbed(&mut self, image: &[f32], norm: f32) -> Result<Vec<f32>, JsError> {
        check_image(image)?;
        self.noise.draw();
        Ok(self.noise.at_norm(image, norm).to_vec())
    }
}
