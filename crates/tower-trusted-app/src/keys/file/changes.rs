//! What a load changed, for the log.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use trusted_app_core::{ApplicationId, TrustedApplication};

use super::super::applications::Applications;

fn by_id(all: &Applications) -> BTreeMap<&ApplicationId, &Arc<TrustedApplication>> {
    all.iter().map(|one| (one.id(), one)).collect()
}

/// Logs what came, at INFO, and what went or may do more than before, at WARN.
pub(super) fn log(path: &Path, before: &Applications, now: &Applications, ends_in_a_line: bool) {
    let (before, now) = (by_id(before), by_id(now));
    let path = path.display();
    let mut grave = false;
    for id in before.keys().filter(|id| !now.contains_key(*id)) {
        grave = true;
        tracing::warn!(
            target: "trusted_app",
            %path,
            application = %id,
            "the application is no longer in the file: its requests are refused from now on"
        );
    }
    for (id, application) in now {
        let Some(old) = before.get(id) else {
            tracing::info!(target: "trusted_app", %path, application = %id, "the application is new in the file");
            continue;
        };
        for widening in application.widened_from(old) {
            grave = true;
            tracing::warn!(
                target: "trusted_app",
                %path,
                application = %id,
                "the application may do more than before: {widening}"
            );
        }
    }
    if grave && !ends_in_a_line {
        tracing::warn!(
            target: "trusted_app",
            %path,
            "the last line of the file has no line end: see whether the file is complete"
        );
    }
}
