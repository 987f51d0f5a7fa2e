//! What other applications publish: fetched, and kept for a while.

use axum::Json;
use axum::extract::Path;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::application::{ApplicationKey, ShownKey};
use tower_trusted_app::crypto::SignatureKey;
use tower_trusted_app::httpsig::{self, KeyDirectory};
use utoipa::ToSchema;

use super::answer::Answer;
use super::asked::{Asked, Body};
use super::model::Edit;
use super::schema;
use crate::service::{ApplicationEdit, Pending};

/// A request for another application's details.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DetailsRequest {
    /// The URL by which this server reaches the application.
    base_url: String,
}

/// Details that wait for 15 minutes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Details {
    /// By which they are found again, once.
    pending: String,
    /// The application's id.
    id: String,
    /// The SHA-256 of its key, for a comparison by another way.
    fingerprint: String,
    /// The key's size.
    bits: usize,
    /// From where they came.
    url: String,
    /// Whether anybody on the way could have put in another key.
    without_tls: bool,
    /// Until when they wait.
    #[schema(format = DateTime)]
    until: String,
    /// What is proposed.
    proposed: Edit,
}

impl From<&Pending> for Details {
    fn from(pending: &Pending) -> Self {
        let key = pending.fetched.document.public_key();
        Self {
            pending: pending.token.clone(),
            id: pending.fetched.document.application_id().to_string(),
            fingerprint: key.fingerprint().to_string(),
            bits: key.bits(),
            url: pending.fetched.url.clone(),
            without_tls: pending.fetched.without_tls,
            until: pending.until.to_rfc3339(),
            proposed: Edit::of(&ApplicationEdit::proposed(&pending.fetched)),
        }
    }
}

/// A key directory that waits for 15 minutes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DirectoryDetails {
    /// By which it is found again, once.
    pending: String,
    /// The id that the application gets: the host of the directory.
    id: String,
    /// Its keys, for a comparison by another way.
    #[schema(value_type = Vec<schema::ShownKey>)]
    keys: Vec<ShownKey>,
    /// Its entries that give no key.
    skipped_keys: Vec<SkippedKey>,
    /// From where it came.
    url: String,
    /// Whether an attacker on the way could have put in other keys.
    without_tls: bool,
    /// Until when it waits.
    #[schema(format = DateTime)]
    until: String,
    /// What is proposed.
    proposed: Edit,
}

impl From<&Pending<KeyDirectory>> for DirectoryDetails {
    fn from(pending: &Pending<KeyDirectory>) -> Self {
        let fetched = &pending.fetched;
        let keys = fetched.document.keys().iter().cloned().map(ApplicationKey::<SignatureKey>::from);
        Self {
            pending: pending.token.clone(),
            id: fetched.authority.clone(),
            keys: keys.map(|key| ShownKey::from(&key)).collect(),
            skipped_keys: fetched.document.skipped().iter().map(SkippedKey::from).collect(),
            url: fetched.url.clone(),
            without_tls: fetched.without_tls,
            until: pending.until.to_rfc3339(),
            proposed: Edit::of(&ApplicationEdit::proposed_with_directory(fetched)),
        }
    }
}

/// An entry of a key directory that gives no key: whatever key is in it is not accepted.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SkippedKey {
    /// Its place in the list `keys`, counted from 0.
    index: usize,
    /// Its `kty` and `crv`, such as `OKP X25519`.
    kind: Option<String>,
    kid: Option<String>,
    /// The SHA-256 of its JWK, if the key itself can be read.
    thumbprint: Option<String>,
    /// Why it is skipped.
    reason: String,
}

impl From<&httpsig::SkippedKey> for SkippedKey {
    fn from(skipped: &httpsig::SkippedKey) -> Self {
        Self {
            index: skipped.index,
            kind: skipped.kind.clone(),
            kid: skipped.kid.clone(),
            thumbprint: skipped.thumbprint.map(|thumbprint| thumbprint.to_string()),
            reason: skipped.reason.to_string(),
        }
    }
}

/// Fetch another application's id and key, and keep them for 15 minutes
#[utoipa::path(post, path = "/api/v1/details", tag = "requests", request_body = DetailsRequest, responses((status = 200, description = "The details, which wait", body = Details)))]
pub(super) async fn request_details<R: ApplicationRegistry>(
    asked: Asked<R>,
    Body(request): Body<DetailsRequest>,
) -> Answer {
    let pending = asked.service.request_details(&asked.by, &request.base_url).await?;
    Ok(Json(Details::from(&pending)).into_response())
}

/// Fetch another application's key directory, and keep it for 15 minutes
#[utoipa::path(
    post, path = "/api/v1/key-directories", tag = "requests", request_body = DetailsRequest, responses((status = 200, description = "The key directory, which waits", body = DirectoryDetails))
)]
pub(super) async fn request_directory<R: ApplicationRegistry>(
    asked: Asked<R>,
    Body(request): Body<DetailsRequest>,
) -> Answer {
    let pending = asked.service.request_directory(&asked.by, &request.base_url).await?;
    Ok(Json(DirectoryDetails::from(&pending)).into_response())
}

/// Fetch an application's key again, and keep it for 15 minutes
#[utoipa::path(
    post, path = "/api/v1/applications/{id}/key-requests", tag = "keys", params(("id" = String, Path)),
    request_body = DetailsRequest, responses((status = 200, description = "The key, which waits", body = Details))
)]
pub(super) async fn request_key<R: ApplicationRegistry>(
    asked: Asked<R>,
    Path(id): Path<String>,
    Body(request): Body<DetailsRequest>,
) -> Answer {
    let pending = asked.service.request_key(&asked.by, &id, &request.base_url).await?;
    Ok(Json(Details::from(&pending)).into_response())
}
