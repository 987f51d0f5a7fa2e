//! What a request's body has to be.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use sha2::{Digest, Sha256, Sha512};

/// The algorithms of digests that count. The others of the registry are broken or never were safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum DigestAlgorithm {
    /// `sha-256`.
    #[default]
    Sha256,
    /// `sha-512`.
    Sha512,
}

/// The digests of a body (RFC 9530), one or both.
///
/// ```
/// use trusted_app_core::content::{ContentDigest, DigestAlgorithm};
///
/// let digest = ContentDigest::of(DigestAlgorithm::Sha256, br#"{"hello": "world"}"#);
/// assert_eq!(digest.to_header_value(), "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:");
/// assert!(digest.matches(br#"{"hello": "world"}"#));
/// assert!(!digest.matches(br#"{"hello": "World"}"#));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct ContentDigest {
    pub(crate) sha256: Option<[u8; 32]>,
    pub(crate) sha512: Option<[u8; 64]>,
}

impl ContentDigest {
    /// The digest of a body.
    #[must_use]
    pub fn of(algorithm: DigestAlgorithm, body: &[u8]) -> Self {
        match algorithm {
            DigestAlgorithm::Sha256 => Self { sha256: Some(Sha256::digest(body).into()), sha512: None },
            DigestAlgorithm::Sha512 => Self { sha256: None, sha512: Some(Sha512::digest(body).into()) },
        }
    }

    /// Whether these are the digests of `body`: every one of them.
    #[must_use]
    pub fn matches(&self, body: &[u8]) -> bool {
        let mut hasher = self.hasher();
        hasher.update(body);
        hasher.is_match()
    }

    /// Compares a body that comes in parts.
    #[must_use]
    pub fn hasher(&self) -> DigestHasher {
        DigestHasher {
            expected: *self,
            sha256: self.sha256.map(|_| Sha256::new()),
            sha512: self.sha512.map(|_| Sha512::new()),
        }
    }

    /// The field's value.
    #[must_use]
    pub fn to_header_value(&self) -> HeaderValue {
        let members = [
            self.sha256.map(|digest| format!("sha-256=:{}:", STANDARD.encode(digest))),
            self.sha512.map(|digest| format!("sha-512=:{}:", STANDARD.encode(digest))),
        ];
        let text = members.into_iter().flatten().collect::<Vec<_>>().join(", ");
        HeaderValue::from_str(&text).expect("base64 is a header's value")
    }
}

impl fmt::Debug for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentDigest({:?})", self.to_header_value())
    }
}

/// Holds a body that comes in parts against a [`ContentDigest`]. Made by [`ContentDigest::hasher`].
#[derive(Clone)]
pub struct DigestHasher {
    expected: ContentDigest,
    sha256: Option<Sha256>,
    sha512: Option<Sha512>,
}

impl DigestHasher {
    /// Takes the next part.
    pub fn update(&mut self, part: &[u8]) {
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(part);
        }
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(part);
        }
    }

    /// Whether what was taken is the body: every digest matches.
    #[must_use]
    pub fn is_match(self) -> bool {
        let sha256 = self.sha256.map(|hasher| hasher.finalize().into());
        let sha512 = self.sha512.map(|hasher| hasher.finalize().into());
        ContentDigest { sha256, sha512 } == self.expected
    }
}

impl fmt::Debug for DigestHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestHasher").field("expected", &self.expected).finish_non_exhaustive()
    }
}

/// What a verified request's body has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpectedContent {
    /// No digest was signed, or that of no content: not one byte of a body may come. A header may announce one all
    /// the same; the request has content when the first byte comes, and is rejected by then.
    Empty,
    /// The body must have this digest.
    Digest(ContentDigest),
    /// Nobody signed the body: the scheme signs none, or the application may leave the digest out.
    Unsigned,
}
