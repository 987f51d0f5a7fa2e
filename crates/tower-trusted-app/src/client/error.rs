//! Why a request was not sent.

use trusted_app_core::seraph::SignError;
use trusted_app_core::{BoxError, httpsig};

use super::origin::{Origin, OriginError};

/// Why a request that names a user was not signed, and therefore not sent.
///
/// The service's error is a `BoxError`; [`downcast`](std::error::Error#method.downcast-1) it to tell
/// this from a failure of the client below.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The signer failed, or rejects to sign this user or URL.
    #[error("the request was not signed and not sent: {0}")]
    Sign(#[from] SignError),
    /// The request has something that an HTTP message signature cannot cover, such as content without a
    /// `Content-Type`, or the key failed.
    #[error("the request was not signed and not sent: {0}")]
    HttpSignature(#[from] httpsig::SignError),
    /// The body is larger than the layer signs.
    #[error("the body is larger than {limit} bytes: see `HttpSignLayer::body_limit`")]
    BodyTooLarge {
        /// The most that is signed, in bytes.
        limit: usize,
    },
    /// The body is a stream whose end is not there yet, and nobody waits for it:
    /// [`Rebuild::WAITS`](super::Rebuild::WAITS).
    #[error(
        "the body is a stream, whose digest is not known when it begins: where the receiver agrees, \
         `InsecureUnsignedBody` leaves it out of the signature"
    )]
    StreamingBody,
    /// The body has trailers, which no digest covers.
    #[error("the body has trailers, which cannot be signed")]
    Trailers,
    /// The body cannot be read.
    #[error("the body cannot be read: {0}")]
    Body(#[source] BoxError),
    /// The request's URI is in origin form (`/path`), and no
    /// [`origin`](super::SignLayer::origin) says where it goes.
    #[error("the request's URI does not say where it goes: make it absolute, or give the layer an origin")]
    NoOrigin,
    /// The request's URI is in authority or asterisk form: it names no URL.
    #[error("the request's target is no URL that could be signed")]
    NoUrl,
    /// The request's URI is for something that is no origin of HTTP.
    #[error("the request's URI cannot be signed: {0}")]
    BadOrigin(#[from] OriginError),
    /// The request is for an origin that it may not be signed for: neither the layer's own, nor one
    /// of those listed, or not the one that its [`ActAs`](super::ActAs) was signed for first.
    #[error("a request for {requested} is not signed, only for {}", list(allowed))]
    ForeignOrigin {
        /// Where the request would have gone.
        requested: Origin,
        /// The origins it may be signed for.
        allowed: Vec<Origin>,
    },
    /// The request's `Host` header is repeated, or names another host than the URL to sign. The
    /// receiver rebuilds the URL from this header.
    #[error("the request's `Host` header disagrees with {0}")]
    HostDisagrees(Origin),
}

fn list(origins: &[Origin]) -> String {
    if origins.is_empty() {
        return "no origin at all".to_owned();
    }
    origins.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
