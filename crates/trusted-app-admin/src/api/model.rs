//! What goes in and out as JSON.

use serde::{Deserialize, Serialize};
use tower_trusted_app::keys::write_applications;
use tower_trusted_app::registry::{self, Entry, Registered, Stamp};
use utoipa::ToSchema;

use super::directory::SignatureKey;
use crate::service::{self, ApplicationForm, Pending};

/// The fields of an application that can be edited.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Conditions {
    /// The name for people.
    name: String,
    /// How old a request may be when it arrives, in milliseconds; positive.
    timeout_ms: i64,
    /// Address patterns such as `10.1.*.*`, `10.0.0.0/8` or `2001:db8::/32`; or only `any`.
    addresses: Vec<String>,
    /// Path patterns: prefixes, `subtree:/rest` or `rpc:package.Service/*`; or only `any`.
    paths: Vec<String>,
}

impl Conditions {
    pub(super) fn form(&self) -> ApplicationForm {
        // Each entry is one path: a line end in it makes no two of it.
        let paths: Vec<_> = self.paths.iter().map(|path| path.replace(['\n', '\r'], " ")).collect();
        ApplicationForm {
            name: self.name.clone(),
            timeout: self.timeout_ms.to_string(),
            addresses: self.addresses.join("\n"),
            paths: paths.join("\n"),
        }
    }

    pub(super) fn of(form: &ApplicationForm) -> Self {
        let lines = |text: &str| text.lines().map(str::to_owned).collect();
        Self {
            name: form.name.clone(),
            timeout_ms: form.timeout.parse().unwrap_or_default(),
            addresses: lines(&form.addresses),
            paths: lines(&form.paths),
        }
    }
}

/// An application to be added, whose details were requested before.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewApplication {
    /// The token of the details.
    pub(super) pending: String,
    /// What it may do.
    pub(super) conditions: Conditions,
}

/// A request for another application's details.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DetailsRequest {
    /// The URL by which this server reaches the application.
    pub(super) base_url: String,
}

/// A change of an application's key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyChange {
    /// The token of the key that was requested.
    pub(super) pending: String,
    /// Whether the fingerprint was compared with the one that the other side sees.
    pub(super) confirmed: bool,
    /// Whether the old keys are revoked now, as they must be if somebody else may have one; else they are accepted
    /// beside the new one until the keys that retire are revoked.
    #[serde(default)]
    pub(super) at_once: bool,
}

/// Applications as the TOML of the file store.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Import {
    /// The text.
    pub(super) toml: String,
}

/// Details that wait for 15 minutes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Details {
    /// By which they are found again, once.
    pending: String,
    /// The application's id.
    id: String,
    /// The SHA-256 of its key, for a comparison by another way.
    fingerprint: String,
    /// The key's size.
    bits: usize,
    /// From where they came.
    url: String,
    /// Whether anybody on the way could have put in another key.
    without_tls: bool,
    /// Until when they wait.
    #[schema(format = DateTime)]
    until: String,
    /// What is proposed.
    proposed: Conditions,
}

impl From<&Pending> for Details {
    fn from(pending: &Pending) -> Self {
        let key = pending.fetched.document.public_key();
        Self {
            pending: pending.token.clone(),
            id: pending.fetched.document.application_id().to_string(),
            fingerprint: key.fingerprint().to_string(),
            bits: key.bits(),
            url: pending.fetched.url.clone(),
            without_tls: pending.fetched.without_tls,
            until: pending.until.to_rfc3339(),
            proposed: Conditions::of(&ApplicationForm::proposed(&pending.fetched)),
        }
    }
}

/// An application.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Application {
    id: String,
    /// Raised by every change; also the entity tag.
    version: u64,
    conditions: Conditions,
    keys: Vec<Key>,
    /// Its keys for HTTP message signatures.
    signature_keys: Vec<SignatureKey>,
    /// From where these are fetched.
    key_directory: Option<String>,
    schemes: Vec<String>,
    /// Every field, as TOML.
    toml: String,
    /// What is allowed but hardly meant.
    warnings: Vec<String>,
    created: When,
    updated: When,
}

/// A public key.
#[derive(Debug, Serialize, ToSchema)]
struct Key {
    /// Its SHA-256.
    fingerprint: String,
    #[schema(value_type = State)]
    state: String,
}

/// Where a key stands in the rotation.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum State {
    Next,
    Active,
    Retiring,
    Revoked,
}

/// When, and by whom.
#[derive(Debug, Serialize, ToSchema)]
struct When {
    #[schema(format = DateTime)]
    at: String,
    by: String,
}

impl From<&Stamp> for When {
    fn from(stamp: &Stamp) -> Self {
        Self { at: stamp.at.to_rfc3339(), by: stamp.by.to_string() }
    }
}

impl From<&Registered> for Application {
    fn from(registered: &Registered) -> Self {
        let application = &registered.application;
        let keys = application.keys().iter();
        Self {
            id: application.id().to_string(),
            version: registered.version,
            conditions: Conditions::of(&ApplicationForm::of(application)),
            keys: keys
                .map(|key| Key {
                    fingerprint: key.fingerprint().to_string(),
                    state: key.state().as_str().to_owned(),
                })
                .collect(),
            signature_keys: application.signature_keys().iter().map(SignatureKey::from).collect(),
            key_directory: application.key_directory().map(str::to_owned),
            schemes: application.schemes().iter().map(ToString::to_string).collect(),
            toml: write_applications([&**application]),
            warnings: application.warnings().iter().map(ToString::to_string).collect(),
            created: (&registered.created).into(),
            updated: (&registered.updated).into(),
        }
    }
}

/// What cannot be read.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Broken {
    /// What stands where its id should.
    id: String,
    version: u64,
    reason: String,
}

impl From<&registry::Broken> for Broken {
    fn from(broken: &registry::Broken) -> Self {
        Self { id: broken.id.clone(), version: broken.version, reason: broken.reason.clone() }
    }
}

/// All applications.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Applications {
    /// By name, then by id.
    applications: Vec<Application>,
    /// What cannot be read.
    broken: Vec<Broken>,
}

impl From<&[Entry]> for Applications {
    fn from(entries: &[Entry]) -> Self {
        Self {
            applications: entries.iter().flatten().map(Application::from).collect(),
            broken: entries.iter().filter_map(|entry| entry.as_ref().err()).map(Broken::from).collect(),
        }
    }
}

/// One entry of the log of changes; before and after as TOML.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Change {
    number: u64,
    id: String,
    when: When,
    before: Option<String>,
    after: Option<String>,
}

impl From<&registry::Change> for Change {
    fn from(change: &registry::Change) -> Self {
        let toml = |state: &Option<Result<_, registry::Broken>>| {
            state.as_ref().map(|state| match state {
                Ok(application) => write_applications([AsRef::as_ref(application)]),
                Err(broken) => format!("# {}\n", broken.reason.escape_debug()),
            })
        };
        Self {
            number: change.number,
            id: change.id.to_string(),
            when: (&change.stamp).into(),
            before: toml(&change.before),
            after: toml(&change.after),
        }
    }
}

/// What an import did, or would do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Imported {
    /// Ids.
    added: Vec<String>,
    changed: Vec<Changed>,
    /// Ids.
    unchanged: Vec<String>,
    warnings: Vec<String>,
}

/// An application that an import changes.
#[derive(Debug, Serialize, ToSchema)]
struct Changed {
    id: String,
    /// The names, as in the TOML, of the fields that differ.
    fields: Vec<String>,
    /// Only where they change.
    keys: Option<ChangedKeys>,
}

/// The fingerprints of an application's keys before and after an import.
#[derive(Debug, Serialize, ToSchema)]
struct ChangedKeys {
    before: Vec<String>,
    after: Vec<String>,
}

impl From<service::Imported> for Imported {
    fn from(imported: service::Imported) -> Self {
        let service::Imported { added, changed, unchanged, warnings } = imported;
        Self { added, changed: changed.into_iter().map(Changed::from).collect(), unchanged, warnings }
    }
}

impl From<service::Changed> for Changed {
    fn from(changed: service::Changed) -> Self {
        let service::Changed { id, fields, keys } = changed;
        let keys = keys.map(|service::ChangedKeys { before, after }| ChangedKeys { before, after });
        Self { id, fields: fields.into_iter().map(str::to_owned).collect(), keys }
    }
}

/// All applications as the TOML of the file store.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Exported {
    toml: String,
    /// What cannot be read and so is not in it.
    skipped: Vec<Broken>,
}

impl From<service::Exported> for Exported {
    fn from(exported: service::Exported) -> Self {
        Self { toml: exported.toml, skipped: exported.skipped.iter().map(Broken::from).collect() }
    }
}
