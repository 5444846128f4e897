//! A canvas of the page's that is painted here.

use wasm_bindgen::{Clamped, JsCast, JsValue};
use web_sys::{ImageData, OffscreenCanvas, OffscreenCanvasRenderingContext2d};

pub(super) struct Canvas {
    canvas: OffscreenCanvas,
    context: OffscreenCanvasRenderingContext2d,
}

impl Canvas {
    /// None where the browser has no context for it.
    pub(super) fn new(canvas: OffscreenCanvas) -> Option<Self> {
        let context = canvas.get_context("2d").ok()??.unchecked_into();
        Some(Canvas { canvas, context })
    }

    /// Shows `side` × `side` pixels of RGBA; of none, nothing.
    pub(super) fn paint(&self, side: u32, rgba: &[u8]) -> Result<(), JsValue> {
        let (width, height) = (self.canvas.width(), self.canvas.height());
        if side == 0 {
            self.context.clear_rect(0.0, 0.0, width.into(), height.into());
            return Ok(());
        }
        if (width, height) != (side, side) {
            self.canvas.set_width(side);
            self.canvas.set_height(side);
        }
        let image = ImageData::new_with_u8_clamped_array_and_sh(Clamped(rgba), side, side)?;
        self.context.put_image_data(&image, 0.0, 0.0)
    }
}
