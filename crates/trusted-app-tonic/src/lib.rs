//! [`tower_trusted_app`] for [tonic]: one layer on the server, one under the client's channel.
//!
//! ```
//! use tonic::{Code, Request};
//! use tonic_health::pb::HealthCheckRequest;
//! use tonic_health::pb::health_client::HealthClient;
//! use tonic_types::StatusExt;
//! use tower::Layer;
//! use trusted_app_tonic::conditions::{AddressRule, PathPattern, PathRule};
//! use trusted_app_tonic::{RequestExt, TrustedApplication, sign_layer};
//! use trusted_app_tonic::{keys::MemoryKeyStore, users::MemoryDirectory};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let wiki = trusted_app_test::TestIdentity::wiki().local().clone();
//! // What the wiki may do, and with which key it signs.
//! let trusted = TrustedApplication::builder(wiki.id().clone(), wiki.public_key().clone())
//!     .addresses(AddressRule::any())
//!     .paths(PathRule::only([PathPattern::rpc("grpc.health.v1.Health/Check")?]))
//!     .build()?;
//! let keys = MemoryKeyStore::new([trusted])?;
//! let users = MemoryDirectory::of_names(["alice"]);
//! let layer = trusted_app_tonic::layer_builder(keys, users, "https://tracker.example.com".parse()?).build()?;
//!
//! // The server. It would be `Server::builder().layer(layer).add_service(health)`, with any services.
//! let (_, health) = tonic_health::server::health_reporter();
//! let server = layer.layer(health);
//!
//! // An RPC that the wiki signs for alice is accepted. (Here the client calls the server in memory;
//! // else there is a channel between them.)
//! let signer = sign_layer(wiki, "https://tracker.example.com".parse()?);
//! let mut client = HealthClient::new(signer.layer(server.clone()));
//! let check = || Request::new(HealthCheckRequest::default());
//! assert!(client.check(check().acting_as("alice")).await.is_ok());
//!
//! // Another RPC is rejected, and so is one that nobody signed.
//! let status = client.watch(check().acting_as("alice")).await.unwrap_err();
//! assert_eq!(status.code(), Code::PermissionDenied);
//! assert_eq!(status.get_details_error_info().unwrap().reason, "BAD_URL");
//!
//! let status = HealthClient::new(server).check(check()).await.unwrap_err();
//! assert_eq!(status.code(), Code::Unauthenticated);
//! assert_eq!(status.get_details_error_info().unwrap().reason, "MISSING_CERT");
//! # Ok(())
//! # }
//! ```
//!
//! * **Rules** for RPCs are path patterns: [`PathPattern::rpc`](conditions::PathPattern::rpc) with
//!   `package.Service/Method` or `package.Service/*`. A method rule must allow `POST`, the only one
//!   that gRPC uses.
//! * **Health and reflection** need no signature with
//!   [`.skip(is_health_or_reflection)`](is_health_or_reflection).
//! * **Behind a proxy** the public URL is what the clients' signers have as origin, whatever the proxy
//!   makes of host, scheme, port or path prefix on the way.
//! * **On a port shared with axum** take [`GrpcOr`]; the example `shared-port` shows it.
//! * **Streams** are not touched by Seraph, which signs no body: the first message of a stream reaches the
//!   handler as it comes.
//! * **HTTP message signatures** (RFC 9421) bind the messages too: [`http_sign_layer`] on the client, and on the
//!   server [`.http_signatures(…)`](TrustedAppLayerBuilder::http_signatures) beside Seraph. A stream of the client's has
//!   no digest when it begins, and goes [unsigned](RequestExt::insecure_unsigned_body) or not at all.
//!
//! tonic's interceptors see neither path nor method, so that both sides are Tower layers.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod layer;
mod request;
mod sign;
mod status;

pub use layer::{is_health, is_health_or_reflection, is_reflection, layer_builder};
pub use request::RequestExt;
pub use sign::{Messages, http_sign_layer, not_sent, sign_layer};
pub use status::{ERROR_DOMAIN, GrpcOr, GrpcStatus, status_of};

#[doc(no_inline)]
pub use tower_trusted_app::{
    ApplicationId, BoxError, Caller, CallingApplication, HttpSignatures, KeyStore, KnownUser, LayerError,
    LocalApplication, ProblemJson, Protocol, PublicKey, Reject, Rejected, Rejection, ReplayStore, SignedUrl,
    SourceAddresses, TrustedAppLayer, TrustedAppLayerBuilder, TrustedApplication, UserDirectory, UserLookup,
    application, audit, client, conditions, crypto, httpsig, keys, reject_fn, replay, users,
};
