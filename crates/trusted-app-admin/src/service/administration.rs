//! The administration of a registry: what it knows, and what it is asked.

use std::fmt;
use std::sync::Arc;

use tower_trusted_app::application::TrustedApplicationBuilder;
use tower_trusted_app::httpsig::KeyDirectory;
use tower_trusted_app::registry::{Change, Entry, Registered, Stamp};
use tower_trusted_app::seraph::CertificateDocument;
use tower_trusted_app::{
    ApplicationId, ApplicationRegistry, Clock, SystemClock, Timestamp, TrustedApplication,
};

use super::difference::equal;
use super::error::AdminError;
use super::fetches::Fetches;
use super::field_error::FieldError;
use super::pending::PendingDetails;
use crate::administrator::Administrator;
use crate::fetch::Fetcher;
use crate::recent::RecentDecisions;

/// How many entries of the log are asked for at once.
const BATCH: usize = 500;

/// The administration of the applications of one registry. Clones share everything.
///
/// ```
/// use tower_trusted_app::keys::MemoryRegistry;
/// use trusted_app_admin::{AdminError, Administration, Administrator};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let administration = Administration::new(MemoryRegistry::new([])?);
/// let alice = Administrator::new("alice");
/// assert!(administration.list(&alice).await?.is_empty());
///
/// let unknown = administration.get(&alice, "wiki").await;
/// assert!(matches!(unknown, Err(AdminError::NotFound(_))));
/// # Ok(())
/// # }
/// ```
pub struct Administration<R> {
    pub(super) registry: Arc<R>,
    pub(super) fetcher: Fetcher,
    clock: Arc<dyn Clock>,
    recent: Option<RecentDecisions>,
    pub(super) state: Arc<State>,
}

/// What is known in this process.
#[derive(Default)]
pub(super) struct State {
    pub(super) documents: PendingDetails<CertificateDocument>,
    pub(super) directories: PendingDetails<KeyDirectory>,
    pub(super) fetches: Fetches,
}

impl<R: ApplicationRegistry> Administration<R> {
    /// The administration of a registry. Unless more is stated, it fetches from public addresses, and does not know
    /// what is decided about requests.
    pub fn new(registry: R) -> Self {
        Self {
            registry: Arc::new(registry),
            fetcher: Fetcher::default(),
            clock: Arc::new(SystemClock),
            recent: None,
            state: Arc::default(),
        }
    }

    /// How other applications' details are fetched: from public addresses by default.
    #[must_use]
    pub fn fetcher(self, fetcher: Fetcher) -> Self {
        Self { fetcher, ..self }
    }

    /// What the layer decides. The layer's [`audit`](tower_trusted_app::TrustedAppLayerBuilder::audit) takes a clone, beside
    /// another sink if need be: `.audit((sink, recent.clone()))`.
    #[must_use]
    pub fn recent_decisions(self, recent: RecentDecisions) -> Self {
        Self { recent: Some(recent), ..self }
    }

    /// The clock; the system's by default.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// All applications, by name and then by id; what cannot be read stands there under its id.
    ///
    /// # Errors
    ///
    /// When the registry is not available.
    pub async fn list(&self, _: &Administrator) -> Result<Vec<Entry>, AdminError> {
        let mut entries = self.registry.list_all().await?;
        entries.sort_by_cached_key(|entry| match entry {
            Ok(one) => (one.application.name().to_lowercase(), one.application.id().to_string()),
            Err(broken) => (broken.id.to_lowercase(), broken.id.clone()),
        });
        Ok(entries)
    }

    /// The application registered under `id`.
    ///
    /// # Errors
    ///
    /// When there is none, it cannot be read, or the registry is not available.
    pub async fn get(&self, by: &Administrator, id: &str) -> Result<Registered, AdminError> {
        self.entry(by, id).await?.map_err(AdminError::Broken)
    }

    /// What stands under `id`, whether it can be read or not.
    ///
    /// # Errors
    ///
    /// When there is nothing, or the registry is not available.
    pub async fn entry(&self, _: &Administrator, id: &str) -> Result<Entry, AdminError> {
        self.registry.get(&parsed(id)?).await?.ok_or_else(|| AdminError::NotFound(id.to_owned()))
    }

    /// The log of changes after the entry numbered `after`, oldest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// When the registry is not available.
    pub async fn changes(
        &self,
        _: &Administrator,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Change>, AdminError> {
        Ok(self.registry.changes(after, limit).await?)
    }

    /// The newest entries of the log of changes, newest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// When the registry is not available.
    pub async fn latest_changes(&self, by: &Administrator, limit: usize) -> Result<Vec<Change>, AdminError> {
        let (mut latest, mut after) = (Vec::new(), 0);
        loop {
            latest.extend(self.changes(by, after, BATCH).await?);
            latest.drain(..latest.len().saturating_sub(limit));
            match latest.last().map(|change: &Change| change.number) {
                Some(last) if last > after => after = last,
                _ => break,
            }
        }
        latest.reverse();
        Ok(latest)
    }

    /// What was decided about requests lately; `None` if nobody tells the administration, by
    /// [`recent_decisions`](Self::recent_decisions).
    #[must_use]
    pub fn recent(&self, _: &Administrator) -> Option<&RecentDecisions> {
        self.recent.as_ref()
    }

    /// What was decided about one application says nothing about the next of the same id.
    pub(super) fn forget_decisions(&self, id: &str) {
        if let Some(recent) = &self.recent {
            recent.forget(id);
        }
    }

    /// The application, if it still has this version.
    pub(super) async fn expected(
        &self,
        by: &Administrator,
        id: &str,
        expected: u64,
    ) -> Result<Registered, AdminError> {
        let registered = self.get(by, id).await?;
        check_version(id, expected, registered.version)?;
        Ok(registered)
    }

    /// Writes what is described in the place of an application. What changes nothing makes no new version.
    pub(super) async fn replace(
        &self,
        by: &Administrator,
        registered: Registered,
        described: TrustedApplicationBuilder,
        dry_run: bool,
    ) -> Result<Registered, AdminError> {
        let application = described.build().map_err(FieldError::from)?;
        if equal(&registered.application, &application) {
            return Ok(registered);
        }
        if dry_run {
            return Ok(self.unsaved(application, registered.version, Some(registered), by));
        }
        let id = application.id().clone();
        let registered = self.registry.update(application, registered.version, by.name()).await?;
        tracing::info!(target: "trusted_app", application = %id, by = by.name(), "trusted application changed");
        Ok(registered)
    }

    pub(super) fn unsaved(
        &self,
        application: TrustedApplication,
        version: u64,
        before: Option<Registered>,
        by: &Administrator,
    ) -> Registered {
        let stamp = Stamp::new(self.now(), by.name());
        let created = before.map_or(stamp.clone(), |before| before.created);
        Registered::new(Arc::new(application), version, created, stamp)
    }

    #[cfg(any(feature = "pages", feature = "api"))]
    pub(crate) fn shared_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl<R> Clone for Administration<R> {
    fn clone(&self) -> Self {
        Self {
            registry: Arc::clone(&self.registry),
            fetcher: self.fetcher.clone(),
            clock: Arc::clone(&self.clock),
            recent: self.recent.clone(),
            state: Arc::clone(&self.state),
        }
    }
}

impl<R> fmt::Debug for Administration<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Administration").finish_non_exhaustive()
    }
}

/// The version of an entry, whether it can be read or not.
#[must_use]
pub fn version_of(entry: &Entry) -> u64 {
    match entry {
        Ok(registered) => registered.version,
        Err(broken) => broken.version,
    }
}

pub(super) fn check_version(id: &str, expected: u64, found: u64) -> Result<(), AdminError> {
    if found == expected {
        return Ok(());
    }
    Err(AdminError::Changed { id: id.to_owned(), expected, found })
}

/// An id; what is none is one that no application has.
pub(super) fn parsed(id: &str) -> Result<ApplicationId, AdminError> {
    id.parse().map_err(|_| AdminError::NotFound(id.to_owned()))
}
