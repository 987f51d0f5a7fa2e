//! Which URL a signature must have been made for: the request's, as the peer saw it.
//!
//! Seraph signs the whole URL, and a server behind a proxy sees another host, scheme or path than
//! the peer. So the public base URL is stated, never guessed. The path and the query are taken as
//! the raw octets that came; nothing is decoded or encoded again.

mod host;
mod public_url;
mod rebuilt;

use std::fmt;
use std::str::FromStr;

use http::HeaderMap;
use http::uri::Uri;
use trusted_app_core::Rejection;

use self::host::{RequestHosts, without_default_port};
use self::public_url::PublicUrl;
use crate::context_path::ContextPath;

pub use public_url::SignedUrlError;
pub use rebuilt::RebuiltUrl;

/// How the signed URL of a request is rebuilt.
///
/// A public URL has a normal form: scheme and host in small letters, without the scheme's default port and without a
/// dot at the host's end. Peers that sign by Seraph sign what their own administrator typed. So where an operator
/// writes another text, such as `https://Tracker.Example.com:443`, a Seraph signature may be of the origin as it is
/// written or of the normal form, and of no third. An HTTP message signature is of the normal form.
///
/// With two texts a signature that holds for neither costs two verifications instead of one. One that holds usually
/// costs one: the text for which the last signature held is tried first, and remembered signatures are looked up for
/// both before.
///
/// ```
/// use tower_trusted_app::SignedUrl;
///
/// // One public URL, whatever the Host header says: right behind a proxy that rewrites it.
/// let one: SignedUrl = "https://tracker.example.com".parse()?;
///
/// // Several: the request's authority selects one; it is rejected if it is none of them.
/// let several = SignedUrl::any_of(["https://tracker.example.com", "https://tracker.internal:8443"])?;
///
/// // No base URL, and one for which no request can be.
/// assert!("tracker.example.com".parse::<SignedUrl>().is_err());
/// assert!("https://tracker.example.com:99999".parse::<SignedUrl>().is_err());
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

impl SignedUrl {
    /// Several public URLs. The request's authority (`:authority` or `Host`, without regard to
    /// letter case, the default port or a dot at its end) selects one; there is no trial of each. A request that has
    /// both must select the same URL by both.
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
    ) -> Result<RebuiltUrl, Rejection> {
        let not_seen = || RebuiltUrl::new(target.to_owned()).bad_signature();
        let hosts = || {
            let hosts = RequestHosts::of(uri, headers);
            hosts.ok_or_else(|| host::unknown(target.to_owned(), uri, headers))
        };
        match &self.0 {
            Base::Fixed(base) => base.join(target, context_path).ok_or_else(not_seen),
            Base::AnyOf(bases) => {
                let hosts = hosts()?;
                let base = bases
                    .iter()
                    .find(|base| base.is_selected_by(&hosts))
                    .ok_or_else(|| host::unknown(format!("//{}{target}", hosts.first()), uri, headers))?;
                base.join(target, context_path).ok_or_else(not_seen)
            }
            Base::InsecureFromRequest { scheme } => {
                let (scheme, hosts) = (uri.scheme_str().unwrap_or(scheme), hosts()?);
                let authority = hosts.first();
                if !hosts.are(scheme, authority) {
                    return Err(host::unknown(target.to_owned(), uri, headers));
                }
                let authority = without_default_port(scheme, authority);
                Ok(RebuiltUrl::new(format!("{scheme}://{authority}{target}")))
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
            Base::Fixed(base) => base.fmt(f),
            Base::AnyOf(bases) => bases.iter().enumerate().try_for_each(|(at, base)| {
                f.write_str(if at == 0 { "" } else { ", " }).and_then(|()| base.fmt(f))
            }),
            Base::InsecureFromRequest { .. } => f.write_str("the request's own"),
        }
    }
}

#[cfg(test)]
mod tests;
