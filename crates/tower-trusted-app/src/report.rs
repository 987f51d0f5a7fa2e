//! What was found out about a request on the way, and reporting it.

use std::sync::Arc;

use http::request::Parts;
use trusted_app_core::{Accepted, ApplicationId, Rejected, TrustedApplication, VerifiedSignature};

use crate::audit::{Decision, Outcome};
use crate::shared::Shared;
use crate::source::Sources;

/// What was found out on the way, for the audit.
#[derive(Default)]
pub(crate) struct Findings<'r> {
    pub(crate) claimed_application: Option<ApplicationId>,
    pub(crate) application: Option<Arc<TrustedApplication>>,
    /// The URL as this server rebuilt it: of its texts the one that was signed, once the signature held.
    pub(crate) url: Option<&'r str>,
    pub(crate) signature: Option<VerifiedSignature>,
    pub(crate) seen_before: bool,
    pub(crate) sources: Sources<'r>,
    pub(crate) user: Option<Arc<str>>,
}

impl<K, D, R> Shared<K, D, R> {
    pub(crate) fn report<U>(
        &self,
        parts: &Parts,
        findings: &Findings<'_>,
        outcome: Result<&Accepted<U>, &Rejected>,
    ) {
        if self.settings.audit.is_none() && !tracing::enabled!(target: "trusted_app", tracing::Level::ERROR) {
            return; // no one listens
        }
        let decision = Decision {
            outcome: match outcome {
                Ok(accepted) => Outcome::Authenticated { user: &accepted.user().name },
                Err(rejected) if self.continues_after(rejected) => Outcome::ContinuedAsAnonymous(rejected),
                Err(rejected) => Outcome::Rejected(rejected),
            },
            at: self.settings.clock.now(),
            method: &parts.method,
            path: self.settings.target_of(parts).path,
            claimed_application: findings.claimed_application.as_ref().map(ApplicationId::as_str),
            application: findings.application.as_deref(),
            url: findings.url,
            signature: findings.signature.as_ref(),
            seen_before: findings.seen_before,
            addresses: &findings.sources,
            user: findings.user.as_deref(),
        };
        decision.trace();
        if let Some(audit) = &self.settings.audit {
            audit.record(&decision);
        }
    }
}
