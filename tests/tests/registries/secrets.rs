//! No private key turns up in a database, in a log or in `Debug`.

use http::StatusCode;
use test_services::postgres::Postgres;
use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::application::KeyState;
use tower_trusted_app::keys::CachedRegistry;
use trusted_app_sqlx::{PostgresRegistry, SqlAudit, SqliteRegistry};
use trusted_app_test::TestIdentity;
use trusted_app_tests::log::Log;

use crate::requests::{ask, forum, tracker, wiki_with};

/// The lines of everybody's private keys.
fn secrets() -> Vec<String> {
    let everybody = [TestIdentity::wiki(), TestIdentity::tracker(), TestIdentity::stranger()];
    let pems = everybody.map(|identity| identity.local().to_pem().to_string());
    let lines = pems.iter().flat_map(|pem| pem.lines());
    let lines: Vec<_> =
        lines.filter(|line| line.len() > 20 && !line.contains('-')).map(str::to_owned).collect();
    assert!(lines.len() > 60);
    lines
}

#[track_caller]
fn assert_absent(place: &str, text: &str) {
    assert!(!text.contains("PRIVATE KEY"), "{place}: {text}");
    for secret in secrets() {
        assert!(!text.contains(&secret), "{place} has {secret}: {text}");
    }
}

/// Everything that can be done with a registry, our own identity known to it.
async fn use_it<D: trusted_app_sqlx::Dialect>(registry: trusted_app_sqlx::SqlRegistry<D>) -> String {
    let registry = registry.local(TestIdentity::tracker().local());
    registry.add(wiki_with(KeyState::Active, Some(KeyState::Next)), "alice").await.unwrap();
    registry.add(forum(), "alice").await.unwrap();
    registry.update(wiki_with(KeyState::Retiring, Some(KeyState::Active)), 1, "alice").await.unwrap();
    registry.remove(forum().id(), 1, "alice").await.unwrap();
    let own = TestIdentity::tracker().trusted().build().unwrap();
    let refused = registry.add(own, "alice").await.unwrap_err();
    let keys = CachedRegistry::open(registry.clone()).await.unwrap();
    let audit = SqlAudit::new(&registry);
    let tracker = tracker(keys.clone()).audit(audit.clone());
    assert_eq!(ask(&tracker, &TestIdentity::wiki()).await, StatusCode::OK);
    assert_eq!(ask(&tracker, &TestIdentity::stranger()).await, StatusCode::UNAUTHORIZED);
    audit.flush().await;
    let listed = registry.list(None, 10).await.unwrap();
    let changes = registry.changes(0, 10).await.unwrap();
    format!("{registry:?} {keys:?} {audit:?} {tracker:?} {listed:?} {changes:?} {refused:?} {refused}")
}

#[tokio::test]
async fn in_sqlite() {
    let log = Log::start();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trust.db");
    let registry = SqliteRegistry::open(&path).await.unwrap();
    assert_absent("Debug", &use_it(registry.clone()).await);
    assert_absent("the log", &format!("{:?}", log.take()));
    registry.pool().close().await;
    let bytes = std::fs::read(&path).unwrap();
    let dump = String::from_utf8_lossy(&bytes);
    assert!(
        dump.contains(&TestIdentity::wiki().local().public_key().to_base64()[..60]),
        "the dump is no dump"
    );
    assert_absent("the file", &dump);
}

#[tokio::test]
async fn in_postgres() {
    let Some(server) = Postgres::start() else { return };
    let log = Log::start();
    let database = server.database();
    let registry = PostgresRegistry::connect(&database).await.unwrap();
    assert_absent("Debug", &use_it(registry).await);
    assert_absent("the log", &format!("{:?}", log.take()));
    let dump = server.dump(&database);
    assert!(dump.contains(&TestIdentity::wiki().local().public_key().to_base64()), "the dump is no dump");
    assert_absent("the dump", &dump);
    let log = Log::start();
    let refused =
        PostgresRegistry::connect(&database.replace("postgres@", "postgres:hunter2@x.invalid.")).await;
    assert!(!format!("{:?} {:?}", refused.unwrap_err(), log.take()).contains("hunter2"));
}
