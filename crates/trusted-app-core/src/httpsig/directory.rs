//! Key directories: where an application publishes its public keys, and proves that it has the private
//! ones.
//!
//! The form is that of the `http-message-signatures-directory` draft: a JWKS (RFC 7517, section 5) at a
//! well-known path, signed once with each key over the authority that was asked and a digest of the
//! body.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use sfv::BareItemFromInput;
use smallvec::SmallVec;

use super::base::{Message, RequestMessage, ResponseMessage, SignatureBase};
use super::digest::{CONTENT_DIGEST, ContentDigest, DigestAlgorithm};
use super::error::Refusal;
use super::fields::{SIGNATURE, SIGNATURE_INPUT, SignatureFields};
use super::input::{self, Component, Input, Wanted};
use super::policy::Policy;
use super::sign::{self, SignError};
use crate::application::ApplicationKey;
use crate::clock::Timestamp;
use crate::crypto::jwk::Jwk;
use crate::crypto::{KeyError, PrivateSignatureKey, SignatureKey, Thumbprint, default_provider};
use crate::limits::{MAX_DIRECTORY_AGE, MAX_DIRECTORY_BYTES, MAX_DIRECTORY_KEYS};

/// Where a key directory is, on the host of its application.
pub const DIRECTORY_PATH: &str = "/.well-known/http-message-signatures-directory";

/// The media type of a key directory.
pub const DIRECTORY_MEDIA_TYPE: &str = "application/http-message-signatures-directory+json";

/// The `tag` of a directory's signatures.
const TAG: &str = "http-message-signatures-directory";

/// Room for the signatures of [`MAX_DIRECTORY_KEYS`] keys.
const MAX_INPUT_BYTES: usize = 8 * 1024;
const MAX_SIGNATURE_BYTES: usize = 32 * 1024;

/// The public keys of an application, as its directory lists them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyDirectory {
    keys: Vec<DirectoryKey>,
    signed_at: Option<Timestamp>,
}

/// A key of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirectoryKey {
    /// The key.
    pub key: SignatureKey,
    /// The first instant at which it is good (`nbf`); from ever if `None`.
    pub not_before: Option<Timestamp>,
    /// The last instant at which it is good (`exp`); for ever if `None`.
    pub not_after: Option<Timestamp>,
}

impl From<SignatureKey> for DirectoryKey {
    fn from(key: SignatureKey) -> Self {
        Self { key, not_before: None, not_after: None }
    }
}

impl From<DirectoryKey> for ApplicationKey<SignatureKey> {
    /// In use, from its first day to its last.
    fn from(listed: DirectoryKey) -> Self {
        let mut key = Self::from(listed.key);
        if let Some(first) = listed.not_before {
            key = key.with_not_before(first);
        }
        if let Some(last) = listed.not_after {
            key = key.with_not_after(last);
        }
        key
    }
}

#[derive(Deserialize)]
struct Document<'t> {
    #[serde(borrow)]
    keys: Vec<Jwk<'t>>,
}

impl KeyDirectory {
    /// A directory of these keys.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = SignatureKey>) -> Self {
        Self { keys: keys.into_iter().map(Into::into).collect(), signed_at: None }
    }

    /// Reads a directory. It proves nothing by itself: see [`verify`](Self::verify).
    ///
    /// # Errors
    ///
    /// When it is no JWKS, beyond a [limit](crate::limits), lists a key twice, or one of its keys is no
    /// good: as [`SignatureKey::from_jwk`], when its `kid` is not its thumbprint, or an RSA key states
    /// no `alg`.
    pub fn parse(text: &str) -> Result<Self, DirectoryError> {
        Self::parse_with(text, false)
    }

    fn parse_with(text: &str, example_keys: bool) -> Result<Self, DirectoryError> {
        if text.len() > MAX_DIRECTORY_BYTES {
            return Err(DirectoryError::TooLarge);
        }
        let document: Document<'_> = serde_json::from_str(text).map_err(|_| DirectoryError::NotJwks)?;
        if document.keys.len() > MAX_DIRECTORY_KEYS {
            return Err(DirectoryError::TooManyKeys);
        }
        let mut directory = Self::default();
        for jwk in &document.keys {
            let key = read(jwk, example_keys)?;
            if directory.get(key.key.thumbprint()).is_some() {
                return Err(DirectoryError::KeyTwice(*key.key.thumbprint()));
            }
            directory.keys.push(key);
        }
        Ok(directory)
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &[DirectoryKey] {
        &self.keys
    }

    /// The key of that name.
    #[must_use]
    pub fn get(&self, thumbprint: &Thumbprint) -> Option<&DirectoryKey> {
        self.keys.iter().find(|key| key.key.thumbprint() == thumbprint)
    }

    /// When the first of its keys signed it (`created`); `None` unless it was [verified](Self::verify).
    ///
    /// Whoever kept an older answer can show it again, with signatures for now of those keys that they have.
    #[must_use]
    pub fn signed_at(&self) -> Option<Timestamp> {
        self.signed_at
    }

    /// The JWKS.
    #[must_use]
    pub fn to_json(&self) -> String {
        let keys = self.keys.iter().map(|key| {
            let mut jwk = key.key.to_jwk();
            for (name, instant) in [("nbf", key.not_before), ("exp", key.not_after)] {
                if let Some(instant) = instant {
                    jwk.truncate(jwk.len() - 1);
                    jwk.push_str(&format!(r#","{name}":{}}}"#, instant.as_millis().div_euclid(1000)));
                }
            }
            jwk
        });
        format!(r#"{{"keys":[{}]}}"#, keys.collect::<Vec<_>>().join(","))
    }

    /// Reads a directory that was answered to a `GET` of `url`, and checks that whoever answered has the
    /// private half of every key in it: that each of them signed the authority that was asked and
    /// the digest of the body, and did so for this time: not before `created`, nor after `expires` or
    /// [`MAX_DIRECTORY_AGE`], by clocks that differ by at most 30 seconds.
    ///
    /// A directory that an application already has a key in is therefore endorsed by that key.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse), and when a key did not sign or a signature does not hold.
    pub fn verify(
        url: &str,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Self, DirectoryError> {
        Self::verify_with(url, headers, body, now, false)
    }

    /// [`verify`](Self::verify) for the published examples, whose keys everybody has.
    #[doc(hidden)]
    pub fn insecure_verify_example(
        url: &str,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Self, DirectoryError> {
        Self::verify_with(url, headers, body, now, true)
    }

    fn verify_with(
        url: &str,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
        example_keys: bool,
    ) -> Result<Self, DirectoryError> {
        let text = std::str::from_utf8(body).map_err(|_| DirectoryError::NotJwks)?;
        let mut directory = Self::parse_with(text, example_keys)?;
        if !ContentDigest::parse(headers)?.matches(body) {
            return Err(Refusal::DigestMismatch.into());
        }
        let fields = SignatureFields::within(headers, MAX_INPUT_BYTES, MAX_SIGNATURE_BYTES)?;
        let inputs = input::find_all(&fields.input, Wanted::Tag(TAG), MAX_DIRECTORY_KEYS)?;
        let answer = Answer { url, headers, fields: &fields, now };
        for DirectoryKey { key, .. } in &directory.keys {
            let thumbprint = key.thumbprint().to_string();
            let is_named = |input: &&Input<'_>| {
                let id = input.parameter("keyid").and_then(BareItemFromInput::as_string);
                id.is_some_and(|id| id.as_str() == thumbprint)
            };
            let input = inputs.iter().find(is_named).ok_or(DirectoryError::NotProven(*key.thumbprint()))?;
            let created = answer.check(input, key)?;
            directory.signed_at = Some(directory.signed_at.map_or(created, |first| first.min(created)));
        }
        Ok(directory)
    }
}

fn read(jwk: &Jwk<'_>, example_keys: bool) -> Result<DirectoryKey, DirectoryError> {
    let key = SignatureKey::of(default_provider(), jwk)?;
    let key = if example_keys { key } else { key.if_not_published()? };
    if jwk.kid.as_ref().is_some_and(|kid| **kid != *key.thumbprint().to_string()) {
        return Err(DirectoryError::OtherName(*key.thumbprint()));
    }
    if key.rsa_fingerprint().is_some() && jwk.alg.is_none() {
        return Err(DirectoryError::AlgorithmNotStated(*key.thumbprint()));
    }
    let instant = |seconds: i64| Timestamp::from_millis(seconds.saturating_mul(1000));
    Ok(DirectoryKey { key, not_before: jwk.nbf.map(instant), not_after: jwk.exp.map(instant) })
}

/// A directory as it was answered.
struct Answer<'a> {
    url: &'a str,
    headers: &'a HeaderMap,
    fields: &'a SignatureFields<'a>,
    now: Timestamp,
}

impl Answer<'_> {
    /// Checks that this key made that signature, and says when.
    fn check(&self, input: &Input<'_>, key: &SignatureKey) -> Result<Timestamp, DirectoryError> {
        let not_proven = DirectoryError::NotProven(*key.thumbprint());
        let covers_authority = input.components.iter().any(|component| {
            let parameter = component.parameter.as_deref().map(|(name, value)| (name.as_str(), value));
            component.name.as_str() == "@authority"
                && matches!(parameter, Some(("req", BareItemFromInput::Boolean(true))))
        });
        let seconds = |name| input.parameter(name).and_then(BareItemFromInput::as_integer).map(i64::from);
        let (Some(created), Some(expires)) = (seconds("created"), seconds("expires")) else {
            return Err(not_proven);
        };
        let instant = |seconds: i64| Timestamp::from_millis(seconds.saturating_mul(1000));
        let (created, skew) = (instant(created), Policy::DEFAULT_SKEW);
        let last = instant(expires).min(created.saturating_add(MAX_DIRECTORY_AGE));
        let is_time = created <= self.now.saturating_add(skew) && self.now <= last.saturating_add(skew);
        if !covers_authority || !input.covers(CONTENT_DIGEST.as_str()) || !is_time {
            return Err(not_proven);
        }
        let no_headers = HeaderMap::new();
        let request = RequestMessage { method: &Method::GET, url: self.url, headers: &no_headers };
        let response = ResponseMessage { status: StatusCode::OK, headers: self.headers, request };
        let base = SignatureBase::of(&Message::Response(response), input)?;
        let signature = input::signature(&self.fields.signature, input.label, MAX_DIRECTORY_KEYS)?;
        key.verify(base.as_bytes(), &signature).map_err(|_| not_proven)?;
        Ok(created)
    }
}

/// Our own directory, signed for one authority: the answer to a `GET` of [`DIRECTORY_PATH`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SignedDirectory {
    /// The header fields.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The JWKS.
    pub body: String,
}

impl SignedDirectory {
    /// Signs a directory of our own keys, with each of them, for whoever asked `url` for it. The
    /// signatures are good for `lifetime`, at most [`MAX_DIRECTORY_AGE`].
    ///
    /// # Errors
    ///
    /// When a key cannot sign, or there are more than [`MAX_DIRECTORY_KEYS`].
    pub fn sign(
        keys: &[PrivateSignatureKey],
        url: &str,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<Self, DirectoryError> {
        if keys.len() > MAX_DIRECTORY_KEYS {
            return Err(DirectoryError::TooManyKeys);
        }
        let body = KeyDirectory::new(keys.iter().map(|key| key.public_key().clone())).to_json();
        let digest = ContentDigest::of(DigestAlgorithm::Sha256, body.as_bytes()).to_header_value();
        let headers = HeaderMap::from_iter([(CONTENT_DIGEST, digest.clone())]);
        let no_headers = HeaderMap::new();
        let request = RequestMessage { method: &Method::GET, url, headers: &no_headers };
        let message =
            Message::Response(ResponseMessage { status: StatusCode::OK, headers: &headers, request });

        let (mut inputs, mut signatures) = (Vec::new(), Vec::new());
        for (at, key) in keys.iter().enumerate() {
            let key_id = key.public_key().thumbprint().to_string();
            let (created, expires) = (now, now.saturating_add(lifetime));
            let input = Input {
                components: SmallVec::from_iter([
                    Component {
                        name: sign::text("@authority")?,
                        parameter: Some(Box::new((sign::key("req")?, BareItemFromInput::Boolean(true)))),
                    },
                    Component { name: sign::text("content-digest")?, parameter: None },
                ]),
                parameters: SmallVec::from_iter([
                    sign::time("created", created)?,
                    sign::time("expires", expires)?,
                    sign::string("keyid", &key_id)?,
                    sign::string("tag", TAG)?,
                ]),
                ..Input::default()
            };
            let signature =
                key.sign(SignatureBase::of(&message, &input)?.as_bytes()).map_err(SignError::Key)?;
            let mut parameters = SignatureBase::empty();
            parameters.write_parameters(&input)?;
            inputs.push(format!("key{at}={parameters}"));
            signatures.push(format!("key{at}=:{}:", STANDARD.encode(signature)));
        }
        let value = |text: String| HeaderValue::from_str(&text).map_err(|_| SignError::Header);
        let headers = vec![
            (CONTENT_TYPE, HeaderValue::from_static(DIRECTORY_MEDIA_TYPE)),
            (CONTENT_DIGEST, digest),
            (SIGNATURE_INPUT, value(inputs.join(", "))?),
            (SIGNATURE, value(signatures.join(", "))?),
        ];
        Ok(Self { headers, body })
    }
}

/// Why a key directory is no good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// Beyond [`MAX_DIRECTORY_BYTES`].
    #[error("a key directory is at most {MAX_DIRECTORY_BYTES} bytes long")]
    TooLarge,
    /// No JSON object with a list of keys.
    #[error("not a JWKS")]
    NotJwks,
    /// More than [`MAX_DIRECTORY_KEYS`].
    #[error("a key directory has at most {MAX_DIRECTORY_KEYS} keys")]
    TooManyKeys,
    /// A key is listed twice.
    #[error("the key {0} is listed twice")]
    KeyTwice(Thumbprint),
    /// A key's `kid` is not its thumbprint.
    #[error("the `kid` of the key {0} is not its thumbprint")]
    OtherName(Thumbprint),
    /// An RSA key states no `alg`.
    #[error("the RSA key {0} states no `alg`")]
    AlgorithmNotStated(Thumbprint),
    /// The answer is not signed with this key, or not for this authority, body and time.
    #[error("the answer does not prove that its sender has the key {0}")]
    NotProven(Thumbprint),
    /// A key is no good.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The answer's fields are no good.
    #[error(transparent)]
    Answer(#[from] Refusal),
    /// The directory could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
}
