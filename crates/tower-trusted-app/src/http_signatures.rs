//! Accepting HTTP message signatures: what a layer is told about them.

use std::time::Duration;

use trusted_app_core::httpsig::SignaturePolicy;

use crate::budget::Budget;

/// How a layer accepts HTTP message signatures (the scheme `http-signature`; RFC 9421), for
/// [`TrustedAppLayerBuilder::http_signatures`](crate::TrustedAppLayerBuilder::http_signatures).
///
/// By default it holds a request's body in memory until its digest was compared, so that the
/// inner service never sees a byte that was not signed: up to 1 MiB a request (else 413), for up to 10
/// seconds and up to 64 MiB together (else 503).
///
/// A request has content when a byte of a body comes. A proxy may announce a body that does not come, with
/// `Transfer-Encoding: chunked` or in HTTP/2. So where no digest is covered, the layer waits for the first byte or the
/// end before it calls the inner service: a byte is rejected (`coverage`, 401), and so is a body that has not ended
/// after those 10 seconds. A `Content-Length` other than 0 is rejected at once.
///
/// Behind a proxy that adds fields to each request, name them:
///
/// ```
/// use tower_trusted_app::HttpSignatures;
/// use tower_trusted_app::httpsig::SignaturePolicy;
///
/// // `X-Original-URL` is the proxy's: it is removed where the signature does not cover it.
/// let policy = SignaturePolicy::default().with_proxy_fields(["x-original-url".parse()?])?;
/// let signatures = HttpSignatures::default().policy(policy);
///
/// // No proxy's: the signature depends on it.
/// assert!(SignaturePolicy::default().with_proxy_fields(["trusted-app-user".parse()?]).is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct HttpSignatures {
    pub(crate) policy: SignaturePolicy,
    pub(crate) limit: usize,
    pub(crate) within: Duration,
    pub(crate) streams: bool,
    pub(crate) budget: Budget,
}

impl Default for HttpSignatures {
    fn default() -> Self {
        Self {
            policy: SignaturePolicy::default(),
            limit: Self::BODY_LIMIT,
            within: Self::BODY_TIMEOUT,
            streams: false,
            budget: Budget::new(Self::MEMORY),
        }
    }
}

impl HttpSignatures {
    /// The largest body that is held by default, in bytes.
    pub const BODY_LIMIT: usize = 1024 * 1024;
    /// How long a body may take to come by default.
    pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);
    /// What the bodies that are held may take together by default, in bytes.
    pub const MEMORY: usize = 64 * 1024 * 1024;

    /// What must be covered, [which fields a proxy adds](SignaturePolicy::with_proxy_fields), and how far two clocks may differ.
    /// Under a policy [that lets content go unsigned](SignaturePolicy::with_insecure_unsigned_content), such a body passes as it
    /// comes, of any size, once the nonce is claimed; others are held against their digests all the same.
    #[must_use]
    pub fn policy(self, policy: SignaturePolicy) -> Self {
        Self { policy, ..self }
    }

    /// The largest body that is held, in bytes, and how long one may take to come. [Streamed](Self::streaming) bodies
    /// are not held, so that only the time counts, and only where no digest is covered: until the first byte or the end.
    ///
    /// A body that ends later than [`SignaturePolicy::MAX_AGE`] and the skew after its signature was created is rejected all the
    /// same: its nonce might be forgotten.
    #[must_use]
    pub fn body_limit(self, bytes: usize, within: Duration) -> Self {
        Self { limit: bytes, within, ..self }
    }

    /// What the bodies that are held may take together, in bytes; shared by the clones of a layer.
    #[must_use]
    pub fn memory(self, bytes: usize) -> Self {
        Self { budget: Budget::new(bytes), ..self }
    }

    /// Hands bodies on while they come, of any size, and compares the digest at their end: the last part is
    /// withheld until it matches, and a body that does not ends in an
    /// [error](crate::SignedBodyError::Mismatch). Where no digest is covered, the inner service is called once it is
    /// certain that no body comes.
    ///
    /// The inner service must not commit anything before the end of the body.
    #[must_use]
    pub fn streaming(self) -> Self {
        Self { streams: true, ..self }
    }
}
