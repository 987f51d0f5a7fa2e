//! Reading a body to its end before the inner service gets it.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::Body;
use pin_project::pin_project;
use tokio::time::Sleep;
use trusted_app_core::BoxError;
use trusted_app_core::httpsig::{DigestHasher, ExpectedContent, Refusal};

use super::budget::Reservation;
use super::mismatch_of;
use super::signed::{SignedBody, SignedBodyError};
use crate::http_signatures::{BodyCheck, HttpSignatures};

/// Holds a request's body against what was signed: the future of [`Digested`](super::Digested).
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct ReadBody<B>(#[pin] Reading<B>);

#[pin_project(project = ReadingProjection)]
enum Reading<B> {
    /// It is held against its digest later, while it passes, or never.
    Later(Option<SignedBody<B>>),
    Now {
        #[pin]
        body: SignedBody<B>,
        digest: Option<Box<DigestHasher>>,
        held: Option<Held>,
    },
}

struct Held {
    one: Bytes,
    more: BytesMut,
    limit: usize,
    reservation: Reservation,
    deadline: Pin<Box<Sleep>>,
}

impl<B> ReadBody<B> {
    pub(super) fn new(
        body: SignedBody<B>,
        expected: ExpectedContent,
        signatures: &HttpSignatures,
        mismatch: &dyn Fn() -> SignedBodyError,
    ) -> Self {
        let digest = match expected {
            ExpectedContent::Digest(digest) => Some(Box::new(digest.hasher())),
            ExpectedContent::InsecureUnsigned => return Self(Reading::Later(Some(body))),
            _ => None,
        };
        Self(match signatures.body {
            BodyCheck::Stream => Reading::Later(Some(body.passing(digest, mismatch()))),
            BodyCheck::Buffer { limit, within } => {
                let held = Held {
                    one: Bytes::new(),
                    more: BytesMut::new(),
                    limit,
                    reservation: signatures.budget.reserve_nothing(),
                    deadline: Box::pin(tokio::time::sleep(within)),
                };
                Reading::Now { body, digest, held: Some(held) }
            }
        })
    }
}

impl Held {
    /// A body that comes in one part is not copied.
    fn take(&mut self, data: Bytes) -> Result<(), Refusal> {
        let length = self.one.len().max(self.more.len());
        if data.len() > self.limit - length {
            return Err(Refusal::TooLarge { limit: self.limit });
        }
        if !self.reservation.grow(data.len()) {
            return Err(Refusal::Overloaded("the memory for bodies is full"));
        }
        match (length, self.more.is_empty()) {
            (0, _) => self.one = data,
            (_, true) => {
                self.more.extend_from_slice(&mem::take(&mut self.one));
                self.more.extend_from_slice(&data);
            }
            (_, false) => self.more.extend_from_slice(&data),
        }
        Ok(())
    }

    fn finish(self) -> (Bytes, Reservation) {
        let bytes = if self.more.is_empty() { self.one } else { self.more.freeze() };
        (bytes, self.reservation)
    }
}

impl<B> Future for ReadBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Output = Result<SignedBody<B>, Refusal>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (mut body, digest, kept) = match self.project().0.project() {
            ReadingProjection::Later(body) => return Poll::Ready(body.take().ok_or_else(broken_off)),
            ReadingProjection::Now { body, digest, held } => (body, digest, held),
        };
        let Some(held) = kept else { return Poll::Ready(Err(broken_off())) };
        if body.size_hint().lower() > held.limit as u64 {
            return Poll::Ready(Err(Refusal::TooLarge { limit: held.limit }));
        }
        loop {
            let frame = match body.as_mut().poll_frame(cx) {
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    ready!(held.deadline.as_mut().poll(cx));
                    return Poll::Ready(Err(Refusal::Overloaded("it did not come in time")));
                }
            };
            match frame {
                // Nobody signed trailers.
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    match digest {
                        None if data.is_empty() => {}
                        None => {
                            return Poll::Ready(Err(mismatch_of(&ExpectedContent::Empty)));
                        }
                        Some(digest) => {
                            digest.update(&data);
                            held.take(data)?;
                        }
                    }
                }
                Some(Err(_)) => {
                    return Poll::Ready(Err(broken_off()));
                }
                None => break,
            }
        }
        let is_match = digest.take().is_none_or(|digest| digest.is_match());
        Poll::Ready(match kept.take().map(Held::finish) {
            Some((bytes, reservation)) if is_match => Ok(SignedBody::held(bytes, reservation)),
            _ => Err(Refusal::DigestMismatch),
        })
    }
}

fn broken_off() -> Refusal {
    Refusal::Malformed("the body breaks off".to_owned())
}

impl<B> fmt::Debug for ReadBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadBody").finish_non_exhaustive()
    }
}
