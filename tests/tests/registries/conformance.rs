//! Every registry passes the suites, by itself and behind the cache.

use test_services::postgres::Postgres;
use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::keys::{CachedRegistry, MemoryRegistry};
use trusted_app_sqlx::{PostgresRegistry, SqliteRegistry};
use trusted_app_test::{key_store, registry};

async fn filled<R: ApplicationRegistry>(registry: R) -> R {
    for one in key_store::applications() {
        registry.add(one, "test").await.unwrap();
    }
    registry
}

async fn behind_the_cache<R: ApplicationRegistry>(empty: R) {
    let cached = CachedRegistry::open(filled(empty).await).await.unwrap();
    assert_eq!(
        (cached.status().skipped_count, cached.status().applications),
        (0, key_store::applications().len())
    );
    key_store::check(cached, &key_store::applications()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_memory() {
    registry::conformance(async || MemoryRegistry::new([]).unwrap()).await;
    let memory = async |applications| MemoryRegistry::new(applications).unwrap();
    key_store::conformance(memory).await;
    behind_the_cache(MemoryRegistry::new([]).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let registry = SqliteRegistry::open(directory.path().join("trust.db")).await.unwrap();
    behind_the_cache(registry).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_postgres() {
    let Some(server) = Postgres::start() else { return };
    let make = async || PostgresRegistry::connect(&server.database()).await.unwrap();
    registry::conformance(make).await;
    key_store::check(filled(make().await).await, &key_store::applications()).await;
    behind_the_cache(make().await).await;
}
