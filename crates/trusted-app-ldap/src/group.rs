//! Which groups a user is in.

use std::collections::BTreeSet;

use ldap3::ldap_escape;
use trusted_app_core::store::NameLookup;

use crate::connection::Connection;
use crate::entry::Entry;
use crate::error::LdapDirectoryError;
use crate::primary_group::{Kind, PrimaryGroup};

/// How the groups of a user are found.
///
/// A group's name is the value of its `cn`, unless [`name_attribute`](Self::name_attribute) states another, as the server
/// spells it. Whoever may write groups where they are searched decides who is in which: state a base that only
/// administrators write to.
///
/// A group that the user is listed in, but that cannot be read or has no name, is an error: no rule about it could hold.
/// What our account may not see at all looks like no group, which
/// [`require_membership`](Self::require_membership) takes for an error where everybody is in one.
///
/// # Primary groups
///
/// A search follows one attribute. Directories express some memberships by another one: the *primary group* of a user is
/// named by a number in the user's own entry, and usually listed nowhere. A rule that denies such a group, or a group of
/// administrators, must hold for it as for any other, so say what holds:
/// [`posix_primary_group`](Self::posix_primary_group), [`primary_group`](Self::primary_group) (Active Directory), or
/// [`without_primary_group`](Self::without_primary_group). Until you do:
///
/// | search | memberships in another attribute | without a word from you |
/// |---|---|---|
/// | [`of_member_names`](Self::of_member_names) | the user's `gidNumber` | `build` fails, for every user of such a directory has one |
/// | [`of_members`](Self::of_members), [`member_of`](Self::member_of) | Active Directory: the user's `primaryGroupID`, which is in neither `member` nor `memberOf` | a look-up of a user who has it fails: 503 |
/// | the same | RFC 2307bis, FreeIPA: the user's `gidNumber` | a look-up of a user who has it fails: 503 |
/// | [`nested`](Self::nested) | none: groups have no primary group. The groups that a primary group is in count like those of any other | – |
/// | each | a second list, such as `uniqueMember` beside `member` | **not counted**: take the attribute that all groups use |
/// | each | groups by a query (`memberURL`), roles (`nsRole`) | **not counted**, unless the server lists them in `memberOf` |
///
/// A primary group that is asked for and is not to be had is an error
/// ([`NoPrimaryGroup`](LdapDirectoryError::NoPrimaryGroup)) and never no group: of a user who has no number that can be
/// read, of a number that no group has, and of one that several groups have.
///
/// ```
/// use trusted_app_ldap::{ConfigError, GroupSearch, LdapDirectory};
///
/// let groups = "ou=groups,dc=example,dc=com";
/// let users = || LdapDirectory::builder("ldap://127.0.0.1", "ou=people,dc=example,dc=com").insecure_plaintext();
/// let listed = GroupSearch::of_member_names(groups, "memberUid");
///
/// assert!(users().groups(listed.clone().posix_primary_group(groups)).build().is_ok());
/// assert!(matches!(users().groups(listed).build(), Err(ConfigError::PrimaryGroupNotStated)));
/// ```
#[derive(Debug, Clone)]
pub struct GroupSearch {
    pub(crate) source: Source,
    pub(crate) name_attribute: String,
    nested: bool,
    membership_required: bool,
    /// The primary groups that count; `None` if the operator did not say.
    primary: Option<Vec<PrimaryGroup>>,
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
    /// never nested. Users whose [primary group](Self#primary-groups) it is are usually not listed: say whether primary groups
    /// count.
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

    /// The attribute that names a group; `cn` by default.
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
    /// from none otherwise: **a user would be in no group, and a rule that denies one would not hold.** A
    /// [primary group](Self#primary-groups) does not count, POSIX or Active Directory's: it is found by another attribute, and
    /// says nothing about whether the lists can be read. So do not require it where some users are in their primary group
    /// alone.
    #[must_use]
    pub fn require_membership(mut self) -> Self {
        self.membership_required = true;
        self
    }

    /// The user's primary group in Active Directory, which is in neither `member` nor `memberOf`, counts too; it is
    /// searched for below `base` by its `objectSid`, which is the user's with the `primaryGroupID` at the end. A user
    /// without one that can be read is an error ([`NoPrimaryGroup`](LdapDirectoryError::NoPrimaryGroup)). See
    /// [primary groups](Self#primary-groups).
    #[must_use]
    pub fn primary_group(self, base: impl Into<String>) -> Self {
        self.counting(Kind::ActiveDirectory, base.into())
    }

    /// The user's primary group in a POSIX directory counts too: the `posixGroup` below `base` whose `gidNumber` is the
    /// user's (RFC 2307, section 2.2). A user without one that can be read, also one who is no `posixAccount`, is an
    /// error ([`NoPrimaryGroup`](LdapDirectoryError::NoPrimaryGroup)). See [primary groups](Self#primary-groups).
    #[must_use]
    pub fn posix_primary_group(self, base: impl Into<String>) -> Self {
        self.counting(Kind::Posix, base.into())
    }

    /// [Primary groups](Self#primary-groups) do not count: a user is in the groups that list them, and in no other. For
    /// directories where the number of a primary group means nothing to your rules, and for those where every primary group
    /// lists its members too. **A rule about a group does not hold for a user whose primary group it is.** Takes back what was
    /// said of primary groups before.
    #[must_use]
    pub fn without_primary_group(mut self) -> Self {
        self.primary = Some(Vec::new());
        self
    }

    fn counting(mut self, kind: Kind, base: String) -> Self {
        self.primary.get_or_insert_default().push(PrimaryGroup { kind, base });
        self
    }

    /// Whether it is stated what of primary groups counts, where that can be known without a user.
    pub(crate) fn is_complete(&self) -> bool {
        match (&self.source, self.primary.as_deref()) {
            (Source::Members { by: MemberName::UserName, .. }, None) => false,
            (Source::Members { by: MemberName::UserName, .. }, Some(counted)) => {
                counted.is_empty() || counted.iter().any(|group| group.kind == Kind::Posix)
            }
            _ => true,
        }
    }

    /// The attributes that a user's entry must be asked for.
    pub(crate) fn user_attributes(&self) -> impl Iterator<Item = &str> {
        let kinds = match &self.primary {
            None => Kind::ALL.to_vec(),
            Some(counted) => counted.iter().map(|group| group.kind).collect(),
        };
        let of_primary = kinds.into_iter().flat_map(|kind| kind.attributes().iter().copied());
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
        if self.primary.is_none() {
            Kind::ALL.into_iter().try_for_each(|kind| kind.refuse_unstated(user))?;
        }
        let mut names = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut wave = self.first_wave(connection, user, user_name).await?;
        if self.membership_required && wave.is_empty() {
            return Err(LdapDirectoryError::NoGroup(user.dn.clone()));
        }
        let asked = self.list_attribute().into_iter().chain([&*self.name_attribute]);
        let asked: Vec<_> = asked.map(str::to_owned).collect();
        for primary in self.primary.iter().flatten() {
            wave.push(primary.of(connection, user, &asked).await?);
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

    /// Whether there is a group of this name where groups are searched. Where users list their groups there is no such
    /// place but that of primary groups.
    pub(crate) async fn look_up(
        &self,
        connection: &mut Connection,
        name: &str,
    ) -> Result<NameLookup, LdapDirectoryError> {
        let (base, elsewhere) = match &self.source {
            Source::Members { base, .. } => (Some(base), NameLookup::Unknown),
            Source::MemberOf { .. } => (None, NameLookup::CannotTell),
        };
        let of_primary = self.primary.iter().flatten().map(|primary| &primary.base);
        let filter = format!("({}={})", self.name_attribute, ldap_escape(name));
        let mut names = Vec::new();
        for base in base.into_iter().chain(of_primary).collect::<BTreeSet<_>>() {
            for group in connection.search(base, &filter, std::slice::from_ref(&self.name_attribute)).await? {
                names.extend_from_slice(group.values(&self.name_attribute));
            }
        }
        Ok(match NameLookup::among(name, names) {
            NameLookup::Unknown => elsewhere,
            known => known,
        })
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
