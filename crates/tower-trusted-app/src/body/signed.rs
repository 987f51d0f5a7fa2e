//! The body that the inner service gets.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project::pin_project;
use trusted_app_core::BoxError;
use trusted_app_core::content::DigestHasher;

use super::held::Held;
use crate::budget::Reservation;

/// A request's body behind a layer that accepts HTTP message signatures: the one that came, the same held in
/// memory, or the same with an error in place of its end should it not be the one that was signed.
#[pin_project]
pub struct SignedBody<B>(#[pin] Kind<B>);

#[pin_project(project = KindProjection)]
enum Kind<B> {
    /// As it came.
    Untouched(#[pin] B),
    /// Held in memory, and found to be what was signed.
    Held { bytes: Bytes, _reservation: Option<Reservation> },
    /// Held against its digest while it passes.
    Passing {
        #[pin]
        body: B,
        /// `None` once it was compared.
        expected: Option<Expected>,
        /// The last part that came, which waits for the comparison.
        withheld: Bytes,
    },
}

struct Expected {
    digest: Box<DigestHasher>,
    /// What the body ends in should it be another.
    mismatch: SignedBodyError,
}

impl<B> SignedBody<B> {
    pub(super) fn untouched(body: B) -> Self {
        Self(Kind::Untouched(body))
    }

    pub(super) fn held(Held { bytes, reservation }: Held) -> Self {
        Self(Kind::Held { bytes, _reservation: Some(reservation) })
    }

    /// The body as it came, if it still is; what is left has no content.
    pub(super) fn take(&mut self) -> Option<B> {
        let empty = Self(Kind::Held { bytes: Bytes::new(), _reservation: None });
        match mem::replace(self, empty).0 {
            Kind::Untouched(body) => Some(body),
            other => {
                self.0 = other;
                None
            }
        }
    }

    /// Holds the body against its digest while it passes.
    pub(super) fn passing(body: B, digest: DigestHasher, mismatch: SignedBodyError) -> Self {
        let expected = Some(Expected { digest: Box::new(digest), mismatch });
        Self(Kind::Passing { body, expected, withheld: Bytes::new() })
    }
}

impl<B> Body for SignedBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = SignedBodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SignedBodyError>>> {
        match self.project().0.project() {
            KindProjection::Untouched(body) => {
                body.poll_frame(cx).map_err(|error| SignedBodyError::Body(error.into()))
            }
            KindProjection::Held { bytes, .. } => {
                let bytes = mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            KindProjection::Passing { mut body, expected, withheld } => loop {
                let Some(Expected { digest, .. }) = expected else { return Poll::Ready(None) };
                match ready!(body.as_mut().poll_frame(cx)) {
                    Some(Ok(frame)) => {
                        // Nobody signed trailers.
                        let Ok(data) = frame.into_data() else { continue };
                        if data.is_empty() {
                            continue;
                        }
                        digest.update(&data);
                        let before = mem::replace(withheld, data);
                        if !before.is_empty() {
                            return Poll::Ready(Some(Ok(Frame::data(before))));
                        }
                    }
                    Some(Err(error)) => {
                        *expected = None;
                        return Poll::Ready(Some(Err(SignedBodyError::Body(error.into()))));
                    }
                    None => {
                        let Some(Expected { digest, mismatch }) = expected.take() else { continue };
                        let is_match = digest.is_match();
                        let last = mem::take(withheld);
                        return Poll::Ready(match (is_match, last.is_empty()) {
                            (false, _) => Some(Err(mismatch)),
                            (true, true) => None,
                            (true, false) => Some(Ok(Frame::data(last))),
                        });
                    }
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Untouched(body) => body.is_end_stream(),
            Kind::Held { bytes, .. } => bytes.is_empty(),
            Kind::Passing { expected, .. } => expected.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Untouched(body) => body.size_hint(),
            Kind::Held { bytes, .. } => SizeHint::with_exact(bytes.len() as u64),
            Kind::Passing { .. } => SizeHint::default(),
        }
    }
}

impl<B: Default> Default for SignedBody<B> {
    fn default() -> Self {
        Self::untouched(B::default())
    }
}

impl<B> fmt::Debug for SignedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Untouched(_) => "SignedBody(Untouched)",
            Kind::Held { .. } => "SignedBody(Held)",
            Kind::Passing { .. } => "SignedBody(Passing)",
        })
    }
}

/// Why a body ends early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignedBodyError {
    /// It is not the one that was signed: what was made of it must not be committed. Its source is what the
    /// layer's [`Reject::body_error`](crate::Reject::body_error) says to the framework.
    #[error("the body is not the one that was signed")]
    Mismatch(#[source] Option<BoxError>),
    /// The body that came.
    #[error("the body breaks off: {0}")]
    Body(#[source] BoxError),
}
