//! Certificate authorities that are trusted in place of the system's.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

/// Why a text names no certificate authorities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AuthoritiesError(String);

pub(super) fn parse(pem: &str) -> Result<RootCerts, AuthoritiesError> {
    let mut certificates: Vec<Certificate<'static>> = Vec::new();
    for item in parse_pem(pem.as_bytes()) {
        match item.map_err(|error| AuthoritiesError(error.to_string()))? {
            PemItem::Certificate(certificate) => certificates.push(certificate),
            _ => return Err(AuthoritiesError("something else than a certificate".to_owned())),
        }
    }
    if certificates.is_empty() {
        return Err(AuthoritiesError("no certificate".to_owned()));
    }
    // Those that cannot be read would be passed over when a connection is made.
    let mut store = RootCertStore::empty();
    for certificate in &certificates {
        let certificate = CertificateDer::from(certificate.der());
        store.add(certificate).map_err(|error| AuthoritiesError(error.to_string()))?;
    }
    Ok(certificates.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused() {
        for (pem, problem) in [
            ("", "no certificate"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "invalid peer certificate"),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "something else"),
        ] {
            let refused = parse(pem).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(refused.contains(problem), "{pem}: {refused}");
        }
    }
}
