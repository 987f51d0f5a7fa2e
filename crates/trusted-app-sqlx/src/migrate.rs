//! The schema: looked at, and brought up to date where it is behind.

use sqlx_core::Error;
use sqlx_core::pool::Pool;

use crate::dialect::Dialect;
use crate::error::{SchemaError, SqlError};
use crate::purpose::Purpose;
use crate::row::Row;

const VERSION: &str = "SELECT MAX(version) FROM trusted_app_schema";

/// Sees to it that the schema is the one that this program needs. Nothing is written if it is, so that an account that
/// may only read can use it.
pub(crate) async fn migrate<D: Dialect>(pool: &Pool<D>) -> Result<(), SchemaError> {
    let unreadable = |error: Error| SchemaError::Unreadable(SqlError::new(Purpose::ReadSchema, pool, &error));
    let found = found(pool).await.map_err(unreadable)?;
    let needed = D::MIGRATIONS.len() as u64;
    if found < needed {
        let outcome = upgrade(pool).await;
        return outcome.map_err(|error| match found {
            0 => SchemaError::Missing { needed, error: SqlError::new(Purpose::CreateSchema, pool, &error) },
            _ => {
                let error = SqlError::new(Purpose::UpgradeSchema, pool, &error);
                SchemaError::TooOld { found, needed, error }
            }
        });
    }
    if found > needed {
        return Err(SchemaError::TooNew { found, known: needed });
    }
    Ok(())
}

/// The version that is there; 0 for none.
async fn found<D: Dialect>(pool: &Pool<D>) -> Result<u64, Error> {
    let exists = D::read(pool, D::HAS_SCHEMA.to_owned(), Vec::new()).await?;
    if first_number(&exists) == 0 {
        return Ok(0);
    }
    Ok(first_number(&D::read(pool, VERSION.to_owned(), Vec::new()).await?))
}

/// In one transaction, and one node at a time, so that it may be run again and by several nodes at once.
async fn upgrade<D: Dialect>(pool: &Pool<D>) -> Result<(), Error> {
    let mut transaction = pool.begin_with(D::BEGIN_WRITE).await?;
    if let Some(lock) = D::LOCK_SCHEMA {
        D::fetch(&mut transaction, lock.to_owned(), Vec::new()).await?;
    }
    // Another node may have been quicker.
    let exists = D::fetch(&mut transaction, D::HAS_SCHEMA.to_owned(), Vec::new()).await?;
    if first_number(&exists) == 0 {
        let table = "CREATE TABLE trusted_app_schema (version BIGINT NOT NULL PRIMARY KEY)";
        D::run_script(&mut transaction, table).await?;
    }
    let found = first_number(&D::fetch(&mut transaction, VERSION.to_owned(), Vec::new()).await?);
    for (version, script) in (1_u64..).zip(D::MIGRATIONS) {
        if version > found {
            D::run_script(&mut transaction, script).await?;
            let done = "INSERT INTO trusted_app_schema (version) VALUES ($1)".to_owned();
            D::execute(&mut transaction, done, vec![version.into()]).await?;
        }
    }
    transaction.commit().await
}

fn first_number(rows: &[Row]) -> u64 {
    rows.first().map_or(0, |row| row.count(0))
}
