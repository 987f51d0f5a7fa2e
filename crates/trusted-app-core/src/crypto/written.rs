//! Public keys as they are written.

use std::fmt;
use std::str::FromStr;

use super::{KeyError, PublicKey, SignatureKey};

/// In base64.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    /// Reads base64 or PEM.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.contains("-----BEGIN ") { Self::from_pem(text) } else { Self::from_base64(text) }
    }
}

/// As a JWK.
impl fmt::Display for SignatureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_jwk())
    }
}

impl FromStr for SignatureKey {
    type Err = KeyError;

    /// Reads a JWK.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::from_jwk(text)
    }
}
