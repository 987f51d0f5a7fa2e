//! What can go wrong.

use std::time::Duration;

use trusted_app_core::BoxError;

/// Why an [`LdapDirectory`](crate::LdapDirectory) cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The URL is none, has no host, or is neither `ldap` nor `ldaps`.
    #[error("`{0}` is no URL of an LDAP server, such as ldap://ldap.example.com or ldaps://ldap.example.com")]
    Url(String),
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
    /// No connection, or no time.
    #[error("the pool needs at least one connection, and a look-up some time")]
    Zero,
}

/// Why the directory could not tell. Never the password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LdapDirectoryError {
    /// No connection: nobody listens, TLS fails, the certificate is not good.
    #[error("cannot connect to the LDAP server: {0}")]
    Connect(BoxError),
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
    /// The user's [primary group](crate::GroupSearch::primary_group) is not to be had.
    #[error("the primary group of `{0}` cannot be found")]
    NoPrimaryGroup(String),
    /// The server answered a search for groups with a reference to another one, which is not followed: a part of the
    /// groups is missing.
    #[error("the groups under `{0}` are in part on another server: take a base that one server holds")]
    Referred(String),
    /// More groups than anybody is in.
    #[error("the user is in more than {0} groups")]
    TooManyGroups(usize),
}
