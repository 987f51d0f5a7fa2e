//! What a signature must cover, and when it is good.

use std::borrow::Cow;
use std::time::Duration;

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::digest::{CONTENT_DIGEST, parse_content_digest};
use super::fields::{SIGNATURE, SIGNATURE_INPUT};
use super::input::Input;
use super::user::TRUSTED_APP_USER;
use crate::application::TrustedApplication;
use crate::clock::Timestamp;
use crate::content::ExpectedContent;
use crate::rejection::{Rejection, TimeLimit};
use crate::seraph::REQUEST_HEADERS;

/// The profile's rules that a server may set.
///
/// ```
/// use std::time::Duration;
/// use trusted_app_core::httpsig::SignaturePolicy;
///
/// let policy = SignaturePolicy::default()
///     .with_skew(Duration::from_secs(10))
///     .with_cover_if_present(["x-forwarded-prefix".parse()?]);
/// assert_eq!(policy.skew().as_secs(), 10);
/// // Not more than the profile allows.
/// assert_eq!(policy.with_skew(Duration::from_secs(3600)).skew(), SignaturePolicy::MAX_SKEW);
/// # Ok::<_, http::header::InvalidHeaderName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignaturePolicy {
    skew: Duration,
    cover_if_present: Cow<'static, [HeaderName]>,
    proxy_fields: Vec<HeaderName>,
    unsigned_content: bool,
}

/// Which signature a server asks for (RFC 9421, section 5.1).
pub const ACCEPT_SIGNATURE: HeaderName = HeaderName::from_static("accept-signature");

/// What changes what a request means, and so must be covered where it is there.
static COVER_IF_PRESENT: [HeaderName; 7] = [
    CONTENT_ENCODING,
    AUTHORIZATION,
    HeaderName::from_static("txn-token"),
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
    HeaderName::from_static("idempotency-key"),
];

/// The signature depends on these, or a server tells by them where a request goes and where it ends. Seraph's own
/// fields are rejected beside them.
static NEVER_A_PROXYS: [HeaderName; 13] = [
    SIGNATURE_INPUT,
    SIGNATURE,
    TRUSTED_APP_USER,
    CONTENT_DIGEST,
    CONTENT_TYPE,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    TRAILER,
    TE,
    EXPECT,
    CONNECTION,
    UPGRADE,
    HOST,
];

impl Default for SignaturePolicy {
    fn default() -> Self {
        Self {
            skew: Self::DEFAULT_SKEW,
            cover_if_present: Cow::Borrowed(&COVER_IF_PRESENT),
            proxy_fields: Vec::new(),
            unsigned_content: false,
        }
    }
}

impl SignaturePolicy {
    /// How long after its creation a signature is good at most, whatever the application's time-out.
    pub const MAX_AGE: Duration = Duration::from_secs(300);
    /// How far two clocks may differ by default.
    pub const DEFAULT_SKEW: Duration = Duration::from_secs(30);
    /// How far two clocks may differ at most.
    pub const MAX_SKEW: Duration = Duration::from_secs(60);

    /// Another difference between two clocks, at most [`MAX_SKEW`](Self::MAX_SKEW).
    #[must_use]
    pub fn with_skew(self, skew: Duration) -> Self {
        Self { skew: skew.min(Self::MAX_SKEW), ..self }
    }

    /// Fields besides the profile's own that must be covered where they are there: those that change
    /// what a request means to this service.
    #[must_use]
    pub fn with_cover_if_present(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.cover_if_present.to_mut().extend(names);
        self
    }

    /// Fields that a proxy of the server's own adds to the requests that it passes on. Where the signature does not
    /// cover one, it counts as not there: the server [removes](crate::proofs::Accepted::proxy_fields) it, and the
    /// handler never sees it. One that is covered is the peer's, and stays. By default there are none.
    ///
    /// # Errors
    ///
    /// When the signature itself, or where the request goes and where it ends, depends on a field of that name.
    ///
    /// ```
    /// use trusted_app_core::httpsig::SignaturePolicy;
    ///
    /// let policy = SignaturePolicy::default().with_proxy_fields(["x-original-url".parse()?, "authorization".parse()?])?;
    /// assert_eq!(policy.proxy_fields().len(), 2);
    ///
    /// assert!(SignaturePolicy::default().with_proxy_fields(["content-digest".parse()?]).is_err());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_proxy_fields(
        mut self,
        names: impl IntoIterator<Item = HeaderName>,
    ) -> Result<Self, ProxyFieldError> {
        for name in names {
            if NEVER_A_PROXYS.contains(&name) || REQUEST_HEADERS.contains(&name) {
                return Err(ProxyFieldError { name });
            }
            self.proxy_fields.push(name);
        }
        Ok(self)
    }

    /// Accepts content that no digest covers from the applications that are
    /// [registered for it](crate::application::TrustedApplicationBuilder::insecure_unsigned_bodies): for
    /// streams whose digest nobody knows when they begin.
    ///
    /// Insecure: whoever is between the two can put any body under the signature.
    #[must_use]
    pub fn with_insecure_unsigned_content(self) -> Self {
        Self { unsigned_content: true, ..self }
    }

    /// How far two clocks may differ.
    #[must_use]
    pub fn skew(&self) -> Duration {
        self.skew
    }

    /// The fields that must be covered where they are there.
    #[must_use]
    pub fn cover_if_present(&self) -> &[HeaderName] {
        &self.cover_if_present
    }

    /// The fields that a proxy of the server's own adds.
    #[must_use]
    pub fn proxy_fields(&self) -> &[HeaderName] {
        &self.proxy_fields
    }

    /// Whether content may go without a digest.
    #[must_use]
    pub fn allows_unsigned_content(&self) -> bool {
        self.unsigned_content
    }

    /// How much longer a nonce is remembered than it can be claimed.
    const MARGIN: Duration = Duration::from_secs(5);

    /// For how long a nonce must be remembered: longer than a signature with it is good on any server.
    #[must_use]
    pub fn nonce_lifetime(&self) -> Duration {
        Self::MAX_AGE + 2 * self.skew + Self::MARGIN
    }

    /// When the nonce of a signature can be claimed at the latest: until then one that was claimed when its
    /// signature was good for the first time is remembered.
    pub(super) fn last_claim(&self, created: Timestamp) -> Timestamp {
        created.saturating_add(Self::MAX_AGE).saturating_add(self.skew)
    }

    /// Until when a nonce is remembered at least that can be claimed until `last_claim`: it was claimed when its
    /// signature was good for the first time.
    pub(super) fn earliest_until(last_claim: Timestamp) -> Timestamp {
        last_claim.saturating_add(Self::MARGIN)
    }

    /// How long a signature of this application is good at most.
    pub(super) fn max_age(application: &TrustedApplication) -> Duration {
        application.conditions().timeout.min(Self::MAX_AGE)
    }

    /// Whether everything is covered that must be.
    pub(super) fn check_coverage(
        &self,
        input: &Input<'_>,
        headers: &HeaderMap,
        has_content: bool,
    ) -> Result<(), Rejection> {
        let covers = |name: &str| input.covers(name);
        let must_cover = |name: &str| {
            if covers(name) { Ok(()) } else { Err(Rejection::not_covered(format!("`{name}`"))) }
        };
        must_cover("@method")?;
        if !covers("@target-uri") && !["@authority", "@path", "@query"].into_iter().all(covers) {
            return Err(Rejection::not_covered(
                "`@target-uri`, or all of `@authority`, `@path` and `@query`",
            ));
        }
        must_cover(TRUSTED_APP_USER.as_str())?;
        if has_content && !self.unsigned_content {
            must_cover(CONTENT_DIGEST.as_str())?;
        }
        if has_content {
            must_cover(CONTENT_TYPE.as_str())?;
        }
        let says_something = |name: &HeaderName| {
            headers.contains_key(name) && !(*name == CONTENT_ENCODING && is_identity(headers))
        };
        let mut uncovered = self.cover_if_present.iter().filter(|name| {
            says_something(name) && !covers(name.as_str()) && !self.proxy_fields.contains(name)
        });
        match uncovered.next() {
            Some(field) => Err(Rejection::FieldNotCovered { field: field.clone() }),
            None => Ok(()),
        }
    }

    /// What the body has to be, under a signature with the coverage that it must have.
    pub(super) fn expected_content(
        &self,
        input: &Input<'_>,
        headers: &HeaderMap,
    ) -> Result<ExpectedContent, Rejection> {
        let covers_type = input.covers(CONTENT_TYPE.as_str());
        if input.covers(CONTENT_DIGEST.as_str()) {
            let digest = parse_content_digest(headers)?;
            // Of what type content would be that comes without being announced, no one signed.
            return match covers_type {
                true => Ok(ExpectedContent::Digest(digest)),
                false if digest.matches(b"") => Ok(ExpectedContent::Empty),
                false => Err(Rejection::not_covered(format!("`{CONTENT_TYPE}`"))),
            };
        }
        // Whether the application may leave it out is not known yet.
        Ok(match self.unsigned_content && covers_type {
            true => ExpectedContent::Unsigned,
            false => ExpectedContent::Empty,
        })
    }

    /// Which fields of a proxy's are there that the signature does not cover.
    pub(super) fn uncovered_proxy_fields(&self, input: &Input<'_>, headers: &HeaderMap) -> Vec<HeaderName> {
        let there = |name: &&HeaderName| headers.contains_key(*name) && !input.covers(name.as_str());
        self.proxy_fields.iter().filter(there).cloned().collect()
    }

    /// Whether it is the time of this signature, as far as that can be told without its application.
    pub(super) fn check_window(
        &self,
        created: Timestamp,
        expires: Timestamp,
        now: Timestamp,
        max_age: Duration,
    ) -> Result<(), Rejection> {
        let limit = if created > now.saturating_add(self.skew) {
            TimeLimit::Created
        } else if now > expires.saturating_add(self.skew) {
            TimeLimit::Expires
        } else if now > created.saturating_add(max_age).saturating_add(self.skew) {
            TimeLimit::Age(max_age)
        } else {
            return Ok(());
        };
        Err(Rejection::Stale { created, expires, now, limit })
    }
}

/// A name that [`SignaturePolicy::with_proxy_fields`] does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the field `{name}` cannot be a proxy's: the signature, or where a request goes and ends, depends on it; name \
     only fields that your own proxy adds, such as `x-original-url`"
)]
#[non_exhaustive]
pub struct ProxyFieldError {
    /// The name.
    pub name: HeaderName,
}

/// What a 401 asks for (RFC 9421, section 5.1), as the value of `Accept-Signature`: the digest only where the
/// request announces content, since the list is exact.
#[must_use]
pub fn accept_signature(request: &HeaderMap) -> HeaderValue {
    HeaderValue::from_static(if announces_content(request) {
        "ta=(\"@method\" \"@target-uri\" \"content-type\" \"content-digest\" \"trusted-app-user\");\
         created;expires;nonce;keyid;tag=\"trusted-app\""
    } else {
        "ta=(\"@method\" \"@target-uri\" \"trusted-app-user\");created;expires;nonce;keyid;tag=\"trusted-app\""
    })
}

/// Whether a request's header announces content, of which not one byte need come: a proxy may send a request
/// without content in no chunk.
pub(super) fn announces_content(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING) || has_content(headers)
}

/// Whether a request's header says that a byte of content comes.
pub(super) fn has_content(headers: &HeaderMap) -> bool {
    let lengths = headers.get_all(CONTENT_LENGTH);
    lengths.iter().any(|length| length.as_bytes().iter().any(|byte| *byte != b'0'))
}

/// Whether a `Content-Encoding` names no coding but `identity`, which is none (RFC 9110, sections 8.4.1 and 12.5.3).
fn is_identity(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(CONTENT_ENCODING);
    let mut codings = lines.iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    codings.all(|coding| {
        let coding = coding.trim_ascii();
        coding.is_empty() || coding.eq_ignore_ascii_case(b"identity")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_that_is_passed_is_named() {
        let policy = SignaturePolicy::default();
        let second = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        let most = Duration::from_secs(30);
        for (expires, now, limit) in [
            (60, -31, Some(TimeLimit::Created)),
            (60, -30, None),
            (20, 50, None),
            (20, 51, Some(TimeLimit::Expires)),
            (60, 60, None),
            (60, 61, Some(TimeLimit::Age(most))),
            (60, 1000, Some(TimeLimit::Expires)),
        ] {
            let answer = policy.check_window(second(0), second(expires), second(now), most).err();
            let passed = answer.map(|refusal| match refusal {
                Rejection::Stale { limit, .. } => Some(limit),
                _ => None,
            });
            assert_eq!(passed, limit.map(Some), "expires {expires}, now {now}");
        }
    }

    fn headers<'f>(fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> HeaderMap {
        let name = |name: &str| HeaderName::try_from(name).unwrap();
        fields
            .into_iter()
            .map(|(field, value)| (name(field), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn what_the_signature_or_the_framing_depends_on_is_no_proxys_field() {
        for name in NEVER_A_PROXYS.iter().chain(&REQUEST_HEADERS) {
            let refused = SignaturePolicy::default().with_proxy_fields([name.clone()]).unwrap_err();
            assert!(refused.to_string().starts_with(&format!("the field `{name}` cannot be a proxy's")));
        }
        let others = [HeaderName::from_static("x-request-id"), HeaderName::from_static("cookie")];
        for name in COVER_IF_PRESENT.iter().chain(&others) {
            let policy = SignaturePolicy::default().with_proxy_fields([name.clone()]).unwrap();
            assert_eq!(policy.proxy_fields(), std::slice::from_ref(name));
        }
    }

    #[test]
    fn what_a_header_says_about_content() {
        for (fields, announces, has) in [
            (&[][..], false, false),
            (&[("content-length", "0")], false, false),
            (&[("content-length", "00")], false, false),
            (&[("content-length", "1")], true, true),
            (&[("content-length", "10")], true, true),
            (&[("transfer-encoding", "chunked")], true, false),
            (&[("transfer-encoding", "chunked"), ("content-length", "0")], true, false),
            (&[("transfer-encoding", "chunked"), ("content-length", "7")], true, true),
        ] {
            let headers = headers(fields.iter().copied());
            assert_eq!((announces_content(&headers), has_content(&headers)), (announces, has), "{fields:?}");
        }
    }

    #[test]
    fn the_hint_names_the_proxy_beside_the_peer_where_one_can_be_at_fault() {
        let field = Rejection::FieldNotCovered { field: HeaderName::from_static("x-original-url") };
        assert_eq!(field.to_string(), "the signature must cover `x-original-url`, which the request has");
        assert!(field.hint().contains("the peer") && field.hint().contains("with_proxy_fields"));
        assert!(!Rejection::not_covered("`@method`").hint().contains("proxy"));
    }
}
