//! Editing and removing an application.

use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::registry::Registered;

use super::administration::{Administration, check_version, parsed, version_of};
use super::edit::ApplicationEdit;
use super::error::AdminError;
use super::field_error::FieldError;
use crate::administrator::Administrator;

impl<R: ApplicationRegistry> Administration<R> {
    /// Changes what an administrator edits of an application, if it still has the `expected` version. What
    /// changes nothing makes no new version. A dry run only says what would come of it.
    ///
    /// # Errors
    ///
    /// All that is wrong with the edit, or that the application was changed or removed meanwhile.
    pub async fn edit(
        &self,
        by: &Administrator,
        id: &str,
        expected: u64,
        edit: Result<ApplicationEdit, Vec<FieldError>>,
        dry_run: bool,
    ) -> Result<Registered, AdminError> {
        let registered = self.expected(by, id, expected).await?;
        let described = edit.and_then(|edit| edit.apply(registered.application.to_builder()));
        let described = described.map_err(AdminError::Invalid)?;
        self.replace(by, registered, described, dry_run).await
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
        check_version(id, expected, version_of(&self.entry(by, id).await?))?;
        if dry_run {
            return Ok(());
        }
        self.registry.remove(&parsed(id)?, expected, by.name()).await?;
        self.forget_decisions(id);
        tracing::info!(target: "trusted_app", application = id, by = by.name(), "trusted application removed");
        Ok(())
    }
}
