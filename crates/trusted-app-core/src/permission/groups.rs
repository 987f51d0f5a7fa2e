//! Lists of groups that an operator writes outside an application's policy.

use std::sync::Arc;

use super::caseless::caseless_eq;
use crate::text::{NameError, check_name, distinguished_name_warning, escaped};

/// Groups by name, such as those whose members are administrators: each can be the name of a group.
///
/// ```
/// use trusted_app_core::permission::GroupNames;
///
/// let administrators = GroupNames::new(["admins"])?;
/// assert!(administrators.contains_caseless("Admins") && !administrators.contains("Admins"));
///
/// // No group has a blank at its end, so no one would be an administrator.
/// let rejected = GroupNames::new(["admins "]).unwrap_err();
/// assert!(rejected.to_string().ends_with("write `admins`"));
/// # Ok::<_, trusted_app_core::permission::GroupNameError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupNames(Vec<Arc<str>>);

impl GroupNames {
    /// A list of these names.
    ///
    /// # Errors
    ///
    /// When one of them [can be no group's name](check_name), or looks like a pattern for all groups (`*`, `any`).
    pub fn new<N: Into<Arc<str>>>(names: impl IntoIterator<Item = N>) -> Result<Self, GroupNameError> {
        let names: Vec<Arc<str>> = names.into_iter().map(Into::into).collect();
        for name in &names {
            if matches!(&**name, "*" | "any") {
                return Err(GroupNameError::Pattern(name.to_string()));
            }
            check_name(name).map_err(|error| GroupNameError::Name { name: name.to_string(), error })?;
        }
        Ok(Self(names))
    }

    /// What is allowed but hardly meant: a distinguished name where a name belongs.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.0.iter().filter_map(|name| distinguished_name_warning(name)).collect()
    }

    /// Whether the list has this name, byte for byte: for rules that allow.
    #[must_use]
    pub fn contains(&self, group: &str) -> bool {
        self.0.iter().any(|one| **one == *group)
    }

    /// Whether the list has this name, [but for letter case](caseless_eq): for rules that reject.
    #[must_use]
    pub fn contains_caseless(&self, group: &str) -> bool {
        self.0.iter().any(|one| caseless_eq(one, group))
    }

    /// The names as they were written.
    #[must_use]
    pub fn as_slice(&self) -> &[Arc<str>] {
        &self.0
    }
}

/// Why a text is no group's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupNameError {
    /// A text that looks like all groups.
    #[error("`{0}` in a list of groups is no group's name: list the groups by name")]
    Pattern(String),
    /// A name that no directory can answer.
    #[error("the name `{}` matches no group: {error}", escaped(name))]
    Name {
        /// The name as it was written.
        name: String,
        /// What is wrong with it, and the right spelling.
        error: NameError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_group_has_is_refused_with_the_right_spelling() {
        for (name, said) in [
            (
                "admins ",
                "the name `admins ` matches no group: it begins or ends with a blank: write `admins`",
            ),
            ("admins\u{200b}", "write `admins`"),
            ("adm\u{ad}ins", "write `admins`"),
            ("admins\n", "write `admins`"),
            ("mu\u{308}ller", "write `müller` with composed letters"),
            ("", "it is blank"),
            (" ", "it is blank"),
            ("*", "list the groups by name"),
            ("any", "list the groups by name"),
        ] {
            let refused = GroupNames::new(["staff", name]).unwrap_err().to_string();
            assert!(refused.contains(said), "{name:?}: {refused}");
            assert!(!refused.contains(['\n', '\u{200b}', '\u{ad}']), "{refused:?}");
        }
        for name in ["admins", "Domain Admins", "müller", "管理者", "a,b", "cn=admins,dc=example"] {
            assert_eq!(GroupNames::new([name]).unwrap().as_slice(), [name.into()]);
        }
    }

    #[test]
    fn a_distinguished_name_is_warned_of() {
        let names = GroupNames::new(["admins", "cn=admins,ou=groups,dc=example"]).unwrap();
        let warnings = names.warnings();
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].ends_with("such as `admins`"), "{warnings:?}");
    }

    #[test]
    fn composed_and_decomposed_letters_are_the_same_where_a_rule_refuses() {
        let names = GroupNames::new(["Müller", "straße"]).unwrap();
        for (group, exact, caseless) in [
            ("Müller", true, true),
            ("mu\u{308}ller", false, true),
            ("MU\u{308}LLER", false, true),
            ("STRASSE", false, true),
            ("Muller", false, false),
        ] {
            assert_eq!((names.contains(group), names.contains_caseless(group)), (exact, caseless), "{group}");
        }
    }
}
