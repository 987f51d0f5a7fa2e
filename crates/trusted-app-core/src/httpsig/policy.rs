//! What a signature must cover, and when it is good.

use std::borrow::Cow;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::digest::CONTENT_DIGEST;
use super::error::{Refusal, TimeLimit};
use super::input::Input;
use super::user::TRUSTED_APP_USER;
use crate::application::TrustedApplication;
use crate::clock::Timestamp;

/// The profile's rules that a server may set.
///
/// ```
/// use std::time::Duration;
/// use trusted_app_core::httpsig::Policy;
///
/// let policy = Policy::default()
///     .with_skew(Duration::from_secs(10))
///     .with_cover_if_present(["x-forwarded-prefix".parse()?]);
/// assert_eq!(policy.skew().as_secs(), 10);
/// // Not more than the profile allows.
/// assert_eq!(policy.with_skew(Duration::from_secs(3600)).skew(), Policy::MAX_SKEW);
/// # Ok::<_, http::header::InvalidHeaderName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    skew: Duration,
    cover_if_present: Cow<'static, [HeaderName]>,
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

impl Default for Policy {
    fn default() -> Self {
        Self {
            skew: Self::DEFAULT_SKEW,
            cover_if_present: Cow::Borrowed(&COVER_IF_PRESENT),
            unsigned_content: false,
        }
    }
}

impl Policy {
    /// How long after its creation a signature is good at most, whatever the application's time-out.
    pub const MAX_AGE: Duration = Duration::from_secs(300);
    /// How far two clocks may differ, unless stated.
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

    /// Whether content may go without a digest.
    #[must_use]
    pub fn allows_unsigned_content(&self) -> bool {
        self.unsigned_content
    }

    /// For how long a nonce must be remembered: longer than a signature with it is good on any server.
    #[must_use]
    pub fn nonce_lifetime(&self) -> Duration {
        Self::MAX_AGE + 2 * self.skew + Duration::from_secs(5)
    }

    /// When the nonce of a signature can be claimed at the latest: until then one that was claimed when its
    /// signature was good for the first time is remembered.
    pub(super) fn last_claim(&self, created: Timestamp) -> Timestamp {
        created.saturating_add(Self::MAX_AGE).saturating_add(self.skew)
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
    ) -> Result<(), Refusal> {
        let covers = |name: &str| input.covers(name);
        let must_cover = |name: &str| {
            if covers(name) { Ok(()) } else { Err(Refusal::coverage(format!("`{name}`"))) }
        };
        must_cover("@method")?;
        if !covers("@target-uri") && !["@authority", "@path", "@query"].into_iter().all(covers) {
            return Err(Refusal::coverage("`@target-uri`, or all of `@authority`, `@path` and `@query`"));
        }
        must_cover(TRUSTED_APP_USER.as_str())?;
        if has_content && !self.unsigned_content {
            must_cover(CONTENT_DIGEST.as_str())?;
        }
        if has_content {
            must_cover(CONTENT_TYPE.as_str())?;
        }
        let present = self.cover_if_present.iter().filter(|name| headers.contains_key(*name));
        present.map(HeaderName::as_str).try_for_each(must_cover)
    }

    /// Whether it is the time of this signature, as far as that can be told without its application.
    pub(super) fn check_window(
        &self,
        created: Timestamp,
        expires: Timestamp,
        now: Timestamp,
        max_age: Duration,
    ) -> Result<(), Refusal> {
        let limit = if created > now.saturating_add(self.skew) {
            TimeLimit::Created
        } else if now > expires.saturating_add(self.skew) {
            TimeLimit::Expires
        } else if now > created.saturating_add(max_age).saturating_add(self.skew) {
            TimeLimit::Age(max_age)
        } else {
            return Ok(());
        };
        Err(Refusal::Stale { created, expires, now, limit })
    }
}

/// What a 401 asks for (RFC 9421, section 5.1), as the value of `Accept-Signature`: the digest only where the
/// request had content, since the list is exact.
#[must_use]
pub fn accept_signature(request: &HeaderMap) -> HeaderValue {
    HeaderValue::from_static(if announces_content(request) {
        "ta=(\"@method\" \"@target-uri\" \"content-type\" \"content-digest\" \"trusted-app-user\");\
         created;expires;nonce;keyid;tag=\"trusted-app\""
    } else {
        "ta=(\"@method\" \"@target-uri\" \"trusted-app-user\");created;expires;nonce;keyid;tag=\"trusted-app\""
    })
}

/// Whether a request's header announces content. A body that comes all the same is refused when its
/// first byte does.
pub(super) fn announces_content(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING)
        || headers
            .get_all(CONTENT_LENGTH)
            .iter()
            .any(|length| length.as_bytes().iter().any(|byte| *byte != b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_that_is_passed_is_named() {
        let policy = Policy::default();
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
                Refusal::Stale { limit, .. } => Some(limit),
                _ => None,
            });
            assert_eq!(passed, limit.map(Some), "expires {expires}, now {now}");
        }
    }
}
