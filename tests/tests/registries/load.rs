//! Changes under load: not one good request fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;
use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::application::KeyState;
use tower_trusted_app::keys::CachedRegistry;
use trusted_app_sqlx::SqliteRegistry;
use trusted_app_test::TestIdentity;

use crate::requests::{Tracker, ask, forum, new_key, tracker, until, wiki_with};

/// Requests without a pause, by whichever key the wiki uses.
#[derive(Default)]
struct Load {
    has_rotated: AtomicBool,
    is_over: AtomicBool,
    answered: AtomicU64,
    /// How many senders have an answer under the new key.
    rotated: AtomicU64,
}

const SENDERS: u64 = 2;

async fn requests(load: Arc<Load>, tracker: Tracker) {
    let mut is_counted = false;
    while !load.is_over.load(Ordering::SeqCst) {
        let has_rotated = load.has_rotated.load(Ordering::SeqCst);
        let identity = if has_rotated { new_key() } else { TestIdentity::wiki() };
        assert_eq!(ask(&tracker, &identity).await, StatusCode::OK);
        load.answered.fetch_add(1, Ordering::SeqCst);
        if has_rotated && !is_counted {
            is_counted = true;
            load.rotated.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_reloads_and_a_rotation_fail_no_request() {
    let directory = tempfile::tempdir().unwrap();
    let registry = SqliteRegistry::open(directory.path().join("trust.db")).await.unwrap();
    registry.add(wiki_with(KeyState::Active, None), "alice").await.unwrap();
    let keys = CachedRegistry::builder(registry.clone())
        .changes(registry.watch(Duration::from_millis(5)))
        .poll_interval(Duration::from_millis(50))
        .open()
        .await
        .unwrap();
    let tracker = tracker(keys.clone()).remembered_signatures(16);
    let load = Arc::new(Load::default());
    let running: Vec<_> =
        (0..SENDERS).map(|_| tokio::spawn(requests(Arc::clone(&load), tracker.clone()))).collect();

    // Half of the reloads in full, half of them of one change.
    let mut version = 0;
    for number in 0..500 {
        keys.reload().await;
        match number % 2 {
            0 => version = registry.add(forum(), "alice").await.unwrap().version,
            _ => registry.remove(forum().id(), version, "alice").await.unwrap(),
        }
        let generation = registry.last_change().await.unwrap();
        until("reloaded", async || keys.status().generation >= generation).await;
    }

    // A rotation, as `KeyState` tells it: each step is in force before the next.
    let step = async |first, next, version| {
        registry.update(wiki_with(first, next), version, "alice").await.unwrap();
        let generation = registry.last_change().await.unwrap();
        until("in force", async || keys.status().generation >= generation).await
    };
    step(KeyState::Active, Some(KeyState::Next), 1).await;
    assert_eq!(ask(&tracker, &new_key()).await, StatusCode::UNAUTHORIZED, "a next key is not good yet");
    step(KeyState::Retiring, Some(KeyState::Active), 2).await;
    load.has_rotated.store(true, Ordering::SeqCst);
    until("rotated", async || load.rotated.load(Ordering::SeqCst) == SENDERS).await;
    let bound = step(KeyState::Revoked, Some(KeyState::Active), 3).await;
    assert_eq!(
        ask(&tracker, &TestIdentity::wiki()).await,
        StatusCode::UNAUTHORIZED,
        "a revoked key is refused"
    );
    assert_eq!(ask(&tracker, &new_key()).await, StatusCode::OK);

    load.is_over.store(true, Ordering::SeqCst);
    for one in running {
        one.await.expect("no request failed");
    }
    let answered = load.answered.load(Ordering::SeqCst);
    println!("{answered} requests during 1000 reloads and a rotation, none failed; revoked after {bound:?}");
    assert!(answered > 100, "{answered}");
}
