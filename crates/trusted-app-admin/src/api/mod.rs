//! The JSON API below `/api/v1`.

mod answer;
mod applications;
mod asked;
mod document;
mod keys;
mod model;
mod problem;
mod records;
mod requests;
mod schema;
mod transfer;

use axum::Router;
use axum::middleware::map_response;
use axum::response::IntoResponse;
use axum::routing::{delete, get, post, put};
use tower_trusted_app::ApplicationRegistry;

use self::problem::Problem;
use crate::service::Administration;
use crate::web::Surface;

pub(crate) static SURFACE: Surface = Surface {
    media_type: "application/json",
    // An import of some thousand applications.
    max_body: 4 * 1024 * 1024,
    denied: |_, _, status, why| Problem::new(status, why).into_response(),
    send_again: None,
};

pub(crate) fn routes<R: ApplicationRegistry>(administration: Administration<R>) -> Router {
    Router::new()
        .route("/api/v1/openapi.json", get(document::openapi))
        .route("/api/v1/applications", get(applications::list::<R>).post(applications::add::<R>))
        .route("/api/v1/applications/{id}", get(applications::show::<R>))
        .route("/api/v1/applications/{id}", put(applications::edit::<R>).delete(applications::remove::<R>))
        .route("/api/v1/applications/{id}/key-requests", post(requests::request_key::<R>))
        .route("/api/v1/applications/{id}/key", put(keys::rotate::<R>))
        .route("/api/v1/applications/{id}/signature-key", put(keys::confirm_signature_key::<R>))
        .route("/api/v1/applications/{id}/retiring-keys", delete(keys::revoke_retiring::<R>))
        .route("/api/v1/applications/{id}/key-directory-refreshes", post(keys::refresh_directory::<R>))
        .route("/api/v1/applications/{id}/decisions", get(records::decisions_of_one::<R>))
        .route("/api/v1/decisions", get(records::decisions_of_unknown::<R>))
        .route("/api/v1/details", post(requests::request_details::<R>))
        .route("/api/v1/key-directories", post(requests::request_directory::<R>))
        .route("/api/v1/changes", get(records::changes::<R>))
        .route("/api/v1/export", get(transfer::export::<R>))
        .route("/api/v1/import", post(transfer::import::<R>))
        .layer(map_response(problem::of_the_router))
        // A body is bounded before it comes here.
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(administration)
}
