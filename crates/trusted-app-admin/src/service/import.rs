//! Applications as the TOML of the file store.

use std::collections::HashMap;

use tower_trusted_app::crypto::Fingerprint;
use tower_trusted_app::keys::{parse_applications, write_applications};
use tower_trusted_app::registry::{ApplicationConflict, Broken, Entry, entry_id};
use tower_trusted_app::{ApplicationId, ApplicationRegistry, TrustedApplication};

use super::problem::Problem;
use super::{AdminError, Administration, version_of};
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

/// An application that an import changed, or would change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changed {
    /// Its id.
    pub id: String,
    /// The fields that differ; all of them, where what was registered cannot be read.
    pub fields: Vec<&'static str>,
    /// How its keys change, their states and dates included; `None` if they do not.
    pub keys: Option<ChangedKeys>,
}

/// The keys of an application before and after an import.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangedKeys {
    /// The fingerprints of those that were registered; none, where they cannot be read.
    pub before: Vec<String>,
    /// The fingerprints of those in the text.
    pub after: Vec<String>,
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

    /// Adds and changes applications until the registry has those of the text; the others stay.
    ///
    /// Everything is checked before anything is written. A registry takes one application after the
    /// other: what it refuses even so breaks the import off, which can be repeated.
    ///
    /// # Errors
    ///
    /// When the text is not in order, or with every [`Problem`] of its applications: one cannot stand
    /// beside the others, or has other keys than are registered and
    /// [`replace_keys`](ImportOptions::replace_keys) is not stated (a dry run reports those instead).
    /// Nothing was changed then. [`AdminError::BrokenOff`] says what was written before.
    pub async fn import(
        &self,
        by: &Administrator,
        toml: &str,
        options: ImportOptions,
    ) -> Result<Imported, AdminError> {
        let parsed = parse_applications(toml).map_err(|error| Problem::Toml(error.to_string()))?;
        let present = self.entries(by).await?;
        let by_id: HashMap<_, _> = present.iter().map(|entry| (entry_id(entry), entry)).collect();
        let owners = owners(&present);
        let (mut imported, mut steps, mut problems) = (Imported::default(), Vec::new(), Vec::new());
        imported.warnings = parsed.warnings;
        for application in parsed.applications {
            let id = application.id().to_string();
            let found = by_id.get(id.as_str()).copied();
            let conflicts = conflicts(application.id(), application.fingerprints(), &owners);
            problems.extend(conflicts.map(Problem::Conflict));
            match found {
                Some(Ok(registered)) if equal(&registered.application, &application) => {
                    imported.unchanged.push(id);
                    continue;
                }
                Some(entry) => {
                    let changed = Changed::between(entry, &application);
                    if let (Some(keys), false) = (&changed.keys, options.replace_keys || options.dry_run) {
                        problems.push(Problem::KeysReplaced { application: id, keys: keys.clone() });
                    }
                    imported.changed.push(changed);
                }
                None => imported.added.push(id),
            }
            steps.push((application, found.map(version_of)));
        }
        if !problems.is_empty() {
            return Err(AdminError::Invalid(problems));
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
                Some(version) => self.registry().update(application, version, by.name()).await,
                None => self.registry().add(application, by.name()).await,
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

impl Changed {
    fn between(entry: &Entry, after: &TrustedApplication) -> Self {
        let before = entry.as_ref().ok().map(|registered| &*registered.application);
        let differs = |same: fn(&TrustedApplication, &TrustedApplication) -> bool| {
            before.is_none_or(|before| !same(before, after))
        };
        let fields = FIELDS.into_iter().filter(|(_, same)| differs(*same));
        let fingerprints = |application: &TrustedApplication| {
            application.fingerprints().map(|one| one.to_string()).collect::<Vec<_>>()
        };
        let keys = differs(same_keys).then(|| ChangedKeys {
            before: before.map(fingerprints).unwrap_or_default(),
            after: fingerprints(after),
        });
        Self { id: after.id().to_string(), fields: fields.map(|(name, _)| name).collect(), keys }
    }
}

type Same = fn(&TrustedApplication, &TrustedApplication) -> bool;

/// What an application consists of, by the names that the TOML has for it.
const FIELDS: [(&str, Same); 12] = [
    ("name", |one, other| one.name() == other.name()),
    ("public_key", |one, other| one.keys() == other.keys()),
    ("signature_key", |one, other| one.signature_keys() == other.signature_keys()),
    ("key_directory", |one, other| one.key_directory() == other.key_directory()),
    ("timeout_ms", |one, other| one.conditions().timeout == other.conditions().timeout),
    ("ip_addresses", |one, other| {
        one.conditions().addresses.patterns() == other.conditions().addresses.patterns()
    }),
    ("url_paths", |one, other| one.conditions().paths.patterns() == other.conditions().paths.patterns()),
    ("methods", |one, other| one.conditions().methods == other.conditions().methods),
    ("replay_protection", |one, other| {
        one.conditions().replay_protection == other.conditions().replay_protection
    }),
    ("insecure_unsigned_bodies", |one, other| {
        one.conditions().insecure_unsigned_bodies == other.conditions().insecure_unsigned_bodies
    }),
    ("act_as", |one, other| one.act_as() == other.act_as()),
    ("schemes", |one, other| one.schemes() == other.schemes()),
];

fn same_keys(one: &TrustedApplication, other: &TrustedApplication) -> bool {
    one.keys() == other.keys() && one.signature_keys() == other.signature_keys()
}

/// The applications that have keys, by those.
pub(super) type Owners<'e> = HashMap<Fingerprint, &'e ApplicationId>;

pub(super) fn owners(present: &[Entry]) -> Owners<'_> {
    let applications = present.iter().flatten().map(|registered| &registered.application);
    applications.flat_map(|one| one.fingerprints().map(move |fingerprint| (fingerprint, one.id()))).collect()
}

/// The keys that others have than the application of that id.
pub(super) fn conflicts<'o>(
    id: &'o ApplicationId,
    fingerprints: impl Iterator<Item = Fingerprint> + 'o,
    owners: &'o Owners<'_>,
) -> impl Iterator<Item = ApplicationConflict> + 'o {
    fingerprints.filter_map(move |fingerprint| {
        let other = owners.get(&fingerprint).filter(|other| **other != id)?;
        Some(ApplicationConflict::Key { fingerprint, application: id.clone(), other: (*other).clone() })
    })
}

/// Whether two applications are equal in every field.
pub(super) fn equal(one: &TrustedApplication, other: &TrustedApplication) -> bool {
    write_applications([one]) == write_applications([other])
}
