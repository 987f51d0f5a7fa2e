//! Whom one application may act as.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::Method;

use super::members::Members;
use super::rule::PermissionRule;
use crate::user::KnownUser;

/// Whom an application may act as: by default everybody but administrators.
///
/// Who is allowed is compared byte for byte with the directory's spelling, and who is denied [without regard to
/// letter case](super::caseless_eq): a slip of either kind then rejects too many and never too few. **What is denied wins**
/// over what is allowed, whatever the order in which it was stated; a name or a group that nobody has
/// changes nothing. There are no patterns: an application whose lists have `*`, `any` or a name that
/// [no directory can answer](crate::text::check_name) is not built.
///
/// ```
/// use http::Method;
/// use trusted_app_core::KnownUser;
/// use trusted_app_core::permission::{ActAsPolicy, PermissionRule};
///
/// let policy = ActAsPolicy::nobody().allow_groups(["staff"]).deny_users(["mallory"]).read_only();
/// let user = |name: &str| KnownUser::new(name, ()).with_groups(["staff"]);
///
/// assert_eq!(policy.check(&user("alice"), &Method::GET), Ok(()));
/// assert_eq!(policy.check(&user("alice"), &Method::POST), Err(PermissionRule::ReadOnly));
/// assert_eq!(policy.check(&user("Mallory"), &Method::GET), Err(PermissionRule::DeniedUser));
///
/// // An administrator is rejected although nobody wrote it down.
/// let root = user("root").as_administrator();
/// assert_eq!(policy.check(&root, &Method::GET), Err(PermissionRule::Administrator));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActAsPolicy {
    /// `None` for everybody.
    allowed: Option<Members>,
    denied: Members,
    administrators: bool,
    read_only: bool,
}

/// One of the lists of an [`ActAsPolicy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuleList {
    /// Users who are allowed.
    Users,
    /// Groups whose users are allowed.
    Groups,
    /// Users who are denied.
    DenyUsers,
    /// Groups whose users are denied.
    DenyGroups,
}

impl RuleList {
    /// The name that the file of applications has for it, such as `deny_users`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
            Self::DenyUsers => "deny_users",
            Self::DenyGroups => "deny_groups",
        }
    }

    /// What to write in the place of a name that means everybody.
    pub(crate) const fn instead_of_everybody(self) -> &'static str {
        match self {
            Self::Users | Self::Groups => "for everybody leave the list out",
            Self::DenyUsers | Self::DenyGroups => {
                "to deny everybody write `users = []`, or remove the application"
            }
        }
    }
}

impl ActAsPolicy {
    /// Everybody but administrators: the default of every application.
    #[must_use]
    pub const fn anybody() -> Self {
        Self::new(None)
    }

    /// Nobody, but whom [`allow_users`](Self::allow_users) and [`allow_groups`](Self::allow_groups) add.
    #[must_use]
    pub const fn nobody() -> Self {
        Self::new(Some(Members { users: BTreeSet::new(), groups: BTreeSet::new() }))
    }

    const fn new(allowed: Option<Members>) -> Self {
        let denied = Members { users: BTreeSet::new(), groups: BTreeSet::new() };
        Self { allowed, denied, administrators: false, read_only: false }
    }

    /// Allows these users, and of the others only whom another list allows: where everybody was allowed, only these
    /// are now. An empty list allows nobody.
    #[must_use]
    pub fn allow_users<N: Into<Arc<str>>>(mut self, users: impl IntoIterator<Item = N>) -> Self {
        self.allowed.get_or_insert_default().users.extend(users.into_iter().map(Into::into));
        self
    }

    /// Allows everybody in one of these groups, and of the others only whom another list allows: where everybody was
    /// allowed, only these are now. An empty list allows nobody.
    #[must_use]
    pub fn allow_groups<N: Into<Arc<str>>>(mut self, groups: impl IntoIterator<Item = N>) -> Self {
        self.allowed.get_or_insert_default().groups.extend(groups.into_iter().map(Into::into));
        self
    }

    /// Rejects these users, in whatever letter case.
    #[must_use]
    pub fn deny_users<N: Into<Arc<str>>>(mut self, users: impl IntoIterator<Item = N>) -> Self {
        self.denied.users.extend(users.into_iter().map(Into::into));
        self
    }

    /// Rejects everybody in one of these groups, in whatever letter case.
    #[must_use]
    pub fn deny_groups<N: Into<Arc<str>>>(mut self, groups: impl IntoIterator<Item = N>) -> Self {
        self.denied.groups.extend(groups.into_iter().map(Into::into));
        self
    }

    /// Allows only the safe methods of RFC 9110, section 9.2.1: `GET`, `HEAD`, `OPTIONS` and `TRACE`.
    ///
    /// It says what a request asks for, not what a handler does with it. Every gRPC call is a `POST`, so a
    /// read-only application may make none.
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Lets the application act as an administrator too: whoever has its key, or captured one of its requests, is
    /// then one.
    #[must_use]
    pub const fn insecure_administrators(mut self) -> Self {
        self.administrators = true;
        self
    }

    /// Who is allowed by name or group; `None` for everybody.
    #[must_use]
    pub const fn allowed(&self) -> Option<&Members> {
        self.allowed.as_ref()
    }

    /// Who is rejected by name or group.
    #[must_use]
    pub const fn denied(&self) -> &Members {
        &self.denied
    }

    /// Whether the application may act as an administrator.
    #[must_use]
    pub const fn allows_administrators(&self) -> bool {
        self.administrators
    }

    /// Whether only safe methods are allowed.
    #[must_use]
    pub const fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// All names of users and groups, each with the list that it is in.
    pub(crate) fn names(&self) -> impl Iterator<Item = (RuleList, &str)> {
        let allowed = self.allowed.iter().map(|members| (members, RuleList::Users, RuleList::Groups));
        let denied = (&self.denied, RuleList::DenyUsers, RuleList::DenyGroups);
        allowed.chain([denied]).flat_map(|(members, users, groups)| {
            let users = members.users.iter().map(move |name| (users, &**name));
            users.chain(members.groups.iter().map(move |name| (groups, &**name)))
        })
    }

    /// Checks one user and one method, in this order: denied by name, denied by group, administrator, not
    /// allowed, read-only.
    ///
    /// # Errors
    ///
    /// The rule that rejects.
    pub fn check<U>(&self, user: &KnownUser<U>, method: &Method) -> Result<(), PermissionRule> {
        if self.denied.denies_name_of(user) {
            return Err(PermissionRule::DeniedUser);
        }
        if let Some(group) = self.denied.denied_group_of(user) {
            return Err(PermissionRule::DeniedGroup(Arc::clone(group)));
        }
        if user.administrator && !self.administrators {
            return Err(PermissionRule::Administrator);
        }
        if self.allowed.as_ref().is_some_and(|allowed| !allowed.allows(user)) {
            return Err(PermissionRule::NotAllowed);
        }
        if self.read_only && !method.is_safe() {
            return Err(PermissionRule::ReadOnly);
        }
        Ok(())
    }
}

impl Default for ActAsPolicy {
    fn default() -> Self {
        Self::anybody()
    }
}
