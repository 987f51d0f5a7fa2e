//! A key as it is written.

use std::collections::BTreeMap;
use std::fmt;

use serde::de;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::DescriptionProblem;
use crate::application::{ApplicationKey, KeyState};
use crate::clock::Timestamp;
use crate::crypto::{PublicKey, SignatureKey};

/// A key as it is written: `spki` or `jwk`, where it stands in a rotation, and when it is good.
///
/// `Debug` shows no text of a key: by mistake it may be a private one.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `spki` or `jwk`")]
pub struct KeyDescription {
    /// A key of Seraph's: its SubjectPublicKeyInfo in base64 or PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spki: Option<String>,
    /// A key for HTTP message signatures, as the text of a JWK. Written as a table of its members, and read also from a
    /// text.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_jwk",
        deserialize_with = "read_jwk"
    )]
    pub jwk: Option<String>,
    /// Where it stands in a rotation; active by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<KeyState>,
    /// The first instant at which it is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// The last instant at which it is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Timestamp>,
}

/// A key that was read, of either kind.
pub(super) enum ReadKey {
    Spki(ApplicationKey),
    Jwk(ApplicationKey<SignatureKey>),
}

impl KeyDescription {
    /// The key that is written here; else in which field it is wrong, and why.
    pub(super) fn read(&self) -> Result<ReadKey, (Option<&'static str>, DescriptionProblem)> {
        match (&self.spki, &self.jwk) {
            (Some(text), None) => {
                let key = text.parse::<PublicKey>().map_err(|error| (Some("spki"), error.into()))?;
                Ok(ReadKey::Spki(self.with_the_rest(key)))
            }
            (None, Some(text)) => {
                let key = text.parse::<SignatureKey>().map_err(|error| (Some("jwk"), error.into()))?;
                Ok(ReadKey::Jwk(self.with_the_rest(key)))
            }
            (Some(_), Some(_)) => Err((None, DescriptionProblem::TwoKeys)),
            (None, None) => {
                Err((None, DescriptionProblem::Missing { write: "`spki` (base64 or PEM) or `jwk`" }))
            }
        }
    }

    fn with_the_rest<K>(&self, key: K) -> ApplicationKey<K> {
        let mut key = ApplicationKey::from(key);
        if let Some(state) = self.state {
            key = key.with_state(state);
        }
        if let Some(first) = self.not_before {
            key = key.with_not_before(first);
        }
        if let Some(last) = self.not_after {
            key = key.with_not_after(last);
        }
        key
    }

    fn of<K>(key: &ApplicationKey<K>) -> Self {
        let (not_before, not_after) = (key.not_before(), key.not_after());
        Self { state: Some(key.state()), not_before, not_after, ..Self::default() }
    }
}

impl From<&ApplicationKey> for KeyDescription {
    fn from(key: &ApplicationKey) -> Self {
        Self { spki: Some(key.public_key().to_string()), ..Self::of(key) }
    }
}

impl From<&ApplicationKey<SignatureKey>> for KeyDescription {
    fn from(key: &ApplicationKey<SignatureKey>) -> Self {
        let jwk = key.public_key().to_string();
        let members = serde_json::from_str::<Value>(&jwk);
        // In the order in which a table of them is read.
        Self { jwk: Some(members.map_or(jwk, |members| members.to_string())), ..Self::of(key) }
    }
}

impl fmt::Debug for KeyDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |text: &Option<String>| text.as_ref().map(|_| "…");
        f.debug_struct("KeyDescription")
            .field("spki", &hidden(&self.spki))
            .field("jwk", &hidden(&self.jwk))
            .field("state", &self.state)
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .finish()
    }
}

fn write_jwk<S: Serializer>(jwk: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    let members = jwk.as_ref().and_then(|text| serde_json::from_str::<BTreeMap<String, Value>>(text).ok());
    match members {
        Some(members) => members.serialize(serializer),
        None => jwk.serialize(serializer),
    }
}

fn read_jwk<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        members @ Value::Object(_) => Ok(Some(members.to_string())),
        _ => Err(de::Error::custom("a JWK is a table of its members, or a string")),
    }
}
