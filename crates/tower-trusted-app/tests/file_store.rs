//! The file store against what editors, deployments and Kubernetes do to a file.
//!
//! The poll interval is an hour wherever noticing the change is part of the test.

#![cfg(feature = "file")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tower_trusted_app::LocalApplication;
use tower_trusted_app::keys::{FileError, FileKeyStore, FileKeyStoreBuilder, FileRegistry};

const HOUR: Duration = Duration::from_secs(3600);

fn key(bits: u32) -> String {
    let text =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/certificate_document.json"));
    let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
    vectors["keys"][format!("pub-rsa{bits}")]["public_key_spki_b64"].as_str().unwrap().to_owned()
}

fn application(id: &str, name: &str, key: &str) -> String {
    format!(
        "[[application]]\nid = '{id}'\nname = '{name}'\nkeys = [{{ spki = '{key}' }}]\naddresses = 'any'\n\
         paths = 'any'\ninsecure_min_rsa_bits = 1024\n"
    )
}

/// Writes files with two applications, `first` and `last`.
struct Both {
    first: String,
    last: String,
}

impl Both {
    fn new() -> Self {
        Self { first: key(1024), last: key(4096) }
    }

    /// Both with this name.
    fn named(&self, name: &str) -> String {
        application("first", name, &self.first) + &application("last", name, &self.last)
    }
}

/// The names of `first`, `last` and, once more, `first`.
fn names(store: &FileKeyStore) -> [Option<String>; 3] {
    ["first", "last", "first"]
        .map(|id| store.get(&id.parse().unwrap()).map(|application| application.name().to_owned()))
}

fn has_loaded(store: &FileKeyStore, name: &str) -> bool {
    names(store).iter().all(|found| found.as_deref() == Some(name))
}

fn has_failed(store: &FileKeyStore, reason: &str) -> bool {
    store.status().last_error.is_some_and(|error| error.contains(reason))
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "waited in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A directory with `apps.toml` in it.
fn directory(content: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("apps.toml");
    fs::write(&path, content).unwrap();
    (directory, path)
}

fn watching(path: &Path) -> FileKeyStoreBuilder {
    FileKeyStore::builder(path).poll_interval(HOUR).settle_time(Duration::from_millis(20))
}

fn rename_over(path: &Path, content: &str) {
    let new = path.with_extension("new");
    fs::write(&new, content).unwrap();
    fs::rename(new, path).unwrap();
}

#[test]
fn a_file_renamed_over_the_old_one_is_noticed() {
    let both = Both::new();
    let (_directory, path) = directory(&both.named("0"));
    let store = watching(&path).open().unwrap();
    assert!(has_loaded(&store, "0"));
    for name in ["1", "2", "3"] {
        rename_over(&path, &both.named(name));
        wait_until(name, || has_loaded(&store, name));
    }
    assert_eq!(store.status().generation, 4);
    assert_eq!(store.status().last_error, None);
}

#[cfg(unix)]
#[test]
fn the_link_that_kubernetes_swaps_is_noticed() {
    use std::os::unix::fs::symlink;

    let both = Both::new();
    let directory = tempfile::tempdir().unwrap();
    let volume = directory.path();
    let publish = |version: &str| {
        let stamped = format!("..2026_11_23_{version}");
        fs::create_dir(volume.join(&stamped)).unwrap();
        fs::write(volume.join(&stamped).join("apps.toml"), both.named(version)).unwrap();
        symlink(&stamped, volume.join("..data_tmp")).unwrap();
        let previous = fs::read_link(volume.join("..data"));
        fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
        if let Ok(previous) = previous {
            fs::remove_dir_all(volume.join(previous)).unwrap();
        }
    };
    publish("0");
    symlink("..data/apps.toml", volume.join("apps.toml")).unwrap();

    let store = watching(&volume.join("apps.toml")).open().unwrap();
    for version in ["1", "2", "3"] {
        publish(version);
        wait_until(version, || has_loaded(&store, version));
        assert_eq!(store.status().last_error, None);
    }
}

#[test]
fn a_file_that_is_still_being_written_is_not_loaded() {
    let both = Both::new();
    let (_directory, path) = directory(&both.named("old"));
    let store = watching(&path).settle_time(Duration::from_millis(250)).open().unwrap();
    let written = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // In place and in pieces, one of which ends where `first` is complete and `last` missing.
            let (first, last) =
                (application("first", "new", &both.first), application("last", "new", &both.last));
            let pieces = [first, last].map(|text| text.into_bytes());
            let mut file = File::create(&path).unwrap();
            for piece in pieces.iter().flat_map(|text| text.chunks(text.len().div_ceil(6))) {
                file.write_all(piece).unwrap();
                thread::sleep(Duration::from_millis(25));
            }
            written.store(true, Ordering::SeqCst);
        });
        wait_until("the new applications", || {
            let found = names(&store).map(|name| name.expect("an application is missing"));
            let complete = written.load(Ordering::SeqCst);
            // Both old, both new, or the change came between two of the three look-ups.
            let found = found.join(" ");
            assert!(["old old old", "old old new", "old new new", "new new new"].contains(&found.as_str()));
            assert!(complete || found == "old old old", "loaded before it was written");
            found == "new new new"
        });
    });
    assert_eq!(store.status().generation, 2);
}

#[test]
fn an_invalid_file_keeps_the_old_applications() {
    let both = Both::new();
    let (_directory, path) = directory(&both.named("old"));
    let store = watching(&path).open().unwrap();
    let new = both.named("new");
    for (content, reason) in [
        (new.replace("addresses = 'any'", "addresses = 'all'"), "line 5: application `first`: addresses: "),
        (new.replace("'last'", "'first'"), "is taken"),
        (new.replace(&both.last, &both.first), "a key belongs to one application only"),
    ] {
        rename_over(&path, &content);
        wait_until(reason, || has_failed(&store, reason));
        assert!(has_loaded(&store, "old"));
        assert_eq!(store.status().generation, 1);
        assert!(matches!(store.reload(), Err(FileError::Invalid { .. })));
    }
    rename_over(&path, &new);
    wait_until("recovery", || has_loaded(&store, "new") && store.status().last_error.is_none());
}

#[test]
fn a_file_that_is_gone_keeps_the_old_applications() {
    let both = Both::new();
    let (_directory, path) = directory(&both.named("old"));
    let store = watching(&path).open().unwrap();
    fs::remove_file(&path).unwrap();
    wait_until("report", || has_failed(&store, "cannot read "));
    assert!(has_loaded(&store, "old"));
    assert!(matches!(store.reload(), Err(FileError::Unreadable { .. })));

    fs::write(&path, both.named("new")).unwrap();
    wait_until("recovery", || has_loaded(&store, "new") && store.status().last_error.is_none());
}

#[cfg(unix)]
#[test]
fn a_change_that_is_not_reported_is_found_by_polling() {
    // The content lies in a directory that nobody watches.
    let both = Both::new();
    let (_elsewhere, content) = directory(&both.named("old"));
    let linked = tempfile::tempdir().unwrap();
    let path = linked.path().join("apps.toml");
    std::os::unix::fs::symlink(&content, &path).unwrap();

    let polling = watching(&path).poll_interval(Duration::from_millis(50)).open().unwrap();
    let watching = watching(&path).open().unwrap();
    fs::write(&content, both.named("new")).unwrap();
    wait_until("polling", || has_loaded(&polling, "new"));
    assert!(has_loaded(&watching, "old"), "the test does not test polling");
}

#[test]
fn no_look_up_fails_while_the_file_is_loaded_again_and_again() {
    let both = Both::new();
    let (_directory, path) = directory(&both.named("0"));
    let store = watching(&path).open().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let look_up = || {
            let (mut look_ups, mut newest) = (0_u64, 0);
            while !done.load(Ordering::SeqCst) {
                for name in names(&store) {
                    let generation: u32 = name.expect("a look-up failed").parse().unwrap();
                    assert!(generation >= newest, "back from {newest} to {generation}");
                    newest = generation;
                    look_ups += 1;
                }
            }
            look_ups
        };
        let readers = [scope.spawn(look_up), scope.spawn(look_up)];
        for generation in 1..=1000 {
            rename_over(&path, &both.named(&generation.to_string()));
            if let Err(error) = store.reload() {
                done.store(true, Ordering::SeqCst);
                panic!("{error}");
            }
        }
        done.store(true, Ordering::SeqCst);
        for reader in readers {
            assert!(reader.join().unwrap() > 1000);
        }
    });
    assert!(has_loaded(&store, "1000"));
    assert!(store.status().generation >= 1001);
}

#[test]
fn a_file_must_be_valid_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("apps.toml");
    let error = FileKeyStore::open(&path).unwrap_err();
    assert!(matches!(error, FileError::Unreadable { .. }));
    assert!(error.to_string().starts_with(&format!("cannot read {}: ", path.display())), "{error}");

    fs::write(&path, "[[application]]\nid = 7").unwrap();
    assert_eq!(
        FileKeyStore::open(&path).unwrap_err().to_string(),
        format!("{}, line 2: application number 1: id: expected a string, found 7", path.display())
    );
}

#[test]
fn one_key_under_two_ids_is_refused() {
    let (_directory, path) = directory(&Both::new().named("old"));
    let both = ["one", "other"].map(|id| application(id, "", &key(2048))).concat();
    fs::write(&path, both).unwrap();
    for error in [FileKeyStore::open(&path).unwrap_err(), FileRegistry::open(&path).unwrap_err()] {
        assert!(error.to_string().contains("of application `other` already belongs to `one`"), "{error}");
    }
}

#[test]
fn our_own_id_and_key_are_refused() {
    // `wiki` with the key of 2048 bits.
    let wiki = LocalApplication::from_pem(include_str!("data/identity.pem")).unwrap();
    let (_directory, path) = directory(&Both::new().named("old"));
    let store = watching(&path).local(&wiki).open().unwrap();
    for (id, bits, reason) in [
        ("wiki", 4096, "the application id `wiki` is this server's own"),
        ("other", 2048, "of application `other` is this server's own"),
    ] {
        rename_over(&path, &application(id, "", &key(bits)));
        wait_until(reason, || has_failed(&store, reason));
        assert!(has_loaded(&store, "old"));
        assert!(matches!(watching(&path).local(&wiki).open(), Err(FileError::Conflict { .. })));
        assert!(watching(&path).open().is_ok());
    }
}
