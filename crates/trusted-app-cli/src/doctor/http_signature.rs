//! What an answer to an HTTP message signature means.

use http::HeaderMap;
use http::header::VARY;
use tower_trusted_app::crypto::PrivateSignatureKey;
use tower_trusted_app::httpsig::{ACCEPT_SIGNATURE, Code, SigningRequest};
use tower_trusted_app::seraph;

use super::cause::{self, Cause, THEIR_LOG};
use super::clock::Difference;
use super::exchange::{Asked, TRUSTED_APP_ERROR};

pub(super) enum Answer {
    Accepted,
    /// `None` for a code that is none of the profile's.
    Refused(Option<Code>),
    NotLookedAt,
}

impl Answer {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        if let Some(error) = headers.get(TRUSTED_APP_ERROR) {
            return Self::Refused(error.to_str().ok().and_then(Self::code));
        }
        let varies = headers.get_all(VARY).iter().filter_map(|value| value.to_str().ok());
        let mut names = varies.flat_map(|value| value.split(','));
        match names.any(|name| name.trim().eq_ignore_ascii_case("trusted-app-user")) {
            true => Self::Accepted,
            false => Self::NotLookedAt,
        }
    }

    pub(super) fn code(name: &str) -> Option<Code> {
        Code::ALL.into_iter().find(|code| code.as_str() == name)
    }
}

/// The other side asks for credentials of Seraph.
pub(super) fn knows_seraph_only(headers: &HeaderMap) -> Option<Cause> {
    headers.contains_key(seraph::ERROR).then(|| {
        Cause::new(
            "the other side did not look at the signature, and asks for the headers of Seraph",
            "have it accept HTTP message signatures, or ask with an --identity; if it does accept them, a proxy takes \
             away Signature-Input",
        )
    })
}

pub(super) fn cause(
    code: Option<Code>,
    key: &PrivateSignatureKey,
    headers: &HeaderMap,
    asked: &Asked<'_>,
    clock: Option<Difference>,
) -> Cause {
    let key = key.public_key().thumbprint();
    match code {
        Some(Code::InvalidSignature) => Cause::new(
            "the other side does not accept the signature, and does not say why",
            format!(
                "have its administrator look whether the key {key} is registered and active, for the scheme \
                 http-signature and the address of this machine; if it is, {} is none of its public URLs, or a proxy \
                 changes the request: `trusted-app explain` compares that with its log",
                asked.url.origin()
            ),
        ),
        Some(Code::Stale) => Cause::new(
            "wrong clock: to the other side the signature is expired, too old or from the future",
            format!(
                "{}; it was signed at {} for {} s, and 30 s of difference are usual",
                cause::set_right(clock),
                asked.sent.to_rfc3339(),
                SigningRequest::DEFAULT_LIFETIME.as_secs()
            ),
        ),
        Some(Code::Forbidden) => Cause::new(
            "the signature holds; path, method or user are not allowed, and the other side does not say which",
            format!(
                "have its administrator look what the application of the key may do: GET of this path, as a user {}; \
                 {THEIR_LOG}",
                asked.user
            ),
        ),
        Some(Code::Coverage) => {
            let wanted = headers.get(ACCEPT_SIGNATURE).and_then(|wanted| wanted.to_str().ok());
            let wanted = wanted.map(|wanted| format!(", which asks for {wanted}")).unwrap_or_default();
            Cause::new(
                "the other side wants the signature to cover more than it does",
                format!(
                    "look for a proxy that adds a field such as Authorization, or a body; {THEIR_LOG}{wanted}"
                ),
            )
        }
        Some(Code::Required) => Cause::new(
            "the signature did not arrive",
            "look for a proxy that takes away Signature-Input, Signature or Trusted-App-User",
        ),
        Some(Code::Malformed) => Cause::new(
            "the signature did not arrive as it was sent",
            format!(
                "look for a proxy that changes Signature-Input, Signature or Trusted-App-User; {THEIR_LOG}"
            ),
        ),
        Some(Code::Ambiguous) => Cause::new(
            "a header of Seraph arrived beside the signature",
            "look for a proxy that adds X-Seraph-Trusted-App headers",
        ),
        Some(Code::DigestMismatch) => Cause::new(
            "a body arrived that is not the one that was signed",
            "look for a proxy that adds one or changes it: this command sends none",
        ),
        Some(Code::Replayed) => Cause::new(
            "the other side accepts each nonce once, and has had this one",
            "ask again: each run of this command makes a new signature; look for a proxy that sends requests twice",
        ),
        Some(Code::TooLarge) => Cause::new(
            "a body arrived that is too large for the other side",
            "look for a proxy that adds one: this command sends none",
        ),
        Some(Code::Overloaded) => Cause::new(
            "the other side cannot tell at present: a store is out of reach, or its memory for bodies is full",
            format!("nothing is wrong with the request; {THEIR_LOG}"),
        ),
        _ => Cause::new("the other side gives a reason that this command does not know", THEIR_LOG),
    }
}
