//! What a log says about a rejection.

use std::fmt;

use super::Rejection;
use crate::text::{cut, escaped};

/// For a log: what a peer sent cannot end the line, turn its direction round or steer a terminal.
impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Bounded by itself, and of no use if cut.
            Self::BadSignatureBase { .. } => escaped(&self.text()).fmt(f),
            _ => escaped(&cut(self.text())).fmt(f),
        }
    }
}

impl Rejection {
    fn text(&self) -> String {
        match self {
            Self::CredentialsMissing => "the request has no credentials".to_owned(),
            Self::TwoSchemes => "credentials of two schemes in one request".to_owned(),
            Self::Malformed { problem } => problem.clone(),
            Self::RepeatedHeader { name } => format!("the header {name} came more than once"),
            Self::TooLarge { what, limit } => format!("too large: {what}; at most {limit}"),
            Self::VersionNotANumber { version } => format!("the version `{version}` is no number"),
            Self::VersionNotAllowed { version, highest: None } => {
                format!("version {version}, and the application may use none of Seraph's")
            }
            Self::VersionNotAllowed { version, highest: Some(highest) } => {
                format!("version {version}, which the application may not use; its highest is {highest}")
            }
            Self::SchemeNotAllowed => "the application may not use HTTP message signatures".to_owned(),
            Self::ApplicationIdMissing => "the application's id is missing".to_owned(),
            Self::SecretKeyMissing => "the secret key is missing".to_owned(),
            Self::MagicMissing => "the magic number is missing".to_owned(),
            Self::ApplicationUnknown { id } => format!("no application has the id `{id}`"),
            Self::KeyUnknown { key } => format!("no key `{key}` is known, or it is not in use"),
            Self::AlgorithmMismatch => "the signature states an algorithm that is not its key's".to_owned(),
            Self::BadMagic { part, application } => {
                format!("the {} of the application `{application}` cannot be read", part.as_str())
            }
            Self::TimestampNotANumber { timestamp, application } => {
                format!("the timestamp `{timestamp}` of the application `{application}` is no number")
            }
            Self::SignatureMissing => "the signature is missing".to_owned(),
            Self::BadSignature { url, as_written: None } => {
                format!("the signature does not hold for {url}")
            }
            Self::BadSignature { url, as_written: Some(written) } => {
                format!("the signature holds for neither {url} nor {written}")
            }
            Self::BadSignatureBase { base } => {
                format!("the signature does not hold for this signature base:\n{base}")
            }
            Self::NotCovered { what } => format!("the signature must cover {what}"),
            Self::FieldNotCovered { field } => {
                format!("the signature must cover `{field}`, which the request has")
            }
            Self::AuthorityUnknown { url, authority, host } => {
                let text = |host: &Option<String>| match host {
                    Some(host) => format!("`{host}`"),
                    None => "none".to_owned(),
                };
                let (authority, host) = (text(authority), text(host));
                format!(
                    "no public URL is that of {url} (host of the target: {authority}; Host field: {host})"
                )
            }
            Self::CertificateTooOld { application, created, timeout_ms, now } => format!(
                "the certificate of the application `{application}` is older than {timeout_ms} ms: created at {}, now \
                 it is {}",
                created.to_rfc3339(),
                now.to_rfc3339()
            ),
            Self::CertificateFromFuture { application, created, now } => format!(
                "the certificate of the application `{application}` is from the future: created at {}, now it is {}",
                created.to_rfc3339(),
                now.to_rfc3339()
            ),
            Self::Stale { created, expires, now, limit } => format!(
                "{limit}: created at {}, expires at {}, now it is {}",
                created.to_rfc3339(),
                expires.to_rfc3339(),
                now.to_rfc3339()
            ),
            Self::MethodNotAllowed { method } => format!("the application may not use the method {method}"),
            Self::AddressNotAllowed { address } => {
                format!("{address} is not among the application's addresses")
            }
            Self::ForwardedAddressNotAllowed { address } => {
                format!("the forwarded address `{address}` is not among the application's addresses")
            }
            Self::PeerUnknown => "the address of the peer is not known".to_owned(),
            Self::PathNotAllowed { path } => format!("no path pattern of the application covers `{path}`"),
            Self::PathAmbiguous { path, reason } => format!("the path `{path}` is ambiguous: {reason}"),
            Self::TenantUnknown { tenant } => {
                format!("the request is for a user of the tenant `{tenant}`, and there are no tenants here")
            }
            Self::UserUnknown { user } => format!("there is no user `{user}`"),
            Self::PermissionDenied { user, .. } => format!("the application may not act as `{user}`"),
            Self::ContentMismatch => "the body has another digest than was signed".to_owned(),
            Self::ContentTooLarge { limit } => format!("the body is larger than {limit} bytes"),
            Self::ContentNotHeld { reason } => format!("the body cannot be held at present: {reason}"),
            Self::Replayed { application, created } => format!(
                "a request that counts once came again: of the application `{application}`, created at {}",
                created.to_rfc3339()
            ),
            Self::Unavailable { store } => format!("the {store} did not answer"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_sent_stays_in_its_line() {
        let rejection = Rejection::UserUnknown { user: "a\u{1b}[2J\r\n\u{85}\u{2028}\u{202e}ë".to_owned() };
        let text = r"there is no user `a\u{1b}[2J\u{d}\u{a}\u{85}\u{2028}\u{202e}ë`";
        assert_eq!(rejection.to_string(), text);
    }
}
