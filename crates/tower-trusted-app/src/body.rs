//! What becomes of a request's body.

mod budget;
mod buffer;
mod signed;

use std::future::{Future, Ready, ready};

use bytes::Bytes;
use http::Request;
use http_body::Body;
use tower_service::Service;
use trusted_app_core::BoxError;
use trusted_app_core::httpsig::{ExpectedContent, Refusal};

pub(crate) use budget::Budget;
pub use buffer::ReadBody;
pub use signed::{SignedBody, SignedBodyError};

use crate::http_signatures::HttpSignatures;

/// What becomes of the request's body.
///
/// Seraph's schemes sign no body: [`Untouched`]. HTTP message signatures sign its digest:
/// [`Digested`].
pub trait BodyMode<B>: sealed::Sealed {
    /// Whether requests may carry HTTP message signatures.
    #[doc(hidden)]
    const SIGNATURES: bool;

    /// The body that the inner service gets.
    type Body;

    /// Holding a body against what was signed.
    type Reading: Future<Output = Result<Self::Body, Refusal>>;

    /// Makes it of the body that came.
    fn wrap(body: B) -> Self::Body;

    /// Whether a byte of it is sure to come.
    #[doc(hidden)]
    fn has_content(body: &B) -> bool;

    /// Holds it against what was signed. One that is not, and was handed on while it came, ends in `mismatch`.
    #[doc(hidden)]
    fn read(
        body: Self::Body,
        expected: ExpectedContent,
        signatures: &HttpSignatures,
        mismatch: &dyn Fn() -> SignedBodyError,
    ) -> Self::Reading;

    /// Calls the inner service with a request that is not to be verified.
    fn pass<S: Service<Request<Self::Body>>>(inner: &mut S, request: Request<B>) -> S::Future {
        inner.call(request.map(Self::wrap))
    }
}

/// The inner service gets the very body that came. Without a digest there are no HTTP message signatures.
#[derive(Debug, Clone, Copy)]
pub struct Untouched;

impl<B> BodyMode<B> for Untouched {
    const SIGNATURES: bool = false;

    type Body = B;
    type Reading = Ready<Result<B, Refusal>>;

    fn wrap(body: B) -> B {
        body
    }

    fn has_content(_: &B) -> bool {
        false
    }

    fn read(
        body: B,
        _: ExpectedContent,
        _: &HttpSignatures,
        _: &dyn Fn() -> SignedBodyError,
    ) -> Self::Reading {
        ready(Ok(body))
    }

    fn pass<S: Service<Request<B>>>(inner: &mut S, request: Request<B>) -> S::Future {
        inner.call(request) // the request itself: it is large enough for a move to take its time
    }
}

/// The body of a request with an HTTP message signature is held against its digest; any other body passes
/// as it came. See [`HttpSignatures`].
#[derive(Debug, Clone, Copy)]
pub struct Digested;

impl<B> BodyMode<B> for Digested
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    const SIGNATURES: bool = true;

    type Body = SignedBody<B>;
    type Reading = ReadBody<B>;

    fn wrap(body: B) -> SignedBody<B> {
        SignedBody::untouched(body)
    }

    fn has_content(body: &B) -> bool {
        body.size_hint().lower() > 0
    }

    fn read(
        body: SignedBody<B>,
        expected: ExpectedContent,
        signatures: &HttpSignatures,
        mismatch: &dyn Fn() -> SignedBodyError,
    ) -> ReadBody<B> {
        ReadBody::new(body, expected, signatures, mismatch)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Untouched {}
    impl Sealed for super::Digested {}
}
