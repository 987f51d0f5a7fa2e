//! The service and its future: one request, signed and sent.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Extensions, Request};
use pin_project::pin_project;
use tower_service::Service;
use trusted_app_core::conditions::STAMPED_AHEAD;
use trusted_app_core::seraph::{REQUEST_HEADERS, SeraphHeaders, Signer, SigningRequest};
use trusted_app_core::{BoxError, Clock, Scheme, Timestamp};

use super::act_as::ActAs;
use super::error::Error;
use super::reuse::{Certificate, Certificates, Purpose};
use super::target::Origins;
use crate::clock::SystemClock;

/// How requests are signed: shared by all clones of a service.
pub(super) struct Signing<G, C> {
    pub(super) signer: Arc<G>,
    pub(super) clock: Arc<C>,
    pub(super) scheme: Scheme,
    pub(super) user: Option<Arc<UserFn>>,
    pub(super) origins: Origins,
    pub(super) reuse: Option<Arc<Certificates>>,
}

pub(super) type UserFn = dyn Fn(&Extensions) -> Option<ActAs> + Send + Sync;

impl<G, C> Signing<G, C> {
    /// Whom a request is made for: it says so itself, or the layer was told how to find out.
    fn act_as(&self, extensions: &Extensions) -> Option<ActAs> {
        extensions.get().cloned().or_else(|| self.user.as_ref().and_then(|user| user(extensions)))
    }
}

impl<G: Signer, C: Clock> Signing<G, C> {
    /// The headers for a user and a URL. The time is asked for when this is polled, so that waiting
    /// before does not age the certificate.
    async fn headers(&self, user: Arc<str>, url: String) -> Result<SeraphHeaders, Error> {
        let Some(reuse) = &self.reuse else {
            return self.sign(&user, &url, self.clock.now()).await;
        };
        let purpose = Purpose { user, url };
        match reuse.for_purpose(&purpose, &*self.clock).await {
            Certificate::Reusable(headers) => Ok(headers),
            Certificate::Missing(vacancy) => {
                let now = self.clock.now();
                let created = now.saturating_add(STAMPED_AHEAD);
                let headers = self.sign(&purpose.user, &purpose.url, created).await?;
                vacancy.fill(headers.clone(), now);
                Ok(headers)
            }
        }
    }

    async fn sign(&self, user: &str, url: &str, created: Timestamp) -> Result<SeraphHeaders, Error> {
        let request = SigningRequest::new(user, url, created).with_scheme(self.scheme);
        Ok(self.signer.sign(&request).await?)
    }
}

impl<G, C> Clone for Signing<G, C> {
    fn clone(&self) -> Self {
        Self {
            signer: Arc::clone(&self.signer),
            clock: Arc::clone(&self.clock),
            scheme: self.scheme,
            user: self.user.clone(),
            origins: self.origins.clone(),
            reuse: self.reuse.clone(),
        }
    }
}

impl<G: Signer, C> fmt::Debug for Signing<G, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signing")
            .field("application", self.signer.application_id())
            .field("scheme", &self.scheme)
            .field("origins", &self.origins)
            .field("reuse", &self.reuse)
            .finish_non_exhaustive()
    }
}

/// Middleware that signs the requests of an HTTP client; made by [`SignLayer`](super::SignLayer).
///
/// Its error is a `BoxError`: an [`Error`] if the request was not sent, or the inner service's own.
#[must_use = "services do nothing unless called"]
pub struct Sign<S, G, C = SystemClock> {
    inner: S,
    signing: Arc<Signing<G, C>>,
}

impl<S, G, C> Sign<S, G, C> {
    pub(super) fn new(inner: S, signing: Arc<Signing<G, C>>) -> Self {
        Self { inner, signing }
    }

    /// The service that sends.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service that sends, to change it.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Takes the service that sends.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, G, C, B> Service<Request<B>> for Sign<S, G, C>
where
    S: Service<Request<B>> + Clone,
    S::Error: Into<BoxError>,
    G: Signer,
    C: Clock,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let Some(act_as) = self.signing.act_as(request.extensions()) else {
            for name in REQUEST_HEADERS {
                request.headers_mut().remove(name);
            }
            return ResponseFuture { state: State::Sending { response: self.inner.call(request) } };
        };
        let mut uri = mem::take(request.uri_mut());
        let url = self.signing.origins.settle(&act_as, &mut uri, request.headers_mut());
        *request.uri_mut() = uri;

        let signing = Arc::clone(&self.signing);
        let headers = Box::pin(async move { signing.headers(act_as.shared_user(), url?).await });
        // The clone is not ready, the service that was polled is.
        let clone = self.inner.clone();
        let ready = mem::replace(&mut self.inner, clone);
        ResponseFuture { state: State::Signing { headers, unsent: Some((ready, request)) } }
    }
}

impl<S: Clone, G, C> Clone for Sign<S, G, C> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), signing: Arc::clone(&self.signing) }
    }
}

impl<S: fmt::Debug, G: Signer, C> fmt::Debug for Sign<S, G, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sign").field("inner", &self.inner).field("signing", &self.signing).finish()
    }
}

/// Future of [`Sign`].
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture<S: Service<Request<B>>, B> {
    #[pin]
    state: State<S, B>,
}

#[pin_project(project = StateProjection)]
#[expect(
    clippy::large_enum_variant,
    reason = "the inner future has a size of its own, known to the caller only"
)]
enum State<S: Service<Request<B>>, B> {
    /// The request waits outside of the boxed future: nothing is asked of its body.
    Signing {
        headers: Pin<Box<dyn Future<Output = Result<SeraphHeaders, Error>> + Send>>,
        unsent: Option<(S, Request<B>)>,
    },
    Sending {
        #[pin]
        response: S::Future,
    },
}

impl<S, B> Future for ResponseFuture<S, B>
where
    S: Service<Request<B>>,
    S::Error: Into<BoxError>,
{
    type Output = Result<S::Response, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProjection::Signing { headers, unsent } => {
                    let headers = ready!(headers.as_mut().poll(cx));
                    // Taken before anything can fail: with the error the inner service is free again.
                    let (mut ready, mut request) = unsent.take().expect("polled after it was ready");
                    headers?.apply(request.headers_mut());
                    state.set(State::Sending { response: ready.call(request) });
                }
                StateProjection::Sending { response } => return response.poll(cx).map_err(Into::into),
            }
        }
    }
}

impl<S: Service<Request<B>>, B> fmt::Debug for ResponseFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Signing { .. } => "Signing",
            State::Sending { .. } => "Sending",
        };
        f.debug_struct("ResponseFuture").field("state", &state).finish_non_exhaustive()
    }
}
