//! Holding a Seraph signature against the URL, of which there may be two texts.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use trusted_app_core::seraph::Credentials;
use trusted_app_core::{Rejection, Timestamp, TrustedApplication, Verified};

use crate::report::Findings;
use crate::shared::Shared;
use crate::signed_url::RebuiltUrl;

impl<K, D, R> Shared<K, D, R> {
    /// There are two texts where the public URL is not written in its normal form: then at most two verifications,
    /// that of the text which held last before the other.
    pub(crate) fn verify_texts<'r>(
        &self,
        credentials: &Credentials<'_>,
        application: &Arc<TrustedApplication>,
        url: &'r RebuiltUrl,
        findings: &mut Findings<'r>,
    ) -> Result<Verified<'r>, Rejection> {
        let now = self.settings.clock.now();
        match url.as_written() {
            None => self.verify_text(credentials, application, url.as_str(), now, findings),
            Some(written) => self.verify_either(credentials, application, url, written, now, findings),
        }
    }

    fn verify_text<'r>(
        &self,
        credentials: &Credentials<'_>,
        application: &Arc<TrustedApplication>,
        text: &'r str,
        now: Timestamp,
        findings: &mut Findings<'r>,
    ) -> Result<Verified<'r>, Rejection> {
        let (verified, seen_before) = match &self.signatures {
            Some(remembered) => credentials.verify_cached(application, text, now, remembered)?,
            None => (credentials.verify(application, text, now)?, false),
        };
        (findings.url, findings.seen_before) = (Some(text), seen_before);
        Ok(verified)
    }

    #[inline(never)] // most public URLs are written in their normal form
    fn verify_either<'r>(
        &self,
        credentials: &Credentials<'_>,
        application: &Arc<TrustedApplication>,
        url: &'r RebuiltUrl,
        written: &'r str,
        now: Timestamp,
        findings: &mut Findings<'r>,
    ) -> Result<Verified<'r>, Rejection> {
        let written_first = self.written_url_held.load(Ordering::Relaxed);
        let (first, second) = if written_first { (written, url.as_str()) } else { (url.as_str(), written) };
        // Headers that come again cost no RSA, for whichever text they were signed.
        let remembered = self
            .signatures
            .as_ref()
            .and_then(|cache| credentials.remembered(application, second, now, cache));
        if let Some(verified) = remembered {
            (findings.url, findings.seen_before) = (Some(second), true);
            return Ok(verified);
        }
        let mut verify = |text| self.verify_text(credentials, application, text, now, findings);
        match verify(first) {
            Err(Rejection::BadSignature { .. }) => {}
            verified => return verified,
        }
        match verify(second) {
            Err(Rejection::BadSignature { .. }) => Err(url.bad_signature()),
            Ok(verified) => {
                self.written_url_held.store(!written_first, Ordering::Relaxed);
                Ok(verified)
            }
            rejected => rejected,
        }
    }

    /// Whatever tells a registered id from an unknown one to somebody without its key looks like a
    /// bad signature, if the layer is to hide which ids there are.
    pub(crate) fn hide(&self, rejection: Rejection, url: &RebuiltUrl) -> Rejection {
        let tells = matches!(
            rejection,
            Rejection::ApplicationUnknown { .. }
                | Rejection::VersionNotANumber { .. }
                | Rejection::VersionNotAllowed { .. }
                | Rejection::SecretKeyMissing
                | Rejection::MagicMissing
                | Rejection::BadMagic { .. }
                | Rejection::TimestampNotANumber { .. }
                | Rejection::SignatureMissing
                | Rejection::BadSignature { .. }
                | Rejection::TooLarge { .. }
        );
        if !tells || !self.settings.hide_unknown_applications {
            return rejection;
        }
        tracing::debug!(target: "trusted_app", reason = rejection.to_string(), "answered as a bad signature");
        url.bad_signature()
    }
}
