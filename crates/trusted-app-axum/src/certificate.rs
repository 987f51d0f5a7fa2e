//! Where others fetch our public key.

use axum::Router;
use axum::body::Bytes;
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use tower_trusted_app::application::Scheme;
use tower_trusted_app::seraph::{CERTIFICATE_PATH, CertificateDocument};

/// Serves our certificate document at `/admin/appTrustCertificate`, to everybody: it holds our id
/// and public key, and is how administrators of other applications come to trust this one.
///
/// ```
/// # use trusted_app_axum::{LocalApplication, certificate_route};
/// # fn app(identity: &LocalApplication) -> axum::Router {
/// axum::Router::new()
///     // …
///     .merge(certificate_route(identity))
/// # }
/// ```
///
/// `document` is a `&`[`LocalApplication`](crate::LocalApplication), or a [`CertificateDocument`] where
/// the private key is kept elsewhere.
///
/// The layer lets `GET` and `HEAD` of this path through, so it does not matter which of the two
/// comes first. Under another log-in middleware it must be exempted.
pub fn certificate_route<S>(document: impl Into<CertificateDocument>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let text = Bytes::from(document.into().to_text(Scheme::SeraphV3));
    let headers = [(CONTENT_TYPE, "text/plain"), (CACHE_CONTROL, "no-cache")];
    Router::new().route(CERTIFICATE_PATH, get(move || async move { (headers, text.clone()) }))
}
