//! Tower middleware that lets a **trusted application** act on behalf of another application's
//! users: the application signs a request and names a user, and the service answers as that user,
//! without that user logging in.
//!
//! It speaks the protocol of Atlassian's *trusted applications* (Seraph, version 3), byte for byte, and beside it
//! HTTP message signatures (RFC 9421), which also sign method and body:
//! [`TrustedAppLayerBuilder::http_signatures`], [`client::HttpSignLayer`].
//!
//! ```
//! use std::convert::Infallible;
//!
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_trusted_app::client::{ActAs, SignLayer};
//! use tower_trusted_app::conditions::{AddressRule, PathRule};
//! use tower_trusted_app::keys::MemoryKeyStore;
//! use tower_trusted_app::users::MemoryDirectory;
//! use tower_trusted_app::{Caller, LocalApplication, TrustedAppLayer, TrustedApplication};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! // The wiki has a private key ...
//! # let pem = include_str!("../tests/data/identity.pem");
//! let wiki = LocalApplication::from_pem(pem)?;
//!
//! // ... and the tracker knows the public one, and what the wiki may do with it.
//! let trusted = TrustedApplication::builder(wiki.id().clone(), wiki.public_key().clone())
//!     .addresses(AddressRule::any())
//!     .paths(PathRule::prefixes(["/rest"]))
//!     .build()?;
//! let keys = MemoryKeyStore::new([trusted])?;
//! let users = MemoryDirectory::of_names(["alice"]);
//! let layer = TrustedAppLayer::builder(keys, users, "https://tracker.example.com".parse()?).build()?;
//! let tracker = layer.layer(service_fn(|request: Request<Full<Bytes>>| async move {
//!     let caller = request.extensions().get::<Caller<()>>().expect("behind the layer");
//!     let text = format!("{} for {}", caller.application_id(), caller.user_name());
//!     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text))))
//! }));
//!
//! // A request that the wiki signs for alice is accepted ...
//! let client = SignLayer::new(wiki).layer(tracker.clone());
//! let request = Request::get("https://tracker.example.com/rest/issues")
//!     .extension(ActAs::new("alice"))
//!     .body(Full::default())?;
//! assert_eq!(client.clone().oneshot(request).await?.status(), StatusCode::OK);
//!
//! // ... and so is nothing else: not another path, not an unsigned request.
//! let elsewhere = Request::get("https://tracker.example.com/admin")
//!     .extension(ActAs::new("alice"))
//!     .body(Full::default())?;
//! assert_eq!(client.oneshot(elsewhere).await?.status(), StatusCode::FORBIDDEN);
//!
//! let unsigned = Request::get("https://tracker.example.com/rest/issues").body(Full::default())?;
//! assert_eq!(tracker.oneshot(unsigned).await?.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod audit;
mod authenticate;
mod body;
mod budget;
mod builder;
mod caller;
pub mod client;
mod clock;
mod context_path;
mod credential_headers;
#[cfg(feature = "axum-core")]
mod extract;

mod future;
mod http_signatures;
pub mod keys;
mod layer;
mod lookup;
mod reject;
pub mod replay;
mod report;
mod response;
mod service;
mod shared;
pub mod signed_url;
mod source;
mod target;
mod timeout;
mod two_texts;
pub mod users;
mod verdict;

pub use body::{BodyMode, Digested, SignedBody, SignedBodyError, Untouched};
pub use builder::{LayerError, TrustedAppLayerBuilder};
pub use caller::{Caller, CallerMissing, CallingApplication};
pub use clock::SystemClock;
pub use context_path::ContextPathError;
pub use credential_headers::CREDENTIAL_HEADERS;
pub use future::ResponseFuture;
pub use http_signatures::HttpSignatures;
pub use layer::{TrustedAppLayer, is_cors_preflight};
pub use reject::{ProblemJson, Reject, RejectFn, reject_fn};
pub use service::TrustedApp;
pub use signed_url::SignedUrl;
pub use source::SourceAddresses;
pub use target::OriginalTarget;

pub use trusted_app_core::{
    ActAsPolicy, ApplicationId, ApplicationRegistry, BoxError, Clock, KeyStore, KnownUser, LocalApplication,
    Protocol, PublicKey, Rejected, Rejection, ReplayStore, Scheme, Timestamp, TrustedApplication,
    UserDirectory, UserLookup, application, conditions, content, crypto, httpsig, identity, limits,
    permission, private_file, registry, rejection, seraph, store, text,
};
