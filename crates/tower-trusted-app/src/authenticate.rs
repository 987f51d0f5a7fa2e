//! One request, from its headers to its caller: each step one call, read from top to bottom.
//!
//! The schemes differ until the signature holds. From [`Verified`] on there is one way for both. The replay store is
//! asked last of all, so that a request which is rejected for anything else burns nothing.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::request::Parts;
use trusted_app_core::content::ExpectedContent;
use trusted_app_core::permission::PermissionRule;
use trusted_app_core::rejection::Store;
use trusted_app_core::store::{CountOnce, Unclaimed, count_once};
use trusted_app_core::{
    Accepted, Admitted, KeyStore, KnownUser, Permitted, Protocol, Rejection, RequestFacts,
    TrustedApplication, UserDirectory, UserLookup, Verified, httpsig, seraph,
};

use crate::body::{BodyMode, SignedBodyError};
use crate::lookup::Slot;
use crate::report::Findings;
use crate::shared::Shared;
use crate::signed_url::RebuiltUrl;
use crate::source::Sources;
use crate::target::Target;

impl<K: KeyStore, D: UserDirectory, R> Shared<K, D, R> {
    /// The whole way. `url` and `findings` belong to the caller, who reports what was found out.
    pub(crate) async fn accept<'r, M: BodyMode<B>, B>(
        &self,
        protocol: Protocol,
        parts: &'r Parts,
        body: &mut M::Readable,
        mismatch: impl Fn() -> SignedBodyError + Send,
        url: &'r mut Option<RebuiltUrl>,
        findings: &mut Findings<'r>,
    ) -> Result<Accepted<D::User>, Rejection> {
        let mut slot = None;
        let permitted = self.permit(protocol, parts, M::has_content(body), url, findings, &mut slot).await?;
        if permitted.content() != ExpectedContent::Unsigned {
            // A body may come slowly: others are verified meanwhile.
            drop(slot.take());
        }
        M::read(body, permitted.content(), &self.settings.http_signatures, mismatch).await?;
        let settings = &self.settings;
        match count_once(permitted, settings.replay_protection, &parts.method, &*settings.clock)? {
            CountOnce::Accepted(accepted) => Ok(accepted),
            // Boxed: where few requests count once, the others need not carry its size.
            CountOnce::Unclaimed(unclaimed) => Box::pin(self.claim_first(unclaimed)).await,
        }
    }

    /// From the headers to the proof that the application may do this as this user.
    async fn permit<'s, 'r>(
        &'s self,
        protocol: Protocol,
        parts: &'r Parts,
        has_content: bool,
        url: &'r mut Option<RebuiltUrl>,
        findings: &mut Findings<'r>,
        slot: &mut Option<Slot<'s>>,
    ) -> Result<Permitted<'r, D::User>, Rejection> {
        let target = self.settings.target_of(parts);
        let verified = match protocol {
            Protocol::Seraph => self.verify_seraph(parts, &target, url, findings, slot).await?,
            Protocol::HttpSignature => {
                // Boxed: where few requests have one, the others need not carry its size.
                let verify = self.verify_http_signature(parts, &target, has_content, url, findings, slot);
                Box::pin(verify).await?
            }
        };
        findings.signature = Some(verified.signature().clone());
        findings.sources = self.sources(parts, verified.application())?;

        let facts = RequestFacts { method: &parts.method, path: target.below(&self.settings.context_path) };
        let sources = findings.sources.iter().copied();
        let admitted = verified.admit(&facts, sources)?;

        let user = self.find_user(&admitted).await?;
        findings.user = Some(Arc::clone(&user.name));
        admitted.permit(user, &parts.method)
    }

    async fn verify_seraph<'s, 'r>(
        &'s self,
        parts: &'r Parts,
        target: &Target<'r>,
        url: &'r mut Option<RebuiltUrl>,
        findings: &mut Findings<'r>,
        slot: &mut Option<Slot<'s>>,
    ) -> Result<Verified<'r>, Rejection> {
        let credentials = seraph::Credentials::parse(&parts.headers)?.ok_or(Rejection::CredentialsMissing)?;
        findings.claimed_application = Some(credentials.application_id().clone());
        *slot = Some(Slot::take(&self.in_flight, self.settings.max_concurrent)?);
        let url: &'r RebuiltUrl = url.insert(self.settings.rebuild(parts, target)?);
        findings.url = Some(url.as_str());

        let look_up = pin!(self.keys.application(credentials.application_id()));
        let found = self.in_time(look_up, Store::KeyStore).await?;
        let application = found.ok_or_else(|| self.hide(credentials.unknown_application(), url))?;
        findings.application = Some(Arc::clone(&application));

        let verified = self.verify_texts(&credentials, &application, url, findings);
        verified.map_err(|rejection| self.hide(rejection, url))
    }

    async fn verify_http_signature<'s, 'r>(
        &'s self,
        parts: &'r Parts,
        target: &Target<'r>,
        has_content: bool,
        url: &'r mut Option<RebuiltUrl>,
        findings: &mut Findings<'r>,
        slot: &mut Option<Slot<'s>>,
    ) -> Result<Verified<'r>, Rejection> {
        let fields = httpsig::SignatureFields::of(&parts.headers)?;
        let credentials = httpsig::Credentials::parse(&fields)?.ok_or(Rejection::CredentialsMissing)?;
        *slot = Some(Slot::take(&self.in_flight, self.settings.max_concurrent)?);
        let url: &'r RebuiltUrl = url.insert(self.settings.rebuild(parts, target)?);
        findings.url = Some(url.as_str());
        let message =
            httpsig::RequestMessage { method: &parts.method, url: url.as_str(), headers: &parts.headers };
        let policy = &self.settings.http_signatures.policy;
        let checked = credentials.check(&message, has_content, policy, self.settings.clock.now())?;

        let key = *checked.key();
        let look_up = pin!(self.keys.application_by_key(&key));
        let found = self.in_time(look_up, Store::KeyStore).await?;
        let application = found.ok_or_else(|| checked.unknown_key())?;
        findings.application = Some(Arc::clone(&application));
        checked.verify(&application, self.settings.clock.now())
    }

    /// The addresses to hold against the application's rule: none if that is *any*.
    fn sources<'r>(
        &self,
        parts: &'r Parts,
        application: &TrustedApplication,
    ) -> Result<Sources<'r>, Rejection> {
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
                 all its requests are rejected"
            );
        }
        self.settings.sources.of(peer, &parts.headers)
    }

    async fn find_user(&self, admitted: &Admitted<'_>) -> Result<KnownUser<D::User>, Rejection> {
        let look_up = pin!(self.users.user(admitted.application(), admitted.user()));
        let found = self.in_time(look_up, Store::UserDirectory).await?;
        let user = || admitted.user().to_owned();
        let rule = match found {
            UserLookup::Found(found) => return Ok(found),
            UserLookup::Denied => PermissionRule::Disabled,
            UserLookup::LogInRefused(reason) => PermissionRule::LogIn(reason),
            UserLookup::Ambiguous => PermissionRule::Ambiguous,
            _ => return Err(Rejection::UserUnknown { user: user() }),
        };
        Err(Rejection::PermissionDenied { user: user(), rule })
    }

    async fn claim_first(&self, unclaimed: Unclaimed<'_, D::User>) -> Result<Accepted<D::User>, Rejection> {
        let outcome = self.claim(unclaimed.application(), &unclaimed.claim()).await?;
        unclaimed.accept(outcome)
    }
}
