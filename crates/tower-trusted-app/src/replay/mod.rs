//! Replay stores that need nothing else.
//!
//! An application that is registered with
//! [`replay_protection`](trusted_app_core::application::TrustedApplicationBuilder::replay_protection)
//! has each of the requests that it covers accepted once:
//!
//! ```
//! use std::convert::Infallible;
//!
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_trusted_app::conditions::{AddressRule, PathRule, ReplayProtection};
//! use tower_trusted_app::keys::MemoryKeyStore;
//! use tower_trusted_app::replay::MemoryReplayStore;
//! use tower_trusted_app::seraph::SigningRequest;
//! use tower_trusted_app::users::MemoryDirectory;
//! use tower_trusted_app::{Clock, LocalApplication, SystemClock, TrustedAppLayer, TrustedApplication};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! # let wiki = LocalApplication::from_pem(include_str!("../../tests/data/identity.pem"))?;
//! let trusted = TrustedApplication::builder(wiki.id().clone(), wiki.public_key().clone())
//!     .addresses(AddressRule::any())
//!     .paths(PathRule::prefixes(["/rest"]))
//!     .replay_protection(ReplayProtection::Every)
//!     .build()?;
//! let keys = MemoryKeyStore::new([trusted])?;
//! let users = MemoryDirectory::of_names(["alice"]);
//! let layer = TrustedAppLayer::builder(keys, users, "https://tracker.example.com".parse()?)
//!     .replay_store(MemoryReplayStore::default())
//!     .build()?;
//! let tracker = layer.layer(service_fn(async |_: Request<()>| {
//!     Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
//! }));
//!
//! let url = "https://tracker.example.com/rest/issues";
//! let mut request = Request::post(url).body(())?;
//! SigningRequest::new("alice", url, SystemClock.now()).sign(&wiki)?.apply(request.headers_mut());
//!
//! // The first is accepted, and whoever sends it again is not.
//! assert_eq!(tracker.clone().oneshot(request.clone()).await?.status(), StatusCode::OK);
//! assert_eq!(tracker.oneshot(request).await?.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```

mod boxed;
#[cfg(test)]
mod clock_walks;
mod horizon;
mod memory;

pub(crate) use boxed::BoxReplayStore;
pub use memory::{MemoryReplayStore, ReplayStoreFull};
