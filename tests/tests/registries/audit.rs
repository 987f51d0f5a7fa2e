//! The audit of decisions in the database: each one recorded, and no request waits for it or fails by it.

use http::StatusCode;
use test_services::postgres::Postgres;
use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::application::KeyState;
use tower_trusted_app::keys::CachedRegistry;
use trusted_app_sqlx::{PostgresRegistry, SqlAudit};
use trusted_app_test::TestIdentity;

use crate::requests::{Tracker, ask, tracker, until, wiki_with};

const BY_OUTCOME: &str = "SELECT outcome, code, claimed_application, user_name, count(*) FROM trusted_app_decision \
                          GROUP BY 1, 2, 3, 4 ORDER BY 1, 3";

async fn audited(database: &str, capacity: usize) -> (Tracker, SqlAudit) {
    let registry = PostgresRegistry::connect(database).await.unwrap();
    registry.add(wiki_with(KeyState::Active, None), "alice").await.unwrap();
    let keys = CachedRegistry::open(registry.clone()).await.unwrap();
    let audit = SqlAudit::builder(&registry).capacity(capacity).batch(16).build();
    (tracker(keys).audit(audit.clone()), audit)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decision_is_recorded_also_over_an_outage() {
    let Some(server) = Postgres::start() else { return };
    let database = server.database();
    let (tracker, audit) = audited(&database, 1000).await;
    for round in 0..2 {
        for _ in 0..50 {
            assert_eq!(ask(&tracker, &TestIdentity::wiki()).await, StatusCode::OK);
            assert_eq!(ask(&tracker, &TestIdentity::stranger()).await, StatusCode::UNAUTHORIZED);
        }
        if round == 0 {
            server.stop();
        }
    }
    server.start_again();
    audit.flush().await;
    assert_eq!((audit.written(), audit.dropped()), (200, 0));
    let recorded = server.sql(&database, BY_OUTCOME);
    assert_eq!(recorded, "authenticated||wiki|alice|100\nrejected|APP_UNKNOWN|stranger||100");
    let facts = "SELECT DISTINCT application, claimed_user, scheme, method, path, url, length(key_fingerprint) \
                 FROM trusted_app_decision WHERE outcome = 'authenticated'";
    let expected = "wiki|alice|seraph-v3|GET|/rest/issues|https://tracker.example.com/rest/issues|95";
    assert_eq!(server.sql(&database, facts), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_finds_no_room_is_counted_and_fails_no_request() {
    let Some(server) = Postgres::start() else { return };
    let database = server.database();
    let (tracker, audit) = audited(&database, 8).await;
    server.stop();
    for _ in 0..200 {
        assert_eq!(ask(&tracker, &TestIdentity::wiki()).await, StatusCode::OK);
    }
    assert!(audit.dropped() > 0);
    server.start_again();
    audit.flush().await;
    assert_eq!(audit.written() + audit.dropped(), 200);
    let rows = server.sql(&database, "SELECT count(*) FROM trusted_app_decision");
    until("as many rows as were written", async || rows == audit.written().to_string()).await;
}
