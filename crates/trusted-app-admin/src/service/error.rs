//! Why an administrator's wish was not fulfilled.

use tower_trusted_app::BoxError;
use tower_trusted_app::registry::{ApplicationConflict, Broken, RegistryError};

use super::field_error::FieldError;
use crate::fetch::{FetchError, FetchErrorKind, MAX_FETCHES};

/// Why an administrator's wish was not fulfilled. Nothing was changed then, unless an import says
/// otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// What is wrong with the input, all of it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))]
    Invalid(Vec<FieldError>),
    /// Nothing is registered under this id.
    #[error("The Trusted Application with the specified id: {0} cannot be found.")]
    NotFound(String),
    /// What is registered cannot be read, and so not be edited.
    #[error("Invalid Key/Row: {}", .0.reason)]
    Broken(Broken),
    /// Somebody else changed the application in the meantime.
    #[error(
        "The Trusted Application {id} was changed in the meantime: it has version {found}, not {expected}. Look at it \
         again before you change it."
    )]
    Changed {
        /// Its id.
        id: String,
        /// The version that the change was made from.
        expected: u64,
        /// The version that it has.
        found: u64,
    },
    /// No details wait under this token: they were used, are older than 15 minutes, or belong to
    /// another administrator.
    #[error("The details that were requested are no longer there. Request them again.")]
    PendingGone,
    /// An import broke off: what was written before stays, and it can be repeated.
    #[error("{source} The import was not finished: {} stand as the text says. Repeat it.", .done.join(", "))]
    BrokenOff {
        /// The ids that were written.
        done: Vec<String>,
        /// Why the next one was not.
        source: Box<AdminError>,
    },
    /// As many details as may be fetched at once are being fetched.
    #[error(
        "Details of {} applications are being fetched at present, and no more are at once. Try again in a few seconds.",
        MAX_FETCHES
    )]
    Busy,
    /// The registry cannot be reached. Nothing was changed.
    #[error(
        "The registry of trusted applications is not available. What was asked for was not done; try again later."
    )]
    Unavailable(#[source] BoxError),
    /// The registry cannot write, or did not write this: nothing was changed, and everything can be read. It says
    /// what to do.
    #[error("The change was not saved: {0}.")]
    NotWritten(#[source] BoxError),
}

impl From<FieldError> for AdminError {
    fn from(error: FieldError) -> Self {
        Self::Invalid(vec![error])
    }
}

impl From<FetchError> for AdminError {
    fn from(error: FetchError) -> Self {
        if *error.kind() == FetchErrorKind::Busy { Self::Busy } else { FieldError::from(error).into() }
    }
}

impl From<RegistryError> for AdminError {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::NotFound(id) => Self::NotFound(id.to_string()),
            RegistryError::VersionConflict { application, expected, found } => {
                Self::Changed { id: application.to_string(), expected, found }
            }
            RegistryError::Conflict(ApplicationConflict::Id { application }) => {
                FieldError::IdTaken(application.to_string()).into()
            }
            RegistryError::Conflict(conflict) => FieldError::Conflict(conflict).into(),
            RegistryError::Invalid(reason) => FieldError::Registry(reason).into(),
            RegistryError::Unavailable(source) => {
                tracing::error!(target: "trusted_app", error = %source, "the registry is not available");
                Self::Unavailable(source)
            }
            RegistryError::NotWritten(source) => {
                tracing::error!(target: "trusted_app", error = %source, "a change was not written to the registry");
                Self::NotWritten(source)
            }
            other => Self::Unavailable(other.into()),
        }
    }
}
