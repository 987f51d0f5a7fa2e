//! Fetching another application's certificate document.

use http::Response;
use http::header::LOCATION;
use tower_trusted_app::limits::MAX_DOCUMENT_BYTES;
use tower_trusted_app::seraph::{CERTIFICATE_PATH, CertificateDocument, DocumentError};
use ureq::{Agent, Body};
use url::Url;

use super::bounds::{DOCUMENT_TIMEOUT, MAX_REDIRECTS};
use super::error::{FetchError, FetchErrorKind, Wanted};
use super::fetcher::{Fetched, Fetcher};
use super::request::{Deadline, get};
use super::status::FailedAnswer;
use super::{base_url, body};

impl Fetcher {
    /// Fetches the document of the application at `base_url`, or at the document's own URL. Needs a
    /// tokio runtime with I/O and time.
    ///
    /// # Errors
    ///
    /// A [`FetchError`], of one kind for each cause.
    pub async fn fetch(&self, base_url: &str) -> Result<Fetched, FetchError> {
        let (base, wanted) = (base_url.trim(), Wanted::CertificateDocument);
        let url = document_url(base).map_err(|kind| FetchError::new(wanted, base, base, kind))?;
        self.run(wanted, base, url, DOCUMENT_TIMEOUT, follow).await
    }
}

/// Where the document of the application at a base URL is.
fn document_url(base: &str) -> Result<Url, FetchErrorKind> {
    let mut url = base_url::parse(base)?;
    if !url.path().ends_with(CERTIFICATE_PATH) {
        let path = format!("{}{CERTIFICATE_PATH}", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    Ok(url)
}

/// The document, to which redirects may lead. Blocks.
fn follow(agent: &Agent, url: &mut Url, deadline: Deadline) -> Result<CertificateDocument, FetchErrorKind> {
    for _ in 0..=MAX_REDIRECTS {
        let answer = get(agent, url, deadline)?;
        match answer.status() {
            status if status.is_success() => return read(answer, deadline),
            status if status.is_redirection() => *url = redirected(url, &answer)?,
            status => return Err(FetchErrorKind::Status(FailedAnswer::of(status, answer.headers()))),
        }
    }
    Err(FetchErrorKind::TooManyRedirects)
}

fn redirected(url: &Url, answer: &Response<Body>) -> Result<Url, FetchErrorKind> {
    let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    let location = location.ok_or_else(|| {
        FetchErrorKind::BadRedirect(format!("answers {} and does not say where to go", answer.status()))
    })?;
    let bad = |reason| FetchErrorKind::BadRedirect(format!("redirects to {reason}"));
    let mut next = url.join(location).map_err(|error| bad(format!("{location}: {error}")))?;
    base_url::check(&next).map_err(bad)?;
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
    CertificateDocument::parse(&text).map_err(|error| match error {
        DocumentError::Key(error) if !html => FetchErrorKind::KeyNotSupported(error.to_string()),
        error => FetchErrorKind::NotADocument { html, error: error.to_string() },
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    use ureq::tls::RootCerts;

    use super::super::request::agent;
    use super::*;

    #[test]
    fn where_the_document_is() {
        for (base, url) in [
            ("http://wiki", "http://wiki/admin/appTrustCertificate"),
            ("https://wiki.example/ctx/", "https://wiki.example/ctx/admin/appTrustCertificate"),
            ("HTTPS://Wiki.Example:443/ctx//#top", "https://wiki.example/ctx/admin/appTrustCertificate"),
            ("http://[::1]:8080/x", "http://[::1]:8080/x/admin/appTrustCertificate"),
            ("http://wiki/admin/appTrustCertificate", "http://wiki/admin/appTrustCertificate"),
        ] {
            assert_eq!(document_url(base).unwrap().as_str(), url);
        }
        for base in [
            "junk",
            "file:///etc/passwd",
            "ftp://wiki",
            "http://",
            "http://a b/",
            "http://u:p@wiki",
            "http://wiki/?x",
            "http:wiki",
        ] {
            assert!(matches!(document_url(base), Err(FetchErrorKind::NotAUrl(_))), "{base}");
        }
        assert_eq!(document_url("").unwrap_err(), FetchErrorKind::Blank);
    }

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
            let agent = agent(vec![address], RootCerts::PlatformVerifier);
            let mut url = format!("http://{address}/").parse().unwrap();
            follow(&agent, &mut url, Deadline::after(within)).unwrap_err()
        };
        assert_eq!(kind(within), FetchErrorKind::TookTooLong(within));
        assert_eq!(kind(DOCUMENT_TIMEOUT), FetchErrorKind::TooManyRedirects);
    }
}
