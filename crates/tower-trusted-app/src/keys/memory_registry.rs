//! A registry in memory.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use trusted_app_core::crypto::Thumbprint;
use trusted_app_core::registry::{
    ApplicationConflict, ApplicationRegistry, Change, Entry, Registered, RegistryError, Reserved, Stamp,
};
use trusted_app_core::{ApplicationId, Clock, KeyStore, LocalApplication, TrustedApplication};

#[cfg(feature = "file")]
use super::applications::Applications;
use super::ledger::Ledger;
use super::memory::MemoryKeyStore;
use crate::clock::SystemClock;

/// A registry in memory: for tests, and for applications that something else brings in at start.
///
/// It is its own key store: a look-up takes no lock, and a change is seen by the next request.
/// Clones share everything. The log of changes is kept as long as the registry.
///
/// ```
/// use tower_trusted_app::keys::MemoryRegistry;
/// use trusted_app_core::registry::{ApplicationRegistry, RegistryError};
/// # use trusted_app_core::{PublicKey, TrustedApplication, conditions::{AddressRule, PathRule}};
/// # let base64 = include_str!("../../../trusted-app-core/tests/data/public-key-2048.txt");
/// # let key = PublicKey::from_base64(base64)?;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn run(wiki: TrustedApplication) -> Result<(), Box<dyn std::error::Error>> {
///
/// let registry = MemoryRegistry::new([])?;
/// let registered = registry.add(wiki.clone(), "alice").await?;
/// assert_eq!((registered.version, &*registered.created.by), (1, "alice"));
///
/// // Of two changes that were made from the same version, the second is rejected.
/// registry.update(wiki.clone(), 1, "bob").await?;
/// let rejected = registry.update(wiki, 1, "carol").await.unwrap_err();
/// assert!(matches!(rejected, RegistryError::VersionConflict { found: 2, .. }));
/// # Ok(())
/// # }
/// # let wiki = TrustedApplication::builder("wiki".parse()?, key).addresses(AddressRule::any());
/// # run(wiki.paths(PathRule::prefixes(["/rest"])).build()?)?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MemoryRegistry {
    keys: MemoryKeyStore,
    ledger: Arc<Mutex<Ledger>>,
    clock: Arc<dyn Clock>,
}

impl MemoryRegistry {
    /// A registry of these applications, which stand in no change of the log.
    ///
    /// # Errors
    ///
    /// When two of them have an id or a key in common.
    pub fn new(
        applications: impl IntoIterator<Item = TrustedApplication>,
    ) -> Result<Self, ApplicationConflict> {
        let applications: Vec<_> = applications.into_iter().map(Arc::new).collect();
        let keys = MemoryKeyStore::new(applications.iter().map(|one| TrustedApplication::clone(one)))?;
        let stamp = Stamp::new(SystemClock.now(), "");
        Ok(Self::of(keys, Ledger::of(applications, &stamp)))
    }

    /// An empty registry that rejects our own id and key.
    #[must_use]
    pub fn with_local(local: &LocalApplication) -> Self {
        Self::of(MemoryKeyStore::with_local(local), Ledger::default())
    }

    fn of(keys: MemoryKeyStore, ledger: Ledger) -> Self {
        Self { keys, ledger: Arc::new(Mutex::new(ledger)), clock: Arc::new(SystemClock) }
    }

    /// The clock that stamps changes; the system's by default.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// The same applications, with our own id and key rejected.
    #[cfg(feature = "file")]
    pub(super) fn reserving(self, reserved: Reserved) -> Result<Self, ApplicationConflict> {
        self.keys.change(|set| {
            *set = Applications::new(set.iter().cloned().collect::<Vec<_>>(), Some(reserved))?;
            Ok::<_, ApplicationConflict>(())
        })?;
        Ok(self)
    }

    /// A copy that shares nothing: what is changed in it is not changed here.
    #[cfg(feature = "file")]
    pub(super) fn fork(&self) -> Self {
        let ledger = Arc::new(Mutex::new(self.ledger().clone()));
        Self { keys: self.keys.fork(), ledger, clock: Arc::clone(&self.clock) }
    }

    /// Takes these applications in the place of all: one change each for what is not the `same`.
    #[cfg(feature = "file")]
    pub(super) fn replace(
        &self,
        applications: impl IntoIterator<Item = TrustedApplication>,
        is_same: fn(&TrustedApplication, &TrustedApplication) -> bool,
        by: &str,
    ) -> Result<(), ApplicationConflict> {
        let (mut ledger, stamp) = (self.ledger(), self.stamp(by));
        self.keys.change(|set| {
            let reserved = set.reserved().cloned();
            *set = Applications::new(applications.into_iter().map(Arc::new), reserved)?;
            ledger.replace(set, is_same, &stamp);
            Ok(())
        })
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stamp(&self, by: &str) -> Stamp {
        Stamp::new(self.clock.now(), by)
    }
}

impl ApplicationRegistry for MemoryRegistry {
    async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Entry>, RegistryError> {
        Ok(self.ledger().list(after, limit))
    }

    async fn get(&self, id: &ApplicationId) -> Result<Option<Entry>, RegistryError> {
        Ok(self.ledger().get(id).cloned().map(Ok))
    }

    async fn add(&self, application: TrustedApplication, by: &str) -> Result<Registered, RegistryError> {
        let (mut ledger, stamp) = (self.ledger(), self.stamp(by));
        self.keys.change(|set| ledger.add(set, Arc::new(application), stamp))
    }

    async fn update(
        &self,
        application: TrustedApplication,
        expected: u64,
        by: &str,
    ) -> Result<Registered, RegistryError> {
        let (mut ledger, stamp) = (self.ledger(), self.stamp(by));
        self.keys.change(|set| ledger.update(set, Arc::new(application), expected, stamp))
    }

    async fn remove(&self, id: &ApplicationId, expected: u64, by: &str) -> Result<(), RegistryError> {
        let (mut ledger, stamp) = (self.ledger(), self.stamp(by));
        self.keys.change(|set| ledger.remove(set, id, expected, stamp))
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, RegistryError> {
        Ok(self.ledger().changes(after, limit))
    }

    async fn last_change(&self) -> Result<u64, RegistryError> {
        Ok(self.ledger().last_change())
    }

    fn reserved(&self) -> Option<Reserved> {
        self.keys.reserved()
    }
}

impl KeyStore for MemoryRegistry {
    type Error = Infallible;

    async fn application(&self, id: &ApplicationId) -> Result<Option<Arc<TrustedApplication>>, Infallible> {
        Ok(self.keys.get(id))
    }

    async fn application_by_key(
        &self,
        key: &Thumbprint,
    ) -> Result<Option<Arc<TrustedApplication>>, Infallible> {
        Ok(self.keys.get_by_key(key))
    }
}

impl fmt::Debug for MemoryRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRegistry").field("keys", &self.keys).finish_non_exhaustive()
    }
}
