//! Tables that somebody changed by hand: nothing goes unnoticed.

use sqlx_core::executor::Executor;
use sqlx_core::sql_str::AssertSqlSafe;
use test_services::postgres::Postgres;
use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::keys::CachedRegistry;
use tower_trusted_app::registry::RegistryError;
use trusted_app_sqlx::{PostgresRegistry, SqliteRegistry};

use crate::requests::forum;

/// A registry in a file that lives as long.
async fn sqlite() -> (tempfile::TempDir, SqliteRegistry) {
    let directory = tempfile::tempdir().unwrap();
    let registry = SqliteRegistry::open(directory.path().join("trust.db")).await.unwrap();
    (directory, registry)
}

async fn run(registry: &SqliteRegistry, sql: String) {
    registry.pool().execute(AssertSqlSafe(sql)).await.unwrap();
}

fn has_lost_its_number<T: std::fmt::Debug>(outcome: Result<T, RegistryError>) -> bool {
    matches!(outcome, Err(RegistryError::Unavailable(error)) if error.to_string().contains("lost its number"))
}

#[tokio::test]
async fn without_its_number_a_registry_is_not_taken_for_unchanged() {
    for sql in ["DELETE FROM trusted_app_generation", "UPDATE trusted_app_generation SET number = -1"] {
        let (_directory, registry) = sqlite().await;
        let keys = CachedRegistry::builder(registry.clone()).open().await.unwrap();
        run(&registry, sql.to_owned()).await;
        assert!(has_lost_its_number(registry.last_change().await), "{sql}");
        assert!(has_lost_its_number(registry.add(forum(), "alice").await), "{sql}");
        assert!(registry.get(forum().id()).await.unwrap().is_none());
        keys.reload().await;
        assert!(keys.status().last_error.unwrap().contains("lost its number"), "{sql}");
    }
}

#[tokio::test]
async fn a_change_that_is_not_logged_is_not_made() {
    let (_directory, registry) = sqlite().await;
    let sql = "CREATE TRIGGER careless AFTER INSERT ON trusted_app_key BEGIN DELETE FROM trusted_app_generation; END";
    run(&registry, sql.to_owned()).await;
    let error = registry.add(forum(), "alice").await.unwrap_err();
    assert!(error.to_string().contains("could not be logged"), "{error}");
    assert!(registry.get(forum().id()).await.unwrap().is_none());
    assert_eq!(registry.last_change().await.unwrap(), 0);
}

#[tokio::test]
async fn postgres_truncates_nothing_that_would_not_be_counted() {
    let Some(server) = Postgres::start() else { return };
    let registry = PostgresRegistry::connect(&server.database()).await.unwrap();
    registry.add(forum(), "alice").await.unwrap();
    for table in ["trusted_app_application CASCADE", "trusted_app_key", "trusted_app_generation"] {
        let sql = AssertSqlSafe(format!("TRUNCATE {table}"));
        let error = registry.pool().execute(sql).await.map(drop).unwrap_err().to_string();
        assert!(error.contains("noticed by nobody"), "{table}: {error}");
    }
    let error = registry.pool().execute("TRUNCATE trusted_app_change").await.map(drop).unwrap_err();
    assert!(error.to_string().contains("only grows"), "{error}");
    assert!(registry.get(forum().id()).await.unwrap().is_some());
    assert_eq!(registry.last_change().await.unwrap(), 1);
}
