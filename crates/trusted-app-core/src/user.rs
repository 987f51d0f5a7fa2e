//! Who a request is made for, as the user directory knows them.

use std::sync::Arc;

/// A user as the directory knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KnownUser<U> {
    /// The *canonical* name: the directory's own spelling, which policies, handlers and the audit
    /// see, whatever the certificate said.
    pub name: Arc<str>,
    /// The directory's own record.
    pub user: U,
    /// The groups that the user is in, nested ones included, as the directory spells them. None unless the
    /// directory says so.
    pub groups: Arc<[Arc<str>]>,
    /// Whether the user is an administrator of the host application. An application may not act as one
    /// unless its [policy](crate::permission::ActAsPolicy) says so, so a directory that can tell, must.
    pub administrator: bool,
}

impl<U> KnownUser<U> {
    /// A user under their canonical name: in no group, no administrator.
    pub fn new(name: impl Into<Arc<str>>, user: U) -> Self {
        Self { name: name.into(), user, groups: Arc::default(), administrator: false }
    }

    /// The same user in these groups.
    #[must_use]
    pub fn with_groups<N: Into<Arc<str>>>(mut self, groups: impl IntoIterator<Item = N>) -> Self {
        self.groups = groups.into_iter().map(Into::into).collect();
        self
    }

    /// The same user as an administrator.
    #[must_use]
    pub fn as_administrator(mut self) -> Self {
        self.administrator = true;
        self
    }
}
