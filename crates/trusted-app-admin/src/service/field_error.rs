//! What is wrong with what an administrator asked for. The sentences are JIRA's where it had one.

use tower_trusted_app::application::ApplicationError;
use tower_trusted_app::conditions::{AddressPatternError, PathPatternError};
use tower_trusted_app::registry::ApplicationConflict;

use super::difference::ChangedKeys;
use super::field;
use crate::fetch::FetchError;

/// One thing that is wrong with a field, or with all that was asked for. `Display` is the message.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// A blank name.
    #[error("The Trusted Application Name cannot be blank.")]
    NameBlank,
    /// A name that is too long.
    #[error("The Trusted Application Name is at most 255 characters long.")]
    NameTooLong,
    /// A name that is more than one line, or worse.
    #[error("The Trusted Application Name cannot have control characters.")]
    NameControlCharacter,
    /// No positive number.
    #[error("You must specify a positive Timeout value. It is a whole number of milliseconds, at least 1.")]
    Timeout,
    /// A number that is too large.
    #[error("The Timeout is at most {} milliseconds.", i64::MAX)]
    TimeoutTooLarge,
    /// No address at all.
    #[error("You must specify IP addresses to match against. To match all IP addresses, enter ' *.*.*.* '")]
    AddressesBlank,
    /// A line that has something else than address patterns.
    #[error(transparent)]
    Address(#[from] AddressPatternError),
    /// The word `any` beside other entries.
    #[error(
        "The word any stands alone: it covers every other entry. Leave the others out, or leave out any."
    )]
    AnyNotAlone(&'static str),
    /// No path at all.
    #[error("You must specify URLs to match against.")]
    PathsBlank,
    /// A line that is no path pattern.
    #[error("{}.", capitalised(.0))]
    Path(#[from] PathPatternError),
    /// The id belongs to another application.
    #[error(
        "The Trusted Application with the specified applicationId: {0} already exists. If it has a new key, change its \
         key instead."
    )]
    IdTaken(String),
    /// The id or key may not stand in the registry for another reason.
    #[error("{}.", capitalised(.0))]
    Conflict(ApplicationConflict),
    /// An import would replace keys, and this was not confirmed.
    #[error(
        "The import replaces the keys of {application}, {}, by {}. Compare the fingerprints, and confirm it by \
         replace_keys.", listed(&.keys.before), listed(&.keys.after)
    )]
    KeysReplaced {
        /// The application's id.
        application: String,
        /// The fingerprints.
        keys: ChangedKeys,
    },
    /// The key may not be used.
    #[error("The Trusted Application Public Key is not valid: {0}")]
    Key(ApplicationError),
    /// The details that were fetched belong to another application than the key is for.
    #[error("{url} answers with the details of {found}, not of {expected}.")]
    OtherApplication {
        /// From where the details came.
        url: String,
        /// The id in them.
        found: String,
        /// The id of the application whose key was to be changed.
        expected: String,
    },
    /// The application has this key already.
    #[error("The application at {0} still has the key that is registered.")]
    SameKey(String),
    /// The details could not be fetched.
    #[error(transparent)]
    Fetch(Box<FetchError>),
    /// The old keys cannot be revoked, since no other is in use.
    #[error("No other key of the application is active, so the old one cannot be revoked yet.")]
    NoOtherKey,
    /// The application has no key directory.
    #[error("The application has no key directory.")]
    NoKeyDirectory,
    /// The key directory was fetched within the last minute.
    #[error("The key directory was fetched less than a minute ago.")]
    RefreshedJustNow,
    /// The key directory was signed before one that was accepted.
    #[error("The key directory is older than one that was fetched before.")]
    DirectorySuperseded,
    /// The change of key was not confirmed.
    #[error("You must confirm that you have compared the fingerprint.")]
    NotConfirmed,
    /// The text of an import is not in order, or something else cannot be kept, for this reason.
    #[error("{0}")]
    Toml(String),
    /// The registry cannot keep the application, for this reason.
    #[error("The application cannot be registered: {0}")]
    Registry(String),
}

impl From<FetchError> for FieldError {
    fn from(error: FetchError) -> Self {
        Self::Fetch(Box::new(error))
    }
}

impl FieldError {
    /// The field's name in JSON and in forms, such as `base_url`; `None` when it is no single field.
    #[must_use]
    pub const fn field(&self) -> Option<&'static str> {
        Some(match self {
            Self::NameBlank | Self::NameTooLong | Self::NameControlCharacter => field::NAME,
            Self::Timeout | Self::TimeoutTooLarge => field::TIMEOUT,
            Self::AddressesBlank | Self::Address(_) => field::ADDRESSES,
            Self::AnyNotAlone(field) => field,
            Self::PathsBlank | Self::Path(_) => field::PATHS,
            Self::OtherApplication { .. } | Self::SameKey(_) | Self::Fetch(_) => field::BASE_URL,
            Self::NotConfirmed => field::CONFIRMED,
            Self::Toml(_) => field::TOML,
            Self::IdTaken(_)
            | Self::Conflict(_)
            | Self::Key(_)
            | Self::NoOtherKey
            | Self::NoKeyDirectory
            | Self::RefreshedJustNow
            | Self::DirectorySuperseded
            | Self::KeysReplaced { .. }
            | Self::Registry(_) => return None,
        })
    }
}

impl From<ApplicationError> for FieldError {
    fn from(error: ApplicationError) -> Self {
        match error {
            ApplicationError::Path(error) => Self::Path(error),
            ApplicationError::RuleName { .. }
            | ApplicationError::ActAsName { .. }
            | ApplicationError::Method(_)
            | ApplicationError::NoScheme => Self::Registry(error.to_string()),
            error => Self::Key(error),
        }
    }
}

fn listed(fingerprints: &[String]) -> String {
    if fingerprints.is_empty() { "which cannot be read".to_owned() } else { fingerprints.join(" and ") }
}

fn capitalised(text: &impl ToString) -> String {
    let text = text.to_string();
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
