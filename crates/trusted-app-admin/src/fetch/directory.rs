//! Fetching another application's key directory.

use std::net::IpAddr;
use std::time::Duration;

use http::StatusCode;
use tower_trusted_app::Timestamp;
use tower_trusted_app::httpsig::{DIRECTORY_MEDIA_TYPE, DIRECTORY_PATH, DirectoryError, KeyDirectory};
use tower_trusted_app::limits::MAX_DIRECTORY_BYTES;
use ureq::Agent;
use url::Url;

use super::error::Wanted;
use super::transfer::{Deadline, agent, get};
use super::{FailedAnswer, FetchError, FetchErrorKind, Fetcher, base_url, body};

/// How long a fetch of a key directory may take, the look-up of the host included.
pub const DIRECTORY_TIMEOUT: Duration = Duration::from_secs(5);

/// A key directory, with the keys whose private half its sender proved to have.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FetchedDirectory {
    /// The keys; at least one.
    pub directory: KeyDirectory,
    /// From where they came.
    pub url: String,
    /// The host and, unless it is the usual one, the port of `url`: what the keys were proven for.
    pub authority: String,
    /// The addresses of the host.
    pub addresses: Vec<IpAddr>,
    /// Whether it came without TLS, so that an attacker on the way could have put in other keys.
    pub without_tls: bool,
}

impl Fetcher {
    /// Fetches the key directory on the host of `base`, any URL of the application. `now` is the time for
    /// which its signatures must be good. Needs a tokio runtime with I/O and time.
    ///
    /// By https only, unless the policy says otherwise; no redirect is followed; at most 64 KiB within
    /// [`DIRECTORY_TIMEOUT`].
    ///
    /// # Errors
    ///
    /// A [`FetchError`]: also when the directory has no key that is understood and proven.
    pub async fn fetch_directory(&self, base: &str, now: Timestamp) -> Result<FetchedDirectory, FetchError> {
        let base = base.trim();
        let wanted = Wanted::KeyDirectory;
        let fail = |url: &str, kind| FetchError { base: base.to_owned(), url: url.to_owned(), wanted, kind };
        let url = directory_url(base).map_err(|kind| fail(base, kind))?;
        let without_tls = url.scheme() == "http";
        if without_tls && !self.policy.allows_plain_directories() {
            return Err(fail(url.as_str(), FetchErrorKind::NotHttps));
        }
        let place = self.place().map_err(|kind| fail(url.as_str(), kind))?;
        let deadline = Deadline::after(DIRECTORY_TIMEOUT);
        let fetched = tokio::time::timeout(DIRECTORY_TIMEOUT, async {
            let addresses = self.addresses(&url).await?;
            let agent = agent(addresses.clone(), self.authorities.clone());
            let target = url.clone();
            let run = move || {
                let _place = place;
                transfer(&agent, &target, deadline, now)
            };
            let directory =
                tokio::task::spawn_blocking(run).await.map_err(|_| FetchErrorKind::Internal)??;
            Ok((addresses, directory))
        });
        let fetched = fetched.await.unwrap_or(Err(FetchErrorKind::TookTooLong(DIRECTORY_TIMEOUT)));
        let (addresses, directory) = fetched.map_err(|kind| fail(url.as_str(), kind))?;
        let mut addresses: Vec<_> = addresses.iter().map(|address| address.ip().to_canonical()).collect();
        addresses.dedup();
        Ok(FetchedDirectory {
            directory,
            authority: url.authority().to_owned(),
            url: url.into(),
            addresses,
            without_tls,
        })
    }
}

/// Where the directory of the host of any URL is.
fn directory_url(base: &str) -> Result<Url, FetchErrorKind> {
    let mut url = base_url(base)?;
    url.set_path(DIRECTORY_PATH);
    Ok(url)
}

/// Blocks.
fn transfer(
    agent: &Agent,
    url: &Url,
    deadline: Deadline,
    now: Timestamp,
) -> Result<KeyDirectory, FetchErrorKind> {
    let mut answer = get(agent, url, deadline)?;
    match answer.status() {
        StatusCode::OK => {}
        status if status.is_redirection() => return Err(FetchErrorKind::DirectoryRedirected),
        status => return Err(FetchErrorKind::Status(FailedAnswer::of(status, answer.headers()))),
    }
    let media_type = body::media_type(answer.headers());
    if media_type != DIRECTORY_MEDIA_TYPE {
        return Err(FetchErrorKind::OtherMediaType(media_type));
    }
    let body = body::bytes(&mut answer, MAX_DIRECTORY_BYTES, deadline, DirectoryError::TooLarge.into())?;
    Ok(KeyDirectory::verify(url.as_str(), answer.headers(), &body, now)?)
}

impl From<DirectoryError> for FetchErrorKind {
    fn from(error: DirectoryError) -> Self {
        Self::Directory(error)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn on_the_host_whatever_the_path() {
        for (base, url) in [
            (
                "https://wiki.example/ctx/",
                "https://wiki.example/.well-known/http-message-signatures-directory",
            ),
            (
                "HTTPS://Wiki.Example:443",
                "https://wiki.example/.well-known/http-message-signatures-directory",
            ),
            ("https://[::1]:8443/#x", "https://[::1]:8443/.well-known/http-message-signatures-directory"),
        ] {
            assert_eq!(directory_url(base).unwrap().as_str(), url);
        }
        for base in ["wiki", "file:///etc/passwd", "https://u:p@wiki", "https://wiki/?x", "https://a b"] {
            assert!(matches!(directory_url(base), Err(FetchErrorKind::NotAUrl(_))), "{base}");
        }
    }
}
