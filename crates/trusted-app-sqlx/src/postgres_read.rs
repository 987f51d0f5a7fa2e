//! Reading from PostgreSQL, and what its codes mean.

use std::path::PathBuf;

use sqlx_core::Error;
use sqlx_core::pool::Pool;
use sqlx_postgres::{PgConnectOptions, Postgres};

use crate::cause::Cause;
use crate::dialect::sealed::Statements;
use crate::purpose::Purpose;
use crate::row::{Row, Value};

/// Searched for as the statements search for it, which name no schema.
pub(crate) const HAS_SCHEMA: &str = "SELECT CAST(to_regclass('trusted_app_schema') IS NOT NULL AS INTEGER)";

pub(crate) async fn read(pool: &Pool<Postgres>, sql: String, values: Vec<Value>) -> Result<Vec<Row>, Error> {
    let mut connection = pool.acquire().await?;
    Postgres::fetch(&mut connection, sql, values).await
}

pub(crate) fn file(_: &PgConnectOptions) -> Option<PathBuf> {
    None
}

/// PostgreSQL, appendix A.
pub(crate) fn cause(code: &str) -> Cause {
    match code {
        "25006" => Cause::ReadOnly,
        "42501" => Cause::Rights,
        _ => Cause::Other,
    }
}

pub(crate) fn code_name(code: &str) -> String {
    format!("SQLSTATE {code}")
}

pub(crate) fn advice(cause: Cause, purpose: Purpose) -> Option<&'static str> {
    Some(match (cause, purpose) {
        (Cause::ReadOnly, _) => {
            "connect to the primary server, with an account that does not have default_transaction_read_only"
        }
        (Cause::Rights, Purpose::CreateSchema | Purpose::UpgradeSchema) => {
            "start this program once with the account that owns the tables `trusted_app_…`, or is to own them: it \
             needs CREATE on the schema"
        }
        (Cause::Rights, Purpose::ChangeApplications) => {
            "grant this account SELECT, INSERT, UPDATE and DELETE on the tables `trusted_app_…`, or use one that has \
             them"
        }
        (Cause::Rights, Purpose::RecordDecisions) => "grant this account INSERT on `trusted_app_decision`",
        (Cause::Rights, Purpose::FindUser | Purpose::FindGroups) => {
            "grant this account SELECT on the tables of the query"
        }
        (Cause::Rights, Purpose::Connect | Purpose::Listen) | (Cause::CannotOpen | Cause::Other, _) => {
            return None;
        }
        (Cause::Rights, _) => "grant this account SELECT on the tables `trusted_app_…`",
    })
}
