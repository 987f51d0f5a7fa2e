//! What becomes of a request's body.

use http::Request;
use tower_service::Service;

/// What becomes of the request's body.
///
/// The Seraph schemes sign no body, so there is one answer: [`Untouched`]. The parameter is
/// reserved for schemes that check a digest.
pub trait BodyMode<B>: sealed::Sealed {
    /// The body that the inner service gets.
    type Body;

    /// Makes it of the body that came.
    fn wrap(body: B) -> Self::Body;

    /// Calls the inner service with a request that is not to be verified.
    fn pass<S: Service<Request<Self::Body>>>(inner: &mut S, request: Request<B>) -> S::Future {
        inner.call(request.map(Self::wrap))
    }
}

/// The inner service gets the very body that came.
#[derive(Debug, Clone, Copy)]
pub struct Untouched;

impl<B> BodyMode<B> for Untouched {
    type Body = B;

    fn wrap(body: B) -> B {
        body
    }

    fn pass<S: Service<Request<B>>>(inner: &mut S, request: Request<B>) -> S::Future {
        inner.call(request) // the request itself: it is large enough for a move to take its time
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Untouched {}
}
