//! Claims in Redis, and a Redis that is stopped, slow, silent, full or somebody else's.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use redis::AsyncCommands as _;
use test_services::redis::RedisServer;
use tokio::task::JoinSet;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::store::{ReplayClaim, ReplayOutcome};
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{
    Caller, Clock, Digested, HttpSignatures, ProblemJson, Rejected, ReplayStore, SignedBody, TrustedAppLayer,
};
use trusted_app_redis::{RedisReplayError, RedisReplayStore};
use trusted_app_test::{FixedClock, replay_store};
use trusted_app_tests::exchange::PAGE;
use trusted_app_tests::once::Once;
use trusted_app_tests::tcp_proxy::{TcpProxy, Traffic};
use trusted_app_tests::{URL, public_url};

/// Enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn store(url: &str) -> RedisReplayStore {
    RedisReplayStore::new(url).unwrap().timeout(PATIENCE)
}

async fn claim(store: &RedisReplayStore, once: &str) -> Result<ReplayOutcome, RedisReplayError> {
    let (wiki, now) = ("wiki".parse().unwrap(), FixedClock::default().now());
    let until = now.saturating_add(Duration::from_secs(60));
    store.claim(&ReplayClaim::new(&wiki, [once.as_bytes()], now, until)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn conformance() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    replay_store::conformance(store(&redis.url()), tokio::time::sleep).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_redis_refuses_and_forgets_nothing() {
    let Some(redis) = RedisServer::start(&["--maxmemory-policy", "noeviction"]) else { return };
    let mut administrator = administrator(&redis).await;
    let memory: String = redis::cmd("INFO").arg("memory").query_async(&mut administrator).await.unwrap();
    let used = memory.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    let max = used.parse::<usize>().unwrap() + 200_000;
    set(&mut administrator, "maxmemory", &max.to_string()).await;
    replay_store::check_full(store(&redis.url()), 100_000, tokio::time::sleep).await;
}

async fn administrator(redis: &RedisServer) -> redis::aio::MultiplexedConnection {
    redis::Client::open(redis.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
}

async fn set(administrator: &mut redis::aio::MultiplexedConnection, option: &str, value: &str) {
    let mut config = redis::cmd("CONFIG");
    config.arg("SET").arg(option).arg(value).exec_async(administrator).await.unwrap();
}

#[tokio::test]
async fn servers_share_claims_and_services_do_not() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let [one, other] = [store(&redis.url()), store(&redis.url())];
    assert_eq!(claim(&one, "x").await.unwrap(), ReplayOutcome::Fresh);
    assert_eq!(claim(&other, "x").await.unwrap(), ReplayOutcome::Seen);
    let service = store(&redis.url()).key_prefix("wiki:");
    assert_eq!(claim(&service, "x").await.unwrap(), ReplayOutcome::Fresh);

    // A key is the prefix and a digest; it lapses by itself, and there is a random number in it.
    let mut administrator = administrator(&redis).await;
    let mut keys: Vec<String> = administrator.keys("*").await.unwrap();
    keys.sort_unstable();
    assert_eq!(keys.len(), 2);
    for (key, prefix) in keys.iter().zip([RedisReplayStore::DEFAULT_KEY_PREFIX, "wiki:"]) {
        let digest = key.strip_prefix(prefix).unwrap();
        assert!(digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
        let (value, left_ms): (String, i64) =
            (administrator.get(key).await.unwrap(), administrator.pttl(key).await.unwrap());
        assert!(value.parse::<i64>().is_ok(), "{value}");
        assert!((1..=60_001).contains(&left_ms), "{left_ms}");
    }
}

#[tokio::test]
async fn a_redis_that_may_forget_is_refused() {
    let options = ["--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru"];
    let Some(redis) = RedisServer::start(&options) else { return };
    let store = store(&redis.url());
    let error = claim(&store, "x").await.unwrap_err();
    assert!(matches!(&error, RedisReplayError::Evicts(policy) if policy == "volatile-lru"), "{error}");
    assert_eq!(claim(&store.clone().insecure_allow_eviction(), "x").await.unwrap(), ReplayOutcome::Fresh);

    // Once it is set right, nobody needs to restart.
    let store = RedisReplayStore::new(&redis.url()).unwrap().timeout(PATIENCE);
    assert!(claim(&store, "x").await.is_err());
    set(&mut administrator(&redis).await, "maxmemory-policy", "noeviction").await;
    assert_eq!(claim(&store, "x").await.unwrap(), ReplayOutcome::Seen);
}

#[tokio::test]
async fn a_redis_that_is_not_let_tell_is_taken_at_its_word_and_one_that_fails_to_is_not() {
    for (how, is_used) in [
        (&["--user", "default", "on", "nopass", "~*", "&*", "+@all", "-info"][..], true),
        (&["--rename-command", "INFO", ""][..], true),
        // Answers by an error of another kind: too few arguments.
        (&["--rename-command", "INFO", "", "--rename-command", "HGET", "INFO"][..], false),
    ] {
        let Some(redis) = RedisServer::start(how) else { return };
        match claim(&store(&redis.url()), "x").await {
            Ok(outcome) => assert!(is_used && outcome == ReplayOutcome::Fresh, "{how:?}: {outcome:?}"),
            Err(error) => {
                assert!(!is_used && matches!(error, RedisReplayError::Failed(_)), "{how:?}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_an_error_until_it_is_right() {
    let Some(redis) = RedisServer::start(&["--requirepass", "another"]) else { return };
    let with_password = |password: &str| format!("redis://:{password}@127.0.0.1:{}", redis.port());
    let store = store(&with_password("open-sesame"));
    let error = claim(&store, "x").await.unwrap_err();
    assert!(matches!(error, RedisReplayError::Failed(_)), "{error}");
    assert!(!format!("{error} {error:?} {store:?}").contains("open-sesame"));

    let client = redis::Client::open(with_password("another")).unwrap();
    let mut administrator = client.get_multiplexed_async_connection().await.unwrap();
    set(&mut administrator, "requirepass", "open-sesame").await;
    assert_eq!(claim(&store, "x").await.unwrap(), ReplayOutcome::Fresh);
}

/// A tracker that accepts each request once, and an application that signs as many as one likes.
struct Tracker {
    once: Once,
    layer: TrustedAppLayer<MemoryKeyStore, MemoryDirectory, ProblemJson, Digested>,
    signed: AtomicUsize,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Served,
    Replayed,
    Unavailable,
}

impl Tracker {
    fn new(once: Once, claims: RedisReplayStore) -> Self {
        let keys = MemoryKeyStore::new([once.trusted().build().unwrap()]).unwrap();
        let layer = TrustedAppLayer::builder(keys, MemoryDirectory::of_names(["alice"]), public_url())
            .replay_store(claims)
            .lookup_timeout(PATIENCE)
            .clock(FixedClock::default())
            .http_signatures(HttpSignatures::default())
            .build()
            .unwrap();
        Self { once, layer, signed: AtomicUsize::new(0) }
    }

    /// A request that there was not before.
    fn request(&self) -> Request<Full<Bytes>> {
        let url = format!("{URL}?{}", self.signed.fetch_add(1, Ordering::Relaxed));
        let request = Request::get(url).body(Full::default()).unwrap();
        self.once.sign(request, "alice", &FixedClock::default())
    }

    async fn receives(&self, request: &Request<Full<Bytes>>) -> Outcome {
        let begun = Instant::now();
        let handler = service_fn(async |request: Request<SignedBody<Full<Bytes>>>| {
            assert_eq!(request.extensions().get::<Caller<()>>().unwrap().user_name(), "alice");
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(PAGE)))
        });
        let response = self.layer.layer(handler).oneshot(request.clone()).await.unwrap();
        assert!(begun.elapsed() < PATIENCE, "it hung");
        let error = response.headers().get(self.once.error_field());
        let code = error.map(|error| error.to_str().unwrap().split(';').next().unwrap().to_owned());
        let (status, is_refused) =
            (response.status().as_u16(), response.extensions().get::<Rejected>().is_some());
        let page = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(page == PAGE, !is_refused);
        match (status, code.as_deref()) {
            (200, None) if !is_refused => Outcome::Served,
            (401, Some(code)) if code == self.once.replayed() => Outcome::Replayed,
            (503, Some(code)) if code == self.once.unavailable() => Outcome::Unavailable,
            other => panic!("{other:?}"),
        }
    }

    /// Until a new request is served; all before it must have been refused as unavailable.
    async fn recovers(&self) -> Request<Full<Bytes>> {
        let patience = Instant::now() + PATIENCE;
        loop {
            let request = self.request();
            match self.receives(&request).await {
                Outcome::Served => return request,
                outcome => assert_eq!(outcome, Outcome::Unavailable),
            }
            assert!(Instant::now() < patience, "it does not recover");
        }
    }
}

/// Short, so that a test need not wait, and longer than a Redis on this machine takes.
const TIMEOUT: Duration = Duration::from_millis(500);

#[tokio::test]
async fn stopped_it_is_503_and_started_again_it_has_forgotten_nothing() {
    for once in Once::BOTH {
        let Some(mut redis) = RedisServer::start(&[]) else { return };
        let tracker = Tracker::new(once, store(&redis.url()).timeout(TIMEOUT));
        let before = tracker.request();
        assert_eq!(tracker.receives(&before).await, Outcome::Served);
        assert_eq!(tracker.receives(&before).await, Outcome::Replayed);

        redis.stop();
        let meanwhile = tracker.request();
        for _ in 0..5 {
            assert_eq!(tracker.receives(&before).await, Outcome::Unavailable);
            assert_eq!(tracker.receives(&meanwhile).await, Outcome::Unavailable);
        }

        redis.start_again();
        tracker.recovers().await;
        assert_eq!(tracker.receives(&before).await, Outcome::Replayed);
        // It never reached Redis, so it counts now.
        assert_eq!(tracker.receives(&meanwhile).await, Outcome::Served);
        assert_eq!(tracker.receives(&meanwhile).await, Outcome::Replayed);
    }
}

#[tokio::test]
async fn not_there_at_the_start_it_is_503_until_it_comes() {
    for once in Once::BOTH {
        let Some(mut redis) = RedisServer::start(&[]) else { return };
        redis.stop();
        let tracker = Tracker::new(once, store(&redis.url()).timeout(TIMEOUT));
        assert_eq!(tracker.receives(&tracker.request()).await, Outcome::Unavailable);
        redis.start_again();
        tracker.recovers().await;
    }
}

/// As Redis's own time-out for idle clients closes it, an administrator, and a restart.
#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_opened_again_and_nothing_is_unavailable() {
    for once in Once::BOTH {
        let Some(mut redis) = RedisServer::start(&[]) else { return };
        let tracker = Tracker::new(once, store(&redis.url()));
        let mut known = tracker.request();
        assert_eq!(tracker.receives(&known).await, Outcome::Served);

        set(&mut administrator(&redis).await, "timeout", "1").await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(tracker.receives(&known).await, Outcome::Replayed);
        tokio::time::sleep(Duration::from_secs(3)).await;
        known = tracker.request();
        assert_eq!(tracker.receives(&known).await, Outcome::Served);
        set(&mut administrator(&redis).await, "timeout", "0").await;

        for _ in 0..20 {
            kill_others(&mut administrator(&redis).await).await;
            let request = tracker.request();
            assert_eq!(tracker.receives(&request).await, Outcome::Served);
            kill_others(&mut administrator(&redis).await).await;
            assert_eq!(tracker.receives(&request).await, Outcome::Replayed);
            assert_eq!(tracker.receives(&known).await, Outcome::Replayed);
        }

        redis.stop();
        redis.start_again();
        let request = tracker.request();
        assert_eq!(tracker.receives(&request).await, Outcome::Served);
        for request in [&request, &known] {
            assert_eq!(tracker.receives(request).await, Outcome::Replayed);
        }
    }
}

async fn kill_others(administrator: &mut redis::aio::MultiplexedConnection) {
    let mut kill = redis::cmd("CLIENT");
    kill.arg("KILL").arg("TYPE").arg("normal").arg("SKIPME").arg("yes");
    kill.exec_async(administrator).await.unwrap();
}

/// The claim is made twice then, and the first was carried out.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_answer_is_lost_is_known_again_and_a_replay_is_not_taken_for_it() {
    for once in Once::BOTH {
        let Some(redis) = RedisServer::start(&[]) else { return };
        let proxy = TcpProxy::to(redis.port()).await;
        let tracker = Tracker::new(once, store(&format!("redis://{}", proxy.address())));
        tracker.recovers().await;
        for _ in 0..5 {
            let request = tracker.request();
            proxy.lose_answers_of_open();
            assert_eq!(tracker.receives(&request).await, Outcome::Served);
            proxy.lose_answers_of_open();
            assert_eq!(tracker.receives(&request).await, Outcome::Replayed);
        }
        assert_eq!(proxy.opened(), 11);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_the_connection_again_takes_no_longer_than_the_time_out() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let proxy = TcpProxy::to(redis.port()).await;
    let store = store(&format!("redis://{}", proxy.address())).timeout(TIMEOUT);
    assert_eq!(claim(&store, "first").await.unwrap(), ReplayOutcome::Fresh);
    kill_others(&mut administrator(&redis).await).await;
    proxy.set(Traffic::Vanishes);
    let begun = Instant::now();
    let error = claim(&store, "second").await.unwrap_err();
    assert!(matches!(error, RedisReplayError::TooSlow(TIMEOUT)), "{error}");
    assert!(begun.elapsed() < 3 * TIMEOUT, "{:?}", begun.elapsed());
    proxy.set(Traffic::Passes);
    assert_eq!(claim(&store, "second").await.unwrap(), ReplayOutcome::Fresh);
    assert_eq!(claim(&store, "first").await.unwrap(), ReplayOutcome::Seen);
}

/// Each request is sent twice at once, while connections are killed. Of the two exactly one is served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_during_a_burst_nothing_is_accepted_twice() {
    const KILLS: usize = 40;
    for once in Once::BOTH {
        let Some(redis) = RedisServer::start(&[]) else { return };
        let tracker = Arc::new(Tracker::new(once, store(&redis.url())));
        let (end, unavailable) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let (tracker, end, unavailable) =
                (Arc::clone(&tracker), Arc::clone(&end), Arc::clone(&unavailable));
            tasks.spawn(async move {
                let mut served = 0;
                while !end.load(Ordering::Relaxed) {
                    let request = tracker.request();
                    let (one, other) = tokio::join!(tracker.receives(&request), tracker.receives(&request));
                    match [one, other] {
                        [Outcome::Served, Outcome::Replayed] | [Outcome::Replayed, Outcome::Served] => {
                            served += 1;
                        }
                        // The connection was killed twice.
                        outcomes if outcomes.contains(&Outcome::Unavailable) => {
                            unavailable.fetch_add(1, Ordering::Relaxed);
                            assert_ne!(outcomes, [Outcome::Served; 2]);
                        }
                        outcomes => panic!("{outcomes:?}"),
                    }
                }
                served
            });
        }
        let mut administrator = administrator(&redis).await;
        for _ in 0..KILLS {
            tokio::time::sleep(Duration::from_millis(50)).await;
            kill_others(&mut administrator).await;
        }
        end.store(true, Ordering::Relaxed);
        let served: usize = tasks.join_all().await.into_iter().sum();
        let unavailable = unavailable.load(Ordering::Relaxed);
        println!("{once:?}: {served} served once across {KILLS} kills, {unavailable} refused as unavailable");
        assert!(served > KILLS && unavailable <= KILLS, "{served} {unavailable}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_or_silent_it_is_503_within_the_time_out() {
    for once in Once::BOTH {
        let Some(redis) = RedisServer::start(&[]) else { return };
        let proxy = TcpProxy::to(redis.port()).await;
        let tracker = Tracker::new(once, store(&format!("redis://{}", proxy.address())).timeout(TIMEOUT));
        let mut known = tracker.recovers().await;
        for bad in [Traffic::Delayed(4 * TIMEOUT), Traffic::Vanishes] {
            proxy.set(bad);
            for request in [&known, &tracker.request(), &tracker.request()] {
                assert_eq!(tracker.receives(request).await, Outcome::Unavailable, "{bad:?}");
            }
            // As slow as it may be.
            proxy.set(Traffic::Delayed(TIMEOUT / 20));
            tracker.recovers().await;
            proxy.set(Traffic::Passes);
            assert_eq!(tracker.receives(&known).await, Outcome::Replayed, "{bad:?}");
            known = tracker.recovers().await;
        }
    }
}

/// Each request is sent twice, at any moment of it. One that was served is never served again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_and_started_under_load_nothing_is_accepted_twice() {
    for once in Once::BOTH {
        let Some(mut redis) = RedisServer::start(&[]) else { return };
        let tracker = Arc::new(Tracker::new(once, store(&redis.url()).timeout(TIMEOUT)));
        let (end, served, unavailable) =
            (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let (tracker, end) = (Arc::clone(&tracker), Arc::clone(&end));
            let (served, unavailable) = (Arc::clone(&served), Arc::clone(&unavailable));
            tasks.spawn(async move {
                while !end.load(Ordering::Relaxed) {
                    let request = tracker.request();
                    let outcomes = [tracker.receives(&request).await, tracker.receives(&request).await];
                    let count = |outcome| outcomes.iter().filter(|one| **one == outcome).count();
                    assert!(count(Outcome::Served) <= 1, "{outcomes:?}");
                    assert_ne!(outcomes, [Outcome::Replayed; 2]);
                    served.fetch_add(count(Outcome::Served), Ordering::Relaxed);
                    unavailable.fetch_add(count(Outcome::Unavailable), Ordering::Relaxed);
                }
            });
        }
        for _ in 0..3 {
            more(&served).await;
            let redis_stops = tokio::task::spawn_blocking(move || {
                redis.stop();
                redis
            });
            redis = redis_stops.await.unwrap();
            more(&unavailable).await;
            let redis_starts = tokio::task::spawn_blocking(move || {
                redis.start_again();
                redis
            });
            redis = redis_starts.await.unwrap();
        }
        more(&served).await;
        end.store(true, Ordering::Relaxed);
        tasks.join_all().await;
        let [served, unavailable] = [served, unavailable].map(|count| count.load(Ordering::Relaxed));
        println!("{once:?}: {served} served once, {unavailable} refused as unavailable, none served twice");
    }
}

/// Waits for twenty more.
async fn more(count: &AtomicUsize) {
    let (until, patience) = (count.load(Ordering::Relaxed) + 20, Instant::now() + PATIENCE);
    while count.load(Ordering::Relaxed) < until {
        assert!(Instant::now() < patience, "nothing happens any more");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
