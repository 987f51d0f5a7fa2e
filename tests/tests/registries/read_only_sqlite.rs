//! SQLite files that cannot be written, in directories and on mounts that cannot be.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use http::StatusCode;
use sqlx_core::executor::Executor;
use sqlx_core::pool::{Pool, PoolOptions};
use sqlx_core::row::Row as _;
use sqlx_core::sql_str::AssertSqlSafe;
use sqlx_sqlite::Sqlite;
use tower_trusted_app::application::KeyState;
use tower_trusted_app::keys::CachedRegistry;
use tower_trusted_app::registry::RegistryError;
use tower_trusted_app::{ApplicationRegistry, KeyStore, UserDirectory, UserLookup};
use tracing::Level;
use trusted_app_sqlx::{DecisionFilter, SqlDirectory, SqliteRegistry, sqlite_options};
use trusted_app_test::TestIdentity;
use trusted_app_tests::log::Log;
use trusted_app_tests::wiki;

use crate::requests::{ask, forum, tracker, until, wiki_with};

/// Where the files are, for a run of a test as a user who may not write them.
const PLACE: &str = "TRUSTED_APP_TEST_READ_ONLY";

/// A database with the wiki and with users, and nothing beside it.
async fn make(path: &Path) {
    let registry = SqliteRegistry::open(path).await.unwrap();
    registry.add(wiki_with(KeyState::Active, None), "alice").await.unwrap();
    for sql in
        ["CREATE TABLE account (login TEXT, active BOOLEAN)", "INSERT INTO account VALUES ('alice', TRUE)"]
    {
        registry.pool().execute(sql).await.unwrap();
    }
    registry.pool().close().await;
    assert!(!beside(path, "-wal").exists(), "its log is left");
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Everything that reads, and nothing that writes.
async fn assert_readable(path: &Path) -> (SqliteRegistry, CachedRegistry) {
    let wiki = TestIdentity::wiki();
    let registry = SqliteRegistry::open(path).await.unwrap();
    assert_eq!(registry.list(None, 10).await.unwrap().len(), 1);
    assert!(registry.get(wiki.id()).await.unwrap().is_some());
    assert!(registry.application(wiki.id()).await.unwrap().is_some());
    assert_eq!(registry.changes(0, 10).await.unwrap().len(), 1);
    assert_eq!(registry.last_change().await.unwrap(), 1);
    assert!(registry.decisions(&DecisionFilter::default(), 10).await.unwrap().is_empty());
    let pool = PoolOptions::<Sqlite>::new().connect_with(sqlite_options(path)).await.unwrap();
    let users = SqlDirectory::new(pool, "SELECT login, active FROM account WHERE login = $1");
    assert!(matches!(users.user(&self::wiki(), "alice").await.unwrap(), UserLookup::Found(_)));
    let keys = CachedRegistry::builder(registry.clone())
        .changes(registry.watch(Duration::from_millis(10)))
        .poll_interval(Duration::from_millis(20))
        .open()
        .await
        .unwrap();
    assert_eq!(ask(&tracker(keys.clone()), &wiki).await, StatusCode::OK);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(keys.status().last_error, None);
    (registry, keys)
}

#[track_caller]
fn assert_read_only<T: std::fmt::Debug>(outcome: Result<T, RegistryError>, path: &Path) {
    let Err(RegistryError::NotWritten(error)) = &outcome else { panic!("{}: {outcome:?}", path.display()) };
    let text = error.to_string();
    let begins = format!("changing the applications in {}: ", path.display());
    assert!(text.starts_with(&begins) && text.contains("(SQLITE_"), "{text}");
    assert!(text.contains("mount it writable, and let this account write both"), "{text}");
}

async fn assert_only_readable(path: &Path) {
    let (registry, keys) = assert_readable(path).await;
    let wiki = TestIdentity::wiki();
    assert_read_only(registry.add(forum(), "bob").await, path);
    assert_read_only(registry.update(wiki_with(KeyState::Active, None), 1, "bob").await, path);
    assert_read_only(registry.remove(wiki.id(), 1, "bob").await, path);
    assert_eq!(registry.last_change().await.unwrap(), 1);
    keys.reload().await;
    assert_eq!(keys.status().last_error, None);
}

/// Runs the test of that name once more as a user who owns nothing, if we are root, to whom modes mean nothing.
fn run_unprivileged(test: &str, place: &Path) -> bool {
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if is_root {
        // It may stand where that user cannot look.
        let program = place.join("test");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        set_mode(&program, 0o755);
        let mut again = Command::new("setpriv");
        again.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
        let output = again.args(["--exact", test]).env(PLACE, place).current_dir("/").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said} {output:?}");
    }
    is_root
}

/// Directories with a `trust.db` each, that cannot be written.
async fn make_places(place: &Path) {
    let path = |name: &str| {
        fs::create_dir(place.join(name)).unwrap();
        place.join(name).join("trust.db")
    };
    let closed = path("closed");
    make(&closed).await;
    // As a backup is made.
    let rollback = path("rollback");
    let pool = Pool::<Sqlite>::connect_with(sqlite_options(&closed)).await.unwrap();
    pool.execute(AssertSqlSafe(format!("VACUUM INTO '{}'", rollback.display()))).await.unwrap();
    pool.close().await;
    fs::copy(&closed, path("writable")).unwrap();
    // While another program holds it open, and after a copy that forgot a file.
    for (name, suffixes) in [("open", &["", "-wal", "-shm"][..]), ("copied", &["", "-wal"])] {
        let (from, to) = (path(&format!("{name} from")), path(name));
        fs::copy(&closed, &from).unwrap();
        let registry = SqliteRegistry::open(&from).await.unwrap();
        registry.pool().execute("CREATE TABLE another (number INTEGER)").await.unwrap();
        for suffix in suffixes {
            fs::copy(beside(&from, suffix), beside(&to, suffix)).unwrap();
        }
        registry.pool().close().await;
        fs::remove_dir_all(from.parent().unwrap()).unwrap();
    }
    for name in ["closed", "rollback", "writable", "open", "copied"] {
        for file in fs::read_dir(place.join(name)).unwrap() {
            set_mode(&file.unwrap().path(), if name == "writable" { 0o666 } else { 0o444 });
        }
        set_mode(&place.join(name), 0o555);
    }
}

#[test]
fn a_file_that_cannot_be_written_is_read_and_a_change_says_so() {
    const NAME: &str = "read_only_sqlite::a_file_that_cannot_be_written_is_read_and_a_change_says_so";
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let check = async |place: &OsStr| {
        for name in ["closed", "rollback", "writable", "open"] {
            println!("{name}");
            assert_only_readable(&Path::new(place).join(name).join("trust.db")).await;
        }
        // Nothing tells what its log holds.
        let error = SqliteRegistry::open(Path::new(place).join("copied").join("trust.db")).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("reading the schema's version in "), "{text}");
        assert!(text.contains("(SQLITE_CANTOPEN); if its -wal holds changes, "), "{text}");
        // One that is not there cannot be made.
        let error = SqliteRegistry::open(Path::new(place).join("closed").join("new.db")).await.unwrap_err();
        assert!(
            error.to_string().contains("new.db: unable to open database file (SQLITE_CANTOPEN)"),
            "{error}"
        );
    };
    if let Some(place) = std::env::var_os(PLACE) {
        return runtime.block_on(check(&place));
    }
    let place = tempfile::tempdir().unwrap();
    set_mode(place.path(), 0o755);
    runtime.block_on(make_places(place.path()));
    if !run_unprivileged(NAME, place.path()) {
        runtime.block_on(check(place.path().as_os_str()));
    }
    for name in ["closed", "rollback", "writable", "open", "copied"] {
        set_mode(&place.path().join(name), 0o755);
    }
}

/// A directory, and where it can be seen but not written. Gone when it is dropped.
struct Mount(tempfile::TempDir, tempfile::TempDir);

impl Mount {
    fn new() -> Option<Self> {
        let mount = Self(tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let run = |args: &[&OsStr]| {
            Command::new("mount").args(args).output().is_ok_and(|output| output.status.success())
        };
        let [from, to] = [mount.0.path(), mount.1.path()].map(Path::as_os_str);
        let is_mounted =
            run(&["--bind".as_ref(), from, to]) && run(&["-o".as_ref(), "remount,bind,ro".as_ref(), to]);
        if !is_mounted {
            eprintln!(
                "SKIPPED: a mount that cannot be written: it takes root, and a container that lets it mount"
            );
        }
        is_mounted.then_some(mount)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.1.path()).output();
    }
}

#[tokio::test]
async fn on_a_mount_that_cannot_be_written_changes_made_elsewhere_are_seen() {
    let Some(mount) = Mount::new() else { return };
    let [written, read] = [&mount.0, &mount.1].map(|directory| directory.path().join("trust.db"));
    make(&written).await;
    let log = Log::start();
    assert_only_readable(&read).await;
    let (registry, keys) = assert_readable(&read).await;

    for number in 0..3 {
        let writer = SqliteRegistry::open(&written).await.unwrap();
        let version = writer.add(forum(), "alice").await.unwrap().version;
        until("in force", async || keys.get(forum().id()).unwrap().is_some()).await;
        assert_eq!(registry.list(None, 10).await.unwrap().len(), 2);
        writer.pool().close().await;
        assert_eq!(registry.list(None, 10).await.unwrap().len(), 2);

        let writer = SqliteRegistry::open(&written).await.unwrap();
        writer.remove(forum().id(), version, "alice").await.unwrap();
        writer.pool().close().await;
        until("out of force", async || keys.get(forum().id()).unwrap().is_none()).await;
        assert_eq!(registry.last_change().await.unwrap(), 3 + 2 * number);
        assert_read_only(registry.add(forum(), "bob").await, &read);
    }
    let polls = log.take().into_iter().filter(|record| {
        record.level == Level::WARN && record.message == "changes are noticed by polling alone"
    });
    assert!(polls.count() > 0);
}

#[tokio::test]
async fn opening_keeps_the_journal_that_a_file_has_and_each_commit_is_on_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trust.db");
    for (sets, journal) in [("PRAGMA user_version = 1", "wal"), ("PRAGMA journal_mode = delete", "delete")] {
        SqliteRegistry::open(&path).await.unwrap().pool().close().await;
        let alone = PoolOptions::<Sqlite>::new().max_connections(1);
        let pool = alone.connect_with(sqlite_options(&path)).await.unwrap();
        pool.execute(sets).await.unwrap();
        pool.close().await;
        let registry = SqliteRegistry::open(&path).await.unwrap();
        for (pragma, expected) in [
            ("PRAGMA journal_mode", journal),
            // FULL.
            ("SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous", "2"),
            ("SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys", "1"),
        ] {
            let row = registry.pool().fetch_one(pragma).await.unwrap();
            assert_eq!(row.get::<String, _>(0), expected, "{pragma}");
        }
        registry.pool().close().await;
    }
}
