//! Signing by HTTP message signatures: the layer, its service and its future.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{Extensions, Request};
use http_body::Body;
use pin_project::pin_project;
use tower_layer::Layer;
use tower_service::Service;
use trusted_app_core::crypto::PrivateSignatureKey;
use trusted_app_core::httpsig::{
    RequestMessage, SIGNATURE, SIGNATURE_INPUT, SignatureFields, SignaturePolicy, SigningRequest,
    TRUSTED_APP_USER, UserField,
};
use trusted_app_core::seraph::REQUEST_HEADERS;
use trusted_app_core::{BoxError, Clock};

use super::act_as::ActAs;
use super::body::{FromBytes, InsecureUnsignedBody, Rebuild, poll_read};
use super::error::Error;
use super::origin::Origin;
use super::service::UserFn;
use super::target::Origins;
use crate::clock::SystemClock;
use crate::http_signatures::HttpSignatures;

/// Layer that signs the requests of an HTTP client by HTTP message signatures (RFC 9421), for the user named
/// by their [`ActAs`] extension: method, URL, user, the body's digest, and a nonce that is new with every
/// attempt.
///
/// What the [module](super) says of [`SignLayer`](super::SignLayer) holds here too: what leaves and what does not,
/// and where to put it. Which of the two a client uses is its configuration; neither ever tries the other.
///
/// Each body is read to its end before the request leaves, and rejected above a
/// [limit](Self::body_limit). The inner service gets it again, so its type must be `From<Bytes>`, or `M` must say
/// [how](Self::rebuild). A stream can only leave [unsigned](InsecureUnsignedBody), where the request says so.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower::{BoxError, Service, ServiceBuilder, ServiceExt};
/// use tower_trusted_app::client::{ActAs, HttpSignLayer};
/// use tower_trusted_app::crypto::{PrivateSignatureKey, SignatureAlgorithm};
///
/// # async fn example<S>(http_client: S) -> Result<(), BoxError>
/// # where
/// #     S: Service<Request<Full<Bytes>>, Response = Response<String>> + Clone,
/// #     S::Error: Into<BoxError>,
/// # {
/// let key = PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519)?;
/// let mut client = ServiceBuilder::new().layer(HttpSignLayer::new(key)).service(http_client);
///
/// let request = Request::post("https://tracker.example.com/rest/issues")
///     .header("content-type", "application/json")
///     .extension(ActAs::new("alice"))
///     .body(Full::new(Bytes::from_static(b"{}")))?;
/// client.ready().await?.call(request).await?;
///
/// // Nobody says what this body is, so its signature could not cover that.
/// let request = Request::post("https://tracker.example.com/rest/issues")
///     .extension(ActAs::new("alice"))
///     .body(Full::new(Bytes::from_static(b"{}")))?;
/// assert!(client.ready().await?.call(request).await.is_err());
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct HttpSignLayer<C = SystemClock, M = FromBytes> {
    signing: Signing<C>,
    body: PhantomData<fn() -> M>,
}

/// How requests are signed: shared by all clones of a service.
struct Signing<C> {
    key: PrivateSignatureKey,
    clock: Arc<C>,
    user: Option<Arc<UserFn>>,
    origins: Origins,
    policy: SignaturePolicy,
    lifetime: Duration,
    body_limit: usize,
}

impl HttpSignLayer {
    /// Signs with `key`, for any origin.
    pub fn new(key: PrivateSignatureKey) -> Self {
        Self {
            signing: Signing {
                key,
                clock: Arc::new(SystemClock),
                user: None,
                origins: Origins::default(),
                policy: SignaturePolicy::default(),
                lifetime: SigningRequest::DEFAULT_LIFETIME,
                body_limit: HttpSignatures::BODY_LIMIT,
            },
            body: PhantomData,
        }
    }
}

impl<C, M> HttpSignLayer<C, M> {
    /// Stamps by another clock.
    pub fn clock<D: Clock>(self, clock: D) -> HttpSignLayer<D, M> {
        let Signing { key, clock: _, user, origins, policy, lifetime, body_limit } = self.signing;
        let signing = Signing { key, clock: Arc::new(clock), user, origins, policy, lifetime, body_limit };
        HttpSignLayer { signing, body: PhantomData }
    }

    /// Reads bodies and makes them again as `N` says: for bodies that are not `From<Bytes>`, or may be streams.
    pub fn rebuild<N>(self) -> HttpSignLayer<C, N> {
        HttpSignLayer { signing: self.signing, body: PhantomData }
    }

    /// As [`SignLayer::acting_as`](super::SignLayer::acting_as).
    pub fn acting_as(mut self, user: impl Fn(&Extensions) -> Option<ActAs> + Send + Sync + 'static) -> Self {
        self.signing.user = Some(Arc::new(user));
        self.signing.origins.listed.get_or_insert_with(|| Arc::new([]));
        self
    }

    /// As [`SignLayer::origin`](super::SignLayer::origin).
    pub fn origin(mut self, origin: Origin) -> Self {
        self.signing.origins.own = Some(origin);
        self
    }

    /// As [`SignLayer::only_to`](super::SignLayer::only_to).
    pub fn only_to(mut self, origins: impl IntoIterator<Item = Origin>) -> Self {
        self.signing.origins.listed = Some(origins.into_iter().collect());
        self
    }

    /// What the receiver wants to be covered.
    pub fn policy(mut self, policy: SignaturePolicy) -> Self {
        self.signing.policy = policy;
        self
    }

    /// How long a signature is good; 60 seconds by default, at most 300.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.signing.lifetime = lifetime;
        self
    }

    /// The largest body that is signed, in bytes; 1 MiB by default, as a receiver's.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.signing.body_limit = bytes;
        self
    }
}

impl<C: Clock> Signing<C> {
    /// Signs the body too, or leaves it out.
    fn sign(&self, act_as: &ActAs, url: &str, parts: &mut Parts, body: Option<&[u8]>) -> Result<(), Error> {
        let user = UserField::new(act_as.user()).map_err(trusted_app_core::httpsig::SignError::from)?;
        let message = RequestMessage { method: &parts.method, url, headers: &parts.headers };
        let signing = SigningRequest::new(user, message, self.clock.now())
            .with_policy(&self.policy)
            .with_lifetime(self.lifetime);
        let signing = match body {
            Some(body) => signing.with_body(body),
            None => signing.with_insecure_unsigned_body(),
        };
        signing.sign(&self.key)?.apply(&mut parts.headers);
        Ok(())
    }
}

impl<S, C, M> Layer<S> for HttpSignLayer<C, M> {
    type Service = HttpSign<S, C, M>;

    fn layer(&self, inner: S) -> Self::Service {
        HttpSign { inner, signing: Arc::new(self.signing.clone()), body: PhantomData }
    }
}

/// Middleware that signs the requests of an HTTP client; made by [`HttpSignLayer`].
///
/// Its error is a `BoxError`: an [`Error`] if the request was not sent, or the inner service's own.
#[must_use = "services do nothing unless called"]
pub struct HttpSign<S, C = SystemClock, M = FromBytes> {
    inner: S,
    signing: Arc<Signing<C>>,
    body: PhantomData<fn() -> M>,
}

impl<S, C, M, B> Service<Request<B>> for HttpSign<S, C, M>
where
    S: Service<Request<B>> + Clone,
    S::Error: Into<BoxError>,
    M: Rebuild<B>,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
    C: Clock,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = HttpSignFuture<S, B, C, M>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // What stands there is another's, or of an attempt before.
        let headers = request.headers_mut();
        for name in REQUEST_HEADERS.iter().chain([&TRUSTED_APP_USER]) {
            headers.remove(name);
        }
        if SignatureFields::attempted(headers) {
            headers.remove(SIGNATURE);
            headers.remove(SIGNATURE_INPUT);
        }
        let extensions = request.extensions();
        let stated = extensions.get().cloned();
        let act_as = stated.or_else(|| self.signing.user.as_ref().and_then(|user| user(extensions)));
        let Some(act_as) = act_as else {
            return HttpSignFuture::sending(self.inner.call(request));
        };
        let mut uri = mem::take(request.uri_mut());
        let url = self.signing.origins.settle(&act_as, &mut uri, request.headers_mut());
        *request.uri_mut() = uri;
        let url = match url {
            Ok(url) => url,
            Err(error) => return HttpSignFuture::failed(error),
        };
        let (mut parts, body) = request.into_parts();
        if parts.extensions.get::<InsecureUnsignedBody>().is_some() && !body.is_end_stream() {
            return match self.signing.sign(&act_as, &url, &mut parts, None) {
                Ok(()) => HttpSignFuture::sending(self.inner.call(Request::from_parts(parts, body))),
                Err(error) => HttpSignFuture::failed(error),
            };
        }
        // The clone is not ready, the service that was polled is.
        let clone = self.inner.clone();
        let ready = mem::replace(&mut self.inner, clone);
        let unsent = Unsent { ready, parts, act_as, url, signing: Arc::clone(&self.signing) };
        HttpSignFuture::new(State::Reading { body, read: BytesMut::new(), unsent: Some(Box::new(unsent)) })
    }
}

/// Future of [`HttpSign`].
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct HttpSignFuture<S: Service<Request<B>>, B, C, M = FromBytes> {
    #[pin]
    state: State<S, B, C>,
    body: PhantomData<fn() -> M>,
}

impl<S: Service<Request<B>>, B, C, M> HttpSignFuture<S, B, C, M> {
    fn new(state: State<S, B, C>) -> Self {
        Self { state, body: PhantomData }
    }

    fn sending(response: S::Future) -> Self {
        Self::new(State::Sending(response))
    }

    fn failed(error: Error) -> Self {
        Self::new(State::Failed(Some(error)))
    }
}

#[pin_project(project = StateProjection)]
enum State<S: Service<Request<B>>, B, C> {
    Reading {
        #[pin]
        body: B,
        read: BytesMut,
        unsent: Option<Box<Unsent<S, C>>>,
    },
    Sending(#[pin] S::Future),
    Failed(Option<Error>),
}

struct Unsent<S, C> {
    ready: S,
    parts: Parts,
    act_as: ActAs,
    url: String,
    signing: Arc<Signing<C>>,
}

impl<S, B, C, M> Future for HttpSignFuture<S, B, C, M>
where
    S: Service<Request<B>>,
    S::Error: Into<BoxError>,
    M: Rebuild<B>,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
    C: Clock,
{
    type Output = Result<S::Response, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProjection::Reading { body, read, unsent } => {
                    let limit = unsent.as_ref().map_or(0, |unsent| unsent.signing.body_limit);
                    let whole = ready!(poll_read::<M, B>(body, read, limit, cx));
                    // Taken before anything can fail: with the error the inner service is free again.
                    let Unsent { mut ready, mut parts, act_as, url, signing } =
                        *unsent.take().expect("polled after it was ready");
                    let body = whole?;
                    signing.sign(&act_as, &url, &mut parts, Some(&body))?;
                    let request = Request::from_parts(parts, M::rebuild(body));
                    state.set(State::Sending(ready.call(request)));
                }
                StateProjection::Sending(response) => return response.poll(cx).map_err(Into::into),
                StateProjection::Failed(error) => {
                    return Poll::Ready(Err(error.take().expect("polled after it was ready").into()));
                }
            }
        }
    }
}

impl<C> Clone for Signing<C> {
    fn clone(&self) -> Self {
        Self {
            key: self.key.clone(),
            clock: Arc::clone(&self.clock),
            user: self.user.clone(),
            origins: self.origins.clone(),
            policy: self.policy.clone(),
            lifetime: self.lifetime,
            body_limit: self.body_limit,
        }
    }
}

impl<C, M> Clone for HttpSignLayer<C, M> {
    fn clone(&self) -> Self {
        Self { signing: self.signing.clone(), body: PhantomData }
    }
}

impl<S: Clone, C, M> Clone for HttpSign<S, C, M> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), signing: Arc::clone(&self.signing), body: PhantomData }
    }
}

impl<C> fmt::Debug for Signing<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signing")
            .field("key", self.key.public_key())
            .field("origins", &self.origins)
            .finish_non_exhaustive()
    }
}

impl<C, M> fmt::Debug for HttpSignLayer<C, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSignLayer").field("signing", &self.signing).finish()
    }
}

impl<S: fmt::Debug, C, M> fmt::Debug for HttpSign<S, C, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSign").field("inner", &self.inner).field("signing", &self.signing).finish()
    }
}

impl<S: Service<Request<B>>, B, C, M> fmt::Debug for HttpSignFuture<S, B, C, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Reading { .. } => "HttpSignFuture(Reading)",
            State::Sending(_) => "HttpSignFuture(Sending)",
            State::Failed(_) => "HttpSignFuture(Failed)",
        })
    }
}
