//! Applications that change while requests are served.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_trusted_app::application::TrustedApplicationBuilder;
use tower_trusted_app::conditions::PathRule;
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::seraph::Code;
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{Rejected, TrustedAppLayer};
use trusted_app_test::{FixedClock, TestIdentity};
use trusted_app_tests::exchange::send;
use trusted_app_tests::{URL, public_url};

/// The wiki with the key that it had.
fn old() -> TestIdentity {
    TestIdentity::wiki()
}

/// The wiki with the key that it gets.
fn new() -> TestIdentity {
    TestIdentity::stranger().with_id("wiki")
}

fn trusting(identity: &TestIdentity) -> TrustedApplicationBuilder {
    identity.trusted().paths(PathRule::prefixes(["/rest"]))
}

fn tracker(keys: MemoryKeyStore) -> TrustedAppLayer<MemoryKeyStore, MemoryDirectory> {
    TrustedAppLayer::builder(keys, MemoryDirectory::of_names(["alice"]), public_url())
        .clock(FixedClock::default())
        .max_concurrent_verifications(usize::MAX)
        .build()
        .unwrap()
}

fn signed_by(identity: &TestIdentity, url: &str) -> Request<()> {
    identity.sign(Request::get(url).body(()).unwrap(), "alice", &FixedClock::default())
}

async fn answer(_: Request<()>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::default()))
}

/// How many requests are under way at once.
const REQUESTS: usize = 1_000;

/// Sends many requests at once, while the applications are changed in between, and hands out how they ended.
async fn storm<S>(service: S, requests: Vec<Request<()>>, change: impl FnOnce()) -> Vec<Option<Code>>
where
    S: Service<Request<()>, Response = Response<Full<Bytes>>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let start = Arc::new(Barrier::new(requests.len() + 1));
    let mut tasks = JoinSet::new();
    for request in requests {
        let (service, start) = (service.clone(), Arc::clone(&start));
        tasks.spawn(async move {
            start.wait().await;
            let response = service.oneshot(request).await.unwrap();
            let rejection = response.extensions().get::<Rejected>();
            assert_eq!(rejection.is_none(), response.status() == StatusCode::OK);
            rejection.map(|rejected| Code::of(rejected.reason()))
        });
    }
    start.wait().await;
    change();
    tasks.join_all().await
}

/// A thousand requests by these, each for a URL of its own or all for a few.
fn requests(identities: &[TestIdentity], urls: usize) -> Vec<Request<()>> {
    let signed: Vec<_> = (0..urls.min(REQUESTS))
        .map(|number| signed_by(&identities[number % identities.len()], &format!("{URL}?{number}")))
        .collect();
    (0..REQUESTS).map(|number| signed[number % signed.len()].clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_is_rotated_without_one_failed_request() {
    let keys = MemoryKeyStore::new([trusting(&old()).build().unwrap()]).unwrap();
    let service = tracker(keys.clone()).layer(service_fn(answer));
    let both = || trusting(&old()).key(new().local().public_key().clone()).build().unwrap();
    let accepted = vec![None; REQUESTS];

    // The wiki has the old key only.
    let by_old = requests(&[old()], 100);
    assert_eq!(storm(service.clone(), by_old, || drop(keys.insert(both()).unwrap())).await, accepted);

    // Both are registered, and the wiki's nodes change one after the other.
    let by_both = requests(&[old(), new()], 200);
    assert_eq!(storm(service.clone(), by_both, || drop(keys.insert(both()).unwrap())).await, accepted);

    // All have the new one.
    let only_new = trusting(&new()).build().unwrap();
    let by_new = requests(&[new()], REQUESTS);
    assert_eq!(storm(service.clone(), by_new, || drop(keys.insert(only_new).unwrap())).await, accepted);

    // And the old one is worth nothing, though its signatures are remembered.
    let by_old = requests(&[old()], 100);
    let refused = vec![Some(Code::BadSignature); REQUESTS];
    assert_eq!(storm(service, by_old, || ()).await, refused);
}

/// The key is taken away under load: every request sees the old state or the new one, and none sees a third.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_is_withdrawn_under_load() {
    let keys = MemoryKeyStore::new([trusting(&old()).build().unwrap()]).unwrap();
    let service = tracker(keys.clone()).layer(service_fn(answer));
    let only_new = trusting(&new()).build().unwrap();
    let outcomes = storm(service, requests(&[old()], 10), || drop(keys.insert(only_new).unwrap())).await;
    assert!(
        outcomes.iter().all(|outcome| matches!(outcome, None | Some(Code::BadSignature))),
        "{outcomes:?}"
    );
}

/// From the moment `remove` has returned no request is accepted that begins after it, on any thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_accepted_after_the_removal() {
    let keys = MemoryKeyStore::new([trusting(&old()).build().unwrap()]).unwrap();
    let service = tracker(keys.clone()).layer(service_fn(answer));
    let request = signed_by(&old(), URL);
    let (removed, accepted) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let (service, request) = (service.clone(), request.clone());
        let (removed, accepted) = (Arc::clone(&removed), Arc::clone(&accepted));
        tasks.spawn(async move {
            loop {
                let began_after = removed.load(Ordering::SeqCst);
                let response = service.clone().oneshot(request.clone()).await.unwrap();
                match response.extensions().get::<Rejected>().map(|rejected| Code::of(rejected.reason())) {
                    None => {
                        assert!(!began_after, "accepted after the removal");
                        accepted.fetch_add(1, Ordering::SeqCst);
                    }
                    Some(Code::AppUnknown) => break,
                    Some(code) => panic!("{code}"),
                }
                tokio::task::yield_now().await;
            }
        });
    }
    while accepted.load(Ordering::SeqCst) < REQUESTS {
        tokio::task::yield_now().await;
    }
    keys.remove(old().id()).unwrap();
    removed.store(true, Ordering::SeqCst);
    tasks.join_all().await;
}

#[tokio::test]
async fn a_removed_application_is_refused_though_its_signatures_are_remembered() {
    let keys = MemoryKeyStore::new([trusting(&old()).build().unwrap()]).unwrap();
    let layer = tracker(keys.clone());
    let request = || signed_by(&old(), URL);
    for _ in 0..2 {
        send(&layer, request()).await.assert_accepted("alice");
    }
    keys.remove(old().id()).unwrap();
    send(&layer, request()).await.assert_refused(Code::AppUnknown, 401);

    // Back again with another key: what is remembered counts only under the key that made it.
    keys.insert(trusting(&new()).build().unwrap()).unwrap();
    send(&layer, request()).await.assert_refused(Code::BadSignature, 401);
    send(&layer, signed_by(&new(), URL)).await.assert_accepted("alice");

    // Back with its own key, it is the same application as before.
    keys.insert(trusting(&old()).build().unwrap()).unwrap();
    send(&layer, request()).await.assert_accepted("alice");
    send(&layer, signed_by(&new(), URL)).await.assert_refused(Code::BadSignature, 401);
}

/// What is remembered is the signature. Everything else is looked at again.
#[tokio::test]
async fn every_other_change_counts_at_once() {
    let keys = MemoryKeyStore::new([trusting(&old()).build().unwrap()]).unwrap();
    let users = MemoryDirectory::of_names(["alice"]);
    let layer = TrustedAppLayer::builder(keys.clone(), users.clone(), public_url())
        .clock(FixedClock::default())
        .build()
        .unwrap();
    let again = async || send(&layer, signed_by(&old(), URL)).await;
    again().await.assert_accepted("alice");

    keys.insert(trusting(&old()).paths(PathRule::prefixes(["/secure"])).build().unwrap()).unwrap();
    again().await.assert_refused(Code::BadUrl, 403);
    keys.insert(trusting(&old()).addresses("192.0.2.1".parse().unwrap()).build().unwrap()).unwrap();
    again().await.assert_refused(Code::UnknownPeer, 403);
    keys.insert(trusting(&old()).build().unwrap()).unwrap();
    users.deny("alice");
    again().await.assert_refused(Code::PermissionDenied, 403);
    users.remove("alice");
    again().await.assert_refused(Code::UserUnknown, 401);
    users.insert("alice", ());
    again().await.assert_accepted("alice");
}
