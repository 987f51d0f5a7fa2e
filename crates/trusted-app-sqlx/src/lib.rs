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
//! let rejected = registry.add(wiki("confluence:4712")?, "alice").await.unwrap_err();
//! assert!(matches!(rejected, RegistryError::Conflict(_)));
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
//! # Accounts that may only read
//!
//! A server that only asks who is trusted needs to write nothing once the schema is there. The schema's version is read
//! first, and nothing is created or changed if it is the right one. On PostgreSQL a serving account needs
//!
//! ```sql
//! GRANT SELECT ON trusted_app_schema, trusted_app_application, trusted_app_key,
//!     trusted_app_generation, trusted_app_change TO tracker;
//! GRANT INSERT ON trusted_app_decision TO tracker;                       -- for `SqlAudit`
//! GRANT SELECT ON trusted_app_decision TO tracker;                       -- to read it again
//! ```
//!
//! and one that changes applications, besides,
//!
//! ```sql
//! GRANT INSERT, UPDATE, DELETE ON trusted_app_application, trusted_app_key TO administration;
//! GRANT UPDATE ON trusted_app_generation TO administration;
//! GRANT INSERT ON trusted_app_change TO administration;
//! ```
//!
//! `CREATE` on the database's schema takes the account that creates or upgrades the tables, which then owns them; start
//! any program of that account once, such as `trusted-app apps list`. A hot standby and an account with
//! `default_transaction_read_only` can be read from as well. A standby announces no changes, so that a cache notices them
//! by polling.
//!
//! A SQLite file that cannot be written can be read, and so can one in a directory or on a mount that cannot be written.
//! While another program holds changes in the file's `-wal`, its `-shm` must be there too.
//!
//! What is to be changed over such an account, connection or file is
//! [`RegistryError::NotWritten`](tower_trusted_app::registry::RegistryError::NotWritten), and says what to do.
//!
//! # TLS
//!
//! Connections to PostgreSQL are encrypted with the cargo feature `tls` only, and even then `sslmode=prefer`, which
//! `sqlx` takes where none is stated, goes on in plain text and without a word when the server, or somebody in between,
//! offers no TLS. Beyond one machine say `sslmode=verify-full` in the URL, as in
//! `postgres://tracker@db.example.com/tracker?sslmode=verify-full`, or `PgSslMode::VerifyFull`; with `sslrootcert=FILE`
//! where the server's certificate is by an authority of your own. Without the feature it then rejects to connect.
//!
//! The tables' names begin with `trusted_app_`, so they may stand in a database of yours.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod addresses;
mod audit;
mod cause;
mod databases;
mod decision;
mod dialect;
mod directory;
mod error;
mod migrate;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod postgres_read;
mod purpose;
mod record;
mod registry;
mod row;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod sqlite_read;

pub use audit::{SqlAudit, SqlAuditBuilder};
pub use decision::{DecisionFilter, RecordedDecision};
pub use dialect::Dialect;
pub use directory::{SqlDirectory, SqlDirectoryError, SqlUser};
pub use error::{SchemaError, SqlError};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresChanges, PostgresRegistry};
pub use purpose::Purpose;
pub use registry::SqlRegistry;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteChanges, SqliteRegistry, sqlite_options};
pub use sqlx_core::pool::{Pool, PoolOptions};
#[cfg(feature = "postgres")]
pub use sqlx_postgres::{PgConnectOptions, PgSslMode, Postgres};
#[cfg(feature = "sqlite")]
pub use sqlx_sqlite::{Sqlite, SqliteConnectOptions};
