//! What is said about names that nobody has.

use trusted_app_core::{TrustedApplication, UserLookup};

/// Says in the log which name was tried in vain.
pub(super) fn log_tried<U>(
    application: &TrustedApplication,
    name: &str,
    tried: &str,
    answer: &UserLookup<U>,
) {
    let outcome = match answer {
        UserLookup::Unknown => "unknown",
        UserLookup::Ambiguous => "ambiguous",
        _ => return,
    };
    let application = application.id().as_str();
    tracing::info!(target: "trusted_app", application, claimed_user = name, tried, outcome, "user name mapped");
}
