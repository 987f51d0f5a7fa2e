//! Making signed requests.

use std::future::Future;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use super::certificate::MAGIC_NUMBER;
use super::{CERTIFICATE, ID, KEY, MAGIC, SIGNATURE, SeraphHeaders, VERSION, base64, certificate, v2};
use crate::application::{ApplicationId, Scheme};
use crate::clock::Timestamp;
use crate::crypto::default_provider;
use crate::identity::LocalApplication;
use crate::limits::{MAX_URL_BYTES, MAX_USER_NAME_BYTES};
use crate::store::BoxError;

/// What to sign: that our application asks for `url` on behalf of `user`.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct SigningRequest<'a> {
    /// The scheme.
    pub scheme: Scheme,
    /// The user to act as. Not blank, no control characters.
    pub user: &'a str,
    /// The whole URL, exactly as the other side will see it: scheme, host, port unless it is the
    /// scheme's own, path and query. No control characters.
    pub url: &'a str,
    /// The certificate's timestamp. Atlassian's clients write the time in 15 minutes, so that they
    /// can send a certificate again for as long.
    pub created: Timestamp,
}

impl<'a> SigningRequest<'a> {
    /// A request in [`Scheme::SeraphV3`].
    #[must_use]
    pub fn new(user: &'a str, url: &'a str, created: Timestamp) -> Self {
        Self { scheme: Scheme::SeraphV3, user, url, created }
    }

    /// The same in another scheme, for a peer that knows no better one.
    #[must_use]
    pub fn with_scheme(self, scheme: Scheme) -> Self {
        Self { scheme, ..self }
    }

    /// Signs with our own key.
    ///
    /// # Errors
    ///
    /// When the request is one that must not be signed, or the key cannot sign.
    pub fn sign(&self, identity: &LocalApplication) -> Result<SeraphHeaders, SignError> {
        if self.scheme == Scheme::SeraphV3 {
            let unsigned = UnsignedRequest::v3(identity.id(), self)?;
            let signature = identity.key().sign_sha1(unsigned.message()).map_err(SignError::signer)?;
            Ok(unsigned.finish(&signature))
        } else {
            self.sign_with_secret_key(identity, &new_secret_key()?)
        }
    }

    /// Versions 0 to 2 with a given RC4 key, the only thing in them that is random.
    #[doc(hidden)]
    pub fn sign_with_secret_key(
        &self,
        identity: &LocalApplication,
        secret_key: &[u8],
    ) -> Result<SeraphHeaders, SignError> {
        self.check()?;
        let version = self.scheme.version().ok_or(SignError::Scheme(self.scheme))?;
        let raw = |block: &[u8]| identity.key().raw(block).map_err(SignError::signer);

        let mut text = match version {
            0 => format!("{}\n{}", self.created, self.user),
            _ => certificate::text(self.created, self.user),
        }
        .into_bytes();
        v2::apply_rc4(secret_key, &mut text).ok_or(SignError::SecretKey)?;

        let mut headers =
            vec![id(identity.id())?, credential(CERTIFICATE, &text), credential(KEY, &raw(secret_key)?)];
        if version >= 1 {
            headers.push((VERSION, version.into()));
            headers.push(credential(MAGIC, &raw(MAGIC_NUMBER.as_bytes())?));
        }
        if version >= 2 {
            let message = format!("{}\n{}", self.created, self.url);
            let signature = identity.key().sign_sha1(message.as_bytes()).map_err(SignError::signer)?;
            headers.push(credential(SIGNATURE, &signature));
        }
        Ok(SeraphHeaders::new(headers))
    }

    /// A line end in user or URL would shift the lines that are signed. The original rejects only
    /// LF, and not even that in version 2.
    fn check(&self) -> Result<(), SignError> {
        if self.user.trim().is_empty() {
            return Err(SignError::BlankUser);
        }
        for (what, text, limit) in
            [("user name", self.user, MAX_USER_NAME_BYTES), ("URL", self.url, MAX_URL_BYTES)]
        {
            if text.len() > limit {
                return Err(SignError::TooLarge { what, limit });
            }
            if text.contains(char::is_control) {
                return Err(SignError::ControlCharacter { what });
            }
        }
        Ok(())
    }
}

/// A certificate of version 3 that still lacks its signature, for a key that is kept elsewhere (a
/// key management service, a hardware module): have [`message`](Self::message) signed as
/// RSASSA-PKCS1-v1_5 with SHA-1, then [`finish`](Self::finish).
#[derive(Debug)]
pub struct UnsignedRequest {
    headers: [(HeaderName, HeaderValue); 3],
    message: String,
}

impl UnsignedRequest {
    /// Prepares a request of version 3.
    ///
    /// # Errors
    ///
    /// When the request is one that must not be signed, or is of another scheme.
    pub fn v3(application: &ApplicationId, request: &SigningRequest<'_>) -> Result<Self, SignError> {
        if request.scheme != Scheme::SeraphV3 {
            return Err(SignError::Scheme(request.scheme));
        }
        request.check()?;
        let SigningRequest { user, url, created, .. } = *request;
        let certificate = credential(CERTIFICATE, certificate::text(created, user).as_bytes());
        Ok(Self {
            headers: [id(application)?, certificate, (VERSION, HeaderValue::from_static("3"))],
            message: format!("{created}\n{url}\n{user}"),
        })
    }

    /// What to sign.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        self.message.as_bytes()
    }

    /// The headers, with the signature over [`message`](Self::message).
    #[must_use]
    pub fn finish(self, signature: &[u8]) -> SeraphHeaders {
        SeraphHeaders::new(self.headers.into_iter().chain([credential(SIGNATURE, signature)]))
    }
}

/// Who signs our requests: a [`LocalApplication`] that has its key at hand, or a key that is kept
/// elsewhere (see [`UnsignedRequest`]).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot sign requests",
    note = "use a `LocalApplication`, or implement `Signer` by means of `UnsignedRequest`"
)]
pub trait Signer: Send + Sync + 'static {
    /// Our id.
    fn application_id(&self) -> &ApplicationId;

    /// Signs one request.
    fn sign(
        &self,
        request: &SigningRequest<'_>,
    ) -> impl Future<Output = Result<SeraphHeaders, SignError>> + Send;
}

impl Signer for LocalApplication {
    fn application_id(&self) -> &ApplicationId {
        self.id()
    }

    async fn sign(&self, request: &SigningRequest<'_>) -> Result<SeraphHeaders, SignError> {
        request.sign(self)
    }
}

impl<S: Signer> Signer for Arc<S> {
    fn application_id(&self) -> &ApplicationId {
        S::application_id(self)
    }

    fn sign(
        &self,
        request: &SigningRequest<'_>,
    ) -> impl Future<Output = Result<SeraphHeaders, SignError>> + Send {
        S::sign(self, request)
    }
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// Nobody to act as.
    #[error("the user name is blank")]
    BlankUser,
    /// A line end, a tab or another control character.
    #[error("the {what} has a control character")]
    ControlCharacter {
        /// In what.
        what: &'static str,
    },
    /// Something exceeds its [limit](crate::limits).
    #[error("the {what} is longer than {limit} bytes")]
    TooLarge {
        /// What.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A header carries ISO 8859-1 and no more.
    #[error("the application id has characters beyond ISO 8859-1, which a header cannot carry")]
    ApplicationId,
    /// Only version 3 can be signed in stages, and [`Scheme::HttpSignature`] is none of Seraph's.
    #[error("the scheme `{0}` cannot be signed in this way")]
    Scheme(Scheme),
    /// The RC4 key is not 1 to 256 bytes long.
    #[error("the secret key must be 1 to 256 bytes long")]
    SecretKey,
    /// The key, or who keeps it, failed.
    #[error("the signer failed")]
    Signer(#[source] BoxError),
}

impl SignError {
    /// A failure of the key, or of who keeps it.
    pub fn signer(error: impl Into<BoxError>) -> Self {
        Self::Signer(error.into())
    }
}

/// 16 random bytes. The first is not zero, because raw RSA loses leading zeros.
fn new_secret_key() -> Result<[u8; 16], SignError> {
    let mut key = [0; 16];
    while key.starts_with(&[0]) {
        default_provider().random(&mut key).map_err(SignError::signer)?;
    }
    Ok(key)
}

fn id(application: &ApplicationId) -> Result<(HeaderName, HeaderValue), SignError> {
    let latin1: Result<Vec<u8>, _> = application.as_str().chars().map(u8::try_from).collect();
    let value = latin1.ok().and_then(|bytes| HeaderValue::try_from(bytes).ok());
    Ok((ID, value.ok_or(SignError::ApplicationId)?))
}

/// A header that whoever reads it could use.
fn credential(name: HeaderName, bytes: &[u8]) -> (HeaderName, HeaderValue) {
    // Base64 is always a good header value.
    let mut value = HeaderValue::try_from(base64::encode(bytes)).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    (name, value)
}
