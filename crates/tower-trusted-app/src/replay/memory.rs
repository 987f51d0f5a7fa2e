//! Claims in memory.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use trusted_app_core::store::{ReplayClaim, ReplayId, ReplayOutcome, ReplayStore};
use trusted_app_core::{ApplicationId, Timestamp};

/// Claims in the memory of this process: for one server. Several servers need one store in common.
///
/// Clones share the claims. It holds so many at most, and a quarter of them for one application, so
/// that none can take the others' room. A claim is forgotten when it has lapsed, by the clock of
/// whoever claims, and never before: when there is no room, the answer is an error. A claim takes
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
    /// How many claims are held at most, unless stated: about a million.
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
        claims.forget_lapsed(claim.now);
        if !claims.held.insert(claim.id) {
            return Ok(ReplayOutcome::Seen);
        }
        if let Err(full) = claims.keep(claim, self) {
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

#[derive(Default)]
struct Claims {
    held: HashSet<ReplayId, RandomState>,
    of_application: HashMap<ApplicationId, usize, RandomState>,
    /// By the second in which they lapse.
    lapsing: BTreeMap<i64, Vec<(ReplayId, ApplicationId)>>,
}

impl Claims {
    /// Keeps the claim just added, if there is room for it.
    fn keep(&mut self, claim: &ReplayClaim<'_>, store: &MemoryReplayStore) -> Result<(), ReplayStoreFull> {
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
        self.lapsing.entry(second(claim.until)).or_default().push((claim.id, application.clone()));
        Ok(())
    }

    /// Forgets all of a second together, once it is over.
    fn forget_lapsed(&mut self, now: Timestamp) {
        while let Some(lapsing) = self.lapsing.first_entry()
            && *lapsing.key() < second(now)
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

fn second(time: Timestamp) -> i64 {
    time.as_millis().div_euclid(1000)
}

#[cfg(test)]
mod tests {
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

    #[tokio::test]
    async fn a_claim_is_held_until_it_has_lapsed() {
        let store = MemoryReplayStore::default();
        for (now, outcome) in [
            (-5_000, ReplayOutcome::Fresh),
            (-5_000, ReplayOutcome::Seen),
            (-3_001, ReplayOutcome::Seen),
            // Its second is not over.
            (-2_999, ReplayOutcome::Seen),
            (-2_000, ReplayOutcome::Fresh),
            // A clock that was set back forgets nothing.
            (-9_000, ReplayOutcome::Seen),
        ] {
            assert_eq!(claim(&store, "wiki", "x", now, -3_000).await, Ok(outcome), "{now}");
        }
        assert_eq!(store.clone().len(), 1);
        assert_eq!(claim(&store, "wiki", "y", i64::MAX, i64::MAX).await, Ok(ReplayOutcome::Fresh));
        assert_eq!(store.len(), 1);
        assert!(store.claims().of_application.values().eq([&1]));
    }

    #[tokio::test]
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
        assert_eq!(claim(&store, "e", "1", 11_000, 30_000).await, Ok(ReplayOutcome::Fresh));
        assert_eq!(claim(&store, "a", "3", 11_000, 30_000).await, Ok(ReplayOutcome::Fresh));
        assert_eq!(claim(&store, "a", "4", 11_000, 30_000).await, Err(full("a")));
        assert_eq!(store.len(), 6);
        let none = MemoryReplayStore::new(0);
        assert_eq!(claim(&none, "a", "1", 0, 1).await, Err(ReplayStoreFull::Altogether(0)));
        assert!(none.is_empty());
    }
}
