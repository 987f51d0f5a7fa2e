//! Applications in memory.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use trusted_app_core::crypto::Thumbprint;
use trusted_app_core::registry::{ApplicationConflict, Reserved};
use trusted_app_core::{ApplicationId, KeyStore, LocalApplication, TrustedApplication};

use super::applications::Applications;

/// Applications in memory, which can be changed while requests are served.
///
/// Clones share the applications. A look-up takes no lock and finds either the old or the new state
/// of a change. Each change copies the whole table of pointers, so bring many applications in at
/// once, by [`new`](Self::new) or [`replace`](Self::replace).
///
/// No two applications have a key in common; see [`ApplicationConflict`].
#[derive(Clone)]
pub struct MemoryKeyStore {
    shared: Arc<Shared>,
}

struct Shared {
    current: ArcSwap<Applications>,
    writer: Mutex<()>,
}

impl MemoryKeyStore {
    /// A store of these applications.
    ///
    /// # Errors
    ///
    /// When two of them have an id or a key in common.
    pub fn new(
        applications: impl IntoIterator<Item = TrustedApplication>,
    ) -> Result<Self, ApplicationConflict> {
        let applications = Applications::new(applications.into_iter().map(Arc::new), None)?;
        Ok(Self::of(applications))
    }

    /// An empty store that rejects our own id and key.
    #[must_use]
    pub fn with_local(local: &LocalApplication) -> Self {
        Self::of(Applications::reserving(Reserved::from(local)))
    }

    fn of(applications: Applications) -> Self {
        let current = ArcSwap::from_pointee(applications);
        Self { shared: Arc::new(Shared { current, writer: Mutex::new(()) }) }
    }

    /// The application registered under `id`.
    #[must_use]
    pub fn get(&self, id: &ApplicationId) -> Option<Arc<TrustedApplication>> {
        self.shared.current.load().get(id).map(Arc::clone)
    }

    /// The application that has this key for HTTP message signatures.
    #[must_use]
    pub fn get_by_key(&self, key: &Thumbprint) -> Option<Arc<TrustedApplication>> {
        self.shared.current.load().get_by_key(key).map(Arc::clone)
    }

    /// Registers an application in place of the one that had its id, which is returned.
    ///
    /// # Errors
    ///
    /// When it may not stand beside the others; the store is then unchanged.
    pub fn insert(
        &self,
        application: TrustedApplication,
    ) -> Result<Option<Arc<TrustedApplication>>, ApplicationConflict> {
        self.change(|applications| applications.put(Arc::new(application)))
    }

    /// Takes an application out and returns it. Its next request is rejected.
    pub fn remove(&self, id: &ApplicationId) -> Option<Arc<TrustedApplication>> {
        let Ok(removed) = self.change(|applications| Ok::<_, Infallible>(applications.remove(id)));
        removed
    }

    /// Replaces all applications at once: every look-up sees either the old ones or the new ones.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and when one has our own id or key; the store is then unchanged.
    pub fn replace(
        &self,
        new: impl IntoIterator<Item = TrustedApplication>,
    ) -> Result<(), ApplicationConflict> {
        self.change(|applications| {
            let reserved = applications.reserved().cloned();
            *applications = Applications::new(new.into_iter().map(Arc::new), reserved)?;
            Ok(())
        })
    }

    /// A copy that shares nothing.
    #[cfg(feature = "file")]
    pub(super) fn fork(&self) -> Self {
        Self::of(Applications::clone(&self.shared.current.load()))
    }

    pub(super) fn reserved(&self) -> Option<Reserved> {
        self.shared.current.load().reserved().cloned()
    }

    /// Changes a copy and publishes it, one writer at a time.
    pub(super) fn change<T, E>(
        &self,
        change: impl FnOnce(&mut Applications) -> Result<T, E>,
    ) -> Result<T, E> {
        let _writer = self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut applications = Applications::clone(&self.shared.current.load());
        let outcome = change(&mut applications)?;
        self.shared.current.store(Arc::new(applications));
        Ok(outcome)
    }
}

impl KeyStore for MemoryKeyStore {
    type Error = Infallible;

    async fn application(&self, id: &ApplicationId) -> Result<Option<Arc<TrustedApplication>>, Infallible> {
        Ok(self.get(id))
    }

    async fn application_by_key(
        &self,
        key: &Thumbprint,
    ) -> Result<Option<Arc<TrustedApplication>>, Infallible> {
        Ok(self.get_by_key(key))
    }
}

impl fmt::Debug for MemoryKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryKeyStore")
            .field("applications", &self.shared.current.load().len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{application, local};
    use super::*;

    fn id(id: &str) -> ApplicationId {
        id.parse().unwrap()
    }

    fn bits(store: &MemoryKeyStore, name: &str) -> Option<usize> {
        store.get(&id(name)).map(|application| application.keys()[0].public_key().bits())
    }

    #[tokio::test]
    async fn looks_up_by_the_exact_id() {
        let store = MemoryKeyStore::new([application("a", 1024), application("b", 4096)]).unwrap();
        let Ok(found) = store.application(&id("b")).await;
        assert_eq!(found.unwrap().id(), &id("b"));
        for unknown in ["B", "b b", "ab"] {
            let Ok(found) = store.application(&id(unknown)).await;
            assert!(found.is_none(), "{unknown}");
        }
    }

    #[test]
    fn a_change_is_seen_by_every_clone() {
        let store = MemoryKeyStore::new([application("a", 1024)]).unwrap();
        let clone = store.clone();
        assert!(store.insert(application("b", 4096)).unwrap().is_none());
        assert_eq!(bits(&clone, "b"), Some(4096));
        assert_eq!(
            store.insert(application("b", 2048)).unwrap().unwrap().keys()[0].public_key().bits(),
            4096
        );
        assert_eq!(bits(&clone, "b"), Some(2048));
        assert_eq!(store.remove(&id("b")).unwrap().id(), &id("b"));
        assert!(store.remove(&id("b")).is_none());
        assert_eq!(bits(&clone, "b"), None);
        assert_eq!(bits(&clone, "a"), Some(1024));
    }

    #[test]
    fn a_refused_change_changes_nothing() {
        let store = MemoryKeyStore::new([application("a", 1024)]).unwrap();
        assert!(store.insert(application("b", 1024)).is_err());
        assert!(store.replace([application("x", 4096), application("y", 4096)]).is_err());
        assert_eq!((bits(&store, "a"), bits(&store, "b"), bits(&store, "x")), (Some(1024), None, None));
        store.replace([application("x", 1024)]).unwrap();
        assert_eq!((bits(&store, "a"), bits(&store, "x")), (None, Some(1024)));
    }

    #[test]
    fn our_own_id_and_key_stay_refused() {
        let store = MemoryKeyStore::with_local(&local());
        for _ in 0..2 {
            assert!(matches!(
                store.insert(application("wiki", 1024)),
                Err(ApplicationConflict::LocalId { .. })
            ));
            assert!(matches!(
                store.replace([application("other", 2048)]),
                Err(ApplicationConflict::LocalKey { .. })
            ));
            store.replace([application("other", 1024)]).unwrap();
        }
    }

    #[test]
    fn writers_do_not_undo_each_other() {
        let store = MemoryKeyStore::new([]).unwrap();
        std::thread::scope(|scope| {
            for (name, bits) in [("a", 1024), ("b", 2048), ("c", 4096)] {
                let store = &store;
                scope.spawn(move || {
                    for _ in 0..100 {
                        store.insert(application(name, bits)).unwrap();
                        store.remove(&id(name)).unwrap();
                    }
                    store.insert(application(name, bits)).unwrap();
                });
            }
        });
        assert_eq!(
            [bits(&store, "a"), bits(&store, "b"), bits(&store, "c")],
            [Some(1024), Some(2048), Some(4096)]
        );
    }
}
