//! Against requests that another site makes the administrator's browser send.

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use http::header::{HOST, ORIGIN};
use sha2::Sha256;
use url::Url;

use crate::administrator::Administrator;
use crate::service::hex;

/// The key of the tokens that forms carry.
pub(super) struct TokenKey([u8; 32]);

impl TokenKey {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The token of an administrator's forms.
    pub(super) fn token(&self, administrator: &Administrator) -> Option<String> {
        Some(hex(&self.mac(administrator)?.finalize().into_bytes()))
    }

    /// Whether the token is that of this administrator. Takes the same time for any wrong one.
    pub(super) fn holds(&self, administrator: &Administrator, token: &str) -> bool {
        let bytes: Option<Vec<u8>> = (0..token.len())
            .step_by(2)
            .map(|at| token.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect();
        match (self.mac(administrator), bytes) {
            (Some(mac), Some(bytes)) => mac.verify_slice(&bytes).is_ok(),
            _ => false,
        }
    }

    fn mac(&self, administrator: &Administrator) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        for part in [administrator.name(), administrator.session().unwrap_or_default()] {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part.as_bytes());
        }
        Some(mac)
    }
}

/// Whether the browser says that another site had it send this. What says nothing is no browser of
/// today; the token decides then.
pub(super) fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return !matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let origin = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok());
    // The same scheme on both sides, so that a port that is understood is left out of both.
    origin.is_none_or(|origin| {
        Url::parse(&format!("{}://{host}", origin.scheme())).map(|own| own.origin()).ok()
            != Some(origin.origin())
    })
}
