//! The layer.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, Method, Uri};
use tower_layer::Layer;
use trusted_app_core::Rejection;

use crate::body::Untouched;
use crate::reject::ProblemJson;
use crate::service::TrustedApp;
use crate::shared::Shared;
use crate::signed_url::RebuiltUrl;

/// Middleware that accepts requests of trusted applications on behalf of their users.
///
/// A signed request reaches the inner service with a [`Caller`](crate::Caller) in its extensions;
/// everything that is not verified to the end is answered here. See the [crate](crate) for an
/// example that shows both.
///
/// `K` is the key store, `D` the user directory, `R` how rejections become responses and `M` what
/// becomes of the request's body ([`Untouched`] or [`Digested`](crate::Digested)).
///
/// It is [built](Self::builder), and nothing about it changes after that. Its clones, and all the services that it is
/// applied to, share its state: the verified signatures and the bounds.
///
/// ```compile_fail,E0599
/// # fn later<K, D>(layer: tower_trusted_app::TrustedAppLayer<K, D>) {
/// // What is built cannot be configured later.
/// let _ = layer.optional();
/// # }
/// ```
#[must_use = "a layer does nothing until it is applied to a service"]
pub struct TrustedAppLayer<K, D, R = ProblemJson, M = Untouched> {
    shared: Arc<Shared<K, D, R>>,
    body: PhantomData<fn() -> M>,
}

impl<K, D, R, M> TrustedAppLayer<K, D, R, M> {
    pub(crate) fn of(shared: Shared<K, D, R>) -> Self {
        Self { shared: Arc::new(shared), body: PhantomData }
    }

    /// The URL for which such a request must have been signed, as this layer rebuilds it: for tools that explain
    /// where two sides differ. `Display` shows its normal form.
    ///
    /// # Errors
    ///
    /// [`Rejection::AuthorityUnknown`] when the request's authority is none of the public URLs,
    /// [`Rejection::BadSignature`] when the public does not see its path.
    ///
    /// ```
    /// use tower_trusted_app::keys::MemoryKeyStore;
    /// use tower_trusted_app::users::MemoryDirectory;
    /// use tower_trusted_app::{SignedUrl, TrustedAppLayer};
    ///
    /// let url = SignedUrl::any_of(["https://tracker.example.com"])?;
    /// let users = MemoryDirectory::of_names(["alice"]);
    /// let layer = TrustedAppLayer::builder(MemoryKeyStore::new([])?, users, url).build()?;
    /// let signed_url = |host| {
    ///     let request = http::Request::get("/rest?q=1").header("host", host).body(())?;
    ///     Ok::<_, http::Error>(layer.rebuilt_url(&request.into_parts().0).ok().map(|url| url.to_string()))
    /// };
    /// assert_eq!(signed_url("tracker.example.com")?.as_deref(), Some("https://tracker.example.com/rest?q=1"));
    /// assert_eq!(signed_url("backend:8080")?, None);
    /// # Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    /// ```
    pub fn rebuilt_url(&self, request: &Parts) -> Result<RebuiltUrl, Rejection> {
        let settings = &self.shared.settings;
        settings.rebuild(request, &settings.target_of(request))
    }
}

/// Whether a request is a CORS preflight: `OPTIONS` with `Origin` and
/// `Access-Control-Request-Method` (the Fetch standard). For [`TrustedAppLayerBuilder::skip`](crate::TrustedAppLayerBuilder::skip).
#[must_use]
pub fn is_cors_preflight(method: &Method, _uri: &Uri, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS
        && headers.contains_key(http::header::ORIGIN)
        && headers.contains_key(http::header::ACCESS_CONTROL_REQUEST_METHOD)
}

impl<S, K, D, R, M> Layer<S> for TrustedAppLayer<K, D, R, M> {
    type Service = TrustedApp<S, K, D, R, M>;

    fn layer(&self, inner: S) -> Self::Service {
        TrustedApp::new(inner, Arc::clone(&self.shared))
    }
}

impl<K, D, R, M> Clone for TrustedAppLayer<K, D, R, M> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), body: PhantomData }
    }
}

impl<K, D, R, M> fmt::Debug for TrustedAppLayer<K, D, R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.shared.settings;
        f.debug_struct("TrustedAppLayer")
            .field("signed_url", &settings.signed_url)
            .field("unverified", &settings.unverified)
            .field("context_path", &settings.context_path)
            .field("source_addresses", &settings.sources)
            .field("lookup_timeout", &settings.lookup_timeout)
            .field("replay_protection", &settings.replay_protection)
            .finish_non_exhaustive()
    }
}
