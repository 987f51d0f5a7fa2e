//! The proofs: values that only verification can make, each by consuming the one before it.
//!
//! | proof | says | made by |
//! |---|---|---|
//! | [`Verified`] | a key of this application signed the request for this user | the schemes' `verify` |
//! | [`Admitted`] | every condition of the application is fulfilled | [`Verified::admit`] |
//! | [`Permitted`] | the application may act as this user | [`Admitted::permit`] |
//! | [`Accepted`] | nobody sent it before, if it counts once | [`count_once`](crate::store::count_once) |
//!
//! Each holds its application, and none can be cloned: what was proven for one request and one application cannot be
//! used for another.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, Method};
use smallvec::SmallVec;
use smol_str::SmolStr;

use crate::application::{Scheme, TrustedApplication};
use crate::clock::Timestamp;
use crate::conditions::window::{self, WindowMismatch};
use crate::conditions::{AddressMismatch, PathMismatch, SourceAddress};
use crate::content::ExpectedContent;
use crate::crypto::Fingerprint;
use crate::rejection::Rejection;
use crate::user::KnownUser;

/// What a signature proved: by which key, when and for whom. It proves nothing itself: the proof is the [`Verified`]
/// that it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSignature {
    scheme: Scheme,
    key: Fingerprint,
    created: Timestamp,
    user: SmolStr,
}

impl VerifiedSignature {
    /// Only the schemes' `verify` functions make one.
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

    /// The user whom the request names, as the name stands there.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }
}

/// Proof that a key of an application signed a request for a user. `'r` is the request's URL.
///
/// It says nothing about the conditions, about the body that comes, and about whether the request came before.
#[derive(Debug)]
pub struct Verified<'r> {
    application: Arc<TrustedApplication>,
    signature: VerifiedSignature,
    signed: Signed<'r>,
    at: Timestamp,
}

/// What a signature is of, beside the user.
#[derive(Debug)]
pub(crate) enum Signed<'r> {
    /// A URL. Each request with the same one has the same signature.
    Url(&'r str),
    /// One request.
    Request(Box<SignedRequest>),
}

/// What was signed. That of a usual request needs no memory of its own.
pub(crate) type SignedBytes = SmallVec<[u8; 512]>;

/// One request under an HTTP message signature.
#[derive(Debug)]
pub(crate) struct SignedRequest {
    pub(crate) base: SignedBytes,
    pub(crate) content: ExpectedContent,
    pub(crate) proxy_fields: Vec<HeaderName>,
    pub(crate) tenant: Option<Box<str>>,
    pub(crate) nonce: Nonce,
}

/// A nonce, and when it can be claimed.
#[derive(Debug)]
pub(crate) struct Nonce {
    /// Of usual length it needs no memory of its own.
    pub(crate) bytes: SmallVec<[u8; 64]>,
    pub(crate) expires: Timestamp,
    /// When it can be claimed at the latest.
    pub(crate) last_claim: Timestamp,
    /// For how long it must be remembered.
    pub(crate) lifetime: Duration,
    /// Until when it is remembered at least.
    pub(crate) earliest_until: Timestamp,
}

impl<'r> Verified<'r> {
    /// Only the schemes' `verify` functions make one.
    #[inline]
    pub(crate) fn new(
        application: &Arc<TrustedApplication>,
        signature: VerifiedSignature,
        signed: Signed<'r>,
        at: Timestamp,
    ) -> Self {
        Self { application: Arc::clone(application), signature, signed, at }
    }

    /// The application whose key signed.
    #[must_use]
    pub fn application(&self) -> &Arc<TrustedApplication> {
        &self.application
    }

    /// What the signature proved.
    #[must_use]
    pub fn signature(&self) -> &VerifiedSignature {
        &self.signature
    }

    /// Checks the application's conditions, in this order: age (when the signature was verified), method, source
    /// addresses, path; then that the request names no tenant, since nothing here knows tenants.
    ///
    /// # Errors
    ///
    /// The first condition that is not fulfilled.
    #[inline]
    pub fn admit<'s>(
        self,
        request: &RequestFacts<'_>,
        sources: impl IntoIterator<Item = SourceAddress<'s>>,
    ) -> Result<Admitted<'r>, Rejection> {
        // An HTTP message signature was held against its own window when it was verified.
        if let Signed::Url(_) = self.signed {
            check_window(&self.application, self.signature.created, self.at)?;
        }
        let conditions = self.application.conditions();
        if !conditions.methods.allows(request.method) {
            return Err(Rejection::MethodNotAllowed { method: request.method.to_string() });
        }
        conditions.addresses.check(sources).map_err(|mismatch| match mismatch {
            AddressMismatch::PeerUnknown => Rejection::PeerUnknown,
            AddressMismatch::Peer(peer) => Rejection::AddressNotAllowed { address: peer.to_string() },
            AddressMismatch::Forwarded(text) => {
                Rejection::ForwardedAddressNotAllowed { address: text.to_owned() }
            }
        })?;
        conditions.paths.check(request.path).map_err(|mismatch| {
            let path = request.path.unwrap_or_default().to_owned();
            match mismatch {
                PathMismatch::NotCovered => Rejection::PathNotAllowed { path },
                PathMismatch::Ambiguous(reason) => Rejection::PathAmbiguous { path, reason },
            }
        })?;
        match &self.signed {
            Signed::Request(signed) if let Some(tenant) = &signed.tenant => {
                Err(Rejection::TenantUnknown { tenant: tenant.to_string() })
            }
            _ => Ok(Admitted(self)),
        }
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
/// who the user is, and whether the application may act as that user.
#[derive(Debug)]
pub struct Admitted<'r>(Verified<'r>);

impl<'r> Admitted<'r> {
    /// The application that sent the request.
    #[must_use]
    pub fn application(&self) -> &Arc<TrustedApplication> {
        &self.0.application
    }

    /// The user whom the request names, as the name stands there: whom a
    /// [`UserDirectory`](crate::store::UserDirectory) has to find.
    #[must_use]
    pub fn user(&self) -> &str {
        self.0.signature.user()
    }

    /// Checks that the application may act as the user that was found for [that name](Self::user).
    ///
    /// # Errors
    ///
    /// [`Rejection::PermissionDenied`] with the rule.
    #[inline]
    pub fn permit<U>(self, user: KnownUser<U>, method: &Method) -> Result<Permitted<'r, U>, Rejection> {
        match self.0.application.act_as().check(&user, method) {
            Ok(()) => Ok(Permitted { verified: self.0, user }),
            Err(rule) => Err(Rejection::PermissionDenied { user: self.user().to_owned(), rule }),
        }
    }
}

/// Proof that, beyond all that, the application may act as the user. What is missing is whether the body is the one
/// that was signed, and whether the request came before: see [`count_once`](crate::store::count_once).
#[derive(Debug)]
pub struct Permitted<'r, U> {
    verified: Verified<'r>,
    user: KnownUser<U>,
}

impl<'r, U> Permitted<'r, U> {
    /// The application that sent the request.
    #[must_use]
    pub fn application(&self) -> &Arc<TrustedApplication> {
        &self.verified.application
    }

    /// What the signature proved.
    #[must_use]
    pub fn signature(&self) -> &VerifiedSignature {
        &self.verified.signature
    }

    /// The user that the directory found.
    #[must_use]
    pub fn user(&self) -> &KnownUser<U> {
        &self.user
    }

    /// What the body has to be.
    #[must_use]
    pub fn content(&self) -> ExpectedContent {
        match &self.verified.signed {
            Signed::Url(_) => ExpectedContent::Unsigned,
            Signed::Request(request) => request.content,
        }
    }

    pub(crate) fn signed(&self) -> &Signed<'r> {
        &self.verified.signed
    }

    #[inline]
    pub(crate) fn accept(self) -> Accepted<U> {
        let Verified { application, signature, signed, .. } = self.verified;
        let proxy_fields = match signed {
            Signed::Url(_) => Vec::new(),
            Signed::Request(request) => request.proxy_fields,
        };
        Accepted { application, signature, user: self.user, proxy_fields }
    }
}

/// Proof that a request is accepted: all that the other proofs say, and that it did not come before, if it counts
/// once.
#[derive(Debug)]
pub struct Accepted<U> {
    application: Arc<TrustedApplication>,
    signature: VerifiedSignature,
    user: KnownUser<U>,
    proxy_fields: Vec<HeaderName>,
}

impl<U> Accepted<U> {
    /// The application that sent the request.
    #[must_use]
    pub fn application(&self) -> &Arc<TrustedApplication> {
        &self.application
    }

    /// What the signature proved.
    #[must_use]
    pub fn signature(&self) -> &VerifiedSignature {
        &self.signature
    }

    /// The user whom the application acts as.
    #[must_use]
    pub fn user(&self) -> &KnownUser<U> {
        &self.user
    }

    /// The fields that the request has, that the policy
    /// [takes for a proxy's](crate::httpsig::SignaturePolicy::with_proxy_fields), and that the signature does not
    /// cover. Remove them before the request is handled.
    #[must_use]
    pub fn proxy_fields(&self) -> &[HeaderName] {
        &self.proxy_fields
    }
}

/// Checks the age of a Seraph certificate.
pub(crate) fn check_window(
    application: &TrustedApplication,
    created: Timestamp,
    now: Timestamp,
) -> Result<(), Rejection> {
    let timeout = application.conditions().timeout;
    window::check(timeout, created, now).map_err(|mismatch| {
        let application = application.id().to_string();
        match mismatch {
            WindowMismatch::TooOld => Rejection::CertificateTooOld {
                application,
                created,
                timeout_ms: i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX),
                now,
            },
            WindowMismatch::FromFuture => Rejection::CertificateFromFuture { application, created, now },
        }
    })
}
