//! Entries of a key directory that give no key.

use std::fmt;

use super::proof::Unproven;
use crate::crypto::{KeyError, Thumbprint};

/// An entry of a key directory that gives no key, and why. The key in it is not accepted.
///
/// `Display` names the entry and the reason: `keys[1] (AKP): ...`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SkippedKey {
    /// The place of the entry in the list `keys`, counted from 0.
    pub index: usize,
    /// Its `kty` and, if it has one, its `crv`, such as `OKP X25519`; `None` if they cannot be shown.
    pub kind: Option<String>,
    /// Its `kid`; `None` if it has none or it cannot be shown.
    pub kid: Option<String>,
    /// The key's name, if the key itself can be read.
    pub thumbprint: Option<Thumbprint>,
    /// Why it is skipped.
    pub reason: SkipReason,
}

impl fmt::Display for SkippedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "keys[{}]", self.index)?;
        let name = self.thumbprint.map(|thumbprint| thumbprint.to_string()).or_else(|| self.kid.clone());
        let name = name.map(|name| format!("`{name}`"));
        let named: Vec<_> = self.kind.iter().chain(&name).map(String::as_str).collect();
        if !named.is_empty() {
            write!(f, " ({})", named.join(", "))?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// Why an entry of a key directory gives no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// No JSON object with a `kty`, or one of its members has the wrong type or stands there twice.
    #[error("it is no JWK: `kty` is missing, or a member has the wrong type or stands there twice")]
    NotJwk,
    /// Not a key that can be used here, as of [`SignatureKey::from_jwk`](crate::crypto::SignatureKey::from_jwk).
    #[error(transparent)]
    Key(KeyError),
    /// Its `kid` is not its thumbprint, by which requests name it.
    #[error("its `kid` is not its thumbprint: leave the `kid` out, or write {0}")]
    OtherName(Thumbprint),
    /// An RSA key that states no `alg`: nothing else binds it to one.
    #[error("an RSA key must state its `alg`: write `PS512`")]
    AlgorithmNotStated,
    /// A date that is no whole number of seconds.
    #[error("its `{member}` is no whole number of seconds since 1970")]
    Date {
        /// `nbf` or `exp`.
        member: &'static str,
    },
    /// An earlier entry has this key and the same dates.
    #[error("an earlier entry lists the same key")]
    Twice,
    /// Another entry has this key, with other dates.
    #[error("another entry lists the same key with other dates, so neither counts")]
    TwiceDifferently,
    /// The answer does not prove that its sender has the private half.
    #[error("the answer does not prove that its sender has the private key: {0}")]
    NotProven(Unproven),
}
