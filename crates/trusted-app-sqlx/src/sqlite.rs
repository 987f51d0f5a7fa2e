//! SQLite: for one machine.

use std::path::Path;
use std::time::Duration;

use sqlx_core::pool::PoolOptions;
use sqlx_sqlite::{Sqlite, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use tower_trusted_app::registry::RegistryError;

use crate::registry::{SqlRegistry, unavailable};

/// A registry in a SQLite file, which several processes of one machine may share.
pub type SqliteRegistry = SqlRegistry<Sqlite>;

impl SqlRegistry<Sqlite> {
    /// Opens a file, and makes it if there is none, with [`sqlite_options`].
    ///
    /// # Errors
    ///
    /// [`RegistryError::Unavailable`] when it cannot be opened or is no database, or its schema is
    /// newer than this program.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, RegistryError> {
        let options = PoolOptions::new().max_connections(4).acquire_timeout(Duration::from_secs(10));
        Self::new(options.connect_with(sqlite_options(path)).await.map_err(unavailable)?).await
    }
}

/// How a registry's file should be opened: with a write-ahead log, so that readers and the writer do
/// not wait for each other; each commit on the disk before it is reported; a writer waits up to 5
/// seconds for another.
pub fn sqlite_options(path: impl AsRef<Path>) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
}
