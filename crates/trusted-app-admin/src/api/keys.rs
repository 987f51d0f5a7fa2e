//! An application's keys: changed, revoked, confirmed, fetched from its directory.

use axum::Json;
use axum::extract::Path;
use axum::response::IntoResponse;
use http::StatusCode;
use http::header::ETAG;
use serde::{Deserialize, Serialize};
use tower_trusted_app::ApplicationRegistry;
use utoipa::ToSchema;

use super::answer::{Answer, AsItIsNow, entity_tag, tagged};
use super::asked::{Asked, Body, IfMatch};
use super::model::Application;
use super::requests::SkippedKey;
use crate::service::{AdminError, Refreshed};

/// A change of an application's key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyChange {
    /// The token of the key that was requested.
    pending: String,
    /// Whether the fingerprint was compared with the one that the other side sees.
    confirmed: bool,
    /// Whether the old keys are revoked now, as they must be if somebody else may have one; else they are accepted
    /// beside the new one until the keys that retire are revoked.
    #[serde(default)]
    at_once: bool,
}

/// A confirmation of a key that waits.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignatureKeyConfirmation {
    /// Its thumbprint.
    thumbprint: String,
    /// Whether the thumbprint was compared with the one that the other side sees.
    confirmed: bool,
}

/// An application after a fetch of its key directory.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefreshedApplication {
    #[serde(flatten)]
    application: Application,
    /// The entries of its directory that give no key.
    skipped_keys: Vec<SkippedKey>,
}

impl From<&Refreshed> for RefreshedApplication {
    fn from(refreshed: &Refreshed) -> Self {
        Self {
            application: Application::from(&refreshed.registered),
            skipped_keys: refreshed.skipped.iter().map(SkippedKey::from).collect(),
        }
    }
}

/// Put the key that was requested before the others, which retire, or are revoked if so stated
#[utoipa::path(
    put, path = "/api/v1/applications/{id}/key", tag = "keys", request_body = KeyChange,
    params(("id" = String, Path), IfMatch),
    responses(AsItIsNow)
)]
pub(super) async fn rotate<R: ApplicationRegistry>(
    asked: Asked<R>,
    Path(id): Path<String>,
    if_match: IfMatch,
    Body(KeyChange { pending, confirmed, at_once }): Body<KeyChange>,
) -> Answer {
    let expected = if_match.version(&asked, &id).await?;
    let waiting = asked.service.pending(&asked.by, &pending);
    if waiting.is_none_or(|waiting| waiting.replaces_key_of.as_deref() != Some(id.as_str())) {
        return Err(AdminError::PendingGone.into());
    }
    let changed = asked.service.rotate_key(&asked.by, &pending, expected, confirmed, at_once).await?;
    Ok(tagged(StatusCode::OK, &changed))
}

/// Revoke the keys that retire
#[utoipa::path(
    delete, path = "/api/v1/applications/{id}/retiring-keys", tag = "keys",
    params(("id" = String, Path), IfMatch),
    responses(AsItIsNow)
)]
pub(super) async fn revoke_retiring<R: ApplicationRegistry>(
    asked: Asked<R>,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Answer {
    let expected = if_match.version(&asked, &id).await?;
    Ok(tagged(StatusCode::OK, &asked.service.finish_rotation(&asked.by, &id, expected).await?))
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
    asked: Asked<R>,
    Path(id): Path<String>,
) -> Answer {
    asked.service.get(&asked.by, &id).await?;
    let refreshed = asked.service.refresh_directory(&id).await?;
    let body = RefreshedApplication::from(&refreshed);
    Ok(([(ETAG, entity_tag(&refreshed.registered))], Json(body)).into_response())
}

/// Make a key that waits active: one of a key directory that no trusted key has signed
#[utoipa::path(
    put, path = "/api/v1/applications/{id}/signature-key", tag = "keys", request_body = SignatureKeyConfirmation,
    params(("id" = String, Path), IfMatch),
    responses(AsItIsNow)
)]
pub(super) async fn confirm_signature_key<R: ApplicationRegistry>(
    asked: Asked<R>,
    Path(id): Path<String>,
    if_match: IfMatch,
    Body(SignatureKeyConfirmation { thumbprint, confirmed }): Body<SignatureKeyConfirmation>,
) -> Answer {
    let expected = if_match.version(&asked, &id).await?;
    let confirmed =
        asked.service.confirm_signature_key(&asked.by, &id, &thumbprint, expected, confirmed).await?;
    Ok(tagged(StatusCode::OK, &confirmed))
}
