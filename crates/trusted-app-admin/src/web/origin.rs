//! Under which origin browsers see the site, and whether a request comes from a page of it.

use std::fmt;

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use tower_trusted_app::text::escaped;
use url::{Origin, Url};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The origins (RFC 6454) under which browsers see the site: those that are stated, or without any the one that each
/// request has in its `Host`.
#[derive(Debug, Clone, Default)]
pub(crate) struct PublicOrigins(Vec<Origin>);

/// Why a text is no origin of a site. `Display` says what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{origin:?} is no public origin: {reason}; write scheme, host and, if it is not the usual one, port, such as `https://tracker.example.com`"
)]
pub struct PublicOriginError {
    origin: String,
    reason: &'static str,
}

impl PublicOrigins {
    pub(crate) fn add(&mut self, origin: &str) -> Result<(), PublicOriginError> {
        let bad = |reason| PublicOriginError { origin: origin.to_owned(), reason };
        // Without the slashes a parser takes a host for a scheme, or adds them.
        let Some((_, rest)) = origin.split_once("://") else { return Err(bad("it has no scheme")) };
        let url = Url::parse(origin).map_err(|_| bad("it is no URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("its scheme is neither http nor https"));
        }
        if rest.contains(['@', '?', '#', '\\']) || !matches!(rest.split_once('/'), None | Some((_, ""))) {
            return Err(bad("it has more than scheme, host and port"));
        }
        if url.host_str().is_none_or(|host| host.contains('*')) {
            return Err(bad("its host is no name of one host"));
        }
        self.0.push(url.origin());
        Ok(())
    }

    /// Says why the request does not come from a page of the site, as far as the browser says: a request that says nothing
    /// comes from no browser of today, and its token decides.
    pub(super) fn check(&self, request: &Parts) -> Result<(), Elsewhere> {
        let site = request.headers.get(SEC_FETCH_SITE);
        let sent = request.headers.get(ORIGIN);
        let own = || self.own(request, sent.and_then(parsed).as_ref());
        let is_same_site = site.is_none_or(|site| matches!(site.as_bytes(), b"same-origin" | b"none"));
        // A browser that says the page is of the same site means the host that it asked, which may have another name. It
        // may then keep the origin to itself (`null`, by a referrer policy).
        let names_origin = sent.is_some_and(|sent| sent != "null");
        let origin_decides = site.is_none() || !self.0.is_empty() && names_origin;
        let is_own = |sent| parsed(sent).is_some_and(|sent| own().contains(&sent.origin()));
        let has_own_origin = !origin_decides || sent.is_none_or(is_own);
        if is_same_site && has_own_origin {
            return Ok(());
        }
        let own: Vec<_> = own().iter().map(Origin::ascii_serialization).collect();
        let shown = |name| shown(&request.headers, name);
        Err(Elsewhere { site: shown(SEC_FETCH_SITE), sent: shown(ORIGIN), own: own.join(" ") })
    }

    /// The site's origins, for a request that states `sent` as its own.
    fn own(&self, request: &Parts, sent: Option<&Url>) -> Vec<Origin> {
        if !self.0.is_empty() {
            return self.0.clone();
        }
        let host = request.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.or(request.uri.authority().map(|authority| authority.as_str())).unwrap_or_default();
        // No field states our scheme. With the one that is sent, the usual port is left out on both sides or on none.
        let scheme = sent.map_or("http", Url::scheme);
        Url::parse(&format!("{scheme}://{host}")).iter().map(Url::origin).collect()
    }
}

fn parsed(origin: &HeaderValue) -> Option<Url> {
    origin.to_str().ok().and_then(|origin| Url::parse(origin).ok())
}

fn shown(headers: &HeaderMap, name: HeaderName) -> String {
    let text = headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes())).unwrap_or_default();
    escaped(&text.chars().take(256).collect::<String>()).to_string()
}

/// A request that a page of another origin sent, as far as its browser says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Elsewhere {
    /// `Sec-Fetch-Site`, empty without.
    site: String,
    /// `Origin`, empty without.
    sent: String,
    /// With what that was compared.
    own: String,
}

impl Elsewhere {
    /// The page that is answered says no more than that it is denied: what helps is the operator's affair.
    pub(super) fn log(&self) {
        let Self { site, sent, own } = self;
        tracing::warn!(target: "trusted_app", origin = sent, compared_with = own, sec_fetch_site = site, "{self}");
    }
}

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.site.is_empty() {
            return write!(
                f,
                "a change was refused because the browser says that another site sent it (`Sec-Fetch-Site: {}`)",
                self.site
            );
        }
        write!(
            f,
            "a change was refused because it comes from a page of {:?} and this site is {:?}: if browsers see this site under \
             the former, behind a proxy that changes `Host`, state that with `Site::public_origin`",
            self.sent, self.own
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use http::Request;

    use super::*;

    fn request(uri: &str, fields: &[(&str, &str)]) -> Parts {
        let request =
            fields.iter().fold(Request::post(uri), |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    fn stated(origins: &[&str]) -> PublicOrigins {
        let mut stated = PublicOrigins::default();
        origins.iter().for_each(|origin| stated.add(origin).unwrap());
        stated
    }

    #[test]
    fn a_page_of_the_site_has_its_public_origin() {
        let https = "https://tracker.example.com";
        let (plain, port) = ("http://tracker.internal", "https://tracker.example.com:8443");
        for (public, origin, host, is_ours) in [
            // Without a stated origin, `Host` is that.
            (&[][..], https, "tracker.example.com", true),
            (&[], https, "tracker.example.com:443", true),
            (&[], plain, "tracker.internal:80", true),
            (&[], "http://[::1]:8080", "[::1]:8080", true),
            (&[], plain, "backend:8080", false),
            (&[], port, "tracker.example.com", false),
            (&[], "https://evil.test", "tracker.example.com", false),
            (&[], "null", "tracker.example.com", false),
            (&[], "", "tracker.example.com", false),
            (&[], "https://", "", false),
            // Behind a proxy that writes its own `Host`, or drops the port of it.
            (&[https], https, "backend:8080", true),
            (&["https://Tracker.Example.com:443/"], https, "backend:8080", true),
            (&[plain], plain, "backend:8080", true),
            (&[port], port, "tracker.example.com", true),
            (&[plain, https], https, "backend:8080", true),
            (&["https://müller.example"], "https://xn--mller-kva.example", "backend", true),
            // What is not stated is another site, even if the proxy names it.
            (&[https], "http://tracker.example.com", "tracker.example.com", false),
            (&[https], port, "tracker.example.com:8443", false),
            (&[https], "http://backend:8080", "backend:8080", false),
            (&[https], "https://evil.test", "evil.test", false),
            (&[https], "https://tracker.example.com.evil.test", "tracker.example.com", false),
            (&[https], "null", "tracker.example.com", false),
        ] {
            let found = stated(public).check(&request("/", &[("origin", origin), ("host", host)]));
            assert_eq!(found.is_ok(), is_ours, "{public:?} {origin} {host}: {found:?}");
            // What the browser says of the site must hold too. A stated origin is compared in any case, if the browser
            // names its own. A request without either has its token.
            let named = public.is_empty() || origin == "null" || is_ours;
            for (site, expected) in
                [("same-origin", named), ("none", named), ("same-site", false), ("cross-site", false)]
            {
                let fields = [("origin", origin), ("host", host), ("sec-fetch-site", site)];
                assert_eq!(stated(public).check(&request("/", &fields)).is_ok(), expected, "{site} {origin}");
            }
            assert_eq!(stated(public).check(&request("/", &[("host", host)])), Ok(()));
        }
    }

    /// HTTP/2 has an authority and often no `Host`.
    #[test]
    fn the_authority_of_the_request_stands_for_its_host() {
        let own = [("origin", "https://tracker.example.com")];
        assert_eq!(stated(&[]).check(&request("https://tracker.example.com/x", &own)), Ok(()));
        assert!(stated(&[]).check(&request("https://backend/x", &own)).is_err());
    }

    #[test]
    fn the_log_names_both_origins_and_how_to_state_the_public_one() {
        let fields = [("origin", "http://tracker.internal"), ("host", "backend:8080")];
        let logged = stated(&[]).check(&request("/", &fields)).unwrap_err().to_string();
        for part in ["\"http://tracker.internal\"", "\"http://backend:8080\"", "`Site::public_origin`"] {
            assert!(logged.contains(part), "{logged}");
        }
        let several = stated(&["https://a.test", "https://b.test:8443"]);
        let logged = several.check(&request("/", &fields)).unwrap_err().to_string();
        assert!(logged.contains("\"https://a.test https://b.test:8443\""), "{logged}");
        let forged = [("origin", "https://evil.test\u{7f}"), ("sec-fetch-site", "cross-site")];
        let forged = forged.map(|(name, value)| (name, value.trim_end_matches('\u{7f}')));
        let logged = stated(&[]).check(&request("/", &forged)).unwrap_err();
        assert!(logged.to_string().contains("`Sec-Fetch-Site: cross-site`"), "{logged}");
    }

    #[test]
    fn what_no_browser_sends_as_an_origin_is_not_stated() {
        for bad in [
            "",
            "tracker.example.com",
            "tracker.example.com:8443",
            "https:tracker.example.com",
            "//tracker.example.com",
            "ftp://tracker.example.com",
            "https://",
            "https://tracker.example.com/jira",
            "https://tracker.example.com//",
            "https://tracker.example.com/..",
            "https://tracker.example.com?x",
            "https://tracker.example.com#x",
            "https://admin@tracker.example.com",
            "https://tracker.example.com:99999",
            "https://*.example.com",
            "https://a b",
            "null",
        ] {
            let error = PublicOrigins::default().add(bad).unwrap_err().to_string();
            assert!(error.contains("such as `https://tracker.example.com`"), "{bad}: {error}");
        }
    }
}
