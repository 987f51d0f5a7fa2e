//! What the cache does with changes, with faulty rows, and with a registry that is away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::StatusCode;
use test_services::postgres::Postgres;
use tower_trusted_app::application::KeyState;
use tower_trusted_app::keys::{CacheError, CachedRegistry, ChangeSource, MemoryRegistry};
use tower_trusted_app::registry::{Change, Entry, Registered, RegistryError};
use tower_trusted_app::{ApplicationId, ApplicationRegistry, TrustedApplication};
use trusted_app_sqlx::{PostgresRegistry, SqliteRegistry};
use trusted_app_test::{TestIdentity, key_store};

use crate::requests::{ask, forum, tracker, until, wiki_with};

/// So long that nothing is ever noticed by polling.
const NEVER: Duration = Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_tells_of_changes_by_other_processes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trust.db");
    let here = SqliteRegistry::open(&path).await.unwrap();
    let elsewhere = SqliteRegistry::open(&path).await.unwrap();
    let source = here.watch(Duration::from_millis(10));
    changes_arrive(here, source, &elsewhere).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_tells_of_changes_by_other_nodes() {
    let Some(server) = Postgres::start() else { return };
    let database = server.database();
    let here = PostgresRegistry::connect(&database).await.unwrap();
    let elsewhere = PostgresRegistry::connect(&database).await.unwrap();
    let source = here.listen();
    changes_arrive(here, source, &elsewhere).await;
}

/// A change made on another node is in force here by notification alone: added, revoked, removed.
async fn changes_arrive(
    here: impl ApplicationRegistry,
    source: impl ChangeSource,
    elsewhere: &impl ApplicationRegistry,
) {
    let keys = CachedRegistry::builder(here).changes(source).poll_interval(NEVER).open().await.unwrap();
    let (wiki, tracker) = (TestIdentity::wiki(), tracker(keys.clone()));
    assert_eq!(ask(&tracker, &wiki).await, StatusCode::UNAUTHORIZED);

    elsewhere.add(wiki_with(KeyState::Active, None), "alice").await.unwrap();
    let added = until("added", async || ask(&tracker, &wiki).await == StatusCode::OK).await;
    elsewhere.update(wiki_with(KeyState::Revoked, None), 1, "alice").await.unwrap();
    let revoked = until("revoked", async || ask(&tracker, &wiki).await == StatusCode::UNAUTHORIZED).await;
    elsewhere.remove(wiki.id(), 2, "alice").await.unwrap();
    let removed = until("removed", async || keys.get(wiki.id()).unwrap().is_none()).await;
    println!("in force on the other node after: added {added:?}, revoked {revoked:?}, removed {removed:?}");
    assert_eq!((keys.status().generation, keys.status().applications), (3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_row_is_skipped_and_takes_nobody_along_in_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let registry = SqliteRegistry::open(directory.path().join("trust.db")).await.unwrap();
    let pool = registry.pool().clone();
    let run = async move |sql: String| {
        use sqlx_core::executor::Executor;
        pool.execute(sqlx_core::sql_str::AssertSqlSafe(sql)).await.unwrap();
    };
    let source = registry.watch(Duration::from_millis(10));
    faulty_rows(registry, source, run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_row_is_skipped_and_takes_nobody_along_in_postgres() {
    let Some(server) = Postgres::start() else { return };
    let database = server.database();
    let registry = PostgresRegistry::connect(&database).await.unwrap();
    let source = registry.listen();
    faulty_rows(registry, source, async |sql| drop(server.sql(&database, &sql))).await;
}

/// Rows that are changed by hand, past the registry.
async fn faulty_rows<R: ApplicationRegistry + Clone>(
    registry: R,
    source: impl ChangeSource,
    run: impl AsyncFn(String),
) {
    registry.add(wiki_with(KeyState::Active, None), "alice").await.unwrap();
    registry.add(forum(), "alice").await.unwrap();
    let keys =
        CachedRegistry::builder(registry.clone()).changes(source).poll_interval(NEVER).open().await.unwrap();
    let (wiki, tracker) = (TestIdentity::wiki(), tracker(keys.clone()));
    let id: ApplicationId = "named".parse().unwrap();

    let ours = "(SELECT description FROM trusted_app_application WHERE id = 'wiki')";
    for (what, replacement) in [
        (
            "addresses[0]: ",
            "replace(description, '\"addresses\":\"any\"', '\"addresses\":[\"10.0.0.299\"]')".to_owned(),
        ),
        ("keys[0].spki: ", "replace(description, '\"spki\":\"MII', '\"spki\":\"MIJ')".to_owned()),
        ("line 1 ", "'no JSON'".to_owned()),
        // Somebody else's key: it would be good under two ids.
        ("already belongs to `wiki`", format!("replace({ours}, '\"id\":\"wiki\"', '\"id\":\"named\"')")),
    ] {
        run(format!("UPDATE trusted_app_application SET description = {replacement} WHERE id = 'named'"))
            .await;
        until(what, async || keys.status().skipped_count == 1).await;
        let status = keys.status();
        assert_eq!((status.applications, status.skipped_count), (1, 1));
        assert!(status.skipped[0].reason.contains(what), "{}", status.skipped[0]);
        assert!(status.is_serving && status.last_error.is_none());
        assert!(matches!(keys.get(&id), Err(CacheError::Broken(_))));
        assert_eq!(ask(&tracker, &wiki).await, StatusCode::OK);

        // The registry itself puts it right.
        let version = match registry.get(&id).await.unwrap().unwrap() {
            Ok(registered) => registered.version,
            Err(broken) => broken.version,
        };
        registry.update(forum(), version, "alice").await.unwrap();
        until("mended", async || keys.get(&id).is_ok_and(|found| found.is_some())).await;
        until("nothing skipped", async || keys.status().skipped_count == 0).await;
    }
    // A row that is no application at all, under an id that is none.
    run("INSERT INTO trusted_app_application VALUES ('', 'x', 1, 0, '', 0, '')".to_owned()).await;
    until("skipped", async || keys.status().skipped_count == 1).await;
    assert_eq!(ask(&tracker, &wiki).await, StatusCode::OK);
    run("DELETE FROM trusted_app_application WHERE id = ''".to_owned()).await;
    until("gone", async || keys.status().skipped_count == 0).await;
}

/// A registry that can be taken away.
#[derive(Clone)]
struct Fragile {
    registry: MemoryRegistry,
    is_away: Arc<AtomicBool>,
}

impl Fragile {
    fn check(&self) -> Result<(), RegistryError> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(RegistryError::Unavailable("taken away".into()));
        }
        Ok(())
    }
}

impl ApplicationRegistry for Fragile {
    async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Entry>, RegistryError> {
        self.check()?;
        self.registry.list(after, limit).await
    }

    async fn get(&self, id: &ApplicationId) -> Result<Option<Entry>, RegistryError> {
        self.check()?;
        self.registry.get(id).await
    }

    async fn add(&self, application: TrustedApplication, by: &str) -> Result<Registered, RegistryError> {
        self.registry.add(application, by).await
    }

    async fn update(
        &self,
        one: TrustedApplication,
        expected: u64,
        by: &str,
    ) -> Result<Registered, RegistryError> {
        self.registry.update(one, expected, by).await
    }

    async fn remove(&self, id: &ApplicationId, expected: u64, by: &str) -> Result<(), RegistryError> {
        self.registry.remove(id, expected, by).await
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, RegistryError> {
        self.check()?;
        self.registry.changes(after, limit).await
    }

    async fn last_change(&self) -> Result<u64, RegistryError> {
        self.check()?;
        self.registry.last_change().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_snapshot_serves_up_to_its_age_and_then_nobody() {
    let registry = MemoryRegistry::new([wiki_with(KeyState::Active, None)]).unwrap();
    let fragile = Fragile { registry: registry.clone(), is_away: Arc::default() };
    let keys = CachedRegistry::builder(fragile.clone())
        .poll_interval(Duration::from_millis(20))
        .max_age(Duration::from_secs(3))
        .open()
        .await
        .unwrap();
    let (wiki, tracker) = (TestIdentity::wiki(), tracker(keys.clone()));
    for _ in 0..2 {
        assert_eq!(ask(&tracker, &wiki).await, StatusCode::OK);
        fragile.is_away.store(true, Ordering::SeqCst);
        let added = registry.add(forum(), "alice").await.unwrap();
        until("noticed", async || keys.status().last_error.is_some()).await;
        assert_eq!(ask(&tracker, &wiki).await, StatusCode::OK);
        let status = keys.status();
        assert!(status.is_serving && keys.get(forum().id()).unwrap().is_none(), "{status:?}");
        assert_eq!(status.last_error.as_deref(), Some("the registry is not available: taken away"));

        until("too old", async || !keys.status().is_serving).await;
        assert!(keys.status().age >= Duration::from_secs(3));
        assert_eq!(ask(&tracker, &wiki).await, StatusCode::SERVICE_UNAVAILABLE);
        // An id that nobody has is no different: it cannot be told.
        assert_eq!(ask(&tracker, &TestIdentity::stranger()).await, StatusCode::SERVICE_UNAVAILABLE);

        fragile.is_away.store(false, Ordering::SeqCst);
        until("back", async || keys.status().is_serving).await;
        assert_eq!(ask(&tracker, &wiki).await, StatusCode::OK);
        assert!(keys.get(forum().id()).unwrap().is_some(), "what was added meanwhile is lost");
        registry.remove(forum().id(), added.version, "alice").await.unwrap();
        until("removed", async || keys.get(forum().id()).unwrap().is_none()).await;
    }
    fragile.is_away.store(true, Ordering::SeqCst);
    assert!(CachedRegistry::open(fragile).await.is_err(), "a cache without a first reading");
}

#[tokio::test]
async fn what_the_log_does_not_tell_is_read_in_full() {
    let registry = MemoryRegistry::new([]).unwrap();
    let keys = CachedRegistry::builder(registry.clone()).poll_interval(NEVER).open().await.unwrap();
    for one in key_store::applications() {
        registry.add(one, "test").await.unwrap();
    }
    assert_eq!(keys.status().applications, 0);
    keys.reload().await;
    assert_eq!(keys.status().applications, key_store::applications().len());
    assert_eq!(keys.status().generation, registry.last_change().await.unwrap());
}
