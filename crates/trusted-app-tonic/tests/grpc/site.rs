//! A server of `issues.v1.Issues` behind a layer, and clients of it.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use issues_proto::issues_client::IssuesClient;
use issues_proto::issues_server::{Issues, IssuesServer};
use issues_proto::{Comment, GetRequest, ImportSummary, Issue, ListRequest};
use tokio::net::TcpListener;
use tokio_stream::{Stream, StreamExt};
use tonic::body::Body;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};
use tonic_types::StatusExt;
use tower::Layer;
use tower_trusted_app::BodyMode;
use tower_trusted_app::client::{Sign, SignLayer};
use tower_trusted_app::keys::{BoxKeyStore, KeyStoreExt, MemoryKeyStore};
use tower_trusted_app::users::MemoryDirectory;
use trusted_app_test::{FixedClock, TestIdentity};
use trusted_app_tonic::application::TrustedApplicationBuilder;
use trusted_app_tonic::{
    BoxError, GrpcStatus, KeyStore, LocalApplication, RequestExt, TrustedAppLayer, TrustedAppLayerBuilder,
    sign_layer,
};

/// Under this URL the clients know the server, wherever it is.
pub(crate) const PUBLIC: &str = "https://tracker.test";

pub(crate) type Built = TrustedAppLayer<BoxKeyStore, MemoryDirectory, GrpcStatus>;
pub(crate) type Layered = TrustedAppLayerBuilder<BoxKeyStore, MemoryDirectory, GrpcStatus>;
pub(crate) type Client = IssuesClient<Sign<Channel, LocalApplication, FixedClock>>;

/// The tracker: it knows alice and müller, and mallory, who may not log in. Its clock stands still.
pub(crate) fn layer(keys: impl KeyStore) -> Layered {
    let users = MemoryDirectory::of_names(["alice", "müller"]);
    users.deny("mallory");
    trusted_app_tonic::layer_builder(keys.boxed(), users, PUBLIC.parse().unwrap())
        .clock(FixedClock::default())
}

/// A layer that trusts one application.
pub(crate) fn trusting(application: TrustedApplicationBuilder) -> Layered {
    layer(MemoryKeyStore::new([application.build().unwrap()]).unwrap())
}

pub(crate) fn wiki() -> TrustedApplicationBuilder {
    TestIdentity::wiki().trusted()
}

/// The user of each RPC that a handler saw, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<String>>>);

impl Calls {
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn of<T>(&self, request: &Request<T>) -> Result<String, Status> {
        let caller = request.optional_caller::<()>()?;
        let user = caller.map_or("nobody", |caller| caller.user_name()).to_owned();
        self.0.lock().unwrap().push(user.clone());
        Ok(user)
    }
}

pub(crate) struct Handler(pub(crate) Calls);

#[tonic::async_trait]
impl Issues for Handler {
    async fn get(&self, request: Request<GetRequest>) -> Result<Response<Issue>, Status> {
        let user = self.0.of(&request)?;
        let key = request.into_inner().key;
        Ok(Response::new(Issue { key, summary: format!("seen by {user}") }))
    }

    type ListStream = Pin<Box<dyn Stream<Item = Result<Issue, Status>> + Send>>;

    async fn list(&self, request: Request<ListRequest>) -> Result<Response<Self::ListStream>, Status> {
        let summary = format!("seen by {}", self.0.of(&request)?);
        let issues = ["HSP-1", "HSP-2"].map(|key| Ok(Issue { key: key.into(), summary: summary.clone() }));
        Ok(Response::new(Box::pin(tokio_stream::iter(issues))))
    }

    async fn import(&self, request: Request<Streaming<Issue>>) -> Result<Response<ImportSummary>, Status> {
        let reporter = self.0.of(&request)?;
        let mut stream = request.into_inner();
        let mut issues = 0;
        while stream.message().await?.is_some() {
            issues += 1;
        }
        Ok(Response::new(ImportSummary { issues, reporter }))
    }

    type DiscussStream = Pin<Box<dyn Stream<Item = Result<Comment, Status>> + Send>>;

    async fn discuss(
        &self,
        request: Request<Streaming<Comment>>,
    ) -> Result<Response<Self::DiscussStream>, Status> {
        let author = self.0.of(&request)?;
        let comments = request.into_inner();
        let signed = comments.map(move |comment| Ok(Comment { author: author.clone(), ..comment? }));
        Ok(Response::new(Box::pin(signed)))
    }
}

/// What tonic's services ask of a request's body.
pub(crate) trait RequestBody:
    http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static
{
}
impl<B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static> RequestBody for B {}

/// A server on loopback; it runs as long as the test.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) calls: Calls,
}

impl Site {
    pub(crate) async fn start<M>(
        layer: TrustedAppLayerBuilder<BoxKeyStore, MemoryDirectory, GrpcStatus, M>,
    ) -> Self
    where
        M: BodyMode<Body, Body: RequestBody, Unread: Send> + 'static,
    {
        Self::start_with(Server::builder(), layer).await
    }

    pub(crate) async fn start_with<M>(
        server: Server,
        layer: TrustedAppLayerBuilder<BoxKeyStore, MemoryDirectory, GrpcStatus, M>,
    ) -> Self
    where
        M: BodyMode<Body, Body: RequestBody, Unread: Send> + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Calls::default();
        let service = IssuesServer::new(Handler(calls.clone()));
        let server = server_with_layer(server, layer.build().unwrap()).add_service(service);
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        Self { address, calls }
    }

    /// A channel to it, which calls it by its public URL.
    pub(crate) fn channel(&self) -> Channel {
        self.endpoint("http").connect_lazy()
    }

    pub(crate) fn endpoint(&self, scheme: &str) -> Endpoint {
        let endpoint = Endpoint::from_shared(format!("{scheme}://{}", self.address)).unwrap();
        endpoint.origin(PUBLIC.parse().unwrap())
    }

    /// A client that signs as the wiki.
    pub(crate) fn client(&self) -> Client {
        client(self.channel(), TestIdentity::wiki(), FixedClock::default())
    }
}

fn server_with_layer<L>(
    server: Server,
    layer: L,
) -> Server<tower::layer::util::Stack<L, tower::layer::util::Identity>> {
    server.layer(layer)
}

pub(crate) fn signer(identity: &TestIdentity, clock: FixedClock) -> SignLayer<LocalApplication, FixedClock> {
    sign_layer(identity.local().clone(), PUBLIC.parse().unwrap()).clock(clock)
}

pub(crate) fn client(channel: Channel, identity: TestIdentity, clock: FixedClock) -> Client {
    IssuesClient::new(signer(&identity, clock).layer(channel))
}

/// A request that the client signs for this user.
pub(crate) fn acting_as<T>(user: &str, message: T) -> Request<T> {
    Request::new(message).acting_as(user)
}

pub(crate) fn get() -> GetRequest {
    GetRequest { key: "HSP-1".into() }
}

/// Code and reason of a status that the layer made.
#[track_caller]
pub(crate) fn refusal(status: &Status) -> (tonic::Code, String) {
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("no reason in {status:?}"));
    assert_eq!(info.domain, trusted_app_tonic::ERROR_DOMAIN);
    (status.code(), info.reason)
}
