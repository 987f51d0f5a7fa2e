//! A description read from whatever `serde` can read, with the way to each field.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, IntoDeserializer, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::Value;

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
        Self::deserialize(Node { value, at: None }).map_err(DescriptionError::redacted)
    }
}

impl<'de> Deserialize<'de> for ApplicationDescription {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of_value(&Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A value, and the last step on the way to it.
struct Node<'v> {
    value: &'v Value,
    at: Option<FieldSegment>,
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = DescriptionError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DescriptionError> {
        let read = match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(truth) => visitor.visit_bool(*truth),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => {
                let items = (0..).zip(items);
                visitor.visit_seq(SeqDeserializer::new(
                    items.map(|(at, value)| Node::at(FieldSegment::Index(at), value)),
                ))
            }
            Value::Object(fields) => {
                let fields = fields.iter();
                visitor.visit_map(MapDeserializer::new(
                    fields.map(|(name, value)| (name.as_str(), Node::at(name.as_str().into(), value))),
                ))
            }
        };
        read.map_err(|error| match self.at {
            Some(segment) => error.within(segment),
            None => error,
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DescriptionError> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'v> Node<'v> {
    fn at(segment: FieldSegment, value: &'v Value) -> Self {
        Self { value, at: Some(segment) }
    }
}

impl<'v> IntoDeserializer<'v, DescriptionError> for Node<'v> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

pub(super) fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let last = i64::MAX.unsigned_abs();
    deserializer.deserialize_option(Whole { what: "a positive number of milliseconds", range: 1..=last })
}

pub(super) fn bits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    let bits =
        deserializer.deserialize_option(Whole { what: "a number of bits", range: 0..=u32::MAX.into() })?;
    Ok(bits.and_then(|bits| usize::try_from(bits).ok()))
}

/// A whole number within a range, if one is stated.
struct Whole {
    what: &'static str,
    range: std::ops::RangeInclusive<u64>,
}

impl<'de> Visitor<'de> for Whole {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Option<u64>, E> {
        match self.range.contains(&number) {
            true => Ok(Some(number)),
            false => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
        }
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Option<u64>, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &self)),
        }
    }

    fn visit_none<E>(self) -> Result<Option<u64>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<u64>, D::Error> {
        deserializer.deserialize_u64(self)
    }
}
