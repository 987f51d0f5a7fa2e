//! The service: which requests are looked at, and which pass.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response};
use tower_service::Service;
use trusted_app_core::httpsig::{SignatureFields, TRUSTED_APP_USER};
use trusted_app_core::{KeyStore, Protocol, UserDirectory, seraph};

use crate::body::BodyMode;
use crate::caller::{Caller, CallingApplication};
use crate::credential_headers::mark_sensitive;
use crate::future::ResponseFuture;
use crate::reject::Reject;
use crate::shared::{Shared, Unverified};
use crate::verdict::verdict;

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
        let attempted = attempted::<M, B>(request.headers());
        let required = attempted.is_some() || shared.settings.unverified == Unverified::Reject;
        let passes = !required || shared.is_exempt(&request);
        if M::SIGNATURES && (passes || attempted != Some(Protocol::HttpSignature)) {
            // No signature covers it, so it must not reach the inner service.
            request.headers_mut().remove(TRUSTED_APP_USER);
        }
        if passes {
            return ResponseFuture::passing(M::pass(&mut self.inner, request));
        }
        let (mut parts, body) = request.into_parts();
        let Some(protocol) = attempted else {
            let protocol = if M::SIGNATURES { Protocol::HttpSignature } else { Protocol::Seraph };
            return ResponseFuture::rejected(shared.reject_missing(protocol, &parts));
        };
        mark_sensitive(&mut parts.headers);
        let next = self.inner.clone();
        let ready = mem::replace(&mut self.inner, next);
        let (unread, readable) = M::split(body);
        let verdict = verdict::<_, _, _, M, _, _>(Arc::clone(shared), protocol, Box::new(parts), readable);
        ResponseFuture::authenticating(verdict, ready, unread)
    }
}

/// The protocol whose credentials a request carries.
fn attempted<M: BodyMode<B>, B>(headers: &HeaderMap) -> Option<Protocol> {
    if M::SIGNATURES && SignatureFields::attempted(headers) {
        Some(Protocol::HttpSignature)
    } else {
        seraph::Credentials::attempted(headers).then_some(Protocol::Seraph)
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
