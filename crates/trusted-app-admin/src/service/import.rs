//! Applications as the TOML of the file store.

use std::collections::HashMap;

use tower_trusted_app::keys::{parse_applications, write_applications};
use tower_trusted_app::registry::{Broken, entry_id};
use tower_trusted_app::{ApplicationRegistry, TrustedApplication};

use super::administration::{Administration, version_of};
use super::difference::Changed;
use super::error::AdminError;
use super::field_error::FieldError;
use super::owners::{conflicts, owners};
use crate::administrator::Administrator;

/// How an import is done. By default it is done, and replaces no keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Only say what would come of it.
    pub dry_run: bool,
    /// The administrator has compared the fingerprints: keys of registered applications may change.
    pub replace_keys: bool,
}

/// What an import did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// The ids that were added.
    pub added: Vec<String>,
    /// The applications that were changed.
    pub changed: Vec<Changed>,
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

/// What is to be written: an application, and the version that it replaces.
type Step = (TrustedApplication, Option<u64>);

impl<R: ApplicationRegistry> Administration<R> {
    /// All applications as the TOML that the file store reads. It holds public keys only.
    ///
    /// # Errors
    ///
    /// When the registry is not available.
    pub async fn export(&self, _: &Administrator) -> Result<Exported, AdminError> {
        let (mut applications, mut skipped) = (Vec::new(), Vec::new());
        for entry in self.registry.list_all().await? {
            match entry {
                Ok(registered) => applications.push(registered.application),
                Err(broken) => skipped.push(broken),
            }
        }
        Ok(Exported { toml: write_applications(applications.iter().map(|one| &**one)), skipped })
    }

    /// Adds and changes applications until the registry has those of the text; the others stay.
    ///
    /// Everything is checked before anything is written. A registry takes one application after the
    /// other: what it refuses even so breaks the import off, which can be repeated.
    ///
    /// # Errors
    ///
    /// When the text is not in order, or with every [`FieldError`] of its applications: one cannot stand
    /// beside the others, or has other keys than are registered and
    /// [`replace_keys`](ImportOptions::replace_keys) is not stated (a dry run reports those instead).
    /// Nothing was changed then. [`AdminError::BrokenOff`] says what was written before.
    pub async fn import(
        &self,
        by: &Administrator,
        toml: &str,
        options: ImportOptions,
    ) -> Result<Imported, AdminError> {
        let parsed = parse_applications(toml).map_err(|error| FieldError::Toml(error.to_string()))?;
        let present = self.registry.list_all().await?;
        let by_id: HashMap<_, _> = present.iter().map(|entry| (entry_id(entry), entry)).collect();
        let owners = owners(&present);
        let (mut imported, mut steps, mut errors) = (Imported::default(), Vec::new(), Vec::new());
        imported.warnings = parsed.warnings;
        for application in parsed.applications {
            let id = application.id().to_string();
            let found = by_id.get(id.as_str()).copied();
            let conflicts = conflicts(application.id(), application.fingerprints(), &owners);
            errors.extend(conflicts.map(FieldError::Conflict));
            match found {
                Some(entry) => {
                    let Some(changed) = Changed::between(entry, &application) else {
                        imported.unchanged.push(id);
                        continue;
                    };
                    if let (Some(keys), false) = (&changed.keys, options.replace_keys || options.dry_run) {
                        errors.push(FieldError::KeysReplaced { application: id, keys: keys.clone() });
                    }
                    imported.changed.push(changed);
                }
                None => imported.added.push(id),
            }
            steps.push((application, found.map(version_of)));
        }
        if !errors.is_empty() {
            return Err(AdminError::Invalid(errors));
        }
        if !options.dry_run {
            self.write(by, steps).await?;
        }
        Ok(imported)
    }

    async fn write(&self, by: &Administrator, steps: Vec<Step>) -> Result<(), AdminError> {
        let mut done = Vec::new();
        for (application, version) in steps {
            let id = application.id().to_string();
            let written = match version {
                Some(version) => self.registry.update(application, version, by.name()).await,
                None => self.registry.add(application, by.name()).await,
            };
            match written.map_err(AdminError::from) {
                Ok(_) => {
                    if version.is_none() {
                        self.forget_decisions(&id);
                    }
                    tracing::info!(target: "trusted_app", application = id, by = by.name(), "trusted application imported");
                    done.push(id);
                }
                Err(error) if done.is_empty() => return Err(error),
                Err(error) => return Err(AdminError::BrokenOff { done, source: Box::new(error) }),
            }
        }
        Ok(())
    }
}
