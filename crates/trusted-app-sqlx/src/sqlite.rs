//! SQLite: for one machine.

use std::path::Path;
use std::time::Duration;

use sqlx_core::Error;
use sqlx_core::connection::{ConnectOptions, Connection};
use sqlx_core::pool::PoolOptions;
use sqlx_sqlite::{Sqlite, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use tower_trusted_app::BoxError;
use tower_trusted_app::keys::ChangeSource;
use tower_trusted_app::registry::RegistryError;

use crate::dialect::sealed::Statements;
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

    /// Tells a cache of changes by any connection of any process: looks at the file's
    /// `data_version`, which reads no table, every `interval`.
    #[must_use]
    pub fn watch(&self, interval: Duration) -> SqliteChanges {
        let options = (*self.pool().connect_options()).clone();
        SqliteChanges { options, interval, connection: None, seen: 0 }
    }
}

/// The changes of a registry's file.
#[derive(Debug)]
pub struct SqliteChanges {
    options: SqliteConnectOptions,
    interval: Duration,
    connection: Option<SqliteConnection>,
    seen: i64,
}

impl SqliteChanges {
    /// The number that another connection's commit changes.
    async fn data_version(&mut self) -> Result<i64, Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        let rows = Sqlite::fetch(&mut connection, "PRAGMA data_version".to_owned(), Vec::new()).await;
        match rows {
            Ok(rows) => {
                self.connection = Some(connection);
                Ok(rows.first().map_or(0, |row| row.number(0)))
            }
            Err(error) => {
                connection.close_hard().await?;
                Err(error)
            }
        }
    }
}

impl ChangeSource for SqliteChanges {
    async fn changed(&mut self) -> Result<(), BoxError> {
        loop {
            let version = self.data_version().await?;
            if version != self.seen {
                self.seen = version;
                return Ok(());
            }
            tokio::time::sleep(self.interval).await;
        }
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
