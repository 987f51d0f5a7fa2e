//! What the user configures.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{Extensions, HeaderMap, Method, Uri};
use tower_layer::Layer;
use trusted_app_core::conditions::{Peer, ReplayProtection};
use trusted_app_core::{Clock, KeyStore, Rejection, ReplayStore, UserDirectory};

use crate::audit::AuditSink;
use crate::body::{Digested, Untouched};
use crate::context_path::{ContextPath, ContextPathError};
use crate::http_signatures::HttpSignatures;
use crate::original_target::target_of;
use crate::reject::ProblemJson;
use crate::replay::BoxReplayStore;
use crate::service::TrustedApp;
use crate::shared::{Policy, Settings, Shared};
use crate::signed_url::{RebuiltUrl, SignedUrl};
use crate::source::SourceAddresses;

/// Middleware that accepts requests of trusted applications on behalf of their users.
///
/// A signed request reaches the inner service with a [`Caller`](crate::Caller) in its extensions;
/// everything that is not verified to the end is answered here. See the [crate](crate) for an
/// example that shows both.
///
/// `K` is the key store, `D` the user directory, `R` how rejections become responses and `M` what
/// becomes of the request's body ([`Untouched`] or [`Digested`]).
///
/// Cloning a layer, and applying it to many services, shares its state: the verified signatures
/// and the bound on concurrent verification.
#[must_use = "a layer does nothing until it is applied to a service"]
pub struct TrustedAppLayer<K, D, R = ProblemJson, M = Untouched> {
    shared: Arc<Shared<K, D, R>>,
    body: PhantomData<fn() -> M>,
}

impl<K: KeyStore, D: UserDirectory> TrustedAppLayer<K, D> {
    /// A layer that requires credentials of every request.
    ///
    /// `signed_url` is this service's public base URL: the peers sign it, and it must not be
    /// guessed from the request.
    pub fn new(keys: K, users: D, signed_url: SignedUrl) -> Self {
        Self::from_parts(Arc::new(keys), Arc::new(users), Arc::new(ProblemJson), Settings::new(signed_url))
    }
}

impl<K, D, R, M> TrustedAppLayer<K, D, R, M> {
    fn from_parts(keys: Arc<K>, users: Arc<D>, rejections: Arc<R>, settings: Settings) -> Self {
        Self { shared: Arc::new(Shared::new(keys, users, rejections, settings)), body: PhantomData }
    }

    fn with(self, set: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.shared.settings.clone();
        set(&mut settings);
        let (keys, users) = (Arc::clone(&self.shared.keys), Arc::clone(&self.shared.users));
        Self::from_parts(keys, users, Arc::clone(&self.shared.rejections), settings)
    }

    /// Lets requests without credentials pass as anonymous. *Bad credentials are still refused.*
    pub fn optional(self) -> Self {
        self.with(|settings| settings.policy = Policy::Optional)
    }

    /// Lets requests with *bad* credentials go on as anonymous, with the error in the response's
    /// headers. This is what JIRA did.
    ///
    /// Insecure: the peer gets a page that looks like an answer, and whatever else authenticates
    /// the request (a session cookie, say) counts. An outage of a store is a 503 all the same.
    pub fn insecure_continue_on_failure(self) -> Self {
        self.with(|settings| settings.policy = Policy::InsecureContinueOnFailure)
    }

    /// Passes requests for which `skip` says so through unauthenticated, credentials or not: health
    /// checks, CORS preflights, public pages. The URI is the original one, also under `nest`.
    ///
    /// [`is_cors_preflight`](crate::is_cors_preflight) is ready-made. The certificate document's
    /// path needs no entry: it is always exempt, for `GET` and `HEAD`.
    pub fn skip(self, skip: impl Fn(&Method, &Uri, &HeaderMap) -> bool + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.skip = Some(Arc::new(skip)))
    }

    /// The path under which the application is mounted on this server, such as `/jira`. Path rules
    /// are held against what follows it.
    ///
    /// # Errors
    ///
    /// When it does not begin with `/`.
    pub fn context_path(self, path: &str) -> Result<Self, ContextPathError> {
        let path = ContextPath::new(path)?;
        Ok(self.with(|settings| settings.context_path = path))
    }

    /// Which addresses of a request are held against an application's address rule.
    pub fn source_addresses(self, sources: SourceAddresses) -> Self {
        self.with(|settings| settings.sources = sources)
    }

    /// Where the server leaves the peer's address. By default a [`Peer`] or a
    /// [`SocketAddr`](std::net::SocketAddr) in the request's extensions; the adapter crates know
    /// their frameworks' types.
    pub fn peer(self, peer: impl Fn(&Extensions) -> Option<Peer> + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.peer = Arc::new(peer))
    }

    /// Where the framework leaves the URI as it came, before it stripped a prefix.
    pub fn original_uri(self, original_uri: fn(&Extensions) -> Option<&Uri>) -> Self {
        self.with(|settings| settings.original_uri = original_uri)
    }

    /// Answers unknown application ids like bad signatures, so that no answer tells which ids are
    /// registered. The time that it takes still may.
    pub fn hide_unknown_applications(self) -> Self {
        self.with(|settings| settings.hide_unknown_applications = true)
    }

    /// How long the key store, the user directory and the replay store may each take; then the answer is 503.
    /// 5 seconds unless stated.
    pub fn lookup_timeout(self, timeout: Duration) -> Self {
        self.with(|settings| settings.lookup_timeout = timeout)
    }

    /// How many requests may be in verification at once, their store look-ups included; beyond it
    /// the answer is 503. 1024 unless stated.
    pub fn max_concurrent_verifications(self, max: usize) -> Self {
        self.with(|settings| settings.max_concurrent = max)
    }

    /// How many verified signatures are remembered per application, so that one that is sent again
    /// (Atlassian's clients do so for 15 minutes) costs no RSA. Every other check runs again. 0
    /// remembers none.
    pub fn remembered_signatures(self, per_application: usize) -> Self {
        self.with(|settings| settings.remembered_signatures = per_application)
    }

    /// Where it is kept which requests were accepted, for applications whose requests count once (see
    /// [`replay`](crate::replay)). All servers of one service need the same. Without one, requests
    /// that are to count once are refused as unavailable.
    ///
    /// If the server's clock is set back, a request may be good once more that the store has forgotten. The layer and
    /// its clones know when that can be, from the requests that they accepted: such a request is answered by 503, and
    /// the log says by how much the clock was set back. They know nothing of the time before a restart.
    pub fn replay_store(self, store: impl ReplayStore) -> Self {
        self.with(|settings| settings.replay_store = Some(BoxReplayStore::new(store)))
    }

    /// Which requests of *every* application count once only, whatever less it is registered with;
    /// none unless stated. It needs a [`replay_store`](Self::replay_store).
    ///
    /// [`ReplayProtection`] says which peers it breaks.
    pub fn replay_protection(self, at_least: ReplayProtection) -> Self {
        self.with(|settings| settings.replay_protection = at_least)
    }

    /// Accepts HTTP message signatures (RFC 9421) beside Seraph's schemes, from the applications that are
    /// registered with [`Scheme::HttpSignature`](crate::Scheme::HttpSignature). Their nonces need a
    /// [`replay_store`](Self::replay_store).
    ///
    /// The inner service then gets a [`SignedBody`](crate::SignedBody). Without this a signature is not looked
    /// at, as if it were not there.
    ///
    /// ```
    /// use std::convert::Infallible;
    ///
    /// use bytes::Bytes;
    /// use http::{Request, Response, StatusCode};
    /// use http_body_util::{BodyExt, Full};
    /// use tower::{Layer, ServiceExt, service_fn};
    /// use tower_trusted_app::conditions::{AddressRule, PathRule};
    /// use tower_trusted_app::crypto::{PrivateSignatureKey, SignatureAlgorithm};
    /// use tower_trusted_app::httpsig::{RequestMessage, SigningRequest, UserField};
    /// use tower_trusted_app::keys::MemoryKeyStore;
    /// use tower_trusted_app::replay::MemoryReplayStore;
    /// use tower_trusted_app::users::MemoryDirectory;
    /// use tower_trusted_app::{
    ///     Clock, HttpSignatures, SignedBody, SystemClock, TrustedAppLayer, TrustedApplication,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// let key = PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519)?;
    /// let wiki = TrustedApplication::signing_builder("wiki".parse()?, key.public_key().clone())
    ///     .addresses(AddressRule::any())
    ///     .paths(PathRule::prefixes(["/rest"]))
    ///     .build()?;
    /// let layer = TrustedAppLayer::new(
    ///     MemoryKeyStore::new([wiki])?,
    ///     MemoryDirectory::of_names(["alice"]),
    ///     "https://tracker.example.com".parse()?,
    /// );
    /// let layer = layer.replay_store(MemoryReplayStore::new(100_000)).http_signatures(HttpSignatures::default());
    /// let tracker = layer.layer(service_fn(|request: Request<SignedBody<Full<Bytes>>>| async move {
    ///     let body = request.into_body().collect().await.expect("what was signed").to_bytes();
    ///     Ok::<_, Infallible>(Response::new(Full::new(body)))
    /// }));
    ///
    /// let mut request = Request::post("https://tracker.example.com/rest/issues")
    ///     .header("content-type", "text/plain")
    ///     .body(Full::new(Bytes::from("printer on fire")))?;
    /// let url = request.uri().to_string();
    /// let message = RequestMessage { method: request.method(), url: &url, headers: request.headers() };
    /// let signed = SigningRequest::new(UserField::new("alice")?, message, SystemClock.now())
    ///     .with_body(b"printer on fire")
    ///     .sign(&key)?;
    /// signed.apply(request.headers_mut());
    /// assert_eq!(tracker.clone().oneshot(request.clone()).await?.status(), StatusCode::OK);
    ///
    /// // The same again is refused, and so is another body.
    /// assert_eq!(tracker.clone().oneshot(request.clone()).await?.status(), StatusCode::UNAUTHORIZED);
    /// let other = request.map(|_| Full::new(Bytes::from("printer is fine")));
    /// assert_eq!(tracker.oneshot(other).await?.status(), StatusCode::BAD_REQUEST);
    /// # Ok(())
    /// # }
    /// ```
    pub fn http_signatures(self, signatures: HttpSignatures) -> TrustedAppLayer<K, D, R, Digested> {
        let TrustedAppLayer { shared, .. } = self.with(|settings| settings.http_signatures = signatures);
        TrustedAppLayer { shared, body: PhantomData }
    }

    /// The clock; the system's unless stated.
    pub fn clock(self, clock: impl Clock) -> Self {
        self.with(|settings| settings.clock = Arc::new(clock))
    }

    /// Where a record of every decision goes, beside the `tracing` event; in place of what was stated before. To
    /// two places by a pair: `.audit((one, other))`.
    pub fn audit(self, sink: impl AuditSink) -> Self {
        self.with(|settings| settings.audit = Some(Arc::new(sink)))
    }

    /// The URL for which such a request must have been signed, as this layer rebuilds it: for tools that explain
    /// where two sides differ. `Display` shows its normal form.
    ///
    /// # Errors
    ///
    /// [`Rejection::AuthorityUnknown`] when the request's authority is none of the public URLs,
    /// [`Rejection::BadSignature`] when the public does not see its path.
    ///
    /// ```
    /// use tower_trusted_app::keys::MemoryKeyStore;
    /// use tower_trusted_app::users::MemoryDirectory;
    /// use tower_trusted_app::{SignedUrl, TrustedAppLayer};
    ///
    /// let url = SignedUrl::any_of(["https://tracker.example.com"])?;
    /// let layer = TrustedAppLayer::new(MemoryKeyStore::new([])?, MemoryDirectory::of_names(["alice"]), url);
    /// let signed_url = |host| {
    ///     let request = http::Request::get("/rest?q=1").header("host", host).body(())?;
    ///     Ok::<_, http::Error>(layer.rebuilt_url(&request.into_parts().0).ok().map(|url| url.to_string()))
    /// };
    /// assert_eq!(signed_url("tracker.example.com")?.as_deref(), Some("https://tracker.example.com/rest?q=1"));
    /// assert_eq!(signed_url("backend:8080")?, None);
    /// # Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    /// ```
    pub fn rebuilt_url(&self, request: &Parts) -> Result<RebuiltUrl, Rejection> {
        let settings = &self.shared.settings;
        let uri = (settings.original_uri)(&request.extensions).unwrap_or(&request.uri);
        let target = target_of(&request.extensions, uri);
        settings.signed_url.rebuild(uri, target, &request.headers, &settings.context_path)
    }

    /// How rejections become responses; [`ProblemJson`] unless stated.
    pub fn rejections<R2>(self, rejections: R2) -> TrustedAppLayer<K, D, R2, M> {
        let shared = &self.shared;
        let (keys, users) = (Arc::clone(&shared.keys), Arc::clone(&shared.users));
        TrustedAppLayer::from_parts(keys, users, Arc::new(rejections), shared.settings.clone())
    }
}

/// Whether a request is a CORS preflight: `OPTIONS` with `Origin` and
/// `Access-Control-Request-Method` (the Fetch standard). For [`TrustedAppLayer::skip`].
#[must_use]
pub fn is_cors_preflight(method: &Method, _uri: &Uri, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS
        && headers.contains_key(http::header::ORIGIN)
        && headers.contains_key(http::header::ACCESS_CONTROL_REQUEST_METHOD)
}

impl<S, K, D, R, M> Layer<S> for TrustedAppLayer<K, D, R, M> {
    type Service = TrustedApp<S, K, D, R, M>;

    fn layer(&self, inner: S) -> Self::Service {
        TrustedApp::new(inner, Arc::clone(&self.shared))
    }
}

impl<K, D, R, M> Clone for TrustedAppLayer<K, D, R, M> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), body: PhantomData }
    }
}

impl<K, D, R, M> fmt::Debug for TrustedAppLayer<K, D, R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.shared.settings;
        f.debug_struct("TrustedAppLayer")
            .field("signed_url", &settings.signed_url)
            .field("policy", &settings.policy)
            .field("context_path", &settings.context_path)
            .field("source_addresses", &settings.sources)
            .field("lookup_timeout", &settings.lookup_timeout)
            .field("replay_protection", &settings.replay_protection)
            .finish_non_exhaustive()
    }
}
