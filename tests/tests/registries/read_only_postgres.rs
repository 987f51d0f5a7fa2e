//! PostgreSQL over accounts that may not write, over sessions that do not, and on a hot standby.

use std::time::Duration;

use http::StatusCode;
use sqlx_core::pool::PoolOptions;
use test_services::postgres::Postgres as Server;
use tower_trusted_app::application::KeyState;
use tower_trusted_app::keys::CachedRegistry;
use tower_trusted_app::registry::RegistryError;
use tower_trusted_app::{ApplicationRegistry, KeyStore, UserDirectory, UserLookup};
use tracing::Level;
use trusted_app_sqlx::{
    DecisionFilter, Postgres, PostgresRegistry, SqlDirectory, SqlDirectoryError, SqlError,
};
use trusted_app_test::TestIdentity;
use trusted_app_tests::log::Log;
use trusted_app_tests::wiki;

use crate::requests::{ask, forum, tracker, until, wiki_with};

/// What the crate's documentation grants an account that serves, and one that changes applications besides.
const SERVING: &str = "GRANT SELECT ON trusted_app_schema, trusted_app_application, trusted_app_key, \
                       trusted_app_generation, trusted_app_change TO serving, changing; \
                       GRANT INSERT ON trusted_app_decision TO serving, changing; \
                       GRANT SELECT ON trusted_app_decision TO serving, changing;";
const CHANGING: &str = "GRANT INSERT, UPDATE, DELETE ON trusted_app_application, trusted_app_key TO changing; \
                        GRANT UPDATE ON trusted_app_generation TO changing; \
                        GRANT INSERT ON trusted_app_change TO changing;";

/// The URL of a database with the wiki in it, and these accounts: `serving`, `changing`, `nothing` and `still`, which owns
/// nothing but is let do everything, in transactions that only read.
async fn database(server: &Server) -> (String, PostgresRegistry) {
    let database = server.database();
    let owner = PostgresRegistry::connect(&database).await.unwrap();
    owner.add(wiki_with(KeyState::Active, None), "alice").await.unwrap();
    let accounts = "CREATE ROLE serving LOGIN; CREATE ROLE changing LOGIN; CREATE ROLE nothing LOGIN; \
                    CREATE ROLE still LOGIN SUPERUSER; ALTER ROLE still SET default_transaction_read_only = on; \
                    CREATE TABLE account (login TEXT, active BOOLEAN); INSERT INTO account VALUES ('alice', true); \
                    GRANT SELECT ON account TO serving;";
    for sql in [accounts, SERVING, CHANGING] {
        drop(server.sql(&database, sql));
    }
    (database, owner)
}

fn of(account: &str, database: &str) -> String {
    database.replace("postgres@", &format!("{account}@"))
}

/// What an error says, to people and to programs, with all that it has as its source.
#[track_caller]
fn said(error: &(dyn std::error::Error + 'static)) -> String {
    let mut chain = vec![format!("{error} {error:?}")];
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
        chain.push(format!("{error} {error:?}"));
    }
    let text = chain.join(" ");
    assert!(!text.contains("at line") && !text.contains("line:") && !text.contains(".c"), "{text}");
    text
}

#[track_caller]
fn assert_read_only<T: std::fmt::Debug>(outcome: Result<T, RegistryError>, parts: &[&str]) {
    let error = outcome.unwrap_err();
    let RegistryError::NotWritten(source) = &error else { panic!("{error:?}") };
    assert!(source.downcast_ref::<SqlError>().unwrap().is_read_only());
    let text = said(&error);
    for part in ["the change was not written: changing the applications: "].iter().chain(parts) {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// Everything that reads, and nothing that writes.
async fn assert_readable(registry: &PostgresRegistry) -> CachedRegistry {
    let wiki = TestIdentity::wiki();
    assert_eq!(registry.list(None, 10).await.unwrap().len(), 1);
    assert!(registry.get(wiki.id()).await.unwrap().is_some());
    assert!(registry.application(wiki.id()).await.unwrap().is_some());
    assert_eq!(registry.changes(0, 10).await.unwrap().len(), 1);
    assert_eq!(registry.last_change().await.unwrap(), 1);
    assert!(registry.decisions(&DecisionFilter::default(), 10).await.unwrap().is_empty());
    let users =
        SqlDirectory::new(registry.pool().clone(), "SELECT login, active FROM account WHERE login = $1");
    assert!(matches!(users.user(&self::wiki(), "alice").await.unwrap(), UserLookup::Found(_)));
    let keys = CachedRegistry::builder(registry.clone())
        .changes(registry.listen())
        .poll_interval(Duration::from_millis(100))
        .open()
        .await
        .unwrap();
    assert_eq!(ask(&tracker(keys.clone()), &wiki).await, StatusCode::OK);
    keys
}

#[tokio::test]
async fn what_may_only_be_read_is_served_and_a_change_says_why_it_is_refused() {
    let Some(server) = Server::start() else { return };
    let (database, owner) = database(&server).await;
    for (account, parts) in [
        (
            "serving",
            &["permission denied for table trusted_app_", "(SQLSTATE 42501); grant this account SELECT, "],
        ),
        (
            "still",
            &[
                "cannot execute ",
                "(SQLSTATE 25006); connect to the primary server, with an account that does ",
            ],
        ),
    ] {
        let registry = PostgresRegistry::connect(&of(account, &database)).await.unwrap();
        let keys = assert_readable(&registry).await;
        assert_read_only(registry.add(forum(), "bob").await, parts);
        assert_read_only(registry.update(wiki_with(KeyState::Active, None), 1, "bob").await, parts);
        assert_read_only(registry.remove(TestIdentity::wiki().id(), 1, "bob").await, parts);
        assert_eq!(registry.last_change().await.unwrap(), 1);
        drop(keys);
    }
    // Their notifications come all the same.
    let registry = PostgresRegistry::connect(&of("serving", &database)).await.unwrap();
    let keys = assert_readable(&registry).await;
    owner.add(forum(), "alice").await.unwrap();
    until("in force", async || keys.get(forum().id()).unwrap().is_some()).await;
}

#[tokio::test]
async fn an_account_with_the_documented_rights_changes_applications() {
    let Some(server) = Server::start() else { return };
    let (database, _owner) = database(&server).await;
    let registry = PostgresRegistry::connect(&of("changing", &database)).await.unwrap();
    registry.add(forum(), "bob").await.unwrap();
    registry.update(wiki_with(KeyState::Active, None), 1, "bob").await.unwrap();
    registry.remove(forum().id(), 1, "bob").await.unwrap();
    assert_eq!(registry.last_change().await.unwrap(), 4);
}

#[tokio::test]
async fn a_schema_that_is_not_there_or_ahead_is_named_with_the_right_that_is_missing() {
    let Some(server) = Server::start() else { return };
    let (database, _owner) = database(&server).await;
    let empty = server.database();
    let create = "CREATE on the schema";
    let primary = "connect to the primary server";
    for (account, database, back, parts) in [
        (
            "serving",
            &empty,
            "",
            ["there is no schema, and this program needs version 1", "creating the schema: ", create],
        ),
        (
            "still",
            &empty,
            "",
            ["there is no schema, and this program needs version 1", "(SQLSTATE 25006)", primary],
        ),
        (
            "changing",
            &database,
            "DELETE FROM trusted_app_schema",
            ["there is no schema, and this program needs version 1", "creating the schema: ", create],
        ),
        (
            "still",
            &database,
            "",
            ["there is no schema, and this program needs version 1", "(SQLSTATE 25006)", primary],
        ),
        (
            "nothing",
            &database,
            "",
            [
                "reading the schema's version: ",
                "permission denied for table trusted_app_schema",
                "grant this account SELECT",
            ],
        ),
        (
            "serving",
            &database,
            "INSERT INTO trusted_app_schema VALUES (1), (99)",
            ["the schema has version 99", "this program knows 1", "update the program"],
        ),
    ] {
        if !back.is_empty() {
            drop(server.sql(database, back));
        }
        let error = PostgresRegistry::connect(&of(account, database)).await.unwrap_err();
        assert!(matches!(error, RegistryError::Unavailable(_)), "{error:?}");
        let text = said(&error);
        for part in parts {
            assert!(text.contains(part), "{account}, {part}: {text}");
        }
    }
}

#[tokio::test]
async fn a_query_for_users_that_is_refused_says_which() {
    let Some(server) = Server::start() else { return };
    let (database, _owner) = database(&server).await;
    let pool = PoolOptions::<Postgres>::new().connect(&of("nothing", &database)).await.unwrap();
    let users = SqlDirectory::new(pool, "SELECT login, active FROM account WHERE login = $1");
    let error = users.user(&wiki(), "alice").await.unwrap_err();
    let SqlDirectoryError::Database(refused) = &error else { panic!("{error:?}") };
    assert_eq!(refused.code(), Some("SQLSTATE 42501"));
    let text = said(&error);
    assert!(
        text.contains("finding a user: permission denied for table account (SQLSTATE 42501); grant"),
        "{text}"
    );
}

#[tokio::test]
async fn a_hot_standby_is_served_from_by_polling_and_says_so_once() {
    let Some(server) = Server::start() else { return };
    let (database, owner) = database(&server).await;
    let standby = server.standby();
    let log = Log::start();
    let registry = PostgresRegistry::connect(&standby.url(&database)).await.unwrap();
    let keys = assert_readable(&registry).await;
    let parts = ["in a read-only transaction (SQLSTATE 25006); connect to the primary server"];
    assert_read_only(registry.add(forum(), "bob").await, &parts);

    owner.add(forum(), "alice").await.unwrap();
    until("in force", async || keys.get(forum().id()).unwrap().is_some()).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let warnings: Vec<_> = log.take().into_iter().filter(|record| record.level <= Level::WARN).collect();
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    assert_eq!(warning.message, "changes are noticed by polling alone");
    assert!(warning.fields["error"].contains("standby"), "{warning:?}");
    assert_eq!(keys.status().last_error, None);

    standby.promote();
    until("announced again", async || {
        log.take().iter().any(|record| record.message == "changes are announced again")
    })
    .await;
    registry.remove(forum().id(), 1, "bob").await.unwrap();
    until("in force", async || keys.get(forum().id()).unwrap().is_none()).await;
}
