//! Key directories of registered applications, fetched again.

use std::collections::HashMap;
use std::mem::{Discriminant, discriminant, replace};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tower_trusted_app::application::KeyState;
use tower_trusted_app::crypto::Thumbprint;
use tower_trusted_app::httpsig::{KeyDirectory, SkipReason, SkippedKey};
use tower_trusted_app::registry::Registered;
use tower_trusted_app::{ApplicationRegistry, Timestamp};

use super::reconcile::reconcile;
use super::{AdminError, Administration, Problem};
use crate::administrator::Administrator;
use crate::fetch::MAX_FETCHES;

/// Who makes the changes of a refresh, in the log of changes.
pub const REFRESHER: &str = "key directory refresher";

/// A directory is fetched at most once in this time.
pub const REFRESH_PAUSE: Duration = Duration::from_secs(60);

/// After this time without a successful fetch a directory is reported as stale.
pub const STALE_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

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

/// How the fetches of an application's key directory have gone since this process started.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirectoryStatus {
    /// When the last one succeeded.
    pub succeeded: Option<Timestamp>,
    /// Why the last one failed; `None` if it did not.
    pub problem: Option<String>,
    /// Whether none has succeeded for [`STALE_AFTER`].
    pub stale: bool,
    /// The entries of the directory, as it was last fetched, that give no key.
    pub skipped: Vec<SkippedKey>,
}

/// The fetches, by application.
#[derive(Default)]
pub(super) struct Fetches(Mutex<HashMap<String, FetchesOfOne>>);

#[derive(Clone)]
struct FetchesOfOne {
    first: Timestamp,
    last: Timestamp,
    succeeded: Option<Timestamp>,
    problem: Option<String>,
    skipped: Vec<SkippedKey>,
    /// When the newest directory was signed that was accepted.
    newest: Option<Timestamp>,
}

impl FetchesOfOne {
    fn is_stale(&self, now: Timestamp) -> bool {
        now >= self.succeeded.unwrap_or(self.first).saturating_add(STALE_AFTER)
    }
}

impl Fetches {
    /// Notes a fetch that begins, unless there was one just now.
    fn begin(&self, id: &str, now: Timestamp) -> Result<(), AdminError> {
        let mut all = self.lock();
        let fetches = all.get_mut(id);
        if fetches
            .as_ref()
            .is_some_and(|one| (one.last..one.last.saturating_add(REFRESH_PAUSE)).contains(&now))
        {
            return Err(Problem::RefreshedJustNow.into());
        }
        match fetches {
            Some(one) => one.last = now,
            None => {
                let one = FetchesOfOne {
                    first: now,
                    last: now,
                    succeeded: None,
                    problem: None,
                    skipped: Vec::new(),
                    newest: None,
                };
                all.insert(id.to_owned(), one);
            }
        }
        Ok(())
    }

    /// Notes how it ended; whether the directory is stale.
    fn end(&self, id: &str, now: Timestamp, problem: Option<String>) -> bool {
        let mut all = self.lock();
        let Some(one) = all.get_mut(id) else { return false };
        if problem.is_none() {
            one.succeeded = Some(now);
        }
        one.problem = problem;
        one.is_stale(now)
    }

    /// Whether a directory that was signed later was accepted.
    fn is_superseded(&self, id: &str, directory: &KeyDirectory) -> bool {
        self.lock().get(id).is_some_and(|one| directory.signed_at() < one.newest)
    }

    /// Notes a directory that was accepted; whether other entries are skipped than of the one before it.
    fn accepted(&self, id: &str, directory: &KeyDirectory) -> bool {
        let mut all = self.lock();
        let Some(one) = all.get_mut(id) else { return false };
        one.newest = one.newest.max(directory.signed_at());
        let before = replace(&mut one.skipped, directory.skipped().to_vec());
        !before.iter().map(identity).eq(one.skipped.iter().map(identity))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, FetchesOfOne>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What of a skipped entry stays the same until its publisher or a cache changes something: its reason may
/// tell the time.
fn identity(
    skipped: &SkippedKey,
) -> (usize, Option<Thumbprint>, Option<&str>, Option<&str>, Discriminant<SkipReason>) {
    let SkippedKey { index, thumbprint, kid, kind, reason, .. } = skipped;
    (*index, *thumbprint, kid.as_deref(), kind.as_deref(), discriminant(reason))
}

impl<R: ApplicationRegistry> Administration<R> {
    /// Fetches an application's key directory and makes its keys those of the directory, with [`REFRESHER`] as
    /// who changed it:
    ///
    /// - a new key is active if the directory lists, and so is signed by, a key that is trusted already; else it
    ///   is [`Next`](KeyState::Next) until an administrator [confirms](Self::confirm_signature_key) it;
    /// - a key that is no longer listed, or whose entry is [skipped](KeyDirectory::skipped), is good for nothing from now
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
    /// [`REFRESH_PAUSE`], the fetch fails, a key may not be this application's, or the registry is not available.
    pub async fn refresh_directory(&self, id: &str) -> Result<Refreshed, AdminError> {
        let by = Administrator::new(REFRESHER);
        let registered = self.get(&by, id).await?;
        let url = registered.application.key_directory().ok_or(Problem::NoKeyDirectory)?;
        let fetches = &self.directories.fetches;
        fetches.begin(id, self.now())?;
        let result = self.refresh(&by, id, url).await;
        let problem = match &result {
            Ok(refreshed) if refreshed.without_room.is_empty() => None,
            Ok(_) => Some("There is no room for its new keys.".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        let failed = problem.clone();
        if fetches.end(id, self.now(), problem) {
            tracing::error!(target: "trusted_app", application = id, url, "key directory not fetched for a day");
        }
        if let Some(problem) = failed {
            tracing::warn!(target: "trusted_app", application = id, url, problem, "key directory not refreshed");
        }
        result
    }

    async fn refresh(&self, by: &Administrator, id: &str, url: &str) -> Result<Refreshed, AdminError> {
        let now = self.now();
        let fetched = self.fetcher.fetch_directory(url, now).await.map_err(Problem::from)?;
        let fetches = &self.directories.fetches;
        if fetches.is_superseded(id, &fetched.directory) {
            return Err(Problem::DirectorySuperseded.into());
        }
        let mut attempts = 1;
        loop {
            let registered = self.get(by, id).await?;
            if registered.application.key_directory() != Some(url) {
                return Err(Problem::NoKeyDirectory.into());
            }
            let found = reconcile(&registered, &fetched.directory, now);
            let builder = registered.application.to_builder().signature_keys(found.keys);
            let application = builder.build().map_err(Problem::from)?;
            match self.replace(by, registered, application, false).await {
                Err(AdminError::Changed { .. }) if attempts < ATTEMPTS => attempts += 1,
                result => {
                    let registered = result?;
                    let skipped = fetched.directory.skipped();
                    if fetches.accepted(id, &fetched.directory) && !skipped.is_empty() {
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
        let entries = self.entries(&Administrator::new(REFRESHER)).await?;
        let with_directory = entries.iter().flatten().filter(|one| one.application.key_directory().is_some());
        let ids: Vec<String> = with_directory.map(|one| one.application.id().to_string()).collect();
        self.directories.fetches.lock().retain(|id, _| ids.contains(id));
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
        let now = self.now();
        let one = self.directories.fetches.lock().get(id).cloned()?;
        let stale = one.is_stale(now);
        let FetchesOfOne { succeeded, problem, skipped, .. } = one;
        Some(DirectoryStatus { succeeded, problem, stale, skipped })
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
            return Err(Problem::NotConfirmed.into());
        }
        let registered = self.expected(by, id, expected).await?;
        let mut keys = registered.application.signature_keys().to_vec();
        let waits = keys.iter_mut().find(|key| {
            key.state() == KeyState::Next && key.public_key().thumbprint().to_string() == thumbprint
        });
        let key = waits.ok_or(AdminError::PendingGone)?;
        *key = key.clone().with_state(KeyState::Active);
        let builder = registered.application.to_builder().signature_keys(keys);
        let application = builder.build().map_err(Problem::from)?;
        self.replace(by, registered, application, false).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn skipped_entries_are_told_when_they_change() {
        let fetches = Fetches::default();
        fetches.begin("wiki", Timestamp::from_millis(0)).unwrap();
        let directory = |entries: &str| KeyDirectory::parse(&format!(r#"{{"keys":[{entries}]}}"#)).unwrap();
        let (one, other) = (r#"{"kty":"AKP","kid":"a"}"#, r#"{"kty":"AKP","kid":"b"}"#);
        for (entries, is_news) in [
            ("", false),
            (one, true),
            (one, false),
            (other, true),
            (&format!("{other},{one}"), true),
            (&format!("{other},{one}"), false),
            ("", true),
            (one, true),
        ] {
            assert_eq!(fetches.accepted("wiki", &directory(entries)), is_news, "{entries}");
        }
    }
}
