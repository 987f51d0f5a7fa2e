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
    // Relative to the document, whose own path ends in `/api/v1/openapi.json`.
    servers((url = "../..", description = "This site")),
    tags(
        (name = "applications", description = "Who is trusted, and with what"),
        (name = "requests", description = "What other applications publish"),
        (name = "keys", description = "An application's keys"),
        (name = "records", description = "What was changed and decided"),
        (name = "transfer", description = "Applications as the TOML of the file store"),
    ),
    components(schemas(Problem)),
    modifiers(&Problems),
)]
struct Document;

/// The ways in which operations can be refused.
struct Problems;

/// Its status, why, and of which operations it can be the answer.
type Refusal = (&'static str, &'static str, fn(&Kind) -> bool);

const REFUSALS: [Refusal; 11] = [
    ("400", "The request cannot be read", |_| true),
    ("401", "Nobody is logged in", |_| true),
    ("403", "Who is logged in may not, or another site sent this", |_| true),
    ("404", "There is no such application", |kind| kind.names_one),
    ("409", "The application cannot be read, or the details are no longer there", |kind| {
        kind.names_one || kind.has_body
    }),
    ("412", "The application was changed in the meantime", |kind| kind.is_conditional),
    ("413", "The request is too large", |kind| kind.changes),
    ("415", "The request is no JSON", |kind| kind.changes),
    ("422", "Something is wrong with the input: see `errors`", |kind| kind.changes),
    ("428", "`If-Match` is missing", |kind| kind.is_conditional),
    ("503", "The registry is not available, or too many details are being fetched", |_| true),
];

/// What of an operation decides how it can be refused.
struct Kind {
    names_one: bool,
    is_conditional: bool,
    has_body: bool,
    changes: bool,
}

impl Modify for Problems {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for (path, item) in &mut document.paths.paths {
            let operations = [
                (&mut item.get, false),
                (&mut item.put, true),
                (&mut item.post, true),
                (&mut item.delete, true),
            ];
            for (operation, changes) in operations {
                let Some(operation) = operation else { continue };
                let parameters = operation.parameters.iter().flatten();
                let kind = Kind {
                    names_one: path.contains("{id}"),
                    is_conditional: parameters.into_iter().any(|parameter| parameter.name == "If-Match"),
                    has_body: operation.request_body.is_some(),
                    changes,
                };
                refuse(operation, &kind);
            }
        }
    }
}

fn refuse(operation: &mut Operation, kind: &Kind) {
    let refusals = REFUSALS.into_iter().filter(|(_, _, is_possible)| is_possible(kind));
    for (status, why, _) in refusals {
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
