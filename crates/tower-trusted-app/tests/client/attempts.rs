//! Retries and redirects outside of the signer: each attempt is signed on its own, and only for the
//! origin that the first was meant for.

use std::future::{Ready, ready};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use tower::retry::{Policy, RetryLayer};
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt};
use tower_http::follow_redirect::FollowRedirectLayer;
use tower_http::follow_redirect::policy::{FilterCredentials, Limited, PolicyExt};
use tower_trusted_app::client::{ActAs, Error, SignLayer};

use crate::support::{Hand, NOON, Probe, WIKI, get_as, is_anonymous, layer, redirect, verified};

type Body = Empty<&'static [u8]>;

fn request(uri: &str) -> Request<Body> {
    Request::get(uri).extension(ActAs::new("alice")).body(Body::new()).unwrap()
}

#[tokio::test]
async fn a_retry_has_a_stamp_of_its_own() {
    #[derive(Clone)]
    struct ThreeTimes(u8);
    impl Policy<Request<String>, Response<String>, BoxError> for ThreeTimes {
        type Future = Ready<()>;

        fn retry(
            &mut self,
            _: &mut Request<String>,
            result: &mut Result<Response<String>, BoxError>,
        ) -> Option<Ready<()>> {
            self.0 = self.0.checked_sub(1)?;
            result.as_ref().is_ok_and(|response| response.status().is_server_error()).then(|| ready(()))
        }

        fn clone_request(&mut self, request: &Request<String>) -> Option<Request<String>> {
            Some(request.clone())
        }
    }

    let clock = Hand::at(NOON);
    let later = clock.clone();
    let probe = Probe::answering(move |_| {
        later.forward(Duration::from_secs(30));
        Response::builder().status(StatusCode::SERVICE_UNAVAILABLE).body(String::new()).unwrap()
    });
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new(ThreeTimes(3)))
        .layer(SignLayer::new(WIKI.clone()).clock(clock))
        .service(probe.clone());
    service.oneshot(get_as("alice", "https://tracker.example.com/a")).await.unwrap();

    let stamps: Vec<_> = probe.sent().iter().map(|sent| verified(sent).1.millis_since(NOON)).collect();
    assert_eq!(stamps, [0, 30_000, 60_000, 90_000]);
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_signed_anew() {
    let probe = Probe::answering(|sent| match sent.uri.path() {
        "/old" => redirect("/new?from=old"),
        _ => Response::default(),
    });
    let service =
        ServiceBuilder::new().layer(FollowRedirectLayer::new()).layer(layer()).service(probe.clone());
    service.oneshot(request("https://tracker.example.com/old")).await.unwrap();

    let sent = probe.sent();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1].uri, "https://tracker.example.com/new?from=old");
    for attempt in &sent {
        assert_eq!(verified(attempt).0, "alice");
    }
}

/// tower-http's standard policy drops extensions on the way to another origin.
#[tokio::test]
async fn a_redirect_to_another_origin_is_anonymous() {
    for elsewhere in
        ["https://evil.example/", "http://tracker.example.com/", "https://tracker.example.com:8443/"]
    {
        let probe = Probe::answering(move |sent| match sent.uri.path() {
            "/old" => redirect(elsewhere),
            _ => Response::default(),
        });
        let service =
            ServiceBuilder::new().layer(FollowRedirectLayer::new()).layer(layer()).service(probe.clone());
        service.oneshot(request("https://tracker.example.com/old")).await.unwrap();

        let sent = probe.sent();
        assert_eq!(sent.len(), 2);
        assert_eq!(verified(&sent[0]).0, "alice");
        assert!(is_anonymous(&sent[1]), "{elsewhere}");
    }
}

/// With any other middleware the user may travel along: then nothing is sent at all.
#[tokio::test]
async fn a_user_carried_to_another_origin_is_refused() {
    for elsewhere in
        ["https://evil.example/", "http://tracker.example.com/", "https://tracker.example.com:8443/"]
    {
        let probe = Probe::answering(move |_| redirect(elsewhere));
        let policy =
            Limited::default().and::<_, Body, BoxError>(FilterCredentials::new().keep_all_extensions());
        let service = ServiceBuilder::new()
            .layer(FollowRedirectLayer::with_policy(policy))
            .layer(layer())
            .service(probe.clone());
        let error = service.oneshot(request("https://tracker.example.com/old")).await.unwrap_err();

        assert!(matches!(error.downcast_ref(), Some(Error::ForeignOrigin { .. })), "{error}");
        assert_eq!(probe.sent().len(), 1, "{elsewhere}");
    }
}

/// By hand, as a middleware would that clones requests.
#[tokio::test]
async fn a_clone_goes_where_the_first_went() {
    let probe = Probe::new();
    let service = layer().layer(probe.clone());
    let first = get_as("alice", "https://tracker.example.com/a");
    let again = first.clone();
    let mut elsewhere = first.clone();
    *elsewhere.uri_mut() = "https://evil.example/a".parse().unwrap();

    service.clone().oneshot(first).await.unwrap();
    let error = service.clone().oneshot(elsewhere).await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Error::ForeignOrigin { .. })), "{error}");
    service.oneshot(again).await.unwrap();
    assert_eq!(probe.sent().len(), 2);
}
