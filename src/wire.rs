//! What lies between a page and its Workers: the [`Service`] at one end, and the arrays that cross, which are typed arrays in a browser
//! and sequences of numbers elsewhere.
//!
//! In a browser an array is handed over with its message, not copied: [`gathered`] collects the buffers of all arrays that
//! are being serialised.

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error, SeqAccess, Visitor},
};
use std::{fmt, marker::PhantomData};

/// What takes a page's messages at any time, and works on them a slice of time after another.
pub trait Service {
    /// What a page says to it.
    type Message: DeserializeOwned;
    /// What it says.
    type Reply: Serialize;

    /// One that works for `slice` milliseconds in one [`Service::run`]. The first thing that it has to say is that it is ready.
    fn open(slice: f64) -> Self;

    /// Takes a message.
    fn receive(&mut self, message: Self::Message);

    /// Works until nothing is left to do, or its slice has passed on the clock, which tells milliseconds.
    fn run(&mut self, clock: &dyn Fn() -> f64);

    /// What there is to say since the last call, in order.
    fn take_replies(&mut self) -> Vec<Self::Reply>;

    /// Whether nothing is left to do; what is left to say does not count.
    fn is_idle(&self) -> bool;

    /// What to say, in words, to a message that means nothing, by its number if it has one. Nothing where nobody waits for it.
    fn misunderstood(id: Option<u32>, message: String) -> Option<Self::Reply>;
}

/// 32-bit numbers; in JavaScript a `Float32Array`.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Floats(#[cfg_attr(test, ts(type = "Float32Array"))] pub Vec<f32>);

/// Bytes; in JavaScript a `Uint8Array`.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Bytes(#[cfg_attr(test, ts(type = "Uint8Array"))] pub Vec<u8>);

impl Serialize for Floats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        written(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Floats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Numbers(PhantomData)).map(Floats)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        written(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(Numbers(PhantomData)).map(Bytes)
    }
}

/// What such an array is made of.
trait Number: Copy + Serialize + for<'de> Deserialize<'de> {
    /// From the bytes of a typed array.
    fn all(bytes: Vec<u8>) -> Vec<Self>;

    /// A typed array of these numbers, and its buffer.
    #[cfg(target_arch = "wasm32")]
    fn typed(numbers: &[Self]) -> (wasm_bindgen::JsValue, js_sys::ArrayBuffer);
}

impl Number for f32 {
    fn all(bytes: Vec<u8>) -> Vec<f32> {
        bytes.as_chunks::<4>().0.iter().map(|&four| f32::from_le_bytes(four)).collect()
    }

    #[cfg(target_arch = "wasm32")]
    fn typed(numbers: &[f32]) -> (wasm_bindgen::JsValue, js_sys::ArrayBuffer) {
        let array = js_sys::Float32Array::from(numbers);
        let buffer = array.buffer();
        (array.into(), buffer)
    }
}

impl Number for u8 {
    fn all(bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    #[cfg(target_arch = "wasm32")]
    fn typed(numbers: &[u8]) -> (wasm_bindgen::JsValue, js_sys::ArrayBuffer) {
        let array = js_sys::Uint8Array::from(numbers);
        let buffer = array.buffer();
        (array.into(), buffer)
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn written<T: Number, S: Serializer>(numbers: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    numbers.serialize(serializer)
}

#[cfg(target_arch = "wasm32")]
fn written<T: Number, S: Serializer>(numbers: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    let (array, buffer) = T::typed(numbers);
    BUFFERS.with_borrow(|buffers| buffers.push(&buffer));
    serde_wasm_bindgen::preserve::serialize(&array, serializer)
}

#[cfg(target_arch = "wasm32")]
thread_local! {
    /// The buffers of what is being serialised.
    static BUFFERS: std::cell::RefCell<js_sys::Array> = std::cell::RefCell::default();
}

/// What `serialise` returns, and the buffers of all arrays in it.
#[cfg(target_arch = "wasm32")]
pub(crate) fn gathered<T>(serialise: impl FnOnce() -> T) -> (T, js_sys::Array) {
    let made = serialise();
    (made, BUFFERS.take())
}

/// Reads the bytes of a typed array, or a sequence.
struct Numbers<T>(PhantomData<T>);

impl<'de, T: Number> Visitor<'de> for Numbers<T> {
    type Value = Vec<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an array of numbers")
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<T>, E> {
        Ok(T::all(bytes))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<T>, A::Error> {
        let mut numbers = Vec::new();
        while let Some(number) = sequence.next_element()? {
            numbers.push(number);
        }
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::value::{Error, SeqDeserializer};

    #[test]
    fn arrays_are_sequences_of_numbers_or_their_bytes() {
        let floats = SeqDeserializer::<_, Error>::new([0.5f32, -1.0].into_iter());
        assert_eq!(Floats::deserialize(floats).unwrap().0, [0.5, -1.0]);
        let bytes = SeqDeserializer::<_, Error>::new([0u8, 255].into_iter());
        assert_eq!(Bytes::deserialize(bytes).unwrap().0, [0, 255]);
        let four = 0.5f32.to_le_bytes().to_vec();
        assert_eq!(Numbers::<f32>(PhantomData).visit_byte_buf::<Error>(four.clone()).unwrap(), [0.5]);
        assert_eq!(Numbers::<u8>(PhantomData).visit_byte_buf::<Error>(four.clone()).unwrap(), four);
    }
}
