//! Signing requests.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use sfv::{BareItemFromInput, Integer, KeyRef, StringRef};
use smallvec::SmallVec;

use super::base::{Message, RequestMessage, SignatureBase};
use super::digest::CONTENT_DIGEST;
use super::fields::{SIGNATURE, SIGNATURE_INPUT, TAG};
use super::input::{Component, Input, Parameter};
use super::policy::{SignaturePolicy, announces_content};
use super::user::{TRUSTED_APP_USER, UserField};
use crate::clock::Timestamp;
use crate::content::{ContentDigest, DigestAlgorithm};
use crate::crypto::{PrivateSignatureKey, RandomError, SigningError, default_provider};
use crate::rejection::Rejection;

/// The label of our signatures.
const LABEL: &str = "ta";

/// What to sign: that our application sends this request on behalf of a user.
///
/// ```
/// use http::{HeaderMap, Method};
/// use trusted_app_core::Timestamp;
/// use trusted_app_core::crypto::{PrivateSignatureKey, SignatureAlgorithm};
/// use trusted_app_core::httpsig::{RequestMessage, SigningRequest, UserField};
///
/// let key = PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519)?;
/// let mut headers = HeaderMap::new();
/// headers.insert("content-type", "application/json".parse()?);
/// let (method, url) = (Method::POST, "https://tracker.example.com/rest/issues");
/// let request = RequestMessage { method: &method, url, headers: &headers };
/// let now = Timestamp::from_millis(1_767_225_600_000);
///
/// let signed = SigningRequest::new(UserField::new("alice")?, request, now).with_body(b"{}").sign(&key)?;
/// signed.apply(&mut headers);
/// assert_eq!(headers["trusted-app-user"], "\"alice\"");
///
/// // A body of which nobody says what it is cannot be covered.
/// let (url, empty) = ("https://tracker.example.com/rest/issues", HeaderMap::new());
/// let request = RequestMessage { method: &method, url, headers: &empty };
/// assert!(SigningRequest::new(UserField::new("alice")?, request, now).with_body(b"{}").sign(&key).is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SigningRequest<'a> {
    user: UserField<'a>,
    request: RequestMessage<'a>,
    content: Option<ContentDigest>,
    unsigned_content: bool,
    created: Timestamp,
    lifetime: Duration,
    policy: Cow<'a, SignaturePolicy>,
}

impl<'a> SigningRequest<'a> {
    /// How long a signature is good by default.
    pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(60);

    /// A request without content. Its `url` is the whole one as the other side will see it.
    #[must_use]
    pub fn new(user: UserField<'a>, request: RequestMessage<'a>, created: Timestamp) -> Self {
        Self {
            user,
            request,
            content: None,
            unsigned_content: false,
            created,
            lifetime: Self::DEFAULT_LIFETIME,
            policy: Cow::Owned(SignaturePolicy::default()),
        }
    }

    /// With this body: its digest by SHA-256 is signed. An empty one is no content.
    #[must_use]
    pub fn with_body(self, body: &[u8]) -> Self {
        if body.is_empty() {
            return self;
        }
        self.with_digest(ContentDigest::of(DigestAlgorithm::Sha256, body))
    }

    /// With a body of this digest.
    #[must_use]
    pub fn with_digest(self, digest: ContentDigest) -> Self {
        Self { content: Some(digest), ..self }
    }

    /// With a body that is not signed, where both sides have agreed on that.
    ///
    /// Insecure: whoever is between the two can put any body under the signature.
    #[must_use]
    pub fn with_insecure_unsigned_body(self) -> Self {
        Self { content: None, unsigned_content: true, ..self }
    }

    /// How long the signature is good; 1 to 300 seconds.
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        Self { lifetime: lifetime.clamp(Duration::from_secs(1), SignaturePolicy::MAX_AGE), ..self }
    }

    /// The receiver's policy: what it wants to be covered.
    #[must_use]
    pub fn with_policy(self, policy: &'a SignaturePolicy) -> Self {
        Self { policy: Cow::Borrowed(policy), ..self }
    }

    /// Signs with our own key, under a new nonce of 144 random bits.
    ///
    /// # Errors
    ///
    /// When the request has something that cannot be covered, or the key cannot sign.
    pub fn sign(&self, key: &PrivateSignatureKey) -> Result<SignatureHeaders, SignError> {
        let mut nonce = [0; 18];
        default_provider().random(&mut nonce)?;
        self.sign_with_nonce(key, &URL_SAFE_NO_PAD.encode(nonce))
    }

    /// [`sign`](Self::sign) with a given nonce, the only thing in it that is random.
    #[doc(hidden)]
    pub fn sign_with_nonce(
        &self,
        key: &PrivateSignatureKey,
        nonce: &str,
    ) -> Result<SignatureHeaders, SignError> {
        let has_content = self.content.is_some() || self.unsigned_content;
        if !has_content && announces_content(self.request.headers) {
            return Err(SignError::ContentNotCovered);
        }
        let mut own = vec![(TRUSTED_APP_USER, self.user.to_header_value())];
        own.extend(self.content.map(|digest| (CONTENT_DIGEST, digest.to_header_value())));

        // What is covered, with our own fields in place of any that were there.
        let present = self.policy.cover_if_present().iter();
        let present = present.filter(|name| self.request.headers.contains_key(*name));
        let content_type = has_content.then_some(&CONTENT_TYPE);
        let mut headers = HeaderMap::new();
        let mut covered: SmallVec<[HeaderName; 8]> = SmallVec::new();
        for name in content_type.into_iter().chain(present) {
            if covered.contains(name) {
                continue;
            }
            for value in self.request.headers.get_all(name) {
                headers.append(name, value.clone());
            }
            covered.push(name.clone());
        }
        for (name, value) in own.iter().rev() {
            covered.push(name.clone());
            headers.insert(name, value.clone());
        }

        let key_id = key.public_key().thumbprint().to_string();
        let names = ["@method", "@target-uri"].into_iter().chain(covered.iter().map(HeaderName::as_str));
        let components = names.map(|name| Ok(Component { name: text(name)?, parameter: None }));
        let input = Input {
            label: LABEL,
            components: components.collect::<Result<_, SignError>>()?,
            parameters: SmallVec::from_iter(self.parameters(&key_id, nonce)?),
            ..Input::default()
        };
        let request = RequestMessage { headers: &headers, ..self.request };
        let base = SignatureBase::of(&Message::Request(request), &input)?;
        let signature = key.sign(base.as_bytes())?;
        let mut parameters = SignatureBase::empty();
        parameters.write_parameters(&input)?;
        own.push((SIGNATURE_INPUT, value(&format!("{LABEL}={parameters}"))?));
        own.push((SIGNATURE, value(&format!("{LABEL}=:{}:", STANDARD.encode(signature)))?));
        Ok(SignatureHeaders(own))
    }

    fn parameters<'p>(&self, key_id: &'p str, nonce: &'p str) -> Result<[Parameter<'p>; 5], SignError> {
        Ok([
            time("created", self.created)?,
            time("expires", self.created.saturating_add(self.lifetime))?,
            string("nonce", nonce)?,
            string("keyid", key_id)?,
            string("tag", TAG)?,
        ])
    }
}

/// In whole seconds; the same fraction is cut off from each.
pub(super) fn time(name: &'static str, at: Timestamp) -> Result<Parameter<'static>, SignError> {
    let seconds = Integer::try_from(at.as_millis().div_euclid(1000)).map_err(|_| SignError::Time)?;
    Ok((key(name)?, BareItemFromInput::Integer(seconds)))
}

pub(super) fn string<'p>(name: &'static str, value: &'p str) -> Result<Parameter<'p>, SignError> {
    Ok((key(name)?, BareItemFromInput::String(Cow::Borrowed(text(value)?))))
}

pub(super) fn key(name: &'static str) -> Result<&'static KeyRef, SignError> {
    KeyRef::from_str(name).map_err(|_| SignError::Header)
}

pub(super) fn text(text: &str) -> Result<&StringRef, SignError> {
    StringRef::from_str(text).map_err(|_| SignError::Header)
}

fn value(text: &str) -> Result<HeaderValue, SignError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| SignError::Header)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The fields of a signed request. `Debug` shows their names only.
#[derive(Clone, PartialEq, Eq)]
pub struct SignatureHeaders(Vec<(HeaderName, HeaderValue)>);

impl SignatureHeaders {
    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// Replaces the fields of these names, and a `Content-Digest` that is none of them. A signature of
    /// somebody else's that stood there is gone.
    pub fn apply(&self, headers: &mut HeaderMap) {
        headers.remove(CONTENT_DIGEST);
        for (name, value) in &self.0 {
            headers.insert(name, value.clone());
        }
    }
}

impl fmt::Debug for SignatureHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Why a request was not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The header announces content, and nobody said what it is.
    #[error("the request has content and its digest is not known")]
    ContentNotCovered,
    /// Something that must be covered is not there or cannot be: content without a `Content-Type`, a
    /// field with characters beyond ASCII.
    #[error(transparent)]
    Uncoverable(#[from] Rejection),
    /// The time cannot be written.
    #[error("the time of the signature is out of range")]
    Time,
    /// A value cannot be written into a header.
    #[error("a value of the signature cannot be written into a header")]
    Header,
    /// The key cannot sign.
    #[error(transparent)]
    Key(#[from] SigningError),
    /// There is no nonce without random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
}
