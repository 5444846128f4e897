//! The protocol's arrays in a browser: typed arrays, which are handed over with a message instead of copied.

use crate::engine::message::{Bytes, Floats};
use js_sys::{Array, ArrayBuffer, Float32Array, Uint8Array};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_wasm_bindgen::preserve;
use std::cell::RefCell;
use wasm_bindgen::{JsCast, JsValue};

thread_local! {
    /// The buffers of what is being serialised.
    static BUFFERS: RefCell<Array> = RefCell::default();
}

/// What `serialise` returns, and the buffers of all arrays in it.
pub(super) fn gathered<T>(serialise: impl FnOnce() -> T) -> (T, Array) {
    let made = serialise();
    (made, BUFFERS.take())
}

fn hand_over<S: Serializer>(array: &JsValue, buffer: &ArrayBuffer, serializer: S) -> Result<S::Ok, S::Error> {
    BUFFERS.with_borrow(|buffers| buffers.push(buffer));
    preserve::serialize(array, serializer)
}

/// A value of the type that is expected, or why not.
fn received<'de, T: JsCast, D: Deserializer<'de>>(deserializer: D, name: &str) -> Result<T, D::Error> {
    let value: JsValue = preserve::deserialize(deserializer)?;
    value.dyn_into().map_err(|_| D::Error::custom(format_args!("expected a {name}")))
}

impl Serialize for Floats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let array = Float32Array::from(&self.0[..]);
        hand_over(&array, &array.buffer(), serializer)
    }
}

impl<'de> Deserialize<'de> for Floats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        received(deserializer, "Float32Array").map(|array: Float32Array| Floats(array.to_vec()))
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
        received(deserializer, "Uint8Array").map(|array: Uint8Array| Bytes(array.to_vec()))
    }
}
