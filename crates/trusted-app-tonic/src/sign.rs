//! Signing under a channel.

use std::error::Error as _;

use bytes::Bytes;
use http_body_util::Full;
use tonic::Status;
use tonic::body::Body;
use tower_trusted_app::SystemClock;
use tower_trusted_app::client::{self, HttpSignLayer, Origin, Rebuild, SignLayer};
use tower_trusted_app::crypto::PrivateSignatureKey;

/// A [`SignLayer`] for a tonic channel, or any other service that sends RPCs to `origin`.
///
/// A generated client hands on only an RPC's path, and the channel adds the origin *inside*: so the
/// signer has to be told, and it must be the origin under which the channel reaches its server
/// (that of `Endpoint::origin` where it is set). Signed is `https://host/package.Service/Method`.
///
/// Which user an RPC is made for says [`RequestExt::acting_as`](crate::RequestExt::acting_as), or a
/// closure for all of them, [`SignLayer::acting_as`]. An RPC that names a user leaves signed or not
/// at all; one that names none leaves unsigned. A retry belongs outside of the signer: each attempt
/// then has a stamp of its own.
///
/// ```no_run
/// use tonic::transport::Channel;
/// use tonic_health::pb::HealthCheckRequest;
/// use tonic_health::pb::health_client::HealthClient;
/// use tower::Layer;
/// use trusted_app_tonic::{LocalApplication, RequestExt, not_sent, sign_layer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let wiki = LocalApplication::load("wiki.pem")?;
/// let channel = Channel::from_static("http://tracker.example.com:50051").connect_lazy();
/// let signer = sign_layer(wiki, "http://tracker.example.com:50051".parse()?);
/// let mut client = HealthClient::new(signer.layer(channel));
///
/// let request = tonic::Request::new(HealthCheckRequest::default()).acting_as("alice");
/// match client.check(request).await {
///     Ok(answer) => println!("{answer:?}"),
///     Err(status) if not_sent(&status).is_some() => println!("not signed, not sent: {status}"),
///     Err(status) => println!("rejected, or failed: {status}"),
/// }
/// # Ok(())
/// # }
/// ```
pub fn sign_layer<G>(signer: G, origin: Origin) -> SignLayer<G> {
    SignLayer::new(signer).origin(origin)
}

/// An [`HttpSignLayer`] for a tonic channel, or any other service that sends RPCs to `origin`: as
/// [`sign_layer`], but by HTTP message signatures (RFC 9421), which bind the messages too.
///
/// Signed are the method, the URL, the user, the length-prefixed messages and a nonce. What changes on the way is
/// not: `te`, `grpc-timeout` and `user-agent`. A retry belongs outside of the signer: each attempt then has a
/// nonce of its own.
///
/// **Streams.** A digest stands before what it covers, so the signer needs a request's messages before it leaves.
/// The one message of a unary or server-streaming RPC is there. A stream of the client's is rejected with
/// [`Error::StreamingBody`](client::Error::StreamingBody) as soon as it would have to be waited for, since its
/// next message may come only after the server's answer. Where client and server agree on that,
/// [`insecure_unsigned_body`](crate::RequestExt::insecure_unsigned_body) lets it pass. (A stream that is all
/// there, such as `tokio_stream::iter`, is signed as a whole.)
///
/// ```
/// use tonic::{Code, Request};
/// use tonic_health::pb::HealthCheckRequest;
/// use tonic_health::pb::health_client::HealthClient;
/// use tower::Layer;
/// use trusted_app_tonic::conditions::{AddressRule, PathPattern, PathRule};
/// use trusted_app_tonic::crypto::{PrivateSignatureKey, SignatureAlgorithm};
/// use trusted_app_tonic::{HttpSignatures, RequestExt, TrustedApplication, http_sign_layer};
/// use trusted_app_tonic::{keys::MemoryKeyStore, replay::MemoryReplayStore, users::MemoryDirectory};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519)?;
/// let trusted = TrustedApplication::signing_builder("wiki".parse()?, key.public_key().clone())
///     .addresses(AddressRule::any())
///     .paths(PathRule::only([PathPattern::rpc("grpc.health.v1.Health/*")?]))
///     .build()?;
/// let keys = MemoryKeyStore::new([trusted])?;
/// let users = MemoryDirectory::of_names(["alice"]);
/// let layer = trusted_app_tonic::layer_builder(keys, users, "https://tracker.example.com".parse()?)
///     .replay_store(MemoryReplayStore::new(100_000))
///     .http_signatures(HttpSignatures::default()).build()?;
/// let (_, health) = tonic_health::server::health_reporter();
/// let server = layer.layer(health); // in memory; else there is a channel between the two
///
/// let signer = http_sign_layer(key, "https://tracker.example.com".parse()?);
/// let mut client = HealthClient::new(signer.layer(server.clone()));
/// let check = || Request::new(HealthCheckRequest::default());
/// assert!(client.check(check().acting_as("alice")).await.is_ok());
///
/// // The server does not know bob, and whom it does not know it rejects.
/// let status = client.check(check().acting_as("bob")).await.unwrap_err();
/// assert_eq!(status.code(), Code::PermissionDenied);
/// assert_eq!(status.metadata().get("trusted-app-error").unwrap(), "forbidden");
/// # Ok(())
/// # }
/// ```
pub fn http_sign_layer(key: PrivateSignatureKey, origin: Origin) -> HttpSignLayer<SystemClock, Messages> {
    HttpSignLayer::new(key).origin(origin).rebuild()
}

/// How an [`http_sign_layer`] reads the messages of an RPC: those that are there, waiting for none.
#[derive(Debug, Clone, Copy)]
pub struct Messages;

impl Rebuild<Body> for Messages {
    const WAITS: bool = false;

    fn rebuild(bytes: Bytes) -> Body {
        Body::new(Full::new(bytes))
    }
}

/// Why an RPC was not signed and therefore not sent, if that is what a status says.
///
/// tonic gives such a status the code 2 (unknown), and the server never saw the RPC.
#[must_use]
pub fn not_sent(status: &Status) -> Option<&client::Error> {
    let mut source = status.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        source = error.source();
    }
    None
}
