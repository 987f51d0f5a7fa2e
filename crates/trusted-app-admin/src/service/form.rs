//! What an administrator types, and what is made of it.

use std::num::IntErrorKind;
use std::time::Duration;

use tower_trusted_app::TrustedApplication;
use tower_trusted_app::application::TrustedApplicationBuilder;
use tower_trusted_app::conditions::{AddressRule, PathPattern, PathRule};

use super::problem::{Field, Problem};
use crate::fetch::{Fetched, FetchedDirectory};

/// The paths that JIRA proposes.
pub const DEFAULT_PATHS: [&str; 3] = ["/sr/jira.issueviews:searchrequest", "/secure/RunPortlet", "/rest"];

/// Longest name of an application, in characters.
pub const MAX_NAME: usize = 255;

/// The word that stands for every address or every path.
const ANY: &str = "any";

/// The fields of an application that an administrator edits, as typed.
///
/// What is not among them (keys, methods, schemes, users, replay protection) stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApplicationForm {
    /// The name for people. Not blank, at most [`MAX_NAME`] characters.
    pub name: String,
    /// The time-out: a positive number of milliseconds.
    pub timeout: String,
    /// Address patterns, separated by line ends and commas; or the word `any`.
    pub addresses: String,
    /// Path patterns, one a line: a prefix, `subtree:/rest` or `rpc:package.Service/*`; or the word
    /// `any`.
    pub paths: String,
}

impl ApplicationForm {
    /// What is proposed for an application whose details were fetched.
    #[must_use]
    pub fn proposed(fetched: &Fetched) -> Self {
        Self {
            name: fetched.base_url.clone(),
            timeout: TrustedApplication::DEFAULT_TIMEOUT.as_millis().to_string(),
            addresses: lines(&fetched.addresses),
            paths: DEFAULT_PATHS.join("\n"),
        }
    }

    /// What is proposed for an application whose key directory was fetched.
    #[must_use]
    pub fn proposed_with_directory(fetched: &FetchedDirectory) -> Self {
        Self {
            name: fetched.authority.clone(),
            timeout: TrustedApplication::DEFAULT_SIGNATURE_TIMEOUT.as_millis().to_string(),
            addresses: lines(&fetched.addresses),
            paths: DEFAULT_PATHS.join("\n"),
        }
    }

    /// The fields of an application. Patterns that cover no path are left out: a prefix `any`, which a file can have,
    /// would be read as every path.
    #[must_use]
    pub fn of(application: &TrustedApplication) -> Self {
        let conditions = application.conditions();
        let paths = conditions.paths.patterns().map(|patterns| {
            patterns.iter().filter(|one| !one.never_matches()).map(ToString::to_string).collect::<Vec<_>>()
        });
        Self {
            name: application.name().to_owned(),
            timeout: conditions.timeout.as_millis().to_string(),
            addresses: conditions.addresses.patterns().map_or(ANY.to_owned(), lines),
            paths: paths.map_or(ANY.to_owned(), |paths| paths.join("\n")),
        }
    }

    /// The rules that were typed, or all that is wrong with them.
    pub(super) fn parse(&self) -> Result<Rules, Vec<Problem>> {
        let mut problems = Vec::new();
        if self.name.trim().is_empty() {
            problems.push(Problem::NameBlank);
        } else if self.name.chars().count() > MAX_NAME {
            problems.push(Problem::NameTooLong);
        } else if self.name.chars().any(char::is_control) {
            problems.push(Problem::NameControlCharacter);
        }
        let timeout = match self.timeout.trim().parse::<i64>() {
            Ok(millis @ 1..) => Some(Duration::from_millis(millis.unsigned_abs())),
            Err(error) if *error.kind() == IntErrorKind::PosOverflow => {
                problems.push(Problem::TimeoutTooLarge);
                None
            }
            _ => {
                problems.push(Problem::Timeout);
                None
            }
        };
        let addresses = parse_addresses(&self.addresses).map_err(|problem| problems.push(problem)).ok();
        let paths = parse_paths(&self.paths).map_err(|problem| problems.push(problem)).ok();
        match (timeout, addresses, paths) {
            (Some(timeout), Some(addresses), Some(paths)) if problems.is_empty() => {
                Ok(Rules { name: self.name.trim().to_owned(), timeout, addresses, paths })
            }
            _ => Err(problems),
        }
    }
}

/// What a form says, understood.
pub(super) struct Rules {
    name: String,
    timeout: Duration,
    addresses: AddressRule,
    paths: PathRule,
}

impl Rules {
    /// States them of an application.
    pub(super) fn apply(self, builder: TrustedApplicationBuilder) -> TrustedApplicationBuilder {
        builder.name(self.name).timeout(self.timeout).addresses(self.addresses).paths(self.paths)
    }
}

fn parse_addresses(text: &str) -> Result<AddressRule, Problem> {
    if text.trim() == ANY {
        return Ok(AddressRule::any());
    }
    if text.split([',', '\n', '\r']).any(|item| item.trim() == ANY) {
        return Err(Problem::AnyNotAlone(Field::Addresses));
    }
    let rule = text.parse::<AddressRule>()?;
    if rule.patterns().is_none_or(<[_]>::is_empty) {
        return Err(Problem::AddressesBlank);
    }
    Ok(rule)
}

fn parse_paths(text: &str) -> Result<PathRule, Problem> {
    if text.trim() == ANY {
        return Ok(PathRule::any());
    }
    let lines = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
    let patterns: Vec<_> = lines
        .map(|line| match line {
            ANY => Err(Problem::AnyNotAlone(Field::Paths)),
            line => line.parse::<PathPattern>().map_err(Problem::Path),
        })
        .collect::<Result<_, Problem>>()?;
    if patterns.is_empty() { Err(Problem::PathsBlank) } else { Ok(PathRule::only(patterns)) }
}

fn lines<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
