//! SQLite and PostgreSQL as dialects.

use std::path::PathBuf;

use sqlx_core::Error;
use sqlx_core::connection::Connection;
use sqlx_core::database::Database;
use sqlx_core::pool::Pool;

use crate::cause::Cause;
use crate::dialect::{Dialect, sealed};
use crate::purpose::Purpose;
use crate::row::{Row, Value};

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
                Ok(rows.iter().map(|row| Row::new((0..row.len()).map(|at| cell(row, at)))).collect())
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
    &[include_str!("../migrations/postgres.sql")]
);
