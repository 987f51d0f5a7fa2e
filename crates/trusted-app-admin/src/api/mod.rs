//! The JSON API below `/api/v1`.

mod asked;
mod decisions;
mod directory;
mod document;
mod keys;
mod model;
mod problem;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use http::header::{ETAG, IF_MATCH, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::de::DeserializeOwned;
use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::registry::Registered;

use self::asked::{Asked, ChangesQuery, DryRun, ImportQuery};
use self::directory::DirectoryDetails;
use self::model::{
    Application, Applications, Change, Conditions, Details, DetailsRequest, Exported, Import, Imported,
    NewApplication,
};
use self::problem::Problem;
use crate::service::{Administration, ImportOptions, version_of};

pub(crate) fn routes<R: ApplicationRegistry>(administration: Administration<R>) -> Router {
    Router::new()
        .route("/api/v1/openapi.json", get(document::openapi))
        .route("/api/v1/applications", get(list::<R>).post(add::<R>))
        .route("/api/v1/applications/{id}", get(show::<R>).put(edit::<R>).delete(remove::<R>))
        .route("/api/v1/applications/{id}/key-requests", post(keys::request_key::<R>))
        .route("/api/v1/applications/{id}/key", put(keys::rotate::<R>))
        .route("/api/v1/applications/{id}/signature-key", put(keys::confirm_signature_key::<R>))
        .route("/api/v1/applications/{id}/retiring-keys", delete(keys::revoke_retiring::<R>))
        .route("/api/v1/applications/{id}/key-directory-refreshes", post(keys::refresh_directory::<R>))
        .route("/api/v1/applications/{id}/decisions", get(decisions::of_one::<R>))
        .route("/api/v1/decisions", get(decisions::of_unknown::<R>))
        .route("/api/v1/details", post(request_details::<R>))
        .route("/api/v1/key-directories", post(request_directory::<R>))
        .route("/api/v1/changes", get(changes::<R>))
        .route("/api/v1/export", get(export::<R>))
        .route("/api/v1/import", post(import::<R>))
        // A body is bounded before it comes here.
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(administration)
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))
}

/// The version that a change was made from.
fn if_match(headers: &HeaderMap, found: u64) -> Result<u64, Problem> {
    let Some(tag) = headers.get(IF_MATCH) else {
        let why = "State in `If-Match` the entity tag of the application that you have seen.";
        return Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, why));
    };
    if tag.as_bytes() == b"*" {
        return Ok(found);
    }
    let version = tag.to_str().ok().and_then(|tag| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok());
    version.ok_or_else(|| {
        Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "`If-Match` is no entity tag of an application: it stands in quotation marks, such as `\"1\"`.",
        )
    })
}

fn entity_tag(registered: &Registered) -> String {
    format!("\"{}\"", registered.version)
}

fn tagged(status: StatusCode, registered: &Registered) -> Response {
    (status, [(ETAG, entity_tag(registered))], Json(Application::from(registered))).into_response()
}

/// From the list of applications to one: relative, so that it holds below any path.
fn location(id: &str) -> Result<HeaderValue, Problem> {
    let mut path = String::from("applications/");
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                path.push(char::from(byte));
            }
            byte => path.push_str(&format!("%{byte:02X}")),
        }
    }
    HeaderValue::from_str(&path)
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

type Answer = Result<Response, Problem>;

/// All applications
#[utoipa::path(get, path = "/api/v1/applications", tag = "applications", responses((status = 200, description = "All of them", body = Applications)))]
async fn list<R: ApplicationRegistry>(State(service): State<Administration<R>>, asked: Asked) -> Answer {
    let entries = service.list(&asked.by).await?;
    Ok(Json(Applications::from(entries.as_slice())).into_response())
}

/// Fetch another application's id and key, and keep them for 15 minutes
#[utoipa::path(post, path = "/api/v1/details", tag = "requests", request_body = DetailsRequest, responses((status = 200, description = "The details, which wait", body = Details)))]
async fn request_details<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    asked: Asked,
    body: Bytes,
) -> Answer {
    let request: DetailsRequest = read(&body)?;
    let pending = service.request_details(&asked.by, &request.base_url).await?;
    Ok(Json(Details::from(&pending)).into_response())
}

/// Fetch another application's key directory, and keep it for 15 minutes
#[utoipa::path(
    post, path = "/api/v1/key-directories", tag = "requests", request_body = DetailsRequest, responses((status = 200, description = "The key directory, which waits", body = DirectoryDetails))
)]
async fn request_directory<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    asked: Asked,
    body: Bytes,
) -> Answer {
    let request: DetailsRequest = read(&body)?;
    let pending = service.request_directory(&asked.by, &request.base_url).await?;
    Ok(Json(DirectoryDetails::from(&pending)).into_response())
}

/// Add the application whose details or key directory were requested
#[utoipa::path(
    post, path = "/api/v1/applications", tag = "applications", request_body = NewApplication,
    params(("dry_run" = Option<bool>, Query, description = "Only say what would come of it")),
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
async fn add<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    asked: Asked<DryRun>,
    body: Bytes,
) -> Answer {
    let (new, dry_run): (NewApplication, _) = (read(&body)?, asked.query.dry_run);
    let registered = service.add(&asked.by, &new.pending, &new.conditions.form(), dry_run).await?;
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
async fn show<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    asked: Asked,
    Path(id): Path<String>,
) -> Answer {
    Ok(tagged(StatusCode::OK, &service.get(&asked.by, &id).await?))
}

/// Change what an application may do; repeated, it changes nothing more
#[utoipa::path(
    put, path = "/api/v1/applications/{id}", tag = "applications", request_body = Conditions,
    params(
        ("id" = String, Path), ("If-Match" = String, Header, description = "The entity tag, in its quotation marks, such as `\"1\"`; or `*`"),
        ("dry_run" = Option<bool>, Query, description = "Only say what would come of it"),
    ),
    responses((
        status = 200, description = "The application as it is now, or in a dry run would be", body = Application,
        headers(("ETag", description = "Its version"))
    ))
)]
async fn edit<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    asked: Asked<DryRun>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let (conditions, dry_run): (Conditions, _) = (read(&body)?, asked.query.dry_run);
    let found = service.get(&asked.by, &id).await?.version;
    let expected = if_match(&headers, found)?;
    Ok(tagged(StatusCode::OK, &service.edit(&asked.by, &id, expected, &conditions.form(), dry_run).await?))
}

/// Take an application out
#[utoipa::path(
    delete, path = "/api/v1/applications/{id}", tag = "applications",
    params(
        ("id" = String, Path), ("If-Match" = String, Header, description = "The entity tag, in its quotation marks, such as `\"1\"`; or `*`"),
        ("dry_run" = Option<bool>, Query, description = "Only say what would come of it"),
    ),
    responses((status = 204, description = "It is gone; or in a dry run, could be taken out"))
)]
async fn remove<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    asked: Asked<DryRun>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let expected = if_match(&headers, version_of(&service.entry(&asked.by, &id).await?))?;
    service.remove(&asked.by, &id, expected, asked.query.dry_run).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The log of changes, oldest first
#[utoipa::path(
    get, path = "/api/v1/changes", tag = "records",
    params(
        ("after" = Option<u64>, Query, description = "The number of the last entry that was read"),
        ("limit" = Option<u64>, Query, maximum = 200, description = "At most so many"),
    ),
    responses((status = 200, description = "Entries of the log", body = Vec<Change>))
)]
async fn changes<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    asked: Asked<ChangesQuery>,
) -> Answer {
    let (after, limit) = asked.query.within()?;
    let changes = service.changes(&asked.by, after, limit).await?;
    Ok(Json(changes.iter().map(Change::from).collect::<Vec<_>>()).into_response())
}

/// All applications as the TOML of the file store
#[utoipa::path(get, path = "/api/v1/export", tag = "transfer", responses((status = 200, description = "The TOML", body = Exported)))]
async fn export<R: ApplicationRegistry>(State(service): State<Administration<R>>, asked: Asked) -> Answer {
    Ok(Json(Exported::from(service.export(&asked.by).await?)).into_response())
}

/// Add and change applications until the registry has those of the text
#[utoipa::path(
    post, path = "/api/v1/import", tag = "transfer", request_body = Import,
    params(
        ("dry_run" = Option<bool>, Query, description = "Only say what would come of it"),
        (
            "replace_keys" = Option<bool>, Query,
            description = "The fingerprints were compared: keys of registered applications may change"
        ),
    ),
    responses((status = 200, description = "What was done, or in a dry run would be", body = Imported))
)]
async fn import<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    asked: Asked<ImportQuery>,
    body: Bytes,
) -> Answer {
    let import: Import = read(&body)?;
    let ImportQuery { dry_run, replace_keys } = asked.query;
    let options = ImportOptions { dry_run, replace_keys };
    Ok(Json(Imported::from(service.import(&asked.by, &import.toml, options).await?)).into_response())
}
