//! What was decided about requests lately, as JSON.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde::Serialize;
use tower_trusted_app::ApplicationRegistry;
use utoipa::ToSchema;

use super::answer::{Answer, Service};
use super::asked::Asked;
use crate::recent::{RecentDecision, RecentDecisions};

/// What was decided about requests lately, in memory of the server that answers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Decisions {
    /// Whether the server tells its administration what it decides; if not, it says nothing that `decisions` is empty.
    recorded: bool,
    /// Newest first; only the latest are kept.
    decisions: Vec<Decision>,
}

/// One decision about a request.
#[derive(Debug, Serialize, ToSchema)]
struct Decision {
    #[schema(format = DateTime)]
    at: String,
    /// `OK`, or why the request was rejected.
    code: String,
    /// The application's id; where none was found, the one that the request claims, if it claims one.
    application: Option<String>,
    method: String,
    path: String,
    user: Option<String>,
    reason: Option<String>,
    /// What to do.
    hint: Option<String>,
}

/// What was decided about an application's requests lately
#[utoipa::path(
    get, path = "/api/v1/applications/{id}/decisions", tag = "records", params(("id" = String, Path)),
    responses((status = 200, description = "The decisions that are kept", body = Decisions))
)]
pub(super) async fn of_one<R: ApplicationRegistry>(
    State(service): Service<R>,
    asked: Asked,
    Path(id): Path<String>,
) -> Answer {
    service.entry(&asked.by, &id).await?.ok();
    let decisions = service.recent(&asked.by).map(|recent| recent.of(&id));
    Ok(Json(Decisions::from(decisions)).into_response())
}

/// The latest rejections of requests for which no registered application was found: anybody may have sent them
#[utoipa::path(get, path = "/api/v1/decisions", tag = "records", responses((status = 200, description = "The decisions that are kept", body = Decisions)))]
pub(super) async fn of_unknown<R: ApplicationRegistry>(State(service): Service<R>, asked: Asked) -> Answer {
    let decisions = service.recent(&asked.by).map(RecentDecisions::of_unknown);
    Ok(Json(Decisions::from(decisions)).into_response())
}

impl From<Option<Vec<RecentDecision>>> for Decisions {
    fn from(decisions: Option<Vec<RecentDecision>>) -> Self {
        Self {
            recorded: decisions.is_some(),
            decisions: decisions.into_iter().flatten().map(Decision::from).collect(),
        }
    }
}

impl From<RecentDecision> for Decision {
    fn from(decision: RecentDecision) -> Self {
        let rejected = decision.rejected;
        Self {
            at: decision.at.to_rfc3339(),
            code: rejected.as_ref().map_or("OK", |rejected| rejected.code).to_owned(),
            application: decision.application,
            method: decision.method,
            path: decision.path,
            user: decision.user,
            reason: rejected.as_ref().map(|rejected| rejected.reason.clone()),
            hint: rejected.map(|rejected| rejected.hint),
        }
    }
}
