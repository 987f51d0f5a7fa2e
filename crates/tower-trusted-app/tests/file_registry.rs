//! The registry in a file against files that cannot be replaced, or that something else changes.

#![cfg(feature = "file")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]

use std::error::Error as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tower_trusted_app::conditions::{AddressRule, PathRule};
use tower_trusted_app::crypto::PrivateKey;
use tower_trusted_app::keys::{FileChangeError, FileError, FileKeyStore, FileRegistry, parse_applications};
use tower_trusted_app::registry::{ApplicationRegistry, RegistryError};
use tower_trusted_app::{LocalApplication, TrustedApplication};

fn application(id: &str, bits: u32, rules: &str) -> String {
    let text =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/certificate_document.json"));
    let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
    let key = vectors["keys"][format!("pub-rsa{bits}")]["public_key_spki_b64"].as_str().unwrap();
    format!(
        "[[application]]\nid = '{id}'\nkeys = [{{ spki = '{key}' }}]\naddresses = 'any'\npaths = ['/rest']\n{rules}"
    )
}

fn parsed(text: &str) -> TrustedApplication {
    parse_applications(text).unwrap().applications.remove(0)
}

fn wiki() -> String {
    application("wiki", 2048, "")
}

fn forum() -> TrustedApplication {
    parsed(&application("forum", 4096, ""))
}

fn directory(content: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("apps.toml");
    fs::write(&path, content).unwrap();
    (directory, path)
}

/// The typed reason of a change that was not written.
#[track_caller]
fn reason<T: std::fmt::Debug>(outcome: Result<T, RegistryError>) -> FileChangeError {
    match outcome {
        Err(RegistryError::NotWritten(error)) => *error.downcast().unwrap(),
        other => panic!("{other:?}"),
    }
}

async fn ids(registry: &FileRegistry) -> Vec<String> {
    let all = registry.list(None, 10).await.unwrap();
    all.iter().map(|entry| entry.as_ref().unwrap().application.id().to_string()).collect()
}

/// Everything can be read, and says what the file has.
async fn is_as_it_was(registry: &FileRegistry, path: &Path, bytes: &[u8]) {
    assert_eq!(ids(registry).await, ["wiki"]);
    let entry = registry.get(&"wiki".parse().unwrap()).await.unwrap().unwrap().unwrap();
    assert_eq!((entry.version, entry.application.name()), (1, "wiki"));
    assert!(registry.get(forum().id()).await.unwrap().is_none());
    assert_eq!((registry.changes(0, 10).await.unwrap().len(), registry.last_change().await.unwrap()), (0, 0));
    assert_eq!(fs::read(path).unwrap(), bytes);
    let left: Vec<_> =
        fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["apps.toml"], "what was written beside it is gone");
}

/// No kind of change gets through, or leaves a trace.
async fn refuses_every_change(registry: &FileRegistry, path: &Path, cure: &str) {
    let bytes = fs::read(path).unwrap();
    let changed = parsed(&wiki()).to_builder().name("Wiki").build().unwrap();
    for outcome in [
        registry.add(forum(), "alice").await.map(drop),
        registry.update(changed, 1, "alice").await.map(drop),
        registry.remove(&"wiki".parse().unwrap(), 1, "alice").await,
    ] {
        let error = outcome.unwrap_err();
        assert!(error.to_string().starts_with("the change was not written: "), "{error}");
        assert!(error.to_string().contains(cure), "{error}");
        assert!(matches!(error, RegistryError::NotWritten(_)) && error.source().is_some());
        is_as_it_was(registry, path, &bytes).await;
    }
}

/// Runs `mount`, and undoes it at the end. `None` where that is not permitted.
struct Mounted(PathBuf);

impl Mounted {
    fn new(arguments: &[&str], at: &Path) -> Option<Self> {
        let mounted = Command::new("mount").args(arguments).arg(at).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(at.to_owned()));
        }
        eprintln!("SKIPPED: this account may not mount {arguments:?}");
        None
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_file_that_is_a_mount_of_its_own_stays_readable() {
    let (_directory, path) = directory(wiki());
    let text = path.to_str().unwrap().to_owned();
    let Some(mounted) = Mounted::new(&["--bind", &text], &path) else { return };
    let registry = FileRegistry::open(&path).unwrap();
    let cure = format!("mount the directory {} and not the file", path.parent().unwrap().display());
    refuses_every_change(&registry, &path, &cure).await;
    assert!(matches!(reason(registry.add(forum(), "alice").await), FileChangeError::Mount { .. }));

    // Without a restart.
    drop(mounted);
    registry.add(forum(), "alice").await.unwrap();
    assert_eq!(ids(&registry).await, ["forum", "wiki"]);
}

#[tokio::test]
async fn a_file_on_a_read_only_mount_stays_readable() {
    let directory = tempfile::tempdir().unwrap();
    let Some(mounted) = Mounted::new(&["-t", "tmpfs", "tmpfs"], directory.path()) else { return };
    let path = directory.path().join("apps.toml");
    fs::write(&path, wiki()).unwrap();
    let remount = |option: &str| {
        let status = Command::new("mount").args(["-o", option]).arg(directory.path()).status().unwrap();
        assert!(status.success());
    };
    remount("remount,ro");
    let registry = FileRegistry::open(&path).unwrap();
    refuses_every_change(&registry, &path, "mount the directory writable").await;
    remount("remount,rw");
    registry.add(forum(), "alice").await.unwrap();
    drop(mounted);
}

#[tokio::test]
async fn a_full_disk_leaves_the_file_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let options = ["-t", "tmpfs", "-o", "size=16k", "tmpfs"];
    let Some(mounted) = Mounted::new(&options, directory.path()) else { return };
    let path = directory.path().join("apps.toml");
    // Half of the four pages, so that what is new does not fit beside it.
    fs::write(&path, format!("{}# {}\n", wiki(), "x".repeat(8192))).unwrap();
    let registry = FileRegistry::open(&path).unwrap();
    let long = parsed(&application("forum", 4096, &format!("name = '{}'\n", "y".repeat(16000))));
    let bytes = fs::read(&path).unwrap();
    let error = reason(registry.add(long, "alice").await);
    assert!(matches!(error, FileChangeError::Full { .. }), "{error}");
    assert!(error.to_string().contains(&format!("free some in {}", directory.path().display())), "{error}");
    is_as_it_was(&registry, &path, &bytes).await;
    registry.add(forum(), "alice").await.unwrap();
    drop(mounted);
}

#[cfg(unix)]
#[tokio::test]
async fn a_directory_that_this_account_may_not_write_is_named() {
    use std::os::unix::fs::PermissionsExt;

    let (directory, path) = directory(wiki());
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(directory.path().join("probe"), "").is_ok() {
        eprintln!("SKIPPED: root may write in every directory");
        return;
    }
    let registry = FileRegistry::open(&path).unwrap();
    let cure = format!("the directory {} must be writable by this account", directory.path().display());
    refuses_every_change(&registry, &path, &cure).await;
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    registry.add(forum(), "alice").await.unwrap();
}

#[tokio::test]
async fn what_something_else_wrote_is_seen_and_not_lost() {
    let (_directory, path) = directory(wiki());
    let registry = FileRegistry::open(&path).unwrap();
    let edited = application("shop", 1024, "insecure_min_rsa_bits = 1024\n")
        + &application("wiki", 2048, "name = 'edited'\n");
    fs::write(&path, &edited).unwrap();

    let error = reason(registry.add(forum(), "alice").await);
    assert!(matches!(error, FileChangeError::Changed { .. }), "{error}");
    assert!(error.to_string().contains("was changed in the meantime and has been read again"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), edited);
    assert_eq!(ids(&registry).await, ["shop", "wiki"]);

    // What differs has a new version and stands in the log, so that caches and forms learn of it.
    let entry = registry.get(&"wiki".parse().unwrap()).await.unwrap().unwrap().unwrap();
    assert_eq!((entry.version, entry.application.name()), (2, "edited"));
    let mut changes = registry.changes(0, 10).await.unwrap();
    changes.sort_by(|one, other| one.id.cmp(&other.id));
    let told: Vec<_> =
        changes.iter().map(|one| (one.id.as_str(), one.before.is_some(), one.after.is_some())).collect();
    assert_eq!(told, [("shop", false, true), ("wiki", true, true)]);
    let outdated = registry.remove(&"wiki".parse().unwrap(), 1, "alice").await.unwrap_err();
    assert!(matches!(outdated, RegistryError::VersionConflict { found: 2, .. }), "{outdated}");

    registry.add(forum(), "alice").await.unwrap();
    assert_eq!(ids(&registry).await, ["forum", "shop", "wiki"]);
    // Taken out by hand.
    fs::write(&path, wiki()).unwrap();
    assert!(matches!(reason(registry.add(forum(), "alice").await), FileChangeError::Changed { .. }));
    assert_eq!(ids(&registry).await, ["wiki"]);
}

#[tokio::test]
async fn a_file_that_was_spoilt_in_the_meantime_locks_changes_and_not_reading() {
    let (_directory, path) = directory(wiki());
    let registry = FileRegistry::open(&path).unwrap();
    let whole = wiki();
    for (bytes, expected) in [
        (b"".to_vec(), "lists no application any more"),
        (b"# comment\n".to_vec(), "lists no application any more"),
        (whole.as_bytes()[..60].to_vec(), "if it was cut"),
        (b"x = 1".to_vec(), "unknown key `x`"),
        (b"id = '\xff'".to_vec(), "byte 6 is not UTF-8"),
    ] {
        fs::write(&path, &bytes).unwrap();
        let error = reason(registry.add(forum(), "alice").await);
        assert!(matches!(error, FileChangeError::Unusable { .. }), "{error}");
        assert!(error.to_string().contains("changed in the meantime and cannot be used"), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        is_as_it_was(&registry, &path, &bytes).await;
    }
    fs::remove_file(&path).unwrap();
    let error = reason(registry.add(forum(), "alice").await);
    assert!(matches!(error, FileChangeError::Unusable { reason: FileError::Unreadable { .. } }), "{error}");
    assert_eq!(ids(&registry).await, ["wiki"]);

    // In order again: the same bytes need no second look.
    fs::write(&path, &whole).unwrap();
    registry.add(forum(), "alice").await.unwrap();
    assert_eq!(ids(&registry).await, ["forum", "wiki"]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_that_is_still_being_written_is_not_replaced() {
    let (_directory, path) = directory(wiki());
    let registry = FileRegistry::open(&path).unwrap();
    let mut writer = fs::OpenOptions::new().append(true).open(&path).unwrap();
    let error = reason(registry.add(forum(), "alice").await);
    assert!(
        error.to_string().contains(&format!("is being changed by process {} (", std::process::id())),
        "{error}"
    );
    writer.write_all(b"name = 'Wiki'\n").unwrap();
    // Not even taken over as it is.
    assert!(matches!(
        reason(registry.add(forum(), "alice").await),
        FileChangeError::Busy { writer: Some(_), .. }
    ));
    drop(writer);
    assert!(matches!(reason(registry.add(forum(), "alice").await), FileChangeError::Changed { .. }));
    registry.add(forum(), "alice").await.unwrap();
}

/// The last one that is removed leaves a file that says so, which a store loads.
#[tokio::test]
async fn none_is_written_so_that_it_is_loaded() {
    let (_directory, path) = directory(wiki());
    let store = FileKeyStore::open(&path).unwrap();
    let registry = FileRegistry::open(&path).unwrap();
    registry.remove(&"wiki".parse().unwrap(), 1, "alice").await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "application = []\n");
    store.reload().unwrap();
    assert!(store.get(&"wiki".parse().unwrap()).is_none());
}

/// As Windows editors write it.
#[tokio::test]
async fn utf16_and_other_line_ends_are_read() {
    let text = format!("# Müller\r\n{}", wiki().replace('\n', "\r\n"));
    let utf16: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for bytes in [text.clone().into_bytes(), [b"\xef\xbb\xbf", text.as_bytes()].concat(), utf16] {
        let (_directory, path) = directory(&bytes);
        FileKeyStore::open(&path).unwrap();
        let registry = FileRegistry::open(&path).unwrap();
        assert!(registry.has_comments().await);
        // The bytes are those that were read, so it was not changed in the meantime.
        registry.add(forum(), "alice").await.unwrap();
        assert_eq!(ids(&registry).await, ["forum", "wiki"]);
    }
}

#[tokio::test]
async fn our_own_id_is_refused_in_the_file_and_in_changes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("apps.toml");
    let key =
        PrivateKey::from_pkcs8_pem(include_str!("../../trusted-app-core/tests/data/private-key-2048.pem"))
            .unwrap();
    let ours = LocalApplication::new("tracker".parse().unwrap(), key);
    let own = TrustedApplication::builder("tracker".parse().unwrap(), ours.public_key().clone())
        .addresses(AddressRule::any())
        .paths(PathRule::any())
        .build()
        .unwrap();
    let registry = FileRegistry::open(&path).unwrap().local(&ours).unwrap();
    assert!(matches!(registry.add(own.clone(), "alice").await, Err(RegistryError::Conflict(_))));
    FileRegistry::open(&path).unwrap().add(own, "alice").await.unwrap();
    assert!(FileRegistry::open(&path).unwrap().local(&ours).is_err());
}
