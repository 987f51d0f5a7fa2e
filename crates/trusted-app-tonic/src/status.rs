//! How a rejection becomes a gRPC answer.

use std::collections::HashMap;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, header};
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use tower_trusted_app::{BoxError, Protocol, Reject, Rejected};

/// The `domain` of the [`google.rpc.ErrorInfo`](tonic_types::ErrorInfo) in our statuses.
pub const ERROR_DOMAIN: &str = "trusted-app";

/// Answers with a gRPC status: HTTP 200, no body, `grpc-status` and `grpc-message` where trailers
/// without a body stand (*Trailers-Only*), and `google.rpc.ErrorInfo` among the details, whose
/// `reason` is our code. See [`status_of`].
///
/// A gRPC-Web request gets the same, under its own content type.
#[derive(Debug, Clone, Copy, Default)]
pub struct GrpcStatus;

impl<ResBody: Default> Reject<ResBody> for GrpcStatus {
    fn reject(&self, rejected: &Rejected, request: &Parts) -> Response<ResBody> {
        let mut response = status_of(rejected).into_http();
        if let Some(content_type) = grpc_web_content_type(&request.headers) {
            response.headers_mut().insert(header::CONTENT_TYPE, content_type.clone());
        }
        response
    }

    /// The same status, in which a handler's read of the request ends.
    fn body_error(&self, rejected: &Rejected, _: &Parts) -> Option<BoxError> {
        Some(status_of(rejected).into())
    }
}

/// The gRPC status of a rejection, as the peer gets it.
///
/// The code is 16 (unauthenticated), 7 (permission denied), 14 (unavailable: a store is down), 8 (resource
/// exhausted: more content than is held) or 3 (invalid argument: malformed credentials), as the tables of
/// [Seraph](tower_trusted_app::seraph::Code) and of [HTTP message signatures](tower_trusted_app::httpsig::Code)
/// say. The details have a `google.rpc.ErrorInfo` with the rejection's code as `reason` and [`ERROR_DOMAIN`] as
/// `domain`; for 14 a `google.rpc.RetryInfo` of one second beside it. The code of a rejected HTTP message
/// signature is also in the metadata, as `trusted-app-error`.
///
/// ```
/// use tonic::Code;
/// use tonic_types::StatusExt;
/// use trusted_app_tonic::{Protocol, Rejected, Rejection, status_of};
///
/// let rejected = Rejected::new(Protocol::Seraph, Rejection::CredentialsMissing);
/// let status = status_of(&rejected);
/// assert_eq!(status.code(), Code::Unauthenticated);
/// assert_eq!(status.get_details_error_info().unwrap().reason, "MISSING_CERT");
/// ```
#[must_use]
pub fn status_of(rejected: &Rejected) -> Status {
    let code = Code::from_i32(rejected.grpc_code());
    let mut details = ErrorDetails::with_error_info(rejected.code(), ERROR_DOMAIN, HashMap::new());
    if code == Code::Unavailable {
        details.set_retry_info(Some(Duration::from_secs(1)));
    }
    let mut status = Status::with_error_details(code, rejected.detail(), details);
    if rejected.protocol() == Protocol::HttpSignature {
        let code = MetadataValue::from_static(rejected.code());
        status.metadata_mut().insert("trusted-app-error", code);
    }
    status
}

/// Answers gRPC and gRPC-Web requests with a [`GrpcStatus`], and all others by `R`: for a port that
/// gRPC shares with pages. What a request is its content type says.
///
/// ```
/// # use trusted_app_tonic::{keys::MemoryKeyStore, users::MemoryDirectory};
/// # let (keys, users) = (MemoryKeyStore::new([]).unwrap(), MemoryDirectory::of_names(["alice"]));
/// # let public_url = "https://tracker.example.com".parse().unwrap();
/// use trusted_app_tonic::{GrpcOr, ProblemJson};
///
/// let layer = trusted_app_tonic::layer_builder(keys, users, public_url).rejections(GrpcOr(ProblemJson)).build()?;
/// # Ok::<_, trusted_app_tonic::LayerError>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct GrpcOr<R>(
    /// What answers the requests that are not gRPC.
    pub R,
);

impl<ResBody: Default, R: Reject<ResBody>> Reject<ResBody> for GrpcOr<R> {
    fn reject(&self, rejected: &Rejected, request: &Parts) -> Response<ResBody> {
        if is_grpc(&request.headers) {
            GrpcStatus.reject(rejected, request)
        } else {
            self.0.reject(rejected, request)
        }
    }

    fn body_error(&self, rejected: &Rejected, request: &Parts) -> Option<BoxError> {
        if is_grpc(&request.headers) {
            Reject::<ResBody>::body_error(&GrpcStatus, rejected, request)
        } else {
            self.0.body_error(rejected, request)
        }
    }
}

/// `application/grpc`, `application/grpc-web`, alone or followed by `+format`, `-text` or parameters.
fn is_grpc(headers: &HeaderMap) -> bool {
    content_type(headers).and_then(|value| strip_prefix(value, GRPC)).is_some_and(|rest| {
        let rest = strip_prefix(rest, b"-web").unwrap_or(rest);
        let rest = strip_prefix(rest, b"-text").unwrap_or(rest);
        matches!(rest.first(), None | Some(b'+' | b';' | b' '))
    })
}

fn grpc_web_content_type(headers: &HeaderMap) -> Option<&HeaderValue> {
    let value = headers.get(header::CONTENT_TYPE)?;
    let is_web =
        strip_prefix(value.as_bytes(), GRPC).is_some_and(|rest| strip_prefix(rest, b"-web").is_some());
    (is_web && value.len() <= MAX_CONTENT_TYPE_BYTES).then_some(value)
}

/// No client of gRPC-Web sends a longer content type, and an answer need not repeat it.
const MAX_CONTENT_TYPE_BYTES: usize = 64;

const GRPC: &[u8] = b"application/grpc";

fn content_type(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes)
}

/// Without regard to letter case, as media types are compared.
fn strip_prefix<'v>(value: &'v [u8], prefix: &[u8]) -> Option<&'v [u8]> {
    let (start, rest) = value.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::Full;
    use tower_trusted_app::seraph::TransportError;
    use tower_trusted_app::{ProblemJson, Rejection};

    use super::*;

    /// As with the HTTP answers: a proxy might take the server for broken.
    #[test]
    fn no_text_of_the_peers_swells_the_headers() {
        let mut request = http::Request::new(()).into_parts().0;
        let content_type = format!("application/grpc-web; {}", "a".repeat(4000)).parse().unwrap();
        request.headers.insert(header::CONTENT_TYPE, content_type);
        for text in ["a", "\"", "%", "\0", "é", "管", "😀"] {
            let timestamp = text.repeat(20_000);
            let application = text.repeat(255 / text.len());
            let rejection = Rejection::TimestampNotANumber { timestamp, application };
            let response: Response<()> =
                GrpcStatus.reject(&Rejected::new(Protocol::Seraph, rejection.clone()), &request);
            let bytes = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
            let bytes = bytes.sum::<usize>() + TransportError::of(&rejection).to_header_value().len();
            assert!(bytes < 4096, "{bytes} bytes of {text:?}");
        }
    }

    /// On a shared port too, a body that is not the one that was signed ends in what its reader knows.
    #[test]
    fn what_a_body_ends_in() {
        let rejected = Rejected::new(Protocol::HttpSignature, Rejection::ContentMismatch);
        let mut request = http::Request::new(()).into_parts().0;
        let body_error =
            |request: &Parts| Reject::<Full<Bytes>>::body_error(&GrpcOr(ProblemJson), &rejected, request);
        assert!(body_error(&request).is_none());
        request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        let error = body_error(&request).unwrap();
        let status: &Status = error.downcast_ref().unwrap();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.metadata().get("trusted-app-error").unwrap(), "digest_mismatch");
    }

    #[test]
    fn grpc_by_its_content_type() {
        for (value, expected) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("APPLICATION/gRPC;charset=utf-8", true),
            ("application/grpc-web", true),
            ("application/grpc-web+proto", true),
            ("application/grpc-web-text", true),
            ("application/grpc-web-text+proto", true),
            ("application/grpcx", false),
            ("application/grpc-websocket", false),
            ("application/json", false),
            ("text/html; also=application/grpc", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(value))]);
            assert_eq!(is_grpc(&headers), expected, "{value}");
        }
        assert!(!is_grpc(&HeaderMap::new()));
    }
}
