//! Why a signed request was refused.

use std::fmt;
use std::time::Duration;

use http::{HeaderName, StatusCode};

use crate::clock::Timestamp;
use crate::rejection::Rejection;

/// The short name of a refusal, as it goes over the wire in the problem document's member `code`. There
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

    /// The HTTP status of the answer.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Malformed | Self::Ambiguous | Self::DigestMismatch => StatusCode::BAD_REQUEST,
            Self::Required | Self::InvalidSignature | Self::Stale | Self::Coverage | Self::Replayed => {
                StatusCode::UNAUTHORIZED
            }
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The gRPC status of the answer.
    #[must_use]
    pub const fn grpc_code(self) -> i32 {
        match self {
            Self::Malformed | Self::Ambiguous | Self::DigestMismatch => 3,
            Self::Required | Self::InvalidSignature | Self::Stale | Self::Coverage | Self::Replayed => 16,
            Self::Forbidden => 7,
            Self::TooLarge => 8,
            Self::Overloaded => 14,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a request with an HTTP message signature was refused. The [`Code`] is for the peer, the text
/// for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A field is not what the profile says, or beyond a [limit](crate::limits).
    #[error("{0}")]
    Malformed(String),
    /// Credentials of two schemes in one request.
    #[error("credentials of two schemes in one request")]
    Ambiguous,
    /// No signature with the profile's tag.
    #[error("no signature with the tag `trusted-app`")]
    Required,
    /// No application has this key, or none whose key is good for anything now.
    #[error("no key `{key}` is known, or it is not in use")]
    KeyUnknown {
        /// The `keyid`.
        key: String,
    },
    /// The application is not registered for this scheme.
    #[error("the application may not use HTTP message signatures")]
    SchemeNotAllowed,
    /// The signature's `alg` is not the algorithm of its key.
    #[error("the signature states an algorithm that is not its key's")]
    AlgorithmMismatch,
    /// The signature does not hold.
    #[error("the signature does not hold for this signature base:\n{base}")]
    BadSignature {
        /// What this server held the signature against (RFC 9421, section 2.5), to be compared with
        /// what the peer signed; with [`BaseLine::NOT_LOGGED`](super::BaseLine::NOT_LOGGED) for each value
        /// that nobody should see.
        base: String,
    },
    /// Expired, too old, or from the future.
    #[error(
        "{limit}: created at {}, expires at {}, now it is {}",
        created.to_rfc3339(), expires.to_rfc3339(), now.to_rfc3339()
    )]
    Stale {
        /// The signature's `created`.
        created: Timestamp,
        /// The signature's `expires`.
        expires: Timestamp,
        /// This server's clock.
        now: Timestamp,
        /// Beyond which limit that is.
        limit: TimeLimit,
    },
    /// Something must be covered and is not.
    #[error("the signature must cover {what}")]
    Coverage {
        /// What.
        what: String,
    },
    /// The request has a field that must be covered where it is there, and is not.
    #[error("the signature must cover `{field}`, which the request has")]
    FieldNotCovered {
        /// Its name.
        field: HeaderName,
    },
    /// The body has another digest than the signed one.
    #[error("the body has another digest than was signed")]
    DigestMismatch,
    /// The nonce was used before.
    #[error("the nonce was used before")]
    Replayed,
    /// The body is larger than is held to compute its digest.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The most that is held, in bytes.
        limit: usize,
    },
    /// Too many bodies are held already, or one did not come in time.
    #[error("the body cannot be held at present: {0}")]
    Overloaded(&'static str),
    /// The signature names a tenant, and nothing here knows tenants.
    #[error("the request is for a user of the tenant `{}`, and there are no tenants here", tenant.escape_debug())]
    TenantUnknown {
        /// The tenant.
        tenant: String,
    },
    /// A condition of the application is not fulfilled, the user is not known or not allowed, or a store
    /// did not answer.
    #[error(transparent)]
    Condition(Box<Rejection>),
}

/// A limit of the time in which a signature is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeLimit {
    /// The signature's `created`, before which it is not good.
    Created,
    /// The signature's `expires`.
    Expires,
    /// How old it may be: the application's time-out, which is never longer than
    /// [`Policy::MAX_AGE`](super::Policy::MAX_AGE).
    Age(Duration),
    /// How long its nonce is remembered: the body came too slowly.
    Nonce,
}

impl fmt::Display for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created => f.write_str("from the future"),
            Self::Expires => f.write_str("expired"),
            Self::Age(most) => write!(f, "older than {most:?}"),
            Self::Nonce => f.write_str("its body came too late"),
        }
    }
}

impl Refusal {
    pub(super) fn malformed(problem: impl Into<String>) -> Self {
        Self::Malformed(problem.into())
    }

    pub(super) fn coverage(what: impl Into<String>) -> Self {
        Self::Coverage { what: what.into() }
    }

    /// The short name.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Malformed(_) => Code::Malformed,
            Self::Ambiguous => Code::Ambiguous,
            Self::Required => Code::Required,
            Self::KeyUnknown { .. }
            | Self::SchemeNotAllowed
            | Self::AlgorithmMismatch
            | Self::BadSignature { .. } => Code::InvalidSignature,
            Self::Stale { .. } => Code::Stale,
            Self::Coverage { .. } | Self::FieldNotCovered { .. } => Code::Coverage,
            Self::DigestMismatch => Code::DigestMismatch,
            Self::Replayed => Code::Replayed,
            Self::TooLarge { .. } => Code::TooLarge,
            Self::Overloaded(_) => Code::Overloaded,
            Self::TenantUnknown { .. } => Code::Forbidden,
            Self::Condition(rejection) => code_of(rejection),
        }
    }
}

impl Refusal {
    /// What an operator may do about it, for the log.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Condition(rejection) => rejection.hint(),
            Self::Malformed(_) => "mend the peer",
            Self::Ambiguous => "look for a proxy that adds headers; a peer uses one scheme",
            Self::Required => "have the peer sign its requests, or make the layer `optional()`",
            Self::KeyUnknown { .. } => "register the key with its application, or make it active",
            Self::SchemeNotAllowed => "list the scheme `http-signature` with the application",
            Self::AlgorithmMismatch => "mend the peer: it names another algorithm than its key's",
            Self::BadSignature { .. } => {
                "compare the signature base with the peer's: host, scheme, port, context path, escapes"
            }
            Self::Stale { limit, .. } => match limit {
                TimeLimit::Created => "compare the clocks of both sides",
                TimeLimit::Expires => {
                    "compare the clocks of both sides; a request that is sent again must be signed anew"
                }
                TimeLimit::Age(_) => {
                    "compare the clocks of both sides; the application's time-out may be shorter than its \
                     signatures' life"
                }
                TimeLimit::Nonce => {
                    "the peer, or the network, is slow: a request must be complete while it is good"
                }
            },
            Self::Coverage { .. } => "have the peer cover it",
            Self::FieldNotCovered { .. } => {
                "have the peer cover it, or, if your own proxy sets it, name it in `Policy::with_proxy_fields`"
            }
            Self::DigestMismatch => {
                "look for a proxy that changes bodies; the digest is of the encoded content"
            }
            Self::Replayed => {
                "somebody sent a captured request again, or the peer repeats one: it must sign anew"
            }
            Self::TooLarge { .. } => "raise the limit of the layer, or let it stream",
            Self::Overloaded(_) => "the peer is slow, or the layer's memory for bodies is full",
            Self::TenantUnknown { .. } => "the peer names a tenant, which this service does not know",
        }
    }
}

/// What a rejection of the scheme-independent checks is called here.
fn code_of(rejection: &Rejection) -> Code {
    match rejection {
        Rejection::CredentialsMissing => Code::Required,
        Rejection::MethodNotAllowed { .. }
        | Rejection::PathNotAllowed { .. }
        | Rejection::PathAmbiguous { .. }
        | Rejection::UserUnknown { .. }
        | Rejection::PermissionDenied { .. } => Code::Forbidden,
        Rejection::Replayed { .. } => Code::Replayed,
        Rejection::Unavailable { .. } => Code::Overloaded,
        Rejection::TooLarge { .. } | Rejection::RepeatedHeader { .. } => Code::Malformed,
        // Also the source address, about which only a key's holder may learn, and from where it may be used.
        _ => Code::InvalidSignature,
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self::HttpSignature(Box::new(refusal))
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Condition(Box::new(rejection))
    }
}
