//! A description read from whatever `serde` can read, with the way to each field.

use std::fmt;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::{Map, Number, Value};

use super::error::MILLISECONDS;
use super::{ApplicationDescription, DescriptionError, FieldSegment};

impl ApplicationDescription {
    /// Reads a description.
    ///
    /// # Errors
    ///
    /// The first field that is unknown, missing, or no value of its kind. It quotes no text that may be a key.
    pub fn read<'de, D: Deserializer<'de>>(source: D) -> Result<Self, DescriptionError> {
        let Once(value) = Once::deserialize(source).map_err(<DescriptionError as de::Error>::custom)?;
        Self::of_value(&value)
    }

    fn of_value(value: &Value) -> Result<Self, DescriptionError> {
        Self::deserialize(Node(value)).map_err(DescriptionError::redacted)
    }
}

impl<'de> Deserialize<'de> for ApplicationDescription {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of_value(&Once::deserialize(deserializer)?.0).map_err(de::Error::custom)
    }
}

/// A value in whose tables each field stands once. Of two, readers differ about which counts.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnceVisitor)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Once;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the table of an application")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Once, E> {
        Ok(Once(Value::Null))
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Once, E> {
        Ok(Once(truth.into()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Once, E> {
        Ok(Once(number.into()))
    }

    fn visit_i128<E: de::Error>(self, number: i128) -> Result<Once, E> {
        let number = Number::from_i128(number).ok_or_else(|| E::custom("a number that is too large"))?;
        Ok(Once(Value::Number(number)))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Once, E> {
        Ok(Once(number.into()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Once, E> {
        Ok(Once(number.into()))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Once, E> {
        Ok(Once(text.into()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Once, E> {
        Ok(Once(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Once, A::Error> {
        let mut list = Vec::new();
        while let Some(Once(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Once(list.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Once, A::Error> {
        let mut table = Map::new();
        while let Some((name, Once(value))) = fields.next_entry::<String, Once>()? {
            if table.contains_key(&name) {
                let name = name.escape_debug();
                return Err(de::Error::custom(format_args!(
                    "the field `{name}` stands there twice: keep one"
                )));
            }
            table.insert(name, value);
        }
        Ok(Once(table.into()))
    }
}

struct Node<'v>(&'v Value);

impl Node<'_> {
    fn unexpected(&self) -> Unexpected<'_> {
        match self.0 {
            Value::Null => Unexpected::Unit,
            Value::Bool(truth) => Unexpected::Bool(*truth),
            Value::Number(number) => Unexpected::Float(number.as_f64().unwrap_or(f64::MAX)),
            Value::String(text) => Unexpected::Str(text),
            Value::Array(_) => Unexpected::Seq,
            Value::Object(_) => Unexpected::Map,
        }
    }
}

/// What is left out has its default. Where somebody writes `null`, nobody knows what they mean.
fn null() -> DescriptionError {
    de::Error::custom("`null` is no value: leave the field out, or write one")
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = DescriptionError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DescriptionError> {
        match self.0 {
            Value::Null => Err(null()),
            Value::Bool(truth) => visitor.visit_bool(*truth),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => {
                let mut rest = Items((0..).zip(items));
                let read = visitor.visit_seq(&mut rest)?;
                match rest.0.next() {
                    None => Ok(read),
                    Some((index, _)) => Err(de::Error::invalid_length(index + 1, &"no more items")),
                }
            }
            Value::Object(fields) => visitor.visit_map(Fields { rest: fields.iter(), current: None }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DescriptionError> {
        if self.0.is_null() { Err(null()) } else { visitor.visit_some(self) }
    }

    /// A list of the fields' values, by their order, is no table of them.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DescriptionError> {
        match self.0 {
            Value::Object(_) => self.deserialize_any(visitor),
            Value::Null => Err(null()),
            _ => Err(de::Error::invalid_type(self.unexpected(), &visitor)),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
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
