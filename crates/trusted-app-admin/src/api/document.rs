//! The OpenAPI document.

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{Header, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use super::problem::Problem;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Administration of trusted applications",
        description = "The site's guard decides who may use it. A change needs JSON and, where something is replaced, \
                       its entity tag."
    ),
    paths(
        super::list, super::request_details, super::request_directory, super::add, super::show, super::edit, super::remove,
        super::keys::request_key, super::keys::rotate, super::keys::revoke_retiring, super::keys::confirm_signature_key,
        super::keys::refresh_directory, super::changes, super::decisions::of_one, super::decisions::of_unknown, super::export, super::import,
    ),
    components(schemas(Problem)),
    modifiers(&Problems),
)]
struct Document;

/// Every operation can be refused in these ways.
struct Problems;

const REFUSALS: [(&str, &str); 11] = [
    ("400", "The request cannot be read"),
    ("401", "Nobody is logged in"),
    ("403", "Who is logged in may not, or another site sent this"),
    ("404", "There is no such application"),
    ("409", "The application cannot be read, or the details are no longer there"),
    ("412", "The application was changed in the meantime"),
    ("413", "The request is too large"),
    ("415", "The request is no JSON"),
    ("422", "Something is wrong with the input: see `errors`"),
    ("428", "`If-Match` is missing"),
    ("503", "The registry is not available, or too many details are being fetched"),
];

impl Modify for Problems {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for item in document.paths.paths.values_mut() {
            let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                refuse(operation);
            }
        }
    }
}

fn refuse(operation: &mut Operation) {
    for (status, why) in REFUSALS {
        let content =
            ContentBuilder::new().schema(Some(RefOr::Ref(Ref::from_schema_name("Problem")))).build();
        let mut response =
            ResponseBuilder::new().description(why).content("application/problem+json", content);
        if status == "503" {
            response = response.header("Retry-After", Header::default());
        }
        operation.responses.responses.insert(status.to_owned(), response.build().into());
    }
}

pub(super) async fn openapi() -> Response {
    match Document::openapi().to_json() {
        Ok(text) => ([(CONTENT_TYPE, "application/json")], text).into_response(),
        Err(_) => http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
