//! The client: whom it signs for, retries, and a signer that fails.

use std::future::{Ready, ready};
use std::sync::Mutex;
use std::time::Duration;

use http::HeaderMap;
use issues_proto::issues_client::IssuesClient;
use tonic::body::Body;
use tonic::{Code, Request};
use tower::retry::{Policy, RetryLayer};
use tower::util::MapRequestLayer;
use tower::{Layer, ServiceBuilder};
use tower_trusted_app::client::{self, ActAs};
use tower_trusted_app::seraph::{
    CERTIFICATE, REQUEST_HEADERS, SeraphHeaders, SignError, Signer, SigningRequest,
};
use trusted_app_test::{FixedClock, TestIdentity};
use trusted_app_tonic::{ApplicationId, not_sent, sign_layer};

use crate::site::{PUBLIC, Site, acting_as, get, refusal, signer, trusting, wiki};

#[tokio::test]
async fn a_closure_says_for_whom() {
    #[derive(Clone)]
    struct LoggedIn(&'static str);

    let site = Site::start(trusting(wiki())).await;
    let signer = signer(&TestIdentity::wiki(), FixedClock::default())
        .acting_as(|extensions| extensions.get().map(|LoggedIn(user)| ActAs::new(*user)));
    let mut client = IssuesClient::new(signer.layer(site.channel()));

    let mut request = Request::new(get());
    request.extensions_mut().insert(LoggedIn("alice"));
    assert_eq!(client.get(request).await.unwrap().into_inner().summary, "seen by alice");

    // What the request says itself comes first; and nobody is nobody.
    let mut request = acting_as("bob", get());
    request.extensions_mut().insert(LoggedIn("alice"));
    let status = client.get(request).await.unwrap_err();
    assert_eq!(refusal(&status), (Code::Unauthenticated, "USER_UNKNOWN".to_owned()));
    let status = client.get(get()).await.unwrap_err();
    assert_eq!(refusal(&status), (Code::Unauthenticated, "MISSING_CERT".to_owned()));
}

/// Tries again after the clock went on, whatever the answer was.
#[derive(Clone)]
struct OnceMore {
    clock: FixedClock,
    tries: u32,
}

impl<T> Policy<http::Request<Body>, http::Response<T>, tower::BoxError> for OnceMore {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut http::Request<Body>,
        _: &mut Result<http::Response<T>, tower::BoxError>,
    ) -> Option<Ready<()>> {
        self.tries = self.tries.checked_sub(1)?;
        self.clock.advance(Duration::from_secs(30));
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &http::Request<Body>) -> Option<http::Request<Body>> {
        let mut clone = http::Request::new(Body::empty());
        *clone.method_mut() = request.method().clone();
        *clone.uri_mut() = request.uri().clone();
        *clone.headers_mut() = request.headers().clone();
        *clone.extensions_mut() = request.extensions().clone();
        Some(clone)
    }
}

#[tokio::test]
async fn a_retry_is_signed_anew() {
    let sent = std::sync::Arc::new(Mutex::new(Vec::new()));
    let record = {
        let sent = sent.clone();
        MapRequestLayer::new(move |request: http::Request<Body>| {
            sent.lock().unwrap().push(request.headers()[CERTIFICATE].clone());
            request
        })
    };
    let site = Site::start(trusting(wiki())).await;
    let clock = FixedClock::default();
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new(OnceMore { clock: clock.clone(), tries: 2 }))
        .layer(signer(&TestIdentity::wiki(), clock))
        .layer(record)
        .service(site.channel());
    let _ = IssuesClient::new(service).get(acting_as("alice", get())).await;
    let mut sent = sent.lock().unwrap().clone();
    assert_eq!(sent.len(), 3);
    sent.dedup();
    assert_eq!(sent.len(), 3, "each attempt has a stamp of its own");
}

/// A key management service that does not answer.
#[derive(Debug)]
struct Unreachable(ApplicationId);

impl Signer for Unreachable {
    fn application_id(&self) -> &ApplicationId {
        &self.0
    }

    async fn sign(&self, _: &SigningRequest<'_>) -> Result<SeraphHeaders, SignError> {
        Err(SignError::Signer("the key management service does not answer".into()))
    }
}

#[tokio::test]
async fn what_cannot_be_signed_is_not_sent() {
    // Optional: an RPC that arrived unsigned would be served.
    let site = Site::start(trusting(wiki()).optional()).await;
    let signer = sign_layer(Unreachable("wiki".parse().unwrap()), PUBLIC.parse().unwrap());
    let mut client = IssuesClient::new(signer.layer(site.channel()));
    let status = client.get(acting_as("alice", get())).await.unwrap_err();
    assert!(matches!(not_sent(&status), Some(client::Error::Sign(_))), "{status:?}");
    assert!(status.message().contains("not sent"), "{status:?}");
    assert!(site.calls.take().is_empty(), "nothing arrives");

    // A name that must not be signed.
    let mut client = site.client();
    let status = client.get(acting_as("al\nice", get())).await.unwrap_err();
    assert!(not_sent(&status).is_some(), "{status:?}");
    assert!(site.calls.take().is_empty(), "nothing arrives");

    // A refusal by the server is something else.
    let status = client.get(acting_as("bob", get())).await.unwrap_err();
    assert!(not_sent(&status).is_none(), "{status:?}");
}

/// A service that passes on the metadata it received must not lend out its caller's credentials.
#[tokio::test]
async fn credentials_that_stand_on_a_request_do_not_leave() {
    let site = Site::start(trusting(wiki()).optional()).await;
    let mut headers = HeaderMap::new();
    SigningRequest::new(
        "alice",
        &format!("{PUBLIC}/issues.v1.Issues/Get"),
        tower_trusted_app::Clock::now(&FixedClock::default()),
    )
    .sign(TestIdentity::wiki().local())
    .unwrap()
    .apply(&mut headers);
    assert!(REQUEST_HEADERS.iter().any(|name| headers.contains_key(name)));
    let mut request = Request::new(get());
    *request.metadata_mut() = tonic::metadata::MetadataMap::from_headers(headers);
    let issue = site.client().get(request).await.unwrap().into_inner();
    assert_eq!(issue.summary, "seen by nobody");
}
