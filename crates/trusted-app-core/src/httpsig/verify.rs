//! From the fields of a request to the proof that it was signed.

use std::fmt;
use std::sync::Arc;

use sfv::BareItemFromInput;
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::base::{Message, RequestMessage, SignatureBase};
use super::base_line::BaseLine;
use super::fields::{SignatureFields, TAG, all};
use super::input::{self, Input, Wanted};
use super::policy::{self, SignaturePolicy};
use super::user::UserField;
use crate::application::{Scheme, TrustedApplication};
use crate::clock::Timestamp;
use crate::content::ExpectedContent;
use crate::crypto::Thumbprint;
use crate::limits::{MAX_NONCE_BYTES, MAX_SIGNATURES, MAX_URL_BYTES, MIN_NONCE_BYTES};
use crate::proofs::{Nonce, Signed, SignedRequest, Verified, VerifiedSignature};
use crate::rejection::Rejection;

/// The signature of this profile that a request carries, as it came. Nothing is proven yet.
#[derive(Debug, Clone)]
pub struct Credentials<'a> {
    input: Input<'a>,
    signature: Vec<u8>,
    created: Timestamp,
    expires: Timestamp,
    nonce: &'a str,
    key_id: &'a str,
    algorithm: Option<&'a str>,
}

impl<'a> Credentials<'a> {
    /// Reads the signature with the profile's tag; `Ok(None)` if there is none. Its label is whatever
    /// the peer chose, and other signatures beside it are nobody's business here.
    ///
    /// # Errors
    ///
    /// [`Rejection::Malformed`] when a field is none of the structured fields of RFC 9421, beyond a
    /// [limit](crate::limits), has a label, component or parameter twice or two signatures with the
    /// profile's tag, when a parameter that the profile requires is missing or of another type, or when
    /// it expires no later than it was created.
    pub fn parse(fields: &'a SignatureFields<'_>) -> Result<Option<Self>, Rejection> {
        let Some(input) = input::find(&fields.input, Wanted::Tag(TAG))? else { return Ok(None) };
        let signature = input::signature(&fields.signature, input.label, MAX_SIGNATURES)?;
        let created = time(&input, "created")?;
        let expires = time(&input, "expires")?;
        let nonce = text(&input, "nonce")?.filter(|nonce| is_nonce(nonce));
        let nonce = nonce.ok_or_else(|| malformed("nonce", "is not 16 to 128 characters of a nonce"))?;
        let key_id = text(&input, "keyid")?.filter(|id| is_key_id(id));
        let key_id = key_id.ok_or_else(|| malformed("keyid", "is not 43 characters of base64url"))?;
        let algorithm = text(&input, "alg")?;
        if expires <= created {
            return Err(malformed("expires", "is not after `created`"));
        }
        Ok(Some(Self { signature, created, expires, nonce, key_id, algorithm, input }))
    }

    /// The `keyid`: a thumbprint, if it is one at all.
    #[must_use]
    pub fn key_id(&self) -> &'a str {
        self.key_id
    }

    /// What this signature would be of over `request`, line by line, whatever it covers. It tells a person
    /// where two sides differ, and proves nothing.
    #[must_use]
    pub fn base_lines(&self, request: &RequestMessage<'_>) -> Vec<BaseLine> {
        SignatureBase::lines(&Message::Request(*request), &self.input)
    }

    /// Holds the request against the profile, before any key is looked for: what must be covered, the
    /// user's name, the window of time (as if the application's time-out were the longest).
    ///
    /// `has_body` says that a byte of a body comes, which a `Content-Length` says too. Where neither does, one may come
    /// all the same, after `Transfer-Encoding: chunked` or in HTTP/2: hold the body against the
    /// [`ExpectedContent`] before anything else sees it.
    ///
    /// # Errors
    ///
    /// [`Rejection::Malformed`] when a covered component is not there or no component, or a field is not what
    /// the profile says; [`Rejection::NotCovered`] and [`Rejection::FieldNotCovered`] when something must be covered and is
    /// not;
    /// [`Rejection::Stale`] outside the window; [`Rejection::KeyUnknown`] when the `keyid` is no thumbprint.
    pub fn check(
        self,
        request: &RequestMessage<'_>,
        has_body: bool,
        policy: &'a SignaturePolicy,
        now: Timestamp,
    ) -> Result<Checked<'a>, Rejection> {
        if request.url.len() > MAX_URL_BYTES {
            return Err(Rejection::malformed(format!("the URL is longer than {MAX_URL_BYTES} bytes")));
        }
        if let Some(component) = self.input.components.iter().find(|component| {
            component.parameter.as_deref().is_some_and(|(name, _)| !matches!(name.as_str(), "key" | "name"))
        }) {
            let component = component.name.as_str().escape_debug();
            return Err(Rejection::malformed(format!("the covered component `{component}` has a parameter")));
        }
        let has_content = has_body || policy::has_content(request.headers);
        // Before the coverage, so that what is listed and not there is malformed whatever else is missing.
        let base = SignatureBase::of(&Message::Request(*request), &self.input)?;
        policy.check_coverage(&self.input, request.headers, has_content)?;
        let user = UserField::of(request.headers)?;
        let (name, tenant) = (SmolStr::new(user.name()), user.tenant().map(Into::into));
        let content = policy.expected_content(&self.input, request.headers)?;
        let proxy_fields = policy.uncovered_proxy_fields(&self.input, request.headers);
        policy.check_window(self.created, self.expires, now, SignaturePolicy::MAX_AGE)?;
        let key = self.key_id.parse().map_err(|_| self.key_unknown())?;
        let last_claim = policy.last_claim(self.created);
        let nonce = Nonce {
            bytes: SmallVec::from_slice(self.nonce.as_bytes()),
            expires: self.expires,
            last_claim,
            lifetime: policy.nonce_lifetime(),
            earliest_until: SignaturePolicy::earliest_until(last_claim),
        };
        let base = base.into_bytes();
        let signed = Box::new(SignedRequest { base, content, proxy_fields, tenant, nonce });
        Ok(Checked { credentials: self, signed, key, user: name, has_content, policy })
    }

    fn key_unknown(&self) -> Rejection {
        Rejection::KeyUnknown { key: self.key_id.to_owned() }
    }
}

/// A signature that covers what it must and whose time it is. Nothing is proven yet: what remains is
/// whether it holds.
pub struct Checked<'a> {
    credentials: Credentials<'a>,
    signed: Box<SignedRequest>,
    key: Thumbprint,
    user: SmolStr,
    /// Whether that is known already.
    has_content: bool,
    policy: &'a SignaturePolicy,
}

impl fmt::Debug for Checked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checked").field("key", &self.key).field("user", &self.user).finish_non_exhaustive()
    }
}

impl Checked<'_> {
    /// The key that is said to have signed: whose application a
    /// [`KeyStore`](crate::KeyStore::application_by_key) has to say.
    #[must_use]
    pub fn key(&self) -> &Thumbprint {
        &self.key
    }

    /// The rejection for when no application has the key.
    #[must_use]
    pub fn unknown_key(&self) -> Rejection {
        self.credentials.key_unknown()
    }

    /// Verifies the signature with the application's key of that name, if it is live at `now`.
    ///
    /// # Errors
    ///
    /// The first that applies: a scheme that the application may not use, a key that it has not or that
    /// is not live, an `alg` that is not the key's, [`Rejection::Stale`] beyond the application's
    /// time-out, a signature that does not hold, [`Rejection::NotCovered`] when there is content, no digest covers it and
    /// the application is not
    /// [registered for that](crate::application::TrustedApplicationBuilder::insecure_unsigned_bodies).
    pub fn verify(
        self,
        application: &Arc<TrustedApplication>,
        now: Timestamp,
    ) -> Result<Verified<'static>, Rejection> {
        let Self { credentials, mut signed, key: name, user, has_content, policy } = self;
        if !application.schemes().contains(&Scheme::HttpSignature) {
            return Err(Rejection::SchemeNotAllowed);
        }
        let key = application.live_signature_key(&name, now).ok_or_else(|| credentials.key_unknown())?;
        if credentials.algorithm.is_some_and(|algorithm| algorithm != key.algorithm().as_str()) {
            return Err(Rejection::AlgorithmMismatch);
        }
        let (created, expires) = (credentials.created, credentials.expires);
        policy.check_window(created, expires, now, SignaturePolicy::max_age(application))?;
        if key.verify(&signed.base, &credentials.signature).is_err() {
            let base = SignatureBase::from_bytes(signed.base).for_log(&credentials.input);
            return Err(Rejection::BadSignatureBase { base });
        }
        // It may hold what nobody should see, and is not needed any more.
        signed.base = SmallVec::new();
        if signed.content == ExpectedContent::Unsigned && !application.conditions().insecure_unsigned_bodies {
            if has_content {
                return Err(Rejection::not_covered("`content-digest`: the application may not leave it out"));
            }
            signed.content = ExpectedContent::Empty;
        }
        let signature = VerifiedSignature::new(Scheme::HttpSignature, name.fingerprint(), created, user);
        Ok(Verified::new(application, signature, Signed::Request(signed), now))
    }
}

fn malformed(parameter: &str, problem: &str) -> Rejection {
    Rejection::malformed(format!("signature-input: the parameter `{parameter}` is missing or {problem}"))
}

fn time(input: &Input<'_>, name: &str) -> Result<Timestamp, Rejection> {
    let seconds = input.parameter(name).and_then(BareItemFromInput::as_integer);
    let seconds = seconds.ok_or_else(|| malformed(name, "is no integer"))?;
    // At most 15 digits.
    Ok(Timestamp::from_millis(i64::from(seconds).saturating_mul(1000)))
}

fn text<'a>(input: &Input<'a>, name: &str) -> Result<Option<&'a str>, Rejection> {
    match input.parameter(name) {
        None => Ok(None),
        Some(BareItemFromInput::String(std::borrow::Cow::Borrowed(text))) => Ok(Some(text.as_str())),
        // None of them has a character that would have to be escaped.
        Some(_) => Err(malformed(name, "is no string without escapes")),
    }
}

fn is_nonce(nonce: &str) -> bool {
    (MIN_NONCE_BYTES..=MAX_NONCE_BYTES).contains(&nonce.len())
        && all(nonce.as_bytes(), |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'.' | b'~' | b'-')
        })
}

fn is_key_id(id: &str) -> bool {
    id.len() == 43 && all(id.as_bytes(), |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
