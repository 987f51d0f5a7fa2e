//! Why no details could be had.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use tower_trusted_app::httpsig::{DIRECTORY_MEDIA_TYPE, DirectoryError};
use tower_trusted_app::limits::MAX_DOCUMENT_BYTES;
use tower_trusted_app::text::{TextError, escaped};

use super::bounds::{MAX_FETCHES, MAX_REDIRECTS, TIMEOUT};
use super::status::FailedAnswer;

/// Why another application's details could not be fetched. Nothing is kept then.
///
/// `Display` is for an administrator and begins, where JIRA had a sentence for it, with that one;
/// [`reason`](Self::reason) is what follows it.
#[derive(Debug, Clone)]
pub struct FetchError {
    base: String,
    url: String,
    wanted: Wanted,
    kind: FetchErrorKind,
}

/// What a fetch is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    CertificateDocument,
    KeyDirectory,
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CertificateDocument => "certificate document",
            Self::KeyDirectory => "key directory",
        })
    }
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchErrorKind {
    /// Nothing was given.
    Blank,
    /// No `http` or `https` URL, for this reason.
    NotAUrl(String),
    /// No address is known for the host.
    UnknownHost,
    /// The host has an address to which no fetch may go.
    AddressRefused(IpAddr),
    /// Nobody listens there.
    ConnectionRefused,
    /// Nobody answered in time.
    TimedOut,
    /// The fetch, with the look-up of the host and all redirects, did not come to its end within this time.
    TookTooLong(Duration),
    /// No TLS connection, or the host's certificate does not hold.
    Tls(String),
    /// The connection failed otherwise.
    Connection(String),
    /// Another status than 200 to 299, or for a key directory than 200.
    Status(FailedAnswer),
    /// A redirect that does not say where to, or not in a way that can be followed.
    BadRedirect(String),
    /// A redirect to another origin, which is not followed.
    RedirectedAway(String),
    /// A redirect after a redirect, too often.
    TooManyRedirects,
    /// The answer is longer than any certificate document.
    TooLarge {
        /// Whether the answer says that it is HTML.
        html: bool,
    },
    /// The answer is no certificate document.
    NotADocument {
        /// Whether the answer is HTML, by its media type or as it begins.
        html: bool,
        /// What is wrong with it.
        error: String,
    },
    /// The answer is compressed, by this coding, and none was asked for.
    Compressed(String),
    /// The answer is text in another encoding than UTF-8, or no text.
    NotUtf8 {
        /// The `charset` of its `Content-Type`.
        charset: Option<String>,
        /// What is wrong with its bytes.
        error: TextError,
    },
    /// The answer is a certificate document whose key cannot be used.
    KeyNotSupported(String),
    /// [`MAX_FETCHES`] are under way.
    Busy,
    /// A key directory is fetched by https.
    NotHttps,
    /// A redirect in the place of a key directory, which is not followed.
    DirectoryRedirected,
    /// The answer in the place of a key directory has this media type; empty without one.
    OtherMediaType(String),
    /// The answer is a key directory that is no good: none of its keys is, or the proof of its sender.
    Directory(DirectoryError),
    /// The fetch itself broke off, which is this server's own fault.
    Internal,
}

impl FetchError {
    pub(super) fn new(wanted: Wanted, base: &str, url: &str, kind: FetchErrorKind) -> Self {
        Self { base: base.to_owned(), url: url.to_owned(), wanted, kind }
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &FetchErrorKind {
        &self.kind
    }

    /// What went wrong, without JIRA's sentence.
    #[must_use]
    pub fn reason(&self) -> String {
        let (url, what) = (&self.url, |html: &bool| if *html { HTML } else { "no certificate document" });
        match &self.kind {
            FetchErrorKind::Blank => "URL must not be empty.".to_owned(),
            FetchErrorKind::NotAUrl(reason) => format!("{url}: {reason}"),
            FetchErrorKind::UnknownHost => format!("cannot fetch {url}: no address is known for the host"),
            FetchErrorKind::AddressRefused(address) => format!(
                "cannot fetch {url}: the host has the internal address {address}, which the operator of this server \
                 has not opened"
            ),
            FetchErrorKind::ConnectionRefused => format!("cannot fetch {url}: connection refused"),
            FetchErrorKind::TimedOut => {
                format!("cannot fetch {url}: no answer within {} seconds", TIMEOUT.as_secs())
            }
            FetchErrorKind::TookTooLong(within) => {
                format!("cannot fetch {url}: it took longer than {} seconds in all", within.as_secs())
            }
            FetchErrorKind::Tls(reason) => format!("cannot fetch {url}: no secure connection: {reason}"),
            FetchErrorKind::Connection(reason) => format!("cannot fetch {url}: {reason}"),
            FetchErrorKind::Status(answer) => {
                let advice = answer.advice().unwrap_or_else(|| format!("no {} is served there", self.wanted));
                format!("{url} answers {}: {advice}", answer.status)
            }
            FetchErrorKind::BadRedirect(reason) => format!("{url} {reason}"),
            FetchErrorKind::RedirectedAway(next) => {
                format!("{url} redirects to another origin, {next}: if that is right, ask there")
            }
            FetchErrorKind::TooManyRedirects => format!("{url}: more than {MAX_REDIRECTS} redirects"),
            FetchErrorKind::TooLarge { html } => {
                format!("{url} answers with {}: more than {MAX_DOCUMENT_BYTES} bytes", what(html))
            }
            FetchErrorKind::NotADocument { html: true, .. } => {
                format!("{url} answers with {HTML}: exempt this URL from the log-in, or check the base URL")
            }
            FetchErrorKind::NotADocument { html: false, error: reason }
            | FetchErrorKind::KeyNotSupported(reason) => {
                format!("{url} answers with no certificate document: {reason}")
            }
            FetchErrorKind::Compressed(coding) => format!(
                "{url} answers with compressed content ({}), which was not asked for: turn compression off for this URL, \
                 at the application or at a proxy before it",
                escaped(coding)
            ),
            FetchErrorKind::NotUtf8 { charset, error } => format!(
                "{url} answers with text that is not UTF-8: {}{}; have the application serve it as UTF-8",
                found(*error),
                charset.as_ref().map(|charset| format!(", charset={}", escaped(charset))).unwrap_or_default(),
            ),
            FetchErrorKind::Busy => {
                format!("cannot fetch {url}: {MAX_FETCHES} fetches are under way, and no more are at once")
            }
            FetchErrorKind::NotHttps => {
                format!("{url}: a key directory is fetched by https, so that no one on the way can change it")
            }
            FetchErrorKind::DirectoryRedirected => {
                format!("{url} redirects: a key directory must be served by the host itself")
            }
            FetchErrorKind::OtherMediaType(media_type) => format!(
                "{url} answers with {}, and no key directory, which has the media type {DIRECTORY_MEDIA_TYPE}",
                match &**media_type {
                    "" => "no media type".to_owned(),
                    "text/html" => "an HTML page, perhaps to log in".to_owned(),
                    other => format!("the media type {}", escaped(other)),
                }
            ),
            FetchErrorKind::Directory(error) => format!("the key directory {url} is refused: {error}"),
            FetchErrorKind::Internal => format!("cannot fetch {url}: the fetch broke off"),
        }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = &self.base;
        match &self.kind {
            FetchErrorKind::Blank => return f.write_str("URL must not be empty."),
            FetchErrorKind::NotAUrl(_)
            | FetchErrorKind::AddressRefused(_)
            | FetchErrorKind::Busy
            | FetchErrorKind::NotHttps
            | FetchErrorKind::DirectoryRedirected
            | FetchErrorKind::OtherMediaType(_)
            | FetchErrorKind::Compressed(_)
            | FetchErrorKind::NotUtf8 { .. }
            | FetchErrorKind::Directory(_)
            | FetchErrorKind::Internal => {}
            FetchErrorKind::UnknownHost => write!(f, "The host {base} could not be found. ")?,
            FetchErrorKind::ConnectionRefused => write!(f, "The host {base} refused the connection. ")?,
            FetchErrorKind::TimedOut | FetchErrorKind::TookTooLong(_) => {
                write!(f, "The host {base} did not answer in time. ")?;
            }
            FetchErrorKind::Status(answer)
                if answer.advice().is_some() || self.wanted == Wanted::KeyDirectory => {}
            FetchErrorKind::Tls(_) => write!(f, "The host {base} could not be reached securely. ")?,
            FetchErrorKind::Connection(_) => write!(f, "The connection to the host {base} failed. ")?,
            FetchErrorKind::KeyNotSupported(reason) => {
                write!(f, "The public key is not supported: {reason}. ")?;
            }
            _ => write!(
                f,
                "The application at URL {base} does not support the Trusted Application protocol. "
            )?,
        }
        f.write_str(&capitalised(&self.reason()))
    }
}

impl std::error::Error for FetchError {}

const HTML: &str = "an HTML page, perhaps to log in, and no certificate document";

/// What was found in the bytes.
fn found(error: TextError) -> String {
    match error {
        TextError::NotUtf8 { at } => format!("byte {at} is in another encoding"),
        TextError::Nul { at } => format!("byte {at} is NUL"),
        TextError::Utf16WithoutMark => "it is UTF-16 without a byte order mark".to_owned(),
        TextError::Utf32 => "it is UTF-32".to_owned(),
        _ => "it begins like UTF-16 and is cut or broken".to_owned(),
    }
}

/// A sentence of it, unless it begins with a URL.
fn capitalised(reason: &str) -> String {
    match (reason.strip_prefix("cannot "), reason.strip_prefix("the ")) {
        (Some(rest), _) => format!("Cannot {rest}."),
        (_, Some(rest)) => format!("The {rest}."),
        _ => format!("{reason}."),
    }
}
