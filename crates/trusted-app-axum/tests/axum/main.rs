//! The layer and the extractors in axum routers, with requests that are really signed.
#![allow(clippy::unwrap_used, reason = "tests")]

mod certificate;
mod extract;
mod http_signatures;
mod key_directory;
mod logged;
mod nesting;
mod order;
mod peer;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use tower::ServiceExt;
use tower_trusted_app::TrustedAppLayerBuilder;
use trusted_app_axum::application::TrustedApplication;
use trusted_app_axum::keys::MemoryKeyStore;
use trusted_app_axum::users::MemoryDirectory;
use trusted_app_test::{FixedClock, TestIdentity};

const PUBLIC_URL: &str = "https://tracker.test";

#[derive(Debug, Clone, PartialEq)]
struct User {
    full_name: &'static str,
}

type Layer = TrustedAppLayerBuilder<MemoryKeyStore, MemoryDirectory<User>>;

/// A layer that trusts this application; its only user is alice.
fn trusting(application: TrustedApplication) -> Layer {
    let keys = MemoryKeyStore::new([application]).unwrap();
    let users = MemoryDirectory::new([("alice", User { full_name: "Alice Adams" })]);
    trusted_app_axum::layer_builder(keys, users, PUBLIC_URL.parse().unwrap()).clock(FixedClock::default())
}

/// A layer that trusts the wiki, wherever it is and whatever it asks for.
fn trusting_the_wiki() -> Layer {
    trusting(TestIdentity::wiki().trusted().build().unwrap())
}

fn unsigned(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

/// A request that the wiki signed for alice. Its URI is the one that a server gets: a path.
fn signed(path: &str) -> Request<Body> {
    let request = unsigned(&format!("{PUBLIC_URL}{path}"));
    let mut request = TestIdentity::wiki().sign(request, "alice", &FixedClock::default());
    *request.uri_mut() = path.parse().unwrap();
    request
}

async fn answer(app: &Router, request: Request<Body>) -> (StatusCode, String) {
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 64 * 1024).await.unwrap();
    (status, String::from_utf8(body.into()).unwrap())
}

async fn status(app: &Router, request: Request<Body>) -> StatusCode {
    answer(app, request).await.0
}
