//! Where others fetch our keys for HTTP message signatures.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, HeaderMap, HeaderValue};
use http::uri::Authority;
use http::{HeaderName, StatusCode};
use tower_trusted_app::crypto::PrivateSignatureKey;
use tower_trusted_app::httpsig::{DIRECTORY_PATH, DirectoryError, SignedDirectory};
use tower_trusted_app::{Clock, SystemClock, Timestamp};

/// How long the signatures of an answer are good.
const LIFETIME: Duration = Duration::from_secs(5 * 60);
/// How long an answer is given again, here and by caches on the way; strangers cannot make us sign more
/// often.
const KEPT_FOR: Duration = Duration::from_secs(60);
const CACHED: HeaderValue = HeaderValue::from_static("max-age=60");

/// Serves our key directory at `/.well-known/http-message-signatures-directory`, to everybody: it holds
/// our public keys for HTTP message signatures, and each of them signs it, which proves to the
/// administrators of other applications that the keys are ours.
///
/// It is signed for `authority`, the host (and port, unless 443) by which others reach this server, and
/// never for one that a request names. List a new key an hour before it signs a request, so that others
/// have fetched it, and the old one until nothing is signed with it any more.
///
/// ```
/// # use axum::{body::{Body, to_bytes}, http::Request};
/// # use tower::ServiceExt;
/// # use tower_trusted_app::crypto::{PrivateSignatureKey, SignatureAlgorithm};
/// # use tower_trusted_app::httpsig::KeyDirectory;
/// # use tower_trusted_app::{Clock, SystemClock};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519)?;
/// let keys = trusted_app_axum::key_directory_route([key.clone()], "wiki.example.com".parse()?)?;
/// let app = axum::Router::new().merge(keys);
///
/// let path = "/.well-known/http-message-signatures-directory";
/// let (answer, body) = app.oneshot(Request::get(path).body(Body::empty())?).await?.into_parts();
/// let body = to_bytes(body, 64 * 1024).await?;
///
/// // Who asked our host for it accepts it ...
/// let now = SystemClock.now();
/// let url = format!("https://wiki.example.com{path}");
/// let directory = KeyDirectory::verify(&url, &answer.headers, &body, now)?;
/// assert_eq!(directory.keys()[0].key, *key.public_key());
///
/// // ... and who got it from another host rejects it: that host does not have our keys.
/// let elsewhere = format!("https://wiki.example.net{path}");
/// assert!(KeyDirectory::verify(&elsewhere, &answer.headers, &body, now).is_err());
/// # Ok(())
/// # }
/// ```
///
/// The layer lets `GET` and `HEAD` of this path through. It is at the root of the host, so the route must
/// not be nested below a context path; under another log-in middleware it must be exempted.
///
/// # Errors
///
/// When there are more than 16 keys, or one cannot sign.
pub fn key_directory_route<S>(
    keys: impl IntoIterator<Item = PrivateSignatureKey>,
    authority: Authority,
) -> Result<Router<S>, DirectoryError>
where
    S: Clone + Send + Sync + 'static,
{
    key_directory_route_with(keys, authority, SystemClock)
}

/// [`key_directory_route`] with a clock for the dates of the signatures.
///
/// # Errors
///
/// As [`key_directory_route`].
pub fn key_directory_route_with<S>(
    keys: impl IntoIterator<Item = PrivateSignatureKey>,
    authority: Authority,
    clock: impl Clock,
) -> Result<Router<S>, DirectoryError>
where
    S: Clone + Send + Sync + 'static,
{
    let keys = keys.into_iter().collect();
    let url = format!("https://{authority}{DIRECTORY_PATH}");
    let signer = Arc::new(Signer { keys, url, clock, last: Mutex::default() });
    signer.answer()?;
    Ok(Router::new().route(DIRECTORY_PATH, get(move || async move { serve(&signer) })))
}

fn serve(signer: &Signer<impl Clock>) -> Response {
    match signer.answer() {
        Ok((headers, body)) => (headers, body).into_response(),
        Err(error) => {
            tracing::error!(target: "trusted_app", %error, "our key directory cannot be signed");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

type Answer = (HeaderMap, Bytes);

/// Our keys, and what they signed last.
struct Signer<C> {
    keys: Vec<PrivateSignatureKey>,
    url: String,
    clock: C,
    last: Mutex<Option<(Timestamp, Answer)>>,
}

impl<C: Clock> Signer<C> {
    fn answer(&self) -> Result<Answer, DirectoryError> {
        let now = self.clock.now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, answer)) = &*last
            && (*at..at.saturating_add(KEPT_FOR)).contains(&now)
        {
            return Ok(answer.clone());
        }
        let signed = SignedDirectory::sign(&self.keys, &self.url, now, LIFETIME)?;
        let cached: (HeaderName, _) = (CACHE_CONTROL, CACHED);
        let headers = signed.headers.into_iter().chain([cached]).collect();
        let answer = (headers, Bytes::from(signed.body));
        *last = Some((now, answer.clone()));
        Ok(answer)
    }
}
