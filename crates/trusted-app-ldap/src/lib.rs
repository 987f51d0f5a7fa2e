//! Users from an LDAP directory (OpenLDAP, 389 Directory Server, Active Directory, …) for
//! [`tower-trusted-app`](https://docs.rs/tower-trusted-app).
//!
//! ```no_run
//! use trusted_app_ldap::{GroupSearch, LdapDirectory};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let users = LdapDirectory::builder("ldap://ldap.example.com", "ou=people,dc=example,dc=com")
//!     .bind("cn=reader,dc=example,dc=com", std::fs::read_to_string("/run/secrets/ldap")?.trim())
//!     .user_filter("(objectClass=inetOrgPerson)")
//!     .enabled_filter("(&(employeeType=*)(!(employeeType=disabled)))")
//!     .groups(GroupSearch::of_members("ou=groups,dc=example,dc=com", "member").nested())
//!     .administrator_groups(["administrators"])
//!     .build()?;
//! // Every look-up costs a few round trips: put `tower_trusted_app::users::CachedDirectory` before it.
//! # Ok(())
//! # }
//! ```
//!
//! Connections are encrypted, by StartTLS (`ldap://`) or from the first byte (`ldaps://`), and the server's certificate
//! must be good for the host in the URL under the system's roots, or under those that you state. Connections are
//! pooled, and a server that was restarted is connected to again. Whatever goes wrong with the server is an error, which
//! the layer answers with 503.
//!
//! # Names
//!
//! LDAP servers compare names loosely: by most schemas `alice`, `ALICE` and `alice` with a blank behind it are one. This directory
//! asks by a filter, and then takes only entries whose own name is the one that was asked for, byte for byte; under a
//! [`NameFold`](trusted_app_core::store::NameFold) those that fold to it. Two such entries are
//! [`Ambiguous`](trusted_app_core::UserLookup::Ambiguous), and so is an entry with several names: a rule that denies one of them
//! would be slipped by another. What stands in a name cannot become part of a filter (RFC 4515).

#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
mod builder;
mod certificate;
mod connection;
mod directory;
mod entry;
mod error;
mod group;
mod password;
mod pool;
mod primary_group;
mod tls;

pub use builder::LdapDirectoryBuilder;
pub use certificate::CertificateProblem;
pub use directory::{LdapDirectory, LdapUser};
pub use error::{ConfigError, LdapDirectoryError, PrimaryGroupProblem};
pub use group::GroupSearch;
