//! Every registry passes the suites, by itself and behind the cache.

use test_services::postgres::Postgres;
use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::keys::{CachedRegistry, FileKeyStore, FileRegistry, MemoryRegistry};
use trusted_app_sqlx::{PostgresRegistry, SqliteRegistry};
use trusted_app_test::{key_store, registry};

async fn filled<R: ApplicationRegistry>(registry: R) -> R {
    for one in key_store::applications() {
        registry.add(one, "test").await.unwrap();
    }
    registry
}

async fn behind_the_cache<R: ApplicationRegistry>(empty: R) {
    behind_the_cache_as_it_is(filled(empty).await).await;
}

async fn behind_the_cache_as_it_is<R: ApplicationRegistry>(filled: R) {
    let cached = CachedRegistry::open(filled).await.unwrap();
    assert_eq!(
        (cached.status().skipped_count, cached.status().applications),
        (0, key_store::applications().len())
    );
    key_store::check(cached, &key_store::applications()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_memory() {
    registry::conformance(async || MemoryRegistry::new([]).unwrap()).await;
    let memory = async |applications| MemoryRegistry::new(applications).unwrap();
    key_store::conformance(memory).await;
    behind_the_cache(MemoryRegistry::new([]).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let number = std::sync::atomic::AtomicU32::new(0);
    let path = || {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        directory.path().join(format!("apps-{number}.toml"))
    };
    registry::conformance(async || FileRegistry::open(path()).unwrap()).await;
    behind_the_cache(FileRegistry::open(path()).unwrap()).await;

    // What is written is what a server reads, and what is there when it is opened again.
    let path = path();
    filled(FileRegistry::open(&path).unwrap()).await;
    key_store::check(FileKeyStore::open(&path).unwrap(), &key_store::applications()).await;
    behind_the_cache_as_it_is(FileRegistry::open(&path).unwrap()).await;
}

/// The second of two who opened the same file overwrites nothing, and says nothing that is not so.
#[tokio::test(flavor = "multi_thread")]
async fn two_who_change_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("apps.toml");
    let mut applications = key_store::applications().into_iter();
    let mut next = || applications.next().unwrap();
    FileRegistry::open(&path).unwrap().add(next(), "test").await.unwrap();

    let (first, second) = (FileRegistry::open(&path).unwrap(), FileRegistry::open(&path).unwrap());
    first.add(next(), "first").await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let lost = next();
    let refused = second.add(lost.clone(), "second").await.unwrap_err();
    assert!(refused.to_string().contains("changed in the meantime"), "{refused}");
    assert!(second.get(lost.id()).await.unwrap().is_none(), "it is not in the file");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);

    // It has seen what the first one did, and goes on from there.
    assert_eq!(second.list(None, 10).await.unwrap().len(), 2);
    second.add(lost, "second").await.unwrap();
    assert_eq!(second.list(None, 10).await.unwrap().len(), 3);
}

/// A server that could no longer read the file would go on with what it had, keys that were taken back among it.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_stays_whose_it_is() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("apps.toml");
    filled(FileRegistry::open(&path).unwrap()).await;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let is_root = chown(&path, Some(65534), Some(65534)).is_ok();
    let before = std::fs::metadata(&path).unwrap();

    let registry = FileRegistry::open(&path).unwrap();
    registry.remove(key_store::applications()[0].id(), 1, "test").await.unwrap();
    let after = std::fs::metadata(&path).unwrap();
    let access = |file: &std::fs::Metadata| (file.uid(), file.gid(), file.mode());
    assert_eq!(access(&after), access(&before));
    assert!(!is_root || after.uid() == 65534);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let registry = SqliteRegistry::open(directory.path().join("trust.db")).await.unwrap();
    behind_the_cache(registry).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_postgres() {
    let Some(server) = Postgres::start() else { return };
    let make = async || PostgresRegistry::connect(&server.database()).await.unwrap();
    registry::conformance(make).await;
    key_store::check(filled(make().await).await, &key_store::applications()).await;
    behind_the_cache(make().await).await;
}
