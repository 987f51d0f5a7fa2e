//! The proofs: values that only verification can make.
//!
//! [`VerifiedSignature`] says that one of an application's keys signed this user, URL and time.
//! [`Admitted`] says that, beyond it, every condition of the application is fulfilled.

use http::Method;
use smol_str::SmolStr;

use crate::application::{Scheme, TrustedApplication};
use crate::clock::Timestamp;
use crate::conditions::{SourceAddress, window};
use crate::crypto::Fingerprint;
use crate::rejection::Rejection;

/// Proof that a signature holds for an application, a URL, a user and a time.
///
/// It says nothing about the conditions: those are checked by [`admit`](Self::admit), each time
/// anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSignature {
    scheme: Scheme,
    key: Fingerprint,
    created: Timestamp,
    user: SmolStr,
}

impl VerifiedSignature {
    /// Only the protocols' `verify` functions make one.
    pub(crate) fn new(scheme: Scheme, key: Fingerprint, created: Timestamp, user: SmolStr) -> Self {
        Self { scheme, key, created, user }
    }

    /// The scheme that proved it.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The SHA-256 fingerprint of the key that signed.
    #[must_use]
    pub fn key(&self) -> &Fingerprint {
        &self.key
    }

    /// The certificate's timestamp (Atlassian's clients stamp 15 minutes ahead) or the signature's
    /// `created`.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        self.created
    }

    /// The user named in the certificate, as it stands there.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Checks the application's conditions, in this order: age, method, source addresses, path.
    ///
    /// # Errors
    ///
    /// The first condition that is not fulfilled.
    pub fn admit<'s>(
        self,
        application: &TrustedApplication,
        request: &RequestFacts<'_>,
        sources: impl IntoIterator<Item = SourceAddress<'s>>,
        now: Timestamp,
    ) -> Result<Admitted, Rejection> {
        let conditions = application.conditions();
        // An HTTP message signature was held against its window when it was verified.
        if self.scheme != Scheme::HttpSignature {
            window::check(application, self.created, now)?;
        }
        conditions.methods.check(request.method)?;
        conditions.addresses.check(sources)?;
        conditions.paths.check(request.path)?;
        Ok(Admitted(self))
    }
}

/// What the conditions are held against.
#[derive(Debug, Clone, Copy)]
pub struct RequestFacts<'a> {
    /// The method.
    pub method: &'a Method,
    /// The raw path below the context path, without the query, nothing decoded. `None` for a
    /// request that is not below the context path.
    pub path: Option<&'a str>,
}

/// Proof that a request's signature holds *and* its conditions are fulfilled. What is missing is
/// only who the user is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted(VerifiedSignature);

impl Admitted {
    /// The signature.
    #[must_use]
    pub fn signature(&self) -> &VerifiedSignature {
        &self.0
    }

    /// The user named in the certificate, as it stands there.
    #[must_use]
    pub fn user(&self) -> &str {
        self.0.user()
    }
}
