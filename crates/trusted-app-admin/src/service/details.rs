//! Other applications' details: fetched, and kept for an administrator's word.

use tower_trusted_app::crypto::Fingerprint;
use tower_trusted_app::{ApplicationId, ApplicationRegistry, TrustedApplication};

use super::{AdminError, Administration, PENDING_FOR, Pending, Problem, hex, import};
use crate::administrator::Administrator;
use crate::fetch::FetchErrorKind;

impl<R: ApplicationRegistry> Administration<R> {
    /// Fetches the details of the application at `base_url` and keeps them for this administrator.
    /// Nothing is registered yet.
    ///
    /// # Errors
    ///
    /// A [`Problem`]: the fetch fails, what is there is registered already, or it is this server. [`AdminError::Busy`]
    /// when too many details are being fetched.
    pub async fn request_details(&self, by: &Administrator, base_url: &str) -> Result<Pending, AdminError> {
        self.fetch(by, base_url, None).await
    }

    /// Fetches the details of an application anew and keeps its key for this administrator, who
    /// then calls [`begin_rotation`](Self::begin_rotation) or [`rotate_key`](Self::rotate_key).
    ///
    /// # Errors
    ///
    /// When there is no such application, or with a [`Problem`] of the base URL: the fetch fails, or
    /// what is there has another id or the key that is registered. [`AdminError::Busy`] as there.
    pub async fn request_key(
        &self,
        by: &Administrator,
        id: &str,
        base_url: &str,
    ) -> Result<Pending, AdminError> {
        let registered = self.get(by, id).await?;
        self.fetch(by, base_url, Some(&registered.application)).await
    }

    async fn fetch(
        &self,
        by: &Administrator,
        base_url: &str,
        replaces: Option<&TrustedApplication>,
    ) -> Result<Pending, AdminError> {
        let fetched = self.fetcher.fetch(base_url).await.map_err(|error| match error.kind() {
            FetchErrorKind::Busy => AdminError::Busy,
            _ => Problem::from(error).into(),
        })?;
        if let Some(application) = replaces {
            let (url, found) = (fetched.url.clone(), fetched.document.application_id());
            if found != application.id() {
                let (found, expected) = (found.to_string(), application.id().to_string());
                return Err(Problem::OtherApplication { url, found, expected }.into());
            }
            if application.keys().iter().any(|key| key.public_key() == fetched.document.public_key()) {
                return Err(Problem::SameKey(url).into());
            }
        } else {
            let key = *fetched.document.public_key().fingerprint();
            self.check_new(by, fetched.document.application_id(), [key].into_iter()).await?;
        }
        let now = self.now();
        let pending = Pending {
            token: random_token()?,
            fetched,
            until: now.saturating_add(PENDING_FOR),
            replaces_key_of: replaces.map(|application| application.id().to_string()),
        };
        self.pending.keep(by, pending.clone(), now);
        Ok(pending)
    }

    /// Details that wait for this administrator, without using them up.
    #[must_use]
    pub fn pending(&self, by: &Administrator, token: &str) -> Option<Pending> {
        self.pending.look(by, token, self.now())
    }

    /// Refuses what could not be added: our own id or key, and those of a registered application.
    pub(super) async fn check_new(
        &self,
        by: &Administrator,
        id: &ApplicationId,
        fingerprints: impl Iterator<Item = Fingerprint> + Clone + Send,
    ) -> Result<(), AdminError> {
        if let Some(reserved) = self.registry().reserved() {
            reserved.check_keys(id, fingerprints.clone()).map_err(Problem::Conflict)?;
        }
        if self.registry().get(id).await?.is_some() {
            return Err(Problem::IdTaken(id.to_string()).into());
        }
        let present = self.entries(by).await?;
        let owners = import::owners(&present);
        let mut conflicts = import::conflicts(id, fingerprints, &owners);
        conflicts.next().map_or(Ok(()), |conflict| Err(Problem::Conflict(conflict).into()))
    }

    pub(super) fn take(
        &self,
        by: &Administrator,
        token: &str,
        fits: impl FnOnce(&Pending) -> bool,
    ) -> Result<Pending, AdminError> {
        let now = self.now();
        let pending = self.pending.take(by, token, now).ok_or(AdminError::PendingGone)?;
        if fits(&pending) {
            return Ok(pending);
        }
        self.pending.keep(by, pending, now);
        Err(AdminError::PendingGone)
    }
}

/// 128 random bits as text.
pub(super) fn random_token() -> Result<String, AdminError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| AdminError::Unavailable(error.to_string().into()))?;
    Ok(hex(&bytes))
}
