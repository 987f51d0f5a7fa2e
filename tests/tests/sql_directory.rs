//! The user directory over tables, against a real SQLite file.

use std::sync::atomic::{AtomicU32, Ordering};

use http::Request;
use sqlx_core::pool::Pool;
use sqlx_sqlite::Sqlite;
use tempfile::TempDir;
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::seraph::Code;
use tower_trusted_app::users::names::{Exact, LowerCase, NameFold, NameTable, Nfc, StripDomain};
use tower_trusted_app::users::{CachedDirectory, RuleList, UserDirectoryExt, check_rule_names};
use tower_trusted_app::{ActAsPolicy, BoxError, TrustedAppLayer, UserDirectory, UserLookup};
use trusted_app_sqlx::{SqlDirectory, SqlDirectoryError, sqlite_options};
use trusted_app_test::user_directory::{self, People};
use trusted_app_tests::domain::InDomain;
use trusted_app_tests::exchange::send;
use trusted_app_tests::{URL, public_url, sign, wiki};

const TABLES: [&str; 2] = [
    "CREATE TABLE account (login TEXT COLLATE NOCASE, folded TEXT, active BOOLEAN, mail TEXT, visits INTEGER)",
    "CREATE TABLE membership (login TEXT, group_name TEXT)",
];
const USERS: &str = "SELECT login, active, mail, visits FROM account WHERE login = $1";
const FOLDED_USERS: &str = "SELECT login, active, mail, visits FROM account WHERE folded = $1";
const GROUPS: &str = "SELECT group_name FROM membership WHERE login = $1";

const GROUP_NAMES: &str = "SELECT group_name FROM membership WHERE lower(group_name) = lower($1)";

struct Tables {
    files: TempDir,
    number: AtomicU32,
}

impl Tables {
    fn new() -> Self {
        Self { files: tempfile::tempdir().unwrap(), number: AtomicU32::new(0) }
    }

    /// A database with these people in it.
    async fn of(&self, people: &People) -> Pool<Sqlite> {
        self.folded(people, &LowerCase).await
    }

    /// A database with these people in it, and with a column of folded names.
    async fn folded(&self, people: &People, fold: &dyn NameFold) -> Pool<Sqlite> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let options = sqlite_options(self.files.path().join(format!("{number}.db")));
        let pool = Pool::<Sqlite>::connect_with(options).await.unwrap();
        for table in TABLES {
            sqlx_core::query::query(table).execute(&pool).await.unwrap();
        }
        for (names, active) in [(&people.active, true), (&people.denied, false)] {
            for name in names {
                insert(&pool, name, &fold.fold(name), Some(active)).await;
                for group in people.groups_of(name) {
                    let insert = sqlx_core::query::query("INSERT INTO membership VALUES ($1, $2)");
                    insert.bind(name).bind(group).execute(&pool).await.unwrap();
                }
            }
        }
        pool
    }
}

async fn account(pool: &Pool<Sqlite>, name: &str, active: Option<bool>) {
    insert(pool, name, &name.to_lowercase(), active).await;
}

async fn insert(pool: &Pool<Sqlite>, name: &str, folded: &str, active: Option<bool>) {
    let insert = sqlx_core::query::query("INSERT INTO account VALUES ($1, $2, $3, NULL, 7)");
    insert.bind(name).bind(folded).bind(active).execute(pool).await.unwrap();
}

fn directory(pool: Pool<Sqlite>) -> SqlDirectory<Sqlite> {
    let users = SqlDirectory::new(pool, USERS).groups(GROUPS).group_names(GROUP_NAMES);
    users.administrator_groups(["admins"]).unwrap()
}

async fn answer(directory: &impl UserDirectory, name: &str) -> String {
    match directory.user(&wiki(), name).await.map_err(Into::<BoxError>::into) {
        Ok(UserLookup::Found(user)) if user.administrator => format!("{} (administrator)", user.name),
        Ok(UserLookup::Found(user)) => user.name.to_string(),
        Ok(UserLookup::Denied) => "(denied)".to_owned(),
        Ok(UserLookup::Unknown) => "(unknown)".to_owned(),
        Ok(UserLookup::Ambiguous) => "(ambiguous)".to_owned(),
        Ok(_) => panic!("{name}"),
        Err(error) => format!("(error) {error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conformance() {
    let tables = Tables::new();
    let make = async |people: People| directory(tables.of(&people).await);
    user_directory::conformance(make).await;
    user_directory::group_conformance(make).await;
    user_directory::group_conformance(async |people: People| CachedDirectory::new(make(people).await)).await;
    user_directory::conformance(async |people: People| make(people).await.folding(Exact)).await;
    let table = || NameTable::new([("someone", "else")]).unwrap();
    user_directory::group_conformance(async |people: People| make(people).await.rewriting(table())).await;
    let nowhere = || StripDomain::of(["nowhere.example"]);
    user_directory::conformance(async |people: People| make(people).await.rewriting(nowhere()).cached())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conformance_behind_each_fold() {
    let tables = Tables::new();
    macro_rules! run {
        ($($fold:expr),*) => {$(
            let make = async |people: People| {
                let pool = tables.folded(&people, &$fold).await;
                SqlDirectory::new(pool, FOLDED_USERS).groups(GROUPS).folding($fold)
            };
            user_directory::fold_conformance(&$fold, make).await;
        )*};
    }
    run!(LowerCase, Nfc, (Nfc, LowerCase));
    let in_domain = async |people: People| InDomain::new(directory(tables.of(&people).await));
    user_directory::group_conformance(in_domain).await;
}

#[tokio::test]
async fn who_is_an_administrator_and_who_may_not_log_in() {
    let tables = Tables::new();
    let pool = tables.of(&People::in_groups()).await;
    account(&pool, "null", None).await;
    account(&pool, "undecided", None).await;
    let users = directory(pool);
    assert_eq!(answer(&users, "alice").await, "alice (administrator)");
    assert_eq!(answer(&users, "bob").await, "bob");
    assert_eq!(answer(&users, "mallory").await, "(denied)");
    assert_eq!(answer(&users, "undecided").await, "(denied)", "NULL is not active");
    assert_eq!(answer(&users, "null").await, "(ambiguous)", "two rows, of which one may log in");
}

#[tokio::test]
async fn what_is_said_is_a_parameter() {
    let tables = Tables::new();
    let users = directory(tables.of(&People::odd()).await);
    for name in ["' OR 1=1 --", "$1", "alice' UNION SELECT 'root', 1 --", "alice\0", "\0", "%", "a%"] {
        let expected = if name == "%" { "%" } else { "(unknown)" };
        assert_eq!(answer(&users, name).await, expected, "{name:?}");
    }
    let Ok(UserLookup::Found(alice)) = users.user(&wiki(), "alice").await else { panic!("no alice") };
    assert_eq!(alice.user.columns, [None, Some("7".to_owned())]);
}

#[tokio::test]
async fn two_who_fold_to_one() {
    let tables = Tables::new();
    let pool = tables.of(&People::odd()).await;
    account(&pool, "Straße", Some(true)).await;
    let users = SqlDirectory::new(pool, FOLDED_USERS).folding(LowerCase);
    for (name, expected) in [
        ("ALICE", "(ambiguous)"),
        ("alice", "(ambiguous)"),
        ("STRASSE", "(unknown)"),
        ("straße", "(ambiguous)"),
        ("O'HARA", "o'hara"),
        ("domain\\DAVE", "DOMAIN\\dave"),
        ("Left The Company", "(denied)"),
        ("ZOË", "zo\u{eb}"),
    ] {
        assert_eq!(answer(&users, name).await, expected, "{name}");
    }
}

#[tokio::test]
async fn what_is_active() {
    let tables = Tables::new();
    let pool = tables.of(&People::odd()).await;
    for (flag, expected) in [
        ("TRUE", "alice"),
        ("FALSE", "(denied)"),
        ("1", "alice"),
        ("0", "(denied)"),
        ("NULL", "(denied)"),
        ("'yes'", "alice"),
        ("'Y '", "alice"),
        ("'T'", "alice"),
        ("'true'", "alice"),
        ("'1'", "alice"),
        ("'No'", "(denied)"),
        ("'n'", "(denied)"),
        ("'FALSE'", "(denied)"),
        ("'0'", "(denied)"),
    ] {
        let users =
            SqlDirectory::new(pool.clone(), format!("SELECT login, {flag} FROM account WHERE login = $1"));
        assert_eq!(answer(&users, "alice").await, expected, "{flag}");
    }
    for flag in ["2", "-1", "256", "''", "' yes'", "'2'", "'active'", "'disabled'", "x'01'", "1.0", "0.5"] {
        let users =
            SqlDirectory::new(pool.clone(), format!("SELECT login, {flag} FROM account WHERE login = $1"));
        let error = users.user(&wiki(), "alice").await.unwrap_err();
        assert!(matches!(error, SqlDirectoryError::ActiveFlag), "{flag}: {error}");
    }
}

#[tokio::test]
async fn groups_of_administrators_in_other_letters() {
    let tables = Tables::new();
    let pool = tables.of(&People::in_groups()).await;
    let users = |group: &str| directory(pool.clone()).administrator_groups([group]).unwrap();
    assert_eq!(answer(&users("Admins"), "alice").await, "alice (administrator)");
    assert_eq!(answer(&users("admin"), "alice").await, "alice");
}

#[tokio::test]
async fn a_group_of_administrators_that_no_table_can_have_is_refused() {
    let tables = Tables::new();
    let users = SqlDirectory::new(tables.of(&People::odd()).await, USERS).groups(GROUPS);
    for name in ["admins ", " admins", "", "admins\u{200b}", "mu\u{308}ller", "*"] {
        assert!(users.clone().administrator_groups([name]).is_err(), "{name:?}");
    }
    let refused = users.administrator_groups(["admins\t"]).unwrap_err().to_string();
    assert!(refused.ends_with("write `admins`"), "{refused}");
}

/// In other letters than the table's, or decomposed: for rules that refuse it is one name.
#[tokio::test]
async fn a_decomposed_group_of_administrators_is_one() {
    let tables = Tables::new();
    let pool = tables.of(&People::odd()).await;
    let users = SqlDirectory::new(pool, USERS).groups("SELECT 'mu\u{308}ller' WHERE $1 = 'alice'");
    let users = users.administrator_groups(["Müller"]).unwrap();
    assert_eq!(answer(&users, "alice").await, "alice (administrator)");
    assert_eq!(answer(&users, "bob").await, "bob");
}

#[tokio::test]
async fn names_in_rules_that_the_tables_do_not_have() {
    let tables = Tables::new();
    let users =
        directory(tables.of(&People::in_groups()).await).administrator_groups(["Admins", "root"]).unwrap();
    let policy =
        ActAsPolicy::anybody().deny_groups(["STAFF", "stuff"]).deny_users(["alice", "mallory", "alic"]);
    let application = wiki().to_builder().act_as(policy).build().unwrap();
    let problems = check_rule_names(&users, [&application]).await.unwrap();
    let names: Vec<_> = problems.iter().map(|problem| (problem.list, &*problem.name)).collect();
    assert_eq!(
        names,
        [
            (RuleList::AdministratorGroups, "root"),
            (RuleList::DeniedUsers, "alic"),
            (RuleList::DeniedGroups, "stuff"),
        ]
    );
    // Without the query for groups by name it cannot tell.
    let silent = SqlDirectory::new(tables.of(&People::in_groups()).await, USERS).groups(GROUPS);
    let problems = check_rule_names(&silent, [&application]).await.unwrap();
    assert_eq!(problems.iter().map(|problem| &*problem.name).collect::<Vec<_>>(), ["alic"]);
}

#[tokio::test]
async fn a_group_without_a_name() {
    let tables = Tables::new();
    // Padded, as PostgreSQL answers with a `CHAR(n)`: no rule about `admins` would be about it.
    for group in ["NULL", "'admins   '"] {
        let query = format!("SELECT {group} WHERE $1 = 'alice'");
        let users = directory(tables.of(&People::odd()).await).groups(query);
        let error = users.user(&wiki(), "alice").await.unwrap_err();
        assert!(matches!(error, SqlDirectoryError::GroupColumn), "{error}");
        assert_eq!(answer(&users, "bob").await, "bob");
    }
}

/// An outage, a query that is none, and one that answers with too little: 503, never 401, never a pass.
#[tokio::test]
async fn what_cannot_be_told() {
    let tables = Tables::new();
    let pool = tables.of(&People::odd()).await;
    let closed = tables.of(&People::odd()).await;
    closed.close().await;
    for users in [
        directory(closed),
        SqlDirectory::new(pool.clone(), "SELECT login, active FROM nowhere WHERE login = $1"),
        SqlDirectory::new(pool.clone(), "SELECT login FROM account WHERE login = $1"),
        SqlDirectory::new(pool.clone(), "SELECT login, 'perhaps' FROM account WHERE login = $1"),
        SqlDirectory::new(pool.clone(), "SELECT NULL, active FROM account WHERE login = $1"),
        directory(pool.clone()).groups("SELECT NULL WHERE $1 = 'alice'"),
        directory(pool.clone()).groups("this is no query"),
        SqlDirectory::new(pool, USERS).administrator_groups(["admins"]).unwrap(),
    ] {
        let said = answer(&users, "alice").await;
        assert!(said.starts_with("(error)"), "{users:?}: {said}");
        let layer = TrustedAppLayer::builder(MemoryKeyStore::new([wiki()]).unwrap(), users, public_url())
            .build()
            .unwrap();
        let request = sign(Request::get(URL).body(()).unwrap(), "alice");
        send(&layer, request).await.assert_refused(Code::Unavailable, 503);
    }
}
