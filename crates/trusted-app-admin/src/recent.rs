//! What was decided about requests lately, for whoever looks for the cause of a refusal.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tower_trusted_app::audit::{AuditSink, Decision, Outcome};
use tower_trusted_app::rejection::Code;
use tower_trusted_app::{Rejection, Scheme, Timestamp};

/// Decisions kept of one application.
const MAX_OF_ONE: usize = 50;
/// Applications of which decisions are kept.
const MAX_APPLICATIONS: usize = 1000;
/// Characters kept of a path or name that a peer sent.
const MAX_TEXT: usize = 200;

/// The last decisions about each registered application, in memory and bounded: an
/// [`AuditSink`] for the layer. Clones share everything.
#[derive(Clone, Default)]
pub struct RecentDecisions(Arc<Mutex<HashMap<String, OfOne>>>);

#[derive(Default)]
struct OfOne {
    decisions: VecDeque<RecentDecision>,
    last_used: BTreeMap<Scheme, Timestamp>,
}

/// One decision.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RecentDecision {
    /// When.
    pub at: Timestamp,
    /// Why the request was refused; `None` if it was accepted.
    pub refused: Option<Refused>,
    /// The request's method.
    pub method: String,
    /// The request's path, cut off where it is long.
    pub path: String,
    /// The user that the request names, once the signature held.
    pub user: Option<String>,
}

/// Why a request was refused.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Refused {
    /// The code that the peer sees.
    pub code: Code,
    /// What happened.
    pub reason: String,
    /// What to do about it.
    pub hint: String,
}

impl RecentDecisions {
    /// The decisions about an application, newest first.
    #[must_use]
    pub fn of(&self, id: &str) -> Vec<RecentDecision> {
        self.lock().get(id).map(|one| one.decisions.iter().rev().cloned().collect()).unwrap_or_default()
    }

    /// When a request of an application was last accepted, by scheme; since this process started.
    #[must_use]
    pub fn last_used(&self, id: &str) -> Vec<(Scheme, Timestamp)> {
        self.lock()
            .get(id)
            .map(|one| one.last_used.iter().map(|(scheme, at)| (*scheme, *at)).collect())
            .unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, OfOne>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AuditSink for RecentDecisions {
    fn record(&self, decision: &Decision<'_>) {
        // Ids that nobody registered are any number.
        let Some(application) = decision.application else { return };
        let refused = match decision.outcome {
            Outcome::Rejected(rejection) | Outcome::ContinuedAsAnonymous(rejection) => Some(Refused {
                code: rejection.code(),
                reason: cut(&rejection.to_string()),
                hint: hint(rejection),
            }),
            _ => None,
        };
        let signed = decision.signature;
        let recent = RecentDecision {
            at: decision.at,
            method: cut(decision.method.as_str()),
            path: cut(decision.path),
            user: decision.user.or(signed.map(|signature| signature.user())).map(cut),
            refused,
        };
        let mut all = self.lock();
        let id = application.id().as_str();
        if !all.contains_key(id) && all.len() >= MAX_APPLICATIONS {
            return;
        }
        let one = all.entry(id.to_owned()).or_default();
        if let (None, Some(signature)) = (&recent.refused, signed) {
            one.last_used.insert(signature.scheme(), decision.at);
        }
        if one.decisions.len() >= MAX_OF_ONE {
            one.decisions.pop_front();
        }
        one.decisions.push_back(recent);
    }
}

impl fmt::Debug for RecentDecisions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecentDecisions").field("applications", &self.lock().len()).finish()
    }
}

/// What to do about a refusal, with what was refused.
fn hint(rejection: &Rejection) -> String {
    let hint = rejection.hint();
    match rejection {
        Rejection::AddressNotAllowed { address } => {
            format!("this address is not among the addresses: {}; {hint}", cut(address))
        }
        Rejection::ForwardedAddressNotAllowed { address } => {
            format!("this hop is not among the addresses: {}; {hint}", cut(address))
        }
        Rejection::PathNotAllowed { path } => format!("no path pattern covers {}; {hint}", cut(path)),
        Rejection::MethodNotAllowed { method } => format!("{} is not among the methods; {hint}", cut(method)),
        _ => hint.to_owned(),
    }
}

fn cut(text: &str) -> String {
    let mut cut: String = text.chars().take(MAX_TEXT).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}
