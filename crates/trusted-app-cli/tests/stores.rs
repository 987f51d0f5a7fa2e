//! Every kind of store that `--store` names.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod program;
mod stage;

use std::fs;

#[cfg(unix)]
use program::Ran;
use program::run;
use serde_json::Value;
use stage::Stage;
#[cfg(unix)]
use test_services::postgres::Postgres;
#[cfg(unix)]
use tower_trusted_app::ApplicationRegistry as _;
#[cfg(unix)]
use trusted_app_sqlx::SqliteRegistry;
use trusted_app_test::TestIdentity;

#[test]
fn a_store_is_named_or_refused() {
    let named = |store: &str| run(["apps", "list", "--store", store], b"").failure().to_owned();
    assert_eq!(
        named("trust.db"),
        "--store: a store is sqlite:FILE, postgres://USER@HOST/DATABASE or file:FILE.toml"
    );
    assert_eq!(named("sqlite:"), "--store sqlite: names no file, as sqlite:trust.db does");
    assert!(run(["apps", "list"], b"").failure().contains("--store"));
    for url in
        ["postgres://x@127.0.0.1:1/y?sslMode=verify-full", "postgres://x@127.0.0.1:1/y?host=z&sslmod=require"]
    {
        assert!(named(url).contains("such as a misspelt `sslmode`; known are sslmode, "), "{}", named(url));
    }
    let nobody_listens = named("postgres://x@127.0.0.1:1/y").to_lowercase();
    assert!(nobody_listens.starts_with("--store postgres:…: "), "{nobody_listens}");
    assert!(nobody_listens.contains("connection refused"), "{nobody_listens}");
    let stage = Stage::new();
    fs::write(stage.directory.path().join("trust.db"), "no database at all, but a text of some length")
        .unwrap();
    assert!(stage.run("list").failure().contains("the registry is not available"), "no database");
}

#[test]
fn no_password_reaches_the_output() {
    let password = "tops3cret";
    for store in [
        format!("postgres://user:{password}@127.0.0.1:1/db"),
        format!("postgres://user:{password}@[broken/db"),
        format!("postgres://user:x?{password}@127.0.0.1:1/db"),
        format!("postgres://user:x?{password}=y@127.0.0.1:1/db"),
        format!("postgres://127.0.0.1:1/db?password={password}&sslmode=bogus"),
        format!("postgresql://user:{password}@127.0.0.1:1/db"),
        format!("postgers://user:{password}@127.0.0.1:1/db"),
    ] {
        for args in [
            vec!["apps", "list", "--store", &store],
            vec!["apps", "list", &store],
            vec!["apps", "list", "--stoer", &store],
            vec!["apps", "show", "--store", &store, &store],
        ] {
            let ran = run(args.iter().copied(), b"");
            assert_eq!(ran.status, 2, "{args:?} {ran:?}");
            let is_url_of_a_database = store.starts_with("postgres:") || store.starts_with("postgresql:");
            let is_named_as_a_store = args.contains(&"--store") && args[1] == "list";
            if is_url_of_a_database || is_named_as_a_store {
                assert!(!format!("{ran:?}").contains(password), "{args:?} {ran:?}");
            }
        }
    }
}

#[test]
fn on_a_file() {
    let stage = Stage::new();
    let file = stage.directory.path().join("apps.toml");
    let stage = Stage { store: format!("file:{}", file.display()), ..stage };
    assert!(
        stage
            .run("list")
            .failure()
            .ends_with("there is no such file; `request`, `apps add` and `apps import` make one")
    );
    stage.add_wiki();
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(stage.done("export"), text);
    assert!(!stage.done("show wiki").contains("created"), "a file does not say who wrote it");
    assert_eq!(stage.json("show wiki --json")["created"], Value::Null);
    assert_eq!(stage.done("list"), "ID    NAME  KEYS      CHANGED  BY\nwiki  Wiki  1 active\n");
    // A file keeps no versions: what a change tells is what the next look finds.
    assert!(stage.done("edit wiki --name Ours").starts_with("changed wiki\n"));
    let edited = stage.json("edit wiki --name Wiki --json");
    assert_eq!((&edited["version"], &edited["changed"]), (&1.into(), &Value::Null));
    assert_eq!(edited["before"], serde_json::json!({ "name": "Ours" }));
    assert_eq!(stage.done("edit wiki --name Wiki"), "wiki is as stated already\n");

    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let link = stage.directory.path().join("link.toml");
        symlink(&file, &link).unwrap();
        let linked =
            Stage { store: format!("file:{}", link.display()), directory: tempfile::tempdir().unwrap() };
        linked.done("edit wiki --timeout 5000ms");
        assert!(link.is_symlink() && fs::read_to_string(&file).unwrap().contains("timeout_ms = 5000\n"));
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o640, "its permissions stay");
    }

    // What is written by hand goes: that is said.
    fs::write(&file, format!("# ours\n{text}")).unwrap();
    let key = TestIdentity::stranger().local().public_key().to_base64();
    let rotated = stage.run(&format!("rotate wiki --spki {key}"));
    assert_eq!(rotated.status, 0, "{rotated:?}");
    assert!(
        rotated.stderr.starts_with("warning: comments in ") && rotated.stderr.ends_with("are not kept\n")
    );
    stage.done("rotate wiki --finish");
    assert!(fs::read_to_string(&file).unwrap().contains("state = \"revoked\""));
    assert_eq!(stage.done("remove wiki --yes"), "removed wiki\n");
    assert_eq!(fs::read_to_string(&file).unwrap(), "application = []\n");
    fs::write(&file, "[[application]]\nid = 'x'\n").unwrap();
    assert!(stage.run("list").failure().contains("apps.toml, line 1: application `x`: keys: missing"));
    let left: Vec<_> =
        fs::read_dir(stage.directory.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".tmp")), "{left:?}");
}

#[test]
fn of_several_changes_to_a_file_at_once_none_is_lost() {
    for _ in 0..5 {
        let stage = Stage::new();
        let file = stage.directory.path().join("apps.toml");
        let stage = Stage { store: format!("file:{}", file.display()), ..stage };
        let identities = [TestIdentity::wiki(), TestIdentity::tracker(), TestIdentity::stranger()];
        let (stage, documents) = (&stage, identities.map(|identity| stage.document(&identity)));
        std::thread::scope(|scope| {
            for document in &documents {
                scope.spawn(move || {
                    let add = || stage.run(&format!("add --document {document} --address any --path any"));
                    // Whoever comes second is told so, and tries again.
                    for _ in 0..20 {
                        let ran = add();
                        if ran.status == 0 {
                            return;
                        }
                        let is_late = ["in the meantime", "is being changed by"]
                            .iter()
                            .any(|why| ran.stderr.contains(why));
                        assert!(is_late, "{ran:?}");
                    }
                    panic!("{document}: 20 times too late");
                });
            }
        });
        assert_eq!(stage.json("list --json").as_array().unwrap().len(), 3);
    }
}

#[cfg(unix)]
#[test]
fn on_postgres() {
    let Some(server) = Postgres::start() else { return };
    let (stage, copy) = (Stage::new(), Stage::new());
    let stage = Stage { store: server.database(), ..stage };
    let copy = Stage { store: server.database(), ..copy };
    stage.add_wiki();
    stage.done("edit wiki --timeout 5000ms");
    let key = TestIdentity::stranger().local().public_key().to_base64();
    stage.done(&format!("rotate wiki --spki {key}"));
    let exported = stage.done("export");
    let file = copy.file("apps.toml", &exported);
    copy.done(&format!("import {file}"));
    assert_eq!(copy.done("export"), exported);
    assert_eq!(stage.json("list --json")[0]["version"], 3);
    assert_eq!(stage.done("remove wiki --yes"), "removed wiki\n");
}

/// What reads works, and what changes says why it does not and what to do.
#[cfg(unix)]
#[track_caller]
fn assert_only_readable(run: impl Fn(&[&str]) -> Ran, why: &[&str]) {
    for (args, shown) in [
        (&["apps", "list"][..], "wiki"),
        (&["apps", "show", "wiki"], "wiki"),
        (&["apps", "export"], "wiki"),
        (&["audit", "changes"], "carol"),
        (&["audit", "tail", "--json"], ""),
    ] {
        let ran = run(args);
        assert!(ran.status == 0 && ran.stdout.contains(shown), "{args:?}: {ran:?}");
    }
    for args in [&["apps", "edit", "wiki", "--name", "Ours"][..], &["apps", "remove", "wiki", "--yes"]] {
        let ran = run(args);
        for part in [&["the change was not written: changing the applications"], why].concat() {
            assert!(ran.failure().contains(part), "{args:?}, {part}: {ran:?}");
        }
        assert!(!ran.stderr.contains("at line"), "{ran:?}");
    }
}

#[cfg(unix)]
#[test]
fn on_postgres_over_an_account_that_may_only_read() {
    let Some(server) = Postgres::start() else { return };
    let stage = Stage { store: server.database(), ..Stage::new() };
    stage.add_wiki();
    let account = "CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader; \
                   CREATE ROLE still LOGIN SUPERUSER; ALTER ROLE still SET default_transaction_read_only = on";
    drop(server.sql(&stage.store, account));
    for (account, why) in [
        (
            "reader",
            ["permission denied for table trusted_app_", "(SQLSTATE 42501); grant this account SELECT, "],
        ),
        ("still", ["in a read-only transaction (SQLSTATE 25006)", "connect to the primary server"]),
    ] {
        let store = stage.store.replace("postgres@", &format!("{account}@"));
        let in_store = |args: &[&str]| run(args.iter().copied().chain(["--store", &store]), b"");
        assert_only_readable(in_store, &why);
    }
}

#[cfg(unix)]
#[test]
fn on_a_sqlite_file_that_cannot_be_written() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::process::Command;

    let read_only = tempfile::tempdir().unwrap();
    let place = read_only.path().join("trust.db");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let registry = SqliteRegistry::open(&place).await.unwrap();
        registry.add(TestIdentity::wiki().trusted().build().unwrap(), "carol").await.unwrap();
        // Takes its log away.
        registry.pool().close().await;
    });
    let program = read_only.path().join("trusted-app");
    fs::copy(env!("CARGO_BIN_EXE_trusted-app"), &program).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(read_only.path(), fs::Permissions::from_mode(0o555)).unwrap();

    // Modes mean nothing to root.
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let store = format!("sqlite:{}", place.display());
    let in_store = |args: &[&str]| {
        let mut command = match is_root {
            true => Command::new("setpriv"),
            false => Command::new(&program),
        };
        if is_root {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        }
        let output = command.args(args).args(["--store", &store]).current_dir("/").output().unwrap();
        Ran {
            status: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    };
    let why = [
        &*format!("in {}: attempt to write a readonly database (SQLITE_READONLY", place.display()),
        "mount it writable",
    ];
    assert_only_readable(in_store, &why);
    fs::set_permissions(read_only.path(), fs::Permissions::from_mode(0o755)).unwrap();
}
