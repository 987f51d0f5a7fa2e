//! The directory is not asked on every request, and what it said is not believed for ever.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Request;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::seraph::Code;
use tower_trusted_app::users::{CachedDirectory, MemoryDirectory};
use tower_trusted_app::{BoxError, TrustedAppLayer, TrustedApplication, UserDirectory, UserLookup};
use trusted_app_test::{FixedClock, TestIdentity};
use trusted_app_tests::exchange::send;
use trusted_app_tests::{URL, public_url, wiki};

/// Counts how often it is asked; answers only when it is let.
#[derive(Clone)]
struct Counting {
    users: MemoryDirectory,
    asked: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
    fails: Arc<AtomicUsize>,
}

impl Counting {
    fn open() -> Self {
        Self { gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)), ..Self::closed() }
    }

    fn closed() -> Self {
        let users = MemoryDirectory::of_names(["alice", "bob"]);
        users.deny("mallory");
        let (asked, fails) = Default::default();
        Self { users, asked, gate: Arc::new(Semaphore::new(0)), fails }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl UserDirectory for Counting {
    type User = ();
    type Error = BoxError;

    async fn user(&self, application: &TrustedApplication, name: &str) -> Result<UserLookup<()>, BoxError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let Ok::<_, Infallible>(answer) = self.users.user(application, name).await;
        self.gate.acquire().await?.forget();
        if self.fails.load(Ordering::SeqCst) > 0 {
            return Err("the directory is away".into());
        }
        Ok(answer)
    }
}

fn cached(directory: &Counting, clock: &FixedClock) -> CachedDirectory<Counting> {
    CachedDirectory::new(directory.clone())
        .time_to_live(Duration::from_secs(60))
        .negative_time_to_live(Duration::from_secs(10))
        .clock(clock.clone())
}

async fn ask(users: &CachedDirectory<Counting>, name: &str) -> Result<UserLookup<()>, String> {
    users.user(&wiki(), name).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn ten_thousand_requests_are_one_look_up_per_time_to_live() {
    let (directory, clock) = (Counting::open(), FixedClock::default());
    let keys = MemoryKeyStore::new([wiki()]).unwrap();
    let layer = TrustedAppLayer::builder(keys, cached(&directory, &clock), public_url())
        .clock(FixedClock::default())
        .build()
        .unwrap();
    let request =
        TestIdentity::wiki().sign(Request::get(URL).body(()).unwrap(), "alice", &FixedClock::default());
    for times_to_live in 1..=3 {
        for _ in 0..10_000 {
            send(&layer, request.clone()).await.assert_accepted("alice");
        }
        assert_eq!(directory.asked(), times_to_live);
        clock.advance(Duration::from_secs(60));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_first_requests_at_once_are_one_look_up() {
    let (directory, clock) = (Counting::closed(), FixedClock::default());
    let users = cached(&directory, &clock);
    let mut requests = JoinSet::new();
    for _ in 0..1000 {
        let users = users.clone();
        requests.spawn(async move { ask(&users, "alice").await });
    }
    while directory.asked() == 0 {
        tokio::task::yield_now().await;
    }
    directory.gate.add_permits(1);
    let answers = requests.join_all().await;
    assert!(answers.iter().all(|answer| *answer == Ok(UserLookup::found("alice", ()))));
    assert_eq!((answers.len(), directory.asked()), (1000, 1));
}

#[tokio::test]
async fn to_the_millisecond() {
    for (name, seconds) in [("alice", 60), ("mallory", 10), ("nobody", 10)] {
        let (directory, clock) = (Counting::open(), FixedClock::default());
        let users = cached(&directory, &clock);
        ask(&users, name).await.unwrap();
        clock.advance(Duration::from_millis(seconds * 1000 - 1));
        ask(&users, name).await.unwrap();
        assert_eq!(directory.asked(), 1, "{name}");
        clock.advance(Duration::from_millis(1));
        ask(&users, name).await.unwrap();
        assert_eq!(directory.asked(), 2, "{name}");
    }
}

/// An answer from the future is no younger for it.
#[tokio::test]
async fn a_clock_that_goes_backwards() {
    let (directory, clock) = (Counting::open(), FixedClock::default());
    let users = cached(&directory, &clock);
    ask(&users, "alice").await.unwrap();
    clock.set(tower_trusted_app::Timestamp::from_millis(1_000));
    ask(&users, "alice").await.unwrap();
    assert_eq!(directory.asked(), 2);
}

#[tokio::test]
async fn a_disabled_user_is_refused_within_the_bound_or_at_once() {
    let (directory, clock) = (Counting::open(), FixedClock::default());
    let users = cached(&directory, &clock);
    let found = Ok(UserLookup::found("alice", ()));
    assert_eq!(ask(&users, "alice").await, found);
    directory.users.deny("alice");
    assert_eq!(ask(&users, "alice").await, found, "this is what the time-to-live is");
    clock.advance(Duration::from_secs(60));
    assert_eq!(ask(&users, "alice").await, Ok(UserLookup::Denied));

    // And back.
    directory.users.insert("alice", ());
    clock.advance(Duration::from_secs(10));
    assert_eq!(ask(&users, "alice").await, found);

    directory.users.deny("alice");
    users.clone().invalidate("alice");
    assert_eq!(ask(&users, "alice").await, Ok(UserLookup::Denied));
    directory.users.insert("alice", ());
    users.invalidate_all();
    assert_eq!(ask(&users, "alice").await, found);
}

/// Nobody need know by which name the peer called the user.
#[tokio::test]
async fn every_name_that_led_to_the_user_is_forgotten() {
    use tower_trusted_app::users::UserDirectoryExt;
    use tower_trusted_app::users::names::LowerCase;

    let memory = MemoryDirectory::of_names(["alice", "bob"]);
    let users = memory.clone().folding(LowerCase).cached();
    for name in ["alice", "ALICE", "Alice", "BOB"] {
        assert!(matches!(users.user(&wiki(), name).await, Ok(UserLookup::Found(_))));
    }
    memory.deny("alice");
    memory.deny("bob");
    assert_eq!(users.invalidate("alice"), 3);
    for name in ["alice", "ALICE", "Alice"] {
        assert!(matches!(users.user(&wiki(), name).await, Ok(UserLookup::Denied)), "{name}");
    }
    assert!(matches!(users.user(&wiki(), "BOB").await, Ok(UserLookup::Found(_))), "the others stay");
    assert_eq!(users.invalidate("alice"), 1, "who is denied has no canonical name");
    assert_eq!((users.invalidate("nobody"), users.invalidate("bob")), (0, 1));
    assert_eq!(users.invalidate_all(), 2, "ALICE and Alice");
}

/// The directory said it before the user was disabled; it must not be believed after.
#[tokio::test]
async fn a_look_up_that_was_under_way_is_not_remembered() {
    let (directory, clock) = (Counting::closed(), FixedClock::default());
    let users = cached(&directory, &clock);
    let early = tokio::spawn({
        let users = users.clone();
        async move { ask(&users, "alice").await }
    });
    while directory.asked() == 0 {
        tokio::task::yield_now().await;
    }
    directory.users.deny("alice");
    users.invalidate("alice");
    let late = tokio::spawn({
        let users = users.clone();
        async move { ask(&users, "alice").await }
    });
    directory.gate.add_permits(2);
    assert_eq!(early.await.unwrap(), Ok(UserLookup::found("alice", ())), "it was asked before");
    assert_eq!(late.await.unwrap(), Ok(UserLookup::Denied));
    assert_eq!(ask(&users, "alice").await, Ok(UserLookup::Denied));
    assert_eq!(directory.asked(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_for_those_who_wait_and_for_nobody_else() {
    let (directory, clock) = (Counting::closed(), FixedClock::default());
    directory.fails.store(1, Ordering::SeqCst);
    let users = cached(&directory, &clock);
    let mut requests = JoinSet::new();
    let started = Arc::new(AtomicUsize::new(0));
    for _ in 0..100 {
        let (users, started) = (users.clone(), Arc::clone(&started));
        requests.spawn(async move {
            started.fetch_add(1, Ordering::SeqCst);
            ask(&users, "alice").await
        });
    }
    while started.load(Ordering::SeqCst) < 100 {
        tokio::task::yield_now().await;
    }
    directory.gate.add_permits(100);
    for answer in requests.join_all().await {
        assert_eq!(answer, Err("the directory is away".to_owned()));
    }
    directory.fails.store(0, Ordering::SeqCst);
    assert_eq!(ask(&users, "alice").await, Ok(UserLookup::found("alice", ())));
    // An outage is an outage, also for somebody who was found a moment ago.
    directory.gate.add_permits(100);
    directory.fails.store(1, Ordering::SeqCst);
    clock.advance(Duration::from_secs(60));
    assert!(ask(&users, "alice").await.is_err());
}

#[tokio::test]
async fn an_outage_behind_the_cache_is_a_503() {
    let (directory, clock) = (Counting::open(), FixedClock::default());
    directory.fails.store(1, Ordering::SeqCst);
    let keys = MemoryKeyStore::new([wiki()]).unwrap();
    let layer = TrustedAppLayer::builder(keys, cached(&directory, &clock), public_url())
        .clock(FixedClock::default())
        .build()
        .unwrap();
    let request =
        TestIdentity::wiki().sign(Request::get(URL).body(()).unwrap(), "alice", &FixedClock::default());
    send(&layer, request).await.assert_refused(Code::Unavailable, 503);
}

/// Who gives up does not take the others along.
#[tokio::test]
async fn the_one_who_asks_for_all_gives_up() {
    let (directory, clock) = (Counting::closed(), FixedClock::default());
    let users = cached(&directory, &clock);
    let ask_in_background = |users: &CachedDirectory<Counting>| {
        let users = users.clone();
        tokio::spawn(async move { ask(&users, "alice").await })
    };
    let first = ask_in_background(&users);
    while directory.asked() == 0 {
        tokio::task::yield_now().await;
    }
    let second = ask_in_background(&users);
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    directory.gate.add_permits(1);
    assert_eq!(second.await.unwrap(), Ok(UserLookup::found("alice", ())));
    assert_eq!(directory.asked(), 2);
}

#[tokio::test]
async fn answers_are_bounded_and_kept_apart_by_application() {
    let (directory, clock) = (Counting::open(), FixedClock::default());
    let users = cached(&directory, &clock).max_entries(100);
    for number in 0..10_000 {
        ask(&users, &format!("user {number}")).await.unwrap();
    }
    let debug = format!("{users:?}");
    let entries = debug.split("entries: ").nth(1).unwrap().split(',').next().unwrap();
    assert!((1..=100).contains(&entries.parse::<usize>().unwrap()), "{debug}");

    // Stated on a clone it is stated for all of them.
    ask(&users, "bob").await.unwrap();
    let clone = users.clone().max_entries(1000);
    ask(&clone, "bob").await.unwrap();
    assert_eq!(directory.asked(), 10_001, "the clone has the answers still");
    directory.users.deny("bob");
    clone.invalidate("bob");
    assert_eq!(ask(&users, "bob").await, Ok(UserLookup::Denied), "and forgets for all");

    let asked = directory.asked();
    let other = TestIdentity::stranger().trusted().build().unwrap();
    users.user(&wiki(), "alice").await.unwrap();
    users.user(&other, "alice").await.unwrap();
    users.user(&other, "alice").await.unwrap();
    assert_eq!(directory.asked(), asked + 2);
}

/// Counts by name and labels.
#[derive(Default)]
struct Counts(Mutex<HashMap<String, Arc<AtomicU64>>>);

impl Counts {
    fn of(&self, outcome: &str) -> u64 {
        let key = format!("trusted_app_user_cache_total outcome={outcome}");
        self.0.lock().unwrap().get(&key).map_or(0, |count| count.load(Ordering::SeqCst))
    }
}

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{} {}", key.name(), labels.join(" "));
        Counter::from_arc(Arc::clone(self.0.lock().unwrap().entry(name).or_default()))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[tokio::test]
async fn metrics() {
    let counts = Counts::default();
    let _recorder = metrics::set_default_local_recorder(&counts);
    let (directory, clock) = (Counting::open(), FixedClock::default());
    let users = cached(&directory, &clock);
    for _ in 0..5 {
        ask(&users, "alice").await.unwrap();
    }
    clock.advance(Duration::from_secs(60));
    ask(&users, "alice").await.unwrap();
    directory.fails.store(1, Ordering::SeqCst);
    ask(&users, "bob").await.unwrap_err();
    assert_eq!((counts.of("hit"), counts.of("miss"), counts.of("error")), (4, 2, 1));

    directory.fails.store(0, Ordering::SeqCst);
    let (one, other) = tokio::join!(ask(&users, "bob"), ask(&users, "bob"));
    assert_eq!(one, other);
    assert_eq!((counts.of("miss"), counts.of("shared") + counts.of("hit")), (3, 5));
}
