//! What a rejection is for HTTP and for gRPC.

use http::StatusCode;

/// The few kinds of answers that a rejection can have: each has one HTTP status and one gRPC status.
///
/// Which one a reason has is the scheme's to say, since some reasons tell more than a peer without a key may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// 400; `INVALID_ARGUMENT`.
    Malformed,
    /// 401; `UNAUTHENTICATED`.
    Unauthenticated,
    /// 403; `PERMISSION_DENIED`.
    Denied,
    /// 413; `RESOURCE_EXHAUSTED`.
    ContentTooLarge,
    /// 503; `UNAVAILABLE`.
    Unavailable,
}

impl Class {
    /// The HTTP status of the answer.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Denied => StatusCode::FORBIDDEN,
            Self::ContentTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The gRPC status of the answer, as its number.
    #[must_use]
    pub const fn grpc_code(self) -> i32 {
        match self {
            Self::Malformed => 3,
            Self::Unauthenticated => 16,
            Self::Denied => 7,
            Self::ContentTooLarge => 8,
            Self::Unavailable => 14,
        }
    }
}
