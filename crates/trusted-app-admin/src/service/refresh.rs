//! Key directories of registered applications, fetched again.

use tokio::task::JoinSet;
use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::application::KeyState;
use tower_trusted_app::crypto::Thumbprint;
use tower_trusted_app::httpsig::SkippedKey;
use tower_trusted_app::registry::Registered;

use super::administration::Administration;
use super::error::AdminError;
use super::fetches::DirectoryStatus;
use super::field_error::FieldError;
use super::reconcile::reconcile;
use crate::administrator::Administrator;
use crate::fetch::MAX_FETCHES;

/// Who makes the changes of a refresh, in the log of changes.
pub const REFRESHER: &str = "key directory refresher";

/// Directories that are fetched at once; the other places are for administrators.
const CONCURRENT: usize = MAX_FETCHES / 2;

/// How often a refresh gives way to somebody else's change.
const ATTEMPTS: usize = 3;

/// What came of a refresh.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Refreshed {
    /// The application as it is now.
    pub registered: Registered,
    /// New keys that found no room: the application has as many as are kept, and the oldest that are revoked must
    /// be taken out.
    pub without_room: Vec<Thumbprint>,
    /// The entries of the directory that give no key: whatever key is in them is not live.
    pub skipped: Vec<SkippedKey>,
}

impl<R: ApplicationRegistry> Administration<R> {
    /// Fetches an application's key directory and makes its keys those of the directory, with [`REFRESHER`] as
    /// who changed it:
    ///
    /// - a new key is active if the directory lists, and so is signed by, a key that is trusted already; else it
    ///   is [`Next`](KeyState::Next) until an administrator [confirms](Self::confirm_signature_key) it;
    /// - a key that is no longer listed, or whose entry is [skipped](tower_trusted_app::httpsig::KeyDirectory::skipped), is good for nothing from now
    ///   on, until a directory lists it that was signed later;
    /// - a revoked key stays revoked.
    ///
    /// A directory that was signed before the last withdrawal of a key, or before the application was registered,
    /// endorses none. A fetch that fails changes nothing, and so does a directory without any key that is understood and
    /// proven, or one that was signed before another that this process accepted.
    ///
    /// # Errors
    ///
    /// When there is no such application, it has no key directory, the last fetch was within
    /// [`REFRESH_PAUSE`](super::REFRESH_PAUSE), the fetch fails, a key may not be this application's, or the registry is not available.
    pub async fn refresh_directory(&self, id: &str) -> Result<Refreshed, AdminError> {
        let by = Administrator::new(REFRESHER);
        let registered = self.get(&by, id).await?;
        let url = registered.application.key_directory().ok_or(FieldError::NoKeyDirectory)?;
        let fetches = &self.state.fetches;
        fetches.begin(id, self.now())?;
        let result = self.refresh(&by, id, url).await;
        let failure = match &result {
            Ok(refreshed) if refreshed.without_room.is_empty() => None,
            Ok(_) => Some("There is no room for its new keys.".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        if fetches.end(id, self.now(), failure.clone()) {
            tracing::error!(target: "trusted_app", application = id, url, "key directory not fetched for a day");
        }
        if let Some(failure) = failure {
            tracing::warn!(target: "trusted_app", application = id, url, failure, "key directory not refreshed");
        }
        result
    }

    async fn refresh(&self, by: &Administrator, id: &str, url: &str) -> Result<Refreshed, AdminError> {
        let now = self.now();
        let fetched = self.fetcher.fetch_directory(url, now).await?;
        let fetches = &self.state.fetches;
        if fetches.is_superseded(id, &fetched.document) {
            return Err(FieldError::DirectorySuperseded.into());
        }
        let mut attempts = 1;
        loop {
            let registered = self.get(by, id).await?;
            if registered.application.key_directory() != Some(url) {
                return Err(FieldError::NoKeyDirectory.into());
            }
            let found = reconcile(&registered, &fetched.document, now);
            let described = registered.application.to_builder().signature_keys(found.keys);
            match self.replace(by, registered, described, false).await {
                Err(AdminError::Changed { .. }) if attempts < ATTEMPTS => attempts += 1,
                result => {
                    let registered = result?;
                    let skipped = fetched.document.skipped();
                    if fetches.accepted(id, &fetched.document) && !skipped.is_empty() {
                        let entries = skipped.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
                        tracing::warn!(
                            target: "trusted_app", application = id, url, entries,
                            "entries of the key directory are skipped: their keys are not accepted"
                        );
                    }
                    if registered.application.signature_keys().iter().any(|key| key.state() == KeyState::Next)
                    {
                        tracing::warn!(target: "trusted_app", application = id, "a new key waits for an administrator");
                    }
                    let (without_room, skipped) = (found.without_room, skipped.to_vec());
                    return Ok(Refreshed { registered, without_room, skipped });
                }
            }
        }
    }

    /// [Refreshes](Self::refresh_directory) the directories of all applications that have one, a few at once.
    /// What goes wrong with one of them is in the log and in its [status](Self::directory_status).
    ///
    /// # Errors
    ///
    /// When the registry is not available.
    pub async fn refresh_directories(&self) -> Result<(), AdminError> {
        let entries = self.registry.list_all().await?;
        let with_directory = entries.iter().flatten().filter(|one| one.application.key_directory().is_some());
        let ids: Vec<String> = with_directory.map(|one| one.application.id().to_string()).collect();
        self.state.fetches.retain(|id| ids.contains(id));
        let mut tasks = JoinSet::new();
        for id in ids {
            if tasks.len() >= CONCURRENT {
                tasks.join_next().await;
            }
            let administration = self.clone();
            tasks.spawn(async move { administration.refresh_directory(&id).await.is_ok() });
        }
        while tasks.join_next().await.is_some() {}
        Ok(())
    }

    /// How the fetches of an application's key directory go; `None` if there was none.
    #[must_use]
    pub fn directory_status(&self, _: &Administrator, id: &str) -> Option<DirectoryStatus> {
        self.state.fetches.status(id, self.now())
    }

    /// Makes a key that [waits](KeyState::Next) active. `confirmed` says that the administrator has compared the
    /// thumbprint.
    ///
    /// # Errors
    ///
    /// Without a confirmation, when no such key waits, or when the application was changed or removed meanwhile.
    pub async fn confirm_signature_key(
        &self,
        by: &Administrator,
        id: &str,
        thumbprint: &str,
        expected: u64,
        confirmed: bool,
    ) -> Result<Registered, AdminError> {
        if !confirmed {
            return Err(FieldError::NotConfirmed.into());
        }
        let registered = self.expected(by, id, expected).await?;
        let mut keys = registered.application.signature_keys().to_vec();
        let waits = keys.iter_mut().find(|key| {
            key.state() == KeyState::Next && key.public_key().thumbprint().to_string() == thumbprint
        });
        let key = waits.ok_or(AdminError::PendingGone)?;
        *key = key.clone().with_state(KeyState::Active);
        let described = registered.application.to_builder().signature_keys(keys);
        self.replace(by, registered, described, false).await
    }
}
