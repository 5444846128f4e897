//! The wasm-bindgen shell of the page: opaque handles and painters, no arithmetic of its own.
//!
//! JavaScript holds a [`Network`] and, for each way of searching, a [`Session`]. Arrays cross the boundary
//! as copies, so none is a view of memory that may grow. Errors become a JavaScript `Error` whose message is
//! a sentence for the page to show.

mod measure;
mod paint;
mod session;

pub use measure::roofline;
pub use paint::{paint_ink, paint_signed, signed_limit};
pub use session::Session;

use crate::network::Mlp;
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
