//! A rejection in the words of its request's protocol.

use std::fmt;

use crate::permission::PermissionRule;
use crate::rejection::{Class, Rejection};
use crate::seraph::{self, TransportError};
use crate::text::{cut, escaped};
use crate::{Scheme, httpsig};

/// In whose words a rejection is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Seraph's, of any version.
    Seraph,
    /// HTTP message signatures.
    HttpSignature,
}

impl From<Scheme> for Protocol {
    fn from(scheme: Scheme) -> Self {
        match scheme {
            Scheme::SeraphV3 | Scheme::InsecureSeraphV2 => Self::Seraph,
            #[cfg(feature = "insecure-seraph-v1")]
            Scheme::InsecureSeraphV1 | Scheme::InsecureSeraphV0 => Self::Seraph,
            Scheme::HttpSignature => Self::HttpSignature,
        }
    }
}

/// Why a request was not accepted, and what its peer is told: [code](Self::code), [detail](Self::detail) and the status
/// of the answer, by the protocol of the request.
///
/// `Display` is for the log: the code and the reason.
///
/// ```
/// use http::StatusCode;
/// use trusted_app_core::{Protocol, Rejected, Rejection};
///
/// let reason = Rejection::UserUnknown { user: "mallory".to_owned() };
/// let rejected = Rejected::new(Protocol::Seraph, reason.clone());
/// assert_eq!((rejected.code(), rejected.status()), ("USER_UNKNOWN", StatusCode::UNAUTHORIZED));
/// assert_eq!(rejected.detail(), "Unknown User: mallory");
///
/// // Who is known is not told here.
/// let rejected = Rejected::new(Protocol::HttpSignature, reason);
/// assert_eq!((rejected.code(), rejected.status()), ("forbidden", StatusCode::FORBIDDEN));
/// assert_eq!(rejected.detail(), "The request is not allowed");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    protocol: Protocol,
    rejection: Rejection,
}

impl Rejected {
    /// A rejection of a request with this protocol's credentials, or that should have had some.
    #[must_use]
    pub const fn new(protocol: Protocol, rejection: Rejection) -> Self {
        Self { protocol, rejection }
    }

    /// In whose words it is answered.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The reason.
    #[must_use]
    pub const fn reason(&self) -> &Rejection {
        &self.rejection
    }

    /// The short name, as it goes over the wire: `BAD_SIGNATURE` or `invalid_signature`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self.protocol {
            Protocol::Seraph => seraph::Code::of(&self.rejection).as_str(),
            Protocol::HttpSignature => httpsig::Code::of(&self.rejection).as_str(),
        }
    }

    /// What the peer is told beside the code.
    #[must_use]
    pub fn detail(&self) -> String {
        match self.protocol {
            Protocol::Seraph => TransportError::of(&self.rejection).message(),
            Protocol::HttpSignature => httpsig::Code::of(&self.rejection).detail().to_owned(),
        }
    }

    /// What it is for HTTP and gRPC.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self.protocol {
            Protocol::Seraph => seraph::class(&self.rejection),
            Protocol::HttpSignature => httpsig::Code::of(&self.rejection).class(),
        }
    }

    /// The HTTP status of the answer.
    #[must_use]
    pub const fn status(&self) -> http::StatusCode {
        self.class().status()
    }

    /// The gRPC status of the answer, as its number.
    #[must_use]
    pub const fn grpc_code(&self) -> i32 {
        self.class().grpc_code()
    }

    /// What an operator may do about it, for the log; never sent to the peer.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        self.rejection.hint()
    }

    /// The rule that denies the user, for the log; never sent to the peer.
    #[must_use]
    pub fn rule(&self) -> Option<&PermissionRule> {
        self.rejection.rule()
    }
}

/// For a log: what a peer sent cannot end the line, turn its direction round or steer a terminal.
impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.code())?;
        match (self.protocol, &self.rejection) {
            (Protocol::HttpSignature, reason) => reason.fmt(f),
            (Protocol::Seraph, Rejection::AuthorityUnknown { authority, host, .. }) => {
                let text = |host: &Option<String>| match host {
                    Some(host) => format!("`{}`", escaped(&cut(host.clone()))),
                    None => "none".to_owned(),
                };
                let (authority, host) = (text(authority), text(host));
                escaped(&self.detail()).fmt(f)?;
                write!(f, " (host of the target: {authority}; Host field: {host})")
            }
            (Protocol::Seraph, _) => escaped(&self.detail()).fmt(f),
        }
    }
}

impl std::error::Error for Rejected {}

#[cfg(test)]
mod tests {
    use super::*;

    fn seraph(reason: Rejection) -> Rejected {
        Rejected::new(Protocol::Seraph, reason)
    }

    #[test]
    fn what_a_peer_sent_stays_in_its_line() {
        let rejected =
            seraph(Rejection::UserUnknown { user: "a\u{1b}[2J\r\n\u{85}\u{2028}\u{202e}ë".to_owned() });
        let text = r"USER_UNKNOWN: Unknown User: a\u{1b}[2J\u{d}\u{a}\u{85}\u{2028}\u{202e}ë";
        assert_eq!(rejected.to_string(), text);
    }

    #[test]
    fn an_unknown_host_is_shown_beside_the_one_it_differs_from() {
        let rejected = seraph(Rejection::AuthorityUnknown {
            url: "//t.example:8080/rest".to_owned(),
            authority: Some("t.example:8080".to_owned()),
            host: Some("other\u{202e}".to_owned()),
        });
        let text = r"BAD_SIGNATURE: Bad signature for URL: //t.example:8080/rest (host of the target: `t.example:8080`; Host field: `other\u{202e}`)";
        assert_eq!(rejected.to_string(), text);
        assert_eq!(rejected.detail(), "Bad signature for URL: //t.example:8080/rest");
    }
}
