//! One server of several with one Redis, for the tests: `replay-node REDIS_URL KEY_PREFIX`.
//!
//! It prints the address that it serves, and ends with its standard input. It accepts each request once, by either
//! scheme.

use std::io::Read as _;
use std::time::Duration;

use axum::Router;
use tower_trusted_app::HttpSignatures;
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::users::MemoryDirectory;
use trusted_app_redis::RedisReplayStore;
use trusted_app_tests::once::Once;
use trusted_app_tests::public_url;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [redis, prefix] = arguments.as_slice() else { return Err("usage: replay-node URL PREFIX".into()) };
    let claims = RedisReplayStore::new(redis)?.key_prefix(prefix.as_str()).timeout(Duration::from_secs(10));
    let mut applications = Vec::new();
    for once in Once::BOTH {
        applications.push(once.trusted().timeout(Duration::from_secs(60)).build()?);
    }
    let keys = MemoryKeyStore::new(applications)?;
    let layer = trusted_app_axum::layer_builder(keys, MemoryDirectory::of_names(["alice"]), public_url())
        .replay_store(claims)
        .lookup_timeout(Duration::from_secs(20))
        .http_signatures(HttpSignatures::default())
        .build()
        .unwrap();
    let app = Router::new().fallback(async || "served").layer(layer);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let end = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    axum::serve(listener, app).with_graceful_shutdown(async { drop(end.await) }).await?;
    Ok(())
}
