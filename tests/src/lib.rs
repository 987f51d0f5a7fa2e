//! What several of this package's tests share.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

pub mod counting_listener;
pub mod domain;
pub mod exchange;
pub mod foreign;
pub mod gate;
pub mod log;
pub mod once;
pub mod refusals;
pub mod tcp_proxy;

use http::Request;
use tower_trusted_app::conditions::PathRule;
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{
    LocalApplication, SignedUrl, SystemClock, TrustedAppLayer, TrustedAppLayerBuilder, TrustedApplication,
};
use trusted_app_test::TestIdentity;

/// What most tests ask the tracker for.
pub const URL: &str = "https://tracker.example.com/rest/issues";

/// The tracker's public URL.
#[must_use]
pub fn public_url() -> SignedUrl {
    "https://tracker.example.com".parse().unwrap()
}

/// The wiki, trusted with `/rest` from anywhere.
#[must_use]
pub fn wiki() -> TrustedApplication {
    TestIdentity::wiki().trusted().paths(PathRule::prefixes(["/rest"])).build().unwrap()
}

/// The wiki's own private key.
#[must_use]
pub fn wiki_identity() -> LocalApplication {
    TestIdentity::wiki().local().clone()
}

/// The layer, not built yet, of a tracker that trusts the wiki and knows alice.
pub fn tracker() -> TrustedAppLayerBuilder<MemoryKeyStore, MemoryDirectory<()>> {
    TrustedAppLayer::builder(
        MemoryKeyStore::new([wiki()]).unwrap(),
        MemoryDirectory::of_names(["alice"]),
        public_url(),
    )
}

/// A request signed now by the wiki.
#[must_use]
pub fn sign<B>(request: Request<B>, user: &str) -> Request<B> {
    TestIdentity::wiki().sign(request, user, &SystemClock)
}

/// The README's Rust blocks compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
