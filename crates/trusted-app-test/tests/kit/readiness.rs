//! Every layer calls only what is ready.

use std::convert::Infallible;
use std::future::{Ready, ready};

use http::{Request, Response, StatusCode};
use tower::util::ServiceFn;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_trusted_app::client::{ActAs, SignLayer};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{Rejected, TrustedAppLayer, reject_fn};
use trusted_app_test::{FixedClock, InsecureMockCallerLayer, TestIdentity, UnreadyPanics};

const URL: &str = "https://tracker.test/";

/// Answers with nothing, and only when it is ready.
type Probe = UnreadyPanics<ServiceFn<fn(Request<()>) -> Ready<Result<Response<()>, Infallible>>>>;

fn probe() -> Probe {
    UnreadyPanics::new(service_fn(|_| ready(Ok(Response::new(())))))
}

/// One after another and many at a time; the requests are made again each time.
async fn drive<S>(service: S, request: impl Fn() -> Request<()>, expected: StatusCode)
where
    S: Service<Request<()>, Response = Response<()>> + Clone + Send + 'static,
    S::Error: std::fmt::Debug + Send,
    S::Future: Send,
{
    let mut one = service.clone();
    for _ in 0..3 {
        assert_eq!(one.ready().await.unwrap().call(request()).await.unwrap().status(), expected);
    }
    let mut many = tokio::task::JoinSet::new();
    for _ in 0..20 {
        many.spawn(service.clone().oneshot(request()));
    }
    for answer in many.join_all().await {
        assert_eq!(answer.unwrap().status(), expected);
    }
}

fn anonymous() -> Request<()> {
    Request::get(URL).body(()).unwrap()
}

fn signed() -> Request<()> {
    TestIdentity::wiki().sign(anonymous(), "alice", &FixedClock::default())
}

#[tokio::test]
async fn the_layer() {
    let keys = MemoryKeyStore::new([TestIdentity::wiki().trusted().build().unwrap()]).unwrap();
    let layer = TrustedAppLayer::builder(keys, MemoryDirectory::of_names(["alice"]), URL.parse().unwrap())
        .clock(FixedClock::default())
        .rejections(reject_fn(|rejected: &Rejected, _: &http::request::Parts| {
            let mut response = Response::new(());
            *response.status_mut() = rejected.status();
            response
        }));
    let optional = layer.clone().optional().build().unwrap();
    let layer = layer.build().unwrap();
    drive(layer.layer(probe()), signed, StatusCode::OK).await;
    drive(layer.layer(probe()), anonymous, StatusCode::UNAUTHORIZED).await;

    drive(optional.layer(probe()), anonymous, StatusCode::OK).await;
    drive(
        ServiceBuilder::new().layer(&optional).concurrency_limit(1).service(probe()),
        signed,
        StatusCode::OK,
    )
    .await;
    drive(ServiceBuilder::new().layer(&optional).buffer(1).service(probe()), signed, StatusCode::OK).await;
}

#[tokio::test]
async fn the_client() {
    let layer = SignLayer::new(TestIdentity::wiki().local().clone());
    let acting = || Request::get(URL).extension(ActAs::new("alice")).body(()).unwrap();
    drive(layer.layer(probe()), acting, StatusCode::OK).await;
    drive(layer.layer(probe()), anonymous, StatusCode::OK).await;
    drive(ServiceBuilder::new().layer(&layer).concurrency_limit(1).service(probe()), acting, StatusCode::OK)
        .await;
    drive(ServiceBuilder::new().layer(&layer).buffer(1).service(probe()), acting, StatusCode::OK).await;
}

#[tokio::test]
async fn the_mock() {
    drive(InsecureMockCallerLayer::acting_as("alice", ()).layer(probe()), anonymous, StatusCode::OK).await;
}

#[test]
#[should_panic(expected = "called without being ready")]
fn a_clone_of_a_ready_service_is_not_ready() {
    let mut service = UnreadyPanics::new(service_fn(|()| ready(Ok::<_, Infallible>(()))));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(service.poll_ready(&mut context).is_ready());
    drop(service.clone().call(()));
}
