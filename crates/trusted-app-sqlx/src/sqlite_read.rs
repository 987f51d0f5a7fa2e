//! Reading from a SQLite file, also from one that cannot be written, and what SQLite's codes mean.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sqlx_core::Error;
use sqlx_core::connection::{ConnectOptions, Connection};
use sqlx_core::error::DatabaseError;
use sqlx_core::pool::Pool;
use sqlx_sqlite::{Sqlite, SqliteConnectOptions};

use crate::cause::Cause;
use crate::dialect::sealed::Statements;
use crate::purpose::Purpose;
use crate::row::{Row, Value};

pub(crate) const HAS_SCHEMA: &str = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'trusted_app_schema'";

/// Reads over a connection of the pool. SQLite does not read a file with a write-ahead log in a directory where it
/// cannot make that log; such a file is then read as one that does not change.
pub(crate) async fn read(pool: &Pool<Sqlite>, sql: String, values: Vec<Value>) -> Result<Vec<Row>, Error> {
    let mut connection = pool.acquire().await?;
    let refused = match Sqlite::fetch(&mut connection, sql.clone(), values.clone()).await {
        Err(Error::Database(refused)) => refused,
        answer => return answer,
    };
    drop(connection);
    let options = pool.connect_options();
    let is_in_the_way = refused.code().is_some_and(|code| cause(&code) != Cause::Other);
    match State::of(options.get_filename()) {
        Ok(state) if is_in_the_way && state.is_whole => read_unchanging(&options, &state, sql, values).await,
        _ => Err(Error::Database(refused)),
    }
}

/// For this one query, so that the next one sees what has changed since.
async fn read_unchanging(
    options: &SqliteConnectOptions,
    before: &State,
    sql: String,
    values: Vec<Value>,
) -> Result<Vec<Row>, Error> {
    let mut connection = options.clone().read_only(true).immutable(true).connect().await?;
    let rows = Sqlite::fetch(&mut connection, sql, values).await;
    connection.close().await?;
    // SQLite did not look whether anything changed meanwhile.
    if State::of(options.get_filename())? != *before {
        return Err(Error::Io(io::Error::other("the file was changed while it was read; try again")));
    }
    rows
}

/// What tells whether a file has changed.
#[derive(Debug, PartialEq, Eq)]
struct State {
    changed: SystemTime,
    length: u64,
    /// Whether all that was committed is in the file itself, and nothing that was not.
    is_whole: bool,
}

impl State {
    fn of(file: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(file)?;
        let is_empty = |suffix: &str| {
            let mut beside = file.as_os_str().to_owned();
            beside.push(suffix);
            match fs::metadata(PathBuf::from(beside)) {
                Ok(metadata) => Ok(metadata.len() == 0),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
                Err(error) => Err(error),
            }
        };
        let is_whole = is_empty("-wal")? && is_empty("-journal")?;
        Ok(Self { changed: metadata.modified()?, length: metadata.len(), is_whole })
    }
}

pub(crate) fn is_busy(error: &dyn DatabaseError) -> bool {
    error.code().is_some_and(|code| primary(&code) == Some(5))
}

pub(crate) fn file(options: &SqliteConnectOptions) -> Option<PathBuf> {
    Some(options.get_filename().to_owned())
}

/// Without what an extended code adds: <https://www.sqlite.org/rescode.html>.
fn primary(code: &str) -> Option<u8> {
    code.parse::<u32>().ok().and_then(|code| u8::try_from(code & 0xff).ok())
}

pub(crate) fn cause(code: &str) -> Cause {
    match primary(code) {
        Some(8) => Cause::ReadOnly,
        Some(14) => Cause::CannotOpen,
        _ => Cause::Other,
    }
}

pub(crate) fn code_name(code: &str) -> String {
    // Those that people meet; of others the number follows the name of what they belong to.
    let extended = match code {
        "261" => "SQLITE_BUSY_RECOVERY",
        "264" => "SQLITE_READONLY_RECOVERY",
        "517" => "SQLITE_BUSY_SNAPSHOT",
        "520" => "SQLITE_READONLY_CANTLOCK",
        "526" => "SQLITE_CANTOPEN_ISDIR",
        "773" => "SQLITE_BUSY_TIMEOUT",
        "776" => "SQLITE_READONLY_ROLLBACK",
        "1032" => "SQLITE_READONLY_DBMOVED",
        "1288" => "SQLITE_READONLY_CANTINIT",
        "1544" => "SQLITE_READONLY_DIRECTORY",
        "1811" => "SQLITE_CONSTRAINT_TRIGGER",
        _ => "",
    };
    if !extended.is_empty() {
        return extended.to_owned();
    }
    const PRIMARY: [&str; 27] = [
        "OK",
        "ERROR",
        "INTERNAL",
        "PERM",
        "ABORT",
        "BUSY",
        "LOCKED",
        "NOMEM",
        "READONLY",
        "INTERRUPT",
        "IOERR",
        "CORRUPT",
        "NOTFOUND",
        "FULL",
        "CANTOPEN",
        "PROTOCOL",
        "EMPTY",
        "SCHEMA",
        "TOOBIG",
        "CONSTRAINT",
        "MISMATCH",
        "MISUSE",
        "NOLFS",
        "AUTH",
        "FORMAT",
        "RANGE",
        "NOTADB",
    ];
    let name = primary(code).and_then(|primary| PRIMARY.get(usize::from(primary)).copied());
    let Some(name) = name else { return format!("SQLite's code {code}") };
    match primary(code).is_some_and(|primary| primary.to_string() == code) {
        true => format!("SQLITE_{name}"),
        false => format!("SQLITE_{name} {code}"),
    }
}

pub(crate) fn advice(cause: Cause, purpose: Purpose) -> Option<&'static str> {
    Some(match (cause, purpose) {
        (Cause::Rights | Cause::Other, _) | (Cause::CannotOpen, Purpose::Connect) => return None,
        (_, purpose) if purpose.writes() => {
            "mount it writable, and let this account write both the file and its directory"
        }
        (Cause::ReadOnly | Cause::CannotOpen, _) => {
            "if its -wal holds changes, SQLite can only read them with a -shm beside it: let this account write the \
             directory, or let one that may write it run `PRAGMA wal_checkpoint(TRUNCATE)`"
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_names() {
        for (code, name, expected) in [
            ("8", "SQLITE_READONLY", Cause::ReadOnly),
            ("1544", "SQLITE_READONLY_DIRECTORY", Cause::ReadOnly),
            ("2056", "SQLITE_READONLY 2056", Cause::ReadOnly),
            ("14", "SQLITE_CANTOPEN", Cause::CannotOpen),
            ("526", "SQLITE_CANTOPEN_ISDIR", Cause::CannotOpen),
            ("5", "SQLITE_BUSY", Cause::Other),
            ("26", "SQLITE_NOTADB", Cause::Other),
            ("266", "SQLITE_IOERR 266", Cause::Other),
            ("1", "SQLITE_ERROR", Cause::Other),
            ("100", "SQLite's code 100", Cause::Other),
            ("", "SQLite's code ", Cause::Other),
        ] {
            assert_eq!((code_name(code).as_str(), cause(code)), (name, expected), "{code}");
        }
    }
}
