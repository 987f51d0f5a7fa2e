//! A rule as it is written: a list, or the word for everything.

use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{DescriptionError, DescriptionProblem, FieldSegment};
use crate::conditions::{AddressPattern, AddressRule, MethodRule, PathRule, parse_method};

/// What a rule allows, as it is written: the word `any`, by itself or alone in a list; or a list, of which an empty one
/// allows nothing.
///
/// ```
/// use trusted_app_core::application::RuleDescription;
/// use trusted_app_core::conditions::AddressRule;
///
/// let written: RuleDescription = ["10.1.*.*", "local"].into_iter().collect();
/// assert_eq!(AddressRule::try_from(&written)?.patterns().map(<[_]>::len), Some(2));
///
/// let written: RuleDescription = ["any"].into_iter().collect();
/// assert_eq!(written, RuleDescription::Any);
/// assert!(AddressRule::try_from(&written)?.is_any());
///
/// let written: RuleDescription = ["any", "local"].into_iter().collect();
/// let error = AddressRule::try_from(&written).unwrap_err();
/// assert_eq!(error.to_string(), "[0]: write \"any\" alone, not beside others");
/// # Ok::<_, trusted_app_core::application::DescriptionError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleDescription {
    /// Everything.
    Any,
    /// Only what is listed.
    Only(Vec<String>),
}

const ANY: &str = "any";

impl RuleDescription {
    pub(super) fn of<T: ToString>(items: Option<&[T]>) -> Self {
        items.map_or(Self::Any, |items| Self::Only(items.iter().map(ToString::to_string).collect()))
    }

    /// What each entry is read as; `None` for any.
    fn read<T, P: Into<DescriptionProblem>>(
        &self,
        read: impl Fn(&str) -> Result<T, P>,
    ) -> Result<Option<Vec<T>>, DescriptionError> {
        let Self::Only(entries) = self else { return Ok(None) };
        let read = |(at, entry): (usize, &String)| {
            let read = match entry == ANY {
                true => Err(DescriptionProblem::AnyNotAlone),
                false => read(entry).map_err(Into::into),
            };
            read.map_err(|problem| DescriptionError::new([FieldSegment::Index(at)], problem))
        };
        entries.iter().enumerate().map(read).collect::<Result<_, _>>().map(Some)
    }
}

impl<S: Into<String>> FromIterator<S> for RuleDescription {
    fn from_iter<I: IntoIterator<Item = S>>(entries: I) -> Self {
        let entries: Vec<String> = entries.into_iter().map(Into::into).collect();
        if entries == [ANY] { Self::Any } else { Self::Only(entries) }
    }
}

impl TryFrom<&RuleDescription> for AddressRule {
    type Error = DescriptionError;

    fn try_from(written: &RuleDescription) -> Result<Self, DescriptionError> {
        let lines = written.read(|entry| Self::parse_lines([entry]))?;
        let patterns = |rule: &Self| rule.patterns().unwrap_or_default().to_vec();
        Ok(lines.map_or(Self::any(), |lines| {
            Self::only(lines.iter().flat_map(patterns).collect::<Vec<AddressPattern>>())
        }))
    }
}

impl TryFrom<&RuleDescription> for PathRule {
    type Error = DescriptionError;

    /// Blank entries are passed over: one would cover every path.
    fn try_from(written: &RuleDescription) -> Result<Self, DescriptionError> {
        let patterns = written.read(|entry| match entry.trim() {
            "" => Ok(None),
            pattern => pattern.parse().map(Some),
        })?;
        Ok(patterns.map_or(Self::any(), |patterns| Self::only(patterns.into_iter().flatten())))
    }
}

impl TryFrom<&RuleDescription> for MethodRule {
    type Error = DescriptionError;

    fn try_from(written: &RuleDescription) -> Result<Self, DescriptionError> {
        Ok(written.read(parse_method)?.map_or(Self::any(), Self::only))
    }
}

impl Serialize for RuleDescription {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Any => ANY.serialize(serializer),
            Self::Only(entries) => entries.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for RuleDescription {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Rule)
    }
}

struct Rule;

impl<'de> Visitor<'de> for Rule {
    type Value = RuleDescription;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list, or the string \"any\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RuleDescription, E> {
        match text == ANY {
            true => Ok(RuleDescription::Any),
            false => Err(E::invalid_type(Unexpected::Str(text), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, entries: A) -> Result<RuleDescription, A::Error> {
        let entries = Vec::<String>::deserialize(SeqAccessDeserializer::new(entries))?;
        Ok(entries.into_iter().collect())
    }
}
