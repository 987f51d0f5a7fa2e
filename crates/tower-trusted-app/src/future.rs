//! The service's future: it carries what [`authenticate`](crate::authenticate) decides.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project::pin_project;
use tower::ServiceExt as _;
use tower::util::Oneshot;
use tower_service::Service;

use crate::body::BodyMode;
use crate::response::Note;
use crate::verdict::{BoxVerdict, Verdict};

/// The future of [`TrustedApp`](crate::TrustedApp).
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture<S, M, B, ResBody>(#[pin] State<S, M, B, ResBody>)
where
    M: BodyMode<B>,
    S: Service<Request<M::Body>>;

#[pin_project(project = StateProjection)]
enum State<S, M, B, ResBody>
where
    M: BodyMode<B>,
    S: Service<Request<M::Body>>,
{
    /// Calling the inner service with a request without credentials: its response stays as it is.
    Passing(#[pin] S::Future),
    Attempted(#[pin] Attempt<S, M, B, ResBody>),
}

impl<S, M, B, ResBody> ResponseFuture<S, M, B, ResBody>
where
    M: BodyMode<B>,
    S: Service<Request<M::Body>>,
{
    pub(crate) fn passing(future: S::Future) -> Self {
        Self(State::Passing(future))
    }

    pub(crate) fn rejected(response: Box<Response<ResBody>>) -> Self {
        Self(State::Attempted(Attempt::Rejected { response: Some(response) }))
    }

    pub(crate) fn authenticating(
        verdict: BoxVerdict<M::Readable, ResBody>,
        ready: S,
        body: M::Unread,
    ) -> Self {
        let held = Some((Held::Ready(ready), body));
        Self(State::Attempted(Attempt::Authenticating { verdict, held }))
    }
}

impl<S, M, B, ResBody> Future for ResponseFuture<S, M, B, ResBody>
where
    M: BodyMode<B>,
    S: Service<Request<M::Body>, Response = Response<ResBody>> + Clone,
{
    type Output = Result<Response<ResBody>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().0.project() {
            StateProjection::Passing(future) => future.poll(cx),
            StateProjection::Attempted(attempt) => attempt.poll(cx),
        }
    }
}

/// What becomes of a request that carries credentials, or that lacks them. What is large is boxed, so
/// that requests without credentials need not carry its size.
#[pin_project(project = AttemptProjection)]
enum Attempt<S, M, B, ResBody>
where
    M: BodyMode<B>,
    S: Service<Request<M::Body>>,
{
    Authenticating {
        verdict: BoxVerdict<M::Readable, ResBody>,
        held: Option<(Held<S>, M::Unread)>,
    },
    /// Calling the service that was ready.
    Calling {
        #[pin]
        future: S::Future,
        note: Option<Note>,
    },
    /// After a store or the body had to be waited for: the service has to get ready again.
    CallingAgain {
        future: Pin<Box<Oneshot<S, Request<M::Body>>>>,
        note: Option<Note>,
    },
    Rejected {
        response: Option<Box<Response<ResBody>>>,
    },
}

/// The inner service while nobody knows yet whether it will be called.
enum Held<S> {
    /// It was polled ready, and may hold a permit of a limit further in.
    Ready(S),
    /// A clone that holds nothing.
    Fresh(S),
}

impl<S, M, B, ResBody> Future for Attempt<S, M, B, ResBody>
where
    M: BodyMode<B>,
    S: Service<Request<M::Body>, Response = Response<ResBody>> + Clone,
{
    type Output = Result<Response<ResBody>, S::Error>;

    #[inline(never)] // so that it does not slow down the requests that do not get here
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match self.as_mut().project() {
                AttemptProjection::Authenticating { verdict, held } => {
                    let Poll::Ready(verdict) = verdict.as_mut().poll(cx) else {
                        release(held);
                        return Poll::Pending;
                    };
                    let (inner, unread) = held.take().expect(POLLED_AGAIN);
                    let (request, note) = match verdict {
                        Verdict::Call(parts, readable, note) => {
                            (Request::from_parts(*parts, M::join(unread, readable)), Some(note))
                        }
                        Verdict::Reject(response) => {
                            self.set(Self::Rejected { response: Some(response) });
                            continue;
                        }
                    };
                    self.set(match inner {
                        Held::Ready(mut inner) => Self::Calling { future: inner.call(request), note },
                        Held::Fresh(inner) => {
                            Self::CallingAgain { future: Box::pin(inner.oneshot(request)), note }
                        }
                    });
                }
                AttemptProjection::Calling { future, note } => {
                    return Poll::Ready(ready!(future.poll(cx)).map(|response| noted(response, note)));
                }
                AttemptProjection::CallingAgain { future, note } => {
                    return Poll::Ready(
                        ready!(future.as_mut().poll(cx)).map(|response| noted(response, note)),
                    );
                }
                AttemptProjection::Rejected { response } => {
                    return Poll::Ready(Ok(*response.take().expect(POLLED_AGAIN)));
                }
            }
        }
    }
}

/// A request that waits must hold no permit of a limit further in: the ready service is
/// dropped for a clone, which gets ready when the time comes.
fn release<S: Clone, B>(held: &mut Option<(Held<S>, B)>) {
    if let Some((inner, _)) = held
        && let Held::Ready(ready) = inner
    {
        *inner = Held::Fresh(ready.clone());
    }
}

fn noted<ResBody>(mut response: Response<ResBody>, note: &mut Option<Note>) -> Response<ResBody> {
    if let Some(note) = note.take() {
        note.write(response.headers_mut());
    }
    response
}

/// As with every future, polling one that is done is the caller's mistake.
const POLLED_AGAIN: &str = "`ResponseFuture` polled after completion";

impl<S, M, B, ResBody> fmt::Debug for ResponseFuture<S, M, B, ResBody>
where
    M: BodyMode<B>,
    S: Service<Request<M::Body>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Passing(_) => "ResponseFuture(Passing)",
            State::Attempted(Attempt::Authenticating { .. }) => "ResponseFuture(Authenticating)",
            State::Attempted(Attempt::Calling { .. } | Attempt::CallingAgain { .. }) => {
                "ResponseFuture(Calling)"
            }
            State::Attempted(Attempt::Rejected { .. }) => "ResponseFuture(Rejected)",
        })
    }
}
