//! What is wrong with a description, and where.

use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

use crate::application::ApplicationError;
use crate::conditions::{AddressPatternError, MethodError, PathPatternError};
use crate::crypto::KeyError;
use crate::text::escaped;

/// What is wrong with an [`ApplicationDescription`](super::ApplicationDescription), and where: displayed as
/// `paths[1]: ` and the problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", Place(path))]
pub struct DescriptionError {
    path: Vec<FieldSegment>,
    problem: DescriptionProblem,
}

/// A step on the way to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldSegment {
    /// Into the field of this name.
    Name(String),
    /// To the item of a list, counted from 0.
    Index(usize),
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptionProblem {
    /// No field of that name is known there.
    #[error("unknown field; {cure}")]
    UnknownField {
        /// Which are known, or what to write.
        cure: String,
    },
    /// A field that must be there is not.
    #[error("missing; write {write}")]
    Missing {
        /// What to write.
        write: &'static str,
    },
    /// A value of another kind.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What belongs there.
        expected: String,
        /// What stands there; not its text if that may be a key.
        found: String,
    },
    /// The word for everything, among other entries.
    #[error("write \"any\" alone, not beside others")]
    AnyNotAlone,
    /// A key that is written in two ways.
    #[error("a key has either `spki` or `jwk`, and not both")]
    TwoKeys,
    /// No address pattern.
    #[error(transparent)]
    Address(#[from] AddressPatternError),
    /// No path pattern.
    #[error(transparent)]
    Path(#[from] PathPatternError),
    /// No method.
    #[error(transparent)]
    Method(#[from] MethodError),
    /// No public key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Values that do not make an application.
    #[error(transparent)]
    Application(ApplicationError),
    /// A text that is not of the kind that belongs there, such as an unknown scheme.
    #[error("{0}")]
    Text(String),
}

impl DescriptionError {
    pub(super) fn new(
        path: impl IntoIterator<Item = FieldSegment>,
        problem: impl Into<DescriptionProblem>,
    ) -> Self {
        Self { path: path.into_iter().collect(), problem: problem.into() }
    }

    pub(super) fn missing(field: &str, write: &'static str) -> Self {
        Self::new([FieldSegment::from(field)], DescriptionProblem::Missing { write })
    }

    /// The same, seen from further out.
    pub(super) fn within(mut self, segment: FieldSegment) -> Self {
        self.path.insert(0, segment);
        self
    }

    /// Without any text that was found where a key belongs: it may be a private one.
    pub(super) fn redacted(mut self) -> Self {
        /// No name of a field, and no state of a key, is so long.
        const LONG: usize = 32;
        if self.field().is_none_or(|field| field == "keys") {
            match &mut self.problem {
                DescriptionProblem::Unexpected { found, .. } if found.starts_with(THE_STRING) => {
                    A_STRING.clone_into(found);
                }
                DescriptionProblem::Text(text)
                    if text.split(|c| " `".contains(c)).any(|word| word.len() > LONG) =>
                {
                    "no such value".clone_into(text);
                }
                _ => {}
            }
            self.path.retain(|segment| !matches!(segment, FieldSegment::Name(name) if name.len() > LONG));
        }
        self
    }

    /// The steps from the application to what is wrong.
    #[must_use]
    pub fn path(&self) -> &[FieldSegment] {
        &self.path
    }

    /// The application's field, such as `paths`; `None` if it is wrong as a whole.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self.path.first()? {
            FieldSegment::Name(name) => Some(name),
            FieldSegment::Index(_) => None,
        }
    }

    /// What is wrong, where it is said elsewhere with what.
    #[must_use]
    pub fn into_problem(self) -> DescriptionProblem {
        self.problem
    }

    /// What is wrong with it.
    #[must_use]
    pub fn problem(&self) -> &DescriptionProblem {
        &self.problem
    }
}

impl From<&str> for FieldSegment {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

/// The way to a field, and a colon.
struct Place<'p>(&'p [FieldSegment]);

impl Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut dot = "";
        for segment in self.0 {
            match segment {
                FieldSegment::Name(name) => write!(f, "{dot}{}", escaped(name))?,
                FieldSegment::Index(index) => write!(f, "[{index}]")?,
            }
            dot = ".";
        }
        f.write_str(if self.0.is_empty() { "" } else { ": " })
    }
}

impl From<ApplicationError> for DescriptionError {
    fn from(error: ApplicationError) -> Self {
        let field = match error {
            ApplicationError::AddressesNotStated => "addresses",
            ApplicationError::PathsNotStated | ApplicationError::Path(_) => "paths",
            ApplicationError::Method(_) => "methods",
            ApplicationError::Timeout => "timeout_ms",
            ApplicationError::TooManyKeys(_)
            | ApplicationError::TooManyKeptKeys(_)
            | ApplicationError::KeyTwice(_)
            | ApplicationError::KeyOfTwoSchemes(_)
            | ApplicationError::KeyNeverValid(_)
            | ApplicationError::KeyTooSmall { .. } => "keys",
            ApplicationError::KeyDirectory => "key_directory",
            ApplicationError::MinRsaBits(_) => "insecure_min_rsa_bits",
            ApplicationError::ActAsName { .. } | ApplicationError::RuleName { .. } => "act_as",
            ApplicationError::NoScheme | ApplicationError::NoKey(_) => "schemes",
        };
        Self::new([FieldSegment::from(field)], DescriptionProblem::Application(error))
    }
}

/// What `serde` finds wrong.
impl de::Error for DescriptionError {
    fn custom<T: Display>(problem: T) -> Self {
        Self::new([], DescriptionProblem::Text(problem.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        let plain = PLAIN.iter().find(|(words, _)| *words == expected).map(|(_, plain)| (*plain).to_owned());
        let (expected, found) = (plain.unwrap_or(expected), described(found));
        Self::new([], DescriptionProblem::Unexpected { expected, found })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        let cure = INSTEAD.iter().find(|(other, _)| *other == field).map_or_else(
            || format!("known are {}", known.join(", ")),
            |(_, instead)| format!("write {instead}"),
        );
        Self::new([FieldSegment::from(field)], DescriptionProblem::UnknownField { cure })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::missing(field, "the name that its requests carry") // only the id must be there for `serde`
    }
}

/// What people write in the place of a field that there is.
const INSTEAD: [(&str, &str); 5] = [
    ("ip_addresses", "`addresses`"),
    ("url_paths", "`paths`"),
    ("public_key", "`keys = [{ spki = \"…\" }]`"),
    ("signature_key", "`keys = [{ jwk = \"…\" }]`"),
    ("key", "`spki` (base64 or PEM) or `jwk`"),
];

pub(super) const MILLISECONDS: &str = "a positive number of milliseconds";

/// What `serde` calls it, and what belongs there; one field of ours is of either kind of number.
const PLAIN: [(&str, &str); 4] = [
    ("a boolean", "true or false"),
    ("a sequence", "a list"),
    ("i64", MILLISECONDS),
    ("usize", "a number of bits"),
];

const A_STRING: &str = "a string";
const THE_STRING: &str = "the string ";

/// The value itself where it is short, else of what kind it is.
fn described(found: Unexpected<'_>) -> String {
    const LONGEST: usize = 64;
    match found {
        Unexpected::Bool(truth) => truth.to_string(),
        Unexpected::Unsigned(number) => number.to_string(),
        Unexpected::Signed(number) => number.to_string(),
        Unexpected::Float(number) => number.to_string(),
        Unexpected::Str(text) if text.len() <= LONGEST => format!("{THE_STRING}{text:?}"),
        Unexpected::Str(_) => A_STRING.to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        _ => "nothing".to_owned(),
    }
}
