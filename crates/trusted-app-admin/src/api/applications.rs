//! Applications: listed, added, edited, removed.

use axum::Json;
use axum::extract::Path;
use axum::response::IntoResponse;
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::application::RuleDescription;
use tower_trusted_app::registry::Entry;
use url::form_urlencoded::byte_serialize;
use utoipa::ToSchema;

use super::answer::{Answer, tagged};
use super::asked::{Asked, Body, DryRun, IfMatch};
use super::model::{Application, Broken, Edit};
use super::problem::Problem;
use super::schema;

/// An application to be added, whose details were requested before.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewApplication {
    /// The token of the details.
    pending: String,
    /// The name for people.
    name: String,
    /// How old a request may be when it arrives, in milliseconds; positive.
    timeout_ms: i64,
    /// As in `Edit`.
    #[schema(value_type = schema::RuleDescription)]
    addresses: RuleDescription,
    /// As in `Edit`.
    #[schema(value_type = schema::RuleDescription)]
    paths: RuleDescription,
}

/// All applications.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Applications {
    /// By name, then by id.
    applications: Vec<Application>,
    /// What cannot be read.
    broken: Vec<Broken>,
}

impl From<&[Entry]> for Applications {
    fn from(entries: &[Entry]) -> Self {
        Self {
            applications: entries.iter().flatten().map(Application::from).collect(),
            broken: entries.iter().filter_map(|entry| entry.as_ref().err()).map(Broken::from).collect(),
        }
    }
}

/// All applications
#[utoipa::path(get, path = "/api/v1/applications", tag = "applications", responses((status = 200, description = "All of them", body = Applications)))]
pub(super) async fn list<R: ApplicationRegistry>(asked: Asked<R>) -> Answer {
    let entries = asked.service.list(&asked.by).await?;
    Ok(Json(Applications::from(entries.as_slice())).into_response())
}

/// Add the application whose details or key directory were requested
#[utoipa::path(
    post, path = "/api/v1/applications", tag = "applications", request_body = NewApplication,
    params(DryRun),
    responses(
        (
            status = 200, description = "A dry run: what would be added", body = Application,
            headers(("ETag", description = "That of no application: it would be added first"))
        ),
        (
            status = 201, description = "The application was added", body = Application,
            headers(
                ("ETag", description = "Its version"),
                ("Location", description = "Where it is, relative to this request"),
            )
        ),
    )
)]
pub(super) async fn add<R: ApplicationRegistry>(
    asked: Asked<R, DryRun>,
    Body(new): Body<NewApplication>,
) -> Answer {
    let dry_run = asked.query.dry_run;
    let NewApplication { pending, name, timeout_ms, addresses, paths } = new;
    let edit = Edit { name, timeout_ms, addresses, paths }.read();
    let registered = asked.service.add(&asked.by, &pending, edit, dry_run).await?;
    if dry_run {
        return Ok(tagged(StatusCode::OK, &registered));
    }
    let mut response = tagged(StatusCode::CREATED, &registered);
    response.headers_mut().insert(LOCATION, location(registered.application.id().as_str())?);
    Ok(response)
}

/// One application
#[utoipa::path(
    get, path = "/api/v1/applications/{id}", tag = "applications", params(("id" = String, Path)),
    responses((status = 200, description = "The application", body = Application, headers(("ETag", description = "Its version"))))
)]
pub(super) async fn show<R: ApplicationRegistry>(asked: Asked<R>, Path(id): Path<String>) -> Answer {
    Ok(tagged(StatusCode::OK, &asked.service.get(&asked.by, &id).await?))
}

/// Change what an application may do; repeated, it changes nothing more
#[utoipa::path(
    put, path = "/api/v1/applications/{id}", tag = "applications", request_body = Edit,
    params(("id" = String, Path), IfMatch, DryRun),
    responses((
        status = 200, description = "The application as it is now, or in a dry run would be", body = Application,
        headers(("ETag", description = "Its version"))
    ))
)]
pub(super) async fn edit<R: ApplicationRegistry>(
    asked: Asked<R, DryRun>,
    Path(id): Path<String>,
    if_match: IfMatch,
    Body(edit): Body<Edit>,
) -> Answer {
    let dry_run = asked.query.dry_run;
    let expected = if_match.version(&asked, &id).await?;
    let edited = asked.service.edit(&asked.by, &id, expected, edit.read(), dry_run).await?;
    Ok(tagged(StatusCode::OK, &edited))
}

/// Take an application out
#[utoipa::path(
    delete, path = "/api/v1/applications/{id}", tag = "applications",
    params(("id" = String, Path), IfMatch, DryRun),
    responses((status = 204, description = "It is gone; or in a dry run, could be taken out"))
)]
pub(super) async fn remove<R: ApplicationRegistry>(
    asked: Asked<R, DryRun>,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Answer {
    let expected = if_match.version(&asked, &id).await?;
    asked.service.remove(&asked.by, &id, expected, asked.query.dry_run).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// From the list of applications to one: relative, so that it holds below any path.
fn location(id: &str) -> Result<HeaderValue, Problem> {
    let segment = byte_serialize(id.as_bytes()).collect::<String>().replace('+', "%20");
    HeaderValue::try_from(format!("applications/{segment}"))
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}
