//! The administration itself, without HTTP.

mod details;
mod directory;
mod error;
mod form;
mod import;
mod pending;
mod problem;
mod reconcile;
mod refresh;
mod rotation;

use std::fmt;
use std::sync::Arc;

use tower_trusted_app::application::TrustedApplicationBuilder;
use tower_trusted_app::registry::{Change, Entry, Registered, Stamp, page_end};
use tower_trusted_app::{
    ApplicationId, ApplicationRegistry, Clock, SystemClock, Timestamp, TrustedApplication,
};

use self::directory::Directories;
use self::pending::PendingDetails;
use crate::administrator::Administrator;
use crate::fetch::Fetcher;
use crate::recent::RecentDecisions;

pub use directory::thumbprint_groups;
pub use error::AdminError;
pub use form::{ApplicationForm, DEFAULT_PATHS, MAX_NAME};
pub use import::{Changed, ChangedKeys, Exported, ImportOptions, Imported};
pub use pending::{MAX_PENDING, PENDING_FOR, Pending};
pub use problem::{Field, Problem};
pub use refresh::{DirectoryStatus, REFRESH_PAUSE, REFRESHER, Refreshed, STALE_AFTER};

/// How many applications are asked for at once.
const BATCH: usize = 500;

/// The administration of the applications of one registry. Clones share everything.
///
/// ```
/// use tower_trusted_app::keys::MemoryRegistry;
/// use trusted_app_admin::{AdminError, Administration, Administrator, ApplicationForm};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let administration = Administration::new(MemoryRegistry::new([])?);
/// let alice = Administrator::new("alice");
/// assert!(administration.list(&alice).await?.is_empty());
///
/// // Nothing is added but what was fetched for the same administrator before.
/// let refused = administration.add(&alice, "some token", &ApplicationForm::default(), false).await;
/// assert!(matches!(refused, Err(AdminError::PendingGone)));
/// # Ok(())
/// # }
/// ```
pub struct Administration<R> {
    registry: Arc<R>,
    fetcher: Fetcher,
    clock: Arc<dyn Clock>,
    recent: Option<RecentDecisions>,
    pending: Arc<PendingDetails>,
    directories: Arc<Directories>,
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
            pending: Arc::default(),
            directories: Arc::default(),
        }
    }

    /// How other applications' details are fetched: from public addresses unless stated.
    #[must_use]
    pub fn fetcher(self, fetcher: Fetcher) -> Self {
        Self { fetcher, ..self }
    }

    /// What the layer decides. The layer's [`audit`](tower_trusted_app::TrustedAppLayer::audit) takes a clone, beside
    /// another sink if need be: `.audit((sink, recent.clone()))`.
    #[must_use]
    pub fn recent_decisions(self, recent: RecentDecisions) -> Self {
        Self { recent: Some(recent), ..self }
    }

    /// The clock; the system's unless stated.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// All applications, by name and then by id; what cannot be read stands there under its id.
    ///
    /// # Errors
    ///
    /// When the registry is not available.
    pub async fn list(&self, by: &Administrator) -> Result<Vec<Entry>, AdminError> {
        let mut entries = self.entries(by).await?;
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
    pub async fn get(&self, _: &Administrator, id: &str) -> Result<Registered, AdminError> {
        let not_found = || AdminError::NotFound(id.to_owned());
        let parsed: ApplicationId = id.parse().map_err(|_| not_found())?;
        self.registry().get(&parsed).await?.ok_or_else(not_found)?.map_err(AdminError::Broken)
    }

    /// Registers the application whose details wait under `token`, which is used up then; after an
    /// error it is not. A dry run only says what would come of it.
    ///
    /// # Errors
    ///
    /// All that is wrong with the form and with the application, or that no details wait.
    pub async fn add(
        &self,
        by: &Administrator,
        token: &str,
        form: &ApplicationForm,
        dry_run: bool,
    ) -> Result<Registered, AdminError> {
        if self.pending_directory(by, token).is_some() {
            return self.add_directory(by, token, form, dry_run).await;
        }
        let pending = self.take(by, token, |pending| pending.replaces_key_of.is_none())?;
        let result = self.add_pending(by, &pending, form, dry_run).await;
        if dry_run || result.is_err() {
            self.pending.keep(by, pending, self.now());
        }
        result
    }

    async fn add_pending(
        &self,
        by: &Administrator,
        pending: &Pending,
        form: &ApplicationForm,
        dry_run: bool,
    ) -> Result<Registered, AdminError> {
        let (id, key) = (pending.fetched.document.application_id(), pending.fetched.document.public_key());
        self.add_described(by, TrustedApplication::builder(id.clone(), key.clone()), id, form, dry_run).await
    }

    /// Registers what a description says, with the rules of a form.
    async fn add_described(
        &self,
        by: &Administrator,
        described: TrustedApplicationBuilder,
        id: &ApplicationId,
        form: &ApplicationForm,
        dry_run: bool,
    ) -> Result<Registered, AdminError> {
        let (rules, mut problems) = match form.parse() {
            Ok(rules) => (Some(rules), Vec::new()),
            Err(problems) => (None, problems),
        };
        if self.registry().get(id).await?.is_some() {
            problems.push(Problem::IdTaken(id.to_string()));
        }
        let (Some(rules), true) = (rules, problems.is_empty()) else {
            return Err(AdminError::Invalid(problems));
        };
        let application = rules.apply(described).build().map_err(Problem::from)?;
        if dry_run {
            let present = self.entries(by).await?;
            let owners = import::owners(&present);
            let conflicts = import::conflicts(application.id(), application.fingerprints(), &owners);
            let conflicts: Vec<_> = conflicts.map(Problem::Conflict).collect();
            if !conflicts.is_empty() {
                return Err(AdminError::Invalid(conflicts));
            }
            return Ok(self.unsaved(application, 0, None, by));
        }
        let registered = self.registry().add(application, by.name()).await?;
        self.forget_decisions(id.as_str());
        tracing::info!(target: "trusted_app", application = %id, by = by.name(), "trusted application added");
        Ok(registered)
    }

    /// Changes what a form shows of an application, if it still has the `expected` version. What
    /// changes nothing makes no new version.
    ///
    /// # Errors
    ///
    /// All that is wrong with the form, or that the application was changed or removed meanwhile.
    pub async fn edit(
        &self,
        by: &Administrator,
        id: &str,
        expected: u64,
        form: &ApplicationForm,
        dry_run: bool,
    ) -> Result<Registered, AdminError> {
        let registered = self.expected(by, id, expected).await?;
        let rules = form.parse().map_err(AdminError::Invalid)?;
        let application = rules.apply(registered.application.to_builder()).build().map_err(Problem::from)?;
        self.replace(by, registered, application, dry_run).await
    }

    async fn replace(
        &self,
        by: &Administrator,
        registered: Registered,
        application: TrustedApplication,
        dry_run: bool,
    ) -> Result<Registered, AdminError> {
        if import::equal(&registered.application, &application) {
            return Ok(registered);
        }
        if dry_run {
            return Ok(self.unsaved(application, registered.version, Some(registered), by));
        }
        let id = application.id().clone();
        let registered = self.registry().update(application, registered.version, by.name()).await?;
        tracing::info!(target: "trusted_app", application = %id, by = by.name(), "trusted application changed");
        Ok(registered)
    }

    /// Takes an application out, if it still has the `expected` version; also one that cannot be
    /// read.
    ///
    /// # Errors
    ///
    /// When there is none, or it was changed meanwhile.
    pub async fn remove(
        &self,
        by: &Administrator,
        id: &str,
        expected: u64,
        dry_run: bool,
    ) -> Result<(), AdminError> {
        let not_found = || AdminError::NotFound(id.to_owned());
        let parsed: ApplicationId = id.parse().map_err(|_| not_found())?;
        let found = version_of(&self.registry().get(&parsed).await?.ok_or_else(not_found)?);
        if found != expected {
            return Err(AdminError::Changed { id: id.to_owned(), expected, found });
        }
        if dry_run {
            return Ok(());
        }
        self.registry().remove(&parsed, expected, by.name()).await?;
        self.forget_decisions(id);
        tracing::info!(target: "trusted_app", application = id, by = by.name(), "trusted application removed");
        Ok(())
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
        Ok(self.registry().changes(after, limit).await?)
    }

    /// The newest entries of the log of changes, newest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// When the registry is not available.
    pub async fn latest_changes(&self, by: &Administrator, limit: usize) -> Result<Vec<Change>, AdminError> {
        let mut latest = std::collections::VecDeque::new();
        let mut after = 0;
        loop {
            let batch = self.changes(by, after, BATCH).await?;
            let Some(last) = batch.last() else { return Ok(latest.into_iter().rev().collect()) };
            after = last.number;
            latest.extend(batch);
            while latest.len() > limit {
                latest.pop_front();
            }
        }
    }

    /// What stands under `id`, whether it can be read or not.
    ///
    /// # Errors
    ///
    /// When there is nothing, or the registry is not available.
    pub async fn entry(&self, _: &Administrator, id: &str) -> Result<Entry, AdminError> {
        let not_found = || AdminError::NotFound(id.to_owned());
        let parsed: ApplicationId = id.parse().map_err(|_| not_found())?;
        self.registry().get(&parsed).await?.ok_or_else(not_found)
    }

    /// What was decided about requests lately; `None` if nobody tells the administration, by
    /// [`recent_decisions`](Self::recent_decisions).
    #[must_use]
    pub fn recent(&self, _: &Administrator) -> Option<&RecentDecisions> {
        self.recent.as_ref()
    }

    /// What was decided about one application says nothing about the next of the same id.
    fn forget_decisions(&self, id: &str) {
        if let Some(recent) = &self.recent {
            recent.forget(id);
        }
    }

    async fn expected(&self, by: &Administrator, id: &str, expected: u64) -> Result<Registered, AdminError> {
        let registered = self.get(by, id).await?;
        if registered.version == expected {
            return Ok(registered);
        }
        Err(AdminError::Changed { id: id.to_owned(), expected, found: registered.version })
    }

    async fn entries(&self, _: &Administrator) -> Result<Vec<Entry>, AdminError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let batch = self.registry().list(after.as_deref(), BATCH).await?;
            if batch.len() < BATCH {
                entries.extend(batch);
                return Ok(entries);
            }
            after = Some(page_end(&batch, after.as_deref())?);
            entries.extend(batch);
        }
    }

    fn unsaved(
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

    fn registry(&self) -> &R {
        &self.registry
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
            pending: Arc::clone(&self.pending),
            directories: Arc::clone(&self.directories),
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

/// Bytes as hexadecimal text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
