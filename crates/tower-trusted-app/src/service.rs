//! The service and its future: they carry what [`authenticate`](crate::authenticate) decides.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use pin_project::pin_project;
use tower::ServiceExt as _;
use tower::util::Oneshot;
use tower_service::Service;
use trusted_app_core::httpsig::{
    ACCEPT_SIGNATURE, ExpectedContent, Refusal, SignatureFields, TRUSTED_APP_USER, accept_signature,
};
use trusted_app_core::seraph::{Credentials, ERROR, STATUS};
use trusted_app_core::{KeyStore, Rejection, UserDirectory};

use crate::body::{BodyMode, SignedBodyError};
use crate::caller::{Caller, CallingApplication};
use crate::credential_headers::mark_sensitive;
use crate::http_signatures::HttpSignatures;
use crate::reject::Reject;
use crate::shared::{Policy, Shared};
use crate::signed::Signed;

/// The service that [`TrustedAppLayer`](crate::TrustedAppLayer) makes.
#[must_use = "a service does nothing until it is called"]
pub struct TrustedApp<S, K, D, R, M> {
    inner: S,
    shared: Arc<Shared<K, D, R>>,
    body: PhantomData<fn() -> M>,
}

impl<S, K, D, R, M> TrustedApp<S, K, D, R, M> {
    pub(crate) fn new(inner: S, shared: Arc<Shared<K, D, R>>) -> Self {
        Self { inner, shared, body: PhantomData }
    }

    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service, without this one.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, K, D, R, M, B, ResBody> Service<Request<B>> for TrustedApp<S, K, D, R, M>
where
    S: Service<Request<M::Body>, Response = Response<ResBody>> + Clone,
    M: BodyMode<B>,
    K: KeyStore,
    D: UserDirectory,
    R: Reject<ResBody>,
    ResBody: 'static,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S, M, B, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // Nobody but us may say who calls.
        if !request.extensions().is_empty() {
            request.extensions_mut().remove::<Caller<D::User>>();
            request.extensions_mut().remove::<CallingApplication>();
        }
        let shared = &self.shared;
        let signed = M::SIGNATURES && SignatureFields::attempted(request.headers());
        let attempted = signed || Credentials::attempted(request.headers());
        let required = attempted || shared.settings.policy == Policy::Require;
        let passes = !required || shared.is_exempt(&request);
        if M::SIGNATURES && (passes || !signed) {
            // Nobody signed it, so it says nothing.
            request.headers_mut().remove(TRUSTED_APP_USER);
        }
        if passes {
            return ResponseFuture(State::Passing(M::pass(&mut self.inner, request)));
        }
        let (mut parts, body) = request.into_parts();
        if attempted {
            mark_sensitive(&mut parts.headers);
        } else {
            let rejection =
                if M::SIGNATURES { Refusal::Required.into() } else { Rejection::CredentialsMissing };
            shared.report_missing(&parts, &rejection);
            let response = Box::new(refuse(&*shared.rejections, rejection, &parts));
            return ResponseFuture(State::Attempted(Attempt::Refused { response: Some(response) }));
        }
        let (shared, parts) = (Arc::clone(shared), Box::new(parts));
        let verdict = match signed {
            true => signed_verdict(shared, parts, M::has_content(&body)),
            false => verdict(shared, parts),
        };
        let next = self.inner.clone();
        let ready = mem::replace(&mut self.inner, next);
        let held = Some((Held::Ready(ready), M::wrap(body)));
        ResponseFuture(State::Attempted(Attempt::Authenticating { verdict, held }))
    }
}

/// What becomes of a request that carries credentials.
///
/// Both are large, and moved some times: boxed.
enum Verdict<ResBody> {
    Call(Box<Parts>, Note),
    /// The body has to be read first.
    Read(Box<dyn Unread<ResBody>>),
    Refuse(Box<Response<ResBody>>),
}

type BoxVerdict<ResBody> = Pin<Box<dyn Future<Output = Verdict<ResBody>> + Send>>;

fn verdict<K, D, R, ResBody>(shared: Arc<Shared<K, D, R>>, mut parts: Box<Parts>) -> BoxVerdict<ResBody>
where
    K: KeyStore,
    D: UserDirectory,
    R: Reject<ResBody>,
    ResBody: 'static,
{
    Box::pin(async move {
        match shared.decide(&parts).await {
            Ok(caller) => {
                parts.extensions.insert(CallingApplication::of(&caller));
                parts.extensions.insert(caller);
                Verdict::Call(parts, Note::Authenticated)
            }
            Err(rejection) if shared.continues_after(&rejection) => {
                Verdict::Call(parts, Note::failed(&rejection))
            }
            Err(rejection) => Verdict::Refuse(Box::new(refuse(&*shared.rejections, rejection, &parts))),
        }
    })
}

/// A request whose signature holds, before its body was held against it.
trait Unread<ResBody>: Send {
    /// How to read the body, and what it has to be.
    fn expected(&self) -> (ExpectedContent, &HttpSignatures);

    /// What a body ends in that was handed on and is another.
    fn mismatch(&self) -> SignedBodyError;

    /// The body is the one that was signed.
    fn accept(self: Box<Self>) -> BoxVerdict<ResBody>;

    /// It is not.
    fn refuse(self: Box<Self>, refusal: Refusal) -> Box<Response<ResBody>>;
}

struct SignedRequest<K, D: UserDirectory, R> {
    shared: Arc<Shared<K, D, R>>,
    parts: Box<Parts>,
    signed: Signed<D::User>,
}

fn signed_verdict<K, D, R, ResBody>(
    shared: Arc<Shared<K, D, R>>,
    parts: Box<Parts>,
    has_content: bool,
) -> BoxVerdict<ResBody>
where
    K: KeyStore,
    D: UserDirectory,
    R: Reject<ResBody>,
    ResBody: 'static,
{
    Box::pin(async move {
        match shared.decide_signed(&parts, has_content).await {
            Ok(signed) => Verdict::Read(Box::new(SignedRequest { shared, parts, signed })),
            Err(rejection) => Verdict::Refuse(Box::new(refuse(&*shared.rejections, rejection, &parts))),
        }
    })
}

impl<K, D, R, ResBody> Unread<ResBody> for SignedRequest<K, D, R>
where
    K: KeyStore,
    D: UserDirectory,
    R: Reject<ResBody>,
    ResBody: 'static,
{
    fn expected(&self) -> (ExpectedContent, &HttpSignatures) {
        (self.signed.content(), &self.shared.settings.http_signatures)
    }

    fn mismatch(&self) -> SignedBodyError {
        let rejection = Refusal::DigestMismatch.into();
        SignedBodyError::Mismatch(self.shared.rejections.body_error(&rejection, &self.parts))
    }

    fn accept(self: Box<Self>) -> BoxVerdict<ResBody> {
        let Self { shared, mut parts, signed } = *self;
        Box::pin(async move {
            let proxy_fields = signed.proxy_fields();
            match shared.accept_signed(&parts, signed).await {
                Ok(caller) => {
                    for name in proxy_fields {
                        parts.headers.remove(name);
                    }
                    parts.extensions.insert(CallingApplication::of(&caller));
                    parts.extensions.insert(caller);
                    Verdict::Call(parts, Note::Signed)
                }
                Err(rejection) => Verdict::Refuse(Box::new(refuse(&*shared.rejections, rejection, &parts))),
            }
        })
    }

    fn refuse(self: Box<Self>, refusal: Refusal) -> Box<Response<ResBody>> {
        let Self { shared, parts, signed } = *self;
        let rejection = match shared.report_signed(&parts, signed, Err(refusal)) {
            Ok(_) => Refusal::DigestMismatch.into(),
            Err(rejection) => rejection,
        };
        Box::new(refuse(&*shared.rejections, rejection, &parts))
    }
}

/// The response to a refused request: whatever the application makes of it, and the headers that
/// every peer may rely on.
fn refuse<R: Reject<ResBody>, ResBody>(
    rejections: &R,
    rejection: Rejection,
    request: &Parts,
) -> Response<ResBody> {
    let mut response = rejections.reject(&rejection, request);
    let status = response.status();
    let headers = response.headers_mut();
    let challenge = match &rejection {
        Rejection::HttpSignature(refusal) => {
            headers.insert(TRUSTED_APP_ERROR, HeaderValue::from_static(refusal.code().as_str()));
            if status == StatusCode::UNAUTHORIZED {
                headers.insert(ACCEPT_SIGNATURE, accept_signature(&request.headers));
            }
            HeaderValue::from_static("TrustedApp realm=\"trusted-app\"")
        }
        _ => {
            Note::failed(&rejection).write(headers);
            HeaderValue::from_static("X-Seraph-Trusted-App")
        }
    };
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if status == StatusCode::UNAUTHORIZED {
        headers.entry(header::WWW_AUTHENTICATE).or_insert(challenge);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.entry(header::RETRY_AFTER).or_insert(HeaderValue::from_static("1"));
    }
    response.extensions_mut().insert(rejection);
    response
}

/// On the response to a request that lacks a good HTTP message signature: the code.
const TRUSTED_APP_ERROR: HeaderName = HeaderName::from_static("trusted-app-error");

/// What the response says about the request's credentials.
enum Note {
    Authenticated,
    /// By an HTTP message signature.
    Signed,
    Failed(Box<HeaderValue>),
}

impl Note {
    fn failed(rejection: &Rejection) -> Self {
        Self::Failed(Box::new(rejection.to_transport_error().to_header_value()))
    }

    fn write(self, headers: &mut HeaderMap) {
        match self {
            Self::Authenticated => {
                headers.insert(STATUS, HeaderValue::from_static("OK"));
                // Shared caches see no `Authorization` and would not know that it is personal.
                headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private"));
            }
            Self::Signed => {
                headers.append(header::VARY, HeaderValue::from_static("trusted-app-user"));
                headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private"));
            }
            Self::Failed(error) => {
                headers.insert(STATUS, HeaderValue::from_static("ERROR"));
                headers.insert(ERROR, *error);
            }
        }
    }
}

/// The future of [`TrustedApp`].
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
        verdict: BoxVerdict<ResBody>,
        held: Option<(Held<S>, M::Body)>,
    },
    /// Holding the body against what was signed.
    Reading {
        #[pin]
        reading: M::Reading,
        held: Option<(Held<S>, Box<dyn Unread<ResBody>>)>,
    },
    /// Calling the service that was ready.
    Calling {
        #[pin]
        future: S::Future,
        note: Option<Note>,
    },
    /// After a store had to be waited for: the service has to get ready anew.
    CallingAgain {
        future: Pin<Box<Oneshot<S, Request<M::Body>>>>,
        note: Option<Note>,
    },
    Refused {
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

    #[inline(never)] // lest it slows down the requests that do not get here
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match self.as_mut().project() {
                AttemptProjection::Authenticating { verdict, held } => {
                    let Poll::Ready(verdict) = verdict.as_mut().poll(cx) else {
                        release(held);
                        return Poll::Pending;
                    };
                    let (inner, body) = held.take().expect(POLLED_AGAIN);
                    self.set(match (verdict, inner) {
                        (Verdict::Call(parts, note), Held::Ready(mut inner)) => {
                            let future = inner.call(Request::from_parts(*parts, body));
                            Self::Calling { future, note: Some(note) }
                        }
                        (Verdict::Call(parts, note), Held::Fresh(inner)) => {
                            let future = Box::pin(inner.oneshot(Request::from_parts(*parts, body)));
                            Self::CallingAgain { future, note: Some(note) }
                        }
                        (Verdict::Read(unread), inner) => {
                            let (expected, signatures) = unread.expected();
                            let reading = M::read(body, expected, signatures, &|| unread.mismatch());
                            Self::Reading { reading, held: Some((inner, unread)) }
                        }
                        (Verdict::Refuse(response), _) => Self::Refused { response: Some(response) },
                    });
                }
                AttemptProjection::Reading { reading, held } => {
                    let Poll::Ready(read) = reading.poll(cx) else {
                        release(held);
                        return Poll::Pending;
                    };
                    let (inner, unread) = held.take().expect(POLLED_AGAIN);
                    self.set(match read {
                        Ok(body) => {
                            Self::Authenticating { verdict: unread.accept(), held: Some((inner, body)) }
                        }
                        Err(refusal) => Self::Refused { response: Some(unread.refuse(refusal)) },
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
                AttemptProjection::Refused { response } => {
                    return Poll::Ready(Ok(*response.take().expect(POLLED_AGAIN)));
                }
            }
        }
    }
}

/// A request that waits for a store must hold no permit of a limit further in: the ready service is
/// dropped for a clone, which is asked anew when the time comes.
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
            State::Attempted(Attempt::Authenticating { .. } | Attempt::Reading { .. }) => {
                "ResponseFuture(Authenticating)"
            }
            State::Attempted(Attempt::Calling { .. } | Attempt::CallingAgain { .. }) => {
                "ResponseFuture(Calling)"
            }
            State::Attempted(Attempt::Refused { .. }) => "ResponseFuture(Refused)",
        })
    }
}

impl<S: Clone, K, D, R, M> Clone for TrustedApp<S, K, D, R, M> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared), body: PhantomData }
    }
}

impl<S: fmt::Debug, K, D, R, M> fmt::Debug for TrustedApp<S, K, D, R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustedApp").field("inner", &self.inner).finish_non_exhaustive()
    }
}
