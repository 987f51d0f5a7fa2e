//! Clocks that are set at random: nothing counts twice, and a clock that is right rejects nothing.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::future::Future;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::advance;
use trusted_app_core::store::{ReplayClaim, ReplayOutcome};
use trusted_app_core::{ApplicationId, BoxError, Timestamp};

use super::{BoxReplayStore, MemoryReplayStore};

const START_MS: i64 = 1_700_000_000_000;
const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

/// When a request is accepted, and for how long its claim is held: as the two schemes have it.
#[derive(Debug, Clone, Copy)]
enum Scheme {
    /// Time-out of 10 s.
    Seraph,
    /// Skew of 30 s.
    HttpSignature,
}

#[derive(Debug, Clone, Copy)]
struct Request {
    scheme: Scheme,
    number: usize,
    created: i64,
}

impl Request {
    fn is_good(self, now: i64) -> bool {
        let age = now - self.created;
        match self.scheme {
            Scheme::Seraph => (-16 * MINUTE..=10 * SECOND).contains(&age),
            Scheme::HttpSignature => (-30 * SECOND..=330 * SECOND).contains(&age),
        }
    }

    async fn claim(self, store: &BoxReplayStore, now: i64) -> Result<ReplayOutcome, BoxError> {
        let wiki: ApplicationId = "wiki".parse().unwrap();
        let number = self.number.to_be_bytes();
        let [until, earliest] = match self.scheme {
            Scheme::Seraph => [self.created + 70 * SECOND; 2],
            Scheme::HttpSignature => [now + 365 * SECOND, self.created + 335 * SECOND],
        };
        let [at, until] = [now, until].map(Timestamp::from_millis);
        let mut claim = ReplayClaim::new(&wiki, [number.as_slice()], at, until);
        claim.earliest_until = Timestamp::from_millis(earliest);
        store.claim(&claim).await
    }
}

/// Time passes, the clock is set to be wrong by so much, and perhaps a request is signed by the clock at that moment, so
/// much ahead or behind.
#[derive(Debug, Clone, Copy)]
struct Step {
    passes_ms: u32,
    wrong_by_ms: i64,
    signs: Option<(Scheme, i64)>,
}

fn step() -> impl Strategy<Value = Step> {
    let passes = prop_oneof![Just(0), 0..2_000_u32, 0..600_000_u32, 0..7_200_000_u32];
    let wrong = prop_oneof![
        Just(0),
        -2 * SECOND..=2 * SECOND,
        -20 * MINUTE..=20 * MINUTE,
        Just(120 * MINUTE),
        -120 * MINUTE..=120 * MINUTE
    ];
    let scheme = prop_oneof![Just(Scheme::Seraph), Just(Scheme::HttpSignature)];
    let signs = proptest::option::of((scheme, prop_oneof![Just(0), -20 * SECOND..=16 * MINUTE]));
    (passes, wrong, signs).prop_map(|(passes_ms, wrong_by_ms, signs)| Step { passes_ms, wrong_by_ms, signs })
}

/// How often each request was accepted, and how often the store could not tell.
async fn walk(steps: &[Step]) -> (Vec<usize>, usize) {
    let store = BoxReplayStore::new(MemoryReplayStore::default());
    let (mut requests, mut accepted, mut unknown, mut passed) = (Vec::new(), Vec::new(), 0, 0);
    for step in steps {
        advance(Duration::from_millis(step.passes_ms.into())).await;
        passed += i64::from(step.passes_ms);
        let now = START_MS + passed + step.wrong_by_ms;
        if let Some((scheme, ahead)) = step.signs {
            requests.push(Request { scheme, number: requests.len(), created: now + ahead });
            accepted.push(0);
        }
        for request in requests.iter().filter(|request| request.is_good(now)) {
            match request.claim(&store, now).await {
                Ok(ReplayOutcome::Fresh) => accepted[request.number] += 1,
                Ok(_) => {}
                Err(_) => unknown += 1,
            }
        }
    }
    (accepted, unknown)
}

fn in_paused_time<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn however_a_clock_is_set_no_request_is_accepted_twice(
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let (accepted, _) = in_paused_time(walk(&steps));
        prop_assert!(accepted.iter().all(|times| *times <= 1), "{accepted:?}");
    }

    #[test]
    fn a_clock_that_is_right_within_seconds_refuses_nothing(
        mut steps in proptest::collection::vec(step(), 1..40),
    ) {
        for step in &mut steps {
            step.wrong_by_ms %= 2 * SECOND;
            step.signs = step.signs.map(|(scheme, ahead)| (scheme, ahead % (20 * SECOND)));
        }
        let (accepted, unknown) = in_paused_time(walk(&steps));
        prop_assert_eq!(unknown, 0);
        // What is signed more than its time-out ago is rejected for its age.
        prop_assert!(accepted.iter().all(|times| *times <= 1), "{accepted:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_wrong_while_nothing_was_accepted_changes_nothing() {
    let store = BoxReplayStore::new(MemoryReplayStore::default());
    for (number, wrong) in [0, 120 * MINUTE, 0, -120 * MINUTE, 0].into_iter().enumerate() {
        advance(Duration::from_secs(1)).await;
        let now = START_MS + (1 + i64::try_from(number).unwrap()) * SECOND + wrong;
        let request = Request { scheme: Scheme::Seraph, number, created: now - wrong };
        match wrong {
            0 => assert_eq!(request.claim(&store, now).await.unwrap(), ReplayOutcome::Fresh, "{number}"),
            _ => assert!(!request.is_good(now)),
        }
    }
}

/// As a virtual machine makes it, and its peer with it.
#[tokio::test(start_paused = true)]
async fn what_was_accepted_while_the_clock_was_wrong_costs_only_requests_of_that_time() {
    let store = BoxReplayStore::new(MemoryReplayStore::default());
    let mut number = 0;
    let mut accepts = async |now: i64| {
        number += 1;
        let request = Request { scheme: Scheme::Seraph, number, created: now };
        request.claim(&store, now).await.is_ok_and(|outcome| outcome == ReplayOutcome::Fresh)
    };
    assert!(accepts(START_MS).await);
    assert!(accepts(START_MS + 120 * MINUTE).await);
    assert!(accepts(START_MS + 121 * MINUTE).await);
    for minute in 1..120 {
        advance(Duration::from_secs(60)).await;
        assert!(accepts(START_MS + minute * MINUTE).await, "{minute}");
    }
    // Now they are good again, and nothing remembers them.
    for (minute, is_accepted) in [(120, false), (121, false), (122, true)] {
        advance(Duration::from_secs(60)).await;
        assert_eq!(accepts(START_MS + minute * MINUTE).await, is_accepted, "{minute}");
    }
}

/// Each time by more than the spans that are kept.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_often_is_still_followed() {
    let store = BoxReplayStore::new(MemoryReplayStore::default());
    let requests: Vec<_> = (0..100)
        .map(|number| (number, i64::try_from(number).unwrap()))
        .map(|(number, at)| Request { scheme: Scheme::Seraph, number, created: START_MS + at * 10 * MINUTE })
        .collect();
    for request in &requests {
        assert_eq!(request.claim(&store, request.created).await.unwrap(), ReplayOutcome::Fresh);
    }
    advance(Duration::from_secs(3600)).await;
    for request in &requests {
        assert!(request.claim(&store, request.created).await.is_err(), "{request:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_have_lapsed_before_the_clock_was_set_back_is_refused_and_the_error_says_so() {
    let store = BoxReplayStore::new(MemoryReplayStore::default());
    let captured = Request { scheme: Scheme::HttpSignature, number: 0, created: START_MS };
    assert_eq!(captured.claim(&store, START_MS).await.unwrap(), ReplayOutcome::Fresh);
    advance(Duration::from_secs(3600)).await;
    let error = captured.claim(&store, START_MS).await.unwrap_err().to_string();
    assert!(error.contains("set back by 3600s") && error.contains("`wiki`"), "{error}");
    // Another application has accepted nothing yet, and the same one is answered again in time.
    advance(Duration::from_secs(1)).await;
    let later = Request { scheme: Scheme::HttpSignature, number: 1, created: START_MS + 3_601 * SECOND };
    assert_eq!(later.claim(&store, later.created).await.unwrap(), ReplayOutcome::Fresh);
}
