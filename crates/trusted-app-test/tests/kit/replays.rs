//! The conformance suite of replay stores.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tower_trusted_app::replay::MemoryReplayStore;
use trusted_app_core::store::{ReplayClaim, ReplayId, ReplayOutcome};
use trusted_app_core::{ReplayStore, Timestamp};
use trusted_app_test::{Fault, FaultyReplayStore, replay_store};

use crate::complaint;

async fn at_once(_: Duration) {}

#[tokio::test(flavor = "multi_thread")]
async fn memory() {
    replay_store::conformance(Arc::new(MemoryReplayStore::default()), tokio::time::sleep).await;
}

#[tokio::test(start_paused = true)]
async fn memory_in_paused_time() {
    replay_store::conformance(MemoryReplayStore::default(), tokio::time::sleep).await;
    replay_store::check_full(MemoryReplayStore::new(1), 1, tokio::time::sleep).await;
    replay_store::check_full(MemoryReplayStore::new(4_000), 1_000, tokio::time::sleep).await;
}

/// Remembers as a closure says: the claims so far, the new one, and what to answer.
struct WrongStore<F>(Mutex<Vec<(ReplayId, Timestamp)>>, F);

impl<F> ReplayStore for WrongStore<F>
where
    F: Fn(&mut Vec<(ReplayId, Timestamp)>, &ReplayClaim<'_>) -> ReplayOutcome + Send + Sync + 'static,
{
    type Error = Infallible;

    async fn claim(&self, claim: &ReplayClaim<'_>) -> Result<ReplayOutcome, Infallible> {
        Ok((self.1)(&mut self.0.lock().unwrap(), claim))
    }
}

fn wrong<F>(answer: F) -> WrongStore<F>
where
    F: Fn(&mut Vec<(ReplayId, Timestamp)>, &ReplayClaim<'_>) -> ReplayOutcome + Send + Sync + 'static,
{
    WrongStore(Mutex::default(), answer)
}

fn holds(held: &[(ReplayId, Timestamp)], claim: &ReplayClaim<'_>) -> bool {
    held.iter().any(|(id, until)| *id == claim.id && *until >= claim.now)
}

#[tokio::test]
async fn what_a_wrong_store_does_is_noticed() {
    let text = complaint(replay_store::conformance(wrong(|_, _| ReplayOutcome::Fresh), at_once)).await;
    assert!(text.contains("at once"), "{text}");

    let one_for_all = wrong(|held, claim| {
        let outcome = if held.is_empty() { ReplayOutcome::Fresh } else { ReplayOutcome::Seen };
        held.push((claim.id, claim.until));
        outcome
    });
    let text = complaint(replay_store::conformance(one_for_all, at_once)).await;
    assert!(text.contains("at once"), "{text}");

    let for_ever = wrong(|held, claim| {
        let seen = held.iter().any(|(id, _)| *id == claim.id);
        held.push((claim.id, claim.until));
        if seen { ReplayOutcome::Seen } else { ReplayOutcome::Fresh }
    });
    let text = complaint(replay_store::conformance(for_ever, at_once)).await;
    assert!(text.contains("a claim that has lapsed"), "{text}");

    let shortened = wrong(|held, claim| {
        let seen = holds(held, claim);
        held.retain(|(id, _)| *id != claim.id);
        held.push((claim.id, claim.until));
        if seen { ReplayOutcome::Seen } else { ReplayOutcome::Fresh }
    });
    let text = complaint(replay_store::conformance(shortened, at_once)).await;
    assert!(text.contains("a long claim after a short time"), "{text}");

    // What a later claim calls the present is no proof that time has passed.
    let by_the_clock = wrong(|held, claim| {
        held.retain(|(_, until)| *until >= claim.now);
        let seen = held.iter().any(|(id, _)| *id == claim.id);
        held.push((claim.id, claim.until));
        if seen { ReplayOutcome::Seen } else { ReplayOutcome::Fresh }
    });
    let text = complaint(replay_store::conformance(by_the_clock, at_once)).await;
    assert!(text.contains("a claim after the clock was set forward"), "{text}");

    let text = complaint(replay_store::conformance(FaultyReplayStore::errs(), at_once)).await;
    assert!(text.contains("Fault"), "{text}");
}

/// A check and a claim in two steps, with room for somebody else in between.
struct TwoSteps(Mutex<HashSet<ReplayId>>);

impl ReplayStore for TwoSteps {
    type Error = Fault;

    async fn claim(&self, claim: &ReplayClaim<'_>) -> Result<ReplayOutcome, Fault> {
        if self.0.lock().unwrap().contains(&claim.id) {
            return Ok(ReplayOutcome::Seen);
        }
        tokio::task::yield_now().await;
        self.0.lock().unwrap().insert(claim.id);
        Ok(ReplayOutcome::Fresh)
    }
}

#[tokio::test]
async fn a_race_is_noticed() {
    let text = complaint(replay_store::conformance(TwoSteps(Mutex::default()), at_once)).await;
    assert!(text.contains("fresh and seen of 200 at once"), "{text}");
}

#[tokio::test]
async fn a_store_that_evicts_is_noticed() {
    let evicts = || {
        wrong(|held, claim| {
            if holds(held, claim) {
                return ReplayOutcome::Seen;
            }
            if held.len() == 10 {
                held.remove(0);
            }
            held.push((claim.id, claim.until));
            ReplayOutcome::Fresh
        })
    };
    let text = complaint(replay_store::check_full(evicts(), 100, at_once)).await;
    assert!(text.contains("100 claims, and the store is not full"), "{text}");
}
