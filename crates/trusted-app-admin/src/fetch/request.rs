//! One request to an application, to addresses that were checked before.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{ACCEPT_ENCODING, CACHE_CONTROL};
use http::{Response, Uri};
use rustls::InvalidMessage;
use ureq::config::Config;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body, Timeout};
use url::Url;

use super::bounds::TIMEOUT;
use super::error::FetchErrorKind;

/// When a fetch must have come to its end.
#[derive(Clone, Copy)]
pub(super) struct Deadline {
    begun: Instant,
    within: Duration,
}

impl Deadline {
    pub(super) fn after(within: Duration) -> Self {
        Self { begun: Instant::now(), within }
    }

    fn left(self) -> Duration {
        self.within.saturating_sub(self.begun.elapsed())
    }

    pub(super) fn failure(self, error: ureq::Error) -> FetchErrorKind {
        match error {
            ureq::Error::Timeout(Timeout::Global) => FetchErrorKind::TookTooLong(self.within),
            error => failure(error),
        }
    }
}

/// The answer, whose body too must have come before the deadline. It is what the application serves now and not what a
/// cache kept of it; `Pragma` says no more to any cache that knows HTTP/1.1 (RFC 9111, section 5.4).
pub(super) fn get(agent: &Agent, url: &Url, deadline: Deadline) -> Result<Response<Body>, FetchErrorKind> {
    let request =
        agent.get(url.as_str()).header(CACHE_CONTROL, "no-cache").header(ACCEPT_ENCODING, "identity");
    let request = request.config().timeout_global(Some(deadline.left())).build();
    request.call().map_err(|error| deadline.failure(error))
}

fn failure(error: ureq::Error) -> FetchErrorKind {
    match error {
        ureq::Error::Timeout(_) => FetchErrorKind::TimedOut,
        ureq::Error::Tls(reason) => FetchErrorKind::Tls(reason.to_owned()),
        ureq::Error::Rustls(error) => FetchErrorKind::Tls(of_tls(&error)),
        ureq::Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused => FetchErrorKind::ConnectionRefused,
            ErrorKind::TimedOut => FetchErrorKind::TimedOut,
            _ => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
                Some(inner) => FetchErrorKind::Tls(of_tls(inner)),
                None => FetchErrorKind::Connection(error.to_string()),
            },
        },
        error => FetchErrorKind::Connection(error.to_string()),
    }
}

/// What rustls says of a plain answer does not tell what to do.
fn of_tls(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "that port does not speak TLS: ask by http, or at the port for https".to_owned()
        }
        error => error.to_string(),
    }
}

/// Answers every look-up with the addresses that were checked.
#[derive(Debug)]
struct Checked(Vec<SocketAddr>);

impl Resolver for Checked {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        for address in self.0.iter().take(16) {
            addresses.push(*address);
        }
        Ok(addresses)
    }
}

/// Asks these addresses only.
pub(super) fn agent(addresses: Vec<SocketAddr>, authorities: RootCerts) -> Agent {
    let tls = TlsConfig::builder()
        .root_certs(authorities)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_connect(Some(TIMEOUT))
        .timeout_recv_response(Some(TIMEOUT))
        .timeout_recv_body(Some(TIMEOUT))
        .user_agent(concat!("trusted-app/", env!("CARGO_PKG_VERSION")))
        .build();
    Agent::with_parts(config, DefaultConnector::default(), Checked(addresses))
}
