//! A fixed identity, clocks, signers, and an inner service that remembers what it was given.

use std::future::{Ready, ready};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use tower::{BoxError, Layer, Service, ServiceExt};
use tower_trusted_app::client::{self, Sign, SignLayer};
use trusted_app_core::conditions::{AddressRule, PathRule};
use trusted_app_core::crypto::PrivateKey;
use trusted_app_core::seraph::{
    Credentials, SeraphHeaders, SignError, Signer, SigningRequest, UnsignedRequest,
};
use trusted_app_core::{
    ApplicationId, Clock, LocalApplication, Rejection, Scheme, Timestamp, TrustedApplication,
    VerifiedSignature,
};

/// 2023-11-14T22:13:20Z.
pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// The wiki, with a fixed key: making one takes seconds in a debug build.
pub(crate) static WIKI: LazyLock<Arc<LocalApplication>> = LazyLock::new(|| {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/authenticate.json"));
    let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
    let key = vectors["keys"]["pub-rsa2048"]["private_key_pkcs8_b64"].as_str().unwrap();
    let lines: Vec<&str> = key.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
    let key = PrivateKey::from_pkcs8_pem(&pem).unwrap();
    Arc::new(LocalApplication::new("confluence:4711".parse().unwrap(), key))
});

/// What a receiver has registered for the wiki.
pub(crate) static TRUSTED_WIKI: LazyLock<Arc<TrustedApplication>> = LazyLock::new(|| {
    TrustedApplication::builder(WIKI.id().clone(), WIKI.public_key().clone())
        .addresses(AddressRule::any())
        .paths(PathRule::any())
        .schemes([Scheme::SeraphV3, Scheme::InsecureSeraphV2])
        .build()
        .unwrap()
        .into()
});

/// Verifies the request's headers against the URL under which a receiver sees it.
pub(crate) fn verify_for(url: &str, headers: &HeaderMap) -> Result<VerifiedSignature, Rejection> {
    let credentials = Credentials::parse(headers)?.expect("the request is signed");
    let verified = credentials.verify(&TRUSTED_WIKI, url, Timestamp::from_millis(0))?;
    Ok(verified.signature().clone())
}

/// The user and the time for which the request is signed, if it is, under the URL at which it arrives.
pub(crate) fn verified(sent: &Parts) -> (String, Timestamp) {
    let signature = verify_for(&url_on_arrival(sent), &sent.headers).unwrap();
    (signature.user().to_owned(), signature.created())
}

/// The URL that a receiver rebuilds, for an HTTP/1.1 client that leaves out default ports and sends
/// no other spelling than the one it was given.
pub(crate) fn url_on_arrival(sent: &Parts) -> String {
    let scheme = sent.uri.scheme_str().unwrap_or("https");
    let host = match (sent.headers.get(HOST), sent.uri.authority()) {
        (Some(host), _) => host.to_str().unwrap().to_owned(),
        (None, Some(authority)) => match (scheme, authority.port_u16()) {
            ("http", Some(80)) | ("https", Some(443)) | (_, None) => authority.host().to_owned(),
            (_, Some(port)) => format!("{}:{port}", authority.host()),
        },
        (None, None) => "tracker.example.com".to_owned(),
    };
    let query = sent.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{scheme}://{host}{}{query}", sent.uri.path())
}

/// Whether any header claims a trusted request.
pub(crate) fn is_anonymous(sent: &Parts) -> bool {
    !sent.headers.keys().any(|name| name.as_str().starts_with("x-seraph-trusted-app"))
}

/// A clock that stands until it is moved.
#[derive(Clone)]
pub(crate) struct Hand(Arc<AtomicI64>);

impl Hand {
    pub(crate) fn at(time: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(time.as_millis())))
    }

    pub(crate) fn forward(&self, by: Duration) {
        self.0.fetch_add(by.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn back(&self, by: Duration) {
        self.0.fetch_sub(by.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A signer far away: it takes its time, counts, and fails as often as it is told to.
#[derive(Clone)]
pub(crate) struct Remote {
    pub(crate) asked: Arc<AtomicUsize>,
    pub(crate) failures: Arc<AtomicUsize>,
    pub(crate) latency: Duration,
}

impl Remote {
    pub(crate) fn new() -> Self {
        Self { asked: Arc::default(), failures: Arc::default(), latency: Duration::from_millis(20) }
    }

    pub(crate) fn failing(times: usize) -> Self {
        Self { failures: Arc::new(AtomicUsize::new(times)), ..Self::new() }
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Signer for Remote {
    fn application_id(&self) -> &ApplicationId {
        WIKI.application_id()
    }

    async fn sign(&self, request: &SigningRequest<'_>) -> Result<SeraphHeaders, SignError> {
        let unsigned = UnsignedRequest::v3(self.application_id(), request)?;
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.latency).await;
        let failure =
            self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if failure.is_ok() {
            return Err(SignError::signer("no connection"));
        }
        let signature = WIKI.key().sign_sha1(unsigned.message()).map_err(SignError::signer)?;
        Ok(unsigned.finish(&signature))
    }
}

type Answer = dyn Fn(&Parts) -> Response<String> + Send + Sync;

/// An inner service that panics if it is called unready, and keeps what it was given.
pub(crate) struct Probe {
    ready: bool,
    sent: Arc<Mutex<Vec<Parts>>>,
    answer: Arc<Answer>,
}

impl Probe {
    pub(crate) fn new() -> Self {
        Self::answering(|_| Response::default())
    }

    pub(crate) fn answering(answer: impl Fn(&Parts) -> Response<String> + Send + Sync + 'static) -> Self {
        Self { ready: false, sent: Arc::default(), answer: Arc::new(answer) }
    }

    /// Takes what was sent since the last call.
    pub(crate) fn sent(&self) -> Vec<Parts> {
        std::mem::take(&mut self.sent.lock().unwrap())
    }
}

impl Clone for Probe {
    /// A clone is not ready, as with any service.
    fn clone(&self) -> Self {
        Self { ready: false, sent: Arc::clone(&self.sent), answer: Arc::clone(&self.answer) }
    }
}

impl<B> Service<Request<B>> for Probe {
    type Response = Response<String>;
    type Error = BoxError;
    type Future = Ready<Result<Response<String>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called unready");
        let (parts, _) = request.into_parts();
        let response = (self.answer)(&parts);
        self.sent.lock().unwrap().push(parts);
        ready(Ok(response))
    }
}

/// A redirect.
pub(crate) fn redirect(to: &str) -> Response<String> {
    Response::builder().status(StatusCode::FOUND).header("location", to).body(String::new()).unwrap()
}

/// The wiki's layer, at noon.
pub(crate) fn layer() -> SignLayer<Arc<LocalApplication>, Hand> {
    SignLayer::new(Arc::clone(&WIKI)).clock(Hand::at(NOON))
}

/// Sends one request through a fresh probe: what left, or why nothing did.
pub(crate) async fn send<G: Signer>(
    layer: &SignLayer<G, Hand>,
    request: Request<String>,
) -> Result<Parts, client::Error> {
    let probe = Probe::new();
    let service: Sign<Probe, G, Hand> = layer.layer(probe.clone());
    let outcome = service.oneshot(request).await;
    let mut sent = probe.sent();
    match outcome {
        Ok(_) => {
            assert_eq!(sent.len(), 1);
            Ok(sent.remove(0))
        }
        Err(error) => {
            assert!(sent.is_empty(), "refused, yet sent");
            Err(*error.downcast::<client::Error>().expect("the client's own error"))
        }
    }
}

/// A `GET` for a user.
pub(crate) fn get_as(user: &str, uri: &str) -> Request<String> {
    Request::get(uri).extension(client::ActAs::new(user)).body(String::new()).unwrap()
}
