//! The wasm-bindgen shell of the page.
