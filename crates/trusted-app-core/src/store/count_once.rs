//! The last step: a request that counts once is claimed.

use http::Method;

use super::replay::{ReplayClaim, ReplayId, ReplayOutcome};
use crate::application::{Scheme, TrustedApplication};
use crate::clock::{Clock, Timestamp};
use crate::conditions::{ALLOWED_SKEW, ReplayProtection};
use crate::proofs::{Accepted, Nonce, Permitted, Signed, check_window};
use crate::rejection::{Rejection, TimeLimit};

/// The last step: a request whose body is the one that was signed is accepted, unless it counts once. Then it has to be
/// claimed first.
///
/// An HTTP message signature counts once always, by its nonce. One of Seraph's does if the application is registered
/// so, or if `at_least` says so. It is told by what was signed and with which key: PKCS #1 v1.5 makes exactly one
/// signature of that, and unlike the header's value it cannot be written in two ways.
///
/// Do it last of all, so that a request which is rejected for anything else burns nothing.
///
/// # Errors
///
/// [`Rejection::CertificateTooOld`] and [`Rejection::Stale`] if so much time has passed since the signature was
/// verified, such as with a body that came slowly, that an earlier claim may be forgotten.
#[inline]
pub fn count_once<'r, U>(
    permitted: Permitted<'r, U>,
    at_least: ReplayProtection,
    method: &Method,
    clock: &dyn Clock,
) -> Result<CountOnce<'r, U>, Rejection> {
    let application = permitted.application();
    let id = application.id();
    let signature = permitted.signature();
    let (key, created) = (signature.key().as_bytes(), signature.created());
    let now;
    let (replay_id, until, earliest_until) = match permitted.signed() {
        Signed::Url(url) => {
            let protection = application.conditions().replay_protection.max(at_least);
            if !protection.covers(method) {
                return Ok(CountOnce::Accepted(permitted.accept()));
            }
            now = clock.now();
            check_window(application, created, now)?;
            // What the scheme does not sign can be changed at will, and must not make another claim.
            let scheme = signature.scheme();
            let (url, user) = match scheme {
                Scheme::SeraphV3 | Scheme::HttpSignature => (*url, signature.user()),
                Scheme::InsecureSeraphV2 => (*url, ""),
                #[cfg(feature = "insecure-seraph-v1")]
                Scheme::InsecureSeraphV1 | Scheme::InsecureSeraphV0 => ("", signature.user()),
            };
            let created_bytes = created.as_millis().to_be_bytes();
            let signed = [scheme.as_str().as_bytes(), key, &created_bytes, url.as_bytes(), user.as_bytes()];
            // Until no server accepts the certificate any more, also one whose clock is behind.
            let until = created.saturating_add(application.conditions().timeout).saturating_add(ALLOWED_SKEW);
            (ReplayId::new(id, signed), until, until)
        }
        Signed::Request(request) => {
            let Nonce { bytes, expires, last_claim, lifetime, earliest_until } = &request.nonce;
            now = clock.now();
            if now > *last_claim {
                let (expires, limit) = (*expires, TimeLimit::Nonce);
                return Err(Rejection::Stale { created, expires, now, limit });
            }
            let nonce = [b"http-signature".as_slice(), key, bytes];
            (ReplayId::new(id, nonce), now.saturating_add(*lifetime), *earliest_until)
        }
    };
    Ok(CountOnce::Unclaimed(Unclaimed { permitted, id: replay_id, now, until, earliest_until }))
}

/// The answer of [`count_once`].
#[derive(Debug)]
pub enum CountOnce<'r, U> {
    /// It need not count once.
    Accepted(Accepted<U>),
    /// It has to be claimed.
    Unclaimed(Unclaimed<'r, U>),
}

/// A request that counts once and is not claimed yet.
#[derive(Debug)]
pub struct Unclaimed<'r, U> {
    permitted: Permitted<'r, U>,
    id: ReplayId,
    now: Timestamp,
    until: Timestamp,
    earliest_until: Timestamp,
}

impl<U> Unclaimed<'_, U> {
    /// The application that sent the request.
    #[must_use]
    pub fn application(&self) -> &TrustedApplication {
        self.permitted.application()
    }

    /// What has to be claimed from a [`ReplayStore`](crate::store::ReplayStore).
    #[must_use]
    pub fn claim(&self) -> ReplayClaim<'_> {
        ReplayClaim {
            application: self.permitted.application().id(),
            id: self.id,
            now: self.now,
            until: self.until,
            earliest_until: self.earliest_until,
        }
    }

    /// What becomes of it by the store's answer to that [claim](Self::claim).
    ///
    /// # Errors
    ///
    /// [`Rejection::Replayed`] if it was claimed before.
    pub fn accept(self, outcome: ReplayOutcome) -> Result<Accepted<U>, Rejection> {
        match outcome {
            ReplayOutcome::Fresh => Ok(self.permitted.accept()),
            ReplayOutcome::Seen => Err(Rejection::Replayed {
                application: self.permitted.application().id().to_string(),
                created: self.permitted.signature().created(),
            }),
        }
    }
}
