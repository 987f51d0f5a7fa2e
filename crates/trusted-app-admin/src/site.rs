//! The administration over HTTP: pages and API behind one guard.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, StatusCode};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::set_header::response::SetMultipleResponseHeadersLayer;
use tower_trusted_app::ApplicationRegistry;

#[cfg(feature = "api")]
use crate::api::SURFACE as API;
#[cfg(not(feature = "pages"))]
use crate::api::SURFACE as PAGES;
#[cfg(feature = "pages")]
use crate::pages::SURFACE as PAGES;
#[cfg(not(feature = "api"))]
use crate::pages::SURFACE as API;
use crate::service::Administration;
use crate::web::{Gate, Guard, Nobody, PublicOriginError, PublicOrigins, Surface, TokenKey, pass};

/// The site of an administration: web pages, and a JSON API below `/api/v1`.
///
/// The router can be merged at the root or nested below any path. Every request passes the guard
/// first; without one nobody comes in. The OpenAPI document is at `/api/v1/openapi.json`.
///
/// A [`TrustedAppLayer`](tower_trusted_app::TrustedAppLayer) goes around the routes that applications ask for, and not
/// around the site: unless it is optional, it rejects every administrator who comes with a browser. By axum's
/// `Router::layer` it is around the whole router, and answers 401 for each URL at which nothing is; by `route_layer`
/// it is around the routes that were added before, and those URLs stay 404.
///
/// ```
/// use axum::{body::Body, http::{Request, StatusCode, request::Parts}};
/// use tower::ServiceExt;
/// use tower_trusted_app::keys::MemoryRegistry;
/// use trusted_app_admin::{Administration, Administrator, Guard, Denied, Site};
///
/// // An example's guard; a real one looks at the session that the log-in left in the extensions.
/// struct Example;
///
/// impl Guard for Example {
///     async fn administrator(&self, parts: &Parts) -> Result<Administrator, Denied> {
///         match parts.headers.get("x-example-user") {
///             Some(user) if user == "admin" => Ok(Administrator::new("admin")),
///             Some(_) => Err(Denied::Forbidden),
///             None => Err(Denied::Anonymous),
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let administration = Administration::new(MemoryRegistry::new([])?);
/// let list = || {
///     let request = Request::get("/trusted-applications").header("x-example-user", "admin");
///     request.body(Body::empty()).unwrap()
/// };
///
/// let site = Site::new(administration.clone()).guard(Example).into_router();
/// assert_eq!(site.oneshot(list()).await?.status(), StatusCode::OK);
///
/// // Without a guard nobody comes in.
/// let unguarded = Site::new(administration).into_router();
/// assert_eq!(unguarded.oneshot(list()).await?.status(), StatusCode::FORBIDDEN);
/// # Ok(())
/// # }
/// ```
pub struct Site<R, G = Nobody> {
    administration: Administration<R>,
    guard: G,
    key: Option<[u8; 32]>,
    origins: PublicOrigins,
}

impl<R: ApplicationRegistry> Site<R> {
    /// A site that denies everybody until a [`guard`](Self::guard) is stated.
    #[must_use]
    pub fn new(administration: Administration<R>) -> Self {
        Self { administration, guard: Nobody, key: None, origins: PublicOrigins::default() }
    }
}

impl<R: ApplicationRegistry, G: Guard> Site<R, G> {
    /// Who may come in.
    #[must_use]
    pub fn guard<H: Guard>(self, guard: H) -> Site<R, H> {
        Site { administration: self.administration, guard, key: self.key, origins: self.origins }
    }

    /// The secret from which the tokens of forms are made: the same on every node that serves the
    /// site, and random. Unless stated, each process makes its own.
    #[must_use]
    pub fn token_key(self, key: [u8; 32]) -> Self {
        Self { key: Some(key), ..self }
    }

    /// States an origin under which browsers see the site, such as `https://tracker.example.com`: scheme, host and port.
    /// Repeated, it adds another one.
    ///
    /// A change is accepted from a page of such an origin only. Without any, the origin is the one of the request's
    /// `Host`; behind a proxy that writes another `Host`, or leaves out its port, that would deny every form.
    ///
    /// ```
    /// # use tower_trusted_app::keys::MemoryRegistry;
    /// # use trusted_app_admin::{Administration, Site};
    /// let site = || Site::new(Administration::new(MemoryRegistry::new([]).unwrap()));
    /// assert!(site().public_origin("https://tracker.example.com").is_ok());
    /// // Browsers state no path.
    /// assert!(site().public_origin("https://tracker.example.com/jira").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// When the text is not an http or https URL of scheme, host and port alone.
    pub fn public_origin(mut self, origin: &str) -> Result<Self, PublicOriginError> {
        self.origins.add(origin)?;
        Ok(self)
    }

    /// The router. If the system has no randomness for a token key, every form is denied.
    pub fn into_router(self) -> Router {
        let mut random = [0; 32];
        let drawn = getrandom::fill(&mut random).is_ok();
        let key = self.key.or(drawn.then_some(random)).map(TokenKey::new);
        let clock = self.administration.shared_clock();
        let mut router = Router::new();
        #[cfg(feature = "pages")]
        {
            router = router.merge(crate::pages::routes(self.administration.clone()));
        }
        #[cfg(feature = "api")]
        {
            router = router.merge(crate::api::routes(self.administration));
        }
        let gate = Gate { guard: self.guard, key, origins: self.origins, clock, surface };
        router
            .fallback(not_found)
            .layer(from_fn_with_state(Arc::new(gate), pass::<G>))
            // A page with a style of its own states a policy of its own.
            .layer(SetResponseHeaderLayer::if_not_present(
                CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(POLICY),
            ))
            .layer(SetMultipleResponseHeadersLayer::overriding(
                HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value)).into()).to_vec(),
            ))
    }
}

const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const HEADERS: [(HeaderName, &str); 4] = [
    (X_FRAME_OPTIONS, "DENY"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // With `no-referrer` a browser would hide the origin of our own forms as well.
    (REFERRER_POLICY, "same-origin"),
    (CACHE_CONTROL, "no-store"),
];

fn surface(path: &str) -> &'static Surface {
    if path.starts_with("/api/") { &API } else { &PAGES }
}

/// For paths that nothing is served at.
async fn not_found(request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let denied = surface(parts.uri.path()).denied;
    denied(&parts, parts.extensions.get(), StatusCode::NOT_FOUND, "There is nothing here.")
}

impl<R, G> fmt::Debug for Site<R, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").finish_non_exhaustive()
    }
}
