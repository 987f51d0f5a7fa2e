//! Errors as RFC 9457 has them.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::service::{AdminError, Field};

/// What went wrong (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    /// What is wrong with the input, all of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<InputProblem>,
}

/// What is wrong with one field, or without a field with the whole input.
#[derive(Debug, Serialize, ToSchema)]
struct InputProblem {
    field: Option<&'static str>,
    message: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or_default();
        Self {
            r#type: "about:blank",
            title,
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
        }
    }
}

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        let mut problem = Self::new(status(&error), error.to_string());
        if let AdminError::Invalid(problems) = &error {
            let errors = problems.iter();
            problem.errors = errors
                .map(|one| InputProblem { field: one.field().map(json_name), message: one.to_string() })
                .collect();
        }
        problem
    }
}

/// The field's name in our JSON.
fn json_name(field: Field) -> &'static str {
    match field {
        Field::Timeout => "timeout_ms",
        field => field.as_str(),
    }
}

fn status(error: &AdminError) -> StatusCode {
    match error {
        AdminError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        AdminError::NotFound(_) => StatusCode::NOT_FOUND,
        AdminError::Changed { .. } => StatusCode::PRECONDITION_FAILED,
        AdminError::Broken(_) | AdminError::PendingGone => StatusCode::CONFLICT,
        AdminError::Busy | AdminError::Unavailable(_) | AdminError::NotWritten(_) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        AdminError::BrokenOff { source, .. } => status(source),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let text = serde_json::to_string(&self).unwrap_or_default();
        let mut response = (status, [(CONTENT_TYPE, "application/problem+json")], text).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}
