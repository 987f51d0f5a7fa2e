//! Scheme, host and port of a URL, in the one form in which they are sent and signed.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, InvalidUri, Scheme};

/// Scheme, host and port of a URL (RFC 6454, section 4): `https://tracker.example.com`.
///
/// It has one spelling: the host in lower case, the port left out if it is the scheme's default.
/// Servers rebuild the signed URL from the `Host` header, where clients leave such a port out.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    authority: Authority,
}

impl Origin {
    /// The origin of these parts, in its one spelling.
    pub(super) fn new(scheme: &Scheme, authority: &Authority) -> Result<Self, OriginError> {
        let default_port = if *scheme == Scheme::HTTP {
            80
        } else if *scheme == Scheme::HTTPS {
            443
        } else {
            return Err(OriginError::Scheme);
        };
        if authority.as_str().contains('@') {
            return Err(OriginError::UserInfo);
        }
        let host = authority.host();
        let port = match authority.as_str().strip_prefix(host) {
            Some("" | ":") => None,
            Some(port) => Some(port.strip_prefix(':').and_then(port_number).ok_or(OriginError::Port)?),
            None => return Err(OriginError::Port),
        };
        let mut text = host.to_ascii_lowercase();
        if let Some(port) = port.filter(|port| *port != default_port) {
            text = format!("{text}:{port}");
        }
        let authority =
            if text == authority.as_str() { authority.clone() } else { Authority::try_from(text)? };
        Ok(Self { scheme: scheme.clone(), authority })
    }

    pub(super) fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    pub(super) fn authority(&self) -> &Authority {
        &self.authority
    }
}

fn port_number(digits: &str) -> Option<u16> {
    // `u16::from_str` alone would take a leading `+`.
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

impl FromStr for Origin {
    type Err = OriginError;

    /// Reads `http://host`, `https://host:port` and the like; a trailing `/` is allowed, any other
    /// path is not.
    fn from_str(text: &str) -> Result<Self, OriginError> {
        let uri: Uri = text.parse()?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(OriginError::NotAbsolute);
        };
        if uri.path() != "/" || uri.query().is_some() || text.contains('#') {
            return Err(OriginError::Path);
        }
        Self::new(scheme, authority)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why something is no [`Origin`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OriginError {
    /// No URI at all.
    #[error("not a URI: {0}")]
    Uri(#[from] InvalidUri),
    /// Scheme or host are missing.
    #[error("an origin has a scheme and a host, such as https://tracker.example.com")]
    NotAbsolute,
    /// Neither `http` nor `https`.
    #[error("the scheme must be http or https")]
    Scheme,
    /// A user name or password stands before the host: it would be signed, but not sent.
    #[error("there must be no user name or password before the host")]
    UserInfo,
    /// The port is no number from 0 to 65535.
    #[error("the port must be a number from 0 to 65535")]
    Port,
    /// A path, query or fragment follows.
    #[error("an origin has no path, query or fragment")]
    Path,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use super::*;

    #[test]
    fn one_spelling() {
        for (text, canonical) in [
            ("https://tracker.example.com", "https://tracker.example.com"),
            ("https://tracker.example.com/", "https://tracker.example.com"),
            ("HTTPS://Tracker.EXAMPLE.com", "https://tracker.example.com"),
            ("https://tracker.example.com:443", "https://tracker.example.com"),
            ("https://tracker.example.com:0443", "https://tracker.example.com"),
            ("https://tracker.example.com:80", "https://tracker.example.com:80"),
            ("http://tracker.example.com:80", "http://tracker.example.com"),
            ("http://tracker.example.com:", "http://tracker.example.com"),
            ("http://tracker.example.com:08080", "http://tracker.example.com:8080"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[2001:DB8::1]:80", "http://[2001:db8::1]"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            let origin: Origin = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(origin.to_string(), canonical, "{text}");
            assert_eq!(canonical.parse::<Origin>().unwrap(), origin, "{text}");
        }
    }

    #[test]
    fn a_port_or_scheme_makes_another_origin() {
        let origins: Vec<Origin> = ["http://a", "https://a", "http://a:8080", "https://a:80", "http://b"]
            .map(|text| text.parse().unwrap())
            .into();
        for (at, one) in origins.iter().enumerate() {
            for (other_at, other) in origins.iter().enumerate() {
                assert_eq!(one == other, at == other_at, "{one} {other}");
            }
        }
    }

    #[test]
    fn refusals() {
        let refusal = |text: &str| text.parse::<Origin>().unwrap_err();
        assert!(matches!(refusal(""), OriginError::Uri(_)));
        assert!(matches!(refusal("https://"), OriginError::Uri(_)));
        assert!(matches!(refusal("tracker.example.com"), OriginError::NotAbsolute));
        assert!(matches!(refusal("/rest"), OriginError::NotAbsolute));
        assert!(matches!(refusal("ftp://tracker.example.com"), OriginError::Scheme));
        assert!(matches!(refusal("wss://tracker.example.com"), OriginError::Scheme));
        assert!(matches!(refusal("https://alice@tracker.example.com"), OriginError::UserInfo));
        assert!(matches!(refusal("https://a:b@tracker.example.com:443"), OriginError::UserInfo));
        assert!(matches!(refusal("https://tracker.example.com:65536"), OriginError::Port));
        assert!(matches!(refusal("https://tracker.example.com:+80"), OriginError::Port));
        assert!(matches!(refusal("https://tracker.example.com/jira"), OriginError::Path));
        assert!(matches!(refusal("https://tracker.example.com/?"), OriginError::Path));
        assert!(matches!(refusal("https://tracker.example.com/#top"), OriginError::Path));
    }
}
