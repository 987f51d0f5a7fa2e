//! The user directory over tables, against a real PostgreSQL.
#![cfg(unix)]

use sqlx_core::pool::{Pool, PoolOptions};
use sqlx_postgres::Postgres;
use test_services::postgres::Postgres as Server;
use tower_trusted_app::users::names::{Exact, LowerCase, NameTable, StripDomain};
use tower_trusted_app::users::{CachedDirectory, UserDirectoryExt};
use tower_trusted_app::{UserDirectory, UserLookup};
use trusted_app_sqlx::{SqlDirectory, SqlDirectoryError};
use trusted_app_test::user_directory::{self, People};
use trusted_app_tests::wiki;

const TABLES: [&str; 2] = [
    "CREATE TABLE account (login TEXT, folded TEXT, active BOOLEAN, mail TEXT, visits INTEGER)",
    "CREATE TABLE membership (login TEXT, group_name TEXT)",
];
const USERS: &str = "SELECT login, active, mail, visits FROM account WHERE login = $1";
/// As loose as a careless query may be: what it finds too much is not taken.
const LOOSE_USERS: &str = "SELECT login, active, mail, visits FROM account WHERE folded = lower($1)";
const GROUPS: &str = "SELECT group_name FROM membership WHERE login = $1";
const GROUP_NAMES: &str = "SELECT group_name FROM membership WHERE lower(group_name) = lower($1)";

/// A database with these people in it.
async fn tables(server: &Server, people: &People) -> Pool<Postgres> {
    let pool = PoolOptions::new().max_connections(4).connect(&server.database()).await.unwrap();
    for table in TABLES {
        sqlx_core::query::query(table).execute(&pool).await.unwrap();
    }
    for (names, active) in [(&people.active, true), (&people.denied, false)] {
        for name in names {
            let insert = sqlx_core::query::query("INSERT INTO account VALUES ($1, $2, $3, NULL, 7)");
            insert.bind(name).bind(name.to_lowercase()).bind(active).execute(&pool).await.unwrap();
            for group in people.groups_of(name) {
                let insert = sqlx_core::query::query("INSERT INTO membership VALUES ($1, $2)");
                insert.bind(name).bind(group).execute(&pool).await.unwrap();
            }
        }
    }
    pool
}

#[tokio::test(flavor = "multi_thread")]
async fn conformance() {
    let Some(server) = Server::start() else { return };
    for query in [USERS, LOOSE_USERS] {
        let make = async |people: People| {
            SqlDirectory::new(tables(&server, &people).await, query)
                .groups(GROUPS)
                .group_names(GROUP_NAMES)
                .administrator_groups(["admins"])
                .unwrap()
        };
        user_directory::conformance(make).await;
        user_directory::group_conformance(make).await;
        user_directory::group_conformance(async |people: People| CachedDirectory::new(make(people).await))
            .await;
        user_directory::conformance(async |people: People| make(people).await.folding(Exact)).await;
        let table = || NameTable::new([("someone", "else")]).unwrap();
        user_directory::group_conformance(async |people: People| make(people).await.rewriting(table())).await;
        let nowhere = || StripDomain::of(["nowhere.example"]);
        let mapped = async |people: People| make(people).await.rewriting(nowhere()).cached();
        user_directory::conformance(mapped).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_folds_and_what_is_said() {
    let Some(server) = Server::start() else { return };
    let pool = tables(&server, &People::odd()).await;
    let users = SqlDirectory::new(pool.clone(), USERS);
    let Ok(UserLookup::Found(alice)) = users.user(&wiki(), "alice").await else { panic!("no alice") };
    assert_eq!(alice.user.columns, [None, Some("7".to_owned())]);
    for name in ["' OR 1=1 --", "$1", "alice' UNION SELECT 'root', TRUE, NULL, 1 --"] {
        assert!(matches!(users.user(&wiki(), name).await, Ok(UserLookup::Unknown)), "{name}");
    }
    let folded =
        SqlDirectory::new(pool, "SELECT login, active FROM account WHERE folded = $1").folding(LowerCase);
    assert!(matches!(folded.user(&wiki(), "ALICE").await, Ok(UserLookup::Ambiguous)));
    let Ok(UserLookup::Found(ohara)) = folded.user(&wiki(), "O'HARA").await else { panic!("no o'hara") };
    assert_eq!(&*ohara.name, "o'hara");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_active() {
    let Some(server) = Server::start() else { return };
    let pool = tables(&server, &People::odd()).await;
    let users = |flag: &str| {
        SqlDirectory::new(pool.clone(), format!("SELECT login, {flag} FROM account WHERE login = $1"))
    };
    for ty in ["BOOLEAN", "INT2", "INT4", "INT8", "TEXT", "VARCHAR", "CHAR(5)"] {
        for (value, active) in [("1", true), ("0", false)] {
            let flag = format!("'{value}'::{ty}");
            let answer = users(&flag).user(&wiki(), "alice").await.unwrap();
            let is_as_stated = match answer {
                UserLookup::Found(_) => active,
                UserLookup::Denied => !active,
                _ => false,
            };
            assert!(is_as_stated, "{flag}");
        }
        let null = users(&format!("NULL::{ty}")).user(&wiki(), "alice").await;
        assert!(matches!(null, Ok(UserLookup::Denied)), "{ty}");
    }
    for flag in ["2::INT2", "2::INT4", "-1::INT8", "'perhaps'", "1::NUMERIC", "1::FLOAT8", "now()"] {
        let error = users(flag).user(&wiki(), "alice").await.unwrap_err();
        assert!(matches!(error, SqlDirectoryError::ActiveFlag), "{flag}: {error}");
    }
    let nameless = users("TRUE").groups("SELECT NULL::TEXT WHERE $1 = 'alice'");
    let error = nameless.user(&wiki(), "alice").await.unwrap_err();
    assert!(matches!(error, SqlDirectoryError::GroupColumn), "{error}");
}

/// A server that is stopped cannot tell; started again, it can, without a restart of ours.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_an_error_and_heals() {
    let Some(server) = Server::start() else { return };
    let users = SqlDirectory::new(tables(&server, &People::odd()).await, USERS);
    assert!(matches!(users.user(&wiki(), "alice").await, Ok(UserLookup::Found(_))));
    server.stop();
    assert!(users.user(&wiki(), "alice").await.is_err());
    server.start_again();
    assert!(matches!(users.user(&wiki(), "alice").await, Ok(UserLookup::Found(_))));
}
