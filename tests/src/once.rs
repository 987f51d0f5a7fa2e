//! Requests that count once, by either scheme: Seraph 3 with replay protection, and HTTP message signatures.

use std::sync::LazyLock;

use http::Request;
use tower_trusted_app::application::TrustedApplicationBuilder;
use tower_trusted_app::conditions::{AddressRule, PathRule, ReplayProtection};
use tower_trusted_app::content::{ContentDigest, DigestAlgorithm};
use tower_trusted_app::crypto::PrivateSignatureKey;
use tower_trusted_app::httpsig::{RequestMessage, SigningRequest, UserField};
use tower_trusted_app::{Clock, TrustedApplication};
use trusted_app_test::TestIdentity;

/// The key of the signer, an application that uses HTTP message signatures: RFC 8037, appendix A.
pub static SIGNER_KEY: LazyLock<PrivateSignatureKey> = LazyLock::new(|| {
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    PrivateSignatureKey::from_jwk(jwk).unwrap()
});

/// The signer, as a server registers it: any address and any path, unless the test states them.
pub fn signer() -> TrustedApplicationBuilder {
    TrustedApplication::signing_builder("signer".parse().unwrap(), SIGNER_KEY.public_key().clone())
        .addresses(AddressRule::any())
        .paths(PathRule::any())
}

/// Signs a request, whose URI must be absolute, by an HTTP message signature of the signer's, with a digest of its content
/// if it has any.
///
/// # Panics
///
/// If it must not be signed.
#[must_use]
pub fn sign_message<B>(
    mut request: Request<B>,
    user: &str,
    content: Option<&[u8]>,
    clock: &impl Clock,
) -> Request<B> {
    let url = request.uri().to_string();
    let message = RequestMessage { method: request.method(), url: &url, headers: request.headers() };
    let mut signing = SigningRequest::new(UserField::new(user).unwrap(), message, clock.now());
    if let Some(content) = content {
        signing = signing.with_digest(ContentDigest::of(DigestAlgorithm::Sha256, content));
    }
    signing.sign(&SIGNER_KEY).unwrap().apply(request.headers_mut());
    request
}

/// Who signs a request that counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Once {
    /// The wiki, by Seraph 3.
    Seraph,
    /// The signer, by HTTP message signatures.
    HttpSignature,
}

impl Once {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Seraph, Self::HttpSignature];

    /// The application, as a server registers it that accepts each request once.
    pub fn trusted(self) -> TrustedApplicationBuilder {
        match self {
            Self::Seraph => TestIdentity::wiki().trusted().replay_protection(ReplayProtection::Every),
            Self::HttpSignature => signer(),
        }
    }

    /// Signs a request without a body, whose URI must be absolute.
    #[must_use]
    pub fn sign<B>(self, request: Request<B>, user: &str, clock: &impl Clock) -> Request<B> {
        match self {
            Self::Seraph => TestIdentity::wiki().sign(request, user, clock),
            Self::HttpSignature => sign_message(request, user, None, clock),
        }
    }

    /// The field of a response that says why the request was refused, by a code and perhaps more after a semicolon.
    #[must_use]
    pub fn error_field(self) -> &'static str {
        match self {
            Self::Seraph => "x-seraph-trusted-app-error",
            Self::HttpSignature => "trusted-app-error",
        }
    }

    /// The code of a request that was seen before.
    #[must_use]
    pub fn replayed(self) -> &'static str {
        match self {
            Self::Seraph => "REPLAYED",
            Self::HttpSignature => "replayed",
        }
    }

    /// The code of a request whose signature does not hold.
    #[must_use]
    pub fn bad_signature(self) -> &'static str {
        match self {
            Self::Seraph => "BAD_SIGNATURE",
            Self::HttpSignature => "invalid_signature",
        }
    }

    /// The code where the store that remembers requests cannot tell.
    #[must_use]
    pub fn unavailable(self) -> &'static str {
        match self {
            Self::Seraph => "UNAVAILABLE",
            Self::HttpSignature => "overloaded",
        }
    }
}
