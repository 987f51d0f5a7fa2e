//! What a handler asks for: the caller, its user, its application.

use std::fmt;
use std::ops::Deref;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use tower_trusted_app::{CallingApplication, application};

/// The application that sent the request and the user it acts as, both verified.
///
/// ```
/// use axum::http::StatusCode;
/// use trusted_app_axum::Caller;
///
/// # #[derive(Clone)] struct User { administrator: bool }
/// /// The user is what the directory hands out.
/// async fn delete(caller: Caller<User>) -> StatusCode {
///     if caller.user().administrator { StatusCode::NO_CONTENT } else { StatusCode::FORBIDDEN }
/// }
///
/// /// Under `.optional()` there may be no caller.
/// async fn welcome(caller: Option<Caller<User>>) -> String {
///     format!("Hello, {}!", caller.as_ref().map_or("stranger", |caller| caller.user_name()))
/// }
/// # axum::Router::<()>::new().route("/", axum::routing::get(welcome).delete(delete));
/// ```
///
/// A request without a caller is answered with [`CallerMissing`] (500). `Option<Caller<U>>` is then
/// `None`.
pub struct Caller<U>(
    /// What [`tower_trusted_app`] puts into the request's extensions.
    pub tower_trusted_app::Caller<U>,
);

impl<U> Deref for Caller<U> {
    type Target = tower_trusted_app::Caller<U>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<U> Clone for Caller<U> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<U> fmt::Debug for Caller<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<S: Sync, U: Send + Sync + 'static> FromRequestParts<S> for Caller<U> {
    type Rejection = CallerMissing;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, CallerMissing> {
        caller(parts).cloned().map(Self)
    }
}

impl<S: Sync, U: Send + Sync + 'static> OptionalFromRequestParts<S> for Caller<U> {
    type Rejection = CallerMissing;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, CallerMissing> {
        Ok(present(caller(parts))?.cloned().map(Self))
    }
}

/// The user a request is made for: the directory's record.
///
/// ```
/// use trusted_app_axum::TrustedUser;
///
/// # #[derive(Clone)] struct User { full_name: String }
/// async fn profile(TrustedUser(user): TrustedUser<User>) -> String {
///     user.full_name
/// }
/// # axum::Router::<()>::new().route("/", axum::routing::get(profile));
/// ```
///
/// As with [`Caller`], which also knows the user's name and does not clone the record.
#[derive(Debug, Clone)]
pub struct TrustedUser<U>(
    /// The directory's record.
    pub U,
);

impl<S: Sync, U: Clone + Send + Sync + 'static> FromRequestParts<S> for TrustedUser<U> {
    type Rejection = CallerMissing;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, CallerMissing> {
        caller::<U>(parts).map(|caller| Self(caller.user().clone()))
    }
}

impl<S: Sync, U: Clone + Send + Sync + 'static> OptionalFromRequestParts<S> for TrustedUser<U> {
    type Rejection = CallerMissing;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, CallerMissing> {
        Ok(present(caller::<U>(parts))?.map(|caller| Self(caller.user().clone())))
    }
}

/// The application that sent the request, for code that does not care which type users have.
///
/// ```
/// use trusted_app_axum::TrustedApplication;
///
/// async fn banner(application: Option<TrustedApplication>) -> String {
///     application.map_or_else(String::new, |application| format!("shown by {}", application.name()))
/// }
/// # axum::Router::<()>::new().route("/", axum::routing::get(banner));
/// ```
#[derive(Debug, Clone)]
pub struct TrustedApplication(
    /// What [`tower_trusted_app`] puts into the request's extensions.
    pub CallingApplication,
);

impl Deref for TrustedApplication {
    type Target = application::TrustedApplication;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for TrustedApplication {
    type Rejection = CallerMissing;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, CallerMissing> {
        CallingApplication::from_extensions(&parts.extensions).cloned().map(Self).map_err(CallerMissing)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for TrustedApplication {
    type Rejection = CallerMissing;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, CallerMissing> {
        Ok(parts.extensions.get().cloned().map(Self))
    }
}

fn caller<U: Send + Sync + 'static>(parts: &Parts) -> Result<&tower_trusted_app::Caller<U>, CallerMissing> {
    tower_trusted_app::Caller::from_extensions(&parts.extensions).map_err(CallerMissing)
}

/// An anonymous request has no caller; a caller of another type is a mistake, not an absence.
fn present<T>(caller: Result<T, CallerMissing>) -> Result<Option<T>, CallerMissing> {
    match caller {
        Ok(caller) => Ok(Some(caller)),
        Err(missing) if missing.0.is_anonymous() => Ok(None),
        Err(mistake) => Err(mistake),
    }
}

/// A handler asked for a caller and there is none: a mistake of this service, not of its peer.
///
/// The peer gets a 500 without any detail. The log gets the likely causes.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct CallerMissing(tower_trusted_app::CallerMissing);

impl IntoResponse for CallerMissing {
    fn into_response(self) -> Response {
        tracing::error!(target: "trusted_app", "{self}");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}
