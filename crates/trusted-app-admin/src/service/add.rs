//! Adding an application whose details or key directory were fetched.

use tower_trusted_app::application::{ApplicationKey, TrustedApplicationBuilder};
use tower_trusted_app::httpsig::KeyDirectory;
use tower_trusted_app::registry::Registered;
use tower_trusted_app::{ApplicationId, ApplicationRegistry, TrustedApplication};

use super::administration::Administration;
use super::edit::ApplicationEdit;
use super::error::AdminError;
use super::field_error::FieldError;
use super::request::directory_id;
use crate::administrator::Administrator;
use crate::fetch::Fetched;

impl<R: ApplicationRegistry> Administration<R> {
    /// Registers the application whose details or key directory wait under `token`, which is used up then; after an
    /// error it is not. What is wrong with the edit as it was read is reported with all the rest. A dry run only says
    /// what would come of it.
    ///
    /// # Errors
    ///
    /// All that is wrong with the edit or with the application, or that nothing waits.
    pub async fn add(
        &self,
        by: &Administrator,
        token: &str,
        edit: Result<ApplicationEdit, Vec<FieldError>>,
        dry_run: bool,
    ) -> Result<Registered, AdminError> {
        if let Some(mut taken) = self.state.directories.take(by, token, self.now(), |_| true) {
            let id = directory_id(&taken.pending.fetched)?;
            let described = with_directory(&id, &taken.pending.fetched)?;
            let added = self.add_described(by, &id, described, edit, dry_run).await?;
            taken.is_used = !dry_run;
            return Ok(added);
        }
        let taken = self.state.documents.take(by, token, self.now(), |one| one.replaces_key_of.is_none());
        let mut taken = taken.ok_or(AdminError::PendingGone)?;
        let document = &taken.pending.fetched.document;
        let (id, key) = (document.application_id(), document.public_key().clone());
        let described = TrustedApplication::builder(id.clone(), key);
        let added = self.add_described(by, id, described, edit, dry_run).await?;
        taken.is_used = !dry_run;
        Ok(added)
    }

    async fn add_described(
        &self,
        by: &Administrator,
        id: &ApplicationId,
        described: TrustedApplicationBuilder,
        edit: Result<ApplicationEdit, Vec<FieldError>>,
        dry_run: bool,
    ) -> Result<Registered, AdminError> {
        let described = edit.and_then(|edit| edit.apply(described));
        let is_taken = self.registry.get(id).await?.is_some();
        let described = match (described, is_taken) {
            (Ok(described), false) => described,
            (described, _) => {
                let taken = is_taken.then(|| FieldError::IdTaken(id.to_string()));
                return Err(AdminError::Invalid(
                    described.err().into_iter().flatten().chain(taken).collect(),
                ));
            }
        };
        let application = described.build().map_err(FieldError::from)?;
        if dry_run {
            let fingerprints: Vec<_> = application.fingerprints().collect();
            self.check_new(id, &fingerprints).await?;
            return Ok(self.unsaved(application, 0, None, by));
        }
        let registered = self.registry.add(application, by.name()).await?;
        self.forget_decisions(id.as_str());
        tracing::info!(target: "trusted_app", application = %id, by = by.name(), "trusted application added");
        Ok(registered)
    }
}

fn with_directory(
    id: &ApplicationId,
    fetched: &Fetched<KeyDirectory>,
) -> Result<TrustedApplicationBuilder, AdminError> {
    let mut keys = fetched.document.keys().iter().cloned().map(ApplicationKey::from);
    let first = keys.next().ok_or(AdminError::PendingGone)?;
    let described = TrustedApplication::signing_builder(id.clone(), first).key_directory(&fetched.url);
    Ok(keys.fold(described, |described, key| described.signature_key(key)))
}
