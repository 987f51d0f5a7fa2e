//! The schema, brought up to date.

use sqlx_core::Error;
use sqlx_core::pool::Pool;

use crate::dialect::Dialect;

/// Brings the schema up to date: in one transaction, and one node at a time, so that it may be run
/// again and by several nodes at once.
pub(crate) async fn migrate<D: Dialect>(pool: &Pool<D>) -> Result<(), Error> {
    let mut transaction = pool.begin_with(D::BEGIN_WRITE).await?;
    if let Some(lock) = D::LOCK_SCHEMA {
        D::fetch(&mut transaction, lock.to_owned(), Vec::new()).await?;
    }
    D::run_script(
        &mut transaction,
        "CREATE TABLE IF NOT EXISTS trusted_app_schema (version BIGINT NOT NULL PRIMARY KEY)",
    )
    .await?;
    let applied = "SELECT COALESCE(MAX(version), 0) FROM trusted_app_schema".to_owned();
    let applied =
        D::fetch(&mut transaction, applied, Vec::new()).await?.first().map_or(0, |row| row.count(0));
    let known = D::MIGRATIONS.len() as u64;
    if applied > known {
        let text =
            format!("the schema has version {applied}; this program knows {known}: update the program");
        return Err(Error::Protocol(text));
    }
    for (version, script) in (1_u64..).zip(D::MIGRATIONS) {
        if version > applied {
            D::run_script(&mut transaction, script).await?;
            let done = "INSERT INTO trusted_app_schema (version) VALUES ($1)".to_owned();
            D::execute(&mut transaction, done, vec![version.into()]).await?;
        }
    }
    transaction.commit().await
}
