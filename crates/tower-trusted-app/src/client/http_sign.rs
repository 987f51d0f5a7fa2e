//! Signing by HTTP message signatures: the layer, its service and its future.

use std::fmt;
use std::future::Future;
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
    Policy, RequestMessage, SIGNATURE, SIGNATURE_INPUT, SignatureFields, SigningRequest, TRUSTED_APP_USER,
    UserField,
};
use trusted_app_core::seraph::REQUEST_HEADERS;
use trusted_app_core::{BoxError, Clock};

use super::act_as::ActAs;
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
/// Each body is read to its end before the request leaves, and refused above a
/// [limit](Self::body_limit). The inner service gets it anew, so its type must be `From<Bytes>`.
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
pub struct HttpSignLayer<C = SystemClock> {
    signing: Signing<C>,
}

/// How requests are signed: shared by all clones of a service.
struct Signing<C> {
    key: PrivateSignatureKey,
    clock: Arc<C>,
    user: Option<Arc<UserFn>>,
    origins: Origins,
    policy: Policy,
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
                policy: Policy::default(),
                lifetime: SigningRequest::DEFAULT_LIFETIME,
                body_limit: HttpSignatures::BODY_LIMIT,
            },
        }
    }
}

impl<C> HttpSignLayer<C> {
    /// Stamps by another clock.
    pub fn clock<D: Clock>(self, clock: D) -> HttpSignLayer<D> {
        let Signing { key, clock: _, user, origins, policy, lifetime, body_limit } = self.signing;
        let clock = Arc::new(clock);
        HttpSignLayer { signing: Signing { key, clock, user, origins, policy, lifetime, body_limit } }
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
    pub fn policy(mut self, policy: Policy) -> Self {
        self.signing.policy = policy;
        self
    }

    /// How long a signature is good; 60 seconds unless stated, at most 300.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.signing.lifetime = lifetime;
        self
    }

    /// The largest body that is signed, in bytes; 1 MiB unless stated, as a receiver's.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.signing.body_limit = bytes;
        self
    }
}

impl<C: Clock> Signing<C> {
    fn sign(&self, act_as: &ActAs, url: &str, parts: &mut Parts, body: &[u8]) -> Result<(), Error> {
        let user = UserField::new(act_as.user()).map_err(trusted_app_core::httpsig::SignError::from)?;
        let message = RequestMessage { method: &parts.method, url, headers: &parts.headers };
        let signing = SigningRequest::new(user, message, self.clock.now())
            .with_policy(&self.policy)
            .with_lifetime(self.lifetime)
            .with_body(body);
        signing.sign(&self.key)?.apply(&mut parts.headers);
        Ok(())
    }
}

impl<S, C> Layer<S> for HttpSignLayer<C> {
    type Service = HttpSign<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        HttpSign { inner, signing: Arc::new(self.signing.clone()) }
    }
}

/// Middleware that signs the requests of an HTTP client; made by [`HttpSignLayer`].
///
/// Its error is a `BoxError`: an [`Error`] if the request was not sent, or the inner service's own.
#[must_use = "services do nothing unless called"]
pub struct HttpSign<S, C = SystemClock> {
    inner: S,
    signing: Arc<Signing<C>>,
}

impl<S, C, B> Service<Request<B>> for HttpSign<S, C>
where
    S: Service<Request<B>> + Clone,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + From<Bytes>,
    B::Error: Into<BoxError>,
    C: Clock,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = HttpSignFuture<S, B, C>;

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
            return HttpSignFuture(State::Sending(self.inner.call(request)));
        };
        let mut uri = mem::take(request.uri_mut());
        let url = self.signing.origins.settle(&act_as, &mut uri, request.headers_mut());
        *request.uri_mut() = uri;
        let url = match url {
            Ok(url) => url,
            Err(error) => return HttpSignFuture(State::Failed(Some(error))),
        };
        // The clone is not ready, the service that was polled is.
        let clone = self.inner.clone();
        let ready = mem::replace(&mut self.inner, clone);
        let (parts, body) = request.into_parts();
        let unsent = Unsent { ready, parts, act_as, url, signing: Arc::clone(&self.signing) };
        HttpSignFuture(State::Reading { body, read: BytesMut::new(), unsent: Some(Box::new(unsent)) })
    }
}

/// Future of [`HttpSign`].
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct HttpSignFuture<S: Service<Request<B>>, B, C>(#[pin] State<S, B, C>);

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

impl<S, B, C> Future for HttpSignFuture<S, B, C>
where
    S: Service<Request<B>>,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + From<Bytes>,
    B::Error: Into<BoxError>,
    C: Clock,
{
    type Output = Result<S::Response, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().0;
        loop {
            match state.as_mut().project() {
                StateProjection::Reading { body, read, unsent } => {
                    let limit = unsent.as_ref().map_or(0, |unsent| unsent.signing.body_limit);
                    let whole = ready!(poll_read(body, read, limit, cx));
                    // Taken before anything can fail: with the error the inner service is free again.
                    let Unsent { mut ready, mut parts, act_as, url, signing } =
                        *unsent.take().expect("polled after it was ready");
                    let body = whole?;
                    signing.sign(&act_as, &url, &mut parts, &body)?;
                    let request = Request::from_parts(parts, B::from(body));
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

fn poll_read<B>(
    mut body: Pin<&mut B>,
    read: &mut BytesMut,
    limit: usize,
    cx: &mut Context<'_>,
) -> Poll<Result<Bytes, Error>>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    if body.size_hint().lower() > limit as u64 {
        return Poll::Ready(Err(Error::BodyTooLarge { limit }));
    }
    while let Some(frame) = ready!(body.as_mut().poll_frame(cx)) {
        let frame = frame.map_err(|error| Error::Body(error.into()));
        let Ok(data) = frame?.into_data() else { return Poll::Ready(Err(Error::Trailers)) };
        if data.len() > limit - read.len() {
            return Poll::Ready(Err(Error::BodyTooLarge { limit }));
        }
        if read.is_empty() && body.is_end_stream() {
            return Poll::Ready(Ok(data)); // the whole in one part, which need not be copied
        }
        read.extend_from_slice(&data);
    }
    Poll::Ready(Ok(mem::take(read).freeze()))
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

impl<C> Clone for HttpSignLayer<C> {
    fn clone(&self) -> Self {
        Self { signing: self.signing.clone() }
    }
}

impl<S: Clone, C> Clone for HttpSign<S, C> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), signing: Arc::clone(&self.signing) }
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

impl<C> fmt::Debug for HttpSignLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSignLayer").field("signing", &self.signing).finish()
    }
}

impl<S: fmt::Debug, C> fmt::Debug for HttpSign<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSign").field("inner", &self.inner).field("signing", &self.signing).finish()
    }
}

impl<S: Service<Request<B>>, B, C> fmt::Debug for HttpSignFuture<S, B, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Reading { .. } => "HttpSignFuture(Reading)",
            State::Sending(_) => "HttpSignFuture(Sending)",
            State::Failed(_) => "HttpSignFuture(Failed)",
        })
    }
}
