//! Stores that fail, under the layer: the answer is a refusal, in time, and never a pass.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use tower::ServiceExt;
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::users::MemoryDirectory;
use trusted_app_core::{KeyStore, UserDirectory};
use trusted_app_test::{FaultyDirectory, FaultyKeyStore, FixedClock, TestIdentity};

async fn status(keys: impl KeyStore, users: impl UserDirectory) -> StatusCode {
    let clock = FixedClock::default();
    let layer = trusted_app_axum::layer_builder(keys, users, "https://tracker.test".parse().unwrap())
        .clock(clock.clone())
        .lookup_timeout(Duration::from_millis(20))
        .build()
        .unwrap();
    let app = Router::new().route("/", get(|| async {})).layer(layer);
    let request = Request::get("https://tracker.test/").body(Body::empty()).unwrap();
    app.oneshot(TestIdentity::wiki().sign(request, "alice", &clock)).await.unwrap().status()
}

fn keys() -> MemoryKeyStore {
    MemoryKeyStore::new([TestIdentity::wiki().trusted().build().unwrap()]).unwrap()
}

#[tokio::test]
async fn of_the_key_store() {
    let users = || MemoryDirectory::of_names(["alice"]);
    assert_eq!(status(keys(), users()).await, StatusCode::OK);
    assert_eq!(status(FaultyKeyStore::errs(), users()).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(status(FaultyKeyStore::hangs(), users()).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(status(FaultyKeyStore::knows_nobody(), users()).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn of_the_user_directory() {
    assert_eq!(status(keys(), FaultyDirectory::<()>::errs()).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(status(keys(), FaultyDirectory::<()>::hangs()).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(status(keys(), FaultyDirectory::<()>::denies()).await, StatusCode::FORBIDDEN);
    let refused = status(keys(), FaultyDirectory::<()>::knows_nobody()).await;
    assert!(refused.is_client_error(), "{refused}");
}
