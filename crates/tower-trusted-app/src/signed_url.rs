//! Which URL a signature must have been made for: the request's, as the peer saw it.
//!
//! Seraph signs the whole URL, and a server behind a proxy sees another host, scheme or path than
//! the peer. So the public base URL is stated, never guessed. The path and the query are taken as
//! the raw octets that came; nothing is decoded or encoded again.

use std::fmt;
use std::str::FromStr;

use http::uri::{Authority, Uri};
use http::{HeaderMap, header};
use trusted_app_core::Rejection;

use crate::context_path::ContextPath;

/// How the signed URL of a request is rebuilt.
///
/// ```
/// use tower_trusted_app::SignedUrl;
///
/// // One public URL, whatever the Host header says: right behind a proxy that rewrites it.
/// let one: SignedUrl = "https://tracker.example.com".parse()?;
///
/// // Several: the request's authority selects one; it is refused if it is none of them.
/// let several = SignedUrl::any_of(["https://tracker.example.com", "https://tracker.internal:8443"])?;
///
/// // No base URL.
/// assert!("tracker.example.com".parse::<SignedUrl>().is_err());
/// # Ok::<(), tower_trusted_app::signed_url::SignedUrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedUrl(Base);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Base {
    Fixed(PublicUrl),
    AnyOf(Vec<PublicUrl>),
    InsecureFromRequest { scheme: &'static str },
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct PublicUrl {
    /// `https://tracker.example.com:8443`, the default port left out.
    origin: String,
    /// What follows `://` in it.
    authority_at: usize,
    /// Empty, or the path under which the public sees what is below our context path.
    path: String,
}

impl SignedUrl {
    /// Several public URLs. The request's authority (`:authority` or `Host`, without regard to
    /// letter case) selects one; there is no trial of each.
    ///
    /// # Errors
    ///
    /// When one of them is no base URL, or there is none.
    pub fn any_of<I>(urls: I) -> Result<Self, SignedUrlError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let urls = urls.into_iter().map(|url| url.as_ref().parse()).collect::<Result<Vec<PublicUrl>, _>>()?;
        if urls.is_empty() { Err(SignedUrlError::Empty) } else { Ok(Self(Base::AnyOf(urls))) }
    }

    /// Takes scheme and authority from the request itself, `http` if it does not say.
    ///
    /// Insecure: a dishonest server that the peer also talks to can relay a request with this
    /// server's name in its `Host` header. Also fragile: any proxy that changes the host breaks it.
    #[must_use]
    pub const fn insecure_from_request() -> Self {
        Self(Base::InsecureFromRequest { scheme: "http" })
    }

    /// As [`insecure_from_request`](Self::insecure_from_request), for a server that is reached by
    /// TLS.
    #[must_use]
    pub const fn insecure_from_https_request() -> Self {
        Self(Base::InsecureFromRequest { scheme: "https" })
    }

    /// The URL that the peer must have signed for this request, whose raw path and query are
    /// `target`.
    pub(crate) fn rebuild(
        &self,
        uri: &Uri,
        target: &str,
        headers: &HeaderMap,
        context_path: &ContextPath,
    ) -> Result<String, Rejection> {
        let unknown = |url: String| Rejection::AuthorityUnknown { url };
        let nobodys = || Rejection::BadSignature { url: target.to_owned() };
        match &self.0 {
            Base::Fixed(base) => base.join(target, context_path).ok_or_else(nobodys),
            Base::AnyOf(bases) => {
                let authority = request_authority(uri, headers).ok_or_else(|| unknown(target.to_owned()))?;
                let base = bases
                    .iter()
                    .find(|base| base.is_selected_by(authority))
                    .ok_or_else(|| unknown(format!("//{authority}{target}")))?;
                base.join(target, context_path).ok_or_else(nobodys)
            }
            Base::InsecureFromRequest { scheme } => {
                let scheme = uri.scheme_str().unwrap_or(scheme);
                let authority = request_authority(uri, headers).ok_or_else(|| unknown(target.to_owned()))?;
                Ok(format!("{scheme}://{}{target}", without_default_port(scheme, authority)))
            }
        }
    }
}

impl FromStr for SignedUrl {
    type Err = SignedUrlError;

    /// One public URL, such as `https://tracker.example.com` or, where the public sees the
    /// application below a path, `https://example.com/tracker`. That path stands in place of the
    /// layer's context path.
    fn from_str(url: &str) -> Result<Self, Self::Err> {
        Ok(Self(Base::Fixed(url.parse()?)))
    }
}

impl fmt::Display for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Base::Fixed(base) => write!(f, "{}{}", base.origin, base.path),
            Base::AnyOf(bases) => bases.iter().enumerate().try_for_each(|(at, base)| {
                write!(f, "{}{}{}", if at == 0 { "" } else { ", " }, base.origin, base.path)
            }),
            Base::InsecureFromRequest { .. } => f.write_str("the request's own"),
        }
    }
}

impl PublicUrl {
    /// `None` for a target that the public does not see: one that is not below the context path, in whose
    /// place our path stands. Otherwise its URL would be that of another target as well.
    fn join(&self, target: &str, context_path: &ContextPath) -> Option<String> {
        let target = if self.path.is_empty() { target } else { context_path.strip(target)? };
        let mut url = String::with_capacity(self.origin.len() + self.path.len() + target.len());
        url.push_str(&self.origin);
        url.push_str(&self.path);
        url.push_str(target);
        Some(url)
    }

    fn is_selected_by(&self, authority: &str) -> bool {
        let (scheme, own) = self.origin.split_at(self.authority_at);
        without_default_port(scheme.trim_end_matches("://"), authority).eq_ignore_ascii_case(own)
    }
}

impl FromStr for PublicUrl {
    type Err = SignedUrlError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let bad = |reason| SignedUrlError::Bad { url: url.to_owned(), reason };
        let uri: Uri = url.trim().parse().map_err(|_| bad("it is no URL"))?;
        let scheme = uri
            .scheme_str()
            .filter(|scheme| matches!(*scheme, "http" | "https"))
            .ok_or_else(|| bad("it must begin with http:// or https://"))?;
        let authority = uri.authority().map(Authority::as_str).ok_or_else(|| bad("it has no host"))?;
        if authority.contains('@') {
            return Err(bad("it must not have a user name"));
        }
        if uri.query().is_some() || url.contains('#') {
            return Err(bad("it must not have a query or a fragment"));
        }
        let authority_at = scheme.len() + "://".len();
        let authority = without_default_port(scheme, authority).to_ascii_lowercase();
        Ok(Self {
            origin: format!("{scheme}://{authority}"),
            authority_at,
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

/// The authority that a request is for: `:authority` or the absolute form's, else `Host`. `None`
/// when there is none, when the two differ, or when it is not plain.
fn request_authority<'r>(uri: &'r Uri, headers: &'r HeaderMap) -> Option<&'r str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match hosts.next() {
        Some(host) => Some(host.to_str().ok()?),
        None => None,
    };
    let authority = match (uri.authority().map(Authority::as_str), host) {
        (Some(authority), Some(host)) if !authority.eq_ignore_ascii_case(host) => return None,
        (Some(authority), _) => authority,
        (None, host) => host?,
    };
    let plain = hosts.next().is_none()
        && !authority.is_empty()
        && !authority.contains(['@', '/', '?', '#', '\\', ' ', ',']);
    plain.then_some(authority)
}

fn without_default_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let port = if scheme == "https" { ":443" } else { ":80" };
    authority.strip_suffix(port).unwrap_or(authority)
}

/// Why a text is no public base URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignedUrlError {
    /// The URL cannot be a base.
    #[error("`{url}` cannot be a public base URL such as https://tracker.example.com: {reason}")]
    Bad {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An empty list.
    #[error("at least one public base URL is required")]
    Empty,
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn rebuild(
        base: &SignedUrl,
        context: &str,
        target: &str,
        host: Option<&str>,
    ) -> Result<String, Rejection> {
        let mut headers = HeaderMap::new();
        if let Some(host) = host {
            headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        }
        let uri: Uri = target.parse().unwrap();
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        base.rebuild(&uri, target, &headers, &ContextPath::new(context).unwrap())
    }

    #[test]
    fn fixed() {
        for (base, context, target, expected) in [
            ("https://t.example", "", "/rest?a=%20+&b", "https://t.example/rest?a=%20+&b"),
            ("https://T.example:443/", "", "/rest?", "https://t.example/rest?"),
            ("http://t.example:8080", "/jira", "/jira/rest", "http://t.example:8080/jira/rest"),
            // The proxy strips a prefix.
            ("https://t.example/tracker", "", "/rest", "https://t.example/tracker/rest"),
            // The public path stands in place of the context path.
            ("https://t.example/tracker", "/jira", "/jira/rest", "https://t.example/tracker/rest"),
            ("https://t.example/jira", "/jira", "/jira/rest", "https://t.example/jira/rest"),
            ("https://t.example", "", "http://other/rest", "https://t.example/rest"),
        ] {
            let base = base.parse().unwrap();
            assert_eq!(rebuild(&base, context, target, Some("backend:3000")).unwrap(), expected);
        }
    }

    #[test]
    fn no_two_targets_have_one_url() {
        let base = "https://t.example/jira".parse().unwrap();
        for target in ["/jirax", "/rest", "/", "/JIRA/rest"] {
            let refused = rebuild(&base, "/jira", target, None);
            assert_eq!(refused, Err(Rejection::BadSignature { url: target.to_owned() }));
        }
        let bases = SignedUrl::any_of(["https://t.example/jira"]).unwrap();
        assert!(rebuild(&bases, "/jira", "/rest", Some("t.example")).is_err());
    }

    #[test]
    fn selected_by_authority() {
        let bases = SignedUrl::any_of(["https://a.example", "http://b.example:8080/x"]).unwrap();
        for (target, host, expected) in [
            ("/r", Some("A.example"), Some("https://a.example/r")),
            ("/r", Some("a.example:443"), Some("https://a.example/r")),
            ("/r", Some("a.example:80"), None),
            ("/r", Some("b.example:8080"), Some("http://b.example:8080/x/r")),
            ("/r", Some("b.example"), None),
            ("/r", None, None),
            ("http://a.example/r", None, Some("https://a.example/r")),
            ("http://a.example/r", Some("a.example"), Some("https://a.example/r")),
            ("http://a.example/r", Some("b.example:8080"), None),
            ("/r", Some("x@a.example"), None),
        ] {
            assert_eq!(rebuild(&bases, "", target, host).ok().as_deref(), expected, "{target} {host:?}");
        }
    }

    #[test]
    fn from_request() {
        let base = SignedUrl::insecure_from_request();
        for (target, host, expected) in [
            ("/r", Some("JIRA.example.com:80"), Some("http://JIRA.example.com/r")),
            ("/r?", Some("[::1]"), Some("http://[::1]/r?")),
            ("https://w.example:8443/r", Some("w.example:8443"), Some("https://w.example:8443/r")),
            ("https://w.example:443/r", None, Some("https://w.example/r")),
            ("/r", None, None),
        ] {
            assert_eq!(rebuild(&base, "", target, host).ok().as_deref(), expected, "{target} {host:?}");
        }
    }

    #[test]
    fn no_base_url() {
        for url in [
            "",
            "t.example",
            "/x",
            "ftp://t.example",
            "https://u@t.example",
            "https://t.example/?q",
            "https://t.example/#f",
        ] {
            assert!(url.parse::<SignedUrl>().is_err(), "{url}");
        }
        assert_eq!(SignedUrl::any_of([] as [&str; 0]), Err(SignedUrlError::Empty));
    }
}
