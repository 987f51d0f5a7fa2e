//! Whom the server must prove to be.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use trusted_app_core::text;

use crate::error::ConfigError;

/// The certificates of a PEM text.
pub(crate) fn roots(pem: &[u8]) -> Result<RootCertStore, ConfigError> {
    let pem = text::decode(pem.to_vec()).map_err(|error| ConfigError::Roots(error.into()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| ConfigError::Roots(error.into()))?;
        roots.add(certificate).map_err(|error| ConfigError::Roots(error.into()))?;
    }
    if roots.is_empty() {
        return Err(ConfigError::Roots("no block begins with `-----BEGIN CERTIFICATE-----`".into()));
    }
    Ok(roots)
}

/// What the system trusts; a certificate of its store that cannot be read is passed over.
pub(crate) fn system_roots() -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(ConfigError::SystemRoots) } else { Ok(roots) }
}

/// With a provider of its own: what else the program does with TLS is not our business.
pub(crate) fn config(roots: RootCertStore) -> Result<Arc<ClientConfig>, ConfigError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::Tls(error.into()))?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = include_str!("../tests/data/authority.pem");

    #[test]
    fn roots_are_read_as_an_editor_saved_them() {
        let utf16: Vec<u8> = format!("\u{feff}{PEM}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        for pem in [
            PEM.as_bytes().to_vec(),
            format!("\u{feff}{PEM}").into_bytes(),
            PEM.replace('\n', "\r\n").into_bytes(),
            utf16,
        ] {
            assert_eq!(roots(&pem).unwrap().len(), 1);
        }
        for (pem, said) in [(&b""[..], "no block begins with"), (b"\xff-----BEGIN", "save the file as UTF-8")]
        {
            let refused = roots(pem).unwrap_err().to_string();
            assert!(refused.contains(said), "{refused}");
        }
    }
}
