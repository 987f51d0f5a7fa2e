//! Key directories: where an application publishes its public keys, and proves that it has the private
//! ones.
//!
//! The form is that of the `http-message-signatures-directory` draft: a JWKS (RFC 7517, section 5) at a
//! well-known path, signed once with each key over the authority that was asked and a digest of the
//! body.
//!
//! An entry that gives no key is skipped and [named](KeyDirectory::skipped), and the others are read (RFC 7517,
//! section 5): publishers list keys of kinds that are not known here.

mod entry;
mod error;
mod key;
mod proof;
mod skipped;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use sfv::BareItemFromInput;
use smallvec::SmallVec;

use self::proof::{Answer, TAG};
use super::base::{Message, RequestMessage, ResponseMessage, SignatureBase};
use super::digest::{CONTENT_DIGEST, parse_content_digest};
use super::fields::{SIGNATURE, SIGNATURE_INPUT, SignatureFields};
use super::input::{Component, Input};
use super::sign::{self, SignError};
use crate::clock::Timestamp;
use crate::content::{ContentDigest, DigestAlgorithm};
use crate::crypto::{PrivateSignatureKey, SignatureKey, Thumbprint};
use crate::limits::MAX_DIRECTORY_KEYS;
use crate::text;

pub use error::DirectoryError;
pub use key::DirectoryKey;
pub use proof::Unproven;
pub use skipped::{SkipReason, SkippedKey};

/// The media type of a key directory.
pub const DIRECTORY_MEDIA_TYPE: &str = "application/http-message-signatures-directory+json";

/// Room for the signatures of [`MAX_DIRECTORY_KEYS`] keys.
const MAX_INPUT_BYTES: usize = 8 * 1024;
const MAX_SIGNATURE_BYTES: usize = 32 * 1024;

/// The public keys of an application, as its directory lists them.
///
/// ```
/// use trusted_app_core::httpsig::KeyDirectory;
///
/// // A key of a kind that is not known here does no harm to the others ...
/// let directory = KeyDirectory::parse(
///     r#"{"keys":[
///         {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
///         {"kty":"AKP","alg":"ML-DSA-65","pub":"AAAA"}
///     ]}"#,
/// )?;
/// assert_eq!(directory.keys().len(), 1);
/// let skipped = directory.skipped()[0].to_string();
/// assert_eq!(skipped, "keys[1] (AKP): not a usable JWK: it is neither Ed25519 nor P-256 nor RSA");
///
/// // ... and what is no JWKS is rejected.
/// assert!(KeyDirectory::parse("<p>Log in</p>").is_err());
/// # Ok::<_, trusted_app_core::httpsig::DirectoryError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyDirectory {
    keys: Vec<DirectoryKey>,
    skipped: Vec<SkippedKey>,
    signed_at: Option<Timestamp>,
}

impl KeyDirectory {
    /// A directory of these keys.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = SignatureKey>) -> Self {
        Self { keys: keys.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Reads a directory. It proves nothing by itself: see [`verify`](Self::verify).
    ///
    /// An entry is [skipped](Self::skipped) if it is no key as of [`SignatureKey::from_jwk`], its `kid` is not its
    /// thumbprint, a date is no whole number, an RSA key states no `alg`, or another entry has the same key.
    ///
    /// # Errors
    ///
    /// When it is no JWKS, or beyond a [limit](crate::limits).
    pub fn parse(text: &str) -> Result<Self, DirectoryError> {
        let mut directory = Self::default();
        for (name, read) in entry::read_all(text, false)? {
            match read {
                Ok(key) => directory.keys.push(key),
                Err(reason) => directory.skipped.push(name.skipped(reason)),
            }
        }
        Ok(directory)
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &[DirectoryKey] {
        &self.keys
    }

    /// The entries that give no key: those that were not understood and, in a [verified](Self::verify) directory, those
    /// whose possession was not proven.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// The key of that name.
    #[must_use]
    pub fn get(&self, thumbprint: &Thumbprint) -> Option<&DirectoryKey> {
        self.keys.iter().find(|key| key.key.thumbprint() == thumbprint)
    }

    /// When the first of its keys signed it (`created`); `None` unless it was [verified](Self::verify).
    ///
    /// An attacker who kept an older answer can show it again, with signatures for now of those keys that they have.
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

    /// Reads a directory that was answered to a `GET` of `url`, with those keys whose private half the sender has: a key
    /// must have signed the authority that was asked and the digest of the body, and for this time: not before `created`,
    /// nor after `expires` or [`MAX_DIRECTORY_AGE`](crate::limits::MAX_DIRECTORY_AGE), by clocks that differ by at most 30
    /// seconds. Every other entry is [skipped](Self::skipped).
    ///
    /// A directory that an application already has a key in is therefore endorsed by that key.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse), when the body is not the one of its `Content-Digest`, and when no key is left.
    pub fn verify(
        url: &str,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Self, DirectoryError> {
        Self::verify_with(url, headers, body, now, false)
    }

    /// [`verify`](Self::verify) for the published examples, whose private keys are public.
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
        let text = text::decode(body.to_vec())?;
        let entries = entry::read_all(&text, example_keys)?;
        if entries.is_empty() {
            return Err(DirectoryError::Empty);
        }
        if !headers.contains_key(CONTENT_DIGEST) {
            return Err(DirectoryError::NoDigest);
        }
        if !parse_content_digest(headers)?.matches(body) {
            return Err(DirectoryError::DigestDiffers);
        }
        let fields = &SignatureFields::within(headers, MAX_INPUT_BYTES, MAX_SIGNATURE_BYTES)?;
        let answer = Answer { url, headers, fields, now };
        let inputs = answer.inputs()?;
        let mut directory = Self::default();
        for (name, read) in entries {
            let proven = read.and_then(|listed| match answer.prove(&inputs, &listed.key) {
                Ok(created) => Ok((listed, created)),
                Err(problem) => Err(SkipReason::NotProven(problem)),
            });
            match proven {
                Ok((listed, created)) => {
                    directory.keys.push(listed);
                    directory.signed_at =
                        Some(directory.signed_at.map_or(created, |first| first.min(created)));
                }
                Err(reason) => directory.skipped.push(name.skipped(reason)),
            }
        }
        if directory.keys.is_empty() {
            return Err(DirectoryError::NoKey(directory.skipped));
        }
        Ok(directory)
    }
}

/// Our own directory, signed for one authority: the answer to a `GET` of [`DIRECTORY_PATH`](super::DIRECTORY_PATH).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SignedDirectory {
    /// The header fields.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The JWKS.
    pub body: String,
}

impl SignedDirectory {
    /// Signs a directory of our own keys, with each of them, for callers who ask `url` for it. The
    /// signatures are good for `lifetime`, at most [`MAX_DIRECTORY_AGE`](crate::limits::MAX_DIRECTORY_AGE).
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
