//! A registry's applications in memory, kept up to date.

mod changes;
mod error;
mod gauges;
mod known;
mod refresh;
mod snapshot;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use trusted_app_core::crypto::Thumbprint;
use trusted_app_core::registry::{ApplicationRegistry, Broken, RegistryError};
use trusted_app_core::{ApplicationId, KeyStore, TrustedApplication};

pub use changes::{ChangeSource, Polling};
pub use error::CacheError;
use known::Shared;
use refresh::Refresher;
use snapshot::Snapshot;

/// A registry's applications in memory: what stands between requests and a database.
///
/// A look-up takes no lock and never touches the registry, not even for an unknown id. A task reads
/// what was changed: when the [`ChangeSource`] says so, and every
/// [poll interval](CachedRegistryBuilder::poll_interval) whatever it says. So a change made on any
/// node is in force on this one within the poll interval and the time that reading it takes.
///
/// What cannot be read is skipped, logged and listed in [`status`](Self::status); requests under its
/// id, and nobody else's, are answered as unavailable. So is what has a key of another's, which somebody must have changed
/// by hand: the key stays with whom it was served, and at the start with the lower id. While the registry is away the applications
/// stay as they were, up to the [maximum age](CachedRegistryBuilder::max_age); from then on every
/// look-up is an error, which the layer answers by 503, until the registry is back.
///
/// Clones share the applications; the task ends with the last.
///
/// With the cargo feature `metrics` it reports through the `metrics` facade:
///
/// | name | |
/// |---|---|
/// | `trusted_app_registry_generation` | the change up to which this node has read |
/// | `trusted_app_registry_applications` | how many are served |
/// | `trusted_app_registry_skipped` | how many cannot be read |
/// | `trusted_app_registry_age_seconds` | how long ago the registry last confirmed it |
/// | `trusted_app_registry_loads_total` | by `how`: `changes` or `full` |
/// | `trusted_app_registry_errors_total` | attempts that failed |
///
/// ```
/// use tower_trusted_app::keys::{CachedRegistry, MemoryRegistry};
/// use trusted_app_core::KeyStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let registry = MemoryRegistry::new([])?;
/// let keys = CachedRegistry::open(registry).await?;
/// assert!(keys.application(&"wiki".parse()?).await?.is_none());
/// assert_eq!(keys.status().skipped.len(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CachedRegistry {
    shared: Arc<Shared>,
    _task: Arc<AbortOnDrop>,
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl CachedRegistry {
    /// Reads a registry and keeps up with it by polling.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub async fn open(registry: impl ApplicationRegistry) -> Result<Self, RegistryError> {
        Self::builder(registry).open().await
    }

    /// The same with options.
    pub fn builder<R: ApplicationRegistry>(registry: R) -> CachedRegistryBuilder<R> {
        CachedRegistryBuilder {
            registry,
            changes: Polling,
            poll_interval: Duration::from_secs(1),
            max_age: Duration::from_secs(300),
            full_interval: Duration::from_secs(3600),
        }
    }

    /// The application registered under `id`.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    pub fn get(&self, id: &ApplicationId) -> Result<Option<Arc<TrustedApplication>>, CacheError> {
        self.shared.check_age()?;
        self.shared.snapshot.get(id).transpose().map_err(CacheError::Broken)
    }

    /// The application that has this key for HTTP message signatures.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    pub fn get_by_key(&self, key: &Thumbprint) -> Result<Option<Arc<TrustedApplication>>, CacheError> {
        self.shared.check_age()?;
        self.shared.snapshot.get_by_key(key).transpose().map_err(CacheError::Broken)
    }

    /// Reads the whole registry again, and waits until that is done or has failed;
    /// [`status`](Self::status) says which.
    pub async fn reload(&self) {
        let mut attempted = self.shared.attempted.subscribe();
        let number = 1 + self.shared.asked.fetch_add(1, Ordering::AcqRel);
        self.shared.call.notify_one();
        let _ = attempted.wait_for(|attempted| *attempted >= number).await;
    }

    /// How the cache stands, for a health check.
    #[must_use]
    pub fn status(&self) -> CacheStatus {
        let known = self.shared.status.load();
        let age = self.shared.age();
        CacheStatus {
            generation: known.generation,
            applications: known.applications,
            age,
            is_serving: age <= self.shared.max_age,
            skipped: known.skipped.iter().map(|broken| Broken::clone(broken)).collect(),
            skipped_count: known.skipped_count,
            last_error: known.last_error.clone(),
        }
    }
}

impl KeyStore for CachedRegistry {
    type Error = CacheError;

    async fn application(&self, id: &ApplicationId) -> Result<Option<Arc<TrustedApplication>>, CacheError> {
        self.get(id)
    }

    async fn application_by_key(
        &self,
        key: &Thumbprint,
    ) -> Result<Option<Arc<TrustedApplication>>, CacheError> {
        self.get_by_key(key)
    }
}

impl fmt::Debug for CachedRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedRegistry").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// Opens a [`CachedRegistry`].
#[derive(Debug, Clone)]
#[must_use = "call `open`"]
pub struct CachedRegistryBuilder<R, C = Polling> {
    registry: R,
    changes: C,
    poll_interval: Duration,
    max_age: Duration,
    full_interval: Duration,
}

impl<R: ApplicationRegistry, C: ChangeSource> CachedRegistryBuilder<R, C> {
    /// What tells of changes before the next poll.
    pub fn changes<C2: ChangeSource>(self, changes: C2) -> CachedRegistryBuilder<R, C2> {
        let Self { registry, poll_interval, max_age, full_interval, .. } = self;
        CachedRegistryBuilder { registry, changes, poll_interval, max_age, full_interval }
    }

    /// How often the registry is asked whether anything changed; 1 second by default. It is the
    /// bound within which a change is in force even if no notification arrives.
    pub fn poll_interval(self, interval: Duration) -> Self {
        Self { poll_interval: interval, ..self }
    }

    /// How long the applications are served though the registry does not answer; 5 minutes unless
    /// stated. A key that is revoked meanwhile is good for that long.
    pub fn max_age(self, age: Duration) -> Self {
        Self { max_age: age, ..self }
    }

    /// How often everything is read again, whatever was reported; every hour by default.
    pub fn full_interval(self, interval: Duration) -> Self {
        Self { full_interval: interval, ..self }
    }

    /// Reads the registry and keeps up with it. Must be called within a Tokio runtime.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub async fn open(self) -> Result<CachedRegistry, RegistryError> {
        let shared = Arc::new(Shared {
            snapshot: Snapshot::new(),
            status: ArcSwap::default(),
            confirmed: AtomicU64::new(0),
            started: Instant::now(),
            max_age: self.max_age,
            asked: AtomicU64::new(0),
            call: Notify::new(),
            attempted: watch::Sender::new(0),
        });
        let mut refresher = Refresher::new(self.registry, Arc::clone(&shared));
        refresher.refresh(true).await?;
        let task = tokio::spawn(refresher.run(self.changes, self.poll_interval, self.full_interval));
        Ok(CachedRegistry { shared, _task: Arc::new(AbortOnDrop(task)) })
    }
}

/// How a cache stands.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CacheStatus {
    /// The number of the registry's change up to which this node has read.
    pub generation: u64,
    /// How many applications are served.
    pub applications: usize,
    /// How long ago the registry last confirmed that this is all.
    pub age: Duration,
    /// Whether look-ups are answered: whether the age is within its maximum.
    pub is_serving: bool,
    /// What could not be read, the first hundred in the order of their ids.
    pub skipped: Vec<Broken>,
    /// How many could not be read.
    pub skipped_count: usize,
    /// Why the last attempt to read failed; `None` if it did not.
    pub last_error: Option<String>,
}
