//! The fields of an application as they are written in forms and in JSON.

use std::time::Duration;

use tower_trusted_app::conditions::{AddressRule, PathPattern, PathRule};

use super::edit::ApplicationEdit;
use super::field;
use super::field_error::FieldError;

/// The word that stands for every address or every path.
const ANY: &str = "any";

impl ApplicationEdit {
    /// Reads patterns one by one, of addresses also with commas between them, or the word `any`.
    ///
    /// # Errors
    ///
    /// All that is wrong with them.
    pub(crate) fn read<'a>(
        name: &str,
        timeout_ms: Result<u64, FieldError>,
        addresses: impl IntoIterator<Item = &'a str>,
        paths: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, Vec<FieldError>> {
        let timeout = timeout_ms.map(Duration::from_millis);
        Self::of_fields(name, timeout, read_addresses(addresses), read_paths(paths))
    }

    pub(crate) fn written_addresses(&self) -> Vec<String> {
        written(self.addresses.patterns(), |_| true)
    }

    /// Patterns that cover no path, which a file can have, are left out: a form takes none.
    pub(crate) fn written_paths(&self) -> Vec<String> {
        written(self.paths.patterns(), |pattern| !pattern.never_matches())
    }
}

fn read_addresses<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<AddressRule, FieldError> {
    let lines: Vec<_> = lines.into_iter().collect();
    if is_any(lines.iter().flat_map(|line| line.split([',', '\n', '\r'])), field::ADDRESSES)? {
        return Ok(AddressRule::any());
    }
    Ok(AddressRule::parse_lines(lines)?)
}

fn read_paths<'a>(paths: impl IntoIterator<Item = &'a str>) -> Result<PathRule, FieldError> {
    let paths: Vec<_> = paths.into_iter().map(str::trim).filter(|path| !path.is_empty()).collect();
    if is_any(paths.iter().copied(), field::PATHS)? {
        return Ok(PathRule::any());
    }
    let patterns = paths.into_iter().map(PathPattern::typed);
    Ok(PathRule::only(patterns.collect::<Result<Vec<_>, _>>()?))
}

/// Whether the word for every address or path is there, and so alone.
fn is_any<'a>(items: impl Iterator<Item = &'a str>, field: &'static str) -> Result<bool, FieldError> {
    let items: Vec<_> = items.map(str::trim).filter(|item| !item.is_empty()).collect();
    match (items.contains(&ANY), items.len()) {
        (true, 2..) => Err(FieldError::AnyNotAlone(field)),
        (is_any, _) => Ok(is_any),
    }
}

fn written<T: ToString>(patterns: Option<&[T]>, is_written: impl Fn(&T) -> bool) -> Vec<String> {
    let Some(patterns) = patterns else { return vec![ANY.to_owned()] };
    patterns.iter().filter(|one| is_written(one)).map(ToString::to_string).collect()
}
