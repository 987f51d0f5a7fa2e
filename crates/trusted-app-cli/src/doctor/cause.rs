//! What an answer means, and what is to be done about it.

use http::HeaderName;
use http::header::LOCATION;
use tower_trusted_app::LocalApplication;
use tower_trusted_app::conditions::{ALLOWED_SKEW, STAMPED_AHEAD};
use tower_trusted_app::seraph::{Code, TransportError};

use super::clock::Difference;
use super::exchange::{Asked, Received};
use crate::client;
use crate::signer::Signer;
use crate::span::spelled;
use crate::url::Url;

/// What an answer means.
pub(super) struct Cause {
    pub(super) what: String,
    /// What to do, and on which side.
    pub(super) advice: String,
}

pub(super) const THEIR_LOG: &str = "look into the other side's log, which has the reason";

impl Cause {
    pub(super) fn new(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.into(), advice: advice.into() }
    }

    /// The other side rejected, in the words of Seraph.
    pub(super) fn of(
        error: &TransportError,
        identity: &LocalApplication,
        asked: &Asked<'_>,
        clock: Option<Difference>,
    ) -> Self {
        let (id, user) = (identity.id(), asked.user);
        let first = error.params().first().map(String::as_str);
        let named = first.unwrap_or("(it does not say)");
        let lost = |header: &str| {
            Self::new(
                format!("the header {header} did not arrive"),
                "look for a proxy between the two sides that takes away X-Seraph-Trusted-App headers",
            )
        };
        match error.code() {
            Code::BadSignature => bad_signature(error.params(), identity, asked),
            Code::BadMagic => other_key(identity),
            Code::OldCert => Self::new(
                "wrong clock: to the other side the request came too late",
                too_late(error, asked, clock),
            ),
            Code::FutureCert => Self::new(
                "wrong clock: to the other side the request comes from the future",
                too_early(clock),
            ),
            Code::BadRemoteIp => Self::new(
                format!("address not allowed: the other side sees the request come from {named}"),
                format!(
                    "if {named} is this machine's, have its administrator add it to the addresses of {id}; if it is a \
                     proxy's, the other side must be told which proxies it trusts"
                ),
            ),
            Code::BadXForwardIp => Self::new(
                format!("address not allowed: a proxy says that the request was forwarded for {named}"),
                format!(
                    "have the other side's administrator add {named} to the addresses of {id}, or name its proxies as trusted"
                ),
            ),
            Code::UnknownPeer => Self::new(
                "address not allowed: the other side has a rule for addresses, and does not know its peers' addresses",
                "its server must pass on the peer's address; with axum by `into_make_service_with_connect_info`",
            ),
            Code::BadUrl | Code::AmbiguousUrl if named.starts_with("//") => Self::new(
                format!("path not allowed: {named} begins with two slashes"),
                "take the slash from the end of the base URL to which the client adds its paths, and ask for the path with \
                 one slash",
            ),
            Code::BadUrl => Self::new(
                format!("path not allowed: {named}"),
                format!(
                    "have the other side's administrator add a pattern for it to the paths of {id}, or ask for another path"
                ),
            ),
            Code::AmbiguousUrl => Self::new(
                format!("path not allowed: {named} could be read in two ways"),
                "ask for the path in its plain form, without // or .. or needless escapes",
            ),
            Code::BadMethod => Self::new(
                format!("method not allowed: {named}"),
                format!("have the other side's administrator add the method to {id}; this command sends GET"),
            ),
            Code::UserUnknown => Self::new(
                format!("unknown user: the other side knows nobody of the name {named}"),
                "names must be the same on both sides, letter for letter; create the user there, or try another",
            ),
            Code::PermissionDenied => Self::new(
                format!("the user {user} may not log in there, or {id} may not act as that user"),
                "administrators are refused unless the application's settings allow them; the other side's log names the rule",
            ),
            Code::AppUnknown => Self::new(
                format!("unknown application: nothing is registered there under the id {id}"),
                format!("have the other side's administrator add {id}; ids are compared letter for letter"),
            ),
            Code::BadProtocolVersion => Self::new(
                format!("version 3 of the protocol is not allowed for {id} there"),
                "have the other side list seraph-v3 among the application's schemes; Atlassian's servers speak version 2 \
                 unless their JVM is started with -Dtrustedapps.protocol.version=3",
            ),
            Code::MissingCert => lost("X-Seraph-Trusted-App-Cert"),
            Code::AppIdNotFound => lost("X-Seraph-Trusted-App-ID"),
            Code::SecretKeyNotFound => lost("X-Seraph-Trusted-App-Key"),
            Code::MagicNumberNotFound => lost("X-Seraph-Trusted-App-Magic"),
            Code::RepeatedHeader => Self::new(
                format!("a header came twice: {named}"),
                "look for a proxy between the two sides that repeats headers",
            ),
            Code::TooLarge => {
                Self::new(format!("the request is too large: {named}"), "take a shorter URL or user name")
            }
            Code::Replayed => Self::new(
                "the other side accepts each signature once, and has had this one",
                "ask again: each run of this command makes a new signature; look for a proxy that sends requests twice",
            ),
            Code::Unavailable => Self::new(
                "the other side cannot tell at present: its registry, its users or another store is out of reach",
                format!("nothing is wrong with the request; {THEIR_LOG}"),
            ),
            Code::ServerError => {
                Self::new("the other side could not read the request's certificate", THEIR_LOG)
            }
            _ => Self::new("the other side gives a reason that this command does not know", THEIR_LOG),
        }
    }

    /// It rejected in words that are no error of the protocol.
    pub(super) fn unreadable() -> Self {
        Self::new("the answer's X-Seraph-Trusted-App-Error header is not in the protocol's form", THEIR_LOG)
    }

    /// It accepted, which its application may yet answer with an error of its own.
    pub(super) fn of_acceptance(asked: &Asked<'_>, received: &Received) -> Self {
        let (status, location) = (received.status, received.text(LOCATION));
        let who = match asked.signer {
            Signer::Seraph(identity) => identity.id().to_string(),
            Signer::HttpSignature(_) => "the key's application".to_owned(),
        };
        let what = format!("none: the other side answers {who} as {}", asked.user);
        if let (true, Some(location)) = (status.is_redirection(), location) {
            let advice = format!(
                "the {status} leads to {location}. If that is its log-in, the signature was accepted and the page is for \
                 logged-in users all the same: have the application behind it answer the user whom the trusted request \
                 names; if it is another page, ask for that"
            );
            return Self::new(what, advice);
        }
        if status.is_client_error() || status.is_server_error() {
            let advice = format!("the {status} is what its application says to that user at this URL");
            return Self::new(what, advice);
        }
        Self::new(what, "nothing")
    }

    /// The same where the answer's body alone says so.
    pub(super) fn without_header(self, header: &HeaderName) -> Self {
        let advice = format!(
            "{}. A proxy took the header {header} from the answer, so that clients are not told: have it let that through",
            self.advice
        );
        Self { advice, ..self }
    }
}

/// The URL that it saw says whether the URL or the key is to blame.
fn bad_signature(seen: &[String], identity: &LocalApplication, asked: &Asked<'_>) -> Cause {
    let signed = asked.url.to_string();
    // A second is the same URL as the other side's operator wrote it.
    let Some(seen) = seen.first().filter(|_| !seen.contains(&signed)) else {
        let cause = other_key(identity);
        let host = asked.url.origin();
        return Cause {
            advice: format!(
                "{}; if they are the same, {host} is none of the other side's public URLs",
                cause.advice
            ),
            ..cause
        };
    };
    let part = match seen.parse::<Url>() {
        Ok(url) if url.origin() == asked.url.origin() => {
            "the path differs: a proxy rewrites it, or the other side's context path is set wrongly"
        }
        Ok(_) => "scheme, host or port differ: set the other side's public URL to what its clients use",
        Err(_) => "set the other side's public URL to what its clients use",
    };
    Cause::new(
        format!("wrong public URL: {signed} was signed, and the other side takes it for {seen}"),
        format!("{part}; or ask by the URL that it expects"),
    )
}

fn other_key(identity: &LocalApplication) -> Cause {
    let (id, key) = (identity.id(), identity.public_key().fingerprint());
    Cause::new(
        format!("wrong key: what is registered there for {id} is not the key of this identity"),
        format!("compare the fingerprint that the other side shows for {id} with SHA256 {key}"),
    )
}

/// The error itself tells by how much the other side's clock must be ahead at least.
fn too_late(error: &TransportError, asked: &Asked<'_>, clock: Option<Difference>) -> String {
    let timeout = error.params().get(2).and_then(|timeout| timeout.parse::<i64>().ok()).unwrap_or_default();
    let ahead = i64::try_from(STAMPED_AHEAD.as_millis()).unwrap_or_default().saturating_add(timeout);
    let bound = format!(
        "by the error itself the other side's clock is at least {} ahead of {}",
        spelled(ahead),
        asked.sent.to_rfc3339()
    );
    format!("{}; {bound}", set_right(clock))
}

fn too_early(clock: Option<Difference>) -> String {
    let behind = i64::try_from(ALLOWED_SKEW.as_millis()).unwrap_or_default();
    format!(
        "{}; by the error itself the other side's clock is more than {} behind ours",
        set_right(clock),
        spelled(behind)
    )
}

pub(super) fn set_right(clock: Option<Difference>) -> String {
    match clock {
        Some(clock) if clock.is_small() => {
            "the Date header agrees with our clock, so it may be a proxy's: look at the clock of the server behind it"
                .to_owned()
        }
        Some(clock) => format!("{clock}: set the wrong one right, by NTP on both sides"),
        None => "compare the clocks of both sides, and set them by NTP".to_owned(),
    }
}

/// No answer came.
pub(super) fn of_no_answer(url: &Url, error: ureq::Error) -> String {
    let is_tls = matches!(error, ureq::Error::Rustls(_) | ureq::Error::Tls(_))
        || matches!(&error, ureq::Error::Io(error) if is_of_tls(error));
    let reason = client::reason(error);
    let is_unknown = ["host not found", "failed to lookup"].iter().any(|text| reason.starts_with(text));
    if is_tls {
        let hint = if reason.contains("certificate") {
            "the certificate is not one that this system trusts for that name"
        } else if reason == client::NO_TLS {
            "ask by http, or at the port for https"
        } else {
            "does that port speak TLS?"
        };
        return format!("TLS: {url}: {reason}: {hint}");
    }
    let hint = if is_unknown {
        "is the host's name right?"
    } else {
        "are host and port right, and is the server up?"
    };
    format!("unreachable: {url}: {reason}: {hint}")
}

fn is_of_tls(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}
