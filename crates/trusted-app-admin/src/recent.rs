//! What was decided about requests lately, for whoever looks for the cause of a rejection.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tower_trusted_app::audit::{AuditSink, Decision, Outcome};
use tower_trusted_app::{Rejection, Scheme, Timestamp};

/// Decisions kept of one application, and rejections of all that are unknown.
const MAX_OF_ONE: usize = 50;
/// Applications of which decisions are kept.
const MAX_APPLICATIONS: usize = 1000;
/// Characters kept of a path or name that a peer sent.
const MAX_TEXT: usize = 200;

/// The last decisions about each registered application, and the last rejections of requests that belong to none: in
/// memory, bounded, and of this process. An [`AuditSink`] for the layer. Clones share everything.
///
/// ```
/// use tower_trusted_app::keys::MemoryRegistry;
/// use tower_trusted_app::users::MemoryDirectory;
/// use tower_trusted_app::TrustedAppLayer;
/// use trusted_app_admin::recent::RecentDecisions;
/// use trusted_app_admin::{Administration, Administrator};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let (registry, recent) = (MemoryRegistry::new([])?, RecentDecisions::default());
/// let users = MemoryDirectory::of_names(["alice"]);
/// let layer = TrustedAppLayer::builder(registry.clone(), users, "https://tracker.example.com".parse()?)
///     .audit(recent.clone()).build()?;
///
/// let alice = Administrator::new("alice");
/// let administration = Administration::new(registry.clone()).recent_decisions(recent);
/// assert!(administration.recent(&alice).is_some());
///
/// // Without them the administration cannot know what the layer decides.
/// assert!(Administration::new(registry).recent(&alice).is_none());
/// # let _ = layer;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct RecentDecisions(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    registered: HashMap<String, OfOne>,
    unknown: VecDeque<RecentDecision>,
}

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
    /// The application's id; where none was found, the one that the request claims, if it claims one.
    pub application: Option<String>,
    /// Why the request was rejected; `None` if it was accepted.
    pub rejected: Option<Rejected>,
    /// The request's method.
    pub method: String,
    /// The request's path, cut off where it is long.
    pub path: String,
    /// The user that the request names, once the signature held.
    pub user: Option<String>,
}

/// Why a request was rejected.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Rejected {
    /// The code, such as `BAD_URL`.
    pub code: &'static str,
    /// What happened.
    pub reason: String,
    /// What to do about it.
    pub hint: String,
}

impl RecentDecisions {
    /// The decisions about an application, newest first.
    #[must_use]
    pub fn of(&self, id: &str) -> Vec<RecentDecision> {
        self.lock().registered.get(id).map(|one| newest_first(&one.decisions)).unwrap_or_default()
    }

    /// The rejections of requests for which no registered application was found, newest first: those of applications
    /// that were never added or are deleted, and those whose credentials cannot be read. A request without
    /// credentials is none of them.
    #[must_use]
    pub fn of_unknown(&self) -> Vec<RecentDecision> {
        newest_first(&self.lock().unknown)
    }

    /// When a request of an application was last accepted, by scheme; since this process started.
    #[must_use]
    pub fn last_used(&self, id: &str) -> Vec<(Scheme, Timestamp)> {
        let kept = self.lock();
        kept.registered
            .get(id)
            .into_iter()
            .flat_map(|one| &one.last_used)
            .map(|(&scheme, &at)| (scheme, at))
            .collect()
    }

    /// Forgets what was decided about the application that had this id until now.
    pub(crate) fn forget(&self, id: &str) {
        self.lock().registered.remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AuditSink for RecentDecisions {
    fn record(&self, decision: &Decision<'_>) {
        let rejected = match decision.outcome {
            Outcome::Rejected(why) | Outcome::ContinuedAsAnonymous(why) => {
                Some(Rejected { code: why.code(), reason: cut(&why.to_string()), hint: hint(why.reason()) })
            }
            _ => None,
        };
        let signed = decision.signature;
        let id = decision.application.map(|application| application.id().as_str());
        let recent = RecentDecision {
            at: decision.at,
            application: id.or(decision.claimed_application).map(cut),
            method: cut(decision.method.as_str()),
            path: cut(decision.path),
            user: decision.user.or(signed.map(|signature| signature.user())).map(cut),
            rejected,
        };
        let mut kept = self.lock();
        let Some(id) = id else {
            // Whoever sends no credentials is an ordinary visitor.
            if !is_without_credentials(&decision.outcome) {
                push(&mut kept.unknown, recent);
            }
            return;
        };
        if !kept.registered.contains_key(id) && kept.registered.len() >= MAX_APPLICATIONS {
            return;
        }
        let one = kept.registered.entry(id.to_owned()).or_default();
        if let (None, Some(signature)) = (&recent.rejected, signed) {
            one.last_used.insert(signature.scheme(), decision.at);
        }
        push(&mut one.decisions, recent);
    }
}

fn push(decisions: &mut VecDeque<RecentDecision>, recent: RecentDecision) {
    if decisions.len() >= MAX_OF_ONE {
        decisions.pop_front();
    }
    decisions.push_back(recent);
}

fn newest_first(decisions: &VecDeque<RecentDecision>) -> Vec<RecentDecision> {
    decisions.iter().rev().cloned().collect()
}

fn is_without_credentials(outcome: &Outcome<'_>) -> bool {
    match outcome {
        Outcome::Rejected(rejected) | Outcome::ContinuedAsAnonymous(rejected) => {
            *rejected.reason() == Rejection::CredentialsMissing
        }
        _ => false,
    }
}

impl fmt::Debug for RecentDecisions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecentDecisions").field("applications", &self.lock().registered.len()).finish()
    }
}

/// What to do about a rejection, with what was rejected.
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
