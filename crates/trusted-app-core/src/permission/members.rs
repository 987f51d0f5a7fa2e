//! Users by name and by group.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::caseless::caseless_eq;
use crate::user::KnownUser;

/// Users by name, and users by a group that they are in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Members {
    /// Canonical names.
    pub users: BTreeSet<Arc<str>>,
    /// Groups, as the directory spells them.
    pub groups: BTreeSet<Arc<str>>,
}

impl Members {
    /// Whether it names nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty()
    }

    pub(super) fn allows<U>(&self, user: &KnownUser<U>) -> bool {
        self.users.contains(&user.name) || user.groups.iter().any(|group| self.groups.contains(group))
    }

    pub(super) fn denies_name_of<U>(&self, user: &KnownUser<U>) -> bool {
        self.users.iter().any(|denied| caseless_eq(denied, &user.name))
    }

    pub(super) fn denied_group_of<'a, U>(&self, user: &'a KnownUser<U>) -> Option<&'a Arc<str>> {
        user.groups.iter().find(|group| self.groups.iter().any(|denied| caseless_eq(denied, group)))
    }
}
