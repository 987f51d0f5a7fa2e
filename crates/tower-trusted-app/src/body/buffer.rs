//! Reading a body before the inner service gets it: to its end, or to the first byte where none may come.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use pin_project::pin_project;
use tokio::time::Sleep;
use trusted_app_core::BoxError;
use trusted_app_core::httpsig::{DigestHasher, ExpectedContent, Refusal};

use super::budget::Reservation;
use super::signed::{SignedBody, SignedBodyError};
use crate::http_signatures::HttpSignatures;

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
        /// Without it no byte may come.
        digest: Option<Box<DigestHasher>>,
        held: Option<Held>,
    },
}

struct Held {
    one: Bytes,
    more: BytesMut,
    limit: usize,
    reservation: Reservation,
    within: Duration,
    /// Set once the body has to be waited for: most are there already.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<B> ReadBody<B> {
    pub(super) fn new(
        body: SignedBody<B>,
        expected: ExpectedContent,
        signatures: &HttpSignatures,
        mismatch: &dyn Fn() -> SignedBodyError,
    ) -> Self {
        let digest = match expected {
            ExpectedContent::InsecureUnsigned => return Self(Reading::Later(Some(body))),
            ExpectedContent::Digest(digest) => Some(Box::new(digest.hasher())),
            _ => None,
        };
        Self(match digest {
            Some(digest) if signatures.streams => Reading::Later(Some(body.passing(digest, mismatch()))),
            digest => {
                let held = Held {
                    one: Bytes::new(),
                    more: BytesMut::new(),
                    limit: signatures.limit,
                    reservation: signatures.budget.reserve_nothing(),
                    within: signatures.within,
                    deadline: None,
                };
                Reading::Now { body, digest, held: Some(held) }
            }
        })
    }
}

impl Held {
    /// Ready once the body has been waited for as long as it may be.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.within)));
        deadline.as_mut().poll(cx)
    }

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
                    ready!(held.poll_deadline(cx));
                    return Poll::Ready(Err(match digest {
                        Some(_) => Refusal::Overloaded("it did not come in time"),
                        None => not_covered("the request announces content, and does not end in time"),
                    }));
                }
            };
            match frame {
                // Nobody signed trailers.
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    match digest {
                        None if data.is_empty() => {}
                        None => return Poll::Ready(Err(not_covered("the request has content"))),
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

/// Why a body is refused for which no digest was signed.
fn not_covered(why: &str) -> Refusal {
    Refusal::Coverage { what: format!("`content-digest` and `content-type`: {why}") }
}

fn broken_off() -> Refusal {
    Refusal::Malformed("the body breaks off".to_owned())
}

impl<B> fmt::Debug for ReadBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadBody").finish_non_exhaustive()
    }
}
