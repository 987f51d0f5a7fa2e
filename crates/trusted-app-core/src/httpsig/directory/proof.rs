//! The signatures of a directory's answer, by which its sender proves to have each key.

use http::header::AGE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use sfv::BareItemFromInput;
use smallvec::SmallVec;

use crate::clock::Timestamp;
use crate::crypto::SignatureKey;
use crate::httpsig::base::{Message, RequestMessage, ResponseMessage, SignatureBase};
use crate::httpsig::digest::CONTENT_DIGEST;
use crate::httpsig::fields::SignatureFields;
use crate::httpsig::input::{self, Input, Wanted};
use crate::httpsig::policy::SignaturePolicy;
use crate::limits::{MAX_DIRECTORY_AGE, MAX_DIRECTORY_KEYS};
use crate::rejection::{Rejection, TimeLimit};
use crate::text::escaped;

/// The `tag` of a directory's signatures.
pub(super) const TAG: &str = "http-message-signatures-directory";

/// The longest text of a publisher's that is shown, in characters.
pub(super) const MAX_SHOWN: usize = 128;

/// A directory as it was answered.
pub(super) struct Answer<'a> {
    pub(super) url: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) fields: &'a SignatureFields<'a>,
    pub(super) now: Timestamp,
}

impl<'a> Answer<'a> {
    /// Its signatures, with whatever key and tag.
    pub(super) fn inputs(&self) -> Result<SmallVec<[Input<'a>; 1]>, Rejection> {
        input::find_all(&self.fields.input, Wanted::All, MAX_DIRECTORY_KEYS)
    }

    /// Checks that one of the signatures is this key's, and says when it was made.
    pub(super) fn prove(&self, inputs: &[Input<'_>], key: &SignatureKey) -> Result<Timestamp, Unproven> {
        let thumbprint = key.thumbprint().to_string();
        let mut problem = Unproven::NotSigned;
        for input in inputs.iter().filter(|input| text(input, "keyid") == Some(&thumbprint)) {
            if input.has_tag(TAG) {
                match self.check(input, key) {
                    Ok(created) => return Ok(created),
                    Err(found) => problem = found,
                }
            } else if problem == Unproven::NotSigned {
                let tag = text(input, "tag").unwrap_or_default();
                problem = Unproven::OtherTag { tag: tag.chars().take(MAX_SHOWN).collect() };
            }
        }
        Err(problem)
    }

    fn check(&self, input: &Input<'_>, key: &SignatureKey) -> Result<Timestamp, Unproven> {
        input.in_order()?;
        let covers_authority = input.components.iter().any(|component| {
            let parameter = component.parameter.as_deref().map(|(name, value)| (name.as_str(), value));
            component.name.as_str() == "@authority"
                && matches!(parameter, Some(("req", BareItemFromInput::Boolean(true))))
        });
        if !covers_authority {
            return Err(Unproven::NotCovered(r#""@authority";req"#));
        }
        if !input.covers(CONTENT_DIGEST.as_str()) {
            return Err(Unproven::NotCovered(r#""content-digest""#));
        }
        let created = instant(input, "created")?;
        self.check_time(created, instant(input, "expires")?)?;
        let no_headers = HeaderMap::new();
        let request = RequestMessage { method: &Method::GET, url: self.url, headers: &no_headers };
        let response = ResponseMessage { status: StatusCode::OK, headers: self.headers, request };
        let base = SignatureBase::of(&Message::Response(response), input)?;
        let signature = input::signature(&self.fields.signature, input.label, MAX_DIRECTORY_KEYS)?;
        key.verify(base.as_bytes(), &signature).map_err(|_| Unproven::Invalid)?;
        Ok(created)
    }

    fn check_time(&self, created: Timestamp, expires: Timestamp) -> Result<(), Unproven> {
        let (now, skew, oldest) =
            (self.now, SignaturePolicy::DEFAULT_SKEW, created.saturating_add(MAX_DIRECTORY_AGE));
        let limit = if created > now.saturating_add(skew) {
            TimeLimit::Created
        } else if now > expires.saturating_add(skew) {
            TimeLimit::Expires
        } else if now > oldest.saturating_add(skew) {
            TimeLimit::Age(MAX_DIRECTORY_AGE)
        } else {
            return Ok(());
        };
        let age = self.headers.get(AGE).map(HeaderValue::to_str).and_then(Result::ok);
        let age = age.and_then(|age| age.parse().ok()).filter(|seconds| *seconds > 0);
        Err(Unproven::Time { created, expires, now, limit, age })
    }
}

fn text<'i>(input: &'i Input<'_>, parameter: &str) -> Option<&'i str> {
    input.parameter(parameter).and_then(BareItemFromInput::as_string).map(|text| text.as_str())
}

fn instant(input: &Input<'_>, parameter: &'static str) -> Result<Timestamp, Unproven> {
    let seconds = input.parameter(parameter).and_then(BareItemFromInput::as_integer).map(i64::from);
    let seconds = seconds.ok_or(Unproven::NotStated(parameter))?;
    Ok(Timestamp::from_millis(seconds.saturating_mul(1000)))
}

/// Why an answer does not prove that its sender has a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unproven {
    /// No member of `Signature-Input` has the key's thumbprint as its `keyid`.
    #[error("no signature of the answer has its thumbprint as `keyid`")]
    NotSigned,
    /// The key signed for another purpose.
    #[error("its signature has the tag `{}`, not `{TAG}`", escaped(.tag))]
    OtherTag {
        /// The tag, or its beginning; empty without one.
        tag: String,
    },
    /// The signature is not one of RFC 9421, or covers what the answer does not have.
    #[error(transparent)]
    Malformed(#[from] Rejection),
    /// The signature leaves out what a directory's signature must cover.
    #[error("its signature does not cover `{0}`")]
    NotCovered(&'static str),
    /// The signature has no `created` or no `expires`.
    #[error("its signature does not state `{0}` as a whole number of seconds")]
    NotStated(&'static str),
    /// The signature is not good now.
    #[error(
        "its signature is {limit}: created at {}, expires at {}, now it is {}; {}",
        created.to_rfc3339(), expires.to_rfc3339(), now.to_rfc3339(), time_advice(*limit, *age)
    )]
    Time {
        /// The signature's `created`.
        created: Timestamp,
        /// The signature's `expires`.
        expires: Timestamp,
        /// This server's clock.
        now: Timestamp,
        /// Beyond which limit that is.
        limit: TimeLimit,
        /// How long a cache has kept the answer, in seconds (`Age`; RFC 9111, section 5.1).
        age: Option<u64>,
    },
    /// The signature is of another key, or over another answer.
    #[error(
        "its signature does not hold: it was made with another key, for another host or port, or over another \
         `Content-Digest`"
    )]
    Invalid,
}

fn time_advice(limit: TimeLimit, age: Option<u64>) -> String {
    match (limit, age) {
        (TimeLimit::Created, _) => "compare the clocks of both sides".to_owned(),
        (_, Some(age)) => format!(
            "a cache served it {age} s late (`Age`): have the cache keep the directory no longer than its signatures are \
             good"
        ),
        (_, None) => {
            "compare the clocks of both sides, and look for a cache that keeps the directory longer than its signatures \
             are good"
                .to_owned()
        }
    }
}
