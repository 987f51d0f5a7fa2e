//! What a response says about the credentials of its request.

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use trusted_app_core::httpsig::{ACCEPT_SIGNATURE, accept_signature};
use trusted_app_core::seraph::{ERROR, STATUS, TransportError};
use trusted_app_core::{Protocol, Rejected};

use crate::reject::Reject;

/// On the response to a request that lacks a good HTTP message signature: the code.
const TRUSTED_APP_ERROR: HeaderName = HeaderName::from_static("trusted-app-error");

/// The response to a rejected request: whatever the application makes of it, and the headers that
/// every peer may rely on.
pub(crate) fn rejection_response<R: Reject<ResBody>, ResBody>(
    rejections: &R,
    rejected: Rejected,
    request: &Parts,
) -> Response<ResBody> {
    let mut response = rejections.reject(&rejected, request);
    let status = response.status();
    let headers = response.headers_mut();
    let challenge = match rejected.protocol() {
        Protocol::HttpSignature => {
            headers.insert(TRUSTED_APP_ERROR, HeaderValue::from_static(rejected.code()));
            if status == StatusCode::UNAUTHORIZED {
                headers.insert(ACCEPT_SIGNATURE, accept_signature(&request.headers));
            }
            HeaderValue::from_static("TrustedApp realm=\"trusted-app\"")
        }
        Protocol::Seraph => {
            Note::failed(&rejected).write(headers);
            HeaderValue::from_static("X-Seraph-Trusted-App")
        }
    };
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if status == StatusCode::UNAUTHORIZED {
        headers.entry(header::WWW_AUTHENTICATE).or_insert(challenge);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.entry(header::RETRY_AFTER).or_insert(HeaderValue::from_static("1"));
    }
    response.extensions_mut().insert(rejected);
    response
}

/// What the inner service's response says about the request's credentials.
pub(crate) enum Note {
    Accepted(Protocol),
    /// Seraph's, under `insecure_continue_on_failure`.
    Failed(Box<HeaderValue>),
}

impl Note {
    pub(crate) fn failed(rejected: &Rejected) -> Self {
        Self::Failed(Box::new(TransportError::of(rejected.reason()).to_header_value()))
    }

    pub(crate) fn write(self, headers: &mut HeaderMap) {
        match self {
            Self::Accepted(protocol) => {
                match protocol {
                    Protocol::Seraph => {
                        headers.insert(STATUS, HeaderValue::from_static("OK"));
                    }
                    Protocol::HttpSignature => {
                        headers.append(header::VARY, HeaderValue::from_static("trusted-app-user"));
                    }
                }
                // Shared caches see no `Authorization` and would not know that it is personal.
                headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private"));
            }
            Self::Failed(error) => {
                headers.insert(STATUS, HeaderValue::from_static("ERROR"));
                headers.insert(ERROR, *error);
            }
        }
    }
}
