//! The header fields that carry credentials.

use http::{HeaderMap, HeaderName};
use trusted_app_core::httpsig::{SIGNATURE, SIGNATURE_INPUT, TRUSTED_APP_USER};
use trusted_app_core::seraph;

/// The header fields of a request that carry credentials, of either scheme.
///
/// The layer marks their values as sensitive ([`HeaderValue::set_sensitive`](http::HeaderValue::set_sensitive)), and so
/// do the signing clients: then neither `Debug` nor `tower_http::trace` prints them, and HTTP/2 does not keep them in its
/// header tables. A tracing layer *outside* of this one sees the request before that. Put
/// `tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer` outside of both, with this list:
///
/// ```
/// use http::Request;
/// use tower::{Layer, service_fn};
/// use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
/// use tower_trusted_app::CREDENTIAL_HEADERS;
///
/// # let service = service_fn(|_: Request<()>| std::future::ready(Ok::<_, std::convert::Infallible>(())));
/// let service = SetSensitiveRequestHeadersLayer::new(CREDENTIAL_HEADERS).layer(service);
/// # let _ = service;
/// ```
pub const CREDENTIAL_HEADERS: [HeaderName; 9] = [
    seraph::ID,
    seraph::CERTIFICATE,
    seraph::KEY,
    seraph::VERSION,
    seraph::MAGIC,
    seraph::SIGNATURE,
    SIGNATURE_INPUT,
    SIGNATURE,
    TRUSTED_APP_USER,
];

/// Marks the credentials of a request as sensitive.
pub(crate) fn mark_sensitive(headers: &mut HeaderMap) {
    for (name, value) in headers.iter_mut() {
        if is_credential(name.as_str()) {
            value.set_sensitive(true);
        }
    }
}

/// Whether a field is of [`CREDENTIAL_HEADERS`], or of Seraph's in any case: faster than to compare it with each.
fn is_credential(name: &str) -> bool {
    name.starts_with("x-seraph-trusted-app-")
        || matches!(name, "signature" | "signature-input" | "trusted-app-user")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn credentials_are_not_printed() {
        let mut headers = HeaderMap::new();
        for name in CREDENTIAL_HEADERS {
            headers.append(name.clone(), HeaderValue::from_static("first"));
            headers.append(name, HeaderValue::from_static("second"));
        }
        headers.insert("accept", HeaderValue::from_static("everything"));
        mark_sensitive(&mut headers);
        let printed = format!("{headers:?}");
        assert!(!printed.contains("first") && !printed.contains("second"), "{printed}");
        assert!(printed.contains("everything"));
    }
}
