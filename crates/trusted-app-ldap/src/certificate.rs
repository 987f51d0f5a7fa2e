//! Why the server's certificate is not accepted.

use std::error::Error as _;

use ldap3::LdapError;
use rustls::CertificateError;
use rustls::pki_types::UnixTime;
use trusted_app_core::{BoxError, Timestamp};

/// What is wrong with the server's certificate, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateProblem {
    /// It is a certificate authority's, often a self-signed one that is both the server's and its own root.
    #[error(
        "it is the certificate of an authority (CA:TRUE), which cannot be a server's own: let the authority sign one \
         for the server (CA:FALSE), and state the authority's by `roots_pem`"
    )]
    OfAuthority,
    /// None of the roots has signed it.
    #[error(
        "no root that is trusted here has signed it: state the certificate of its authority by `roots_pem`, and let the \
         server send the ones in between"
    )]
    UnknownIssuer,
    /// A signature does not fit its key. Usually a root has the name of its authority and another key: the authority was
    /// set up again.
    #[error(
        "its signature does not fit the key of the root with its authority's name: if the authority was set up again, \
         state its present certificate by `roots_pem`"
    )]
    OtherKey,
    /// It is for other hosts than the one in the URL.
    #[error("it is for {}, not for `{host}`: {}", names_in_words(.names), match names.is_empty() {
        true => "let its authority sign one whose subjectAltName has the host (the common name does not count)",
        false => "take a name that it is for in the URL, or let its authority sign one for the host",
    })]
    OtherName {
        /// The host in the URL.
        host: String,
        /// The names and addresses in its subjectAltName.
        names: Vec<String>,
    },
    /// Its time is over.
    #[error("it expired at {}: renew it, or set the clock of this machine right", .0.to_rfc3339())]
    Expired(Timestamp),
    /// Its time has not come.
    #[error("it is not valid before {}: set the clock of this machine right", .0.to_rfc3339())]
    NotYetValid(Timestamp),
    /// Anything else that the TLS library says.
    #[error("{0}")]
    Other(BoxError),
}

fn names_in_words(names: &[String]) -> String {
    if names.is_empty() { "no name at all".to_owned() } else { format!("`{}`", names.join("`, `")) }
}

/// It comes wrapped in an error of the connection.
fn find(error: &LdapError) -> Option<&CertificateError> {
    let tls = match error {
        LdapError::Rustls { source } => source,
        LdapError::Io { source } => source.get_ref()?.downcast_ref()?,
        _ => return None,
    };
    match tls {
        rustls::Error::InvalidCertificate(error) => Some(error),
        _ => None,
    }
}

impl CertificateProblem {
    /// What kept a connection from being opened, if it was the certificate.
    pub(crate) fn found_in(error: &LdapError) -> Option<Self> {
        find(error).map(Self::of)
    }

    fn of(error: &CertificateError) -> Self {
        match error {
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::BadSignature => Self::OtherKey,
            CertificateError::NotValidForNameContext { expected, presented } => Self::OtherName {
                host: expected.to_str().into_owned(),
                names: presented.iter().map(|name| plain_name(name).to_owned()).collect(),
            },
            CertificateError::ExpiredContext { not_after, .. } => Self::Expired(timestamp(*not_after)),
            CertificateError::NotValidYetContext { not_before, .. } => {
                Self::NotYetValid(timestamp(*not_before))
            }
            // An error of webpki's, of which rustls makes no kind of its own.
            CertificateError::Other(other)
                if other.source().is_some_and(|source| source.to_string() == "CaUsedAsEndEntity") =>
            {
                Self::OfAuthority
            }
            other => Self::Other(other.to_string().into()),
        }
    }
}

/// rustls shows names as `DnsName("ldap.example.com")` and `IpAddress(127.0.0.1)`.
fn plain_name(shown: &str) -> &str {
    let inner = shown.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(shown).trim_matches('"')
}

fn timestamp(time: UnixTime) -> Timestamp {
    Timestamp::from_millis(i64::try_from(time.as_secs()).unwrap_or(i64::MAX).saturating_mul(1000))
}
