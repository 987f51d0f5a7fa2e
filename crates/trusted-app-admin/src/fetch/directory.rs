//! Fetching another application's key directory.

use http::StatusCode;
use tower_trusted_app::Timestamp;
use tower_trusted_app::httpsig::{DIRECTORY_MEDIA_TYPE, DIRECTORY_PATH, DirectoryError, KeyDirectory};
use tower_trusted_app::limits::MAX_DIRECTORY_BYTES;
use ureq::Agent;
use url::Url;

use super::bounds::DIRECTORY_TIMEOUT;
use super::error::{FetchError, FetchErrorKind, Wanted};
use super::fetcher::{Fetched, Fetcher};
use super::request::{Deadline, get};
use super::status::FailedAnswer;
use super::{base_url, body};

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
    pub async fn fetch_directory(
        &self,
        base: &str,
        now: Timestamp,
    ) -> Result<Fetched<KeyDirectory>, FetchError> {
        let (base, wanted) = (base.trim(), Wanted::KeyDirectory);
        let url = directory_url(base).map_err(|kind| FetchError::new(wanted, base, base, kind))?;
        if url.scheme() == "http" && !self.policy.allows_plain_directories() {
            return Err(FetchError::new(wanted, base, url.as_str(), FetchErrorKind::NotHttps));
        }
        let read = move |agent: &Agent, url: &mut Url, deadline| read(agent, url, deadline, now);
        self.run(wanted, base, url, DIRECTORY_TIMEOUT, read).await
    }
}

/// Where the directory of the host of any URL is.
fn directory_url(base: &str) -> Result<Url, FetchErrorKind> {
    let mut url = base_url::parse(base)?;
    url.set_path(DIRECTORY_PATH);
    Ok(url)
}

/// Blocks.
fn read(
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
