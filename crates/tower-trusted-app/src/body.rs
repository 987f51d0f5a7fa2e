//! What becomes of a request's body.

use http::Request;

/// What becomes of the request's body.
///
/// The Seraph schemes sign no body, so there is one answer: [`Untouched`]. The parameter is
/// reserved for schemes that check a digest.
pub trait BodyMode<B>: sealed::Sealed {
    /// The body that the inner service gets.
    type Body;

    /// Makes it of the body that came.
    fn wrap(body: B) -> Self::Body;

    /// Makes the inner service's request of the one that came.
    fn wrap_request(request: Request<B>) -> Request<Self::Body> {
        request.map(Self::wrap)
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

    fn wrap_request(request: Request<B>) -> Request<B> {
        request
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Untouched {}
}
