//! A search on an image that is already there, one evaluation at a time.

use super::{Network, check_image, goal, reading};
use crate::{
    attack::{Attack, Options, Phase},
    vector::dot,
};
use serde::Serialize;
use wasm_bindgen::prelude::*;

/// A search whose every evaluation can be looked at.
#[wasm_bindgen]
pub struct Search(Attack);

/// One evaluation, in numbers.
#[derive(Serialize)]
struct Seen {
    evaluations: u32,
    phase: Phase,
    loss: f32,
    norm: f32,
    margin: f32,
    c: f32,
    /// `c·‖r‖² + loss`.
    objective: f32,
    /// The largest c known to succeed, and the smallest known to fail.
    succeeds: Option<f32>,
    fails: Option<f32>,
}

#[wasm_bindgen]
impl Search {
    /// `reading_of_c` is `weight`, `scale` or `both`.
    #[wasm_bindgen(constructor)]
    pub fn new(network: &Network, reading_of_c: &str) -> Result<Search, JsError> {
        Ok(Search(Attack::new(network.0.clone(), Options::new(reading(reading_of_c)?))))
    }

    /// Begins a search for `target`, or without one for any other label than the prediction.
    pub fn start(&mut self, image: &[f32], target: Option<u32>) -> Result<(), JsError> {
        check_image(image)?;
        Ok(self.0.start(image, goal(target))?)
    }

    /// One evaluation. Returns whether the search goes on.
    pub fn step(&mut self) -> bool {
        self.0.step()
    }

    /// The evaluation made last, and after the end the result, without its image.
    #[wasm_bindgen(getter)]
    pub fn seen(&self) -> Result<JsValue, JsError> {
        let seen = self.0.observation().map(|o| {
            let square = dot(o.r, o.r);
            Seen {
                evaluations: o.evaluations,
                phase: o.phase,
                loss: o.loss,
                norm: square.sqrt(),
                margin: o.margin,
                c: o.c,
                objective: o.c * square + o.loss,
                succeeds: o.bracket.0,
                fails: o.bracket.1,
            }
        });
        Ok(serde_wasm_bindgen::to_value(&seen)?)
    }

    /// The r of that evaluation, 784 values.
    #[wasm_bindgen(getter)]
    pub fn perturbation(&self) -> Vec<f32> {
        self.0.perturbation().to_vec()
    }

    /// The result as an object, [`crate::attack::Outcome`] field by field; `undefined` while the search goes on.
    #[wasm_bindgen(getter)]
    pub fn outcome(&self) -> Result<JsValue, JsError> {
        Ok(serde_wasm_bindgen::to_value(&self.0.outcome())?)
    }
}
