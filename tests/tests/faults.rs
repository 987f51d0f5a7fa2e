//! What a store does wrong, and the answer: an outage is 503, never 401, never a pass, never a hang.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use tower::{Layer, ServiceExt, service_fn};
use tower_trusted_app::keys::{MemoryKeyStore, key_store_fn};
use tower_trusted_app::users::{MemoryDirectory, user_directory_fn};
use tower_trusted_app::{
    ApplicationId, KeyStore, Rejected, Rejection, TrustedAppLayer, TrustedAppLayerBuilder,
    TrustedApplication, UserDirectory, UserLookup,
};
use trusted_app_tests::{URL, public_url, sign, wiki};

type Found = Option<Arc<TrustedApplication>>;

async fn status_of<K: KeyStore, D: UserDirectory>(
    layer: TrustedAppLayerBuilder<K, D>,
) -> Response<Full<Bytes>> {
    let inner = service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(Full::default())) });
    let begun = Instant::now();
    let request = sign(Request::get(URL).body(()).unwrap(), "alice");
    let response = layer
        .lookup_timeout(Duration::from_millis(50))
        .build()
        .unwrap()
        .layer(inner)
        .oneshot(request)
        .await
        .unwrap();
    assert!(begun.elapsed() < Duration::from_secs(20), "it hung");
    response
}

fn alice() -> MemoryDirectory<()> {
    MemoryDirectory::of_names(["alice"])
}

fn keys() -> MemoryKeyStore {
    MemoryKeyStore::new([wiki()]).unwrap()
}

fn assert_unavailable(response: &Response<Full<Bytes>>) {
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key(header::RETRY_AFTER));
    assert!(matches!(response.extensions().get().map(Rejected::reason), Some(Rejection::Unavailable { .. })));
    let error = response.headers()["x-seraph-trusted-app-error"].to_str().unwrap();
    assert!(error.starts_with("UNAVAILABLE;\t"));
    assert!(!error.contains("password"), "the store's own error stays here");
}

#[tokio::test]
async fn key_store() {
    let fails = key_store_fn(|_: ApplicationId| async { Err::<Found, _>("no route to host, password=x") });
    assert_unavailable(&status_of(TrustedAppLayer::builder(fails, alice(), public_url())).await);
    let hangs = key_store_fn(|_: ApplicationId| pending::<Result<Found, Infallible>>());
    assert_unavailable(&status_of(TrustedAppLayer::builder(hangs, alice(), public_url())).await);
    let denies = key_store_fn(|_: ApplicationId| async { Ok::<Found, Infallible>(None) });
    let response = status_of(TrustedAppLayer::builder(denies, alice(), public_url())).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn user_directory() {
    let fails =
        user_directory_fn(|_: ApplicationId, _: String| async { Err::<UserLookup<()>, _>("password=x") });
    assert_unavailable(&status_of(TrustedAppLayer::builder(keys(), fails, public_url())).await);
    let hangs =
        user_directory_fn(|_: ApplicationId, _: String| pending::<Result<UserLookup<()>, Infallible>>());
    assert_unavailable(&status_of(TrustedAppLayer::builder(keys(), hangs, public_url())).await);
    for (answer, status) in
        [(UserLookup::<()>::Denied, StatusCode::FORBIDDEN), (UserLookup::Unknown, StatusCode::UNAUTHORIZED)]
    {
        let says = user_directory_fn(move |_: ApplicationId, _: String| {
            let answer = answer.clone();
            async { Ok::<_, Infallible>(answer) }
        });
        assert_eq!(status_of(TrustedAppLayer::builder(keys(), says, public_url())).await.status(), status);
    }
}

/// JIRA's policy lets refused requests go on, but not those that nobody could decide about.
#[tokio::test]
async fn an_outage_does_not_continue_as_anonymous() {
    let fails = key_store_fn(|_: ApplicationId| async { Err::<Found, _>("gone") });
    let layer = TrustedAppLayer::builder(fails, alice(), public_url()).insecure_continue_on_failure();
    assert_unavailable(&status_of(layer).await);
    let denies = key_store_fn(|_: ApplicationId| async { Ok::<Found, Infallible>(None) });
    let layer = TrustedAppLayer::builder(denies, alice(), public_url()).insecure_continue_on_failure();
    let response = status_of(layer).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["x-seraph-trusted-app-status"], "ERROR");
}

#[tokio::test]
async fn too_many_at_once() {
    let hangs = key_store_fn(|_: ApplicationId| pending::<Result<Found, Infallible>>());
    let layer = TrustedAppLayer::builder(hangs, alice(), public_url()).max_concurrent_verifications(1);
    let inner =
        service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) });
    let service = layer.build().unwrap().layer(inner);
    let signed = || sign(Request::get(URL).body(()).unwrap(), "alice");
    let waiting = tokio::spawn(service.clone().oneshot(signed()));
    tokio::task::yield_now().await;
    let response =
        tokio::time::timeout(Duration::from_secs(10), service.clone().oneshot(signed())).await.unwrap();
    assert_unavailable(&response.unwrap());
    // A place that was given up is free again.
    waiting.abort();
    waiting.await.unwrap_err();
    let again = tokio::time::timeout(Duration::from_millis(100), service.oneshot(signed())).await;
    assert!(again.is_err(), "it waits for the store, so it has a place");
}
