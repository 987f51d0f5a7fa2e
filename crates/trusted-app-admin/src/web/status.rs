//! The status of an answer that is an error.

use http::StatusCode;

use crate::service::AdminError;

/// `changed` is for a change of what somebody else has changed meanwhile.
pub(crate) fn status(error: &AdminError, changed: StatusCode) -> StatusCode {
    match error {
        AdminError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        AdminError::NotFound(_) => StatusCode::NOT_FOUND,
        AdminError::Changed { .. } => changed,
        AdminError::Broken(_) | AdminError::PendingGone => StatusCode::CONFLICT,
        AdminError::BrokenOff { source, .. } => status(source, changed),
        AdminError::Busy | AdminError::Unavailable(_) | AdminError::NotWritten(_) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}
