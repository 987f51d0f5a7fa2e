//! How two applications differ.

use tower_trusted_app::TrustedApplication;
use tower_trusted_app::keys::write_applications;
use tower_trusted_app::registry::Entry;

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

impl Changed {
    pub(super) fn between(entry: &Entry, after: &TrustedApplication) -> Self {
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
const FIELDS: [(&str, Same); 11] = [
    ("name", |one, other| one.name() == other.name()),
    ("keys", |one, other| one.keys() == other.keys() && one.signature_keys() == other.signature_keys()),
    ("key_directory", |one, other| one.key_directory() == other.key_directory()),
    ("timeout_ms", |one, other| one.conditions().timeout == other.conditions().timeout),
    ("addresses", |one, other| {
        one.conditions().addresses.patterns() == other.conditions().addresses.patterns()
    }),
    ("paths", |one, other| one.conditions().paths.patterns() == other.conditions().paths.patterns()),
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

/// Whether two applications are equal in every field.
pub(super) fn equal(one: &TrustedApplication, other: &TrustedApplication) -> bool {
    write_applications([one]) == write_applications([other])
}
