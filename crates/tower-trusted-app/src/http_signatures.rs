//! Accepting HTTP message signatures: what a layer is told about them.

use std::time::Duration;

use trusted_app_core::httpsig::Policy;

use crate::body::Budget;

/// How a layer accepts HTTP message signatures (the scheme `http-signature`; RFC 9421), for
/// [`TrustedAppLayer::http_signatures`](crate::TrustedAppLayer::http_signatures).
///
/// Unless told otherwise it holds a request's body in memory until its digest was compared, so that the
/// inner service never sees a byte that nobody signed: up to 1 MiB a request (else 413), for up to 10
/// seconds and up to 64 MiB together (else 503).
#[derive(Debug, Clone)]
pub struct HttpSignatures {
    pub(crate) policy: Policy,
    pub(crate) body: BodyCheck,
    pub(crate) budget: Budget,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum BodyCheck {
    Buffer { limit: usize, within: Duration },
    Stream,
}

impl Default for HttpSignatures {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            body: BodyCheck::Buffer { limit: Self::BODY_LIMIT, within: Self::BODY_TIMEOUT },
            budget: Budget::new(Self::MEMORY),
        }
    }
}

impl HttpSignatures {
    /// The largest body that is held, in bytes, unless stated.
    pub const BODY_LIMIT: usize = 1024 * 1024;
    /// How long a body may take to come, unless stated.
    pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);
    /// What the bodies that are held may take together, in bytes, unless stated.
    pub const MEMORY: usize = 64 * 1024 * 1024;

    /// What must be covered, and how far two clocks may differ. Under a policy
    /// [that lets content go unsigned](Policy::with_insecure_unsigned_content), such a body passes as it comes, of any
    /// size, once the nonce is claimed; others are held against their digests all the same.
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// The largest body that is held, in bytes, and how long it may take to come. One that ends later than
    /// [`Policy::MAX_AGE`] and the skew after its signature was created is refused all the same: its nonce might be
    /// forgotten.
    #[must_use]
    pub fn body_limit(self, bytes: usize, within: Duration) -> Self {
        Self { body: BodyCheck::Buffer { limit: bytes, within }, ..self }
    }

    /// What the bodies that are held may take together, in bytes; shared by the clones of a layer.
    #[must_use]
    pub fn memory(self, bytes: usize) -> Self {
        Self { budget: Budget::new(bytes), ..self }
    }

    /// Hands bodies on while they come, of any size, and compares the digest at their end: the last part is
    /// withheld until it matches, and a body that does not ends in an
    /// [error](crate::SignedBodyError::Mismatch).
    ///
    /// The inner service must not commit anything before the end of the body.
    #[must_use]
    pub fn streaming(self) -> Self {
        Self { body: BodyCheck::Stream, ..self }
    }
}
