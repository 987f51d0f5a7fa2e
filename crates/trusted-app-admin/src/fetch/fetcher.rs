//! Who fetches, and from where.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_trusted_app::seraph::CertificateDocument;
use ureq::Agent;
use ureq::tls::RootCerts;
use url::Url;

use super::authorities::{self, AuthoritiesError};
use super::bounds::{MAX_FETCHES, TIMEOUT};
use super::error::{FetchError, FetchErrorKind, Wanted};
use super::policy::{self, AddressPolicy};
use super::request::{Deadline, agent};
use super::resolve::{Resolve, SystemResolver};

/// Fetches certificate documents and key directories.
///
/// Over http and https only, https with the certificate authorities that this system trusts or with
/// [others](Self::authorities). The host is looked up once and only the addresses that were checked are connected to; no proxy of
/// the environment is asked; caches are asked for what the application serves now (`Cache-Control: no-cache`); redirects
/// are followed within the origin only; an answer is not compressed, has at most 16 KiB and takes at most
/// [`DOCUMENT_TIMEOUT`](super::DOCUMENT_TIMEOUT). At most [`MAX_FETCHES`] are under way at once.
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
    pub(super) policy: AddressPolicy,
    resolver: Arc<dyn Resolve>,
    authorities: RootCerts,
    free: Arc<Semaphore>,
}

/// What another application publishes, and where it was found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Fetched<T = CertificateDocument> {
    /// Its id and key; of a [`KeyDirectory`](tower_trusted_app::httpsig::KeyDirectory) the keys whose private half its
    /// sender proved to have, at least one.
    pub document: T,
    /// The URL that was asked for, trimmed.
    pub base_url: String,
    /// From where the document came in the end.
    pub url: String,
    /// The host and, unless it is the usual one, the port of `url`: what the keys of a key directory were proven for.
    pub authority: String,
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

    /// Fetches what is wanted from `url`, to which redirects may lead elsewhere, within a time.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        wanted: Wanted,
        base: &str,
        url: Url,
        within: Duration,
        transfer: impl FnOnce(&Agent, &mut Url, Deadline) -> Result<T, FetchErrorKind> + Send + 'static,
    ) -> Result<Fetched<T>, FetchError> {
        let fail = |url: &Url, kind| FetchError::new(wanted, base, url.as_str(), kind);
        let place = self.place().map_err(|kind| fail(&url, kind))?;
        let deadline = Deadline::after(within);
        let fetched = tokio::time::timeout(within, async {
            let addresses = self.addresses(&url).await?;
            let agent = agent(addresses.clone(), self.authorities.clone());
            let mut url = url.clone();
            let run = move || {
                let _place = place;
                let result = transfer(&agent, &mut url, deadline);
                (url, result)
            };
            let (url, result) =
                tokio::task::spawn_blocking(run).await.map_err(|_| FetchErrorKind::Internal)?;
            Ok((addresses, url, result))
        });
        let fetched = fetched.await.unwrap_or(Err(FetchErrorKind::TookTooLong(within)));
        let (addresses, url, result) = fetched.map_err(|kind| fail(&url, kind))?;
        let document = result.map_err(|kind| fail(&url, kind))?;
        let mut addresses: Vec<_> = addresses.iter().map(|address| address.ip().to_canonical()).collect();
        addresses.dedup();
        Ok(Fetched {
            document,
            base_url: base.to_owned(),
            authority: url.authority().to_owned(),
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
