//! The log of changes as JSON.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::keys::write_applications;
use tower_trusted_app::registry;
use utoipa::ToSchema;

use super::answer::{Answer, Service};
use super::asked::{Asked, ChangesQuery};
use super::model::When;

/// One entry of the log of changes; before and after as TOML.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Change {
    number: u64,
    id: String,
    when: When,
    before: Option<String>,
    after: Option<String>,
}

impl From<&registry::Change> for Change {
    fn from(change: &registry::Change) -> Self {
        let toml = |state: &Option<Result<_, registry::Broken>>| {
            state.as_ref().map(|state| match state {
                Ok(application) => write_applications([AsRef::as_ref(application)]),
                Err(broken) => format!("# {}\n", broken.reason.escape_debug()),
            })
        };
        Self {
            number: change.number,
            id: change.id.to_string(),
            when: (&change.stamp).into(),
            before: toml(&change.before),
            after: toml(&change.after),
        }
    }
}

/// The log of changes, oldest first
#[utoipa::path(
    get, path = "/api/v1/changes", tag = "records",
    params(ChangesQuery), responses((status = 200, description = "Entries of the log", body = Vec<Change>))
)]
pub(super) async fn changes<R: ApplicationRegistry>(
    State(service): Service<R>,
    asked: Asked<ChangesQuery>,
) -> Answer {
    let (after, limit) = asked.query.within()?;
    let changes = service.changes(&asked.by, after, limit).await?;
    Ok(Json(changes.iter().map(Change::from).collect::<Vec<_>>()).into_response())
}
