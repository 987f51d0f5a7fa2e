//! One public base URL.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use http::Uri;
use trusted_app_core::conditions::{PathPattern, PathPatternError};
use trusted_app_core::text::escaped;

use super::host::{RequestHosts, default_port};
use super::rebuilt::RebuiltUrl;
use crate::context_path::ContextPath;

/// A public base URL that some request can be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublicUrl {
    scheme: &'static str,
    /// `https://tracker.example.com:8443`, in its normal form.
    origin: String,
    /// The origin as it is written, where that is another text.
    written: Option<String>,
    /// Empty, or the path under which the public sees what is below our context path.
    path: String,
}

impl PublicUrl {
    /// `None` for a target that the public does not see: one that is not below the context path, in whose
    /// place our path stands. Otherwise its URL would be that of another target as well.
    pub(super) fn join(&self, target: &str, context_path: &ContextPath) -> Option<RebuiltUrl> {
        let target = if self.path.is_empty() { target } else { context_path.strip(target)? };
        let below = |origin: &String| [origin.as_str(), &self.path, target].concat();
        Some(RebuiltUrl::new(below(&self.origin)).with_written(self.written.as_ref().map(below)))
    }

    /// Whether each host that the request names is this URL's.
    pub(super) fn is_selected_by(&self, hosts: &RequestHosts<'_>) -> bool {
        let authority = self.origin.split_once("://").map_or("", |(_, authority)| authority);
        hosts.are(self.scheme, authority)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

impl FromStr for PublicUrl {
    type Err = SignedUrlError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        Self::read(url.trim()).map_err(|fault| match fault {
            Fault::Url(reason) => SignedUrlError::Bad { url: url.to_owned(), reason },
            Fault::Path(reason) => SignedUrlError::AmbiguousPath { url: url.to_owned(), reason },
        })
    }
}

/// What is wrong, without the URL.
enum Fault {
    Url(&'static str),
    Path(&'static str),
}

impl From<&'static str> for Fault {
    fn from(reason: &'static str) -> Self {
        Self::Url(reason)
    }
}

impl PublicUrl {
    fn read(text: &str) -> Result<Self, Fault> {
        let (scheme, rest) = text.split_once("://").ok_or("it must begin with http:// or https://")?;
        let scheme = ["http", "https"].into_iter().find(|known| known.eq_ignore_ascii_case(scheme));
        let scheme = scheme.ok_or("it must begin with http:// or https://")?;
        if rest.contains("://") {
            return Err("it is more than one URL: write each as an entry of its own".into());
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err("it has a blank in it".into());
        }
        if text.contains(['?', '#']) {
            return Err("it must not have a query or a fragment".into());
        }
        if text.contains('\\') {
            return Err("it has a backslash: write a slash".into());
        }
        let (authority, path) =
            rest.split_at_checked(rest.find('/').unwrap_or(rest.len())).unwrap_or((rest, ""));
        let origin = format!("{scheme}://{}", normal_authority(scheme, authority)?);
        let path = path.trim_end_matches('/');
        if !path.is_empty() {
            PathPattern::subtree(path).map_err(|error| match error {
                PathPatternError::Ambiguous { reason, .. } => Fault::Path(reason),
                _ => Fault::Url("its path is more than one path, or none"),
            })?;
        }
        text.parse::<Uri>().map_err(|_| "it has a character that no URL has")?;
        let written =
            text.split_at_checked(text.len() - rest.len() + authority.len()).unwrap_or((text, "")).0;
        let written = (written != origin).then(|| written.to_owned());
        Ok(Self { scheme, origin, written, path: path.to_owned() })
    }
}

/// Host and port in their normal form.
fn normal_authority(scheme: &str, authority: &str) -> Result<String, &'static str> {
    if authority.contains('@') {
        return Err("it must not have a user name");
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']').ok_or("a bracket of its host is missing")?;
            if address.contains('%') {
                return Err("its address has a zone, which no request shows: write the address without");
            }
            address.parse::<Ipv6Addr>().map_err(|_| "there is no IPv6 address in its brackets")?;
            let port = match rest {
                "" => None,
                rest => Some(rest.strip_prefix(':').ok_or("only a port can follow its host")?),
            };
            (format!("[{}]", address.to_ascii_lowercase()), port)
        }
        None => {
            let (host, port) = match authority.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            };
            (normal_host(host)?, port)
        }
    };
    match port.map(port_number).transpose()? {
        Some(port) if port.to_string() != default_port(scheme) => Ok(format!("{host}:{port}")),
        _ => Ok(host),
    }
}

fn normal_host(host: &str) -> Result<String, &'static str> {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if host.is_empty() {
        return Err("it has no host");
    }
    if host.contains(':') {
        return Err("an IPv6 address stands in brackets, such as https://[2001:db8::1]");
    }
    if host.contains('*') {
        return Err("a host has no wildcard: write each public URL as an entry of its own");
    }
    if !host.is_ascii() {
        return Err("its host is not ASCII: write it as clients send it, such as xn--bcher-kva.example");
    }
    if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')) {
        return Err("its host has a character that no host has");
    }
    if host.split('.').any(str::is_empty) {
        return Err("its host has two dots in a row, or one at its beginning");
    }
    Ok(host)
}

fn port_number(digits: &str) -> Result<u16, &'static str> {
    if digits.is_empty() {
        return Err("the port after the colon is missing: write it, or take the colon off");
    }
    // `u16::from_str` alone would take a leading `+`.
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
    number.filter(|port| *port > 0).ok_or("its port is no number from 1 to 65535")
}

/// Why a text is no public base URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignedUrlError {
    /// The URL cannot be a base.
    #[error("`{}` cannot be a public base URL such as https://tracker.example.com: {reason}", escaped(url))]
    Bad {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Its path could be read in two ways, so that no peer would use it.
    #[error(
        "`{}` cannot be a public base URL such as https://tracker.example.com/jira: its path could be read in two ways \
         ({reason}): write it in its plain form",
        escaped(url)
    )]
    AmbiguousPath {
        /// What was given.
        url: String,
        /// What is ambiguous in the path.
        reason: &'static str,
    },
    /// An empty list.
    #[error("at least one public base URL is required")]
    Empty,
}
