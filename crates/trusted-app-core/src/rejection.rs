//! Why a request was not accepted.
//!
//! A [`Rejection`] knows no scheme: it is the reason, with the facts for the log. What the peer is told is said by the
//! scheme of its request: Seraph's [codes](crate::seraph::Code) and [texts](crate::seraph::TransportError), or the
//! [codes](crate::httpsig::Code) of HTTP message signatures. [`Rejected`](crate::Rejected) holds both together.

mod class;
mod hint;
mod text;

use std::fmt;
use std::time::Duration;

use http::HeaderName;

use crate::clock::Timestamp;
use crate::permission::PermissionRule;

pub use class::Class;

/// Why a request was not accepted. `Display` is for the log, never for the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// Credentials are required and the request has none.
    CredentialsMissing,
    /// Credentials of two schemes in one request.
    TwoSchemes,
    /// Something in the credentials is not what the scheme says, or exceeds a [limit](crate::limits).
    Malformed {
        /// What, and what is wrong with it.
        problem: String,
    },
    /// A header that must come once came more often.
    RepeatedHeader {
        /// Its name.
        name: &'static str,
    },
    /// Something exceeds its [limit](crate::limits).
    TooLarge {
        /// What.
        what: &'static str,
        /// The limit, in bytes unless `what` says otherwise.
        limit: usize,
    },
    /// The version header is no decimal integer of 32 bits.
    VersionNotANumber {
        /// What it is.
        version: String,
    },
    /// A version that this application may not use.
    VersionNotAllowed {
        /// The version of the request; 0 when it has none.
        version: i32,
        /// The highest that the application may use; `None` if it may use none of Seraph's.
        highest: Option<i32>,
    },
    /// The application may not use HTTP message signatures.
    SchemeNotAllowed,
    /// No application id.
    ApplicationIdMissing,
    /// Version 2 without the key header.
    SecretKeyMissing,
    /// Version 2 without the magic header.
    MagicMissing,
    /// No application of that id is registered.
    ApplicationUnknown {
        /// The id sent.
        id: String,
    },
    /// No application has this key, or none whose key is good for anything now.
    KeyUnknown {
        /// The `keyid`.
        key: String,
    },
    /// The signature's `alg` is not the algorithm of its key.
    AlgorithmMismatch,
    /// A part of the credentials could not be read with the application's key.
    BadMagic {
        /// Which part.
        part: MagicPart,
        /// The application's id.
        application: String,
    },
    /// The certificate's first line is no number.
    TimestampNotANumber {
        /// What it is.
        timestamp: String,
        /// The application's id.
        application: String,
    },
    /// The signature header is absent.
    SignatureMissing,
    /// The signature does not hold for the URL as this server sees it, under any key of the
    /// application.
    BadSignature {
        /// The URL as this server rebuilt it, in its normal form.
        url: String,
        /// The same URL as the operator wrote it, where that differs: the signature does not hold for it either.
        as_written: Option<String>,
    },
    /// The signature does not hold for this signature base.
    BadSignatureBase {
        /// What this server held the signature against (RFC 9421, section 2.5), to be compared with
        /// what the peer signed; with [`BaseLine::NOT_LOGGED`](crate::httpsig::BaseLine::NOT_LOGGED) for each value
        /// that nobody should see.
        base: String,
    },
    /// Something must be covered by the signature and is not.
    NotCovered {
        /// What.
        what: String,
    },
    /// The request has a field that must be covered where it is there, and is not.
    FieldNotCovered {
        /// Its name.
        field: HeaderName,
    },
    /// The request's authority is none of the configured public URLs, so that no URL could be
    /// rebuilt. To the peer this is a bad signature.
    AuthorityUnknown {
        /// The URL that the request itself states.
        url: String,
        /// The authority of the request's target: of its absolute form, or HTTP/2's `:authority`.
        authority: Option<String>,
        /// What its `Host` fields say.
        host: Option<String>,
    },
    /// The certificate is older than the application's time-out.
    CertificateTooOld {
        /// The application's id.
        application: String,
        /// The certificate's timestamp.
        created: Timestamp,
        /// The time-out in milliseconds.
        timeout_ms: i64,
        /// This server's clock.
        now: Timestamp,
    },
    /// The certificate is from further in the future than any peer stamps ahead.
    CertificateFromFuture {
        /// The application's id.
        application: String,
        /// The certificate's timestamp.
        created: Timestamp,
        /// This server's clock.
        now: Timestamp,
    },
    /// The signature is expired, too old, or from the future.
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
    /// The application may not use this method.
    MethodNotAllowed {
        /// The method.
        method: String,
    },
    /// The connection's address is not among the application's.
    AddressNotAllowed {
        /// The address.
        address: String,
    },
    /// An address in `X-Forwarded-For` or `Forwarded` is not among the application's, or is none.
    ForwardedAddressNotAllowed {
        /// The address, as it stands in the header.
        address: String,
    },
    /// The application has an address rule and this server does not know where the request comes
    /// from.
    PeerUnknown,
    /// No path pattern of the application covers the path.
    PathNotAllowed {
        /// The path below the context path.
        path: String,
    },
    /// A pattern covers the path, but the path could mean two things.
    PathAmbiguous {
        /// The path below the context path.
        path: String,
        /// What is ambiguous in it.
        reason: &'static str,
    },
    /// The request names a tenant, and nothing here knows tenants.
    TenantUnknown {
        /// The tenant.
        tenant: String,
    },
    /// The directory knows nobody of that name.
    UserUnknown {
        /// The name that was signed.
        user: String,
    },
    /// The user may not log in, or the application may not act as that user.
    PermissionDenied {
        /// The name that was signed.
        user: String,
        /// The rule that denies it: for the log and the audit, never for the peer.
        rule: PermissionRule,
    },
    /// The body has another digest than the signed one.
    ContentMismatch,
    /// The body is larger than is held to compute its digest.
    ContentTooLarge {
        /// The most that is held, in bytes.
        limit: usize,
    },
    /// Too many bodies are held already, or one did not come in time.
    ContentNotHeld {
        /// Which of the two.
        reason: &'static str,
    },
    /// A request with this signature, or with its nonce, was accepted before, and it counts once.
    Replayed {
        /// The application's id.
        application: String,
        /// When it was signed, as it says.
        created: Timestamp,
    },
    /// A store could not answer. Never a 401, never a pass.
    Unavailable {
        /// Which one.
        store: Store,
    },
}

impl Rejection {
    pub(crate) fn malformed(problem: impl Into<String>) -> Self {
        Self::Malformed { problem: problem.into() }
    }

    pub(crate) fn not_covered(what: impl Into<String>) -> Self {
        Self::NotCovered { what: what.into() }
    }

    /// The rule that denies the user, for the log; never sent to the peer.
    #[must_use]
    pub fn rule(&self) -> Option<&PermissionRule> {
        match self {
            Self::PermissionDenied { rule, .. } => Some(rule),
            _ => None,
        }
    }
}

impl std::error::Error for Rejection {}

/// Which part of the credentials could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MagicPart {
    /// The magic header, under the application's public key.
    PublicKey,
    /// The certificate (in version 2: under the secret key in the key header).
    SecretKey,
}

impl MagicPart {
    /// The original's words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PublicKey => "public key",
            Self::SecretKey => "secret key",
        }
    }
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
    /// [`SignaturePolicy::MAX_AGE`](crate::httpsig::SignaturePolicy::MAX_AGE).
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

/// What could not answer in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Store {
    /// The key store.
    KeyStore,
    /// The user directory.
    UserDirectory,
    /// The replay store.
    ReplayStore,
    /// Too many requests are being verified at once.
    Verification,
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeyStore => "key store",
            Self::UserDirectory => "user directory",
            Self::ReplayStore => "replay store",
            Self::Verification => "verification",
        })
    }
}
