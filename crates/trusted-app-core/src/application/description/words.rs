//! Parts that are written as a text.

use serde::de::{self, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::application::{ApplicationId, KeyState, Scheme};
use crate::clock::Timestamp;
use crate::conditions::ReplayProtection;

/// Written as `Display` does, and read as `FromStr` does.
macro_rules! written_as_text {
    ($($part:ty),*) => {$(
        impl Serialize for $part {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $part {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

written_as_text!(ApplicationId, KeyState, Scheme, ReplayProtection);

/// As RFC 3339 spells it.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_rfc3339())
    }
}

/// As RFC 3339 spells it.
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_rfc3339(&text).ok_or_else(|| {
            let expected = "a date and time with an offset, such as 2027-01-31T12:00:00Z";
            de::Error::invalid_value(Unexpected::Str(&text), &expected)
        })
    }
}
