//! How the fetches of key directories go.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::mem::{Discriminant, discriminant, replace};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tower_trusted_app::Timestamp;
use tower_trusted_app::crypto::Thumbprint;
use tower_trusted_app::httpsig::{KeyDirectory, SkipReason, SkippedKey};

use super::error::AdminError;
use super::field_error::FieldError;

/// A directory is fetched at most once in this time.
pub const REFRESH_PAUSE: Duration = Duration::from_secs(60);

/// After this time without a successful fetch a directory is reported as stale.
pub const STALE_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// How the fetches of an application's key directory have gone since this process started.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirectoryStatus {
    /// When the last one succeeded.
    pub succeeded: Option<Timestamp>,
    /// Why the last one failed; `None` if it did not.
    pub failure: Option<String>,
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
    failure: Option<String>,
    skipped: Vec<SkippedKey>,
    /// When the newest directory was signed that was accepted.
    newest: Option<Timestamp>,
}

impl FetchesOfOne {
    fn beginning(now: Timestamp) -> Self {
        Self { first: now, last: now, succeeded: None, failure: None, skipped: Vec::new(), newest: None }
    }

    fn is_stale(&self, now: Timestamp) -> bool {
        now >= self.succeeded.unwrap_or(self.first).saturating_add(STALE_AFTER)
    }
}

impl Fetches {
    /// Notes a fetch that begins, unless there was one just now.
    pub(super) fn begin(&self, id: &str, now: Timestamp) -> Result<(), AdminError> {
        match self.lock().entry(id.to_owned()) {
            Entry::Occupied(one)
                if (one.get().last..one.get().last.saturating_add(REFRESH_PAUSE)).contains(&now) =>
            {
                return Err(FieldError::RefreshedJustNow.into());
            }
            Entry::Occupied(mut one) => one.get_mut().last = now,
            Entry::Vacant(none) => _ = none.insert(FetchesOfOne::beginning(now)),
        }
        Ok(())
    }

    /// Notes how it ended; whether the directory is stale.
    pub(super) fn end(&self, id: &str, now: Timestamp, failure: Option<String>) -> bool {
        let mut all = self.lock();
        let Some(one) = all.get_mut(id) else { return false };
        if failure.is_none() {
            one.succeeded = Some(now);
        }
        one.failure = failure;
        one.is_stale(now)
    }

    /// Whether a directory that was signed later was accepted.
    pub(super) fn is_superseded(&self, id: &str, directory: &KeyDirectory) -> bool {
        self.lock().get(id).is_some_and(|one| directory.signed_at() < one.newest)
    }

    /// Notes a directory that was accepted; whether other entries are skipped than of the one before it.
    pub(super) fn accepted(&self, id: &str, directory: &KeyDirectory) -> bool {
        let mut all = self.lock();
        let Some(one) = all.get_mut(id) else { return false };
        one.newest = one.newest.max(directory.signed_at());
        let before = replace(&mut one.skipped, directory.skipped().to_vec());
        !before.iter().map(identity).eq(one.skipped.iter().map(identity))
    }

    /// Forgets the applications for which this does not hold.
    pub(super) fn retain(&self, is_kept: impl Fn(&String) -> bool) {
        self.lock().retain(|id, _| is_kept(id));
    }

    /// `None` if there was none.
    pub(super) fn status(&self, id: &str, now: Timestamp) -> Option<DirectoryStatus> {
        let one = self.lock().get(id)?.clone();
        let stale = one.is_stale(now);
        let FetchesOfOne { succeeded, failure, skipped, .. } = one;
        Some(DirectoryStatus { succeeded, failure, stale, skipped })
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
