//! Trusted applications in SQLite (one machine) and PostgreSQL (several nodes).
//!
//! [`SqliteRegistry`] and [`PostgresRegistry`] are registries: applications with versions, who
//! changed what, and a log of changes that only grows. No two applications have a key in common,
//! which the database itself sees to. A database holds public keys only: our own private key stays in
//! a file ([`LocalApplication`](tower_trusted_app::LocalApplication)).
//!
#![cfg_attr(feature = "sqlite", doc = "```")]
#![cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
//! use trusted_app_sqlx::SqliteRegistry;
//! use tower_trusted_app::TrustedApplication;
//! use tower_trusted_app::conditions::PathRule;
//! use tower_trusted_app::registry::{ApplicationRegistry, RegistryError};
//! # use tower_trusted_app::PublicKey;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let wiki_key = PublicKey::from_base64(include_str!("../../trusted-app-core/tests/data/public-key-2048.txt"))?;
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("trust.db");
//! let registry = SqliteRegistry::open(path).await?;
//!
//! let wiki = |id: &str| {
//!     TrustedApplication::builder(id.parse()?, wiki_key.clone())
//!         .addresses("10.1.*.*".parse()?)
//!         .paths(PathRule::prefixes(["/rest"]))
//!         .build()
//!         .map_err(Box::<dyn std::error::Error>::from)
//! };
//! registry.add(wiki("confluence:4711")?, "alice").await?;
//!
//! // The key belongs to one application: whoever held it under two ids could pick the laxer rules.
//! let refused = registry.add(wiki("confluence:4712")?, "alice").await.unwrap_err();
//! assert!(matches!(refused, RegistryError::Conflict(_)));
//! # Ok(())
//! # }
//! ```
//!
//! Between requests and a database stands a
//! [`CachedRegistry`](tower_trusted_app::keys::CachedRegistry), told of changes by
//! `PostgresRegistry::listen` or `SqliteRegistry::watch`. [`SqlAudit`] keeps a record of every
//! decision, which [`SqlRegistry::decisions`] reads.
//!
//! [`SqlDirectory`] finds users in any table of yours, by a query of yours.
//!
//! # TLS
//!
//! Connections to PostgreSQL are encrypted with the cargo feature `tls` only, and even then `sslmode=prefer`, which
//! `sqlx` takes where none is stated, goes on in plain text and without a word when the server, or somebody in between,
//! offers no TLS. Beyond one machine say `sslmode=verify-full` in the URL, as in
//! `postgres://tracker@db.example.com/tracker?sslmode=verify-full`, or `PgSslMode::VerifyFull`; with `sslrootcert=FILE`
//! where the server's certificate is by an authority of your own. Without the feature it then refuses to connect.
//!
//! The tables' names begin with `trusted_app_`, so they may stand in a database of yours.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod addresses;
mod audit;
mod decision;
mod dialect;
mod directory;
mod migrate;
#[cfg(feature = "postgres")]
mod postgres;
mod record;
mod registry;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use audit::{SqlAudit, SqlAuditBuilder};
pub use decision::{DecisionFilter, RecordedDecision};
pub use dialect::Dialect;
pub use directory::{SqlDirectory, SqlDirectoryError, SqlUser};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresChanges, PostgresRegistry};
pub use registry::SqlRegistry;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteChanges, SqliteRegistry, sqlite_options};
pub use sqlx_core::pool::{Pool, PoolOptions};
#[cfg(feature = "postgres")]
pub use sqlx_postgres::{PgConnectOptions, PgSslMode, Postgres};
#[cfg(feature = "sqlite")]
pub use sqlx_sqlite::{Sqlite, SqliteConnectOptions};
