//! What the layer decided, in a form that can be printed.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tower_trusted_app::audit::{AuditSink, Decision, Outcome as Decided};
use tower_trusted_app::conditions::{ALLOWED_SKEW, STAMPED_AHEAD, SourceAddress};
use tower_trusted_app::httpsig::SignaturePolicy;
use tower_trusted_app::seraph::TransportError;
use tower_trusted_app::{Protocol, Rejected, Rejection, Scheme, TrustedApplication};

use crate::output;
use crate::span::spelled;

/// Keeps the layer's decision.
#[derive(Clone, Default)]
pub(super) struct Recorder(Arc<Mutex<Option<Explanation>>>);

impl Recorder {
    /// Where the layer reports to.
    pub(super) fn sink(&self) -> impl AuditSink + use<> {
        let kept = Arc::clone(&self.0);
        move |decision: &Decision<'_>| {
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(Explanation::of(decision));
        }
    }

    /// What was reported. The layer reports nothing about a request without credentials.
    pub(super) fn take(self) -> Explanation {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or(Explanation::ANONYMOUS)
    }
}

/// The decision, and the facts that led to it.
pub(super) struct Explanation {
    outcome: Outcome,
    facts: Vec<(&'static str, String)>,
    hint: Option<&'static str>,
}

/// The decision as JSON.
#[derive(Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub(super) enum Outcome {
    Authenticated {
        application: String,
        user: String,
        scheme: &'static str,
        signed_url: String,
    },
    Anonymous,
    Rejected {
        code: &'static str,
        message: String,
        header: String,
        /// What the peer is not told; Seraph tells everything.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

impl Explanation {
    const ANONYMOUS: Self = Self { outcome: Outcome::Anonymous, facts: Vec::new(), hint: None };

    fn of(decision: &Decision<'_>) -> Self {
        let (outcome, hint) = match decision.outcome {
            Decided::Authenticated { user } => (authenticated(decision, user), None),
            Decided::Rejected(why) | Decided::ContinuedAsAnonymous(why) => {
                (rejected(why), Some(hint(why.reason())))
            }
            _ => (Outcome::Anonymous, None),
        };
        Self { outcome, facts: facts(decision), hint }
    }

    pub(super) fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    pub(super) fn hint(&self) -> Option<&'static str> {
        self.hint
    }

    pub(super) fn exit_status(&self) -> u8 {
        match self.outcome {
            Outcome::Authenticated { .. } => 0,
            Outcome::Rejected { .. } => 1,
            Outcome::Anonymous => 3,
        }
    }

    /// Prints it for people.
    pub(super) fn print(&self) -> anyhow::Result<()> {
        match &self.outcome {
            Outcome::Authenticated { .. } => output::line("authenticated")?,
            Outcome::Anonymous => output::line(ANONYMOUS)?,
            Outcome::Rejected { code, message, .. } => {
                output::line(format_args!("rejected: {code}: {message}"))?;
            }
        }
        let facts = self.facts.iter().map(|(name, fact)| (*name, fact as &dyn Display));
        let hint = self.hint.iter().map(|hint| ("hint", hint as &dyn Display));
        output::table(&facts.chain(hint).collect::<Vec<_>>())
    }
}

fn authenticated(decision: &Decision<'_>, user: &str) -> Outcome {
    Outcome::Authenticated {
        application: decision.application.map(|application| application.id().to_string()).unwrap_or_default(),
        user: user.to_owned(),
        scheme: decision.signature.map(|signature| signature.scheme().as_str()).unwrap_or_default(),
        signed_url: decision.url.unwrap_or_default().to_owned(),
    }
}

fn rejected(rejected: &Rejected) -> Outcome {
    let (code, reason) = (rejected.code(), rejected.reason());
    let (header, reason) = match rejected.protocol() {
        Protocol::HttpSignature => (code.to_owned(), Some(log_text(reason))),
        Protocol::Seraph => (TransportError::of(reason).to_string(), None),
    };
    Outcome::Rejected { code, message: rejected.detail(), header, reason }
}

/// What the log has, with the lines of a signature base as they are.
fn log_text(reason: &Rejection) -> String {
    match reason {
        Rejection::BadSignatureBase { base } => {
            format!("the signature does not hold for this signature base:\n{base}")
        }
        other => other.to_string(),
    }
}

/// Said of a request that nobody signed.
const ANONYMOUS: &str = "anonymous: the request carries no credentials to look at, neither an X-Seraph-Trusted-App-Cert \
                         nor a signature with the tag `trusted-app`; a server that requires them answers 401";

/// What to do about it: here, where the options stand for a server's settings.
fn hint(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::BadSignature { .. } => {
            "compare the URL with the one the peer signed; state the server's own by --public-url, or by --scheme, which is \
             http by default; look whether the signature was cut; compare the key's fingerprint"
        }
        Rejection::PeerUnknown => "state by --remote-addr where the request comes from",
        Rejection::AuthorityUnknown { .. } => {
            "the head names no host, or two: add a Host header, or state the server's URL by --public-url"
        }
        Rejection::FieldNotCovered { .. } => {
            "have the peer cover it, or, if the server's own proxy sets it, name it by --proxy-field"
        }
        rejection => rejection.hint(),
    }
}

/// As much as the layer found out before it decided.
fn facts(decision: &Decision<'_>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut fact = |name, fact: Option<String>| facts.extend(fact.map(|fact| (name, fact)));
    if let Decided::Rejected(rejected) = decision.outcome
        && rejected.protocol() == Protocol::HttpSignature
    {
        // Its lines are those of a signature base.
        for (at, line) in log_text(rejected.reason()).lines().enumerate() {
            fact(if at == 0 { "reason" } else { "" }, Some(line.to_owned()));
        }
    }
    let application = decision.application;
    fact("application", application.map(described).or(decision.claimed_application.map(claimed)));
    let url = if decision.signature.is_some() { "signed URL" } else { "rebuilt URL" };
    fact(url, decision.url.map(str::to_owned));
    if let Some(signature) = decision.signature {
        fact("scheme", Some(signature.scheme().to_string()));
        fact("key", key(decision));
        fact("user", Some(signature.user().to_owned()));
    }
    fact("age", aged(decision));
    fact("addresses", application.map(|application| addresses(application, decision.addresses)));
    facts
}

fn described(application: &TrustedApplication) -> String {
    match (application.id().as_str(), application.name()) {
        (id, name) if id == name => id.to_owned(),
        (id, name) => format!("{id} ({name})"),
    }
}

fn claimed(id: &str) -> String {
    format!("{id} (as the request claims)")
}

/// By the name that the key's scheme has for it.
fn key(decision: &Decision<'_>) -> Option<String> {
    let key = decision.signature?.key();
    let keys = decision.application.map(TrustedApplication::signature_keys).unwrap_or_default();
    let mut thumbprints = keys.iter().map(|key| key.public_key().thumbprint());
    let thumbprint = thumbprints.find(|thumbprint| thumbprint.fingerprint() == *key);
    Some(thumbprint.map_or_else(|| format!("SHA256 {key}"), ToString::to_string))
}

/// Age and what is allowed. A negative age is a stamp from the future.
fn aged(decision: &Decision<'_>) -> Option<String> {
    let timeout = decision.application?.conditions().timeout;
    let (youngest, oldest) = match decision.signature?.scheme() {
        Scheme::HttpSignature => (
            SignaturePolicy::DEFAULT_SKEW,
            timeout.min(SignaturePolicy::MAX_AGE) + SignaturePolicy::DEFAULT_SKEW,
        ),
        _ => (STAMPED_AHEAD + ALLOWED_SKEW, timeout),
    };
    let (age, now) = (decision.age_ms()?, decision.at);
    let side = if age < 0 { "ahead of" } else { "before" };
    // Rounded, for clients stamp by the clock and send a moment later.
    let span = spelled(age.saturating_abs().saturating_add(500));
    let allowed = format!("-{} to {} ms", youngest.as_millis(), oldest.as_millis());
    Some(format!("stamped {span} {side} {now}; that is {age} ms, allowed is {allowed}"))
}

fn addresses(application: &TrustedApplication, checked: &[SourceAddress<'_>]) -> String {
    if application.conditions().addresses.is_any() {
        return "any is allowed".to_owned();
    }
    if checked.is_empty() {
        return "not looked at".to_owned();
    }
    let checked = checked.iter().map(|source| match source {
        SourceAddress::UnknownPeer => "unknown peer".to_owned(),
        SourceAddress::Peer(peer) => format!("{peer} (peer)"),
        SourceAddress::Forwarded(address) => format!("{} (forwarded)", address.trim()),
    });
    checked.collect::<Vec<_>>().join(", ")
}
