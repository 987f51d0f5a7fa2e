//! A test kit for services and stores built on [`tower_trusted_app`].
//!
//! | to test | use |
//! |---|---|
//! | a handler, without cryptography | [`InsecureMockCallerLayer`] |
//! | a whole service, with requests that are really signed | [`TestIdentity`] and [`FixedClock`] |
//! | a store of your own | [`key_store`], [`registry`], [`user_directory`], [`replay_store`] |
//! | what happens when a store fails | [`FaultyKeyStore`], [`FaultyDirectory`], [`FaultyReplayStore`] |
//! | a middleware's readiness | [`UnreadyPanics`] |
//!
//! A handler on its own:
//!
//! ```
//! use axum::{Router, body::Body, http::Request, routing::get};
//! use tower::ServiceExt;
//! use trusted_app_axum::Caller;
//! use trusted_app_test::InsecureMockCallerLayer;
//!
//! async fn issues(caller: Caller<()>) -> String {
//!     format!("the issues of {}", caller.user_name())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let app = Router::new().route("/", get(issues)).layer(InsecureMockCallerLayer::acting_as("alice", ()));
//! let response = app.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
//! let body = axum::body::to_bytes(response.into_body(), 1024).await.unwrap();
//! assert_eq!(body, "the issues of alice");
//! # }
//! ```
//!
//! The whole service, at a time of the test's choosing:
//!
//! ```
//! use std::time::Duration;
//! use axum::{Router, body::Body, http::{Request, StatusCode}, routing::get};
//! use tower::ServiceExt;
//! use tower_trusted_app::{keys::MemoryKeyStore, users::MemoryDirectory};
//! use trusted_app_test::{FixedClock, TestIdentity};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (wiki, clock) = (TestIdentity::wiki(), FixedClock::default());
//! let keys = MemoryKeyStore::new([wiki.trusted().build()?])?;
//! let users = MemoryDirectory::of_names(["alice"]);
//! let layer = trusted_app_axum::layer_builder(keys, users, "https://tracker.test".parse()?).clock(clock.clone()).build()?;
//! let app = Router::new().route("/", get(|| async { "hello" })).layer(layer);
//!
//! let request = || Request::get("https://tracker.test/").body(Body::empty()).unwrap();
//! let signed = wiki.sign(request(), "alice", &clock);
//! assert_eq!(app.clone().oneshot(signed).await?.status(), StatusCode::OK);
//!
//! let old = wiki.sign(request(), "alice", &clock);
//! clock.advance(Duration::from_secs(11));
//! assert_eq!(app.oneshot(old).await?.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```
//!
//! Everything here panics with a text that says what is wrong: it belongs into `dev-dependencies`.
#![expect(clippy::panic, reason = "a test kit reports by panicking")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod clock;
mod fault;
mod identity;
pub mod key_store;
mod mock_caller;
pub mod registry;
pub mod replay_store;
mod unready;
pub mod user_directory;

pub use clock::FixedClock;
pub use fault::{Fault, FaultyDirectory, FaultyKeyStore, FaultyReplayStore};
pub use identity::TestIdentity;
pub use mock_caller::{InsecureMockCaller, InsecureMockCallerLayer};
pub use unready::UnreadyPanics;
