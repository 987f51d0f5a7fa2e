//! One record per decision: to an audit sink and to `tracing`.

use http::Method;
use trusted_app_core::conditions::SourceAddress;
use trusted_app_core::{Rejected, Timestamp, TrustedApplication, VerifiedSignature};

/// What was decided about one request that carried credentials, or that needed some and had none.
///
/// It holds both the actor (the application) and the subject (the user), and never a certificate,
/// a signature or a key.
#[derive(Debug)]
#[non_exhaustive]
pub struct Decision<'a> {
    /// What was decided.
    pub outcome: Outcome<'a>,
    /// When.
    pub at: Timestamp,
    /// The request's method.
    pub method: &'a Method,
    /// The request's path, as it came; without the query.
    pub path: &'a str,
    /// The application id that the request claims.
    pub claimed_application: Option<&'a str>,
    /// The registered application, once it was found.
    pub application: Option<&'a TrustedApplication>,
    /// The URL as this server rebuilt it, once it was.
    pub url: Option<&'a str>,
    /// What the signature proved, once it held.
    pub signature: Option<&'a VerifiedSignature>,
    /// Whether this very signature had been verified before.
    pub seen_before: bool,
    /// The addresses held against the application's rule; empty if that is *any*.
    pub addresses: &'a [SourceAddress<'a>],
    /// The user's canonical name, once the directory knew the user, whatever was decided then.
    pub user: Option<&'a str>,
}

/// What was decided.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// The request goes on as this user (the canonical name).
    Authenticated {
        /// The directory's spelling of the user's name.
        user: &'a str,
    },
    /// The request was rejected.
    Rejected(&'a Rejected),
    /// The credentials were rejected and the request goes on as anonymous, under
    /// `insecure_continue_on_failure`.
    ContinuedAsAnonymous(&'a Rejected),
}

/// Receives one [`Decision`] per request that carried credentials or was rejected for want of them.
///
/// It is called on the request path: hand the record on and return. A closure is one, and so is a pair of two:
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use tower_trusted_app::audit::{AuditSink, Decision, Outcome};
///
/// fn count(number: &'static AtomicUsize, counts: fn(&Outcome<'_>) -> bool) -> impl AuditSink {
///     move |decision: &Decision<'_>| {
///         number.fetch_add(usize::from(counts(&decision.outcome)), Ordering::Relaxed);
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// # use tower::{Layer, ServiceExt};
/// # type Body = http_body_util::Full<bytes::Bytes>;
/// # use tower_trusted_app::{TrustedAppLayer, keys::MemoryKeyStore, users::MemoryDirectory};
/// # let users = MemoryDirectory::of_names(["alice"]);
/// # let url = "https://tracker.example.com".parse()?;
/// # let layer = TrustedAppLayer::builder(MemoryKeyStore::new([])?, users, url);
/// static ALL: AtomicUsize = AtomicUsize::new(0);
/// static ACCEPTED: AtomicUsize = AtomicUsize::new(0);
/// let accepted = count(&ACCEPTED, |outcome| matches!(outcome, Outcome::Authenticated { .. }));
/// let layer = layer.audit((count(&ALL, |_| true), accepted)).build()?;
///
/// // A request without credentials is rejected, and both are told.
/// # let service = layer.layer(tower::service_fn(async |_: http::Request<Body>| {
/// #     Ok::<_, std::convert::Infallible>(http::Response::new(Body::default()))
/// # }));
/// service.oneshot(http::Request::get("https://tracker.example.com/rest").body(Body::default())?).await?;
/// assert_eq!((ALL.load(Ordering::Relaxed), ACCEPTED.load(Ordering::Relaxed)), (1, 0));
/// # Ok(())
/// # }
/// ```
pub trait AuditSink: Send + Sync + 'static {
    /// Takes one decision.
    fn record(&self, decision: &Decision<'_>);
}

impl<F: Fn(&Decision<'_>) + Send + Sync + 'static> AuditSink for F {
    fn record(&self, decision: &Decision<'_>) {
        self(decision);
    }
}

/// Both, in this order.
impl<A: AuditSink, B: AuditSink> AuditSink for (A, B) {
    fn record(&self, decision: &Decision<'_>) {
        self.0.record(decision);
        self.1.record(decision);
    }
}

impl Decision<'_> {
    /// The certificate's age in milliseconds; negative for one from the future.
    #[must_use]
    pub fn age_ms(&self) -> Option<i64> {
        self.signature.map(|signature| self.at.millis_since(signature.created()))
    }

    /// Writes one event: `INFO` for a success, `WARN` for a rejection.
    pub(crate) fn trace(&self) {
        // What HTTP message signatures claim is a key: only a look-up tells whose it is.
        let found = self.application.map(|application| application.id().as_str());
        let application = self.claimed_application.or(found);
        let claimed_user = self.signature.map(VerifiedSignature::user);
        let scheme = self.signature.map(|signature| signature.scheme().as_str());
        let (user, seen_before) = (self.user, self.seen_before);
        let (method, path, url, age_ms) = (self.method.as_str(), self.path, self.url, self.age_ms());
        match self.outcome {
            Outcome::Authenticated { .. } => tracing::info!(
                target: "trusted_app",
                application, user, claimed_user, scheme, method, path, url, age_ms, seen_before,
                addresses = ?self.addresses,
                "trusted request accepted"
            ),
            Outcome::Rejected(rejected) | Outcome::ContinuedAsAnonymous(rejected) => tracing::warn!(
                target: "trusted_app",
                application, user, claimed_user, scheme, method, path, url, age_ms, seen_before,
                addresses = ?self.addresses,
                code = rejected.code(),
                // As a text, which subscribers escape: it has words of the peer's in it.
                reason = rejected.to_string(),
                rule = rejected.rule().map(ToString::to_string),
                hint = rejected.hint(),
                continued = matches!(self.outcome, Outcome::ContinuedAsAnonymous(_)),
                "trusted request rejected"
            ),
        }
    }
}
