//! Building the layer.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use http::{Extensions, HeaderMap, Method, Uri};
use trusted_app_core::conditions::{Peer, ReplayProtection};
use trusted_app_core::{Clock, KeyStore, ReplayStore, UserDirectory};

use crate::audit::AuditSink;
use crate::body::{Digested, Untouched};
use crate::context_path::{ContextPath, ContextPathError};
use crate::http_signatures::HttpSignatures;
use crate::layer::TrustedAppLayer;
use crate::reject::ProblemJson;
use crate::replay::BoxReplayStore;
use crate::shared::{Settings, Shared, Unverified};
use crate::signed_url::SignedUrl;
use crate::source::SourceAddresses;

/// Builds a [`TrustedAppLayer`](crate::TrustedAppLayer).
///
/// ```
/// use tower_trusted_app::keys::MemoryKeyStore;
/// use tower_trusted_app::replay::MemoryReplayStore;
/// use tower_trusted_app::users::MemoryDirectory;
/// use tower_trusted_app::{HttpSignatures, LayerError, TrustedAppLayer};
///
/// let builder = || {
///     let users = MemoryDirectory::of_names(["alice"]);
///     let url = "https://tracker.example.com".parse()?;
///     Ok::<_, Box<dyn std::error::Error>>(TrustedAppLayer::builder(MemoryKeyStore::new([])?, users, url))
/// };
/// let replays = MemoryReplayStore::new(100_000);
/// builder()?.http_signatures(HttpSignatures::default()).replay_store(replays).build()?;
///
/// // What cannot work is an error here, and not at the first request.
/// let error = builder()?.http_signatures(HttpSignatures::default()).build().unwrap_err();
/// assert!(matches!(error, LayerError::ReplayStoreMissing { .. }));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "call `build`"]
pub struct TrustedAppLayerBuilder<K, D, R = ProblemJson, M = Untouched> {
    keys: K,
    users: D,
    rejections: R,
    settings: Settings,
    context_path: String,
    http_signatures: Option<HttpSignatures>,
    body: PhantomData<fn() -> M>,
}

impl<K: KeyStore, D: UserDirectory> TrustedAppLayer<K, D> {
    /// Begins a layer that requires credentials of every request.
    ///
    /// `public_url` is this service's public base URL: the peers sign it, and it must not be
    /// guessed from the request.
    pub fn builder(keys: K, users: D, public_url: SignedUrl) -> TrustedAppLayerBuilder<K, D> {
        TrustedAppLayerBuilder {
            keys,
            users,
            rejections: ProblemJson,
            settings: Settings::new(public_url),
            context_path: String::new(),
            http_signatures: None,
            body: PhantomData,
        }
    }
}

impl<K, D, R, M> TrustedAppLayerBuilder<K, D, R, M> {
    /// Builds the layer.
    ///
    /// # Errors
    ///
    /// When what it was told cannot work together: see [`LayerError`].
    pub fn build(self) -> Result<TrustedAppLayer<K, D, R, M>, LayerError> {
        let Self { keys, users, rejections, mut settings, context_path, http_signatures, .. } = self;
        settings.context_path = ContextPath::new(&context_path)?;
        if settings.replay_store.is_none() {
            if http_signatures.is_some() {
                return Err(LayerError::ReplayStoreMissing { needed_by: "`http_signatures`" });
            }
            if settings.replay_protection != ReplayProtection::Off {
                return Err(LayerError::ReplayStoreMissing { needed_by: "`replay_protection`" });
            }
        }
        settings.http_signatures = http_signatures.unwrap_or_default();
        Ok(TrustedAppLayer::of(Shared::new(keys, users, rejections, settings)))
    }

    fn with(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(&mut self.settings);
        self
    }

    /// Lets requests without credentials pass as anonymous. *Bad credentials are still rejected.*
    pub fn optional(self) -> Self {
        self.with(|settings| settings.unverified = Unverified::PassIfAnonymous)
    }

    /// Lets requests with *bad* credentials go on as anonymous, with the error in the response's
    /// headers. This is what JIRA did.
    ///
    /// Insecure: the peer gets a page that looks like an answer, and whatever else authenticates
    /// the request (a session cookie, say) counts. An outage of a store is a 503 all the same.
    pub fn insecure_continue_on_failure(self) -> Self {
        self.with(|settings| settings.unverified = Unverified::InsecureContinue)
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
    pub fn context_path(mut self, path: impl Into<String>) -> Self {
        self.context_path = path.into();
        self
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
    /// 5 seconds by default.
    pub fn lookup_timeout(self, timeout: Duration) -> Self {
        self.with(|settings| settings.lookup_timeout = timeout)
    }

    /// How many requests may be in verification at once, their store look-ups included; beyond it
    /// the answer is 503. 1024 by default.
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
    /// of an application that is registered to count once are answered by 503.
    ///
    /// If the server's clock is set back, a request may be good once more that the store has forgotten. The layer and
    /// its clones know when that can be, from the requests that they accepted: such a request is answered by 503, and
    /// the log says by how much the clock was set back. They know nothing of the time before a restart.
    pub fn replay_store(self, store: impl ReplayStore) -> Self {
        self.with(|settings| settings.replay_store = Some(BoxReplayStore::new(store)))
    }

    /// Which requests of *every* application count once only, whatever less it is registered with;
    /// none by default. It needs a [`replay_store`](Self::replay_store).
    ///
    /// [`ReplayProtection`] says which peers it breaks.
    pub fn replay_protection(self, at_least: ReplayProtection) -> Self {
        self.with(|settings| settings.replay_protection = at_least)
    }

    /// Accepts HTTP message signatures (RFC 9421) beside Seraph's schemes, from the applications that are
    /// registered with [`Scheme::HttpSignature`](crate::Scheme::HttpSignature). Their nonces need a
    /// [`replay_store`](Self::replay_store), or [`build`](Self::build) fails.
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
    /// let keys = MemoryKeyStore::new([wiki])?;
    /// let users = MemoryDirectory::of_names(["alice"]);
    /// let layer = TrustedAppLayer::builder(keys, users, "https://tracker.example.com".parse()?)
    ///     .replay_store(MemoryReplayStore::new(100_000))
    ///     .http_signatures(HttpSignatures::default())
    ///     .build()?;
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
    /// // The same again is rejected, and so is another body.
    /// assert_eq!(tracker.clone().oneshot(request.clone()).await?.status(), StatusCode::UNAUTHORIZED);
    /// let other = request.map(|_| Full::new(Bytes::from("printer is fine")));
    /// assert_eq!(tracker.oneshot(other).await?.status(), StatusCode::BAD_REQUEST);
    /// # Ok(())
    /// # }
    /// ```
    pub fn http_signatures(self, signatures: HttpSignatures) -> TrustedAppLayerBuilder<K, D, R, Digested> {
        let Self { keys, users, rejections, settings, context_path, .. } = self;
        TrustedAppLayerBuilder {
            keys,
            users,
            rejections,
            settings,
            context_path,
            http_signatures: Some(signatures),
            body: PhantomData,
        }
    }

    /// The clock; the system's by default.
    pub fn clock(self, clock: impl Clock) -> Self {
        self.with(|settings| settings.clock = Arc::new(clock))
    }

    /// Where a record of every decision goes, beside the `tracing` event; in place of an earlier one. To
    /// two places by a pair: `.audit((one, other))`.
    pub fn audit(self, sink: impl AuditSink) -> Self {
        self.with(|settings| settings.audit = Some(Arc::new(sink)))
    }

    /// How rejections become responses; [`ProblemJson`] by default.
    pub fn rejections<R2>(self, rejections: R2) -> TrustedAppLayerBuilder<K, D, R2, M> {
        let Self { keys, users, settings, context_path, http_signatures, body, .. } = self;
        TrustedAppLayerBuilder { keys, users, rejections, settings, context_path, http_signatures, body }
    }
}

impl<K, D, R, M> fmt::Debug for TrustedAppLayerBuilder<K, D, R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustedAppLayerBuilder")
            .field("signed_url", &self.settings.signed_url)
            .finish_non_exhaustive()
    }
}

/// What a layer was told cannot work together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// Requests count once, and nothing remembers which came.
    #[error(
        "{needed_by} needs a replay store: call `replay_store`, with a `MemoryReplayStore` for one server or a store that \
         all servers share, such as `RedisReplayStore`"
    )]
    ReplayStoreMissing {
        /// The builder's method that needs it.
        needed_by: &'static str,
    },
    /// The context path is none.
    #[error(transparent)]
    ContextPath(#[from] ContextPathError),
}
