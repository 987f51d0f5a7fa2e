//! Applications as the TOML of the file store.

use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::TrustedApplication;
use tower_trusted_app::keys::{parse_applications, write_applications};
use tower_trusted_app::registry::{Broken, Entry};

use super::problem::Problem;
use super::{AdminError, Administration};
use crate::administrator::Administrator;

/// What an import did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// The ids that were added.
    pub added: Vec<String>,
    /// The ids whose applications were changed, keys included.
    pub updated: Vec<String>,
    /// The ids whose applications are as the text says.
    pub unchanged: Vec<String>,
    /// What is allowed but hardly meant.
    pub warnings: Vec<String>,
}

/// The applications of a registry as TOML.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Exported {
    /// The text that the file store reads.
    pub toml: String,
    /// What cannot be read and so is not in it.
    pub skipped: Vec<Broken>,
}

impl<R: ApplicationRegistry> Administration<R> {
    /// All applications as the TOML that the file store reads. It holds public keys only.
    ///
    /// # Errors
    ///
    /// When the registry is not available.
    pub async fn export(&self, by: &Administrator) -> Result<Exported, AdminError> {
        let (mut applications, mut skipped) = (Vec::new(), Vec::new());
        for entry in self.entries(by).await? {
            match entry {
                Ok(registered) => applications.push(registered.application),
                Err(broken) => skipped.push(broken),
            }
        }
        Ok(Exported { toml: write_applications(applications.iter().map(|one| &**one)), skipped })
    }

    /// Adds and changes applications until the registry has those of the text; the others stay. One
    /// by one: what was done before an error stays done, and the import can be repeated.
    ///
    /// # Errors
    ///
    /// When the text is not in order (nothing was changed then), an application cannot stand beside
    /// the others, or the registry is not available.
    pub async fn import(
        &self,
        by: &Administrator,
        toml: &str,
        dry_run: bool,
    ) -> Result<Imported, AdminError> {
        let parsed = parse_applications(toml).map_err(|error| Problem::Toml(error.to_string()))?;
        let present = self.entries(by).await?;
        let mut imported = Imported { warnings: parsed.warnings, ..Imported::default() };
        for application in parsed.applications {
            let id = application.id().to_string();
            let found = present.iter().find(|entry| entry_id(entry) == id);
            let list = match found {
                Some(Ok(registered)) if equal(&registered.application, &application) => {
                    &mut imported.unchanged
                }
                Some(_) => &mut imported.updated,
                None => &mut imported.added,
            };
            list.push(id);
            let version = match found {
                Some(Ok(registered)) if equal(&registered.application, &application) => continue,
                Some(Ok(registered)) => Some(registered.version),
                Some(Err(broken)) => Some(broken.version),
                None => None,
            };
            self.check_conflicts(&application, &present)?;
            if dry_run {
                continue;
            }
            match version {
                Some(version) => self.registry().update(application, version, by.name()).await?,
                None => self.registry().add(application, by.name()).await?,
            };
        }
        Ok(imported)
    }
}

/// The id of an entry, or what stands in its place.
pub fn entry_id(entry: &Entry) -> &str {
    match entry {
        Ok(registered) => registered.application.id().as_str(),
        Err(broken) => &broken.id,
    }
}

/// Whether two applications are equal in every field.
pub(super) fn equal(one: &TrustedApplication, other: &TrustedApplication) -> bool {
    write_applications([one]) == write_applications([other])
}
