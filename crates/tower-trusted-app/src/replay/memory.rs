//! Claims in memory.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use tokio::time::Instant;
use trusted_app_core::ApplicationId;
use trusted_app_core::store::{ReplayClaim, ReplayId, ReplayOutcome, ReplayStore};

/// Claims in the memory of this process: for one server. Several servers need one store in common.
///
/// Clones share the claims. It holds so many at most, and a quarter of them for one application, so
/// that none can take the others' room. A claim is forgotten when its lifetime has passed, whatever the system's clock is
/// set to meanwhile, and never before: when there is no room, the answer is an error. A claim takes
/// about 70 bytes; a restart forgets them all.
#[derive(Clone)]
pub struct MemoryReplayStore {
    claims: Arc<Mutex<Claims>>,
    max: usize,
    max_of_one: usize,
}

/// There is no room for another claim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayStoreFull {
    /// All room is taken.
    #[error("the replay store is full: it holds {0} claims")]
    Altogether(usize),
    /// The application's share is taken.
    #[error("the replay store is full for application `{application}`: it holds {claims} of its claims")]
    ForApplication {
        /// Which one.
        application: ApplicationId,
        /// How many claims it has.
        claims: usize,
    },
}

impl MemoryReplayStore {
    /// How many claims are held at most by default: about a million.
    pub const DEFAULT_MAX_CLAIMS: usize = 1 << 20;

    /// An empty store that holds at most so many claims.
    #[must_use]
    pub fn new(max_claims: usize) -> Self {
        Self { claims: Arc::default(), max: max_claims, max_of_one: max_claims.div_ceil(4) }
    }

    /// How many claims are held. One that has lapsed counts until the next claim is made.
    #[must_use]
    pub fn len(&self) -> usize {
        self.claims().held.len()
    }

    /// Whether no claim is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn claims(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReplayStore for MemoryReplayStore {
    type Error = ReplayStoreFull;

    async fn claim(&self, claim: &ReplayClaim<'_>) -> Result<ReplayOutcome, ReplayStoreFull> {
        let mut claims = self.claims();
        let passed_ms = u64::try_from(claims.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        claims.forget_lapsed(passed_ms);
        if !claims.held.insert(claim.id) {
            return Ok(ReplayOutcome::Seen);
        }
        if let Err(full) = claims.keep(claim, passed_ms, self) {
            claims.held.remove(&claim.id);
            return Err(full);
        }
        Ok(ReplayOutcome::Fresh)
    }
}

impl Default for MemoryReplayStore {
    fn default() -> Self {
        Self::new(Self::DEFAULT_MAX_CLAIMS)
    }
}

impl fmt::Debug for MemoryReplayStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReplayStore")
            .field("claims", &self.len())
            .field("max_claims", &self.max)
            .finish_non_exhaustive()
    }
}

struct Claims {
    started: Instant,
    held: HashSet<ReplayId, RandomState>,
    of_application: HashMap<ApplicationId, usize, RandomState>,
    /// By the second after `started` in which they lapse.
    lapsing: BTreeMap<u64, Vec<(ReplayId, ApplicationId)>>,
}

impl Default for Claims {
    fn default() -> Self {
        let (held, of_application, lapsing) = <_>::default();
        Self { started: Instant::now(), held, of_application, lapsing }
    }
}

impl Claims {
    /// Keeps the claim just added, if there is room for it.
    fn keep(
        &mut self,
        claim: &ReplayClaim<'_>,
        passed_ms: u64,
        store: &MemoryReplayStore,
    ) -> Result<(), ReplayStoreFull> {
        let application = claim.application;
        if self.held.len() > store.max {
            return Err(ReplayStoreFull::Altogether(store.max));
        }
        match self.of_application.get_mut(application) {
            Some(&mut claims) if claims >= store.max_of_one => {
                return Err(ReplayStoreFull::ForApplication { application: application.clone(), claims });
            }
            Some(claims) => *claims += 1,
            None => drop(self.of_application.insert(application.clone(), 1)),
        }
        let lapses = second(passed_ms.saturating_add(claim.lifetime_ms()));
        self.lapsing.entry(lapses).or_default().push((claim.id, application.clone()));
        Ok(())
    }

    /// Forgets all of a second together, once it is over.
    fn forget_lapsed(&mut self, passed_ms: u64) {
        while let Some(lapsing) = self.lapsing.first_entry()
            && *lapsing.key() < second(passed_ms)
        {
            for of_one in lapsing.remove().chunk_by(|(_, one), (_, other)| one == other) {
                for (id, _) in of_one {
                    self.held.remove(id);
                }
                let Some((_, application)) = of_one.first() else { continue };
                if let Some(claims) = self.of_application.get_mut(application) {
                    *claims -= of_one.len();
                    if *claims == 0 {
                        self.of_application.remove(application);
                    }
                }
            }
        }
    }
}

fn second(passed_ms: u64) -> u64 {
    passed_ms / 1000
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;
    use trusted_app_core::Timestamp;

    use super::*;

    /// Claims something for an application, now and until then in milliseconds.
    async fn claim(
        store: &MemoryReplayStore,
        application: &str,
        once: &str,
        now: i64,
        until: i64,
    ) -> Result<ReplayOutcome, ReplayStoreFull> {
        let application = application.parse().unwrap();
        let [now, until] = [now, until].map(Timestamp::from_millis);
        store.claim(&ReplayClaim::new(&application, [once.as_bytes()], now, until)).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_is_held_until_its_lifetime_has_passed() {
        let store = MemoryReplayStore::default();
        for (passes_ms, outcome) in [
            (0, ReplayOutcome::Fresh),
            (0, ReplayOutcome::Seen),
            (1_999, ReplayOutcome::Seen),
            // Its second is not over.
            (2, ReplayOutcome::Seen),
            (999, ReplayOutcome::Fresh),
        ] {
            advance(Duration::from_millis(passes_ms)).await;
            assert_eq!(claim(&store, "wiki", "x", -5_000, -3_000).await, Ok(outcome), "{passes_ms}");
        }
        assert_eq!(store.clone().len(), 1);
        assert!(store.claims().of_application.values().eq([&1]));
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_a_clock_is_set_to_no_claim_is_forgotten() {
        let store = MemoryReplayStore::default();
        assert_eq!(claim(&store, "wiki", "x", 0, 60_000).await, Ok(ReplayOutcome::Fresh));
        for now in [7_200_000, i64::MAX, 0, -7_200_000, i64::MIN, 1] {
            for application in ["wiki", "forum"] {
                let other =
                    claim(&store, application, &now.to_string(), now, now.saturating_add(60_000)).await;
                assert_eq!(other, Ok(ReplayOutcome::Fresh), "{now}");
            }
            assert_eq!(claim(&store, "wiki", "x", now, 60_000).await, Ok(ReplayOutcome::Seen), "{now}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_store_refuses_and_forgets_nothing() {
        let store = MemoryReplayStore::new(8);
        let full = |application: &str| ReplayStoreFull::ForApplication {
            application: application.parse().unwrap(),
            claims: 2,
        };
        for application in ["a", "b", "c", "d"] {
            assert_eq!(claim(&store, application, "1", 0, 10_000).await, Ok(ReplayOutcome::Fresh));
            assert_eq!(claim(&store, application, "2", 0, 20_000).await, Ok(ReplayOutcome::Fresh));
            if application != "d" {
                assert_eq!(claim(&store, application, "3", 0, 10_000).await, Err(full(application)));
            }
        }
        assert_eq!(claim(&store, "e", "1", 0, 10_000).await, Err(ReplayStoreFull::Altogether(8)));
        for application in ["a", "b", "c", "d"] {
            for once in ["1", "2"] {
                assert_eq!(claim(&store, application, once, 0, 10_000).await, Ok(ReplayOutcome::Seen));
            }
        }

        // What has lapsed makes room, for its own application too.
        advance(Duration::from_secs(11)).await;
        assert_eq!(claim(&store, "e", "1", 11_000, 30_000).await, Ok(ReplayOutcome::Fresh));
        assert_eq!(claim(&store, "a", "3", 11_000, 30_000).await, Ok(ReplayOutcome::Fresh));
        assert_eq!(claim(&store, "a", "4", 11_000, 30_000).await, Err(full("a")));
        assert_eq!(store.len(), 6);
        let none = MemoryReplayStore::new(0);
        assert_eq!(claim(&none, "a", "1", 0, 1).await, Err(ReplayStoreFull::Altogether(0)));
        assert!(none.is_empty());
    }
}
