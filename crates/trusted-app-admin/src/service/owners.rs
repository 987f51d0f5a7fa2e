//! To which application a key belongs.

use std::collections::HashMap;

use tower_trusted_app::ApplicationId;
use tower_trusted_app::crypto::Fingerprint;
use tower_trusted_app::registry::{ApplicationConflict, Entry};

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
