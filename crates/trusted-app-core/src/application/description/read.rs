//! A description read from whatever `serde` can read, with the way to each field.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::Value;

use super::error::MILLISECONDS;
use super::{ApplicationDescription, DescriptionError, FieldSegment};

impl ApplicationDescription {
    /// Reads a description.
    ///
    /// # Errors
    ///
    /// The first field that is unknown, missing, or no value of its kind. It quotes no text that may be a key.
    pub fn read<'de, D: Deserializer<'de>>(source: D) -> Result<Self, DescriptionError> {
        let value = Value::deserialize(source).map_err(<DescriptionError as de::Error>::custom)?;
        Self::of_value(&value)
    }

    fn of_value(value: &Value) -> Result<Self, DescriptionError> {
        Self::deserialize(Node(value)).map_err(DescriptionError::redacted)
    }
}

impl<'de> Deserialize<'de> for ApplicationDescription {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of_value(&Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

struct Node<'v>(&'v Value);

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = DescriptionError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DescriptionError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(truth) => visitor.visit_bool(*truth),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => visitor.visit_seq(Items((0..).zip(items))),
            Value::Object(fields) => visitor.visit_map(Fields { rest: fields.iter(), current: None }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DescriptionError> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Items<I>(I);

impl<'de, I: Iterator<Item = (usize, &'de Value)>> SeqAccess<'de> for Items<I> {
    type Error = DescriptionError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DescriptionError> {
        let Some((index, value)) = self.0.next() else { return Ok(None) };
        seed.deserialize(Node(value)).map(Some).map_err(|error| error.within(FieldSegment::Index(index)))
    }
}

struct Fields<'v, I> {
    rest: I,
    current: Option<(&'v str, &'v Value)>,
}

impl<'de, I: Iterator<Item = (&'de String, &'de Value)>> MapAccess<'de> for Fields<'de, I> {
    type Error = DescriptionError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DescriptionError> {
        self.current = self.rest.next().map(|(name, value)| (name.as_str(), value));
        self.current.map(|(name, _)| seed.deserialize(BorrowedStrDeserializer::new(name))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DescriptionError> {
        let (name, value) = self.current.unwrap_or(("", &Value::Null));
        seed.deserialize(Node(value)).map_err(|error| error.within(name.into()))
    }
}

pub(super) fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let positive = |number: i64| match number {
        1.. => Ok(number.unsigned_abs()),
        _ => Err(de::Error::invalid_value(Unexpected::Signed(number), &MILLISECONDS)),
    };
    Option::<i64>::deserialize(deserializer)?.map(positive).transpose()
}
