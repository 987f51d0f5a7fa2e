//! The suites for registries and key stores.

use tower_trusted_app::registry::ApplicationRegistry;
use trusted_app_test::{key_store, registry};

use crate::database;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_is_a_registry() {
    let directory = database::directory();
    registry::conformance(async || database::sqlite(&directory).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_is_a_key_store() {
    let directory = database::directory();
    key_store::conformance(async |applications| {
        let registry = database::sqlite(&directory).await;
        for one in applications {
            registry.add(one, "test").await.unwrap();
        }
        registry
    })
    .await;
}
