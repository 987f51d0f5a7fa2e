//! A key of a directory.

use crate::application::ApplicationKey;
use crate::clock::Timestamp;
use crate::crypto::SignatureKey;

/// A key of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirectoryKey {
    /// The key.
    pub key: SignatureKey,
    /// The first instant at which it is good (`nbf`); from ever if `None`.
    pub not_before: Option<Timestamp>,
    /// The last instant at which it is good (`exp`); for ever if `None`.
    pub not_after: Option<Timestamp>,
}

impl From<SignatureKey> for DirectoryKey {
    fn from(key: SignatureKey) -> Self {
        Self { key, not_before: None, not_after: None }
    }
}

impl From<DirectoryKey> for ApplicationKey<SignatureKey> {
    /// In use, from its first day to its last.
    fn from(listed: DirectoryKey) -> Self {
        let mut key = Self::from(listed.key);
        if let Some(first) = listed.not_before {
            key = key.with_not_before(first);
        }
        if let Some(last) = listed.not_after {
            key = key.with_not_after(last);
        }
        key
    }
}
