//! Errors as RFC 9457 has them.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::service::{self, AdminError};
use crate::web;

/// What went wrong (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    /// What is wrong with the input, all of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

/// What is wrong with one field, or without a field with the whole input.
#[derive(Debug, Serialize, ToSchema)]
struct FieldError {
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
        let mut problem = Self::new(web::status(&error, StatusCode::PRECONDITION_FAILED), error.to_string());
        if let AdminError::Invalid(errors) = &error {
            let of = |one: &service::FieldError| FieldError { field: one.field(), message: one.to_string() };
            problem.errors = errors.iter().map(of).collect();
        }
        problem
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

/// Makes the router's own answers problems, such as 405 with its `Allow`.
pub(super) async fn of_the_router(response: Response) -> Response {
    let (status, headers) = (response.status(), response.headers());
    let is_text = headers.get(CONTENT_TYPE).is_none_or(|kind| !kind.as_bytes().starts_with(b"application/"));
    if !is_text || !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let (mut head, _) = response.into_parts();
    let (problem, body) = Problem::new(status, "The API has no such operation.").into_response().into_parts();
    head.headers.remove(CONTENT_LENGTH);
    head.headers.extend(problem.headers);
    Response::from_parts(head, body)
}
