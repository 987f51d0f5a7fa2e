//! Requests to a tracker whose applications come from a registry behind the cache.

use std::future::Future;
use std::time::{Duration, Instant};

use http::{Request, StatusCode};
use tower_trusted_app::application::{ApplicationKey, KeyState};
use tower_trusted_app::keys::CachedRegistry;
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{SystemClock, TrustedAppLayer, TrustedAppLayerBuilder, TrustedApplication};
use trusted_app_test::TestIdentity;
use trusted_app_tests::{URL, exchange, public_url};

pub type Tracker = TrustedAppLayerBuilder<CachedRegistry, MemoryDirectory<()>>;

pub fn tracker(keys: CachedRegistry) -> Tracker {
    TrustedAppLayer::builder(keys, MemoryDirectory::of_names(["alice"]), public_url())
}

/// The key of the tracker's other friend: the wiki signs with it once it has rotated.
pub fn new_key() -> TestIdentity {
    TestIdentity::stranger().with_id("wiki")
}

/// The wiki with its first key and its next, in these states.
pub fn wiki_with(first: KeyState, next: Option<KeyState>) -> TrustedApplication {
    let key = |identity: &TestIdentity, state| {
        ApplicationKey::from(identity.local().public_key().clone()).with_state(state)
    };
    let wiki = TestIdentity::wiki();
    let mut builder = TrustedApplication::builder(wiki.id().clone(), key(&wiki, first))
        .addresses(tower_trusted_app::conditions::AddressRule::any())
        .paths(tower_trusted_app::conditions::PathRule::prefixes(["/rest"]));
    if let Some(state) = next {
        builder = builder.key(key(&new_key(), state));
    }
    builder.build().unwrap()
}

/// Any other application, under a key of nobody's.
pub fn forum() -> TrustedApplication {
    trusted_app_test::key_store::applications().into_iter().find(|one| one.id().as_str() == "named").unwrap()
}

/// What a request that `identity` signs for alice is answered.
pub async fn ask(tracker: &Tracker, identity: &TestIdentity) -> StatusCode {
    let request = identity.sign(Request::get(URL).body(()).unwrap(), "alice", &SystemClock);
    exchange::send(tracker, request).await.response.status()
}

/// Waits until the condition holds, and says how long that took.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) -> Duration {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < Duration::from_secs(60), "still not: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    start.elapsed()
}
