//! The fingerprint by which a public key is known again.

use std::fmt;

use sha2::{Digest, Sha256};

/// The SHA-256 of a public key: of its DER SubjectPublicKeyInfo as RFC 8017 writes it.
///
/// A key that came in another form (without the NULL parameters, or under the RSASSA-PSS
/// identifier) has the fingerprint of the usual form, so that it is known again. Displayed as
/// lower-case hexadecimal pairs with colons between them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a SubjectPublicKeyInfo in the usual form.
    pub(super) fn of_spki(spki: &[u8]) -> Self {
        Self(Sha256::digest(spki).into())
    }

    pub(super) const fn of_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let colon = if at == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
