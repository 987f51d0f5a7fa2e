//! The OpenAPI document.

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{Header, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use super::problem::Problem;
use super::{applications, keys, records, requests, transfer};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Administration of trusted applications",
        description = "The site's guard decides who may use it. A change needs JSON and, where something is replaced, \
                       its entity tag."
    ),
    paths(
        applications::list, requests::request_details, requests::request_directory, applications::add, applications::show,
        applications::edit, applications::remove, requests::request_key, keys::rotate, keys::revoke_retiring,
        keys::confirm_signature_key, keys::refresh_directory, records::changes, records::decisions_of_one, records::decisions_of_unknown,
        transfer::export, transfer::import,
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
    modifiers(&ProblemResponses),
)]
struct Document;

/// The problems that operations can answer.
struct ProblemResponses;

/// Of which operations a problem can be the answer.
enum Of {
    All,
    One,
    Conditional,
    WithBody,
    Changes,
}

const PROBLEMS: [(&str, &str, &[Of]); 11] = [
    ("400", "The request cannot be read", &[Of::All]),
    ("401", "Nobody is logged in", &[Of::All]),
    ("403", "Who is logged in may not, or another site sent this", &[Of::All]),
    ("404", "There is no such application", &[Of::One]),
    ("409", "The application cannot be read, or the details are no longer there", &[Of::One, Of::WithBody]),
    ("412", "The application was changed in the meantime", &[Of::Conditional]),
    ("413", "The request is too large", &[Of::Changes]),
    ("415", "The request is no JSON", &[Of::Changes]),
    ("422", "Something is wrong with the input: see `errors`", &[Of::Changes]),
    ("428", "`If-Match` is missing", &[Of::Conditional]),
    ("503", "The registry is not available, or too many details are being fetched", &[Of::All]),
];

impl Modify for ProblemResponses {
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
                let mut parameters = operation.parameters.iter().flatten();
                let is_conditional = parameters.any(|parameter| parameter.name == "If-Match");
                let has_body = operation.request_body.is_some();
                add_problems(operation, |of| match of {
                    Of::All => true,
                    Of::One => path.contains("{id}"),
                    Of::Conditional => is_conditional,
                    Of::WithBody => has_body,
                    Of::Changes => changes,
                });
            }
        }
    }
}

fn add_problems(operation: &mut Operation, is_one: impl Fn(&Of) -> bool) {
    for (status, why, _) in PROBLEMS.iter().filter(|(_, _, of)| of.iter().any(&is_one)) {
        let content =
            ContentBuilder::new().schema(Some(RefOr::Ref(Ref::from_schema_name("Problem")))).build();
        let mut response =
            ResponseBuilder::new().description(*why).content("application/problem+json", content);
        if *status == "503" {
            response = response.header("Retry-After", Header::default());
        }
        operation.responses.responses.insert((*status).to_owned(), response.build().into());
    }
}

pub(super) async fn openapi() -> Response {
    match Document::openapi().to_json() {
        Ok(text) => ([(CONTENT_TYPE, "application/json")], text).into_response(),
        Err(_) => http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
