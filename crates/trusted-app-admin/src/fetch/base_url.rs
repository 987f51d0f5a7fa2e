//! URLs as an administrator types them, and what every URL must be that is fetched.

use url::Url;

use super::error::FetchErrorKind;

const MAX_URL_BYTES: usize = 2048;

pub(super) fn parse(base: &str) -> Result<Url, FetchErrorKind> {
    let not = |reason: &str| FetchErrorKind::NotAUrl(reason.to_owned());
    if base.is_empty() {
        return Err(FetchErrorKind::Blank);
    }
    if base.len() > MAX_URL_BYTES {
        return Err(not("a base URL is at most 2048 bytes long"));
    }
    if base.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(not("a URL has no blanks and no control characters"));
    }
    let scheme = base.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    if !matches!(scheme.as_deref(), Some("http" | "https")) {
        return Err(not("a URL begins with http:// or https://"));
    }
    let mut url = Url::parse(base).map_err(|error| not(&error.to_string()))?;
    check(&url).map_err(|reason| not(&reason))?;
    if url.query().is_some() {
        return Err(not("a base URL has no query"));
    }
    url.set_fragment(None);
    Ok(url)
}

/// What every URL must be that is fetched.
pub(super) fn check(url: &Url) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("{url}: the scheme must be http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL to be fetched has no user and no password".to_owned());
    }
    Ok(())
}
