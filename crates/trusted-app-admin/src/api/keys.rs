//! An application's keys: fetched again, changed, revoked, confirmed.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::header::ETAG;
use http::{HeaderMap, StatusCode};
use tower_trusted_app::ApplicationRegistry;

use super::asked::Asked;
use super::directory::{RefreshedApplication, SignatureKeyConfirmation};
use super::model::{Application, Details, DetailsRequest, KeyChange};
use super::{Answer, entity_tag, if_match, read, tagged};
use crate::service::{AdminError, Administration};

/// Fetch an application's key again, and keep it for 15 minutes
#[utoipa::path(
    post, path = "/api/v1/applications/{id}/key-requests", tag = "keys", params(("id" = String, Path)),
    request_body = DetailsRequest, responses((status = 200, description = "The key, which waits", body = Details))
)]
pub(super) async fn request_key<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    asked: Asked,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer {
    let request: DetailsRequest = read(&body)?;
    let pending = service.request_key(&asked.by, &id, &request.base_url).await?;
    Ok(Json(Details::from(&pending)).into_response())
}

/// Put the key that was requested before the others, which retire, or are revoked if so stated
#[utoipa::path(
    put, path = "/api/v1/applications/{id}/key", tag = "keys", request_body = KeyChange,
    params(("id" = String, Path), ("If-Match" = String, Header, description = "The entity tag, in its quotation marks, such as `\"1\"`; or `*`")),
    responses((
        status = 200, description = "The application as it is now", body = Application,
        headers(("ETag", description = "Its version"))
    ))
)]
pub(super) async fn rotate<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    asked: Asked,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let change: KeyChange = read(&body)?;
    let expected = if_match(&headers, service.get(&asked.by, &id).await?.version)?;
    let pending = service.pending(&asked.by, &change.pending);
    if pending.is_none_or(|pending| pending.replaces_key_of.as_deref() != Some(id.as_str())) {
        return Err(AdminError::PendingGone.into());
    }
    let KeyChange { pending, confirmed, at_once } = change;
    let changed = if at_once {
        service.rotate_key(&asked.by, &pending, expected, confirmed).await
    } else {
        service.begin_rotation(&asked.by, &pending, expected, confirmed).await
    };
    Ok(tagged(StatusCode::OK, &changed?))
}

/// Revoke the keys that retire
#[utoipa::path(
    delete, path = "/api/v1/applications/{id}/retiring-keys", tag = "keys",
    params(("id" = String, Path), ("If-Match" = String, Header, description = "The entity tag, in its quotation marks, such as `\"1\"`; or `*`")),
    responses((
        status = 200, description = "The application as it is now", body = Application,
        headers(("ETag", description = "Its version"))
    ))
)]
pub(super) async fn revoke_retiring<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    asked: Asked,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let expected = if_match(&headers, service.get(&asked.by, &id).await?.version)?;
    Ok(tagged(StatusCode::OK, &service.finish_rotation(&asked.by, &id, expected).await?))
}

/// Fetch an application's key directory now
#[utoipa::path(
    post, path = "/api/v1/applications/{id}/key-directory-refreshes", tag = "keys", params(("id" = String, Path)),
    responses((
        status = 200, description = "The application as it is now", body = RefreshedApplication,
        headers(("ETag", description = "Its version"))
    ))
)]
pub(super) async fn refresh_directory<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    asked: Asked,
    Path(id): Path<String>,
) -> Answer {
    service.get(&asked.by, &id).await?;
    let refreshed = service.refresh_directory(&id).await?;
    let body = RefreshedApplication::from(&refreshed);
    Ok(([(ETAG, entity_tag(&refreshed.registered))], Json(body)).into_response())
}

/// Make a key that waits active: one of a key directory that no trusted key has signed
#[utoipa::path(
    put, path = "/api/v1/applications/{id}/signature-key", tag = "keys", request_body = SignatureKeyConfirmation,
    params(("id" = String, Path), ("If-Match" = String, Header, description = "The entity tag, in its quotation marks, such as `\"1\"`; or `*`")),
    responses((
        status = 200, description = "The application as it is now", body = Application,
        headers(("ETag", description = "Its version"))
    ))
)]
pub(super) async fn confirm_signature_key<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    asked: Asked,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let SignatureKeyConfirmation { thumbprint, confirmed } = read(&body)?;
    let expected = if_match(&headers, service.get(&asked.by, &id).await?.version)?;
    let confirmed = service.confirm_signature_key(&asked.by, &id, &thumbprint, expected, confirmed).await?;
    Ok(tagged(StatusCode::OK, &confirmed))
}
