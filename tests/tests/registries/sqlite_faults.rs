//! A SQLite file that is locked, read-only or full, and migrations at once.

use std::path::Path;
use std::time::Duration;

use http::StatusCode;
use sqlx_core::executor::Executor;
use sqlx_core::pool::PoolOptions;
use tokio::task::JoinSet;
use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::application::KeyState;
use tower_trusted_app::keys::CachedRegistry;
use tower_trusted_app::registry::RegistryError;
use trusted_app_sqlx::{SqliteRegistry, sqlite_options};
use trusted_app_test::{TestIdentity, key_store};

use crate::requests::{Tracker, ask, forum, tracker, until, wiki_with};

/// A registry that waits for nobody, and a tracker behind the cache.
async fn registry(path: &Path) -> (SqliteRegistry, Tracker, CachedRegistry) {
    SqliteRegistry::open(path).await.unwrap().pool().close().await;
    let options = sqlite_options(path).busy_timeout(Duration::from_millis(50));
    let pool = PoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
    let registry = SqliteRegistry::new(pool).await.unwrap();
    registry.add(wiki_with(KeyState::Active, None), "alice").await.unwrap();
    let keys = CachedRegistry::builder(registry.clone())
        .changes(registry.watch(Duration::from_millis(10)))
        .poll_interval(Duration::from_millis(50))
        .open()
        .await
        .unwrap();
    (registry, tracker(keys.clone()), keys)
}

fn assert_unavailable<T: std::fmt::Debug>(outcome: Result<T, RegistryError>) {
    assert!(matches!(outcome, Err(RegistryError::Unavailable(_))), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn locked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trust.db");
    let (registry, tracker, keys) = registry(&path).await;
    let wiki = TestIdentity::wiki();

    let other = PoolOptions::<sqlx_sqlite::Sqlite>::new().connect_with(sqlite_options(&path)).await.unwrap();
    let mut writer = other.acquire().await.unwrap();
    writer.execute("BEGIN IMMEDIATE").await.unwrap();
    assert_unavailable(registry.add(forum(), "alice").await);
    // Whoever only reads does not wait for a writer.
    assert_eq!(ask(&tracker, &wiki).await, StatusCode::OK);
    assert!(registry.get(wiki.id()).await.unwrap().is_some());
    keys.reload().await;
    assert_eq!(keys.status().last_error, None);

    writer.execute("ROLLBACK").await.unwrap();
    registry.add(forum(), "alice").await.unwrap();
    until("in force", async || keys.get(forum().id()).unwrap().is_some()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn read_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trust.db");
    let (writable, ..) = registry(&path).await;
    let options = sqlite_options(&path).pragma("query_only", "on");
    let pool = PoolOptions::new().connect_lazy_with(options);
    // A schema that is up to date needs no writer; one that is not cannot be made.
    let readable = SqliteRegistry::new(pool).await.unwrap();
    assert!(readable.get(TestIdentity::wiki().id()).await.unwrap().is_some());
    let options = sqlite_options(directory.path().join("new.db")).pragma("query_only", "on");
    let error = SqliteRegistry::new(PoolOptions::new().connect_lazy_with(options)).await;
    assert_unavailable(error);

    let (registry, tracker, keys) = {
        let pool = writable.pool().clone();
        let registry = SqliteRegistry::new(pool).await.unwrap();
        let keys = CachedRegistry::open(registry.clone()).await.unwrap();
        (registry, tracker(keys.clone()), keys)
    };
    let connections = [registry.pool().acquire().await.unwrap(), registry.pool().acquire().await.unwrap()];
    for mut connection in connections {
        connection.execute("PRAGMA query_only = on").await.unwrap();
    }
    for registry in [&registry, &readable] {
        let outcome = registry.add(forum(), "alice").await;
        assert!(matches!(outcome, Err(RegistryError::NotWritten(_))), "{outcome:?}");
        let outcome = registry.remove(TestIdentity::wiki().id(), 1, "alice").await;
        assert!(matches!(outcome, Err(RegistryError::NotWritten(_))), "{outcome:?}");
    }
    keys.reload().await;
    assert_eq!(keys.status().last_error, None);
    assert_eq!(ask(&tracker, &TestIdentity::wiki()).await, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn full() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trust.db");
    let (registry, tracker, keys) = registry(&path).await;
    for mut connection in [registry.pool().acquire().await.unwrap(), registry.pool().acquire().await.unwrap()]
    {
        // No page more than there is.
        connection.execute("PRAGMA max_page_count = 1").await.unwrap();
    }
    let mut added = 0;
    let mut refused = None;
    for one in key_store::applications() {
        match registry.add(one.clone(), "alice").await {
            Ok(_) => added += 1,
            Err(error) => {
                refused = Some((one, error));
                break;
            }
        }
    }
    let (one, error) = refused.expect("a full file takes no more");
    assert!(matches!(error, RegistryError::Unavailable(_)), "{error:?}");
    assert_eq!(registry.last_change().await.unwrap(), 1 + added, "what was refused left a trace");
    assert!(registry.get(one.id()).await.unwrap().is_none(), "what was refused is there");
    assert_eq!(ask(&tracker, &TestIdentity::wiki()).await, StatusCode::OK);

    for mut connection in [registry.pool().acquire().await.unwrap(), registry.pool().acquire().await.unwrap()]
    {
        connection.execute("PRAGMA max_page_count = 1000000").await.unwrap();
    }
    registry.add(one.clone(), "alice").await.unwrap();
    until("in force", async || keys.get(one.id()).unwrap().is_some()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn migrated_twice_and_by_many_at_once() {
    let directory = tempfile::tempdir().unwrap();
    for number in 0..5 {
        let path = directory.path().join(format!("{number}.db"));
        let mut nodes = JoinSet::new();
        for _ in 0..8 {
            let path = path.clone();
            nodes.spawn(async move { SqliteRegistry::open(path).await.map(drop) });
        }
        nodes.join_all().await.into_iter().collect::<Result<(), _>>().unwrap();
        let registry = SqliteRegistry::open(&path).await.unwrap();
        registry.add(forum(), "alice").await.unwrap();
        drop(SqliteRegistry::open(&path).await.unwrap());
        assert!(registry.get(forum().id()).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn the_log_of_changes_only_grows() {
    let directory = tempfile::tempdir().unwrap();
    let registry = SqliteRegistry::open(directory.path().join("trust.db")).await.unwrap();
    registry.add(forum(), "alice").await.unwrap();
    for sql in ["UPDATE trusted_app_change SET by_whom = 'nobody'", "DELETE FROM trusted_app_change"] {
        let error = registry.pool().execute(sql).await.map(drop).unwrap_err().to_string();
        assert!(error.contains("only grows"), "{error}");
    }
}
