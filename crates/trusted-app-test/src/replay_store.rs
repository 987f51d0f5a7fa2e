//! What every [`ReplayStore`] must fulfil.
//!
//! ```
//! use tower_trusted_app::replay::MemoryReplayStore;
//! use trusted_app_test::replay_store;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! // It goes by Tokio's clock, which can be paused: then it leaps ahead where a task sleeps.
//! replay_store::conformance(MemoryReplayStore::default(), tokio::time::sleep).await;
//! replay_store::check_full(MemoryReplayStore::new(400), 100, tokio::time::sleep).await;
//! # }
//! ```

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier;
use tokio::task::JoinSet;
use trusted_app_core::store::{ReplayClaim, ReplayOutcome};
use trusted_app_core::{ApplicationId, BoxError, Clock, ReplayStore, Timestamp};

use crate::FixedClock;

/// How many claim at once.
const AT_ONCE: usize = 200;

/// For how long the claims are held that the suite lets lapse.
const SHORT: Duration = Duration::from_millis(200);

/// How much longer than it must a store may remember.
const SLACK: Duration = Duration::from_secs(1);

/// Checks a replay store that nothing else uses: of many claims at once exactly one is fresh; others are
/// independent of it; a claim is held as long as it must be, and no longer; and none is forgotten because a clock was
/// set.
///
/// `wait` lets so much time pass, by the clock that the store goes by.
///
/// # Panics
///
/// When the store is wrong; the text says about what.
pub async fn conformance<S: ReplayStore>(store: S, wait: impl AsyncFn(Duration)) {
    let store = Arc::new(store);
    let clock = FixedClock::default();
    check_at_once(&store, clock.now()).await;
    check_independence(&*store, clock.now()).await;
    check_set_clock(&*store, &clock).await;
    check_lapse(&*store, &clock, wait).await;
}

/// Checks that a store without room answers with an error, and forgets nothing to make some. At most
/// so many claims are made to fill it.
///
/// # Panics
///
/// When the store is wrong, or is not full by then; the text says so.
pub async fn check_full<S: ReplayStore>(store: S, at_most: usize, wait: impl AsyncFn(Duration)) {
    let clock = FixedClock::default();
    // Long enough to fill it.
    let lapse = Duration::from_secs(5);
    let claim = async |number: usize| {
        claim(&store, &application("wiki"), &number.to_be_bytes(), clock.now(), lapse).await
    };

    let mut held = 0;
    while let Ok(outcome) = claim(held).await {
        assert_eq!(outcome, ReplayOutcome::Fresh, "claim {held} while the store fills");
        assert!(held < at_most, "{held} claims, and the store is not full");
        held += 1;
    }
    assert!(held > 0, "there is no room for one claim");
    for number in 0..held {
        let outcome = claim(number).await.ok();
        assert_ne!(outcome, Some(ReplayOutcome::Fresh), "claim {number} was forgotten to make room");
    }

    wait(lapse + SLACK).await;
    clock.advance(lapse + SLACK);
    let outcome = claim(0).await;
    assert_is(&outcome, ReplayOutcome::Fresh, "a claim after all others have lapsed");
}

async fn check_at_once<S: ReplayStore>(store: &Arc<S>, now: Timestamp) {
    for round in 0..10_u8 {
        let start = Arc::new(Barrier::new(AT_ONCE));
        let mut claims = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (store, start) = (Arc::clone(store), Arc::clone(&start));
            claims.spawn(async move {
                start.wait().await;
                claim(&*store, &application("at-once"), &[round], now, LONG).await
            });
        }
        let outcomes = claims.join_all().await;
        let fresh = outcomes.iter().filter(|outcome| is(outcome, ReplayOutcome::Fresh)).count();
        let seen = outcomes.iter().filter(|outcome| is(outcome, ReplayOutcome::Seen)).count();
        assert_eq!((fresh, seen), (1, AT_ONCE - 1), "fresh and seen of {AT_ONCE} at once: {outcomes:?}");
    }
}

/// Long enough for the suite; and a store must bear what is longer still.
const LONG: Duration = Duration::from_secs(17 * 60);

async fn check_independence<S: ReplayStore>(store: &S, now: Timestamp) {
    let [one, other] = ["one", "One"].map(application);
    let for_ever = Duration::from_millis(i64::MAX.unsigned_abs());
    for (application, once, lifetime, what) in [
        (&one, b"nonce".as_slice(), LONG, "the first claim"),
        (&one, b"nonce ", LONG, "another nonce"),
        (&one, b"", LONG, "no nonce"),
        (&one, b"\0", LONG, "a zero byte"),
        (&one, b"a\r\nb", LONG, "a line end"),
        (&one, &[0xff; 300], LONG, "bytes that are no text"),
        (&other, b"nonce", LONG, "another application"),
        (&one, b"for ever", for_ever, "a claim that never lapses"),
    ] {
        for expected in [ReplayOutcome::Fresh, ReplayOutcome::Seen, ReplayOutcome::Seen] {
            assert_is(&claim(store, application, once, now, lifetime).await, expected, what);
        }
    }
}

/// The clock of the server goes forward by mistake, and back: no time has passed, so nothing has lapsed.
async fn check_set_clock<S: ReplayStore>(store: &S, clock: &FixedClock) {
    const HOURS: Duration = Duration::from_secs(2 * 3600);
    let (wiki, start) = (application("set-clock"), clock.now());
    let captured = async |now: Timestamp| {
        let claim = ReplayClaim::new(&wiki, [b"captured".as_slice()], now, start.saturating_add(LONG));
        store.claim(&claim).await.map_err(Into::<BoxError>::into)
    };
    assert_is(&captured(start).await, ReplayOutcome::Fresh, "a claim before the clock is set");
    let back = Timestamp::from_millis(start.as_millis() - 7_200_000);
    for (set_to, what) in [(start.saturating_add(HOURS), "forward"), (back, "back")] {
        clock.set(set_to);
        for number in 0..3_u8 {
            let once = [what.as_bytes(), &[number]].concat();
            let other = claim(store, &wiki, &once, set_to, LONG).await;
            assert_is(&other, ReplayOutcome::Fresh, "a claim while the clock is wrong");
        }
        let seen = format!("a claim after the clock was set {what}");
        if set_to < start {
            assert_is(&captured(set_to).await, ReplayOutcome::Seen, &seen);
        }
        clock.set(start);
        assert_is(&captured(start).await, ReplayOutcome::Seen, &format!("{seen} and right again"));
    }
}

async fn check_lapse<S: ReplayStore>(store: &S, clock: &FixedClock, wait: impl AsyncFn(Duration)) {
    let wiki = application("lapse");
    let claim_for =
        async |once: &str, lifetime| claim(store, &wiki, once.as_bytes(), clock.now(), lifetime).await;
    let long = LONG + SHORT;
    assert_is(&claim_for("short", SHORT).await, ReplayOutcome::Fresh, "a short claim");
    assert_is(&claim_for("long", long).await, ReplayOutcome::Fresh, "a long claim");
    // Being claimed again makes none shorter.
    assert_is(&claim_for("long", SHORT).await, ReplayOutcome::Seen, "a long claim, claimed again for short");

    wait(SHORT + SLACK).await;
    clock.advance(SHORT + SLACK);
    assert_is(&claim_for("long", long).await, ReplayOutcome::Seen, "a long claim after a short time");
    assert_is(&claim_for("short", SHORT).await, ReplayOutcome::Fresh, "a claim that has lapsed");
    assert_is(&claim_for("short", SHORT).await, ReplayOutcome::Seen, "a claim again after it had lapsed");
}

fn application(id: &str) -> ApplicationId {
    id.parse().expect("an id of the suite")
}

async fn claim<S: ReplayStore>(
    store: &S,
    application: &ApplicationId,
    once: &[u8],
    now: Timestamp,
    lifetime: Duration,
) -> Result<ReplayOutcome, BoxError> {
    let claim = ReplayClaim::new(application, [once], now, now.saturating_add(lifetime));
    store.claim(&claim).await.map_err(Into::into)
}

fn is<E>(outcome: &Result<ReplayOutcome, E>, expected: ReplayOutcome) -> bool {
    outcome.as_ref().is_ok_and(|outcome| *outcome == expected)
}

#[track_caller]
fn assert_is<E: Debug>(outcome: &Result<ReplayOutcome, E>, expected: ReplayOutcome, what: &str) {
    assert!(is(outcome, expected), "{what}: {outcome:?}, not {expected:?}");
}
