//! The algorithms of HTTP message signatures (RFC 9421).

use std::fmt;

/// The algorithms of HTTP message signatures that are accepted. Each key has exactly one.
///
/// Neither `hmac-sha256` (both sides would have one secret) nor `rsa-v1_5-sha256` is among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// Ed25519 (RFC 8032; RFC 9421, section 3.3.6).
    Ed25519,
    /// ECDSA on the curve P-256 with SHA-256 (RFC 9421, section 3.3.4).
    EcdsaP256Sha256,
    /// RSASSA-PSS with SHA-512 and a salt of 64 bytes (RFC 9421, section 3.3.1).
    RsaPssSha512,
}

impl SignatureAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 3] = [Self::Ed25519, Self::EcdsaP256Sha256, Self::RsaPssSha512];

    /// The name in the registry of RFC 9421, such as `ed25519`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256Sha256 => "ecdsa-p256-sha256",
            Self::RsaPssSha512 => "rsa-pss-sha512",
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
