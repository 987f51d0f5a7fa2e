//! How two applications differ.

use tower_trusted_app::TrustedApplication;
use tower_trusted_app::application::ApplicationDescription;
use tower_trusted_app::registry::Entry;

/// An application that an import changed, or would change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changed {
    /// Its id.
    pub id: String,
    /// The fields that differ; all that the text has, where what was registered cannot be read.
    pub fields: Vec<String>,
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
    /// `None` if the application is as the text says.
    pub(super) fn between(entry: &Entry, after: &TrustedApplication) -> Option<Self> {
        let before = entry.as_ref().ok().map(|registered| &*registered.application);
        let after_described = ApplicationDescription::from(after);
        let before_described =
            before.map_or_else(|| nothing_of(&after_described), ApplicationDescription::from);
        let fields = before_described.differing(&after_described);
        let fingerprints = |application: &TrustedApplication| {
            application.fingerprints().map(|one| one.to_string()).collect::<Vec<_>>()
        };
        let keys = fields.iter().any(|field| field == "keys").then(|| ChangedKeys {
            before: before.map(fingerprints).unwrap_or_default(),
            after: fingerprints(after),
        });
        (!fields.is_empty()).then(|| Self { id: after.id().to_string(), fields, keys })
    }
}

/// The description of an application of which only the id is known.
fn nothing_of(described: &ApplicationDescription) -> ApplicationDescription {
    ApplicationDescription {
        id: described.id.clone(),
        name: None,
        key_directory: None,
        timeout_ms: None,
        addresses: None,
        paths: None,
        methods: None,
        schemes: None,
        replay_protection: None,
        insecure_unsigned_bodies: None,
        insecure_min_rsa_bits: None,
        act_as: None,
        keys: Vec::new(),
    }
}

/// Whether two applications are equal in every field.
pub(super) fn equal(one: &TrustedApplication, other: &TrustedApplication) -> bool {
    ApplicationDescription::from(one) == ApplicationDescription::from(other)
}
