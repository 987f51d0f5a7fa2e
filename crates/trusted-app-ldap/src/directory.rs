//! The user directory.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ldap3::ldap_escape;
use trusted_app_core::permission::GroupNames;
use trusted_app_core::store::{FoldedDirectory, FoldedName, NameLookup};
use trusted_app_core::{KnownUser, TrustedApplication, UserDirectory, UserLookup};

use crate::connection::Connection;
use crate::entry::Entry;
use crate::error::LdapDirectoryError;
use crate::group::GroupSearch;
use crate::pool::Pool;

/// Users of an LDAP server. See the [crate](crate) for an example. Clones share the connections.
#[derive(Clone)]
pub struct LdapDirectory {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) pool: Pool,
    pub(crate) search: UserSearch,
    pub(crate) timeout: Duration,
}

/// How users are found.
#[derive(Debug, Clone)]
pub(crate) struct UserSearch {
    pub(crate) base: String,
    pub(crate) filter: String,
    pub(crate) name_attribute: String,
    pub(crate) enabled_filter: Option<String>,
    pub(crate) disabled_filter: Option<String>,
    pub(crate) groups: Option<GroupSearch>,
    pub(crate) administrator_groups: GroupNames,
    pub(crate) attributes: Vec<String>,
}

/// A user's entry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LdapUser {
    /// The distinguished name.
    pub dn: String,
    /// The values of the attributes that were [asked for](crate::LdapDirectoryBuilder::attributes), each by the name that was
    /// stated; those that are no UTF-8 are left out.
    pub attributes: BTreeMap<String, Vec<String>>,
}

impl LdapDirectory {
    pub(crate) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// The user whose name the server finds and the name covers.
    async fn find(&self, name: &FoldedName<'_>) -> Result<UserLookup<LdapUser>, LdapDirectoryError> {
        if name.key().is_empty() {
            return Ok(UserLookup::Unknown);
        }
        self.ask(WhoIs(name)).await
    }

    async fn ask<Q: Question>(&self, question: Q) -> Result<Q::Answer, LdapDirectoryError> {
        let timeout = self.inner.timeout;
        let answer = self.inner.ask(question);
        tokio::time::timeout(timeout, answer).await.unwrap_or(Err(LdapDirectoryError::TimedOut(timeout)))
    }
}

/// What is asked on one connection.
trait Question: Send + Sync {
    type Answer: Send;

    fn ask(
        &self,
        search: &UserSearch,
        connection: &mut Connection,
    ) -> impl Future<Output = Result<Self::Answer, LdapDirectoryError>> + Send;
}

/// Who the user of this name is.
struct WhoIs<'a>(&'a FoldedName<'a>);

impl Question for WhoIs<'_> {
    type Answer = UserLookup<LdapUser>;

    async fn ask(
        &self,
        search: &UserSearch,
        connection: &mut Connection,
    ) -> Result<Self::Answer, LdapDirectoryError> {
        search.find(connection, self.0).await
    }
}

/// Whether there is a user of this name.
struct IsUser<'a>(&'a str);

impl Question for IsUser<'_> {
    type Answer = NameLookup;

    async fn ask(
        &self,
        search: &UserSearch,
        connection: &mut Connection,
    ) -> Result<Self::Answer, LdapDirectoryError> {
        let attribute = &search.name_attribute;
        let filter = search.name_filter(self.0);
        let found = connection.search(&search.base, &filter, std::slice::from_ref(attribute)).await?;
        Ok(NameLookup::among(self.0, found.iter().flat_map(|entry| entry.values(attribute))))
    }
}

/// Whether there is a group of this name.
struct IsGroup<'a>(&'a str, &'a GroupSearch);

impl Question for IsGroup<'_> {
    type Answer = NameLookup;

    async fn ask(
        &self,
        _: &UserSearch,
        connection: &mut Connection,
    ) -> Result<Self::Answer, LdapDirectoryError> {
        self.1.look_up(connection, self.0).await
    }
}

impl Inner {
    /// On a connection that was kept and, should that fail or be silent for half the time, on a fresh one.
    async fn ask<Q: Question>(&self, question: Q) -> Result<Q::Answer, LdapDirectoryError> {
        let place = self.pool.place().await;
        if let Some(mut connection) = place.kept() {
            let answer = question.ask(&self.search, &mut connection);
            match tokio::time::timeout(self.timeout / 2, answer).await {
                Ok(Ok(answer)) => {
                    place.keep(connection);
                    return Ok(answer);
                }
                Ok(Err(_)) => {}
                Err(_) => place.distrust_kept(),
            }
        }
        let mut connection = place.open().await?;
        let answer = question.ask(&self.search, &mut connection).await?;
        place.keep(connection);
        Ok(answer)
    }
}

impl UserSearch {
    async fn find(
        &self,
        connection: &mut Connection,
        name: &FoldedName<'_>,
    ) -> Result<UserLookup<LdapUser>, LdapDirectoryError> {
        let filter = self.name_filter(name.key());
        let mut meant = connection.search(&self.base, &filter, &self.asked_attributes()).await?;
        meant.retain(|entry| entry.values(&self.name_attribute).iter().any(|found| name.covers(found)));

        let mut meant = meant.into_iter();
        match (meant.next(), meant.next()) {
            (None, _) => Ok(UserLookup::Unknown),
            (Some(entry), None) => match entry.only_value(&self.name_attribute).map(str::to_owned) {
                Some(name) => self.known(connection, entry, &name).await,
                None => Ok(self.ambiguous(&[&entry])),
            },
            (Some(one), Some(other)) => Ok(self.ambiguous(&[&one, &other])),
        }
    }

    async fn known(
        &self,
        connection: &mut Connection,
        entry: Entry,
        name: &str,
    ) -> Result<UserLookup<LdapUser>, LdapDirectoryError> {
        for (filter, may_log_in) in [(&self.enabled_filter, true), (&self.disabled_filter, false)] {
            if let Some(filter) = filter
                && connection.read(&entry.dn, filter, &["1.1".to_owned()]).await?.is_some() != may_log_in
            {
                return Ok(UserLookup::Denied);
            }
        }
        let groups = match &self.groups {
            Some(search) => search.of(connection, &entry, name).await?,
            None => Default::default(),
        };
        let administrator = groups.iter().any(|group| self.administrator_groups.contains_caseless(group));
        let attributes =
            self.attributes.iter().map(|name| (name.clone(), entry.values(name).to_vec())).collect();
        let user = KnownUser::new(name, LdapUser { dn: entry.dn, attributes }).with_groups(groups);
        Ok(UserLookup::Found(if administrator { user.as_administrator() } else { user }))
    }

    fn ambiguous(&self, entries: &[&Entry]) -> UserLookup<LdapUser> {
        let dns: Vec<_> = entries.iter().map(|entry| &entry.dn).collect();
        tracing::warn!(
            target: "trusted_app",
            entries = ?dns,
            attribute = self.name_attribute,
            "the LDAP server has several entries for one user name, or several names for one entry"
        );
        UserLookup::Ambiguous
    }

    /// The users whom the server finds under this name.
    fn name_filter(&self, name: &str) -> String {
        format!("(&{}({}={}))", self.filter, self.name_attribute, ldap_escape(name))
    }

    fn asked_attributes(&self) -> Vec<String> {
        let of_groups = self.groups.iter().flat_map(GroupSearch::user_attributes);
        let stated = self.attributes.iter().map(String::as_str);
        [&*self.name_attribute].into_iter().chain(of_groups).chain(stated).map(str::to_owned).collect()
    }
}

impl UserDirectory for LdapDirectory {
    type User = LdapUser;
    type Error = LdapDirectoryError;

    async fn user(
        &self,
        _: &TrustedApplication,
        name: &str,
    ) -> Result<UserLookup<LdapUser>, LdapDirectoryError> {
        self.find(&FoldedName::exact(name)).await
    }

    async fn knows_user(&self, name: &str) -> Result<NameLookup, LdapDirectoryError> {
        if name.is_empty() {
            return Ok(NameLookup::Unknown);
        }
        self.ask(IsUser(name)).await
    }

    /// The entry of that name where groups are searched, also one without members. A search by
    /// [`member_of`](GroupSearch::member_of) has no such place, and without any search users are in no group.
    async fn knows_group(&self, name: &str) -> Result<NameLookup, LdapDirectoryError> {
        match &self.inner.search.groups {
            Some(groups) if !name.is_empty() => self.ask(IsGroup(name, groups)).await,
            _ => Ok(NameLookup::Unknown),
        }
    }

    fn administrator_groups(&self) -> &[Arc<str>] {
        self.inner.search.administrator_groups.as_slice()
    }
}

/// The server is asked for the key, so it must compare as loosely as the fold does: attributes such as `uid`, `cn`, `mail`
/// and `sAMAccountName` ignore letter case.
impl FoldedDirectory for LdapDirectory {
    async fn folded_user(
        &self,
        _: &TrustedApplication,
        name: &FoldedName<'_>,
    ) -> Result<UserLookup<LdapUser>, LdapDirectoryError> {
        self.find(name).await
    }
}

impl fmt::Debug for LdapDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LdapDirectory")
            .field("search", &self.inner.search)
            .field("timeout", &self.inner.timeout)
            .finish_non_exhaustive()
    }
}
