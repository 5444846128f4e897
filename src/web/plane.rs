//! The plane through x, x + r and a random direction, for the page to colour.

use super::{Network, check_image};
use crate::{experiment, network::kernel::Evaluator};
use wasm_bindgen::prelude::*;

/// A plane and the network that reads its points.
#[wasm_bindgen]
pub struct Plane {
    plane: experiment::plane::Plane,
    evaluator: Evaluator,
}

#[wasm_bindgen]
impl Plane {
    /// See [`experiment::plane::Plane::through`]; `seed` chooses the random direction.
    #[wasm_bindgen(constructor)]
    pub fn new(network: &Network, image: &[f32], r: &[f32], seed: u32) -> Result<Plane, JsError> {
        check_image(image)?;
        check_image(r)?;
        let plane = experiment::plane::Plane::through(image, r, &mut experiment::random(seed.into()))
            .ok_or_else(|| JsError::new("without a perturbation there is no plane to show"))?;
        Ok(Plane { plane, evaluator: Evaluator::new(network.0.clone()) })
    }

    /// The labels of side × side cells around a point: see [`experiment::plane::Plane::labels`].
    pub fn labels(&mut self, a: f32, b: f32, reach: f32, side: usize) -> Vec<u8> {
        let mut labels = vec![0; side * side];
        self.plane.labels(&mut self.evaluator, (a, b), reach, side, &mut labels);
        labels
    }
}
