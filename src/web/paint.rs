//! Values to colours: RGBA bytes for a canvas's `ImageData`.
//!
//! Colours come from the page, so that its themes are told in one place. A palette is some RGB triples, each
//! mixed with the next in sRGB, as a CSS gradient mixes them: the legend on the page is exact.

use wasm_bindgen::prelude::*;

/// The scales that a signed picture is shown at.
const LIMITS: [f32; 6] = [0.05, 0.1, 0.2, 0.3, 0.5, 1.0];

/// Pixels in [0, 1]; `palette` is paper and ink, two RGB triples.
#[wasm_bindgen(js_name = paintInk)]
pub fn paint_ink(pixels: &[f32], palette: &[u8]) -> Result<Vec<u8>, JsError> {
    let [paper, ink] = triples(palette)?;
    Ok(pixels.iter().flat_map(|&v| mix(paper, ink, v)).collect())
}

/// Changes in [−limit, limit]; `palette` is less, none and more ink, three RGB triples.
#[wasm_bindgen(js_name = paintSigned)]
pub fn paint_signed(values: &[f32], limit: f32, palette: &[u8]) -> Result<Vec<u8>, JsError> {
    let [less, none, more] = triples(palette)?;
    Ok(values.iter().flat_map(|&v| mix(none, if v < 0.0 { less } else { more }, v.abs() / limit)).collect())
}

/// The smallest round limit that no value exceeds, so that a picture's scale can be stated.
#[wasm_bindgen(js_name = signedLimit)]
pub fn signed_limit(values: &[f32]) -> f32 {
    let largest = values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    LIMITS.into_iter().find(|&limit| largest <= limit).unwrap_or(1.0)
}

fn triples<const N: usize>(palette: &[u8]) -> Result<[[u8; 3]; N], JsError> {
    let (colours, rest) = palette.as_chunks::<3>();
    match (<[[u8; 3]; N]>::try_from(colours), rest) {
        (Ok(colours), []) => Ok(colours),
        _ => Err(JsError::new(&format!("a palette of {N} colours has {} bytes, not {}", 3 * N, palette.len()))),
    }
}

/// `share` of the way from one colour to another, opaque.
fn mix(from: [u8; 3], to: [u8; 3], share: f32) -> [u8; 4] {
    let share = share.clamp(0.0, 1.0);
    let channel = |i: usize| (f32::from(from[i]) + share * (f32::from(to[i]) - f32::from(from[i]))).round() as u8;
    [channel(0), channel(1), channel(2), 255]
}
