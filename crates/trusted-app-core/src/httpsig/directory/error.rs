//! Why a key directory is no good.

use super::skipped::SkippedKey;
use crate::httpsig::sign::SignError;
use crate::limits::{MAX_DIRECTORY_BYTES, MAX_DIRECTORY_KEYS};
use crate::rejection::Rejection;
use crate::text::TextError;

/// Why a key directory is no good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// Beyond [`MAX_DIRECTORY_BYTES`].
    #[error("a key directory is at most {MAX_DIRECTORY_BYTES} bytes long")]
    TooLarge,
    /// The body is no text.
    #[error("its text cannot be read: {0}")]
    Text(#[from] TextError),
    /// No JSON object with a list of keys (RFC 7517, section 5).
    #[error("not a JWKS: it must be a JSON object with the list `keys`")]
    NotJwks,
    /// More than [`MAX_DIRECTORY_KEYS`] entries.
    #[error("a key directory has at most {MAX_DIRECTORY_KEYS} keys")]
    TooManyKeys,
    /// No entry at all.
    #[error("it lists no key")]
    Empty,
    /// The answer has no `Content-Digest`, which each signature must cover.
    #[error(
        "the answer has no `Content-Digest`: its signatures must cover a digest of the body by sha-256 or sha-512"
    )]
    NoDigest,
    /// The body is not the one of the answer's `Content-Digest`.
    #[error(
        "the body has another digest than `Content-Digest` says: look for a proxy or cache that changes it"
    )]
    DigestDiffers,
    /// The answer's fields are no good.
    #[error(transparent)]
    Answer(#[from] Rejection),
    /// No entry gives a key whose possession is proven.
    #[error("no key in it can be used: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NoKey(Vec<SkippedKey>),
    /// The directory could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
}
