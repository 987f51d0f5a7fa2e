//! PostgreSQL stopped and started, its connections cut or all in use, and migrations at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;
use sqlx_core::pool::PoolOptions;
use test_services::postgres::Postgres;
use tokio::task::JoinSet;
use tower_trusted_app::application::KeyState;
use tower_trusted_app::keys::CachedRegistry;
use tower_trusted_app::registry::RegistryError;
use tower_trusted_app::{ApplicationRegistry, KeyStore};
use trusted_app_sqlx::PostgresRegistry;
use trusted_app_test::TestIdentity;

use crate::requests::{Tracker, ask, forum, tracker, until, wiki_with};

async fn cached(registry: &PostgresRegistry, max_age: Duration) -> CachedRegistry {
    CachedRegistry::builder(registry.clone())
        .changes(registry.listen())
        .poll_interval(Duration::from_millis(100))
        .max_age(max_age)
        .open()
        .await
        .unwrap()
}

/// Sends requests until it is told to stop, and answers with how many were not OK.
async fn load(tracker: Tracker, is_over: Arc<AtomicBool>, sent: Arc<AtomicU64>) -> u64 {
    let mut failed = 0;
    while !is_over.load(Ordering::SeqCst) {
        failed += u64::from(ask(&tracker, &TestIdentity::wiki()).await != StatusCode::OK);
        sent.fetch_add(1, Ordering::SeqCst);
    }
    failed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stopped_and_started_under_load() {
    let Some(server) = Postgres::start() else { return };
    let registry = PostgresRegistry::connect(&server.database()).await.unwrap();
    registry.add(wiki_with(KeyState::Active, None), "alice").await.unwrap();
    let keys = cached(&registry, Duration::from_secs(300)).await;
    let (is_over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let under_load = tokio::spawn(load(tracker(keys.clone()), Arc::clone(&is_over), Arc::clone(&sent)));

    server.stop();
    until("noticed", async || keys.status().last_error.is_some()).await;
    let error = registry.add(forum(), "alice").await.unwrap_err();
    assert!(matches!(error, RegistryError::Unavailable(_)), "{error:?}");
    // Served from the snapshot, all the while.
    let before = sent.load(Ordering::SeqCst);
    until("served while away", async || sent.load(Ordering::SeqCst) > before + 50).await;

    server.start_again();
    let again = until("back", async || keys.status().last_error.is_none()).await;
    until("written", async || registry.add(forum(), "alice").await.is_ok()).await;
    let in_force =
        until("in force", async || keys.get(forum().id()).is_ok_and(|found| found.is_some())).await;
    is_over.store(true, Ordering::SeqCst);
    let failed = under_load.await.unwrap();
    println!(
        "{} requests across stop and start, {failed} failed; back after {again:?}, a change in force after {in_force:?}",
        sent.load(Ordering::SeqCst)
    );
    assert_eq!(failed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn away_for_longer_than_is_allowed_is_503_and_no_restart_is_needed() {
    let Some(server) = Postgres::start() else { return };
    let registry = PostgresRegistry::connect(&server.database()).await.unwrap();
    registry.add(wiki_with(KeyState::Active, None), "alice").await.unwrap();
    let keys = cached(&registry, Duration::from_secs(1)).await;
    let (wiki, tracker) = (TestIdentity::wiki(), tracker(keys.clone()));
    assert_eq!(ask(&tracker, &wiki).await, StatusCode::OK);
    server.stop();
    until("too old", async || ask(&tracker, &wiki).await == StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(!keys.status().is_serving);
    server.start_again();
    until("served again", async || ask(&tracker, &wiki).await == StatusCode::OK).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut() {
    let Some(server) = Postgres::start() else { return };
    let database = server.database();
    let registry = PostgresRegistry::connect(&database).await.unwrap();
    registry.add(wiki_with(KeyState::Active, None), "alice").await.unwrap();
    let keys = cached(&registry, Duration::from_secs(300)).await;
    let (wiki, tracker) = (TestIdentity::wiki(), tracker(keys.clone()));
    for version in 1..=5 {
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        assert_ne!(server.sql(&database, cut), "0", "nobody was connected");
        assert_eq!(ask(&tracker, &wiki).await, StatusCode::OK);
        // A change may hit a connection that is dead; it is then refused as a whole and made again.
        let change = async || registry.update(wiki_with(KeyState::Active, None), version, "alice").await;
        until("changed", async || match change().await {
            Ok(_) => true,
            Err(RegistryError::Unavailable(_)) => false,
            Err(error) => panic!("{error}"),
        })
        .await;
        let generation = registry.last_change().await.unwrap();
        until("in force", async || keys.status().generation == generation).await;
        assert_eq!(generation, version + 1, "a change was made twice or lost");
    }
}

/// As by `idle_session_timeout`, an administrator or a restart: a connection that was closed while idle is noticed before
/// anything is sent over it.
#[tokio::test(flavor = "multi_thread")]
async fn after_idle_connections_were_closed_the_first_look_and_the_first_change_succeed() {
    let Some(server) = Postgres::start() else { return };
    let database = server.database();
    let registry = PostgresRegistry::connect(&database).await.unwrap();
    registry.add(wiki_with(KeyState::Active, None), "alice").await.unwrap();
    // So rarely that only a notification can bring a change in time.
    let keys = CachedRegistry::builder(registry.clone())
        .changes(registry.listen())
        .poll_interval(Duration::from_secs(50))
        .open()
        .await
        .unwrap();
    let others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let listeners = format!("SELECT count(*) {others} AND query LIKE 'LISTEN %'");
    until("listens", async || server.sql(&database, &listeners) == "1").await;
    let close_all = async || {
        let open = server.sql(&database, &format!("SELECT string_agg(pid::text, ',') {others}"));
        assert_ne!(open, "", "no connection was open");
        let these = format!("FROM pg_stat_activity WHERE pid IN ({open})");
        drop(server.sql(&database, &format!("SELECT count(pg_terminate_backend(pid)) {these}")));
        until("closed", async || server.sql(&database, &format!("SELECT count(*) {these}")) == "0").await;
    };
    for version in 1..=10 {
        close_all().await;
        assert!(registry.application(TestIdentity::wiki().id()).await.unwrap().is_some());
        close_all().await;
        registry.update(wiki_with(KeyState::Active, None), version, "alice").await.unwrap();
        close_all().await;
        let generation = registry.last_change().await.unwrap();
        assert_eq!(generation, version + 1);
        until("in force", async || keys.status().generation == generation).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_is_exhausted() {
    let Some(server) = Postgres::start() else { return };
    let options = PoolOptions::new().max_connections(2).acquire_timeout(Duration::from_millis(200));
    let pool = options.connect(&server.database()).await.unwrap();
    let registry = PostgresRegistry::new(pool.clone()).await.unwrap();
    registry.add(wiki_with(KeyState::Active, None), "alice").await.unwrap();
    let keys = cached(&registry, Duration::from_secs(300)).await;
    let (wiki, tracker) = (TestIdentity::wiki(), tracker(keys.clone()));

    let held = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    let error = registry.application(wiki.id()).await.unwrap_err();
    assert!(matches!(error, RegistryError::Unavailable(_)), "{error:?}");
    until("noticed", async || keys.status().last_error.is_some()).await;
    assert_eq!(ask(&tracker, &wiki).await, StatusCode::OK);
    drop(held);
    until("free again", async || keys.status().last_error.is_none()).await;
    assert!(registry.application(wiki.id()).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn migrated_twice_and_by_many_nodes_at_once() {
    let Some(server) = Postgres::start() else { return };
    for _ in 0..3 {
        let database = server.database();
        let mut nodes = JoinSet::new();
        for _ in 0..8 {
            let database = database.clone();
            nodes.spawn(async move { PostgresRegistry::connect(&database).await.map(drop) });
        }
        nodes.join_all().await.into_iter().collect::<Result<(), _>>().unwrap();
        let registry = PostgresRegistry::connect(&database).await.unwrap();
        registry.add(forum(), "alice").await.unwrap();
        drop(PostgresRegistry::connect(&database).await.unwrap());
        assert!(registry.get(forum().id()).await.unwrap().is_some());
        assert_eq!(server.sql(&database, "SELECT max(version) FROM trusted_app_schema"), "1");

        let _ = server.sql(&database, "INSERT INTO trusted_app_schema VALUES (99)");
        let error = PostgresRegistry::connect(&database).await.unwrap_err().to_string();
        assert!(error.contains("the schema has version 99"), "{error}");
    }
}
