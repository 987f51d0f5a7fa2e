//! One request with an HTTP message signature, from its fields to its caller. The order of checks: what
//! needs no key, the key, the signature, the conditions, the user, the body's digest, and the nonce last, so that a
//! request which is refused for anything else burns nothing.

use std::pin::pin;
use std::sync::Arc;

use http::HeaderName;
use http::request::Parts;
use trusted_app_core::httpsig::{
    Credentials, ExpectedContent, Refusal, RequestMessage, SignatureFields, VerifiedRequest,
};
use trusted_app_core::rejection::Store;
use trusted_app_core::store::ReplayOutcome;
use trusted_app_core::{KeyStore, Rejection, RequestFacts, UserDirectory};

use crate::authenticate::{Findings, Slot, denied};
use crate::caller::Caller;
use crate::original_target::{path_of, target_of};
use crate::shared::Shared;
use crate::signed_url::RebuiltUrl;

/// A caller whose request is verified but for its body and its nonce.
pub(crate) struct Signed<U> {
    pub(crate) caller: Caller<U>,
    verified: VerifiedRequest,
    url: Option<RebuiltUrl>,
}

impl<U> Signed<U> {
    /// What the body has to be.
    pub(crate) fn content(&self) -> ExpectedContent {
        *self.verified.content()
    }

    /// What a proxy added, and the inner service must not see. Most often nothing, which takes no memory.
    pub(crate) fn proxy_fields(&self) -> Vec<HeaderName> {
        self.verified.proxy_fields().to_vec()
    }
}

impl<K: KeyStore, D: UserDirectory, R> Shared<K, D, R> {
    /// Everything before the body. A refusal is reported.
    pub(crate) async fn decide_signed(
        &self,
        parts: &Parts,
        has_content: bool,
    ) -> Result<Signed<D::User>, Rejection> {
        let mut findings = Findings::default();
        match self.authenticate_signed(parts, has_content, &mut findings).await {
            Ok((caller, verified)) => Ok(Signed { caller, verified, url: findings.url }),
            Err(refusal) => {
                let rejection = refusal.into();
                self.report(parts, &findings, Err(&rejection));
                Err(rejection)
            }
        }
    }

    async fn authenticate_signed<'p>(
        &self,
        parts: &'p Parts,
        has_content: bool,
        findings: &mut Findings<'p>,
    ) -> Result<(Caller<D::User>, VerifiedRequest), Refusal> {
        let settings = &self.settings;
        let fields = SignatureFields::of(&parts.headers)?;
        let credentials = Credentials::parse(&fields)?.ok_or(Refusal::Required)?;
        let _slot = Slot::take(&self.in_flight, settings.max_concurrent)?;

        let uri = (settings.original_uri)(&parts.extensions).unwrap_or(&parts.uri);
        let target = target_of(&parts.extensions, uri);
        let url = settings.signed_url.rebuild(uri, target, &parts.headers, &settings.context_path)?;
        let url = findings.url.insert(url).as_str();
        let message = RequestMessage { method: &parts.method, url, headers: &parts.headers };
        let checked = credentials.check(
            &message,
            has_content,
            &settings.http_signatures.policy,
            settings.clock.now(),
        )?;

        let key = *checked.key();
        let look_up = pin!(self.keys.application_by_key(&key));
        let found = self.in_time(look_up, Store::KeyStore).await?;
        let application = found.ok_or_else(|| checked.unknown_key())?;
        findings.application = Some(Arc::clone(&application));

        let now = settings.clock.now();
        let verified = checked.verify(&application, now)?;
        findings.signature = Some(verified.signature().clone());
        findings.sources = self.sources(parts, &application)?;
        let facts =
            RequestFacts { method: &parts.method, path: settings.context_path.strip(path_of(target)) };
        let sources = findings.sources.iter().copied();
        let admitted = verified.signature().clone().admit(&application, &facts, sources, now)?;
        if let Some(tenant) = verified.tenant() {
            return Err(Refusal::TenantUnknown { tenant: tenant.to_owned() });
        }

        let user = self.find_user(&application, admitted.user()).await?;
        findings.user = Some(Arc::clone(&user.name));
        let permitted = application.act_as().check(&user, &parts.method);
        permitted.map_err(|rule| denied(admitted.user(), rule))?;
        Ok((Caller::new(application, user, admitted), verified))
    }

    /// Claims the nonce of a request whose body is the one that was signed, and reports the decision.
    pub(crate) async fn accept_signed(
        &self,
        parts: &Parts,
        signed: Signed<D::User>,
    ) -> Result<Caller<D::User>, Rejection> {
        let claimed = self.claim_nonce(&signed).await;
        self.report_signed(parts, signed, claimed)
    }

    async fn claim_nonce(&self, signed: &Signed<D::User>) -> Result<(), Refusal> {
        let application = signed.caller.application();
        let Some(store) = &self.settings.replay_store else {
            tracing::error!(
                target: "trusted_app",
                application = application.id().as_str(),
                "HTTP message signatures count once, but the layer has no replay store: all of them are refused; \
                 hand one to `TrustedAppLayer::replay_store`"
            );
            return Err(Rejection::Unavailable { store: Store::ReplayStore }.into());
        };
        let claim = signed.verified.replay_claim(application, self.settings.clock.now())?;
        match self.in_time(pin!(store.claim(&claim)), Store::ReplayStore).await? {
            ReplayOutcome::Fresh => Ok(()),
            _ => Err(Refusal::Replayed),
        }
    }

    /// Reports what became of a request after its signature held.
    pub(crate) fn report_signed(
        &self,
        parts: &Parts,
        signed: Signed<D::User>,
        outcome: Result<(), Refusal>,
    ) -> Result<Caller<D::User>, Rejection> {
        let Signed { caller, verified, url } = signed;
        let application = caller.shared_application();
        let findings = Findings {
            // They were admitted before.
            sources: self.sources(parts, &application).unwrap_or_default(),
            application: Some(application),
            url,
            signature: Some(verified.signature().clone()),
            user: Some(caller.user_name().into()),
            ..Findings::default()
        };
        let result = outcome.map(|()| caller).map_err(Rejection::from);
        self.report(parts, &findings, result.as_ref());
        result
    }
}
