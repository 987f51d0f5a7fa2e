//! The little that the two databases do differently, behind one trait.

use std::future::Future;
use std::path::PathBuf;

use sqlx_core::Error;
use sqlx_core::connection::Connection;
use sqlx_core::database::Database;
use sqlx_core::pool::Pool;

use crate::error::{Cause, Purpose};

/// A database that this crate speaks: SQLite or PostgreSQL. No other crate can implement it.
pub trait Dialect: Database + sealed::Statements {}

pub(crate) mod sealed {
    use super::{Cause, Connection, Database, Error, Future, PathBuf, Pool, Purpose, Row, Value};

    pub trait Statements: Database {
        /// Begins a transaction that writes, so that it waits for others at its beginning.
        const BEGIN_WRITE: &'static str;
        /// Answers with 1 or 0: whether the table with the schema's version is there.
        const HAS_SCHEMA: &'static str;
        /// Whoever migrates holds this until the transaction ends.
        const LOCK_SCHEMA: Option<&'static str>;
        /// The schema's versions, oldest first.
        const MIGRATIONS: &'static [&'static str];
        /// Appended to a `SELECT` of a row that is about to be changed.
        const FOR_UPDATE: &'static str;

        /// Runs a statement with parameters `$1`, `$2` and answers with the number of its rows.
        fn execute(
            connection: &mut Self::Connection,
            sql: String,
            values: Vec<Value>,
        ) -> impl Future<Output = Result<u64, Error>> + Send;

        /// Runs a query with parameters `$1`, `$2`.
        fn fetch(
            connection: &mut Self::Connection,
            sql: String,
            values: Vec<Value>,
        ) -> impl Future<Output = Result<Vec<Row>, Error>> + Send;

        /// Runs a query over any connection, also where nothing can be written.
        fn read(
            pool: &Pool<Self>,
            sql: String,
            values: Vec<Value>,
        ) -> impl Future<Output = Result<Vec<Row>, Error>> + Send;

        /// The file that is opened, if it is one.
        fn file(options: &<Self::Connection as Connection>::Options) -> Option<PathBuf>;

        /// What kind of error this code is of.
        fn cause(code: &str) -> Cause;

        /// The name of a code, for people.
        fn code_name(code: &str) -> String;

        /// What to do about an error.
        fn advice(cause: Cause, purpose: Purpose) -> Option<&'static str>;

        /// Runs several statements without parameters.
        fn run_script(
            connection: &mut Self::Connection,
            sql: &'static str,
        ) -> impl Future<Output = Result<(), Error>> + Send;
    }
}

/// A parameter of a statement, or a cell of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, or none.
    Text(Option<String>),
    /// A number, or none.
    Number(Option<i64>),
    /// A cell that is neither, such as a text that is no UTF-8.
    Unreadable,
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(Some(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

/// A row's cells, in the order of the query.
#[derive(Debug)]
pub struct Row(Vec<Value>);

impl Row {
    /// The text of a cell; none for `NULL` and for what is no text.
    pub(crate) fn text(&mut self, column: usize) -> Option<String> {
        match self.0.get_mut(column) {
            Some(Value::Text(text)) => text.take(),
            _ => None,
        }
    }

    /// All cells, those that were taken as `NULL`.
    pub(crate) fn into_cells(self) -> impl Iterator<Item = Value> {
        self.0.into_iter()
    }

    /// The number of a cell; 0 for what is none.
    pub(crate) fn number(&self, column: usize) -> i64 {
        self.optional_number(column).unwrap_or_default()
    }

    /// The number of a cell; none for `NULL` and for what is no number.
    pub(crate) fn optional_number(&self, column: usize) -> Option<i64> {
        match self.0.get(column) {
            Some(Value::Number(number)) => *number,
            _ => None,
        }
    }

    /// The number of a cell that is never negative.
    pub(crate) fn count(&self, column: usize) -> u64 {
        u64::try_from(self.number(column)).unwrap_or_default()
    }
}

macro_rules! statements {
    ($database:ty, $own:ident, $begin:literal, $lock:expr, $for_update:literal, $migrations:expr) => {
        impl Dialect for $database {}

        impl sealed::Statements for $database {
            const BEGIN_WRITE: &'static str = $begin;
            const HAS_SCHEMA: &'static str = crate::$own::HAS_SCHEMA;
            const LOCK_SCHEMA: Option<&'static str> = $lock;
            const MIGRATIONS: &'static [&'static str] = $migrations;
            const FOR_UPDATE: &'static str = $for_update;

            async fn execute(
                connection: &mut Self::Connection,
                sql: String,
                values: Vec<Value>,
            ) -> Result<u64, Error> {
                use sqlx_core::executor::Executor;

                let result = connection.execute(statements!(@query $database, sql, values)).await?;
                Ok(result.rows_affected())
            }

            async fn fetch(
                connection: &mut Self::Connection,
                sql: String,
                values: Vec<Value>,
            ) -> Result<Vec<Row>, Error> {
                use sqlx_core::executor::Executor;
                use sqlx_core::row::Row as _;

                let rows = connection.fetch_all(statements!(@query $database, sql, values)).await?;
                let cell = |row: &<Self as Database>::Row, column| {
                    let small = |number: Option<i32>| Value::Number(number.map(i64::from));
                    let smaller = |number: Option<i16>| Value::Number(number.map(i64::from));
                    let truth = |truth: Option<bool>| Value::Number(truth.map(i64::from));
                    row.try_get(column)
                        .map(Value::Text)
                        .or_else(|_| row.try_get(column).map(Value::Number))
                        .or_else(|_| row.try_get(column).map(small))
                        .or_else(|_| row.try_get(column).map(smaller))
                        .or_else(|_| row.try_get(column).map(truth))
                        .unwrap_or(Value::Unreadable)
                };
                Ok(rows.iter().map(|row| Row((0..row.len()).map(|at| cell(row, at)).collect())).collect())
            }

            async fn read(pool: &Pool<Self>, sql: String, values: Vec<Value>) -> Result<Vec<Row>, Error> {
                crate::$own::read(pool, sql, values).await
            }

            fn file(options: &<Self::Connection as Connection>::Options) -> Option<PathBuf> {
                crate::$own::file(options)
            }

            fn cause(code: &str) -> Cause {
                crate::$own::cause(code)
            }

            fn code_name(code: &str) -> String {
                crate::$own::code_name(code)
            }

            fn advice(cause: Cause, purpose: Purpose) -> Option<&'static str> {
                crate::$own::advice(cause, purpose)
            }

            async fn run_script(connection: &mut Self::Connection, sql: &'static str) -> Result<(), Error> {
                use sqlx_core::executor::Executor;

                connection.execute(sqlx_core::raw_sql::raw_sql(sql)).await.map(drop)
            }
        }
    };
    (@query $database:ty, $sql:ident, $values:ident) => {{
        // The text is put together from literals of this crate, or it is the user's own query; whatever a peer says is a
        // parameter.
        let sql = sqlx_core::sql_str::AssertSqlSafe($sql);
        $values.into_iter().fold(sqlx_core::query::query::<$database>(sql), |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Number(number) => query.bind(number),
            Value::Unreadable => query.bind(None::<String>),
        })
    }};
}

#[cfg(feature = "sqlite")]
statements!(
    sqlx_sqlite::Sqlite,
    sqlite_read,
    "BEGIN IMMEDIATE",
    None,
    "",
    &[include_str!("../migrations/sqlite.sql")]
);

#[cfg(feature = "postgres")]
statements!(
    sqlx_postgres::Postgres,
    postgres_read,
    "BEGIN",
    // Any number that no other program is likely to lock; this is how SHA-256("trusted_app") begins.
    Some("SELECT pg_advisory_xact_lock(50450002202565229)"),
    " FOR UPDATE",
    &[include_str!("../migrations/postgres.sql"), include_str!("../migrations/postgres_2.sql")]
);
