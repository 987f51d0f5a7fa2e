//! How a rejection becomes a response.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response, header};
use trusted_app_core::{BoxError, Rejected};

/// Turns a rejection into a response, in the way of one framework or application.
///
/// The layer adds to whatever comes back: the original's `X-Seraph-Trusted-App-Status` and
/// `-Error` headers, `WWW-Authenticate` to a 401, `Retry-After` to a 503, `Cache-Control: no-store`,
/// and the [`Rejected`] itself to the response's extensions.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot answer with a body of type `{ResBody}`",
    note = "`ProblemJson` answers with any body that is `From<bytes::Bytes>`; for another body hand the \
            layer a closure: `.rejections(reject_fn(|rejected, request| ...))`"
)]
pub trait Reject<ResBody>: Send + Sync + 'static {
    /// The response to a rejected request.
    fn reject(&self, rejected: &Rejected, request: &Parts) -> Response<ResBody>;

    /// The source of the [error](crate::SignedBodyError::Mismatch) in which a body ends that was
    /// [handed on while it came](crate::HttpSignatures::streaming) and is not the one that was signed: what the
    /// framework that reads it makes an answer of. `None` by default.
    fn body_error(&self, rejected: &Rejected, request: &Parts) -> Option<BoxError> {
        let _ = (rejected, request);
        None
    }
}

/// The default: a problem document (RFC 9457) with the code and what the peer may know.
///
/// `{"type":"about:blank","title":"Unauthorized","status":401,"code":"BAD_SIGNATURE","detail":"…"}`
#[derive(Debug, Clone, Copy, Default)]
pub struct ProblemJson;

impl<ResBody: From<Bytes>> Reject<ResBody> for ProblemJson {
    fn reject(&self, rejected: &Rejected, _request: &Parts) -> Response<ResBody> {
        let status = rejected.status();
        let problem = serde_json::json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or_default(),
            "status": status.as_u16(),
            "code": rejected.code(),
            "detail": rejected.detail(),
        });
        let mut response = Response::new(ResBody::from(Bytes::from(problem.to_string())));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}

/// Answers by a closure. [`Rejected::detail`] is what a peer may read; its `Display` is for the log and says more, such as
/// which keys there are.
///
/// ```
/// use bytes::Bytes;
/// use http::{Response, request::Parts};
/// use http_body_util::Full;
/// use tower_trusted_app::{Rejected, reject_fn};
///
/// let plain = reject_fn(|rejected: &Rejected, _request: &Parts| {
///     let text = rejected.detail();
///     let mut response = Response::new(Full::new(Bytes::from(text)));
///     *response.status_mut() = rejected.status();
///     response
/// });
/// ```
pub fn reject_fn<F, ResBody>(reject: F) -> RejectFn<F>
where
    F: Fn(&Rejected, &Parts) -> Response<ResBody> + Send + Sync + 'static,
{
    RejectFn(reject)
}

/// See [`reject_fn`].
#[derive(Clone)]
pub struct RejectFn<F>(F);

impl<F> std::fmt::Debug for RejectFn<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RejectFn")
    }
}

impl<F, ResBody> Reject<ResBody> for RejectFn<F>
where
    F: Fn(&Rejected, &Parts) -> Response<ResBody> + Send + Sync + 'static,
{
    fn reject(&self, rejected: &Rejected, request: &Parts) -> Response<ResBody> {
        (self.0)(rejected, request)
    }
}
