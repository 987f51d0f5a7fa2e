//! HTTP message signatures in axum routers.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use axum::routing::post;
use tower_trusted_app::crypto::{PrivateSignatureKey, SignatureAlgorithm};
use tower_trusted_app::httpsig::{RequestMessage, SigningRequest, UserField};
use tower_trusted_app::replay::MemoryReplayStore;
use tower_trusted_app::{Clock, HttpSignatures};
use trusted_app_axum::Caller;
use trusted_app_axum::application::TrustedApplication;
use trusted_app_axum::conditions::{AddressRule, PathRule};
use trusted_app_test::FixedClock;

use crate::{PUBLIC_URL, User, answer, trusting};

fn signed(key: &PrivateSignatureKey, path: &str, body: &'static str) -> Request<Body> {
    let mut request =
        Request::post(path).header("content-type", "text/plain").body(Body::from(body)).unwrap();
    let url = format!("{PUBLIC_URL}{path}");
    let message = RequestMessage { method: request.method(), url: &url, headers: request.headers() };
    let signing = SigningRequest::new(UserField::new("alice").unwrap(), message, FixedClock::default().now());
    signing.with_body(body.as_bytes()).sign(key).unwrap().apply(request.headers_mut());
    request
}

/// The original path is signed, also under `nest`, and the handler gets the body that was.
#[tokio::test]
async fn a_handler_gets_user_and_body() {
    async fn echo(caller: Caller<User>, body: Bytes) -> String {
        format!("{}: {}", caller.user().full_name, String::from_utf8_lossy(&body))
    }
    let key = PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519).unwrap();
    let signer = TrustedApplication::signing_builder("signer".parse().unwrap(), key.public_key().clone())
        .addresses(AddressRule::any())
        .paths(PathRule::prefixes(["/api"]))
        .build()
        .unwrap();
    let layer = trusting(signer).replay_store(MemoryReplayStore::new(100));
    let layer = layer.http_signatures(HttpSignatures::default()).build().unwrap();
    let app = Router::new().nest("/api", Router::new().route("/echo", post(echo)).layer(layer));

    let good = signed(&key, "/api/echo", "printer on fire");
    assert_eq!(answer(&app, good).await, (StatusCode::OK, "Alice Adams: printer on fire".to_owned()));
    let other = signed(&key, "/api/echo", "printer on fire").map(|_| Body::from("printer is fine"));
    let (status, problem) = answer(&app, other).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(problem.contains("digest_mismatch"), "{problem}");
}
