//! [`tower_trusted_app`] for [axum]: one layer, the extractors, and the routes of our own
//! certificate document and key directory.
//!
//! ```
//! use axum::http::{Request, StatusCode};
//! use axum::{Router, body::Body, routing::get};
//! use tower::ServiceExt;
//! use trusted_app_axum::conditions::{AddressRule, PathRule};
//! use trusted_app_axum::{Caller, application::TrustedApplication};
//! use trusted_app_axum::{keys::MemoryKeyStore, users::MemoryDirectory};
//! # use trusted_app_test::TestIdentity;
//!
//! #[derive(Clone)]
//! struct User {
//!     full_name: &'static str,
//! }
//!
//! async fn issues(caller: Caller<User>) -> String {
//!     format!("{}'s issues, for {}", caller.user().full_name, caller.application().name())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (wiki, clock) = (TestIdentity::wiki(), tower_trusted_app::SystemClock);
//! # let (wiki_id, wiki_key) = (wiki.id().clone(), wiki.local().public_key().clone());
//! // What the wiki may do, and with which key it signs.
//! let trusted = TrustedApplication::builder(wiki_id, wiki_key)
//!     .name("the wiki")
//!     .addresses(AddressRule::any())
//!     .paths(PathRule::prefixes(["/rest"]))
//!     .build()?;
//! let keys = MemoryKeyStore::new([trusted])?;
//! let users = MemoryDirectory::new([("alice", User { full_name: "Alice Adams" })]);
//!
//! let app = Router::new()
//!     .route("/rest/issues", get(issues))
//!     .route_layer(trusted_app_axum::layer_builder(keys, users, "https://tracker.example.com".parse()?).build()?);
//!
//! // A request that the wiki signed for alice is accepted ...
//! let request = Request::get("https://tracker.example.com/rest/issues").body(Body::empty())?;
//! # let request = wiki.sign(request, "alice", &clock);
//! let response = app.clone().oneshot(request).await?;
//! let body = axum::body::to_bytes(response.into_body(), 1024).await?;
//! assert_eq!(body, "Alice Adams's issues, for the wiki");
//!
//! // ... and one that nobody signed is rejected.
//! let request = Request::get("https://tracker.example.com/rest/issues").body(Body::empty())?;
//! assert_eq!(app.oneshot(request).await?.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```
//!
//! The [`manual`] says where to put the layer, and how it learns the peer's address. Handlers are
//! tested without any cryptography by the crate `trusted-app-test`.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod certificate;
mod key_directory;
mod layer;
pub mod manual;

pub use certificate::certificate_route;
pub use key_directory::{key_directory_route, key_directory_route_with};
pub use layer::layer_builder;

#[doc(no_inline)]
pub use tower_trusted_app::{
    ApplicationId, BoxError, Caller, CallerMissing, CallingApplication, HttpSignatures, KeyStore, KnownUser,
    LayerError, LocalApplication, ProblemJson, PublicKey, Reject, Rejected, Rejection, ReplayStore,
    SignedUrl, SourceAddresses, TrustedAppLayer, TrustedAppLayerBuilder, TrustedApplication, UserDirectory,
    UserLookup, application, audit, client, conditions, crypto, httpsig, is_cors_preflight, keys, reject_fn,
    replay, seraph, users,
};
