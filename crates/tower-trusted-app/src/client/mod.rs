//! The other side: a client that makes trusted requests, acting as its own users.
//!
//! [`SignLayer`] goes around any tower HTTP client. Each request says by an [`ActAs`] extension
//! which user it is made for, and leaves with the Seraph headers of that user, its URL and the
//! present time:
//!
//! ```
//! use http::{Request, Response};
//! use tower::{BoxError, Service, ServiceBuilder, ServiceExt};
//! use tower_trusted_app::client::{self, ActAs, SignLayer};
//! use trusted_app_core::LocalApplication;
//!
//! # async fn example<S>(identity: LocalApplication, http_client: S) -> Result<(), BoxError>
//! # where
//! #     S: Service<Request<String>, Response = Response<String>> + Clone,
//! #     S::Error: Into<BoxError>,
//! # {
//! let mut client = ServiceBuilder::new().layer(SignLayer::new(identity)).service(http_client);
//!
//! let request = Request::get("https://tracker.example.com/rest/issues")
//!     .extension(ActAs::new("alice"))
//!     .body(String::new())?;
//!
//! match client.ready().await?.call(request).await {
//!     Ok(_response) => { /* what alice may see */ }
//!     // Not signed, and therefore not sent.
//!     Err(error) if error.is::<client::Error>() => eprintln!("{error}"),
//!     Err(error) => return Err(error),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`HttpSignLayer`] does the same by HTTP message signatures, for receivers that know them: those bind the
//! method and the body too, and no capture of a request is good for anything.
//!
//! # What leaves, and what does not
//!
//! * **With `ActAs`** a request leaves signed or not at all. Whatever prevents the signature fails
//!   the call with an [`Error`], to be had by downcasting the service's `BoxError`.
//! * **Without `ActAs`** a request passes unsigned. Seraph headers that already stand on it are
//!   removed: a service that passes on the requests it receives must not lend its own peers the
//!   identity of *its* caller. To act on for that caller, name it: `ActAs::new(caller.user_name())`.
//! * **What is signed is what is sent.** The host is put into lower case and the scheme's default
//!   port is dropped, in the request's URI and in its `Host` header alike, since servers rebuild the
//!   signed URL from what arrives. Path and query are signed as they stand, never re-encoded.
//!
//! # Where to put it
//!
//! Innermost, right around the client that sends. Then
//!
//! * a retry outside of it sends each attempt with a stamp of its own;
//! * a redirect followed outside of it is signed again for the same origin only. An [`ActAs`] belongs
//!   to the first origin it is signed for, and its clones with it; for any other origin the request
//!   is rejected. (`tower_http::follow_redirect` with its standard policy does not carry extensions
//!   to another origin: there the request arrives unsigned, as an anonymous one.)
//!
//! A client *below* that follows redirects on its own would carry the signed headers wherever it is
//! led: switch that off.

mod act_as;
mod body;
mod error;
mod http_sign;
mod layer;
mod origin;
mod reuse;
mod service;
mod target;

pub use act_as::ActAs;
pub use body::{FromBytes, InsecureUnsignedBody, Rebuild};
pub use error::Error;
pub use http_sign::{HttpSign, HttpSignFuture, HttpSignLayer};
pub use layer::SignLayer;
pub use origin::{Origin, OriginError};
pub use service::{ResponseFuture, Sign};
