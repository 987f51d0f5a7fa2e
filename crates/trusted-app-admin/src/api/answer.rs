//! What the operations answer.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::ETAG;
use tower_trusted_app::registry::Registered;
use utoipa::IntoResponses;

use super::model::Application;
use super::problem::Problem;

pub(super) type Answer = Result<Response, Problem>;

pub(super) fn entity_tag(registered: &Registered) -> String {
    format!("\"{}\"", registered.version)
}

pub(super) fn tagged(status: StatusCode, registered: &Registered) -> Response {
    (status, [(ETAG, entity_tag(registered))], Json(Application::from(registered))).into_response()
}

/// The application as it is now
#[derive(IntoResponses)]
#[response(status = 200, headers(("ETag", description = "Its version")))]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct AsItIsNow(Application);
