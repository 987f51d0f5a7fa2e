//! The fields of an application, read from how they are written in forms and in JSON.

use std::time::Duration;

use tower_trusted_app::application::{DescriptionError, DescriptionProblem, RuleDescription};
use tower_trusted_app::conditions::{AddressRule, PathPattern, PathRule};

use super::edit::ApplicationEdit;
use super::field;
use super::field_error::FieldError;

impl ApplicationEdit {
    /// Reads the fields. A path that is hardly meant is rejected.
    ///
    /// # Errors
    ///
    /// All that is wrong with them.
    pub(crate) fn read(
        name: &str,
        timeout_ms: Result<u64, FieldError>,
        addresses: &RuleDescription,
        paths: &RuleDescription,
    ) -> Result<Self, Vec<FieldError>> {
        let addresses = AddressRule::try_from(addresses).map_err(|error| problem(field::ADDRESSES, error));
        let paths = PathRule::try_from(paths).map_err(|error| problem(field::PATHS, error));
        let paths = paths.and_then(|paths| hardly_meant(&paths).map_or(Ok(paths), Err));
        Self::of_fields(name, timeout_ms.map(Duration::from_millis), addresses, paths)
    }
}

fn problem(field: &'static str, error: DescriptionError) -> FieldError {
    match error.into_problem() {
        DescriptionProblem::AnyNotAlone => FieldError::AnyNotAlone(field),
        DescriptionProblem::Address(error) => error.into(),
        DescriptionProblem::Path(error) => error.into(),
        other => FieldError::Registry(other.to_string()),
    }
}

fn hardly_meant(paths: &PathRule) -> Option<FieldError> {
    paths.patterns()?.iter().find_map(PathPattern::hardly_meant).map(FieldError::from)
}
