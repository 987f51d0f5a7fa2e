//! What was changed and decided.

use std::sync::Arc;

use axum::Json;
use axum::extract::Path;
use axum::response::IntoResponse;
use serde::Serialize;
use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::application::ShownApplication;
use tower_trusted_app::{TrustedApplication, registry};
use utoipa::ToSchema;

use super::answer::Answer;
use super::asked::{Asked, ChangesQuery};
use super::model::{Broken, When};
use super::schema;
use crate::recent::{RecentDecision, RecentDecisions};

/// One entry of the log of changes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Change {
    number: u64,
    id: String,
    when: When,
    before: Option<AsItWas>,
    after: Option<AsItWas>,
}

/// An application as it was then, or why that cannot be read.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum AsItWas {
    Application {
        #[serde(flatten)]
        #[schema(value_type = schema::ShownApplication)]
        application: Box<ShownApplication>,
    },
    Broken(Broken),
}

impl From<&Result<Arc<TrustedApplication>, registry::Broken>> for AsItWas {
    fn from(state: &Result<Arc<TrustedApplication>, registry::Broken>) -> Self {
        match state {
            Ok(application) => {
                Self::Application { application: Box::new(ShownApplication::from(&**application)) }
            }
            Err(broken) => Self::Broken(broken.into()),
        }
    }
}

impl From<&registry::Change> for Change {
    fn from(change: &registry::Change) -> Self {
        Self {
            number: change.number,
            id: change.id.to_string(),
            when: (&change.stamp).into(),
            before: change.before.as_ref().map(AsItWas::from),
            after: change.after.as_ref().map(AsItWas::from),
        }
    }
}

/// The log of changes, oldest first
#[utoipa::path(
    get, path = "/api/v1/changes", tag = "records",
    params(ChangesQuery), responses((status = 200, description = "Entries of the log", body = Vec<Change>))
)]
pub(super) async fn changes<R: ApplicationRegistry>(asked: Asked<R, ChangesQuery>) -> Answer {
    let (after, limit) = asked.query.within()?;
    let changes = asked.service.changes(&asked.by, after, limit).await?;
    Ok(Json(changes.iter().map(Change::from).collect::<Vec<_>>()).into_response())
}

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
pub(super) async fn decisions_of_one<R: ApplicationRegistry>(
    asked: Asked<R>,
    Path(id): Path<String>,
) -> Answer {
    asked.service.entry(&asked.by, &id).await?.ok();
    let decisions = asked.service.recent(&asked.by).map(|recent| recent.of(&id));
    Ok(Json(Decisions::from(decisions)).into_response())
}

/// The latest rejections of requests for which no registered application was found: anybody may have sent them
#[utoipa::path(get, path = "/api/v1/decisions", tag = "records", responses((status = 200, description = "The decisions that are kept", body = Decisions)))]
pub(super) async fn decisions_of_unknown<R: ApplicationRegistry>(asked: Asked<R>) -> Answer {
    let decisions = asked.service.recent(&asked.by).map(RecentDecisions::of_unknown);
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
