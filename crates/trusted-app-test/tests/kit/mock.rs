//! Handlers behind a caller that nobody verified.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use tower::ServiceExt;
use trusted_app_axum::{Caller, CallingApplication};
use trusted_app_test::{InsecureMockCallerLayer, TestIdentity};

async fn handler(caller: Caller<u32>, calling: CallingApplication) -> String {
    assert_eq!(caller.scheme(), None);
    format!("{} {} {}", caller.user_name(), caller.user(), calling.application().name())
}

async fn body(layer: InsecureMockCallerLayer<u32>) -> String {
    let app = Router::new().route("/", get(handler)).layer(layer);
    let response = app.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body = axum::body::to_bytes(response.into_body(), 1024).await.unwrap();
    String::from_utf8(body.into()).unwrap()
}

#[tokio::test]
async fn every_extractor_finds_the_caller() {
    assert_eq!(body(InsecureMockCallerLayer::acting_as("alice", 7)).await, "alice 7 wiki");
    let tracker = TestIdentity::tracker().trusted().name("Tracker").build().unwrap();
    assert_eq!(body(InsecureMockCallerLayer::new(tracker, "bob", 8)).await, "bob 8 Tracker");
}
