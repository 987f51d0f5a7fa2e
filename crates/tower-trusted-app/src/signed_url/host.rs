//! The hosts that a request names, and when two are the same.

use http::uri::{Authority, Uri};
use http::{HeaderMap, HeaderValue, header};
use trusted_app_core::Rejection;

/// The authorities that a request is for: that of its target (absolute form, or HTTP/2's `:authority`) and that of its
/// `Host` field, or the one of them that is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestHosts<'r> {
    first: &'r str,
    other: Option<&'r str>,
}

impl<'r> RequestHosts<'r> {
    /// `None` when there is none, more than one `Host` field, or one that is not plain.
    pub(super) fn of(uri: &'r Uri, headers: &'r HeaderMap) -> Option<Self> {
        let mut fields = headers.get_all(header::HOST).iter();
        let field = match fields.next() {
            Some(field) => Some(field.to_str().ok()?),
            None => None,
        };
        let hosts = match (uri.authority().map(Authority::as_str), field) {
            (Some(first), other) => Self { first, other },
            (None, field) => Self { first: field?, other: None },
        };
        (fields.next().is_none() && hosts.all().all(is_plain)).then_some(hosts)
    }

    pub(super) fn first(&self) -> &'r str {
        self.first
    }

    /// Whether each is this one, where the scheme has its default port.
    pub(super) fn are(&self, scheme: &str, authority: &str) -> bool {
        let is_same = |other: &str| {
            let ((host, port), (other, other_port)) = (parts(scheme, authority), parts(scheme, other));
            host.eq_ignore_ascii_case(other) && port == other_port
        };
        self.all().all(is_same)
    }

    fn all(&self) -> impl Iterator<Item = &'r str> {
        [Some(self.first), self.other].into_iter().flatten()
    }
}

fn is_plain(authority: &str) -> bool {
    !authority.is_empty() && !authority.contains(['@', '/', '?', '#', '\\', ' ', ','])
}

/// Host and port, in the form in which two are compared: without a dot at the host's end, and without a default or
/// empty port.
fn parts<'a>(scheme: &str, authority: &'a str) -> (&'a str, Option<&'a str>) {
    let (host, port) = match authority.rsplit_once(':') {
        // The last colon of `[::1]` is none of a port.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    (
        host.strip_suffix('.').unwrap_or(host),
        port.filter(|port| !port.is_empty() && *port != default_port(scheme)),
    )
}

pub(super) fn default_port(scheme: &str) -> &'static str {
    if scheme == "https" { "443" } else { "80" }
}

pub(super) fn without_default_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let host = authority.strip_suffix(default_port(scheme)).and_then(|host| host.strip_suffix(':'));
    host.unwrap_or(authority)
}

/// No public URL is that of the request, which states this one.
pub(super) fn unknown(url: String, uri: &Uri, headers: &HeaderMap) -> Rejection {
    let text = |field: &HeaderValue| String::from_utf8_lossy(field.as_bytes()).into_owned();
    let fields: Vec<_> = headers.get_all(header::HOST).iter().map(text).collect();
    Rejection::AuthorityUnknown {
        url,
        authority: uri.authority().map(ToString::to_string),
        host: (!fields.is_empty()).then(|| fields.join(", ")),
    }
}
