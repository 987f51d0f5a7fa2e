//! An application as it is shown to programs: its description, and what follows from it.

use serde::Serialize;

use super::{ApplicationDescription, KeyDescription};
use crate::application::{ApplicationKey, TrustedApplication};
use crate::crypto::SignatureKey;

/// An application as it is shown to programs: the fields of its [`ApplicationDescription`], each of its keys as a
/// [`ShownKey`], and the `warnings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ShownApplication {
    /// All but the keys.
    #[serde(flatten)]
    pub description: ApplicationDescription,
    /// The keys.
    pub keys: Vec<ShownKey>,
    /// What is allowed but hardly meant.
    pub warnings: Vec<String>,
}

/// A key as it is shown: as it is written, and by what it is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ShownKey {
    /// As it is written.
    #[serde(flatten)]
    pub description: KeyDescription,
    /// The SHA-256 of a key of Seraph's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The size of a key of Seraph's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<usize>,
    /// The thumbprint of a key for HTTP message signatures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbprint: Option<String>,
    /// The algorithm of a key for HTTP message signatures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<&'static str>,
}

impl From<&TrustedApplication> for ShownApplication {
    fn from(application: &TrustedApplication) -> Self {
        let signature_keys = application.signature_keys.iter().map(ShownKey::from);
        Self {
            description: ApplicationDescription { keys: Vec::new(), ..application.into() },
            keys: application.keys.iter().map(ShownKey::from).chain(signature_keys).collect(),
            warnings: application.warnings().iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<&ApplicationKey> for ShownKey {
    fn from(key: &ApplicationKey) -> Self {
        Self {
            description: key.into(),
            fingerprint: Some(key.fingerprint().to_string()),
            bits: Some(key.public_key().bits()),
            thumbprint: None,
            algorithm: None,
        }
    }
}

impl From<&ApplicationKey<SignatureKey>> for ShownKey {
    fn from(key: &ApplicationKey<SignatureKey>) -> Self {
        let public = key.public_key();
        Self {
            description: key.into(),
            fingerprint: None,
            bits: None,
            thumbprint: Some(public.thumbprint().to_string()),
            algorithm: Some(public.algorithm().as_str()),
        }
    }
}
