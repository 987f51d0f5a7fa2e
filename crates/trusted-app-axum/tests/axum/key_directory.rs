//! Our own key directory.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::request::Builder;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::routing::get;
use tower::ServiceExt;
use tower_trusted_app::Clock;
use tower_trusted_app::crypto::{PrivateSignatureKey, SignatureAlgorithm};
use tower_trusted_app::httpsig::{DIRECTORY_PATH, KeyDirectory};
use trusted_app_axum::{key_directory_route, key_directory_route_with};
use trusted_app_test::FixedClock;

use crate::{status, trusting_the_wiki, unsigned};

const URL: &str = "https://wiki.test/.well-known/http-message-signatures-directory";

fn key(algorithm: SignatureAlgorithm) -> PrivateSignatureKey {
    PrivateSignatureKey::generate(algorithm).unwrap()
}

async fn fetch(app: &Router, request: Builder) -> (HeaderMap, Bytes) {
    let response =
        app.clone().oneshot(request.uri(DIRECTORY_PATH).body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let (parts, body) = response.into_parts();
    (parts.headers, axum::body::to_bytes(body, 64 * 1024).await.unwrap())
}

#[tokio::test]
async fn proves_every_key_to_who_asked_our_authority_only() {
    let keys = [key(SignatureAlgorithm::Ed25519), key(SignatureAlgorithm::EcdsaP256Sha256)];
    let clock = FixedClock::default();
    let app = key_directory_route_with(keys.clone(), "wiki.test".parse().unwrap(), clock.clone()).unwrap();

    // The host that a peer names is not signed.
    for host in ["wiki.test", "evil.test"] {
        let (headers, body) = fetch(&app, Request::get("/").header("host", host)).await;
        assert_eq!(headers["content-type"], "application/http-message-signatures-directory+json");
        assert_eq!(headers["cache-control"], "max-age=60");
        let directory = KeyDirectory::verify(URL, &headers, &body, clock.now()).unwrap();
        let found: Vec<_> = directory.keys().iter().map(|one| one.key.clone()).collect();
        assert_eq!(found, keys.iter().map(|key| key.public_key().clone()).collect::<Vec<_>>());
        let elsewhere = URL.replace("wiki", "evil");
        assert!(KeyDirectory::verify(&elsewhere, &headers, &body, clock.now()).is_err());
    }
}

#[tokio::test]
async fn signed_anew_by_the_clock_and_not_for_each_request() {
    let clock = FixedClock::default();
    let keys = [key(SignatureAlgorithm::EcdsaP256Sha256)];
    let app = key_directory_route_with(keys, "wiki.test".parse().unwrap(), clock.clone()).unwrap();
    let ask = || fetch(&app, Request::get("/"));

    let (first, _) = ask().await;
    clock.advance(Duration::from_secs(59));
    assert_eq!(ask().await.0["signature"], first["signature"]);
    clock.advance(Duration::from_secs(1));
    let (second, body) = ask().await;
    assert_ne!(second["signature-input"], first["signature-input"]);

    clock.advance(Duration::from_secs(3600));
    assert!(KeyDirectory::verify(URL, &second, &body, clock.now()).is_err());
    let (third, body) = ask().await;
    KeyDirectory::verify(URL, &third, &body, clock.now()).unwrap();
}

#[tokio::test]
async fn for_get_and_head_only_before_and_behind_the_layer() {
    let route =
        || key_directory_route([key(SignatureAlgorithm::Ed25519)], "wiki.test".parse().unwrap()).unwrap();
    let routes = || Router::new().route("/issues", get(|| async {}));
    for app in [
        routes().merge(route()).layer(trusting_the_wiki().build().unwrap()),
        routes().layer(trusting_the_wiki().build().unwrap()).merge(route()),
    ] {
        let (_, body) = fetch(&app, Request::head("/")).await;
        assert!(body.is_empty());
        assert!(!fetch(&app, Request::get("/")).await.1.is_empty());
        assert_eq!(status(&app, unsigned("/issues")).await, StatusCode::UNAUTHORIZED);
        let elsewhere = format!("/issues{DIRECTORY_PATH}");
        assert_ne!(status(&app, unsigned(&elsewhere)).await, StatusCode::OK);
    }
    let app: Router = route();
    let request = Request::builder().method(Method::POST).uri(DIRECTORY_PATH).body(Body::empty()).unwrap();
    assert_eq!(status(&app, request).await, StatusCode::METHOD_NOT_ALLOWED);
}

#[test]
fn too_many_keys_are_refused_at_once() {
    let keys = vec![key(SignatureAlgorithm::Ed25519); 17];
    assert!(key_directory_route::<()>(keys, "wiki.test".parse().unwrap()).is_err());
}
