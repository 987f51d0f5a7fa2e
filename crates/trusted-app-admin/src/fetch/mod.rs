//! Fetching another application's certificate document or key directory.

mod authorities;
mod body;
mod directory;
mod error;
mod policy;
mod resolve;
mod status;
mod transfer;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_trusted_app::seraph::{CERTIFICATE_PATH, CertificateDocument};
use ureq::tls::RootCerts;
use url::Url;

use self::error::Wanted;
use self::transfer::{Deadline, Transfer};

pub use authorities::AuthoritiesError;
pub use directory::{DIRECTORY_TIMEOUT, FetchedDirectory};
pub use error::{FetchError, FetchErrorKind};
pub use policy::AddressPolicy;
pub use resolve::{Resolve, SystemResolver};
pub use status::FailedAnswer;

/// How long it may take to look up the host, to connect, until the answer begins, and then until it
/// has come to its end.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// How long the fetch of a certificate document may take in all, with the look-up of the host and all redirects.
pub const DOCUMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// Most fetches of one fetcher, its clones included, that are under way at once.
pub const MAX_FETCHES: usize = 8;

const MAX_REDIRECTS: usize = 5;
const MAX_URL_BYTES: usize = 2048;

/// Fetches certificate documents and key directories.
///
/// Over http and https only, https with the certificate authorities that this system trusts or with
/// [others](Self::authorities). The host is looked up once and only the addresses that were checked are connected to; no proxy of
/// the environment is asked; caches are asked for what the application serves now (`Cache-Control: no-cache`); redirects
/// are followed within the origin only; an answer is not compressed, has at most 16 KiB and takes at most
/// [`DOCUMENT_TIMEOUT`]. At most [`MAX_FETCHES`] are under way at once.
///
/// ```
/// use trusted_app_admin::fetch::{FetchErrorKind, Fetcher};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// // Whoever may ask for a fetch could else reach what only this server can.
/// let refused = Fetcher::default().fetch("http://127.0.0.1:8080/").await.unwrap_err();
/// assert_eq!(*refused.kind(), FetchErrorKind::AddressRefused([127, 0, 0, 1].into()));
/// # }
/// ```
#[derive(Clone)]
pub struct Fetcher {
    policy: AddressPolicy,
    resolver: Arc<dyn Resolve>,
    authorities: RootCerts,
    free: Arc<Semaphore>,
}

/// What another application publishes, and where it was found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Fetched {
    /// The id and the key.
    pub document: CertificateDocument,
    /// The URL that was asked for, trimmed.
    pub base_url: String,
    /// From where the document came in the end.
    pub url: String,
    /// The addresses of its host.
    pub addresses: Vec<IpAddr>,
    /// Whether it came without TLS, so that anybody on the way could have put in another key.
    pub without_tls: bool,
}

impl Fetcher {
    /// A fetcher that goes where the policy allows.
    #[must_use]
    pub fn new(policy: AddressPolicy) -> Self {
        let free = Arc::new(Semaphore::new(MAX_FETCHES));
        Self { policy, resolver: Arc::new(SystemResolver), authorities: RootCerts::PlatformVerifier, free }
    }

    /// Looks up hosts by something else than the system.
    #[must_use]
    pub fn resolver(self, resolver: impl Resolve) -> Self {
        Self { resolver: Arc::new(resolver), ..self }
    }

    /// Trusts the certificate authorities in this PEM text alone, in place of the system's: for
    /// applications whose certificates are signed by a private authority. A name that does not
    /// stand in the certificate is refused as before.
    ///
    /// # Errors
    ///
    /// When the text has no certificate, or one that cannot be an authority's.
    pub fn authorities(self, pem: &str) -> Result<Self, AuthoritiesError> {
        Ok(Self { authorities: authorities::parse(pem)?, ..self })
    }

    /// Fetches the document of the application at `base_url`, or at the document's own URL. Needs a
    /// tokio runtime with I/O and time.
    ///
    /// # Errors
    ///
    /// A [`FetchError`], of one kind for each cause.
    pub async fn fetch(&self, base_url: &str) -> Result<Fetched, FetchError> {
        let base = base_url.trim();
        let wanted = Wanted::CertificateDocument;
        let fail = |url: &str, kind| FetchError { base: base.to_owned(), url: url.to_owned(), wanted, kind };
        let url = document_url(base).map_err(|kind| fail(base, kind))?;
        let place = self.place().map_err(|kind| fail(url.as_str(), kind))?;
        let deadline = Deadline::after(DOCUMENT_TIMEOUT);
        let addresses = self.addresses(&url).await.map_err(|kind| fail(url.as_str(), kind))?;
        let transfer = Transfer {
            base: base.to_owned(),
            addresses: addresses.clone(),
            authorities: self.authorities.clone(),
            deadline,
        };
        let start = url.clone();
        let run = move || {
            let _place = place;
            transfer.run(start)
        };
        let (url, document) = tokio::task::spawn_blocking(run)
            .await
            .map_err(|_| fail(url.as_str(), FetchErrorKind::Internal))??;
        let mut addresses: Vec<_> = addresses.iter().map(|address| address.ip().to_canonical()).collect();
        addresses.dedup();
        Ok(Fetched {
            document,
            base_url: base.to_owned(),
            without_tls: url.scheme() == "http",
            url: url.into(),
            addresses,
        })
    }

    /// One of the [`MAX_FETCHES`]; nobody who hangs up ends a transfer, so it belongs to that.
    fn place(&self) -> Result<OwnedSemaphorePermit, FetchErrorKind> {
        Arc::clone(&self.free).try_acquire_owned().map_err(|_| FetchErrorKind::Busy)
    }

    /// The addresses of the host, every one of which must be allowed: which one is asked is not for
    /// whoever owns the name to choose.
    async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, FetchErrorKind> {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let addresses = match policy::literal(host) {
            Some(address) => vec![SocketAddr::new(address, port)],
            None => tokio::time::timeout(TIMEOUT, self.resolver.resolve(host, port))
                .await
                .map_err(|_| FetchErrorKind::TimedOut)?
                .map_err(|_| FetchErrorKind::UnknownHost)?,
        };
        if addresses.is_empty() {
            return Err(FetchErrorKind::UnknownHost);
        }
        match addresses.iter().find(|address| !self.policy.allows(address.ip())) {
            Some(refused) => Err(FetchErrorKind::AddressRefused(refused.ip().to_canonical())),
            None => Ok(addresses),
        }
    }
}

impl Default for Fetcher {
    /// A fetcher of public addresses.
    fn default() -> Self {
        Self::new(AddressPolicy::default())
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// Where the document of the application at a base URL is.
fn document_url(base: &str) -> Result<Url, FetchErrorKind> {
    let mut url = base_url(base)?;
    if !url.path().ends_with(CERTIFICATE_PATH) {
        let path = format!("{}{CERTIFICATE_PATH}", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    Ok(url)
}

/// A URL as an administrator types it.
fn base_url(base: &str) -> Result<Url, FetchErrorKind> {
    let not = |problem: &str| FetchErrorKind::NotAUrl(problem.to_owned());
    if base.is_empty() {
        return Err(FetchErrorKind::Blank);
    }
    if base.len() > MAX_URL_BYTES {
        return Err(not("a base URL is at most 2048 bytes long"));
    }
    if base.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(not("a URL has no blanks and no control characters"));
    }
    let scheme = base.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    if !matches!(scheme.as_deref(), Some("http" | "https")) {
        return Err(not("a URL begins with http:// or https://"));
    }
    let mut url = Url::parse(base).map_err(|error| not(&error.to_string()))?;
    check_url(&url).map_err(|problem| not(&problem))?;
    if url.query().is_some() {
        return Err(not("a base URL has no query"));
    }
    url.set_fragment(None);
    Ok(url)
}

/// What every URL must be that is fetched.
fn check_url(url: &Url) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("{url}: the scheme must be http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL to be fetched has no user and no password".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

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
}
