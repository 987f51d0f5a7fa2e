//! The contract of `poll_ready`, under every layer we ship.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio::sync::Notify;
use tower::limit::ConcurrencyLimitLayer;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_trusted_app::client::{ActAs, SignLayer};
use tower_trusted_app::keys::{MemoryKeyStore, key_store_fn};
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{ApplicationId, TrustedAppLayer, TrustedApplication};
use trusted_app_tests::{URL, public_url, sign, tracker, wiki, wiki_identity};

/// Panics if it is called without having been polled ready; every clone starts unready.
struct Probe {
    ready: bool,
}

impl Clone for Probe {
    fn clone(&self) -> Self {
        Self { ready: false }
    }
}

impl<B> Service<Request<B>> for Probe {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without being ready");
        std::future::ready(Ok(Response::new(Full::default())))
    }
}

async fn call_twice<S>(mut service: S, request: impl Fn() -> Request<()>)
where
    S: Service<Request<()>, Response = Response<Full<Bytes>>>,
    S::Error: std::fmt::Debug,
{
    for _ in 0..2 {
        let response = service.ready().await.unwrap().call(request()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn no_unready_service_is_called() {
    let signed = || sign(Request::get(URL).body(()).unwrap(), "alice");
    let unsigned = || Request::get(URL).body(()).unwrap();
    let acting = || Request::get(URL).extension(ActAs::new("alice")).body(()).unwrap();
    call_twice(tracker().build().unwrap().layer(Probe { ready: false }), signed).await;
    call_twice(tracker().optional().build().unwrap().layer(Probe { ready: false }), unsigned).await;
    call_twice(tracker().skip(|_, _, _| true).build().unwrap().layer(Probe { ready: false }), signed).await;
    call_twice(SignLayer::new(wiki_identity()).layer(Probe { ready: false }), acting).await;
    call_twice(SignLayer::new(wiki_identity()).layer(Probe { ready: false }), unsigned).await;
    let both = SignLayer::new(wiki_identity()).layer(
        TrustedAppLayer::builder(
            MemoryKeyStore::new([wiki()]).unwrap(),
            MemoryDirectory::of_names(["alice"]),
            public_url(),
        )
        .build()
        .unwrap()
        .layer(ConcurrencyLimitLayer::new(1).layer(Probe { ready: false })),
    );
    call_twice(both, acting).await;
}

/// A request that waits for a slow store must not hold the only permit of a limit further in.
#[tokio::test]
async fn a_waiting_request_holds_no_permit_of_an_inner_limit() {
    let asked = Arc::new(Notify::new());
    let keys = key_store_fn({
        let asked = Arc::clone(&asked);
        move |_: ApplicationId| {
            asked.notify_one();
            pending::<Result<Option<Arc<TrustedApplication>>, Infallible>>()
        }
    });
    let layer = TrustedAppLayer::builder(keys, MemoryDirectory::of_names(["alice"]), public_url())
        .optional()
        .build()
        .unwrap();
    let inner =
        service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) });
    let service = layer.layer(ConcurrencyLimitLayer::new(1).layer(inner));

    let waiting = tokio::spawn(service.clone().oneshot(sign(Request::get(URL).body(()).unwrap(), "alice")));
    asked.notified().await;
    let other = service.oneshot(Request::get(URL).body(()).unwrap());
    let response =
        tokio::time::timeout(Duration::from_secs(10), other).await.expect("the permit is free").unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    waiting.abort();
}
