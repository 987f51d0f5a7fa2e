//! SQLite: for one machine.

use std::path::Path;
use std::time::{Duration, Instant};

use sqlx_core::Error;
use sqlx_core::connection::{ConnectOptions, Connection};
use sqlx_core::pool::PoolOptions;
use sqlx_sqlite::{Sqlite, SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use tower_trusted_app::BoxError;
use tower_trusted_app::keys::ChangeSource;
use tower_trusted_app::registry::RegistryError;

use crate::dialect::sealed::Statements;
use crate::error::SqlError;
use crate::purpose::Purpose;
use crate::registry::SqlRegistry;
use crate::sqlite_read;

/// A registry in a SQLite file, which several processes of one machine may share.
pub type SqliteRegistry = SqlRegistry<Sqlite>;

impl SqlRegistry<Sqlite> {
    /// Opens a file, and makes it if there is none, with [`sqlite_options`]. A file that cannot be written is opened
    /// for reading; a change is then [`RegistryError::NotWritten`].
    ///
    /// # Errors
    ///
    /// As of [`new`](SqlRegistry::new), and [`RegistryError::Unavailable`] when it cannot be opened or is no database.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, RegistryError> {
        let path = path.as_ref();
        let refused = |error| SqlError::at::<Sqlite>(Purpose::Connect, Some(path.to_owned()), &error);
        let options = sqlite_options(path);
        if !std::fs::metadata(path).is_ok_and(|file| file.len() > 0) {
            make(&options).await.map_err(refused)?;
        }
        let pool = PoolOptions::new().max_connections(4).acquire_timeout(Duration::from_secs(10));
        Self::new(pool.connect_with(options).await.map_err(refused)?).await
    }

    /// Tells a cache of changes by any connection of any process: looks at the file's
    /// `data_version`, which reads no table, every `interval`. Where SQLite cannot tell, as of a file with a write-ahead
    /// log in a directory that cannot be written, the cache says so once and polls.
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
            let version = self.data_version().await.map_err(|error| {
                let file = Some(self.options.get_filename().to_owned());
                SqlError::at::<Sqlite>(Purpose::Listen, file, &error)
            })?;
            if version != self.seen {
                self.seen = version;
                return Ok(());
            }
            tokio::time::sleep(self.interval).await;
        }
    }
}

/// How a registry's file should be opened: each commit on the disk before it is reported; a writer waits up to 5
/// seconds for another. The file keeps the journal that it has; one that [`SqliteRegistry::open`](SqlRegistry::open) made
/// has a write-ahead log, so that readers and the writer do not wait for each other. Opening writes nothing, so a file
/// that can only be read will do.
///
/// For a file that was made otherwise, turn the log on once: `sqlite3 trust.db 'PRAGMA journal_mode = WAL'`.
pub fn sqlite_options(path: impl AsRef<Path>) -> SqliteConnectOptions {
    // `synchronous` is FULL by default; to state it SQLite would have to read the file, and change nothing.
    SqliteConnectOptions::new().filename(path).create_if_missing(true).foreign_keys(true).busy_timeout(WAIT)
}

/// How long a writer waits for another.
const WAIT: Duration = Duration::from_secs(5);

/// Makes a file with a write-ahead log. SQLite does not wait for the lock that this takes.
async fn make(options: &SqliteConnectOptions) -> Result<(), Error> {
    let options = options.clone().journal_mode(SqliteJournalMode::Wal);
    let begun = Instant::now();
    loop {
        match options.connect().await {
            Ok(connection) => return connection.close().await,
            Err(Error::Database(error)) if sqlite_read::is_busy(&*error) && begun.elapsed() < WAIT => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(error) => return Err(error),
        }
    }
}
