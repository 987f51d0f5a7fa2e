//! Signing under a channel.

use std::error::Error as _;

use tonic::Status;
use tower_trusted_app::client::{self, Origin, SignLayer};

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
///     Err(status) => println!("refused, or failed: {status}"),
/// }
/// # Ok(())
/// # }
/// ```
pub fn sign_layer<G>(signer: G, origin: Origin) -> SignLayer<G> {
    SignLayer::new(signer).origin(origin)
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
