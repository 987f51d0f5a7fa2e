//! What no description of an application may be.

use super::directory_path::DIRECTORY_PATH;
use super::scheme::Scheme;
use crate::conditions::{MethodError, PathPatternError};
use crate::crypto::Fingerprint;
use crate::limits::{MAX_KEPT_KEYS, MAX_KEYS, MAX_RSA_BITS, MIN_PARSED_RSA_BITS};
use crate::permission::RuleList;
use crate::text::{NameError, escaped};

/// Why a description is no [`TrustedApplication`](super::TrustedApplication).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplicationError {
    /// [`addresses`](super::TrustedApplicationBuilder::addresses) was not called.
    #[error("say where requests may come from: addresses, or `any`")]
    AddressesNotStated,
    /// [`paths`](super::TrustedApplicationBuilder::paths) was not called.
    #[error("say which paths may be asked for: patterns, or `any`")]
    PathsNotStated,
    /// Zero, below a millisecond, or beyond 2^63 milliseconds.
    #[error("the time-out must be positive; a time-out of 0 would never expire")]
    Timeout,
    /// More keys than one request may be checked against; revoked ones do not count.
    #[error("{0} keys; an application has at most {MAX_KEYS} that are not revoked")]
    TooManyKeys(usize),
    /// More keys than are kept for one application, the revoked ones included.
    #[error("{0} keys; at most {MAX_KEPT_KEYS} are kept, so take out the oldest revoked ones")]
    TooManyKeptKeys(usize),
    /// One key stands there twice; were one of them revoked, the other would still be good.
    #[error("the key {0} is listed twice")]
    KeyTwice(Fingerprint),
    /// One RSA key for Seraph and for HTTP message signatures: each scheme has keys of its own.
    #[error("the key {0} is listed for two schemes; each needs keys of its own")]
    KeyOfTwoSchemes(Fingerprint),
    /// The [`key_directory`](super::TrustedApplicationBuilder::key_directory) is no URL of one.
    #[error(
        "the URL of a key directory is https:// (or http://), a host without user or password, and {DIRECTORY_PATH}"
    )]
    KeyDirectory,
    /// A scheme without a key for it.
    #[error("the scheme `{0}` needs a key of its own kind")]
    NoKey(Scheme),
    /// A key whose `not_after` is before its `not_before`.
    #[error("the key {0} is never valid: its not_after is before its not_before")]
    KeyNeverValid(Fingerprint),
    /// A key below the minimum.
    #[error(
        "an RSA key of {bits} bits; at least {min} are required (an old peer's key can be let in by `insecure_min_rsa_bits`)"
    )]
    KeyTooSmall {
        /// The key's size.
        bits: usize,
        /// The smallest size allowed.
        min: usize,
    },
    /// `insecure_min_rsa_bits` outside what can be parsed.
    #[error("insecure_min_rsa_bits is {0}; it must be from {MIN_PARSED_RSA_BITS} to {MAX_RSA_BITS}")]
    MinRsaBits(usize),
    /// A method that no request has.
    #[error(transparent)]
    Method(#[from] MethodError),
    /// A path pattern that is a list of them, or has a blank in it.
    #[error(transparent)]
    Path(#[from] PathPatternError),
    /// A name in a policy's lists that looks like everybody.
    #[error("{}: `{name}` is no name of a user or group: {}", list.as_str(), list.instead_of_everybody())]
    ActAsName {
        /// The list that it is in.
        list: RuleList,
        /// The name as it was written.
        name: String,
    },
    /// A name in a policy's lists that no directory can answer.
    #[error("{}: the name `{}` matches no user or group: {error}", list.as_str(), escaped(name))]
    RuleName {
        /// The list that it is in.
        list: RuleList,
        /// The name as it was written.
        name: String,
        /// What is wrong with it, and the right spelling.
        error: NameError,
    },
    /// An empty list of schemes.
    #[error("an application needs at least one scheme, such as `seraph-v3`")]
    NoScheme,
}
