//! `Caller` and `CallingApplication` as extractors of axum handlers.

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use crate::caller::{Caller, CallerMissing, CallingApplication};

impl<S: Sync, U: Send + Sync + 'static> FromRequestParts<S> for Caller<U> {
    type Rejection = CallerMissing;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, CallerMissing> {
        Self::from_extensions(&parts.extensions).cloned()
    }
}

/// An anonymous request has no caller. One whose user has another type is a mistake, not an absence.
impl<S: Sync, U: Send + Sync + 'static> OptionalFromRequestParts<S> for Caller<U> {
    type Rejection = CallerMissing;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, CallerMissing> {
        match Self::from_extensions(&parts.extensions) {
            Ok(caller) => Ok(Some(caller.clone())),
            Err(missing) if missing.is_anonymous() => Ok(None),
            Err(mistake) => Err(mistake),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for CallingApplication {
    type Rejection = CallerMissing;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, CallerMissing> {
        Self::from_extensions(&parts.extensions).cloned()
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for CallingApplication {
    type Rejection = CallerMissing;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, CallerMissing> {
        Ok(Self::from_extensions(&parts.extensions).ok().cloned())
    }
}

/// The peer gets a 500 without any detail. The log gets the likely causes.
impl IntoResponse for CallerMissing {
    fn into_response(self) -> Response {
        tracing::error!(target: "trusted_app", "{self}");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}
