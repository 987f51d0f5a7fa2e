//! What is measured: one prepared request and everything that can be done with it.

use std::cell::RefCell;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY};
use axum::body::Body;
use axum::routing::get;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use rsa::pkcs1v15;
use rsa::pkcs8::DecodePublicKey as _;
use rsa::signature::Verifier as _;
use tower::{Layer as _, Service, ServiceExt as _};
use tower_trusted_app::conditions::PathRule;
use tower_trusted_app::crypto::RustCrypto;
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::replay::MemoryReplayStore;
use tower_trusted_app::seraph::{self, Credentials, SignatureCache, SigningRequest};
use tower_trusted_app::store::{ReplayClaim, ReplayOutcome};
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{
    Caller, PublicKey, Timestamp, TrustedAppLayer, TrustedAppLayerBuilder, TrustedApplication,
};
use trusted_app_core::conditions::{Peer, SourceAddress};
use trusted_app_core::{KeyStore, ReplayStore, RequestFacts, UserDirectory};
use trusted_app_test::{FixedClock, TestIdentity};

const ORIGIN: &str = "https://tracker.example.com";
pub(crate) const TARGET: &str = "/rest/api/2/search?jql=project%20%3D%20HSP&maxResults=50";
pub(crate) const PATH: &str = "/rest/api/2/search";
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
pub(crate) const PEER: Peer = Peer::Ip(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 1, 2, 3)));

/// One signed request of the wiki, RSA-2048, and what the tracker knows.
pub(crate) struct Scene {
    url: String,
    headers: HeaderMap,
    message: Vec<u8>,
    signature: Vec<u8>,
    spki: Vec<u8>,
    keys: MemoryKeyStore,
    users: MemoryDirectory<()>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let wiki = TestIdentity::wiki();
        Self::with_key(wiki.local().public_key().clone())
    }

    /// The same, verified by the pure Rust provider alone.
    pub(crate) fn pure_rust() -> Self {
        let spki = TestIdentity::wiki().local().public_key().spki_der().to_vec();
        Self::with_key(PublicKey::from_spki_der_with(&RustCrypto, &spki).unwrap())
    }

    fn with_key(key: PublicKey) -> Self {
        let wiki = TestIdentity::wiki();
        let url = format!("{ORIGIN}{TARGET}");
        let mut headers = HeaderMap::new();
        SigningRequest::new("alice", &url, NOW).sign(wiki.local()).unwrap().apply(&mut headers);
        headers.insert(header::HOST, "tracker.example.com".parse().unwrap());
        headers.insert(header::USER_AGENT, "bench".parse().unwrap());
        headers.insert(header::ACCEPT, "*/*".parse().unwrap());
        let spki = key.spki_der().to_vec();
        let trusted = TrustedApplication::builder(wiki.id().clone(), key)
            .addresses("10.1.*.*, 192.168.0.0/16".parse().unwrap())
            .paths(PathRule::prefixes(["/sr/jira.issueviews:searchrequest", "/secure/RunPortlet", "/rest"]))
            .build()
            .unwrap();
        Self {
            message: format!("{NOW}\n{url}\nalice").into_bytes(),
            signature: BASE64_STANDARD.decode(headers[seraph::SIGNATURE].as_bytes()).unwrap(),
            url,
            headers,
            spki,
            keys: MemoryKeyStore::new([trusted]).unwrap(),
            users: MemoryDirectory::of_names(["alice", "bob"]),
        }
    }

    /// Bare verification by `aws-lc-rs`, the key parsed once.
    pub(crate) fn bare_aws_lc(&self) -> impl Fn(()) + '_ {
        let key = ParsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, self.spki.as_slice())
            .unwrap();
        move |()| key.verify_sig(&self.message, &self.signature).expect("the signature holds")
    }

    /// Bare verification by `rsa`, the key parsed once.
    pub(crate) fn bare_rsa(&self) -> impl Fn(()) + '_ {
        let key = rsa::PublicKey::from_public_key_der(&self.spki).unwrap();
        let key = pkcs1v15::VerifyingKey::<sha1::Sha1>::new(key);
        let signature = pkcs1v15::Signature::try_from(self.signature.as_slice()).unwrap();
        move |()| key.verify(&self.message, &signature).expect("the signature holds")
    }

    /// The whole authentication in the core: from the headers to the user.
    pub(crate) fn core(&self) -> impl Fn(()) + '_ {
        move |()| {
            let credentials = Credentials::parse(&self.headers).unwrap().unwrap();
            let application =
                self.keys.application(credentials.application_id()).now_or_never().unwrap().unwrap().unwrap();
            let verified = credentials.verify(&application, &self.url, NOW).unwrap();
            let request = RequestFacts { method: &Method::GET, path: Some(PATH) };
            let admitted = verified.admit(&request, [SourceAddress::Peer(PEER)]).unwrap();
            let user = self.users.user(&application, admitted.user()).now_or_never().unwrap().unwrap();
            std::hint::black_box(user);
        }
    }

    /// The core's verification of a certificate that was seen before.
    pub(crate) fn core_again(&self) -> impl Fn(()) + '_ {
        let cache = SignatureCache::default();
        let credentials = Credentials::parse(&self.headers).unwrap().unwrap();
        let application = self.keys.get(credentials.application_id()).unwrap();
        credentials.verify_cached(&application, &self.url, NOW, &cache).unwrap();
        move |()| {
            let (signature, seen) = credentials.verify_cached(&application, &self.url, NOW, &cache).unwrap();
            assert!(seen);
            std::hint::black_box(signature);
        }
    }

    /// A URL that there was not before.
    pub(crate) fn another_url(&self) -> impl FnMut() -> (String, Timestamp) + '_ {
        let mut number = 0;
        move || {
            number += 1;
            (format!("{}&startAt={number:08}", self.url), NOW.saturating_add(Duration::from_millis(number)))
        }
    }

    /// The claim of a signature that was not claimed before, in a store that holds up to those of a minute, a thousand a
    /// second. Claims lapse as real time passes, so that a full store is replaced here by an empty one.
    pub(crate) fn replay_guard(&self) -> impl Fn((String, Timestamp)) + '_ {
        const OF_A_MINUTE: u32 = 60_000;
        let claims = RefCell::new((MemoryReplayStore::default(), 0));
        let credentials = Credentials::parse(&self.headers).unwrap().unwrap();
        let application = self.keys.get(credentials.application_id()).unwrap();
        let key = *application.keys()[0].fingerprint();
        move |(url, now): (String, Timestamp)| {
            let until = now.saturating_add(Duration::from_secs(70));
            let created = now.as_millis().to_be_bytes();
            // As much as of a signature.
            let once = [b"seraph-v3".as_slice(), key.as_bytes(), &created, url.as_bytes(), b"alice"];
            let claim = ReplayClaim::new(application.id(), once, now, until);
            let (store, held) = &mut *claims.borrow_mut();
            *held += 1;
            if *held > OF_A_MINUTE {
                (*store, *held) = (MemoryReplayStore::default(), 1);
            }
            let outcome = store.claim(&claim).now_or_never().expect("nothing waits");
            assert_eq!(outcome, Ok(ReplayOutcome::Fresh));
        }
    }

    pub(crate) fn layer(
        &self,
        remembered: usize,
    ) -> TrustedAppLayerBuilder<MemoryKeyStore, MemoryDirectory<()>> {
        TrustedAppLayer::builder(self.keys.clone(), self.users.clone(), ORIGIN.parse().unwrap())
            .clock(FixedClock::new(NOW))
            .remembered_signatures(remembered)
            .optional()
    }

    pub(crate) fn signed(&self) -> Request<()> {
        let mut request = self.unsigned();
        request.headers_mut().extend(self.headers.clone());
        request.extensions_mut().insert(PEER);
        request
    }

    pub(crate) fn unsigned(&self) -> Request<()> {
        let mut request = Request::get(TARGET).body(()).unwrap();
        request.headers_mut().insert(header::HOST, "tracker.example.com".parse().unwrap());
        request
    }

    /// From `Service::call` to the inner response.
    pub(crate) fn through_the_layer(
        &self,
        remembered: usize,
    ) -> impl FnMut(Request<()>) -> Response<Full<Bytes>> {
        let mut service = self.layer(remembered).build().unwrap().layer(Inner);
        move |request| {
            let response = service.call(request).now_or_never().expect("nothing waits").unwrap();
            assert_eq!(response.status(), StatusCode::OK);
            response
        }
    }

    /// The inner service behind a layer that only holds some shared state.
    pub(crate) fn passed_through(&self) -> impl FnMut(Request<()>) -> Response<Full<Bytes>> {
        let mut service = Passing { inner: Inner, state: Arc::new([0; 64]) };
        move |request| service.call(request).now_or_never().expect("nothing waits").unwrap()
    }

    /// A trusted request in an axum router, the layer around it.
    pub(crate) fn around_axum(&self) -> impl FnMut(Request<Body>) -> Response<Body> + use<> {
        answer(self.axum_layer().layer(ready(self.router())))
    }

    /// A trusted request in an axum router, the layer one of the router's own.
    pub(crate) fn in_axum(&self) -> impl FnMut(Request<Body>) -> Response<Body> + use<> {
        answer(ready(self.router().layer(self.axum_layer())))
    }

    fn router(&self) -> axum::Router {
        async fn handler(caller: trusted_app_axum::Caller<()>) -> String {
            caller.user_name().to_owned()
        }
        axum::Router::new().route(PATH, get(handler))
    }

    fn axum_layer(&self) -> TrustedAppLayer<MemoryKeyStore, MemoryDirectory<()>> {
        let layer =
            trusted_app_axum::layer_builder(self.keys.clone(), self.users.clone(), ORIGIN.parse().unwrap());
        layer.clock(FixedClock::new(NOW)).remembered_signatures(0).build().unwrap()
    }

    pub(crate) fn axum_request(&self) -> Request<Body> {
        self.signed().map(|()| Body::empty())
    }
}

/// Answers at once.
#[derive(Clone, Copy)]
pub(crate) struct Inner;

impl<B> Service<Request<B>> for Inner {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<Full<Bytes>>, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        std::hint::black_box(request.extensions().get::<Caller<()>>().is_some());
        let mut response = Response::new(Full::default());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        std::future::ready(Ok(response))
    }
}

/// The plainest layer that has a state of its own.
struct Passing {
    inner: Inner,
    state: Arc<[u64; 64]>,
}

impl Passing {
    fn call(
        &mut self,
        request: Request<()>,
    ) -> impl Future<Output = Result<Response<Full<Bytes>>, Infallible>> + use<> {
        std::hint::black_box(&self.state);
        self.inner.call(request)
    }
}

/// What a server does with its service: a copy of it answers each request.
pub(crate) fn answer<S>(service: S) -> impl FnMut(Request<Body>) -> Response<Body>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    move |request| {
        let response = service.clone().oneshot(request).now_or_never().expect("nothing waits").unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response
    }
}

/// A router as `axum::serve` runs it: that gives every router its state once, before the first request;
/// one that has none yet builds its handlers and layers again for each.
pub(crate) fn ready(router: axum::Router) -> axum::Router {
    router.with_state(())
}
