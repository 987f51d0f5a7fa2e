//! The requests of one fetch, all to addresses that were checked before.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, LOCATION};
use http::{Response, Uri};
use rustls::InvalidMessage;
use tower_trusted_app::limits::MAX_DOCUMENT_BYTES;
use tower_trusted_app::seraph::CertificateDocument;
use ureq::config::Config;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body, Timeout};
use url::Url;

use super::error::{Wanted, document_error};
use super::{FailedAnswer, FetchError, FetchErrorKind, MAX_REDIRECTS, TIMEOUT, body, check_url};

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

pub(super) struct Transfer {
    pub(super) base: String,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) authorities: RootCerts,
    pub(super) deadline: Deadline,
}

impl Transfer {
    /// The document, and from where it came in the end. Blocks.
    pub(super) fn run(self, mut url: Url) -> Result<(Url, CertificateDocument), FetchError> {
        let Self { base, addresses, authorities, deadline } = self;
        let agent = agent(addresses, authorities);
        let wanted = Wanted::CertificateDocument;
        let fail = |url: &Url, kind| FetchError { base: base.clone(), url: url.to_string(), wanted, kind };
        for _ in 0..=MAX_REDIRECTS {
            let answer = get(&agent, &url, deadline).map_err(|kind| fail(&url, kind))?;
            match answer.status() {
                status if status.is_success() => {
                    let document = read(answer, deadline).map_err(|kind| fail(&url, kind))?;
                    return Ok((url, document));
                }
                status if status.is_redirection() => {
                    url = redirected(&url, &answer).map_err(|kind| fail(&url, kind))?;
                }
                status => {
                    let failed = FailedAnswer::of(status, answer.headers());
                    return Err(fail(&url, FetchErrorKind::Status(failed)));
                }
            }
        }
        Err(fail(&url, FetchErrorKind::TooManyRedirects))
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

fn redirected(url: &Url, answer: &Response<Body>) -> Result<Url, FetchErrorKind> {
    let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    let location = location.ok_or_else(|| {
        FetchErrorKind::BadRedirect(format!("answers {} and does not say where to go", answer.status()))
    })?;
    let bad = |problem| FetchErrorKind::BadRedirect(format!("redirects to {problem}"));
    let mut next = url.join(location).map_err(|error| bad(format!("{location}: {error}")))?;
    check_url(&next).map_err(bad)?;
    next.set_fragment(None);
    if next.origin() != url.origin() {
        return Err(FetchErrorKind::RedirectedAway(next.to_string()));
    }
    Ok(next)
}

fn read(mut answer: Response<Body>, deadline: Deadline) -> Result<CertificateDocument, FetchErrorKind> {
    let html = body::says_html(answer.headers());
    let bytes = body::bytes(&mut answer, MAX_DOCUMENT_BYTES, deadline, FetchErrorKind::TooLarge { html })?;
    let html = html || body::looks_like_html(&bytes);
    let text = body::text(answer.headers(), bytes)?;
    CertificateDocument::parse(&text).map_err(|error| document_error(html, error))
}

fn failure(error: ureq::Error) -> FetchErrorKind {
    match error {
        ureq::Error::Timeout(_) => FetchErrorKind::TimedOut,
        ureq::Error::Tls(problem) => FetchErrorKind::Tls(problem.to_owned()),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Each answer comes in time, and leads to the next one.
    #[test]
    fn redirects_share_one_deadline() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let _ = connection.read(&mut [0; 1024]);
                thread::sleep(Duration::from_millis(400));
                let _ = connection.write_all(
                    b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                );
            }
        });
        let within = Duration::from_secs(1);
        let kind = |within| {
            let transfer = Transfer {
                base: String::new(),
                addresses: vec![address],
                authorities: RootCerts::PlatformVerifier,
                deadline: Deadline::after(within),
            };
            transfer.run(format!("http://{address}/").parse().unwrap()).unwrap_err().kind().clone()
        };
        assert_eq!(kind(within), FetchErrorKind::TookTooLong(within));
        assert_eq!(kind(super::super::DOCUMENT_TIMEOUT), FetchErrorKind::TooManyRedirects);
    }
}
