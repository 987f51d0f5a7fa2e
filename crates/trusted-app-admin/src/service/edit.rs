//! What an administrator edits of an application.

use std::time::Duration;

use tower_trusted_app::TrustedApplication;
use tower_trusted_app::application::TrustedApplicationBuilder;
use tower_trusted_app::conditions::{AddressRule, PathRule};
use tower_trusted_app::httpsig::KeyDirectory;

use super::field_error::FieldError;
use crate::fetch::Fetched;

/// The paths that JIRA proposes.
pub const DEFAULT_PATHS: [&str; 3] = ["/sr/jira.issueviews:searchrequest", "/secure/RunPortlet", "/rest"];

/// Longest name of an application, in characters.
pub const MAX_NAME: usize = 255;

/// The fields of an application that an administrator edits.
///
/// What is not among them (keys, methods, schemes, users, replay protection) stays as it is.
#[derive(Debug, Clone)]
pub struct ApplicationEdit {
    /// The name for people. Not blank, at most [`MAX_NAME`] characters.
    pub name: String,
    /// The time-out: at least one millisecond.
    pub timeout: Duration,
    /// From where its requests may come. Not empty.
    pub addresses: AddressRule,
    /// What it may ask for. Not empty.
    pub paths: PathRule,
}

impl ApplicationEdit {
    /// What is proposed for an application whose details were fetched.
    #[must_use]
    pub fn proposed(fetched: &Fetched) -> Self {
        Self::proposed_of(&fetched.base_url, TrustedApplication::DEFAULT_TIMEOUT, fetched)
    }

    /// What is proposed for an application whose key directory was fetched.
    #[must_use]
    pub fn proposed_with_directory(fetched: &Fetched<KeyDirectory>) -> Self {
        Self::proposed_of(&fetched.authority, TrustedApplication::DEFAULT_SIGNATURE_TIMEOUT, fetched)
    }

    fn proposed_of<T>(name: &str, timeout: Duration, fetched: &Fetched<T>) -> Self {
        let addresses = fetched.addresses.iter().filter_map(|address| address.to_string().parse().ok());
        let (addresses, paths) = (AddressRule::only(addresses), PathRule::prefixes(DEFAULT_PATHS));
        Self { name: name.to_owned(), timeout, addresses, paths }
    }

    /// The fields of an application.
    #[must_use]
    pub fn of(application: &TrustedApplication) -> Self {
        let conditions = application.conditions();
        Self {
            name: application.name().to_owned(),
            timeout: conditions.timeout,
            addresses: conditions.addresses.clone(),
            paths: conditions.paths.clone(),
        }
    }

    /// Each field, or what is wrong with it.
    pub(super) fn of_fields(
        name: &str,
        timeout: Result<Duration, FieldError>,
        addresses: Result<AddressRule, FieldError>,
        paths: Result<PathRule, FieldError>,
    ) -> Result<Self, Vec<FieldError>> {
        let timeout = timeout.and_then(check_timeout);
        let addresses = addresses.and_then(|rule| match rule.patterns() {
            Some([]) => Err(FieldError::AddressesBlank),
            _ => Ok(rule),
        });
        let paths = paths.and_then(|rule| match rule.patterns() {
            Some([]) => Err(FieldError::PathsBlank),
            _ => Ok(rule),
        });
        match (check_name(name), timeout, addresses, paths) {
            (Ok(name), Ok(timeout), Ok(addresses), Ok(paths)) => Ok(Self { name, timeout, addresses, paths }),
            (name, timeout, addresses, paths) => {
                let errors = [name.err(), timeout.err(), addresses.err(), paths.err()];
                Err(errors.into_iter().flatten().collect())
            }
        }
    }

    /// Describes an application with these fields.
    pub(super) fn apply(
        self,
        described: TrustedApplicationBuilder,
    ) -> Result<TrustedApplicationBuilder, Vec<FieldError>> {
        let Self { name, timeout, addresses, paths } =
            Self::of_fields(&self.name, Ok(self.timeout), Ok(self.addresses), Ok(self.paths))?;
        Ok(described.name(name).timeout(timeout).addresses(addresses).paths(paths))
    }
}

fn check_name(name: &str) -> Result<String, FieldError> {
    match name.trim() {
        "" => Err(FieldError::NameBlank),
        _ if name.chars().count() > MAX_NAME => Err(FieldError::NameTooLong),
        _ if name.chars().any(char::is_control) => Err(FieldError::NameControlCharacter),
        name => Ok(name.to_owned()),
    }
}

fn check_timeout(timeout: Duration) -> Result<Duration, FieldError> {
    match i64::try_from(timeout.as_millis()) {
        Ok(1..) => Ok(timeout),
        Ok(_) => Err(FieldError::Timeout),
        Err(_) => Err(FieldError::TimeoutTooLarge),
    }
}
