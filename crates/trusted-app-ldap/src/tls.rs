//! Whom the server must prove to be.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::error::ConfigError;

/// The certificates of a PEM text.
pub(crate) fn roots(pem: &[u8]) -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| ConfigError::Roots(error.into()))?;
        roots.add(certificate).map_err(|error| ConfigError::Roots(error.into()))?;
    }
    if roots.is_empty() {
        return Err(ConfigError::Roots("there is none".into()));
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
