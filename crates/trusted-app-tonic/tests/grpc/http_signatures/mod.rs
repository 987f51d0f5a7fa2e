//! RPCs that are signed by HTTP message signatures.

mod accepted;
mod refused;
mod streams;

use std::future::ready;
use std::sync::{Arc, LazyLock, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use issues_proto::issues_client::IssuesClient;
use tonic::Code;
use tonic::body::Body;
use tonic::transport::Channel;
use tonic_types::StatusExt;
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};
use tower_trusted_app::Digested;
use tower_trusted_app::client::{HttpSign, HttpSignLayer};
use tower_trusted_app::crypto::{PrivateSignatureKey, SignatureAlgorithm};
use tower_trusted_app::httpsig::SignaturePolicy;
use tower_trusted_app::keys::BoxKeyStore;
use tower_trusted_app::replay::MemoryReplayStore;
use tower_trusted_app::users::MemoryDirectory;
use trusted_app_test::FixedClock;
use trusted_app_tonic::application::TrustedApplicationBuilder;
use trusted_app_tonic::conditions::{AddressRule, PathRule};
use trusted_app_tonic::{
    BoxError, GrpcStatus, HttpSignatures, Messages, TrustedAppLayerBuilder, TrustedApplication,
    http_sign_layer,
};

use crate::site::{Layered, PUBLIC, Site, acting_as, get, trusting};

static KEY: LazyLock<PrivateSignatureKey> =
    LazyLock::new(|| PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519).unwrap());

type Verifying = TrustedAppLayerBuilder<BoxKeyStore, MemoryDirectory, GrpcStatus, Digested>;
type SignedClient<S = Channel> = IssuesClient<HttpSign<S, FixedClock, Messages>>;

/// The forum: it has no key but that of its signatures.
fn forum() -> TrustedApplicationBuilder {
    TrustedApplication::signing_builder("forum".parse().unwrap(), KEY.public_key().clone())
        .addresses(AddressRule::any())
        .paths(PathRule::any())
}

fn verifying(layer: Layered, signatures: HttpSignatures) -> Verifying {
    layer.replay_store(MemoryReplayStore::new(100_000)).http_signatures(signatures)
}

/// Trusts the forum.
fn tracker() -> Verifying {
    verifying(trusting(forum()), HttpSignatures::default())
}

fn streaming() -> Verifying {
    verifying(trusting(forum()), HttpSignatures::default().streaming())
}

fn leaves_bodies_out() -> HttpSignatures {
    HttpSignatures::default().policy(SignaturePolicy::default().with_insecure_unsigned_content())
}

fn signer() -> HttpSignLayer<FixedClock, Messages> {
    http_sign_layer(KEY.clone(), PUBLIC.parse().unwrap()).clock(FixedClock::default())
}

fn client(site: &Site) -> SignedClient {
    IssuesClient::new(signer().layer(site.channel()))
}

type Wire = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, BoxError>;
type Request = http::Request<Bytes>;

/// Hands a request that left the signer to `send`.
fn wire<F>(send: impl Fn(Request) -> F + Clone + Send + Sync + 'static) -> Wire
where
    F: Future<Output = Result<http::Response<Body>, BoxError>> + Send + 'static,
{
    BoxCloneSyncService::new(service_fn(move |request: http::Request<Body>| {
        let send = send.clone();
        async move {
            let (parts, body) = request.into_parts();
            send(Request::from_parts(parts, body.collect().await?.to_bytes())).await
        }
    }))
}

/// What leaves the signer when this is called; nothing arrives.
async fn captured<F: Future>(call: impl FnOnce(SignedClient<Wire>) -> F) -> Request {
    let seen = Arc::new(Mutex::new(None));
    let note = Arc::clone(&seen);
    let nowhere = wire(move |request| {
        *note.lock().unwrap() = Some(request);
        ready(Err("nothing arrives".into()))
    });
    call(IssuesClient::new(signer().layer(nowhere))).await;
    seen.lock().unwrap().take().expect("it is signed and sent")
}

/// An RPC that alice is signed for.
async fn captured_get() -> Request {
    captured(async |mut client| client.get(acting_as("alice", get())).await).await
}

/// What the server makes of it.
async fn send(channel: Channel, request: Request) -> Result<http::Response<Body>, BoxError> {
    Ok(channel.oneshot(request.map(|bytes| Body::new(Full::new(bytes)))).await?)
}

/// The code of a refusal, which stands in a header and in the status's details, and the status's own.
#[track_caller]
fn refusal(status: &tonic::Status) -> (Code, String) {
    let reason = status.get_details_error_info().unwrap_or_else(|| panic!("no reason: {status:?}")).reason;
    assert_eq!(status.metadata().get("trusted-app-error").unwrap(), &reason);
    (status.code(), reason)
}
