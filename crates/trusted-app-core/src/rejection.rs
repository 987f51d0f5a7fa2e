//! Why a request was refused: the one table of rejections.
//!
//! "Before" are the codes that may be answered before a signature was found to hold; whoever sees
//! one of the others has the application's private key. The peer sees the code and the message,
//! both in the response's `X-Seraph-Trusted-App-Error` header and in its body. The log has the same
//! and beside it the server-side facts: the rebuilt URL, the resolved address, the age, the rule.
//!
//! | Code | HTTP | gRPC | Before | What the peer sees | What to do |
//! |---|---|---|---|---|---|
//! | `MISSING_CERT` | 401 | 16 | yes | no credentials in the request | sign the request, or make the layer `optional()` |
//! | `BAD_PROTOCOL_VERSION` | 400, 401 | 3, 16 | yes | the version it sent and the highest it may use | set the peer to version 3 (Atlassian's products: the Java system property `trustedapps.protocol.version`), or list the scheme with the application; 0 is also a request without a version header |
//! | `APP_ID_NOT_FOUND` | 401 | 16 | yes | the id header is missing | mend the peer |
//! | `SECRET_KEY_NOT_FOUND` | 401 | 16 | yes | the key header is missing (version 2) | mend the peer |
//! | `MAGIC_NUMBER_NOT_FOUND` | 401 | 16 | yes | the magic header is missing (version 2) | mend the peer |
//! | `APP_UNKNOWN` | 401 | 16 | yes | the id it sent | register the application; ids are compared byte for byte |
//! | `BAD_MAGIC` | 401 | 16 | yes | which part could not be read | look whether a header was cut; compare the registered key's fingerprint with the peer's |
//! | `SYSTEM` | 401 | 16 | yes | the timestamp that is no number | mend the peer |
//! | `BAD_SIGNATURE` | 401 | 16 | yes | the URL as this server rebuilt it | compare that URL with the one the peer signed: host, scheme, port, context path, escapes; set the public URL; compare the key's fingerprint. Where the public URL is not written in its normal form there are two, and the signature holds for neither |
//! | `REPEATED_HEADER` | 400 | 3 | yes | which header came twice | look for a proxy that adds headers |
//! | `TOO_LARGE` | 400 | 3 | yes | what was too large, and the limit | mend the peer |
//! | `OLD_CERT` | 401 | 16 | no | when it was created, the time-out | compare the clocks; sign each request anew |
//! | `FUTURE_CERT` | 401 | 16 | no | how far ahead it was | compare the clocks |
//! | `BAD_METHOD` | 403 | 7 | no | the method | add the method to the application |
//! | `BAD_REMOTE_IP` | 403 | 7 | no | the address | add the address to the application |
//! | `BAD_XFORWARD_IP` | 403 | 7 | no | the forwarded address | add the address, or name the proxies as trusted; what has a port or a zone is no address |
//! | `UNKNOWN_PEER` | 403 | 7 | no | that this server does not know the address | serve with connection info (axum: `into_make_service_with_connect_info`) |
//! | `BAD_URL` | 403 | 7 | no | the path | add a path pattern to the application; if the path begins with `//`, take the slash off the end of the base URL that the peer has of this server |
//! | `AMBIGUOUS_URL` | 400 | 3 | no | the path and what is ambiguous in it | ask for the path in its plain form; `//` at its beginning as above |
//! | `USER_UNKNOWN` | 401 | 16 | no | the user name | create the user; names are compared byte for byte |
//! | `PERMISSION_DENIED` | 403 | 7 | no | nothing more | look at the rule that the log names |
//! | `REPLAYED` | 401 | 16 | no | when the certificate was created | have the peer sign each request anew, repetitions too; or turn the application's replay protection off |
//! | `UNAVAILABLE` | 503 | 14 | yes | nothing more | look at the store named in the log |
//!
//! These are the codes of Seraph. A request with an HTTP message signature is refused in the words of its own profile: see
//! [`httpsig::Code`](crate::httpsig::Code).

mod code;
mod hint;

use std::fmt;

use http::StatusCode;

use crate::clock::Timestamp;
use crate::httpsig::Refusal;
use crate::limits::MAX_REPEATED_BYTES;
use crate::permission::PermissionRule;
use crate::seraph::TransportError;
use crate::text::escaped;

pub use code::Code;

/// Why a request was refused. See the [module](self) for the table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// Credentials are required and the request has none.
    CredentialsMissing,
    /// The version header is no decimal integer of 32 bits.
    VersionNotANumber {
        /// What it is.
        version: String,
    },
    /// A version that this application may not use.
    VersionNotAllowed {
        /// The version of the request; 0 when it has none.
        version: i32,
        /// The highest that the application may use; `None` if it may use none of Seraph's.
        highest: Option<i32>,
    },
    /// No application id.
    ApplicationIdMissing,
    /// Version 2 without the key header.
    SecretKeyMissing,
    /// Version 2 without the magic header.
    MagicMissing,
    /// No application of that id is registered.
    ApplicationUnknown {
        /// The id sent.
        id: String,
    },
    /// A part of the credentials could not be read with the application's key.
    BadMagic {
        /// Which part.
        part: MagicPart,
        /// The application's id.
        application: String,
    },
    /// The certificate's first line is no number.
    TimestampNotANumber {
        /// What it is.
        timestamp: String,
        /// The application's id.
        application: String,
    },
    /// The signature header is absent.
    SignatureMissing,
    /// The signature does not hold for the URL as this server sees it, under any key of the
    /// application.
    BadSignature {
        /// The URL as this server rebuilt it, in its normal form.
        url: String,
        /// The same URL as the operator wrote it, where that differs: the signature does not hold for it either.
        as_written: Option<String>,
    },
    /// The request's authority is none of the configured public URLs, so that no URL could be
    /// rebuilt. To the peer this is a bad signature.
    AuthorityUnknown {
        /// The URL that the request itself states.
        url: String,
        /// The authority of the request's target: of its absolute form, or HTTP/2's `:authority`.
        authority: Option<String>,
        /// What its `Host` fields say.
        host: Option<String>,
    },
    /// A header that must come once came more often.
    RepeatedHeader {
        /// Its name.
        name: &'static str,
    },
    /// Something exceeds its [limit](crate::limits).
    TooLarge {
        /// What.
        what: &'static str,
        /// The limit, in bytes unless `what` says otherwise.
        limit: usize,
    },
    /// The certificate is older than the application's time-out.
    CertificateTooOld {
        /// The application's id.
        application: String,
        /// The certificate's timestamp.
        created: Timestamp,
        /// The time-out in milliseconds.
        timeout_ms: i64,
        /// This server's clock.
        now: Timestamp,
    },
    /// The certificate is from further in the future than any peer stamps ahead.
    CertificateFromFuture {
        /// The application's id.
        application: String,
        /// The certificate's timestamp.
        created: Timestamp,
        /// This server's clock.
        now: Timestamp,
    },
    /// The application may not use this method.
    MethodNotAllowed {
        /// The method.
        method: String,
    },
    /// The connection's address is not among the application's.
    AddressNotAllowed {
        /// The address.
        address: String,
    },
    /// An address in `X-Forwarded-For` or `Forwarded` is not among the application's, or is none.
    ForwardedAddressNotAllowed {
        /// The address, as it stands in the header.
        address: String,
    },
    /// The application has an address rule and this server does not know where the request comes
    /// from.
    PeerUnknown,
    /// No path pattern of the application covers the path.
    PathNotAllowed {
        /// The path below the context path.
        path: String,
    },
    /// A pattern covers the path, but the path could mean two things.
    PathAmbiguous {
        /// The path below the context path.
        path: String,
        /// What is ambiguous in it.
        reason: &'static str,
    },
    /// The directory knows nobody of that name.
    UserUnknown {
        /// The name in the certificate.
        user: String,
    },
    /// The user may not log in, or the application may not act as that user.
    PermissionDenied {
        /// The name in the certificate.
        user: String,
        /// The rule that refuses: for the log and the audit, never for the peer.
        rule: PermissionRule,
    },
    /// A request with this signature was accepted before, and the application's requests count once.
    Replayed {
        /// The application's id.
        application: String,
        /// The certificate's timestamp.
        created: Timestamp,
    },
    /// A store could not answer. Never a 401, never a pass.
    Unavailable {
        /// Which one.
        store: Store,
    },
    /// A request with an HTTP message signature, or one that should have had one.
    HttpSignature(Box<Refusal>),
}

/// Which part of the credentials could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MagicPart {
    /// The magic header, under the application's public key.
    PublicKey,
    /// The certificate (in version 2: under the secret key in the key header).
    SecretKey,
}

impl MagicPart {
    /// The original's words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PublicKey => "public key",
            Self::SecretKey => "secret key",
        }
    }
}

/// What could not answer in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Store {
    /// The key store.
    KeyStore,
    /// The user directory.
    UserDirectory,
    /// The replay store.
    ReplayStore,
    /// Too many requests are being verified at once.
    Verification,
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeyStore => "key store",
            Self::UserDirectory => "user directory",
            Self::ReplayStore => "replay store",
            Self::Verification => "verification",
        })
    }
}

impl Rejection {
    /// The short name, in the words of the request's scheme: `BAD_SIGNATURE` or `invalid_signature`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::HttpSignature(refusal) => refusal.code().as_str(),
            other => other.code().as_str(),
        }
    }

    /// The short name in Seraph's words; [`Code::Unknown`] of [`HttpSignature`](Self::HttpSignature), which
    /// has a [code of its own](Refusal::code).
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::CredentialsMissing => Code::MissingCert,
            Self::VersionNotANumber { .. } | Self::VersionNotAllowed { .. } => Code::BadProtocolVersion,
            Self::ApplicationIdMissing => Code::AppIdNotFound,
            Self::SecretKeyMissing => Code::SecretKeyNotFound,
            Self::MagicMissing => Code::MagicNumberNotFound,
            Self::ApplicationUnknown { .. } => Code::AppUnknown,
            Self::BadMagic { .. } => Code::BadMagic,
            Self::TimestampNotANumber { .. } => Code::ServerError,
            Self::SignatureMissing | Self::BadSignature { .. } | Self::AuthorityUnknown { .. } => {
                Code::BadSignature
            }
            Self::RepeatedHeader { .. } => Code::RepeatedHeader,
            Self::TooLarge { .. } => Code::TooLarge,
            Self::CertificateTooOld { .. } => Code::OldCert,
            Self::CertificateFromFuture { .. } => Code::FutureCert,
            Self::MethodNotAllowed { .. } => Code::BadMethod,
            Self::AddressNotAllowed { .. } => Code::BadRemoteIp,
            Self::ForwardedAddressNotAllowed { .. } => Code::BadXForwardIp,
            Self::PeerUnknown => Code::UnknownPeer,
            Self::PathNotAllowed { .. } => Code::BadUrl,
            Self::PathAmbiguous { .. } => Code::AmbiguousUrl,
            Self::UserUnknown { .. } => Code::UserUnknown,
            Self::PermissionDenied { .. } => Code::PermissionDenied,
            Self::Replayed { .. } => Code::Replayed,
            Self::Unavailable { .. } => Code::Unavailable,
            Self::HttpSignature(_) => Code::Unknown,
        }
    }

    /// The HTTP status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        if let Self::HttpSignature(refusal) = self {
            return refusal.code().status();
        }
        match self.grpc_code() {
            3 => StatusCode::BAD_REQUEST,
            7 => StatusCode::FORBIDDEN,
            14 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// The gRPC status of the answer: 3 malformed, 7 permission denied, 8 too large, 14 unavailable, 16
    /// unauthenticated.
    #[must_use]
    pub fn grpc_code(&self) -> i32 {
        match self {
            Self::HttpSignature(refusal) => refusal.code().grpc_code(),
            Self::VersionNotANumber { .. }
            | Self::RepeatedHeader { .. }
            | Self::TooLarge { .. }
            | Self::PathAmbiguous { .. } => 3,
            Self::MethodNotAllowed { .. }
            | Self::AddressNotAllowed { .. }
            | Self::ForwardedAddressNotAllowed { .. }
            | Self::PeerUnknown
            | Self::PathNotAllowed { .. }
            | Self::PermissionDenied { .. } => 7,
            Self::Unavailable { .. } => 14,
            _ => 16,
        }
    }

    /// The message as the peer sees it: the original's template and its parameters, of which it repeats
    /// [`MAX_REPEATED_BYTES`] each.
    #[must_use]
    pub fn to_transport_error(&self) -> TransportError {
        let (template, params): (&str, Vec<String>) = match self {
            Self::CredentialsMissing => ("Request has no Trusted Application certificate", vec![]),
            Self::VersionNotANumber { version } => ("Bad protocol version: {0}", vec![version.clone()]),
            Self::VersionNotAllowed { version, highest } => (
                "Unsupported protocol version: {0}. required {1}",
                vec![
                    version.to_string(),
                    highest.map_or_else(|| "none of them".to_owned(), |highest| highest.to_string()),
                ],
            ),
            Self::ApplicationIdMissing => ("Application ID not found in request", vec![]),
            Self::SecretKeyMissing => ("Secret Key not found in request", vec![]),
            Self::MagicMissing => ("Magic Number not found in request", vec![]),
            Self::ApplicationUnknown { id } => ("Unknown Application: {0}", vec![id.clone()]),
            Self::BadMagic { part, application } => (
                "Unable to decrypt certificate {0} for application {1}",
                vec![part.as_str().to_owned(), application.clone()],
            ),
            Self::TimestampNotANumber { timestamp, application } => (
                "Exception: {0} occurred serving request for application: {1}",
                vec![
                    format!("java.lang.NumberFormatException: For input string: \"{timestamp}\""),
                    application.clone(),
                ],
            ),
            Self::SignatureMissing => ("Missing signature in a v2 request", vec![]),
            Self::BadSignature { url, as_written: Some(as_written) } => {
                ("Bad signature for URL: {0} or {1}", vec![url.clone(), as_written.clone()])
            }
            Self::BadSignature { url, as_written: None } | Self::AuthorityUnknown { url, .. } => {
                ("Bad signature for URL: {0}", vec![url.clone()])
            }
            Self::RepeatedHeader { name } => {
                ("Header found more than once in request: {0}", vec![(*name).to_owned()])
            }
            Self::TooLarge { what, limit } => {
                ("Too large: {0}. At most {1}", vec![(*what).to_owned(), limit.to_string()])
            }
            Self::CertificateTooOld { application, created, timeout_ms, .. } => (
                "Certificate too old. Application: {0} Certificate Created: {1} Timeout: {2}",
                vec![application.clone(), created.to_java_date(), timeout_ms.to_string()],
            ),
            Self::CertificateFromFuture { application, created, .. } => (
                "Certificate from the future. Application: {0} Certificate Created: {1}",
                vec![application.clone(), created.to_java_date()],
            ),
            Self::MethodNotAllowed { method } => {
                ("Request not allowed to use method: {0}", vec![method.clone()])
            }
            Self::AddressNotAllowed { address } | Self::ForwardedAddressNotAllowed { address } => {
                ("Request not allowed from IP address: {0}", vec![address.clone()])
            }
            Self::PeerUnknown => ("Request not allowed from an unknown address", vec![]),
            Self::PathNotAllowed { path } => ("Request not allowed to access URL: {0}", vec![path.clone()]),
            Self::PathAmbiguous { path, reason } => (
                "Request not allowed to access ambiguous URL: {0} ({1})",
                vec![path.clone(), (*reason).to_owned()],
            ),
            Self::UserUnknown { user } => ("Unknown User: {0}", vec![user.clone()]),
            Self::PermissionDenied { .. } => ("Permission Denied", vec![]),
            Self::Replayed { application, created } => (
                "Certificate used before. Application: {0} Certificate Created: {1}",
                vec![application.clone(), created.to_java_date()],
            ),
            Self::Unavailable { .. } => ("Temporarily unable to tell whether the request is trusted", vec![]),
            Self::HttpSignature(refusal) => (refusal.code().detail(), vec![]),
        };
        TransportError::new(self.code(), template, params.into_iter().map(cut).collect())
    }

    /// The rule that refused a user, for the log; never sent to the peer.
    #[must_use]
    pub fn rule(&self) -> Option<&PermissionRule> {
        match self {
            Self::PermissionDenied { rule, .. } => Some(rule),
            Self::HttpSignature(refusal) => match &**refusal {
                Refusal::Condition(rejection) => rejection.rule(),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Cuts off what exceeds [`MAX_REPEATED_BYTES`], and shows that it did.
fn cut(mut text: String) -> String {
    let mut bytes = 0;
    let end = text.char_indices().find_map(|(at, character)| {
        bytes += escaped_len(character);
        (bytes > MAX_REPEATED_BYTES).then_some(at)
    });
    if let Some(end) = end {
        text.truncate(end);
        text.push_str("...");
    }
    text
}

/// The bytes that a character takes at most, escaped as our header or as `grpc-message` has it.
fn escaped_len(character: char) -> usize {
    match character {
        '0'..='9' | 'A'..='Z' | 'a'..='z' | '-' | '.' | '/' | ':' | '=' | '&' => 1,
        ' '..='~' => 3,
        other => 3 * other.len_utf8().max(2),
    }
}

/// Code and message, for a log: what a peer sent cannot end the line, turn its direction round or
/// steer a terminal.
impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name())?;
        let message = match self {
            Self::HttpSignature(refusal) => refusal.to_string(),
            other => other.to_transport_error().message(),
        };
        escaped(&message).fmt(f)?;
        match self {
            Self::AuthorityUnknown { authority, host, .. } => {
                let text = |host: Option<&String>| match host {
                    Some(host) => format!("`{}`", escaped(&cut(host.clone()))),
                    None => "none".to_owned(),
                };
                let (authority, host) = (text(authority.as_ref()), text(host.as_ref()));
                write!(f, " (host of the target: {authority}; Host field: {host})")
            }
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Rejection {}

#[cfg(test)]
mod tests {
    use super::Rejection;

    #[test]
    fn what_a_peer_sent_stays_in_its_line() {
        let rejection = Rejection::UserUnknown { user: "a\u{1b}[2J\r\n\u{85}\u{2028}\u{202e}ë".to_owned() };
        let text = r"USER_UNKNOWN: Unknown User: a\u{1b}[2J\u{d}\u{a}\u{85}\u{2028}\u{202e}ë";
        assert_eq!(rejection.to_string(), text);
    }

    #[test]
    fn an_unknown_host_is_shown_beside_the_one_it_differs_from() {
        let rejection = Rejection::AuthorityUnknown {
            url: "//t.example:8080/rest".to_owned(),
            authority: Some("t.example:8080".to_owned()),
            host: Some("other\u{202e}".to_owned()),
        };
        let text = r"BAD_SIGNATURE: Bad signature for URL: //t.example:8080/rest (host of the target: `t.example:8080`; Host field: `other\u{202e}`)";
        assert_eq!(rejection.to_string(), text);
        assert_eq!(rejection.to_transport_error().params(), ["//t.example:8080/rest"]);
    }
}
