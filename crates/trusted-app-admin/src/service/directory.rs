//! Applications that publish a key directory: how they are registered.

use tower_trusted_app::application::ApplicationKey;
use tower_trusted_app::crypto::Thumbprint;
use tower_trusted_app::registry::Registered;
use tower_trusted_app::{ApplicationId, ApplicationRegistry, TrustedApplication};

use super::details::random_token;
use super::pending::PendingDetails;
use super::refresh::Fetches;
use super::{AdminError, Administration, ApplicationForm, PENDING_FOR, Pending, Problem};
use crate::administrator::Administrator;
use crate::fetch::FetchedDirectory;

/// What is known of key directories in this process.
#[derive(Default)]
pub(super) struct Directories {
    pending: PendingDetails<FetchedDirectory>,
    pub(super) fetches: Fetches,
}

impl<R: ApplicationRegistry> Administration<R> {
    /// Fetches the key directory on the host of `base_url` and keeps it for this administrator, who compares
    /// the thumbprints and then calls [`add`](Self::add). Nothing is registered yet.
    ///
    /// # Errors
    ///
    /// A [`Problem`]: the fetch fails, a key is no good or not proven, or belongs to another application.
    pub async fn request_directory(
        &self,
        by: &Administrator,
        base_url: &str,
    ) -> Result<Pending<FetchedDirectory>, AdminError> {
        let now = self.now();
        let fetched = self.fetcher.fetch_directory(base_url, now).await.map_err(Problem::from)?;
        let id = directory_id(&fetched)?;
        let keys: Vec<_> =
            fetched.directory.keys().iter().flat_map(|listed| listed.key.fingerprints()).collect();
        self.check_new(by, &id, keys.into_iter()).await?;
        let until = now.saturating_add(PENDING_FOR);
        let pending = Pending { token: random_token()?, fetched, until, replaces_key_of: None };
        self.directories.pending.keep(by, pending.clone(), now);
        Ok(pending)
    }

    /// A key directory that waits for this administrator, without using it up.
    #[must_use]
    pub fn pending_directory(&self, by: &Administrator, token: &str) -> Option<Pending<FetchedDirectory>> {
        self.directories.pending.look(by, token, self.now())
    }

    /// [`add`](Self::add) of an application whose directory waits.
    pub(super) async fn add_directory(
        &self,
        by: &Administrator,
        token: &str,
        form: &ApplicationForm,
        dry_run: bool,
    ) -> Result<Registered, AdminError> {
        let waiting = &self.directories.pending;
        let pending = waiting.take(by, token, self.now()).ok_or(AdminError::PendingGone)?;
        let result = async {
            let id = directory_id(&pending.fetched)?;
            let mut keys = pending.fetched.directory.keys().iter().cloned().map(ApplicationKey::from);
            let first = keys.next().ok_or(AdminError::PendingGone)?;
            let described =
                TrustedApplication::signing_builder(id.clone(), first).key_directory(&pending.fetched.url);
            let described = keys.fold(described, |described, key| described.signature_key(key));
            self.add_described(by, described, &id, form, dry_run).await
        };
        let result = result.await;
        if dry_run || result.is_err() {
            waiting.keep(by, pending, self.now());
        }
        result
    }
}

/// A directory states no id, and no request carries one: the host for which the keys were proven is it.
fn directory_id(fetched: &FetchedDirectory) -> Result<ApplicationId, AdminError> {
    let id = fetched.authority.parse::<ApplicationId>();
    id.map_err(|error| Problem::Registry(error.to_string()).into())
}

/// A thumbprint as people compare it: in groups of four characters.
#[must_use]
pub fn thumbprint_groups(thumbprint: &Thumbprint) -> String {
    let mut grouped = String::new();
    for (at, character) in thumbprint.to_string().chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            grouped.push(' ');
        }
        grouped.push(character);
    }
    grouped
}
