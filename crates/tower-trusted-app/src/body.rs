//! What becomes of a request's body.

mod held;
mod signed;

use std::future::{Future, ready};

use bytes::Bytes;
use http::Request;
use http_body::Body;
use tower_service::Service;
use trusted_app_core::content::ExpectedContent;
use trusted_app_core::{BoxError, Rejection};

pub use signed::{SignedBody, SignedBodyError};

use self::held::hold;
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

    /// The part of the body that only the inner service reads.
    type Unread;

    /// The part of it that the layer may read first.
    #[doc(hidden)]
    type Readable: Send + 'static;

    /// Takes the body that came apart.
    #[doc(hidden)]
    fn split(body: B) -> (Self::Unread, Self::Readable);

    /// Makes the inner service's of both.
    #[doc(hidden)]
    fn join(unread: Self::Unread, readable: Self::Readable) -> Self::Body;

    /// Whether a byte of it is sure to come.
    #[doc(hidden)]
    fn has_content(body: &Self::Readable) -> bool;

    /// Holds it against what was signed. One that is handed on while it comes ends in `mismatch` if it is another.
    #[doc(hidden)]
    fn read(
        body: &mut Self::Readable,
        expected: ExpectedContent,
        signatures: &HttpSignatures,
        mismatch: impl Fn() -> SignedBodyError + Send,
    ) -> impl Future<Output = Result<(), Rejection>> + Send;

    /// Calls the inner service with a request that is not to be verified.
    fn pass<S: Service<Request<Self::Body>>>(inner: &mut S, request: Request<B>) -> S::Future {
        inner.call(request.map(|body| {
            let (unread, readable) = Self::split(body);
            Self::join(unread, readable)
        }))
    }
}

/// The inner service gets the very body that came. Without a digest there are no HTTP message signatures.
#[derive(Debug, Clone, Copy)]
pub struct Untouched;

impl<B> BodyMode<B> for Untouched {
    const SIGNATURES: bool = false;

    type Body = B;
    type Unread = B;
    type Readable = ();

    fn split(body: B) -> (B, ()) {
        (body, ())
    }

    fn join(body: B, (): ()) -> B {
        body
    }

    fn has_content((): &()) -> bool {
        false
    }

    fn read(
        (): &mut (),
        _: ExpectedContent,
        _: &HttpSignatures,
        _: impl Fn() -> SignedBodyError,
    ) -> impl Future<Output = Result<(), Rejection>> + Send {
        ready(Ok(()))
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
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    const SIGNATURES: bool = true;

    type Body = SignedBody<B>;
    type Unread = ();
    type Readable = SignedBody<B>;

    fn split(body: B) -> ((), SignedBody<B>) {
        ((), SignedBody::untouched(body))
    }

    fn join((): (), body: SignedBody<B>) -> SignedBody<B> {
        body
    }

    fn has_content(body: &SignedBody<B>) -> bool {
        body.size_hint().lower() > 0
    }

    async fn read(
        body: &mut SignedBody<B>,
        expected: ExpectedContent,
        signatures: &HttpSignatures,
        mismatch: impl Fn() -> SignedBodyError + Send,
    ) -> Result<(), Rejection> {
        let digest = match expected {
            ExpectedContent::Unsigned => return Ok(()),
            ExpectedContent::Digest(digest) => Some(digest.hasher()),
            _ => None,
        };
        let Some(came) = body.take() else { return Ok(()) };
        *body = match digest {
            Some(digest) if signatures.streams => SignedBody::passing(came, digest, mismatch()),
            digest => SignedBody::held(hold(came, digest, signatures).await?),
        };
        Ok(())
    }
}

impl sealed::Sealed for Untouched {}
impl sealed::Sealed for Digested {}

mod sealed {
    pub trait Sealed {}
}
