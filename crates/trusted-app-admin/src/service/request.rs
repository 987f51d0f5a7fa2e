//! Other applications' details and key directories: fetched, and kept for an administrator's word.

use tower_trusted_app::crypto::Fingerprint;
use tower_trusted_app::httpsig::KeyDirectory;
use tower_trusted_app::{ApplicationId, ApplicationRegistry};

use super::administration::Administration;
use super::error::AdminError;
use super::field_error::FieldError;
use super::owners::{conflicts, owners};
use super::pending::Pending;
use crate::administrator::Administrator;
use crate::fetch::Fetched;

impl<R: ApplicationRegistry> Administration<R> {
    /// Fetches the details of the application at `base_url` and keeps them for this administrator.
    /// Nothing is registered yet.
    ///
    /// # Errors
    ///
    /// A [`FieldError`]: the fetch fails, what is there is registered already, or it is this server.
    /// [`AdminError::Busy`] when too many details are being fetched.
    pub async fn request_details(&self, by: &Administrator, base_url: &str) -> Result<Pending, AdminError> {
        let fetched = self.fetcher.fetch(base_url).await?;
        let (id, key) = (fetched.document.application_id(), fetched.document.public_key());
        self.check_new(id, &[*key.fingerprint()]).await?;
        self.state.documents.add(by, fetched, None, self.now())
    }

    /// Fetches the details of an application again and keeps its key for this administrator, who
    /// then calls [`rotate_key`](Self::rotate_key).
    ///
    /// # Errors
    ///
    /// When there is no such application, or with a [`FieldError`] of the base URL: the fetch fails, or
    /// what is there has another id or the key that is registered. [`AdminError::Busy`] as there.
    pub async fn request_key(
        &self,
        by: &Administrator,
        id: &str,
        base_url: &str,
    ) -> Result<Pending, AdminError> {
        let application = self.get(by, id).await?.application;
        let fetched = self.fetcher.fetch(base_url).await?;
        let (url, found) = (fetched.url.clone(), fetched.document.application_id());
        if found != application.id() {
            let (found, expected) = (found.to_string(), application.id().to_string());
            return Err(FieldError::OtherApplication { url, found, expected }.into());
        }
        if application.keys().iter().any(|key| key.public_key() == fetched.document.public_key()) {
            return Err(FieldError::SameKey(url).into());
        }
        self.state.documents.add(by, fetched, Some(application.id().to_string()), self.now())
    }

    /// Details that wait for this administrator, without using them up.
    #[must_use]
    pub fn pending(&self, by: &Administrator, token: &str) -> Option<Pending> {
        self.state.documents.look(by, token, self.now())
    }

    /// Fetches the key directory on the host of `base_url` and keeps it for this administrator, who compares
    /// the thumbprints and then calls [`add`](Self::add). Nothing is registered yet.
    ///
    /// # Errors
    ///
    /// A [`FieldError`]: the fetch fails, a key is no good or not proven, or belongs to another application.
    /// [`AdminError::Busy`] as there.
    pub async fn request_directory(
        &self,
        by: &Administrator,
        base_url: &str,
    ) -> Result<Pending<KeyDirectory>, AdminError> {
        let now = self.now();
        let fetched = self.fetcher.fetch_directory(base_url, now).await?;
        let keys = fetched.document.keys().iter().flat_map(|listed| listed.key.fingerprints());
        self.check_new(&directory_id(&fetched)?, &keys.collect::<Vec<_>>()).await?;
        self.state.directories.add(by, fetched, None, now)
    }

    /// A key directory that waits for this administrator, without using it up.
    #[must_use]
    pub fn pending_directory(&self, by: &Administrator, token: &str) -> Option<Pending<KeyDirectory>> {
        self.state.directories.look(by, token, self.now())
    }

    /// Refuses what could not be added: our own id or key, and those of a registered application.
    pub(super) async fn check_new(
        &self,
        id: &ApplicationId,
        fingerprints: &[Fingerprint],
    ) -> Result<(), AdminError> {
        if let Some(reserved) = self.registry.reserved() {
            reserved.check_keys(id, fingerprints.iter().copied()).map_err(FieldError::Conflict)?;
        }
        if self.registry.get(id).await?.is_some() {
            return Err(FieldError::IdTaken(id.to_string()).into());
        }
        let present = self.registry.list_all().await?;
        let owners = owners(&present);
        let conflicts: Vec<_> =
            conflicts(id, fingerprints.iter().copied(), &owners).map(FieldError::Conflict).collect();
        if conflicts.is_empty() { Ok(()) } else { Err(AdminError::Invalid(conflicts)) }
    }
}

/// A directory states no id, and no request carries one: the host for which the keys were proven is it.
pub(super) fn directory_id(fetched: &Fetched<KeyDirectory>) -> Result<ApplicationId, AdminError> {
    let id = fetched.authority.parse::<ApplicationId>();
    id.map_err(|error| FieldError::Registry(error.to_string()).into())
}
