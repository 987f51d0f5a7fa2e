//! Applications as the TOML of the file store, in and out.

use axum::Json;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use tower_trusted_app::ApplicationRegistry;
use utoipa::ToSchema;

use super::answer::Answer;
use super::asked::{Asked, Body, ImportQuery};
use super::model::Broken;
use crate::service::{self, ImportOptions};

/// Applications as the TOML of the file store.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Import {
    /// The text.
    toml: String,
}

/// What an import did, or would do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Imported {
    /// Ids.
    added: Vec<String>,
    changed: Vec<Changed>,
    /// Ids.
    unchanged: Vec<String>,
    warnings: Vec<String>,
}

/// An application that an import changes.
#[derive(Debug, Serialize, ToSchema)]
struct Changed {
    id: String,
    /// The names, as in the TOML, of the fields that differ.
    fields: Vec<String>,
    /// Only where they change.
    keys: Option<ChangedKeys>,
}

/// The fingerprints of an application's keys before and after an import.
#[derive(Debug, Serialize, ToSchema)]
struct ChangedKeys {
    before: Vec<String>,
    after: Vec<String>,
}

impl From<service::Imported> for Imported {
    fn from(imported: service::Imported) -> Self {
        let service::Imported { added, changed, unchanged, warnings } = imported;
        Self { added, changed: changed.into_iter().map(Changed::from).collect(), unchanged, warnings }
    }
}

impl From<service::Changed> for Changed {
    fn from(changed: service::Changed) -> Self {
        let service::Changed { id, fields, keys } = changed;
        let keys = keys.map(|service::ChangedKeys { before, after }| ChangedKeys { before, after });
        Self { id, fields, keys }
    }
}

/// All applications as the TOML of the file store.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Exported {
    toml: String,
    /// What cannot be read and so is not in it.
    skipped: Vec<Broken>,
}

impl From<service::Exported> for Exported {
    fn from(exported: service::Exported) -> Self {
        Self { toml: exported.toml, skipped: exported.skipped.iter().map(Broken::from).collect() }
    }
}

/// All applications as the TOML of the file store
#[utoipa::path(get, path = "/api/v1/export", tag = "transfer", responses((status = 200, description = "The TOML", body = Exported)))]
pub(super) async fn export<R: ApplicationRegistry>(asked: Asked<R>) -> Answer {
    Ok(Json(Exported::from(asked.service.export(&asked.by).await?)).into_response())
}

/// Add and change applications until the registry has those of the text
#[utoipa::path(
    post, path = "/api/v1/import", tag = "transfer", request_body = Import,
    params(ImportQuery), responses((status = 200, description = "What was done, or in a dry run would be", body = Imported))
)]
pub(super) async fn import<R: ApplicationRegistry>(
    asked: Asked<R, ImportQuery>,
    Body(import): Body<Import>,
) -> Answer {
    let ImportQuery { dry_run, replace_keys } = asked.query;
    let options = ImportOptions { dry_run, replace_keys };
    Ok(Json(Imported::from(asked.service.import(&asked.by, &import.toml, options).await?)).into_response())
}
