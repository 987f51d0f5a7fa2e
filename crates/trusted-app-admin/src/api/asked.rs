//! Who asks, and what the query, the body and `If-Match` say.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use http::header::IF_MATCH;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tower_trusted_app::ApplicationRegistry;
use utoipa::IntoParams;

use super::problem::Problem;
use crate::administrator::Administrator;
use crate::service::{Administration, version_of};
use crate::web::Admitted;

/// Who asks, and the query: nothing in it but what the operation knows, and that once. A dry run that it does not
/// know, or that is misspelt, would be done in earnest.
pub(super) struct Asked<R, Q = NoQuery> {
    /// What answers.
    pub(super) service: Administration<R>,
    pub(super) by: Administrator,
    pub(super) query: Q,
}

impl<R: ApplicationRegistry, Q: DeserializeOwned> FromRequestParts<Administration<R>> for Asked<R, Q> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Administration<R>) -> Result<Self, Problem> {
        let missing = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The guard was passed by.");
        let admitted = parts.extensions.get::<Admitted>().ok_or_else(missing)?;
        let query = Query::try_from_uri(&parts.uri);
        let Query(query) = query.map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.body_text()))?;
        Ok(Self { service: service.clone(), by: admitted.administrator.clone(), query })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoQuery {}

#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DryRun {
    /// Only say what would come of it
    #[param(value_type = Option<bool>)]
    pub(super) dry_run: bool,
}

#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ImportQuery {
    /// Only say what would come of it
    #[param(value_type = Option<bool>)]
    pub(super) dry_run: bool,
    /// The fingerprints were compared: keys of registered applications may change
    #[param(value_type = Option<bool>)]
    pub(super) replace_keys: bool,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ChangesQuery {
    /// The number of the last entry that was read
    after: Option<u64>,
    /// At most so many
    #[param(value_type = Option<u64>, maximum = 200)]
    limit: Option<usize>,
}

/// Entries of the log of changes in one answer, unless fewer or more are asked for.
const CHANGES: usize = 100;
/// Most of them.
const MAX_CHANGES: usize = 200;
/// The greatest number of an entry: registries keep it with a sign.
const MAX_NUMBER: u64 = u64::MAX >> 1;

impl ChangesQuery {
    /// `after` and `limit`, if they are in their bounds.
    pub(super) fn within(&self) -> Result<(u64, usize), Problem> {
        let (after, limit) = (self.after.unwrap_or(0), self.limit.unwrap_or(CHANGES));
        if after > MAX_NUMBER || limit > MAX_CHANGES {
            let why = format!("`after` is at most {MAX_NUMBER}, and `limit` at most {MAX_CHANGES}.");
            return Err(Problem::new(StatusCode::BAD_REQUEST, why));
        }
        Ok((after, limit))
    }
}

/// What is sent, as JSON.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bad = |why| Problem::new(StatusCode::BAD_REQUEST, why);
        let body = Bytes::from_request(request, state).await.map_err(|error| bad(error.body_text()))?;
        serde_json::from_slice(&body).map(Self).map_err(|error| bad(error.to_string()))
    }
}

/// What a change is made from.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(super) struct IfMatch {
    /// The entity tag, in its quotation marks, such as `"1"`; or `*`
    #[param(rename = "If-Match", value_type = String, required = true)]
    tag: Option<HeaderValue>,
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self { tag: parts.headers.get(IF_MATCH).cloned() })
    }
}

impl IfMatch {
    /// That version, or of any the one that the application has.
    pub(super) async fn version<R: ApplicationRegistry, Q>(
        &self,
        asked: &Asked<R, Q>,
        id: &str,
    ) -> Result<u64, Problem> {
        let found = version_of(&asked.service.entry(&asked.by, id).await?);
        let Some(tag) = &self.tag else {
            let why = "State in `If-Match` the entity tag of the application that you have seen.";
            return Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, why));
        };
        if tag.as_bytes() == b"*" {
            return Ok(found);
        }
        let version =
            tag.to_str().ok().and_then(|tag| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok());
        version.ok_or_else(|| {
            Problem::new(
                StatusCode::PRECONDITION_FAILED,
                "`If-Match` is no entity tag of an application: it stands in quotation marks, such as `\"1\"`.",
            )
        })
    }
}
