//! The protocol's arrays in a browser: typed arrays, which are handed over with a message instead of copied.

use crate::engine::message::{Bytes, Floats};
use js_sys::{Array, ArrayBuffer, Float32Array, Uint8Array};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};
use serde_wasm_bindgen::preserve;
use std::{cell::RefCell, fmt};
use wasm_bindgen::JsValue;

thread_local! {
    /// The buffers of what is being serialised.
    static BUFFERS: RefCell<Array> = RefCell::default();
}

/// What `serialise` returns, and the buffers of all arrays in it.
pub(crate) fn gathered<T>(serialise: impl FnOnce() -> T) -> (T, Array) {
    let made = serialise();
    (made, BUFFERS.take())
}

fn hand_over<S: Serializer>(array: &JsValue, buffer: &ArrayBuffer, serializer: S) -> Result<S::Ok, S::Error> {
    BUFFERS.with_borrow(|buffers| buffers.push(buffer));
    preserve::serialize(array, serializer)
}

impl Serialize for Floats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let array = Float32Array::from(&self.0[..]);
        hand_over(&array, &array.buffer(), serializer)
    }
}

impl<'de> Deserialize<'de> for Floats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = deserializer.deserialize_bytes(Whole)?;
        Ok(Floats(bytes.as_chunks::<4>().0.iter().map(|&four| f32::from_le_bytes(four)).collect()))
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let array = Uint8Array::from(&self.0[..]);
        hand_over(&array, &array.buffer(), serializer)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(Whole).map(Bytes)
    }
}

/// Takes bytes as they are.
struct Whole;

impl Visitor<'_> for Whole {
    type Value = Vec<u8>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an array of numbers")
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }
}
