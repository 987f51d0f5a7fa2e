//! Which groups a user is in.

use std::collections::BTreeSet;

use ldap3::ldap_escape;

use crate::connection::Connection;
use crate::entry::Entry;
use crate::error::LdapDirectoryError;
use crate::primary_group;

/// How the groups of a user are found.
///
/// A group's name is the value of its `cn`, unless [`name_attribute`](Self::name_attribute) states another, as the server
/// spells it. Whoever may write groups where they are searched decides who is in which: state a base that only
/// administrators write to.
///
/// A group that the user is listed in, but that cannot be read or has no name, is an error: no rule about it could hold.
/// What our account may not see at all looks like no group, which
/// [`require_membership`](Self::require_membership) takes for an error where everybody is in one.
#[derive(Debug, Clone)]
pub struct GroupSearch {
    pub(crate) source: Source,
    pub(crate) name_attribute: String,
    nested: bool,
    membership_required: bool,
    /// The base below which primary groups are.
    primary: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// Groups list their members.
    Members { base: String, attribute: String, by: MemberName },
    /// Users, and groups, list the groups that they are in.
    MemberOf { attribute: String },
}

/// How a group names a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberName {
    Dn,
    UserName,
}

/// More than anybody is in; a loop of groups ends anyway.
const MAX_GROUPS: usize = 1000;

impl GroupSearch {
    /// Groups below `base` that list the user's distinguished name in `attribute`, such as `member` (`groupOfNames`)
    /// or `uniqueMember`.
    pub fn of_members(base: impl Into<String>, attribute: impl Into<String>) -> Self {
        Self::from(Source::Members { base: base.into(), attribute: attribute.into(), by: MemberName::Dn })
    }

    /// Groups below `base` that list the user's *name* in `attribute`, such as `memberUid` (`posixGroup`). They are
    /// never nested.
    pub fn of_member_names(base: impl Into<String>, attribute: impl Into<String>) -> Self {
        Self::from(Source::Members {
            base: base.into(),
            attribute: attribute.into(),
            by: MemberName::UserName,
        })
    }

    /// The groups that the user's entry lists in `attribute`, such as `memberOf`.
    pub fn member_of(attribute: impl Into<String>) -> Self {
        Self::from(Source::MemberOf { attribute: attribute.into() })
    }

    fn from(source: Source) -> Self {
        Self {
            source,
            name_attribute: "cn".to_owned(),
            nested: false,
            membership_required: false,
            primary: None,
        }
    }

    /// The attribute that names a group; `cn` unless stated.
    #[must_use]
    pub fn name_attribute(mut self, attribute: impl Into<String>) -> Self {
        self.name_attribute = attribute.into();
        self
    }

    /// Groups in groups count too. A loop among them does no harm.
    #[must_use]
    pub fn nested(mut self) -> Self {
        self.nested = true;
        self
    }

    /// Whoever is in no group is an error ([`NoGroup`](LdapDirectoryError::NoGroup)), for directories where everybody is
    /// in one. Groups that our account may not see, and an attribute of the user's that it may not read, cannot be told
    /// from none otherwise: **a user would be in no group, and a rule that denies one would not hold.** A primary group
    /// does not count.
    #[must_use]
    pub fn require_membership(mut self) -> Self {
        self.membership_required = true;
        self
    }

    /// The user's primary group in Active Directory, which is in neither `member` nor `memberOf`, counts too; it is
    /// searched for below `base` by its `objectSid`, which is the user's with the `primaryGroupID` at the end. Whoever
    /// has none that can be read is an error ([`NoPrimaryGroup`](LdapDirectoryError::NoPrimaryGroup)).
    #[must_use]
    pub fn primary_group(mut self, base: impl Into<String>) -> Self {
        self.primary = Some(base.into());
        self
    }

    /// The attributes that a user's entry must be asked for.
    pub(crate) fn user_attributes(&self) -> impl Iterator<Item = &str> {
        let of_primary = self.primary.iter().flat_map(|_| primary_group::ATTRIBUTES);
        self.list_attribute().into_iter().chain(of_primary)
    }

    /// The attribute in which users, and groups, list what they are in.
    fn list_attribute(&self) -> Option<&str> {
        match &self.source {
            Source::MemberOf { attribute } => Some(attribute),
            Source::Members { .. } => None,
        }
    }

    pub(crate) fn attributes(&self) -> [&str; 2] {
        let (Source::Members { attribute, .. } | Source::MemberOf { attribute }) = &self.source;
        [attribute, &self.name_attribute]
    }

    /// The names of the user's groups.
    pub(crate) async fn of(
        &self,
        connection: &mut Connection,
        user: &Entry,
        user_name: &str,
    ) -> Result<BTreeSet<String>, LdapDirectoryError> {
        let mut names = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut wave = self.first_wave(connection, user, user_name).await?;
        if self.membership_required && wave.is_empty() {
            return Err(LdapDirectoryError::NoGroup(user.dn.clone()));
        }
        if let Some(base) = &self.primary {
            wave.push(self.primary_of(connection, user, base).await?);
        }
        while !wave.is_empty() {
            wave.retain(|group| seen.insert(group.dn.clone()));
            if seen.len() > MAX_GROUPS {
                return Err(LdapDirectoryError::TooManyGroups(MAX_GROUPS));
            }
            for group in &wave {
                let named = group.all_values(&self.name_attribute)?;
                if named.is_empty() {
                    return Err(LdapDirectoryError::UnreadableGroup(group.dn.clone()));
                }
                names.extend(named.iter().cloned());
            }
            wave = if self.nested { self.next_wave(connection, &wave).await? } else { Vec::new() };
        }
        Ok(names)
    }

    async fn first_wave(
        &self,
        connection: &mut Connection,
        user: &Entry,
        user_name: &str,
    ) -> Result<Vec<Entry>, LdapDirectoryError> {
        match &self.source {
            Source::Members { base, attribute, by } => {
                let member = if *by == MemberName::Dn { &*user.dn } else { user_name };
                let filter = format!("({attribute}={})", ldap_escape(member));
                connection.search_everything(base, &filter, std::slice::from_ref(&self.name_attribute)).await
            }
            Source::MemberOf { attribute } => self.read_all(connection, user.all_values(attribute)?).await,
        }
    }

    /// The groups that these groups are in.
    async fn next_wave(
        &self,
        connection: &mut Connection,
        wave: &[Entry],
    ) -> Result<Vec<Entry>, LdapDirectoryError> {
        match &self.source {
            Source::Members { by: MemberName::UserName, .. } => Ok(Vec::new()),
            Source::Members { base, attribute, .. } if !wave.is_empty() => {
                let any: String =
                    wave.iter().map(|group| format!("({attribute}={})", ldap_escape(&*group.dn))).collect();
                connection
                    .search_everything(base, &format!("(|{any})"), std::slice::from_ref(&self.name_attribute))
                    .await
            }
            Source::Members { .. } => Ok(Vec::new()),
            Source::MemberOf { attribute } => {
                let mut groups = Vec::new();
                for group in wave {
                    groups.extend_from_slice(group.all_values(attribute)?);
                }
                self.read_all(connection, &groups).await
            }
        }
    }

    async fn primary_of(
        &self,
        connection: &mut Connection,
        user: &Entry,
        base: &str,
    ) -> Result<Entry, LdapDirectoryError> {
        let none = || LdapDirectoryError::NoPrimaryGroup(user.dn.clone());
        let filter = primary_group::filter(user).ok_or_else(none)?;
        let asked = self.list_attribute().into_iter().chain([&*self.name_attribute]);
        let asked: Vec<_> = asked.map(str::to_owned).collect();
        let mut found = connection.search(base, &filter, &asked).await?;
        let group = found.pop().filter(|_| found.is_empty());
        group.ok_or_else(none)
    }

    async fn read_all(
        &self,
        connection: &mut Connection,
        groups: &[String],
    ) -> Result<Vec<Entry>, LdapDirectoryError> {
        let attributes = self.attributes().map(str::to_owned);
        let groups: BTreeSet<_> = groups.iter().collect();
        if groups.len() > MAX_GROUPS {
            return Err(LdapDirectoryError::TooManyGroups(MAX_GROUPS));
        }
        let mut entries = Vec::new();
        for dn in groups {
            let group = connection.read(dn, "(objectClass=*)", &attributes).await?;
            entries.push(group.ok_or_else(|| LdapDirectoryError::UnreadableGroup(dn.clone()))?);
        }
        Ok(entries)
    }
}
