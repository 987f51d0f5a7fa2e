//! How other servers are asked.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use rustls::InvalidMessage;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

/// How long connecting, and then each part of the answer, may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks directly, over https with the certificate authorities that this system trusts, and follows no
/// redirect.
pub(crate) fn agent() -> Agent {
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_resolve(Some(TIMEOUT))
        .timeout_connect(Some(TIMEOUT))
        .timeout_recv_response(Some(TIMEOUT))
        .timeout_recv_body(Some(TIMEOUT))
        .user_agent(concat!("trusted-app/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

/// Said of an answer that is not TLS, as of a port that speaks plain HTTP.
pub(crate) const NO_TLS: &str = "that port does not speak TLS";

/// Why there is no answer.
pub(crate) fn reason(error: ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("no answer within {} seconds", TIMEOUT.as_secs()),
        ureq::Error::Rustls(error) if is_no_tls(&error) => NO_TLS.to_owned(),
        ureq::Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
            "connection refused".to_owned()
        }
        ureq::Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(inner) if is_no_tls(inner) => NO_TLS.to_owned(),
            _ => error.to_string(),
        },
        error => error.to_string(),
    }
}

fn is_no_tls(error: &rustls::Error) -> bool {
    matches!(error, rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType))
}
