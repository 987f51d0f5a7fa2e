//! The applications of a registry as they were last read.

use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use arc_swap::ArcSwap;
use foldhash::fast::RandomState;
use trusted_app_core::crypto::{Fingerprint, Thumbprint};
use trusted_app_core::registry::{ApplicationConflict, Broken};
use trusted_app_core::{ApplicationId, TrustedApplication};

/// What a look-up finds.
pub(super) type Found = Result<Arc<TrustedApplication>, Arc<Broken>>;

/// What look-ups read.
pub(super) struct Snapshot {
    applications: Shards<ApplicationId, Found>,
    /// Whose key for HTTP message signatures it is. An application that cannot be read any more keeps
    /// what it had, so that it is answered as unavailable and not as unknown.
    holders: Shards<Thumbprint, ApplicationId>,
}

impl Snapshot {
    pub(super) fn new() -> Self {
        Self { applications: Shards::new(), holders: Shards::new() }
    }

    /// Takes no lock and waits for nobody.
    pub(super) fn get(&self, id: &ApplicationId) -> Option<Found> {
        self.applications.get(id)
    }

    /// Likewise.
    pub(super) fn get_by_key(&self, key: &Thumbprint) -> Option<Found> {
        let found = self.get(&self.holders.get(key)?)?;
        // Between two changes it may be that the key is another's already.
        let has_it = found.as_ref().map_or(true, |application| application.signature_key(key).is_some());
        has_it.then_some(found)
    }

    fn has_same_keys(&self, application: &TrustedApplication) -> bool {
        matches!(
            self.get(application.id()),
            Some(Ok(served)) if served.fingerprints().eq(application.fingerprints())
        )
    }

    fn put(&self, id: &ApplicationId, found: Option<Found>) {
        if let Some(Ok(after)) = &found {
            for key in names(after) {
                self.holders.put(&key, Some(id.clone()));
            }
        }
        let before = self.get(id);
        let is_broken = matches!(found, Some(Err(_)));
        self.applications.put(id, found);
        if let Some(Ok(before)) = before
            && !is_broken
        {
            let after = self.get(id);
            let has =
                |key: &Thumbprint| matches!(&after, Some(Ok(after)) if after.signature_key(key).is_some());
            for key in names(&before).filter(|key| !has(key)) {
                if self.holders.get(&key).as_ref() == Some(id) {
                    self.holders.put(&key, None);
                }
            }
        }
    }

    /// What cannot be read keeps the keys that it had, however often it was read in vain, unless they are another's.
    fn put_all(&self, all: impl Iterator<Item = (ApplicationId, Found)>) {
        let all: Vec<_> = all.collect();
        let broken: HashSet<_> = all.iter().filter(|(_, found)| found.is_err()).map(|(id, _)| id).collect();
        let mut holders = self.holders.entries(|id| broken.contains(id));
        for (id, found) in &all {
            if let Ok(application) = found {
                holders.extend(names(application).map(|key| (key, id.clone())));
            }
        }
        self.holders.put_all(holders.into_iter());
        self.applications.put_all(all.into_iter());
    }
}

fn names(application: &TrustedApplication) -> impl Iterator<Item = Thumbprint> {
    application.signature_keys().iter().map(|key| *key.public_key().thumbprint())
}

type Shard<K, V> = HashMap<K, V, RandomState>;

/// A table in parts, so that a change copies one of them and not a million pointers.
struct Shards<K, V> {
    shards: Box<[ArcSwap<Shard<K, V>>]>,
    hasher: RandomState,
}

impl<K: Hash + Eq + Clone, V: Clone> Shards<K, V> {
    const COUNT: usize = 1024;

    fn new() -> Self {
        let shards = std::iter::repeat_with(ArcSwap::default).take(Self::COUNT).collect();
        Self { shards, hasher: RandomState::default() }
    }

    fn get(&self, key: &K) -> Option<V> {
        self.shards.get(self.number(key))?.load().get(key).cloned()
    }

    /// Those with such a value.
    fn entries(&self, is_one: impl Fn(&V) -> bool) -> Vec<(K, V)> {
        let mut entries = Vec::new();
        for shard in &self.shards {
            let shard = shard.load();
            let found = shard.iter().filter(|(_, value)| is_one(value));
            entries.extend(found.map(|(key, value)| (key.clone(), value.clone())));
        }
        entries
    }

    fn number(&self, key: &K) -> usize {
        // Other bits than those by which the shard's own table finds the key.
        (self.hasher.hash_one(key) >> 32) as usize % Self::COUNT
    }

    fn put(&self, key: &K, value: Option<V>) {
        let Some(current) = self.shards.get(self.number(key)) else { return };
        let mut shard = Shard::clone(&current.load());
        match value {
            Some(value) => shard.insert(key.clone(), value),
            None => shard.remove(key),
        };
        current.store(Arc::new(shard));
    }

    fn put_all(&self, all: impl Iterator<Item = (K, V)>) {
        let mut shards: Vec<Shard<K, V>> = std::iter::repeat_with(Shard::default).take(Self::COUNT).collect();
        for (key, value) in all {
            if let Some(shard) = shards.get_mut(self.number(&key)) {
                shard.insert(key, value);
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
            for fingerprint in before.fingerprints() {
                self.holders.remove(&fingerprint);
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
        for fingerprint in application.fingerprints() {
            match self.holders.entry(fingerprint) {
                Slot::Vacant(free) => {
                    free.insert(application.id().clone());
                    taken.push(fingerprint);
                }
                Slot::Occupied(held) => {
                    let other = held.get().clone();
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
