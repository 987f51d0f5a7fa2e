//! One request, from its headers to its caller: each step one call, read from top to bottom.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use http::Method;
use http::request::Parts;
use trusted_app_core::conditions::ReplayProtection;
use trusted_app_core::permission::PermissionRule;
use trusted_app_core::rejection::{Code, Store};
use trusted_app_core::seraph::Credentials;
use trusted_app_core::store::{ReplayClaim, ReplayOutcome};
use trusted_app_core::{
    Admitted, ApplicationId, BoxError, KeyStore, KnownUser, Rejection, RequestFacts, Timestamp,
    TrustedApplication, UserDirectory, UserLookup, VerifiedSignature,
};

use crate::audit::{Decision, Outcome};
use crate::caller::Caller;
use crate::original_target::{path_of, target_of};
use crate::shared::{Policy, Shared};
use crate::signed_url::RebuiltUrl;
use crate::source::Sources;

/// What was found out on the way, for the audit.
#[derive(Default)]
pub(crate) struct Findings<'p> {
    pub(crate) claimed_application: Option<ApplicationId>,
    pub(crate) application: Option<Arc<TrustedApplication>>,
    pub(crate) url: Option<RebuiltUrl>,
    pub(crate) signature: Option<VerifiedSignature>,
    pub(crate) seen_before: bool,
    pub(crate) sources: Sources<'p>,
    pub(crate) user: Option<Arc<str>>,
}

/// A signature that holds.
struct Verified {
    signature: VerifiedSignature,
    seen_before: bool,
    /// For the URL as the operator wrote it, and not for its normal form.
    as_written: bool,
}

impl<K: KeyStore, D: UserDirectory, R> Shared<K, D, R> {
    /// Decides about one request, and reports the decision.
    pub(crate) async fn decide(&self, parts: &Parts) -> Result<Caller<D::User>, Rejection> {
        let mut findings = Findings::default();
        let result = self.authenticate(parts, &mut findings).await;
        self.report(parts, &findings, result.as_ref());
        result
    }

    async fn authenticate<'p>(
        &self,
        parts: &'p Parts,
        findings: &mut Findings<'p>,
    ) -> Result<Caller<D::User>, Rejection> {
        let settings = &self.settings;
        let Some(credentials) = Credentials::parse(&parts.headers)? else {
            return Err(Rejection::CredentialsMissing);
        };
        findings.claimed_application = Some(credentials.application_id().clone());
        let _slot = Slot::take(&self.in_flight, settings.max_concurrent)?;

        let uri = (settings.original_uri)(&parts.extensions).unwrap_or(&parts.uri);
        let target = target_of(&parts.extensions, uri);
        let url = settings.signed_url.rebuild(uri, target, &parts.headers, &settings.context_path)?;
        let url = findings.url.insert(url);

        let application = self.find_application(&credentials, url).await?;
        findings.application = Some(Arc::clone(&application));

        // A scope of its own, so that nothing of it lives on while the directory is asked.
        let admitted = {
            let now = settings.clock.now();
            let verified = self.verify(&credentials, &application, url, now);
            let Verified { signature, seen_before, as_written } =
                verified.map_err(|rejection| self.hide(rejection, url))?;
            if as_written {
                url.keep_written();
            }
            (findings.signature, findings.seen_before) = (Some(signature.clone()), seen_before);

            findings.sources = self.sources(parts, &application)?;
            let path = settings.context_path.strip(path_of(target));
            let facts = RequestFacts { method: &parts.method, path };
            let sources = findings.sources.iter().copied();
            signature.admit(&application, &facts, sources, now)?
        };

        let user = self.find_user(&application, admitted.user()).await?;
        findings.user = Some(Arc::clone(&user.name));
        let permitted = application.act_as().check(&user, &parts.method);
        permitted.map_err(|rule| denied(admitted.user(), rule))?;
        self.accept_once(&application, &admitted, url.as_str(), &parts.method).await?;
        Ok(Caller::new(application, user, admitted))
    }

    async fn find_application(
        &self,
        credentials: &Credentials<'_>,
        url: &RebuiltUrl,
    ) -> Result<Arc<TrustedApplication>, Rejection> {
        let look_up = pin!(self.keys.application(credentials.application_id()));
        match self.in_time(look_up, Store::KeyStore).await? {
            Some(application) => Ok(application),
            None => Err(self.hide(credentials.unknown_application(), url)),
        }
    }

    /// Holds the signature against the URL, of which there are two texts where the public URL is not written in its
    /// normal form: then at most two verifications, that of the text which held last before the other.
    fn verify(
        &self,
        credentials: &Credentials<'_>,
        application: &TrustedApplication,
        url: &RebuiltUrl,
        now: Timestamp,
    ) -> Result<Verified, Rejection> {
        match url.as_written() {
            None => self.verify_text(credentials, application, url.as_str(), false, now),
            Some(written) => self.verify_either(credentials, application, url, written, now),
        }
    }

    fn verify_text(
        &self,
        credentials: &Credentials<'_>,
        application: &TrustedApplication,
        text: &str,
        as_written: bool,
        now: Timestamp,
    ) -> Result<Verified, Rejection> {
        let (signature, seen_before) = match &self.signatures {
            Some(remembered) => credentials.verify_cached(application, text, now, remembered)?,
            None => (credentials.verify(application, text, now)?, false),
        };
        Ok(Verified { signature, seen_before, as_written })
    }

    #[inline(never)] // most public URLs are written in their normal form
    fn verify_either(
        &self,
        credentials: &Credentials<'_>,
        application: &TrustedApplication,
        url: &RebuiltUrl,
        written: &str,
        now: Timestamp,
    ) -> Result<Verified, Rejection> {
        let verify = |text, as_written| self.verify_text(credentials, application, text, as_written, now);
        let written_first = self.written_url_held.load(Ordering::Relaxed);
        let (first, second) = if written_first { (written, url.as_str()) } else { (url.as_str(), written) };
        // Headers that come again cost no RSA, for whichever text they were signed.
        let remembered = self
            .signatures
            .as_ref()
            .and_then(|cache| credentials.remembered(application, second, now, cache));
        if let Some(signature) = remembered {
            return Ok(Verified { signature, seen_before: true, as_written: !written_first });
        }
        match verify(first, written_first) {
            Err(Rejection::BadSignature { .. }) => {}
            verified => return verified,
        }
        match verify(second, !written_first) {
            Err(Rejection::BadSignature { .. }) => Err(url.bad_signature()),
            Ok(verified) => {
                self.written_url_held.store(!written_first, Ordering::Relaxed);
                Ok(verified)
            }
            refused => refused,
        }
    }

    /// Whatever tells a registered id from an unknown one to somebody without its key looks like a
    /// bad signature, if the layer is to hide which ids there are.
    fn hide(&self, rejection: Rejection, url: &RebuiltUrl) -> Rejection {
        let tells = matches!(
            rejection.code(),
            Code::AppUnknown
                | Code::BadProtocolVersion
                | Code::SecretKeyNotFound
                | Code::MagicNumberNotFound
                | Code::BadMagic
                | Code::ServerError
                | Code::BadSignature
                | Code::TooLarge
        );
        if !tells || !self.settings.hide_unknown_applications {
            return rejection;
        }
        tracing::debug!(target: "trusted_app", reason = rejection.to_string(), "answered as a bad signature");
        url.bad_signature()
    }

    pub(crate) async fn find_user(
        &self,
        application: &TrustedApplication,
        name: &str,
    ) -> Result<KnownUser<D::User>, Rejection> {
        let look_up = pin!(self.users.user(application, name));
        match self.in_time(look_up, Store::UserDirectory).await? {
            UserLookup::Found(user) => Ok(user),
            UserLookup::Denied => Err(denied(name, PermissionRule::Disabled)),
            UserLookup::LogInRefused(reason) => Err(denied(name, PermissionRule::LogIn(reason))),
            UserLookup::Ambiguous => Err(denied(name, PermissionRule::Ambiguous)),
            _ => Err(Rejection::UserUnknown { user: name.to_owned() }),
        }
    }

    /// Refuses a replay, if this request counts once. Last of all, so that a request which is refused
    /// for anything else burns nothing.
    async fn accept_once(
        &self,
        application: &TrustedApplication,
        admitted: &Admitted,
        url: &str,
        method: &Method,
    ) -> Result<(), Rejection> {
        let protection = application.conditions().replay_protection.max(self.settings.replay_protection);
        if !protection.covers(method) {
            return Ok(());
        }
        // Boxed: where few requests count once, the others need not carry its size.
        Box::pin(self.claim(application, admitted, url, protection)).await
    }

    async fn claim(
        &self,
        application: &TrustedApplication,
        admitted: &Admitted,
        url: &str,
        protection: ReplayProtection,
    ) -> Result<(), Rejection> {
        let claim = ReplayClaim::of_signature(application, admitted, url, self.settings.clock.now())?;
        let Some(store) = &self.settings.replay_store else {
            tracing::error!(
                target: "trusted_app",
                application = application.id().as_str(),
                replay_protection = protection.as_str(),
                "the application's requests are to count once, but the layer has no replay store: all of them \
                 are refused; hand one to `TrustedAppLayer::replay_store`"
            );
            return Err(Rejection::Unavailable { store: Store::ReplayStore });
        };
        match self.in_time(pin!(store.claim(&claim)), Store::ReplayStore).await? {
            ReplayOutcome::Fresh => Ok(()),
            _ => Err(Rejection::Replayed {
                application: application.id().to_string(),
                created: admitted.signature().created(),
            }),
        }
    }

    /// The addresses to hold against the application's rule: none if that is *any*.
    pub(crate) fn sources<'p>(
        &self,
        parts: &'p Parts,
        application: &TrustedApplication,
    ) -> Result<Sources<'p>, Rejection> {
        if application.conditions().addresses.is_any() {
            return Ok(Sources::new());
        }
        let peer = (self.settings.peer)(&parts.extensions);
        if peer.is_none() && !self.warned_of_unknown_peer.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                target: "trusted_app",
                application = application.id().as_str(),
                hint = Rejection::PeerUnknown.hint(),
                "an application has an address rule, but the server does not pass on the peer's address: \
                 all its requests are refused"
            );
        }
        self.settings.sources.of(peer, &parts.headers)
    }

    /// Waits for a store, but not longer than the time-out. A store that answers at once needs no
    /// timer.
    pub(crate) async fn in_time<T, E: Into<BoxError>>(
        &self,
        mut look_up: Pin<&mut impl Future<Output = Result<T, E>>>,
        store: Store,
    ) -> Result<T, Rejection> {
        let at_once = poll_fn(|context| Poll::Ready(look_up.as_mut().poll(context).map_err(E::into))).await;
        let answer = match at_once {
            Poll::Ready(answer) => Some(answer),
            // Boxed: a timer is large, and every request would have to carry room for it.
            Poll::Pending => {
                let in_time = Box::pin(tokio::time::timeout(self.settings.lookup_timeout, look_up)).await;
                in_time.ok().map(|answer| answer.map_err(E::into))
            }
        };
        let error = match answer {
            Some(Ok(found)) => return Ok(found),
            Some(Err(error)) => error,
            None => format!("no answer within {:?}", self.settings.lookup_timeout).into(),
        };
        tracing::error!(target: "trusted_app", store = %store, error = &*error, "store unavailable");
        Err(Rejection::Unavailable { store })
    }

    /// Whether a refused request goes on as anonymous. An outage never lets it, and that was Seraph's way only.
    pub(crate) fn continues_after(&self, rejection: &Rejection) -> bool {
        self.settings.policy == Policy::InsecureContinueOnFailure
            && !matches!(rejection, Rejection::Unavailable { .. } | Rejection::HttpSignature(_))
    }

    /// Reports a request that needed credentials and had none.
    pub(crate) fn report_missing(&self, parts: &Parts, rejection: &Rejection) {
        self.report(parts, &Findings::default(), Err(rejection));
    }

    pub(crate) fn report(
        &self,
        parts: &Parts,
        findings: &Findings<'_>,
        result: Result<&Caller<D::User>, &Rejection>,
    ) {
        if self.settings.audit.is_none() && !tracing::enabled!(target: "trusted_app", tracing::Level::ERROR) {
            return; // nobody listens
        }
        let uri = (self.settings.original_uri)(&parts.extensions).unwrap_or(&parts.uri);
        let decision = Decision {
            outcome: match result {
                Ok(caller) => Outcome::Authenticated { user: caller.user_name() },
                Err(rejection) if self.continues_after(rejection) => Outcome::ContinuedAsAnonymous(rejection),
                Err(rejection) => Outcome::Rejected(rejection),
            },
            at: self.settings.clock.now(),
            method: &parts.method,
            path: path_of(target_of(&parts.extensions, uri)),
            claimed_application: findings.claimed_application.as_ref().map(ApplicationId::as_str),
            application: findings.application.as_deref(),
            url: findings.url.as_ref().map(RebuiltUrl::as_str),
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

pub(crate) fn denied(user: &str, rule: PermissionRule) -> Rejection {
    Rejection::PermissionDenied { user: user.to_owned(), rule }
}

/// A place among the requests in verification; given back when dropped.
pub(crate) struct Slot<'a>(&'a AtomicUsize);

impl<'a> Slot<'a> {
    pub(crate) fn take(in_flight: &'a AtomicUsize, max: usize) -> Result<Self, Rejection> {
        let slot = Self(in_flight);
        if in_flight.fetch_add(1, Ordering::Relaxed) < max {
            Ok(slot)
        } else {
            Err(Rejection::Unavailable { store: Store::Verification })
        }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
