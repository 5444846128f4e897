//! From a message to a request, by what serde derives for it.
//!
//! An object's fields are read in their own order, as a sequence, and variants by their place: what serde derives for names, and the
//! crate that reads any JavaScript value, come to a tenth of the module.

use js_sys::{Array, Float32Array, Object, Reflect, Uint8Array};
use serde::{
    Deserialize, Deserializer,
    de::{
        self, DeserializeSeed, EnumAccess, IntoDeserializer, SeqAccess, VariantAccess, Visitor, value::U32Deserializer,
    },
    forward_to_deserialize_any,
};
use std::{fmt, slice::Iter};
use wasm_bindgen::{JsCast, JsValue};

/// What a message asks for, or what is wrong with it and where.
pub(crate) fn understood<T: Deserialize<'static>>(message: &JsValue) -> Result<T, Misunderstanding> {
    T::deserialize(Value(message.clone()))
}

/// Why a message means nothing, in words.
#[derive(Debug)]
pub(crate) struct Misunderstanding(String);

/// A value as it arrived.
struct Value(JsValue);

/// The fields of an object, in the order of the type that is read.
struct Fields {
    object: JsValue,
    names: Iter<'static, &'static str>,
}

/// The elements of an array.
struct Elements {
    array: Array,
    next: u32,
}

/// A variant by its place, and what is in it.
struct Variant(u32, JsValue);

impl Misunderstanding {
    #[cold]
    #[inline(never)]
    fn expected<T>(what: &str) -> Result<T, Self> {
        Err(Misunderstanding(format!("{what} is expected")))
    }

    /// It was found in the field of this name.
    #[cold]
    #[inline(never)]
    fn at(self, name: &str) -> Self {
        Misunderstanding(format!("{name}: {self}"))
    }
}

impl fmt::Display for Misunderstanding {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Misunderstanding {}

impl de::Error for Misunderstanding {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Misunderstanding(what.to_string())
    }

    fn invalid_type(_: de::Unexpected, expected: &dyn de::Expected) -> Self {
        Misunderstanding(format!("{expected} is expected"))
    }

    fn invalid_value(_: de::Unexpected, expected: &dyn de::Expected) -> Self {
        Misunderstanding(format!("{expected} is expected"))
    }

    fn invalid_length(_: usize, expected: &dyn de::Expected) -> Self {
        Misunderstanding(format!("{expected} is expected"))
    }
}

impl Value {
    #[inline(never)]
    fn number(&self) -> Result<f64, Misunderstanding> {
        self.0.as_f64().map_or_else(|| Misunderstanding::expected("a number"), Ok)
    }

    /// A whole number from 0.
    #[inline(never)]
    fn whole(&self) -> Result<u32, Misunderstanding> {
        let number = self.number()?;
        if number == f64::from(number as u32) {
            Ok(number as u32)
        } else {
            Misunderstanding::expected("a whole number")
        }
    }

    #[inline(never)]
    fn text(&self) -> Result<String, Misunderstanding> {
        self.0.as_string().map_or_else(|| Misunderstanding::expected("a string"), Ok)
    }

    #[inline(never)]
    fn fields(self, names: &'static [&'static str]) -> Result<Fields, Misunderstanding> {
        if self.0.is_object() {
            return Ok(Fields { object: self.0, names: names.iter() });
        }
        Misunderstanding::expected("an object")
    }

    #[inline(never)]
    fn elements(&self) -> Result<Elements, Misunderstanding> {
        if Array::is_array(&self.0) || self.0.is_instance_of::<js_sys::Uint32Array>() {
            return Ok(Elements { array: Array::from(&self.0), next: 0 });
        }
        Misunderstanding::expected("an array")
    }

    /// `{ "name": { … } }`, or a name alone.
    #[inline(never)]
    fn variant(self, names: &'static [&'static str]) -> Result<Variant, Misunderstanding> {
        let (name, content) = match self.0.as_string() {
            Some(name) => (name, JsValue::UNDEFINED),
            None => {
                let keys = self.0.dyn_ref::<Object>().map(Object::keys).unwrap_or_default();
                let name = keys.get(0);
                let content = Reflect::get(&self.0, &name).unwrap_or_default();
                (name.as_string().filter(|_| keys.length() == 1).unwrap_or_default(), content)
            }
        };
        let place = names.iter().position(|known| *known == name);
        let place = place.ok_or_else(|| Misunderstanding(format!("“{name}” is not known")))?;
        Ok(Variant(place as u32, content))
    }
}

impl<'de> Deserializer<'de> for Value {
    type Error = Misunderstanding;

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misunderstanding> {
        visitor.visit_u32(self.whole()?)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misunderstanding> {
        visitor.visit_f32(self.number()? as f32)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misunderstanding> {
        visitor.visit_f64(self.number()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misunderstanding> {
        visitor.visit_string(self.text()?)
    }

    /// A number or a word.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misunderstanding> {
        if self.0.is_string() { visitor.visit_str(&self.text()?) } else { visitor.visit_u64(self.whole()?.into()) }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misunderstanding> {
        visitor.visit_bool(self.0.is_truthy())
    }

    /// The bytes of numbers of 32 bits.
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misunderstanding> {
        let Some(floats) = self.0.dyn_ref::<Float32Array>() else {
            return Misunderstanding::expected("a Float32Array");
        };
        let bytes =
            Uint8Array::new_with_byte_offset_and_length(&floats.buffer(), floats.byte_offset(), floats.byte_length());
        visitor.visit_byte_buf(bytes.to_vec())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misunderstanding> {
        let Some(bytes) = self.0.dyn_ref::<Uint8Array>() else { return Misunderstanding::expected("a Uint8Array") };
        visitor.visit_byte_buf(bytes.to_vec())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misunderstanding> {
        if self.0.is_undefined() || self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misunderstanding> {
        visitor.visit_seq(self.elements()?)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misunderstanding> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misunderstanding> {
        visitor.visit_seq(self.fields(names)?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misunderstanding> {
        visitor.visit_enum(self.variant(names)?)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u64 u128 char str unit unit_struct newtype_struct tuple_struct map identifier ignored_any
    }
}

impl<'de> SeqAccess<'de> for Fields {
    type Error = Misunderstanding;

    #[inline(never)]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misunderstanding> {
        let Some(name) = self.names.next() else { return Ok(None) };
        let value = Value(Reflect::get(&self.object, &(*name).into()).unwrap_or_default());
        match seed.deserialize(value) {
            Ok(read) => Ok(Some(read)),
            Err(error) => Err(error.at(name)),
        }
    }
}

impl<'de> SeqAccess<'de> for Elements {
    type Error = Misunderstanding;

    #[inline(never)]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misunderstanding> {
        if self.next >= self.array.length() {
            return Ok(None);
        }
        self.next += 1;
        seed.deserialize(Value(self.array.get(self.next - 1))).map(Some)
    }
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Misunderstanding;
    type Variant = Value;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Value), Misunderstanding> {
        let place: U32Deserializer<Misunderstanding> = self.0.into_deserializer();
        Ok((seed.deserialize(place)?, Value(self.1)))
    }
}

impl<'de> VariantAccess<'de> for Value {
    type Error = Misunderstanding;

    fn unit_variant(self) -> Result<(), Misunderstanding> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Misunderstanding> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misunderstanding> {
        visitor.visit_seq(self.elements()?)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misunderstanding> {
        visitor.visit_seq(self.fields(names)?)
    }
}
