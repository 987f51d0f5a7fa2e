//! A registry: applications that can be changed while requests are served.
//!
//! A [`KeyStore`](crate::KeyStore) is what a request needs, one look-up; an [`ApplicationRegistry`]
//! is what an administrator needs. One store may be both.

use std::future::Future;
use std::sync::Arc;

use crate::application::{ApplicationId, TrustedApplication};
use crate::clock::Timestamp;
use crate::crypto::Fingerprint;
use crate::identity::LocalApplication;
use crate::store::BoxError;

/// Where trusted applications are kept and changed.
///
/// Every application has a version, which each change raises; a change states the version it was
/// made from, so that of two at once one wins and the other is told. Every change is one entry in a
/// log that only grows; `by` is who made it, for that log.
///
/// All of it holds against every other node that shares the registry.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a registry of applications")]
pub trait ApplicationRegistry: Send + Sync + 'static {
    /// The applications whose ids come after `after` (all if `None`), in the byte order of their
    /// ids, at most `limit`. A broken one stands among them and hides no other.
    fn list(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Entry>, RegistryError>> + Send;

    /// All of them, listed page by page.
    fn list_all(&self) -> impl Future<Output = Result<Vec<Entry>, RegistryError>> + Send {
        async {
            let (mut all, mut after) = (Vec::new(), None::<String>);
            loop {
                let page = self.list(after.as_deref(), PAGE).await?;
                if page.len() < PAGE {
                    all.extend(page);
                    return Ok(all);
                }
                after = Some(page_end(&page, after.as_deref())?);
                all.extend(page);
            }
        }
    }

    /// The application registered under `id`, compared byte for byte.
    fn get(&self, id: &ApplicationId) -> impl Future<Output = Result<Option<Entry>, RegistryError>> + Send;

    /// Registers an application under an id that is free.
    fn add(
        &self,
        application: TrustedApplication,
        by: &str,
    ) -> impl Future<Output = Result<Registered, RegistryError>> + Send;

    /// Puts an application in place of the one of its id, if that still has the `expected` version.
    /// A broken one can be replaced as well.
    fn update(
        &self,
        application: TrustedApplication,
        expected: u64,
        by: &str,
    ) -> impl Future<Output = Result<Registered, RegistryError>> + Send;

    /// Takes an application out, if it still has the `expected` version. Its keys are free again. A
    /// broken one can be taken out as well.
    fn remove(
        &self,
        id: &ApplicationId,
        expected: u64,
        by: &str,
    ) -> impl Future<Output = Result<(), RegistryError>> + Send;

    /// What was changed after the entry numbered `after` (0: from the beginning), oldest first, at
    /// most `limit`. No entry appears later that has a lower number than one that was read.
    fn changes(
        &self,
        after: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Change>, RegistryError>> + Send;

    /// The number of the newest change; 0 if there was none.
    fn last_change(&self) -> impl Future<Output = Result<u64, RegistryError>> + Send;

    /// Our own id and key, if the registry rejects them: for those who say so before they add.
    fn reserved(&self) -> Option<Reserved> {
        None
    }
}

/// How many applications are asked for at once.
const PAGE: usize = 500;

/// An application of a registry, or why it cannot be read.
pub type Entry = Result<Registered, Broken>;

/// The id of an entry, or what stands in its place.
#[must_use]
pub fn entry_id(entry: &Entry) -> &str {
    match entry {
        Ok(registered) => registered.application.id().as_str(),
        Err(broken) => &broken.id,
    }
}

/// What to state as `after` for the page behind this one, which was listed with that `after`: the greatest id in
/// it. The last one would not do, since an id that somebody made no text stands there as an empty one.
///
/// # Errors
///
/// [`RegistryError::Unavailable`] when no id in the page comes after `after`: to read on would never end.
pub fn page_end(page: &[Entry], after: Option<&str>) -> Result<String, RegistryError> {
    match page.iter().map(entry_id).max() {
        Some(end) if after.is_none_or(|after| end > after) => Ok(end.to_owned()),
        _ => {
            let reason = "a page of the registry ends where it began: no id in it can be read";
            Err(RegistryError::Unavailable(reason.into()))
        }
    }
}

/// An application, and how it came to be what it is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Registered {
    /// The application.
    pub application: Arc<TrustedApplication>,
    /// Raised by every change; the first is 1. It goes on where an application of that id was taken out before, so
    /// that no change is made from what was seen of another application.
    pub version: u64,
    /// When it was added, and by whom.
    pub created: Stamp,
    /// When it was last changed, and by whom; as `created` if it never was.
    pub updated: Stamp,
}

impl Registered {
    /// An application as a registry holds it.
    #[must_use]
    pub fn new(application: Arc<TrustedApplication>, version: u64, created: Stamp, updated: Stamp) -> Self {
        Self { application, version, created, updated }
    }
}

/// When, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stamp {
    /// When.
    pub at: Timestamp,
    /// By whom: a name for people, whatever the caller of the registry gave.
    pub by: Arc<str>,
}

impl Stamp {
    /// At that time, by that person or program.
    #[must_use]
    pub fn new(at: Timestamp, by: impl Into<Arc<str>>) -> Self {
        Self { at, by: by.into() }
    }
}

/// Something in a registry that is no application, such as a row that was changed by hand. Requests
/// under its id are answered as unavailable, and no other application is affected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the application `{}` cannot be read: {reason}", id.escape_debug())]
#[non_exhaustive]
pub struct Broken {
    /// What stands where its id should; not always an [`ApplicationId`].
    pub id: String,
    /// Its version, for the change that mends it.
    pub version: u64,
    /// What is wrong. It quotes no key.
    pub reason: String,
}

impl Broken {
    /// What cannot be read, and why.
    #[must_use]
    pub fn new(id: impl Into<String>, version: u64, reason: impl Into<String>) -> Self {
        Self { id: id.into(), version, reason: reason.into() }
    }
}

/// One entry of the log of changes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Change {
    /// The entry's number; later entries have higher ones, with gaps.
    pub number: u64,
    /// When, and by whom.
    pub stamp: Stamp,
    /// Which application.
    pub id: ApplicationId,
    /// What it was; `None` if it was added.
    pub before: Option<Result<Arc<TrustedApplication>, Broken>>,
    /// What it became; `None` if it was taken out.
    pub after: Option<Result<Arc<TrustedApplication>, Broken>>,
}

impl Change {
    /// An entry of the log.
    #[must_use]
    pub fn new(
        number: u64,
        stamp: Stamp,
        id: ApplicationId,
        before: Option<Result<Arc<TrustedApplication>, Broken>>,
        after: Option<Result<Arc<TrustedApplication>, Broken>>,
    ) -> Self {
        Self { number, stamp, id, before, after }
    }
}

/// Why a registry did not do what it was asked to. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Nothing is registered under this id.
    #[error("no application `{0}` is registered")]
    NotFound(ApplicationId),
    /// Somebody else changed the application in the meantime.
    #[error("`{application}` was changed in the meantime: it has version {found}, not {expected}")]
    VersionConflict {
        /// Which application.
        application: ApplicationId,
        /// The version that the change was made from.
        expected: u64,
        /// The version that it has.
        found: u64,
    },
    /// The application may not stand beside those that are registered: its id or a key is taken.
    #[error(transparent)]
    Conflict(#[from] ApplicationConflict),
    /// The application cannot be kept in this registry.
    #[error("the application cannot be registered: {0}")]
    Invalid(String),
    /// What was asked for was not written: the registry can be read, but not written by this account, over this
    /// connection or in this place, until someone changes that. The source says what to do.
    #[error("the change was not written: {0}")]
    NotWritten(#[source] BoxError),
    /// The registry cannot be reached, or cannot be written at present.
    #[error("the registry is not available: {0}")]
    Unavailable(#[source] BoxError),
}

/// Why an application cannot stand beside the others of its store.
///
/// Seraph does not sign the application id, so the holder of a key that stood under two ids could
/// pick the one with the laxer rules. A key therefore belongs to one application.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplicationConflict {
    /// Another application of the store has this key.
    #[error(
        "the public key {fingerprint} of application `{application}` already belongs to `{other}`; \
         a key belongs to one application only"
    )]
    Key {
        /// The key's fingerprint: of a Seraph key the SHA-256 of its SubjectPublicKeyInfo, of any other
        /// its thumbprint.
        fingerprint: Fingerprint,
        /// The application that was rejected.
        application: ApplicationId,
        /// The application that has the key.
        other: ApplicationId,
    },
    /// Another application has this id, or one list names an application twice.
    #[error("the application id `{application}` is taken")]
    Id {
        /// The id that is taken.
        application: ApplicationId,
    },
    /// It is our own key: who trusts it trusts everybody who can make us send a request.
    #[error("the public key {fingerprint} of application `{application}` is this server's own")]
    LocalKey {
        /// The key's fingerprint: of a Seraph key the SHA-256 of its SubjectPublicKeyInfo, of any other
        /// its thumbprint.
        fingerprint: Fingerprint,
        /// The application that was rejected.
        application: ApplicationId,
    },
    /// It is our own id.
    #[error("the application id `{application}` is this server's own")]
    LocalId {
        /// The id that was rejected.
        application: ApplicationId,
    },
}

/// Our own id and key, which no trusted application may have: what a store rejects besides the ids
/// and keys that it holds.
#[derive(Debug, Clone)]
pub struct Reserved {
    id: ApplicationId,
    key: Fingerprint,
}

impl Reserved {
    /// Rejects an application with our own id or key.
    ///
    /// # Errors
    ///
    /// [`ApplicationConflict::LocalId`] or [`ApplicationConflict::LocalKey`].
    pub fn check(&self, application: &TrustedApplication) -> Result<(), ApplicationConflict> {
        self.check_keys(application.id(), application.fingerprints())
    }

    /// Rejects our own id, and our own key among those of these fingerprints.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn check_keys(
        &self,
        id: &ApplicationId,
        mut fingerprints: impl Iterator<Item = Fingerprint>,
    ) -> Result<(), ApplicationConflict> {
        if *id == self.id {
            return Err(ApplicationConflict::LocalId { application: id.clone() });
        }
        if fingerprints.any(|fingerprint| fingerprint == self.key) {
            return Err(ApplicationConflict::LocalKey { fingerprint: self.key, application: id.clone() });
        }
        Ok(())
    }
}

impl From<&LocalApplication> for Reserved {
    fn from(local: &LocalApplication) -> Self {
        Self { id: local.id().clone(), key: *local.public_key().fingerprint() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_page_ends_with_its_greatest_id_or_not_at_all() {
        let page = |ids: &[&str]| -> Vec<Entry> {
            ids.iter().map(|id| Err(Broken::new(*id, 1, "by hand"))).collect()
        };
        assert_eq!(page_end(&page(&["a", "b"]), None).unwrap(), "b");
        // Ids that are no text stand last, and read as empty.
        assert_eq!(page_end(&page(&["b", "c", ""]), Some("a")).unwrap(), "c");
        for (ids, after) in [(&["", ""][..], Some("c")), (&["b"], Some("b")), (&[""], Some("")), (&[], None)]
        {
            assert!(page_end(&page(ids), after).is_err(), "{ids:?} after {after:?}");
        }
    }
}
