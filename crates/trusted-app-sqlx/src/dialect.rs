//! The little that the two databases do differently, behind one trait.

use std::future::Future;
use std::path::PathBuf;

use sqlx_core::Error;
use sqlx_core::connection::Connection;
use sqlx_core::database::Database;
use sqlx_core::pool::Pool;

use crate::cause::Cause;
use crate::purpose::Purpose;
use crate::row::{Row, Value};

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
