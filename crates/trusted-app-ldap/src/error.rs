//! What can go wrong.

use std::time::Duration;

use trusted_app_core::BoxError;
use trusted_app_core::permission::GroupNameError;

use crate::certificate::CertificateProblem;

/// Why an [`LdapDirectory`](crate::LdapDirectory) cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The URL is none, has no host, or is neither `ldap` nor `ldaps`.
    #[error("`{0}` is no URL of an LDAP server, such as ldap://ldap.example.com or ldaps://ldap.example.com")]
    Url(String),
    /// The URL has an account in it.
    #[error("the URL of the LDAP server {0} has an account before its host: state it by `bind`")]
    Account(String),
    /// An empty password, with which a server lets in anybody as nobody (RFC 4513, section 5.1.2).
    #[error("the bind password is empty, and the server would take that for an anonymous bind")]
    EmptyPassword,
    /// An attribute's name that could be something else in a filter.
    #[error("`{0}` is no name of an attribute")]
    Attribute(String),
    /// A filter without its parentheses.
    #[error("`{0}` is no filter: write it in parentheses, such as (objectClass=person)")]
    Filter(String),
    /// The roots are no certificates in PEM.
    #[error("the roots are no certificates in PEM: {0}")]
    Roots(BoxError),
    /// The system has no root certificates that could be read.
    #[error("the system's root certificates cannot be read; state the roots")]
    SystemRoots,
    /// The TLS library does not take its own defaults.
    #[error("TLS cannot be set up: {0}")]
    Tls(BoxError),
    /// Groups of administrators, and no way to find out who is in a group: nobody would be one.
    #[error("say how a user's groups are found, or nobody is in a group of administrators")]
    NoGroupSearch,
    /// A group of administrators that no directory can have.
    #[error("groups of administrators: {0}")]
    AdministratorGroup(#[from] GroupNameError),
    /// Groups that list the names of their members, and no word on [primary groups](crate::GroupSearch#primary-groups).
    #[error(
        "groups that list names (`memberUid`) do not list the users whose primary group they are (`gidNumber`): state \
         `GroupSearch::posix_primary_group` to count primary groups, or `GroupSearch::without_primary_group` if no rule is \
         about one"
    )]
    PrimaryGroupNotStated,
    /// No connection, or no time.
    #[error("the pool needs at least one connection, and a look-up some time")]
    Zero,
}

/// Why the directory could not tell. Never the password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LdapDirectoryError {
    /// No connection: no server listens, or TLS fails.
    #[error("cannot connect to the LDAP server: {0}")]
    Connect(BoxError),
    /// The server's certificate is not good for it.
    #[error("cannot connect to the LDAP server: its certificate is not accepted: {0}")]
    Certificate(CertificateProblem),
    /// The server does not accept our account.
    #[error("cannot bind to the LDAP server: {0}")]
    Bind(BoxError),
    /// A search failed.
    #[error("the LDAP search in `{base}` failed: {source}")]
    Search {
        /// Where was searched.
        base: String,
        /// Why it failed.
        source: BoxError,
    },
    /// An entry that is not as the protocol wants it.
    #[error("the LDAP server sent an entry that cannot be read")]
    MalformedEntry,
    /// It took too long, waiting for a connection included.
    #[error("the LDAP server did not answer within {0:?}")]
    TimedOut(Duration),
    /// A group that the user is in, whose name is not to be had: whether it is denied cannot be told.
    #[error("the LDAP group `{0}` or its name cannot be read")]
    UnreadableGroup(String),
    /// Some values of an attribute that lists groups are missing. Active Directory sends long lists in ranges
    /// (`memberOf;range=0-1499`), which are not followed: search by [members](crate::GroupSearch::of_members) instead.
    #[error("the LDAP server sent `{attribute}` of `{dn}` in part only, or with values that are no text")]
    PartialList {
        /// Whose it is.
        dn: String,
        /// Which one.
        attribute: String,
    },
    /// The user is in no group that can be read, and [must be in one](crate::GroupSearch::require_membership).
    #[error("`{0}` is in no LDAP group that can be read")]
    NoGroup(String),
    /// The user's [primary group](crate::GroupSearch#primary-groups) is not to be had.
    #[error("the primary group of `{user}` cannot be found: {problem}")]
    NoPrimaryGroup {
        /// The user's distinguished name.
        user: String,
        /// Why.
        problem: PrimaryGroupProblem,
    },
    /// The user has a [primary group](crate::GroupSearch#primary-groups), and the search for groups was not told whether main
    /// groups count.
    #[error(
        "`{user}` has a primary group (`{attribute}`), which the search for groups does not find: state \
         `GroupSearch::{cure}` to count it, or `GroupSearch::without_primary_group` if no rule is about primary groups"
    )]
    PrimaryGroupNotStated {
        /// The user's distinguished name.
        user: String,
        /// The attribute that names the primary group.
        attribute: &'static str,
        /// The method that makes it count.
        cure: &'static str,
    },
    /// The server answered a search for groups with a reference to another one, which is not followed: a part of the
    /// groups is missing.
    #[error("the groups under `{0}` are in part on another server: take a base that one server holds")]
    Referred(String),
    /// More groups than anybody is in.
    #[error("the user is in more than {0} groups")]
    TooManyGroups(usize),
}

/// Why a user's primary group is not to be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrimaryGroupProblem {
    /// The user's entry does not say which it is, or our account may not read it.
    #[error("the entry has no single `{0}` that can be read")]
    NotNamed(&'static str),
    /// No group is the one that the entry names.
    #[error("`{attribute}` is {value}, and no group below `{base}` that can be read is that one")]
    NoGroup {
        /// The user's attribute.
        attribute: &'static str,
        /// Its value.
        value: String,
        /// Where was searched.
        base: String,
    },
    /// More than one group is.
    #[error("`{attribute}` is {value}, and several groups are that one: `{}`", groups.join("`, `"))]
    SeveralGroups {
        /// The user's attribute.
        attribute: &'static str,
        /// Its value.
        value: String,
        /// The groups' distinguished names.
        groups: Vec<String>,
    },
}
