//! URLs as text: `http::Uri` rejects some characters that Java signs.

use std::fmt;
use std::str::FromStr;

use tower_trusted_app::client::{Origin, OriginError};

/// An `http` or `https` URL. Its origin is brought into the form in which it is sent and signed; path and
/// query stay as they were written. A fragment is dropped, for no client sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    origin: Origin,
    /// Path and query; begins with a slash.
    target: String,
}

impl Url {
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(url: &str) -> Result<Self, UrlError> {
        let (origin, target) = split_at_target(url).ok_or(UrlError::NotAbsolute)?;
        let target = target.split_once('#').map_or(target, |(target, _)| target);
        if target.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(UrlError::Blank);
        }
        Ok(Self { origin: origin.parse()?, target: with_slash(target) })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.target)
    }
}

/// Scheme and authority of a URL, and what follows them; `None` without a scheme of letters.
pub(crate) fn split_at_target(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let is_scheme = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphabetic());
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    is_scheme.then(|| url.split_at_checked(scheme.len() + "://".len() + authority)).flatten()
}

/// A path and query in which the empty path is written as what is sent for it.
pub(crate) fn with_slash(target: &str) -> String {
    if target.starts_with('/') { target.to_owned() } else { format!("/{target}") }
}

/// Why a text is no URL for a trusted request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UrlError {
    #[error("a URL begins with http:// or https://")]
    NotAbsolute,
    #[error("a URL has no blanks and no control characters: write %20 for a blank")]
    Blank,
    #[error(transparent)]
    Origin(#[from] OriginError),
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn only_the_origin_is_rewritten() {
        for (text, url) in [
            ("HTTPS://T.Example:443", "https://t.example/"),
            ("http://t.example:8080?q", "http://t.example:8080/?q"),
            ("http://t/a//../%7e;x?{a}|\"<b>`#c", "http://t/a//../%7e;x?{a}|\"<b>`"),
            ("http://[::1]:80/A?", "http://[::1]/A?"),
        ] {
            assert_eq!(text.parse::<Url>().unwrap().to_string(), url);
        }
        for text in [
            "",
            "t.example/x",
            "/x",
            "ftp://t/",
            "http://",
            "http:///x",
            "http://a@t/",
            "http://t/a b",
            "x y://t/",
        ] {
            assert!(text.parse::<Url>().is_err(), "{text}");
        }
    }
}
