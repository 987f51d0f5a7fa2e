//! Databases for one test each.

use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;
use trusted_app_sqlx::SqliteRegistry;

/// A directory for SQLite files, gone at the end of the test.
pub(crate) fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub(crate) async fn sqlite(directory: &TempDir) -> SqliteRegistry {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    SqliteRegistry::open(directory.path().join(format!("{number}.db"))).await.unwrap()
}
