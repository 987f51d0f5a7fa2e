//! URLs as text: `http::Uri` refuses some characters that Java signs.

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
    /// Another path, or path and query, of the same origin.
    pub(crate) fn with_target(&self, target: impl Into<String>) -> Self {
        Self { origin: self.origin.clone(), target: target.into() }
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What to resolve and connect to, with the scheme's default port where none is stated.
    pub(crate) fn host_and_port(&self) -> String {
        let origin = self.origin.to_string();
        let (scheme, authority) = origin.split_once("://").unwrap_or_default();
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
        match (has_port, scheme) {
            (true, _) => authority.to_owned(),
            (false, "https") => format!("{authority}:443"),
            (false, _) => format!("{authority}:80"),
        }
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split_once('?').map_or(&self.target, |(path, _)| path)
    }

    pub(crate) fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// Where a `Location` header of this URL's answer leads (RFC 3986, section 5.2, without the removal of dot
    /// segments).
    pub(crate) fn join(&self, location: &str) -> Result<Self, UrlError> {
        let scheme = self.origin.to_string();
        let scheme = scheme.split_once("//").map_or("", |(scheme, _)| scheme);
        let directory = self.path().rsplit_once('/').map_or("", |(directory, _)| directory);
        if split_at_target(location).is_some() {
            location.parse()
        } else if location.starts_with("//") {
            format!("{scheme}{location}").parse()
        } else if location.starts_with('/') {
            format!("{}{location}", self.origin).parse()
        } else if location.starts_with('?') {
            format!("{}{}{location}", self.origin, self.path()).parse()
        } else {
            format!("{}{directory}/{location}", self.origin).parse()
        }
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

    #[test]
    fn what_to_connect_to() {
        for (url, host_and_port) in [
            ("https://t.example/x:1", "t.example:443"),
            ("http://t.example", "t.example:80"),
            ("http://t.example:8080/", "t.example:8080"),
            ("https://[::1]", "[::1]:443"),
            ("https://[::1]:8443", "[::1]:8443"),
        ] {
            assert_eq!(url.parse::<Url>().unwrap().host_and_port(), host_and_port);
        }
    }

    #[test]
    fn where_redirects_lead() {
        let url: Url = "https://t.example/a/b?q=/c".parse().unwrap();
        for (location, target) in [
            ("/x?y", "https://t.example/x?y"),
            ("x", "https://t.example/a/x"),
            ("?z", "https://t.example/a/b?z"),
            ("//u.example/x", "https://u.example/x"),
            ("http://t.example/x#y", "http://t.example/x"),
            ("/x?u=http://v", "https://t.example/x?u=http://v"),
        ] {
            assert_eq!(url.join(location).unwrap().to_string(), target);
        }
        assert!(url.join("ftp://t.example/").is_err());
    }
}
