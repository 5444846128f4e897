//! The wasm-bindgen shell of the page: opaque handles and painters, no arithmetic of its own.
//!
//! JavaScript holds a [`Network`] and, for each way of searching, a [`Session`]; the sections below the demo hold one
//! handle for each thing that they show. Arrays cross the boundary
//! as copies, so none is a view of memory that may grow. Errors become a JavaScript `Error` whose message is
//! a sentence for the page to show.

mod layers;
mod measure;
mod noise;
mod paint;
mod plane;
mod reader;
mod search;
mod session;

pub use layers::{activations, amplification, random_direction, scores_along, spectral_bounds, top_scores};
pub use measure::roofline;
pub use noise::Noise;
pub use paint::{paint_ink, paint_signed, signed_limit};
pub use plane::Plane;
pub use reader::{Reader, amplified};
pub use search::Search;
pub use session::Session;

use crate::{
    PIXELS,
    attack::{Goal, Reading},
    network::Mlp,
};
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// A network, decoded and checked.
#[wasm_bindgen]
pub struct Network(Arc<Mlp>);

#[wasm_bindgen]
impl Network {
    /// Reads a safetensors file; see [`Mlp::from_safetensors`] for what is accepted.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: &[u8]) -> Result<Network, JsError> {
        Ok(Network(Arc::new(Mlp::from_safetensors(bytes)?)))
    }

    /// What the file calls it, e.g. `FC100-100-10`.
    #[wasm_bindgen(getter)]
    pub fn name(&self) -> String {
        self.0.name().into()
    }

    /// The widths of its layers, from 784 to 10.
    #[wasm_bindgen(getter)]
    pub fn widths(&self) -> Vec<u32> {
        let layers = self.0.layers();
        layers.iter().take(1).map(|l| l.inputs as u32).chain(layers.iter().map(|l| l.outputs as u32)).collect()
    }
}

fn reading(name: &str) -> Result<Reading, JsError> {
    match name {
        "weight" => Ok(Reading::Weight),
        "scale" => Ok(Reading::Scale),
        "both" => Ok(Reading::Both),
        other => Err(JsError::new(&format!("{other:?} is not a reading of c; expected weight, scale or both"))),
    }
}

fn goal(target: Option<u32>) -> Goal {
    target.map_or(Goal::Any, |t| Goal::Target(t as usize))
}

fn check_image(pixels: &[f32]) -> Result<(), JsError> {
    if pixels.len() == PIXELS {
        return Ok(());
    }
    Err(JsError::new(&format!("the image has {} pixels; expected {PIXELS}", pixels.len())))
}
