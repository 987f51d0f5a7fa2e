//! The audit of decisions in the database: each one recorded, and no request waits for it or fails by it.

use http::StatusCode;
use test_services::postgres::Postgres;
use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::application::KeyState;
use tower_trusted_app::keys::CachedRegistry;
use trusted_app_sqlx::{DecisionFilter, Dialect, PostgresRegistry, SqlAudit, SqlRegistry, SqliteRegistry};
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
async fn recorded_decisions_are_read_again() {
    let Some(server) = Postgres::start() else { return };
    let directory = tempfile::tempdir().unwrap();
    are_read_again(PostgresRegistry::connect(&server.database()).await.unwrap()).await;
    are_read_again(SqliteRegistry::open(directory.path().join("trust.db")).await.unwrap()).await;
}

async fn are_read_again<D: Dialect>(registry: SqlRegistry<D>) {
    registry.add(wiki_with(KeyState::Active, None), "alice").await.unwrap();
    let audit = SqlAudit::new(&registry);
    let tracker = tracker(CachedRegistry::open(registry.clone()).await.unwrap()).audit(audit.clone());
    for identity in [TestIdentity::wiki(), TestIdentity::stranger(), TestIdentity::wiki()] {
        ask(&tracker, &identity).await;
    }
    audit.flush().await;
    let mut filter = DecisionFilter::default();
    let all = registry.decisions(&filter, 10).await.unwrap();
    let codes: Vec<_> = all.iter().map(|decision| decision.code.as_deref()).collect();
    assert_eq!(codes, [None, Some("APP_UNKNOWN"), None]);
    let (first, second) = (&all[0], &all[1]);
    assert_eq!((first.outcome.as_str(), first.user.as_deref()), ("authenticated", Some("alice")));
    assert_eq!((first.application.as_deref(), first.scheme.as_deref()), (Some("wiki"), Some("seraph-v3")));
    assert_eq!((first.method.as_str(), first.path.as_str()), ("GET", "/rest/issues"));
    assert!(first.age_ms.is_some() && first.key_fingerprint.is_some());
    assert_eq!((&second.application, second.claimed_application.as_deref()), (&None, Some("stranger")));
    assert_eq!((&second.user, &second.age_ms), (&None, &None));

    assert_eq!(registry.decisions(&filter, 1).await.unwrap(), all[2..], "the newest");
    filter.after = first.number;
    assert_eq!(registry.decisions(&filter, 10).await.unwrap(), all[1..]);
    filter.application = Some("wiki".to_owned());
    assert_eq!(registry.decisions(&filter, 10).await.unwrap(), all[2..]);
    filter.application = Some("stranger".to_owned());
    filter.refused = true;
    assert_eq!(registry.decisions(&filter, 10).await.unwrap(), all[1..2]);
    filter.application = Some("wiki".to_owned());
    assert!(registry.decisions(&filter, 10).await.unwrap().is_empty());
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
