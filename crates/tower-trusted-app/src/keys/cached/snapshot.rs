//! The applications of a registry as they were last read.

use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::sync::Arc;

use arc_swap::ArcSwap;
use foldhash::fast::RandomState;
use trusted_app_core::crypto::Fingerprint;
use trusted_app_core::registry::{ApplicationConflict, Broken};
use trusted_app_core::{ApplicationId, TrustedApplication};

/// What a look-up finds.
pub(super) type Found = Result<Arc<TrustedApplication>, Arc<Broken>>;

type Shard = HashMap<ApplicationId, Found, RandomState>;

/// What look-ups read: shards, so that a change copies one of them and not a million pointers.
pub(super) struct Snapshot {
    shards: Box<[ArcSwap<Shard>]>,
    hasher: RandomState,
}

impl Snapshot {
    const SHARDS: usize = 1024;

    pub(super) fn new() -> Self {
        let shards = std::iter::repeat_with(ArcSwap::default).take(Self::SHARDS).collect();
        Self { shards, hasher: RandomState::default() }
    }

    /// Takes no lock and waits for nobody.
    pub(super) fn get(&self, id: &ApplicationId) -> Option<Found> {
        self.shard(id)?.load().get(id).cloned()
    }

    fn has_same_keys(&self, application: &TrustedApplication) -> bool {
        let fingerprints = application.keys().iter().map(|key| key.fingerprint());
        matches!(
            self.get(application.id()),
            Some(Ok(served)) if served.keys().iter().map(|key| key.fingerprint()).eq(fingerprints)
        )
    }

    fn shard(&self, id: &ApplicationId) -> Option<&ArcSwap<Shard>> {
        self.shards.get(self.shard_number(id))
    }

    fn shard_number(&self, id: &ApplicationId) -> usize {
        // Other bits than those by which the shard's own table finds the id.
        (self.hasher.hash_one(id) >> 32) as usize % Self::SHARDS
    }

    fn put(&self, id: &ApplicationId, found: Option<Found>) {
        let Some(current) = self.shard(id) else { return };
        let mut shard = Shard::clone(&current.load());
        match found {
            Some(found) => shard.insert(id.clone(), found),
            None => shard.remove(id),
        };
        current.store(Arc::new(shard));
    }

    fn put_all(&self, all: impl Iterator<Item = (ApplicationId, Found)>) {
        let mut shards: Vec<Shard> = std::iter::repeat_with(Shard::default).take(Self::SHARDS).collect();
        for (id, found) in all {
            if let Some(shard) = shards.get_mut(self.shard_number(&id)) {
                shard.insert(id, found);
            }
        }
        for (current, mut shard) in self.shards.iter().zip(shards) {
            shard.shrink_to_fit();
            current.store(Arc::new(shard));
        }
    }
}

/// What only the one writer needs: who holds which key, and what was skipped.
#[derive(Default)]
pub(super) struct Writer {
    holders: HashMap<Fingerprint, ApplicationId, RandomState>,
    skipped: BTreeMap<String, Arc<Broken>>,
    applications: usize,
}

impl Writer {
    pub(super) fn applications(&self) -> usize {
        self.applications
    }

    pub(super) fn skipped(&self) -> impl ExactSizeIterator<Item = &Arc<Broken>> {
        self.skipped.values()
    }

    /// Publishes one change.
    pub(super) fn apply(
        &mut self,
        snapshot: &Snapshot,
        id: &ApplicationId,
        after: Option<Result<Arc<TrustedApplication>, Broken>>,
    ) {
        if let Some(Ok(before)) = snapshot.get(id) {
            self.applications -= 1;
            for key in before.keys() {
                self.holders.remove(key.fingerprint());
            }
        }
        self.skipped.remove(id.as_str());
        let found = after.map(|after| self.take(after));
        snapshot.put(id, found);
    }

    /// Publishes what was read in full, of which this is the writer. A key stays with who was served with it: a row
    /// that was changed by hand takes it from nobody.
    pub(super) fn publish(
        &mut self,
        snapshot: &Snapshot,
        mut all: Vec<Result<Arc<TrustedApplication>, Broken>>,
    ) {
        all.sort_by_key(|one| !one.as_ref().is_ok_and(|application| snapshot.has_same_keys(application)));
        let found = all.into_iter().filter_map(|one| {
            let id = match &one {
                Ok(application) => Some(application.id().clone()),
                Err(broken) => ApplicationId::new(broken.id.as_str()).ok(),
            };
            let found = self.take(one);
            id.map(|id| (id, found))
        });
        snapshot.put_all(found);
    }

    /// Takes an application whose keys nobody else has; anything else is skipped.
    fn take(&mut self, one: Result<Arc<TrustedApplication>, Broken>) -> Found {
        let found = one.and_then(|application| match self.take_keys(&application) {
            Ok(()) => Ok(application),
            Err(conflict) => Err(Broken::new(application.id().as_str(), 0, conflict.to_string())),
        });
        match found {
            Ok(application) => {
                self.applications += 1;
                Ok(application)
            }
            Err(broken) => {
                let broken = Arc::new(broken);
                if self.skipped.insert(broken.id.clone(), Arc::clone(&broken)).as_ref() != Some(&broken) {
                    tracing::error!(target: "trusted_app", %broken, "an application was skipped");
                }
                Err(broken)
            }
        }
    }

    fn take_keys(&mut self, application: &TrustedApplication) -> Result<(), ApplicationConflict> {
        let mut taken = Vec::new();
        for key in application.keys() {
            match self.holders.entry(*key.fingerprint()) {
                Slot::Vacant(free) => {
                    free.insert(application.id().clone());
                    taken.push(*key.fingerprint());
                }
                Slot::Occupied(held) => {
                    let (fingerprint, other) = (*key.fingerprint(), held.get().clone());
                    for fingerprint in taken {
                        self.holders.remove(&fingerprint);
                    }
                    let application = application.id().clone();
                    return Err(ApplicationConflict::Key { fingerprint, application, other });
                }
            }
        }
        Ok(())
    }
}
