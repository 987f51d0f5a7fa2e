//! Who asks, and what the query says.

use axum::extract::{FromRequestParts, Query};
use http::StatusCode;
use http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use crate::administrator::Administrator;
use crate::site::Admitted;

/// Who asks, and the query: nothing in it but what the operation knows, and that once. A dry run that it does not
/// know, or that is misspelt, would be done in earnest.
pub(super) struct Asked<Q = NoQuery> {
    pub(super) by: Administrator,
    pub(super) query: Q,
}

impl<S: Send + Sync, Q: DeserializeOwned> FromRequestParts<S> for Asked<Q> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let missing = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The guard was passed by.");
        let admitted = parts.extensions.get::<Admitted>().ok_or_else(missing)?;
        let query = Query::try_from_uri(&parts.uri);
        let Query(query) = query.map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.body_text()))?;
        Ok(Self { by: admitted.administrator.clone(), query })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoQuery {}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct DryRun {
    pub(super) dry_run: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ImportQuery {
    pub(super) dry_run: bool,
    pub(super) replace_keys: bool,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ChangesQuery {
    after: u64,
    limit: usize,
}

impl Default for ChangesQuery {
    fn default() -> Self {
        Self { after: 0, limit: 100 }
    }
}

/// Most entries of the log of changes in one answer.
const MAX_CHANGES: usize = 200;
/// The greatest number of an entry: registries keep it with a sign.
const MAX_NUMBER: u64 = u64::MAX >> 1;

impl ChangesQuery {
    /// `after` and `limit`, if they are in their bounds.
    pub(super) fn within(&self) -> Result<(u64, usize), Problem> {
        if self.after > MAX_NUMBER || self.limit > MAX_CHANGES {
            let why = format!("`after` is at most {MAX_NUMBER}, and `limit` at most {MAX_CHANGES}.");
            return Err(Problem::new(StatusCode::BAD_REQUEST, why));
        }
        Ok((self.after, self.limit))
    }
}
