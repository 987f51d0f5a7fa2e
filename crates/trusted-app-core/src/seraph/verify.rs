//! Holding a request's signature against the keys of the application that it states.

use std::sync::Arc;

use super::cache::{Presented, SignatureCache};
use super::verification::{Verification, utf8};
use super::{Credentials, base64, certificate};
use crate::application::{Scheme, TrustedApplication};
use crate::clock::Timestamp;
use crate::limits::MAX_URL_BYTES;
use crate::proofs::{Signed, Verified, VerifiedSignature};
use crate::rejection::Rejection;

impl Credentials<'_> {
    /// Verifies the signature: that a key of `application` that is live at `now` signed it, for `url`
    /// as this server knows it (nothing in it is decoded or normalised). A key that is not live is
    /// like none at all.
    ///
    /// In version 2 that says nothing about the user, whom nobody signed; versions 1 and 0 have no
    /// signature at all, and `url` plays no part.
    ///
    /// # Errors
    ///
    /// The first that applies: a version that the application may not use, a header that this
    /// version needs, a magic number or certificate that cannot be read, a timestamp that is no
    /// number, a signature that is missing or does not hold under any of its keys; then a user name
    /// that nobody can have (blank, or with control characters).
    pub fn verify<'r>(
        &self,
        application: &Arc<TrustedApplication>,
        url: &'r str,
        now: Timestamp,
    ) -> Result<Verified<'r>, Rejection> {
        let scheme = self.allowed_scheme(application, url)?;
        let signature = run(&Verification { credentials: self, application, scheme, url, now })?;
        Ok(Verified::new(application, signature, Signed::Url(url), now))
    }

    /// As [`verify`](Self::verify), but remembers in `cache` what held, and says whether it was
    /// remembered from before. Clients send identical headers for up to 15 minutes.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify).
    pub fn verify_cached<'r>(
        &self,
        application: &Arc<TrustedApplication>,
        url: &'r str,
        now: Timestamp,
        cache: &SignatureCache,
    ) -> Result<(Verified<'r>, bool), Rejection> {
        let scheme = self.allowed_scheme(application, url)?;
        let presented = self.presented(scheme, url);
        let (signature, remembered) = match cache.get(application, &presented, now) {
            Some(signature) => (signature, true),
            None => {
                let signature = run(&Verification { credentials: self, application, scheme, url, now })?;
                cache.insert(application, &presented, signature.clone());
                (signature, false)
            }
        };
        Ok((Verified::new(application, signature, Signed::Url(url), now), remembered))
    }

    /// The signature, if `cache` remembers that it held for `url`: costs no RSA.
    #[must_use]
    pub fn remembered<'r>(
        &self,
        application: &Arc<TrustedApplication>,
        url: &'r str,
        now: Timestamp,
        cache: &SignatureCache,
    ) -> Option<Verified<'r>> {
        let scheme = self.allowed_scheme(application, url).ok()?;
        let signature = cache.get(application, &self.presented(scheme, url), now)?;
        Some(Verified::new(application, signature, Signed::Url(url), now))
    }

    fn presented<'s>(&'s self, scheme: Scheme, url: &'s str) -> Presented<&'s [u8]> {
        // Version 3 ignores key and magic.
        let is_encrypted = scheme != Scheme::SeraphV3;
        Presented {
            scheme,
            url: url.as_bytes(),
            certificate: self.certificate,
            signature: self.signature,
            key: self.key.filter(|_| is_encrypted),
            magic: self.magic.filter(|_| is_encrypted),
        }
    }

    /// What the signature would be of if the request were one for `url`: timestamp, URL and user, a line each. It
    /// tells a person where two sides differ, and proves nothing.
    ///
    /// `None` in any other version than 3, which encrypts the certificate, and when that cannot be read.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use trusted_app_core::seraph::{Credentials, SigningRequest, UnsignedRequest, VERSION};
    /// use trusted_app_core::{ApplicationId, Timestamp};
    ///
    /// let request = SigningRequest::new("alice", "https://tracker.example.com/rest", Timestamp::from_millis(1));
    /// let unsigned = UnsignedRequest::v3(&ApplicationId::new("wiki")?, &request)?;
    /// let mut headers = HeaderMap::new();
    /// unsigned.finish(b"whatever").apply(&mut headers);
    ///
    /// let credentials = Credentials::parse(&headers)?.expect("it has a certificate");
    /// let text = credentials.signed_text("https://backend/rest");
    /// assert_eq!(text.as_deref(), Some("1\nhttps://backend/rest\nalice"));
    ///
    /// headers.insert(VERSION, "2".parse()?);
    /// let credentials = Credentials::parse(&headers)?.expect("it has a certificate");
    /// assert_eq!(credentials.signed_text("https://backend/rest"), None);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn signed_text(&self, url: &str) -> Option<String> {
        let text = base64::decode(self.certificate)
            .filter(|_| Scheme::SeraphV3.version() == Some(self.version()))?;
        let text = utf8(&text);
        let certificate = certificate::read(&text)?;
        Some(format!("{}\n{url}\n{}", certificate.created()?, certificate.user))
    }

    /// The scheme of this request's version, if the application may use it.
    fn allowed_scheme(&self, application: &TrustedApplication, url: &str) -> Result<Scheme, Rejection> {
        if self.application_id() != application.id() {
            return Err(self.unknown_application());
        }
        let schemes = application.schemes().iter().copied();
        let scheme =
            schemes.clone().find(|scheme| scheme.version() == Some(self.version())).ok_or_else(|| {
                let highest = schemes.filter_map(Scheme::version).max();
                Rejection::VersionNotAllowed { version: self.version(), highest }
            })?;
        if url.len() > MAX_URL_BYTES {
            return Err(Rejection::TooLarge { what: "URL", limit: MAX_URL_BYTES });
        }
        Ok(scheme)
    }
}

/// Each version has its own way.
fn run(verification: &Verification<'_>) -> Result<VerifiedSignature, Rejection> {
    match verification.scheme {
        // The last has no version, so that no credentials are of it.
        Scheme::SeraphV3 | Scheme::HttpSignature => verification.version_3(),
        Scheme::InsecureSeraphV2 => verification.version_2(),
        #[cfg(feature = "insecure-seraph-v1")]
        Scheme::InsecureSeraphV1 => super::v1::version_1(verification),
        #[cfg(feature = "insecure-seraph-v1")]
        Scheme::InsecureSeraphV0 => super::v1::version_0(verification),
    }
}
