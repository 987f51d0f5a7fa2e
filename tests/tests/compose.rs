//! The layer and the signer in front of and under what people have: these tests pass if they
//! compile, and then answer as they should.

use std::cell::Cell;
use std::convert::Infallible;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::util::BoxCloneService;
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_trusted_app::client::{ActAs, SignLayer};
use tower_trusted_app::keys::{KeyStoreExt, MemoryKeyStore};
use tower_trusted_app::users::{MemoryDirectory, UserDirectoryExt};
use tower_trusted_app::{Rejected, TrustedApp, TrustedAppLayer, TrustedAppLayerBuilder, reject_fn};

type Tracker = TrustedAppLayerBuilder<MemoryKeyStore, MemoryDirectory<()>>;

fn layer() -> Tracker {
    trusted_app_tests::tracker()
}

fn signed<B>(body: B) -> Request<B> {
    trusted_app_tests::sign(Request::get(trusted_app_tests::URL).body(body).unwrap(), "alice")
}

async fn ok<B>(_: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::default()))
}

fn assert_shareable<T: Clone + Send + Sync + 'static>(value: T) -> T {
    value
}

#[test]
fn layer_and_service_are_clone_send_and_sync() {
    let layer = assert_shareable(layer());
    let _service = assert_shareable(layer.build().unwrap().layer(service_fn(ok::<()>)));
}

#[tokio::test]
async fn an_axum_router() {
    let app =
        axum::Router::new().route("/rest/issues", get(|| async { "issues" })).layer(layer().build().unwrap());
    assert_eq!(
        app.clone().oneshot(signed(axum::body::Body::empty())).await.unwrap().status(),
        StatusCode::OK
    );
    let unsigned = Request::get("/rest/issues").body(axum::body::Body::empty()).unwrap();
    assert_eq!(app.oneshot(unsigned).await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_axum_method_router() {
    let handler = get(|| async { "issues" }).layer(layer().build().unwrap());
    let app = axum::Router::new().route("/rest/issues", handler);
    assert_eq!(app.oneshot(signed(axum::body::Body::empty())).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_hyper_service() {
    // hyper's own `Service` has no readiness; `TowerToHyperService` is how tower goes under it.
    let service = layer().build().unwrap().layer(service_fn(ok::<Full<Bytes>>));
    let service = hyper_util::service::TowerToHyperService::new(service);
    let response = hyper::service::Service::call(&service, signed(Full::default())).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_service_whose_error_is_boxed() {
    async fn fail(_: Request<()>) -> Result<Response<Full<Bytes>>, BoxError> {
        Err("out of order".into())
    }
    let error = layer().build().unwrap().layer(service_fn(fail)).oneshot(signed(())).await.unwrap_err();
    assert_eq!(error.to_string(), "out of order", "the inner error comes out as it is");
}

#[tokio::test]
async fn a_body_that_is_not_sync() {
    let body = Cell::new(1);
    assert_eq!(
        layer().build().unwrap().layer(service_fn(ok)).oneshot(signed(body)).await.unwrap().status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_body_that_is_not_send() {
    let body = std::rc::Rc::new(1);
    assert_eq!(
        layer().build().unwrap().layer(service_fn(ok)).oneshot(signed(body)).await.unwrap().status(),
        StatusCode::OK
    );
}

/// A service whose future is not `Send` and whose request body has a lifetime of its own.
#[derive(Clone)]
struct Local(PhantomData<*const ()>);

impl Service<Request<&str>> for Local {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<&str>) -> Self::Future {
        Box::pin(async { Ok(Response::new(Full::default())) })
    }
}

#[tokio::test]
async fn a_service_that_is_not_send() {
    let text = String::from("borrowed");
    let response =
        layer().build().unwrap().layer(Local(PhantomData)).oneshot(signed(text.as_str())).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn inside_a_service_builder_and_boxed() {
    let service: BoxCloneService<Request<()>, Response<Full<Bytes>>, Infallible> =
        ServiceBuilder::new().layer(layer().build().unwrap()).service_fn(ok::<()>).boxed_clone();
    assert_eq!(service.oneshot(signed(())).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn stores_chosen_at_run_time() {
    let keys = MemoryKeyStore::new([trusted_app_tests::wiki()]).unwrap().boxed();
    let users = MemoryDirectory::of_names(["alice"]).boxed();
    let layer = TrustedAppLayer::builder(keys, users, trusted_app_tests::public_url());
    let service: TrustedApp<_, _, _, _, _> = layer.build().unwrap().layer(service_fn(ok::<()>));
    assert_eq!(service.oneshot(signed(())).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn an_answer_of_ones_own_with_a_body_that_comes_from_no_bytes() {
    #[derive(Debug)]
    struct Page(u16);
    let layer = layer().rejections(reject_fn(|rejected: &Rejected, _: &http::request::Parts| {
        let mut response = Response::new(Page(rejected.status().as_u16()));
        *response.status_mut() = StatusCode::IM_A_TEAPOT;
        response
    }));
    let service = layer
        .build()
        .unwrap()
        .layer(service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(Page(200))) }));
    let response = service.oneshot(Request::get("/rest/issues").body(()).unwrap()).await.unwrap();
    assert_eq!((response.status(), response.body().0), (StatusCode::IM_A_TEAPOT, 401));
    assert!(response.extensions().get::<Rejected>().is_some());
    assert_eq!(response.headers()["x-seraph-trusted-app-status"], "ERROR");
}

#[tokio::test]
async fn the_signer_in_front_of_the_layer() {
    let service = ServiceBuilder::new()
        .layer(SignLayer::new(trusted_app_tests::wiki_identity()))
        .layer(
            TrustedAppLayer::builder(
                MemoryKeyStore::new([trusted_app_tests::wiki()]).unwrap(),
                MemoryDirectory::of_names(["alice"]),
                trusted_app_tests::public_url(),
            )
            .build()
            .unwrap(),
        )
        .service_fn(ok::<()>);
    let request = Request::get(trusted_app_tests::URL).extension(ActAs::new("alice")).body(()).unwrap();
    assert_eq!(service.oneshot(request).await.unwrap().status(), StatusCode::OK);
}
