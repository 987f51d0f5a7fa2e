//! The codes: the short names of rejections.

use std::fmt;

use crate::rejection::{Class, Rejection};

/// The short name of a rejection, as it goes over the wire in the problem document's member `code`. There
/// are few: whoever has no key learns nothing about applications, keys and users.
///
/// | Code | HTTP | gRPC | When |
/// |---|---|---|---|
/// | `malformed` | 400 | 3 | a field is not what the profile says, or beyond a limit |
/// | `ambiguous` | 400 | 3 | credentials of two schemes |
/// | `digest_mismatch` | 400 | 3 | the body is not the one that was signed |
/// | `required` | 401 | 16 | no signature of this profile |
/// | `invalid_signature` | 401 | 16 | the signature does not hold, its key is unknown, or it comes from elsewhere than it may |
/// | `stale` | 401 | 16 | expired, too old, or from the future |
/// | `coverage` | 401 | 16 | something that must be covered is not, or content may come that no digest covers |
/// | `replayed` | 401 | 16 | the nonce was used before |
/// | `forbidden` | 403 | 7 | the application may not do this, or not as this user |
/// | `too_large` | 413 | 8 | the body is larger than is held for its digest |
/// | `overloaded` | 503 | 14 | a store did not answer, or too much is held already |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the table says what each one means")]
pub enum Code {
    Malformed,
    Ambiguous,
    DigestMismatch,
    Required,
    InvalidSignature,
    Stale,
    Coverage,
    Replayed,
    Forbidden,
    TooLarge,
    Overloaded,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 11] = [
        Self::Malformed,
        Self::Ambiguous,
        Self::DigestMismatch,
        Self::Required,
        Self::InvalidSignature,
        Self::Stale,
        Self::Coverage,
        Self::Replayed,
        Self::Forbidden,
        Self::TooLarge,
        Self::Overloaded,
    ];

    /// The code as it goes over the wire, such as `invalid_signature`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Ambiguous => "ambiguous",
            Self::DigestMismatch => "digest_mismatch",
            Self::Required => "required",
            Self::InvalidSignature => "invalid_signature",
            Self::Stale => "stale",
            Self::Coverage => "coverage",
            Self::Replayed => "replayed",
            Self::Forbidden => "forbidden",
            Self::TooLarge => "too_large",
            Self::Overloaded => "overloaded",
        }
    }

    /// What the peer is told beside the code: nothing about applications, keys or users.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::Malformed => "A field of the signature is malformed",
            Self::Ambiguous => "The request has credentials of two schemes",
            Self::DigestMismatch => "The content is not the one that was signed",
            Self::Required => "The request must be signed",
            Self::InvalidSignature => "The signature does not hold",
            Self::Stale => "The signature is expired, too old or from the future",
            Self::Coverage => "The signature does not cover all that it must",
            Self::Replayed => "The nonce was used before",
            Self::Forbidden => "The request is not allowed",
            Self::TooLarge => "The content is too large",
            Self::Overloaded => "Temporarily unable to tell whether the request is trusted",
        }
    }

    /// What it is for HTTP and gRPC.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Malformed | Self::Ambiguous | Self::DigestMismatch => Class::Malformed,
            Self::Required | Self::InvalidSignature | Self::Stale | Self::Coverage | Self::Replayed => {
                Class::Unauthenticated
            }
            Self::Forbidden => Class::Denied,
            Self::TooLarge => Class::ContentTooLarge,
            Self::Overloaded => Class::Unavailable,
        }
    }

    /// The code of a rejection. Reasons that no request with an HTTP message signature can have get the nearest one.
    #[must_use]
    pub const fn of(rejection: &Rejection) -> Self {
        match rejection {
            Rejection::Malformed { .. } | Rejection::TooLarge { .. } | Rejection::RepeatedHeader { .. } => {
                Self::Malformed
            }
            Rejection::TwoSchemes => Self::Ambiguous,
            Rejection::ContentMismatch => Self::DigestMismatch,
            Rejection::CredentialsMissing => Self::Required,
            // The source address too: only whoever has the key may learn from where it may be used.
            Rejection::KeyUnknown { .. }
            | Rejection::SchemeNotAllowed
            | Rejection::AlgorithmMismatch
            | Rejection::BadSignatureBase { .. }
            | Rejection::BadSignature { .. }
            | Rejection::SignatureMissing
            | Rejection::AuthorityUnknown { .. }
            | Rejection::AddressNotAllowed { .. }
            | Rejection::ForwardedAddressNotAllowed { .. }
            | Rejection::PeerUnknown
            | Rejection::VersionNotANumber { .. }
            | Rejection::VersionNotAllowed { .. }
            | Rejection::ApplicationIdMissing
            | Rejection::SecretKeyMissing
            | Rejection::MagicMissing
            | Rejection::ApplicationUnknown { .. }
            | Rejection::BadMagic { .. }
            | Rejection::TimestampNotANumber { .. } => Self::InvalidSignature,
            Rejection::Stale { .. }
            | Rejection::CertificateTooOld { .. }
            | Rejection::CertificateFromFuture { .. } => Self::Stale,
            Rejection::NotCovered { .. } | Rejection::FieldNotCovered { .. } => Self::Coverage,
            Rejection::Replayed { .. } => Self::Replayed,
            Rejection::MethodNotAllowed { .. }
            | Rejection::PathNotAllowed { .. }
            | Rejection::PathAmbiguous { .. }
            | Rejection::TenantUnknown { .. }
            | Rejection::UserUnknown { .. }
            | Rejection::PermissionDenied { .. } => Self::Forbidden,
            Rejection::ContentTooLarge { .. } => Self::TooLarge,
            Rejection::ContentNotHeld { .. } | Rejection::Unavailable { .. } => Self::Overloaded,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
