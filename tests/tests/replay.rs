//! Requests that count once: which they are, for how long, and what burns none.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tower::{Layer, ServiceExt, service_fn};
use tower_trusted_app::conditions::{MethodRule, PathRule, ReplayProtection};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::rejection::Store;
use tower_trusted_app::replay::MemoryReplayStore;
use tower_trusted_app::seraph::Code;
use tower_trusted_app::seraph::{SIGNATURE, SigningRequest};
use tower_trusted_app::users::{MemoryDirectory, user_directory_fn};
use tower_trusted_app::{
    ApplicationId, Clock, Rejected, Rejection, Scheme, Timestamp, TrustedAppLayer, TrustedAppLayerBuilder,
    UserDirectory, UserLookup,
};
use tracing::Level;
use trusted_app_test::{FaultyReplayStore, FixedClock, TestIdentity};
use trusted_app_tests::exchange::{Answer, send};
use trusted_app_tests::log::Log;
use trusted_app_tests::refusals::trusted;
use trusted_app_tests::{URL, public_url};

/// Everything that a test changes while requests are sent.
struct Tracker {
    layer: TrustedAppLayerBuilder<MemoryKeyStore, MemoryDirectory>,
    keys: MemoryKeyStore,
    users: MemoryDirectory,
    claims: MemoryReplayStore,
    clock: FixedClock,
}

impl Tracker {
    fn new(protection: ReplayProtection) -> Self {
        let keys = MemoryKeyStore::new([trusted().replay_protection(protection).build().unwrap()]).unwrap();
        let users = MemoryDirectory::of_names(["alice", "bob"]);
        let (claims, clock) = (MemoryReplayStore::default(), FixedClock::default());
        let layer = TrustedAppLayer::builder(keys.clone(), users.clone(), public_url())
            .replay_store(claims.clone())
            .clock(clock.clone());
        Self { layer, keys, users, claims, clock }
    }

    async fn receives(&self, request: &Request<()>) -> Answer {
        send(&self.layer, request.clone()).await
    }

    /// Time passes, and the server's clock shows it.
    async fn passes(&self, time: Duration) {
        tokio::time::advance(time).await;
        self.clock.advance(time);
    }
}

/// Signed by the wiki for alice, so many milliseconds after the clock's first time.
fn signed(method: &str, ahead_ms: i64) -> Request<()> {
    let clock = FixedClock::new(Timestamp::from_millis(FixedClock::default().now().as_millis() + ahead_ms));
    TestIdentity::wiki().sign(Request::builder().method(method).uri(URL).body(()).unwrap(), "alice", &clock)
}

const QUARTER_HOUR_MS: i64 = 15 * 60 * 1000;

#[tokio::test]
async fn identical_headers_pass_for_15_minutes_where_protection_is_off() {
    let tracker = Tracker::new(ReplayProtection::Off);
    // As Atlassian's clients do it.
    let request = signed("POST", QUARTER_HOUR_MS);
    for _ in 0..15 {
        tracker.receives(&request).await.assert_accepted("alice");
        tracker.clock.advance(Duration::from_secs(60));
    }
    tracker.receives(&request).await.assert_accepted("alice");
    assert!(tracker.claims.is_empty());
}

#[tokio::test(start_paused = true)]
async fn identical_headers_are_refused_as_long_as_they_are_good_where_protection_is_on() {
    for ahead_ms in [-10_000, 0, QUARTER_HOUR_MS, QUARTER_HOUR_MS + 60_000] {
        let tracker = Tracker::new(ReplayProtection::Every);
        let request = signed("GET", ahead_ms);
        let too_old_at = tracker.clock.now().as_millis() + ahead_ms + 10_001;
        tracker.receives(&request).await.assert_accepted("alice");
        while tracker.clock.now().as_millis() < too_old_at {
            tracker.receives(&request).await.assert_refused(Code::Replayed, 401);
            tracker.passes(Duration::from_millis(997)).await;
        }
        tracker.receives(&request).await.assert_refused(Code::OldCert, 401);

        // A server whose clock is behind by the skew would still accept it, so it is still held.
        assert_eq!(tracker.claims.len(), 1);
        let until = Timestamp::from_millis(too_old_at + 59_999).millis_since(tracker.clock.now());
        tracker.passes(Duration::from_millis(until.unsigned_abs())).await;
        send(&tracker.layer, sign_now(&tracker.clock, "alice", URL)).await.assert_accepted("alice");
        assert_eq!(tracker.claims.len(), 2);
        // And then it is not.
        tracker.passes(Duration::from_secs(2)).await;
        send(&tracker.layer, sign_now(&tracker.clock, "alice", URL)).await.assert_accepted("alice");
        assert_eq!(tracker.claims.len(), 2);
    }
}

fn sign_now(clock: &FixedClock, user: &str, url: &str) -> Request<()> {
    TestIdentity::wiki().sign(Request::get(url).body(()).unwrap(), user, clock)
}

#[tokio::test]
async fn the_stronger_of_layer_and_application_holds() {
    for application in ReplayProtection::ALL {
        for layer in ReplayProtection::ALL {
            for method in ["GET", "HEAD", "PUT", "DELETE", "POST", "PATCH", "PURGE"] {
                let mut tracker = Tracker::new(application);
                tracker.layer = tracker.layer.replay_protection(layer);
                let request = signed(method, 0);
                tracker.receives(&request).await.assert_accepted("alice");
                let again = tracker.receives(&request).await;
                let is_idempotent = !["POST", "PATCH", "PURGE"].contains(&method);
                match application.max(layer) {
                    ReplayProtection::Every => again.assert_refused(Code::Replayed, 401),
                    ReplayProtection::NonIdempotent if !is_idempotent => {
                        again.assert_refused(Code::Replayed, 401);
                    }
                    _ => again.assert_accepted("alice"),
                }
            }
        }
    }
}

/// The method is not signed, so a certificate that is sent with several is one certificate.
#[tokio::test]
async fn another_method_is_no_other_claim() {
    let tracker = Tracker::new(ReplayProtection::NonIdempotent);
    tracker.receives(&signed("POST", 0)).await.assert_accepted("alice");
    tracker.receives(&signed("PATCH", 0)).await.assert_refused(Code::Replayed, 401);
    tracker.receives(&signed("GET", 0)).await.assert_accepted("alice");
}

#[tokio::test]
async fn each_signature_is_a_claim_of_its_own() {
    let tracker = Tracker::new(ReplayProtection::Every);
    let mut later = tracker.clock.clone();
    later = FixedClock::new(later.now().saturating_add(Duration::from_millis(1)));
    for (clock, user, url) in [
        (&tracker.clock, "alice", URL.to_owned()),
        (&later, "alice", URL.to_owned()),
        (&tracker.clock, "bob", URL.to_owned()),
        (&tracker.clock, "alice", format!("{URL}?")),
        (&tracker.clock, "alice", format!("{URL}?id=1")),
    ] {
        let request = sign_now(clock, user, &url);
        tracker.receives(&request).await.assert_accepted(user);
        tracker.receives(&request).await.assert_refused(Code::Replayed, 401);
    }
}

/// Seraph 2 signs time and URL, so whoever captured a request may name another user, but not again.
#[tokio::test]
async fn what_is_not_signed_makes_no_other_claim() {
    let tracker = Tracker::new(ReplayProtection::Off);
    let version_2 = trusted().schemes([Scheme::InsecureSeraphV2]).replay_protection(ReplayProtection::Every);
    tracker.keys.insert(version_2.build().unwrap()).unwrap();
    let in_version_2 = |user: &str| {
        let mut request = Request::get(URL).body(()).unwrap();
        let signing = SigningRequest::new(user, URL, tracker.clock.now());
        let signed = signing.with_scheme(Scheme::InsecureSeraphV2).sign(TestIdentity::wiki().local());
        signed.unwrap().apply(request.headers_mut());
        request
    };
    let (alice, bob) = (in_version_2("alice"), in_version_2("bob"));
    assert_eq!(alice.headers()[SIGNATURE], bob.headers()[SIGNATURE]);
    tracker.receives(&alice).await.assert_accepted("alice");
    tracker.receives(&bob).await.assert_refused(Code::Replayed, 401);
}

/// Unused bits at the end and blanks are passed over, as the original does.
#[tokio::test]
async fn a_signature_written_in_another_way_is_the_same() {
    let tracker = Tracker::new(ReplayProtection::Every);
    let request = signed("GET", 0);
    tracker.receives(&request).await.assert_accepted("alice");
    let signature = request.headers()[SIGNATURE].to_str().unwrap().to_owned();
    let (dense, padding) = signature.split_at(signature.len() - 3);
    let last = char::from(padding.as_bytes()[0] + 1);
    for otherwise in [format!("{dense}{last}=="), format!("{} {}", &dense[..9], &signature[9..])] {
        assert_ne!(otherwise, signature);
        let mut again = request.clone();
        again.headers_mut().insert(SIGNATURE, otherwise.parse().unwrap());
        tracker.receives(&again).await.assert_refused(Code::Replayed, 401);
    }
}

/// The claim comes last: once the reason is gone, the very same request is accepted.
#[tokio::test]
async fn a_request_that_is_refused_for_anything_else_burns_nothing() {
    let tracker = Tracker::new(ReplayProtection::Every);
    let request = signed("GET", 0);
    let register = |application| drop(tracker.keys.insert(application).unwrap());
    let once = || trusted().replay_protection(ReplayProtection::Every);

    tracker.keys.remove(TestIdentity::wiki().id());
    tracker.receives(&request).await.assert_refused(Code::AppUnknown, 401);
    register(TestIdentity::stranger().with_id("wiki").trusted().build().unwrap());
    tracker.receives(&request).await.assert_refused(Code::BadSignature, 401);
    register(once().schemes([Scheme::InsecureSeraphV2]).build().unwrap());
    tracker.receives(&request).await.assert_refused(Code::BadProtocolVersion, 401);
    register(once().methods(MethodRule::only([Method::POST])).build().unwrap());
    tracker.receives(&request).await.assert_refused(Code::BadMethod, 403);
    register(once().addresses("192.0.2.1".parse().unwrap()).build().unwrap());
    tracker.receives(&request).await.assert_refused(Code::UnknownPeer, 403);
    register(once().paths(PathRule::prefixes(["/secure"])).build().unwrap());
    tracker.receives(&request).await.assert_refused(Code::BadUrl, 403);
    register(once().build().unwrap());
    tracker.users.deny("alice");
    tracker.receives(&request).await.assert_refused(Code::PermissionDenied, 403);
    tracker.users.remove("alice");
    tracker.receives(&request).await.assert_refused(Code::UserUnknown, 401);
    tracker.clock.advance(Duration::from_secs(11));
    tracker.receives(&request).await.assert_refused(Code::OldCert, 401);
    assert!(tracker.claims.is_empty());

    tracker.clock.set(FixedClock::default().now());
    tracker.users.insert("alice", ());
    tracker.receives(&request).await.assert_accepted("alice");
    tracker.receives(&request).await.assert_refused(Code::Replayed, 401);
}

#[tokio::test]
async fn bad_signatures_leave_the_store_empty() {
    let tracker = Tracker::new(ReplayProtection::Every);
    for number in 0..1_000 {
        let mut request = signed("POST", number);
        *request.uri_mut() = format!("{URL}?{number}").parse().unwrap();
        tracker.receives(&request).await.assert_refused(Code::BadSignature, 401);
    }
    assert!(tracker.claims.is_empty());
}

/// Otherwise two of them that wait for a slow directory could outlive their claim.
#[tokio::test]
async fn a_certificate_that_became_too_old_on_the_way_is_refused() {
    let Tracker { keys, claims, clock, .. } = Tracker::new(ReplayProtection::Every);
    let slow = user_directory_fn({
        let clock = clock.clone();
        move |_: ApplicationId, name: String| {
            clock.advance(Duration::from_millis(6_000));
            ready(Ok::<_, Infallible>(UserLookup::found(name, ())))
        }
    });
    let layer = TrustedAppLayer::builder(keys, slow, public_url()).replay_store(claims.clone()).clock(clock);
    send(&layer, signed("GET", 0)).await.assert_accepted("alice");
    send(&layer, signed("GET", 1)).await.assert_refused(Code::OldCert, 401);
    assert_eq!(claims.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_at_once_one_is_accepted() {
    const REQUESTS: usize = 1_000;
    let tracker = Tracker::new(ReplayProtection::Every);
    let layer = tracker.layer.clone().max_concurrent_verifications(usize::MAX);
    let service = layer.build().unwrap().layer(service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    }));
    let (request, start) = (signed("GET", 0), Arc::new(Barrier::new(REQUESTS)));
    let mut tasks = JoinSet::new();
    for _ in 0..REQUESTS {
        let (service, request, start) = (service.clone(), request.clone(), Arc::clone(&start));
        tasks.spawn(async move {
            start.wait().await;
            service
                .oneshot(request)
                .await
                .unwrap()
                .extensions()
                .get::<Rejected>()
                .map(|rejected| Code::of(rejected.reason()))
        });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|code| code.is_none()).count(), 1);
    assert_eq!(outcomes.iter().filter(|code| **code == Some(Code::Replayed)).count(), REQUESTS - 1);
}

/// What waits for the replay store is in verification too.
#[tokio::test]
async fn a_replay_store_that_hangs_holds_no_more_requests_than_may_be_verified() {
    let layer = Tracker::new(ReplayProtection::Every).layer.replay_store(FaultyReplayStore::hangs());
    let layer =
        layer.max_concurrent_verifications(2).lookup_timeout(Duration::from_secs(60)).build().unwrap();
    let waiting: Vec<_> = (0..2)
        .map(|number| {
            let (layer, request) = (layer.clone(), signed("POST", number));
            tokio::spawn(async move { send(&layer, request).await })
        })
        .collect();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let answer = send(&layer, signed("POST", 2)).await;
    assert_eq!(
        answer.response.extensions().get().map(Rejected::reason),
        Some(&Rejection::Unavailable { store: Store::Verification })
    );
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}

/// The clock goes ahead by two hours and back, as a wrong time server or a virtual machine makes it.
#[tokio::test(start_paused = true)]
async fn a_request_is_not_accepted_again_because_the_clock_was_wrong_meanwhile() {
    let tracker = Tracker::new(ReplayProtection::Every);
    let (captured, start) = (signed("GET", 0), tracker.clock.now());
    tracker.receives(&captured).await.assert_accepted("alice");
    tracker.clock.advance(Duration::from_secs(2 * 3600));
    for number in 0..3 {
        let request = sign_now(&tracker.clock, "alice", &format!("{URL}?{number}"));
        tracker.receives(&request).await.assert_accepted("alice");
    }
    tracker.clock.set(start);
    tracker.receives(&captured).await.assert_refused(Code::Replayed, 401);
    // What is signed now was not accepted before.
    tracker.receives(&signed("POST", 1)).await.assert_accepted("alice");
    tracker.passes(Duration::from_secs(1)).await;
    tracker.receives(&signed("POST", 1000)).await.assert_accepted("alice");
    tracker.receives(&captured).await.assert_refused(Code::Replayed, 401);
}

/// Nothing remembers the request any more, and by the clock it is good once again.
#[tokio::test(start_paused = true)]
async fn a_request_is_not_accepted_again_because_the_clock_was_set_back_after_its_claim_had_lapsed() {
    let log = Log::start();
    let tracker = Tracker::new(ReplayProtection::Every);
    let (captured, start) = (signed("GET", 0), tracker.clock.now());
    tracker.receives(&captured).await.assert_accepted("alice");
    tracker.passes(Duration::from_secs(3600)).await;
    tracker.receives(&captured).await.assert_refused(Code::OldCert, 401);
    tracker.clock.set(start);
    drop(log.take());
    assert_unavailable(&tracker.receives(&captured).await);
    assert!(log.take().iter().any(|record| format!("{record:?}").contains("was set back by 3600s")));
    tracker.clock.set(start.saturating_add(Duration::from_secs(3600)));
    send(&tracker.layer, sign_now(&tracker.clock, "alice", URL)).await.assert_accepted("alice");
}

/// A layer that accepts each request once, over any store.
fn once_over(
    store: impl tower_trusted_app::ReplayStore,
) -> TrustedAppLayerBuilder<MemoryKeyStore, MemoryDirectory> {
    Tracker::new(ReplayProtection::Every).layer.replay_store(store).lookup_timeout(Duration::from_millis(20))
}

fn assert_unavailable(answer: &Answer) {
    answer.assert_refused(Code::Unavailable, 503);
    assert_eq!(
        answer.response.extensions().get().map(Rejected::reason),
        Some(&Rejection::Unavailable { store: Store::ReplayStore })
    );
}

#[tokio::test]
async fn a_store_that_cannot_tell_is_503_and_never_a_pass() {
    for store in [FaultyReplayStore::errs(), FaultyReplayStore::hangs()] {
        for layer in
            [once_over(store), once_over(store).optional(), once_over(store).insecure_continue_on_failure()]
        {
            assert_unavailable(&send(&layer, signed("GET", 0)).await);
        }
    }
    let full = MemoryReplayStore::new(1);
    let layer = once_over(full.clone());
    send(&layer, signed("GET", 0)).await.assert_accepted("alice");
    assert_unavailable(&send(&layer, signed("GET", 1)).await);
    send(&layer, signed("GET", 0)).await.assert_refused(Code::Replayed, 401);
    assert_eq!(full.len(), 1);
}

/// What does not count once asks no store, so its outage harms nobody else.
#[tokio::test]
async fn a_request_that_need_not_count_once_passes_by_the_store() {
    let tracker = Tracker::new(ReplayProtection::NonIdempotent);
    let layer = tracker.layer.clone().replay_store(FaultyReplayStore::errs());
    send(&layer, signed("GET", 0)).await.assert_accepted("alice");
    assert_unavailable(&send(&layer, signed("POST", 0)).await);
}

#[tokio::test]
async fn an_application_that_wants_a_store_where_there_is_none_is_refused_and_the_log_says_why() {
    fn without_store<D: UserDirectory<User = ()>>(users: D) -> TrustedAppLayerBuilder<MemoryKeyStore, D> {
        let once = trusted().replay_protection(ReplayProtection::NonIdempotent).build().unwrap();
        TrustedAppLayer::builder(MemoryKeyStore::new([once]).unwrap(), users, public_url())
            .clock(FixedClock::default())
    }
    let log = Log::start();
    let layer = without_store(MemoryDirectory::of_names(["alice"]));
    send(&layer, signed("GET", 0)).await.assert_accepted("alice");
    assert!(log.take().iter().all(|record| record.level > Level::WARN));
    assert_unavailable(&send(&layer, signed("POST", 0)).await);
    let records = log.take();
    let record = records.iter().find(|record| record.level == Level::ERROR).expect("an error");
    assert!(record.message.contains("no replay store"), "{record:?}");
    assert_eq!(record.fields["application"], "wiki");
    assert_eq!(record.fields["replay_protection"], "non-idempotent");
}
