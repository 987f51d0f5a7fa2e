//! The name of a key of HTTP message signatures: its thumbprint (RFC 7638).

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::fingerprint::Fingerprint;

/// The thumbprints of the keys that RFC 9421 (appendix B.1) publishes with their private halves.
const PUBLISHED_EXAMPLES: [&str; 4] = [
    "BHj8s0GPnMEQtkaULIM-PLgEhLBbuGUQ1vMxmBWZzEo",
    "oD0HwocPBSfpNy5W3bpJeyFGY_IQ_YpqxSjQ3Yd-CLA",
    "ydQXMtvbsOsZyFir-Y7A8t7fKEM1gbKPvyFkdpu4fvI",
    "poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U",
];

/// The name of a [`SignatureKey`](super::SignatureKey): the SHA-256 of its JWK's required members
/// (RFC 7638), in base64url 43 characters. It is what a signature carries as `keyid`.
///
/// ```
/// use trusted_app_core::crypto::Thumbprint;
///
/// let thumbprint: Thumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs".parse()?;
/// assert_eq!(thumbprint.to_string(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
/// assert!("NzbLsXh8uDCcd+6MNwXF4W/7noWXFZAfHkxZsRGC9Xs=".parse::<Thumbprint>().is_err());
/// # Ok::<_, trusted_app_core::crypto::ThumbprintError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    pub(super) const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Whether it names an example key of RFC 9421.
    pub(super) fn is_published_example(&self) -> bool {
        PUBLISHED_EXAMPLES.iter().any(|example| example.parse() == Ok(*self))
    }

    /// The digest.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest as stores keep it, beside the fingerprints of Seraph's keys. The two cannot be
    /// mixed up: what is hashed begins with `{` for one and with a DER tag for the other.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_digest(self.0)
    }
}

impl FromStr for Thumbprint {
    type Err = ThumbprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut digest = [0; 32];
        // Exactly 43 characters; a decoder that is handed more would reject them for want of room.
        match URL_SAFE_NO_PAD.decode_slice(text, &mut digest) {
            Ok(32) if text.len() == 43 => Ok(Self(digest)),
            _ => Err(ThumbprintError),
        }
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no thumbprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a thumbprint is 43 characters of base64url")]
pub struct ThumbprintError;
