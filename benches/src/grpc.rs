//! A unary RPC, from the service's call to the last frame of its answer: bare, and behind the layer.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, Method, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full};
use issues_proto::issues_server::{Issues, IssuesServer};
use issues_proto::{Comment, GetRequest, ImportSummary, Issue, ListRequest};
use tokio_stream::Empty;
use tonic::body::Body;
use tonic::{Status, Streaming};
use tower::{Layer as _, Service};
use tower_trusted_app::seraph::SigningRequest;
use tower_trusted_app::{Clock as _, keys::MemoryKeyStore, users::MemoryDirectory};
use trusted_app_test::{FixedClock, TestIdentity};
use trusted_app_tonic::conditions::{PathPattern, PathRule, Peer};
use trusted_app_tonic::{GrpcStatus, TrustedAppLayerBuilder, is_health_or_reflection};

const ORIGIN: &str = "https://tracker.example.com";
const PATH: &str = "/issues.v1.Issues/Get";
/// `GetRequest { key: "HSP-1" }`, not compressed.
const FRAME: &[u8] = b"\0\0\0\0\x07\x0a\x05HSP-1";

/// The service alone.
pub(crate) fn bare() -> impl FnMut(Request<Body>) -> Bytes {
    answer(IssuesServer::new(Tracker))
}

/// Behind the layer, which exempts the RPC as it exempts the health service.
pub(crate) fn exempt() -> impl FnMut(Request<Body>) -> Bytes {
    let exempt = |method: &Method, uri: &Uri, headers: &HeaderMap| {
        is_health_or_reflection(method, uri, headers) || uri.path() == PATH
    };
    answer(layer().skip(exempt).build().unwrap().layer(IssuesServer::new(Tracker)))
}

/// Behind the layer, which verifies the RPC.
pub(crate) fn verified() -> impl FnMut(Request<Body>) -> Bytes {
    answer(layer().build().unwrap().layer(IssuesServer::new(Tracker)))
}

fn layer() -> TrustedAppLayerBuilder<MemoryKeyStore, MemoryDirectory, GrpcStatus> {
    let rule = PathRule::only([PathPattern::rpc("issues.v1.Issues/*").unwrap()]);
    let wiki = TestIdentity::wiki().trusted().addresses("10.1.*.*".parse().unwrap()).paths(rule);
    let keys = MemoryKeyStore::new([wiki.build().unwrap()]).unwrap();
    trusted_app_tonic::layer_builder(keys, MemoryDirectory::of_names(["alice"]), ORIGIN.parse().unwrap())
        .clock(FixedClock::default())
        .remembered_signatures(0)
}

pub(crate) fn unsigned() -> Request<Body> {
    let request =
        Request::post(PATH).header(header::CONTENT_TYPE, "application/grpc").header(header::TE, "trailers");
    let mut request = request.body(Body::new(Full::new(Bytes::from_static(FRAME)))).unwrap();
    request.extensions_mut().insert(Peer::Ip([10, 1, 2, 3].into()));
    request
}

/// Makes requests that the wiki signed for alice.
pub(crate) fn signed() -> impl Fn() -> Request<Body> {
    let mut credentials = HeaderMap::new();
    SigningRequest::new("alice", &format!("{ORIGIN}{PATH}"), FixedClock::default().now())
        .sign(TestIdentity::wiki().local())
        .unwrap()
        .apply(&mut credentials);
    move || {
        let mut request = unsigned();
        request.headers_mut().extend(credentials.clone());
        request
    }
}

fn answer<S>(mut service: S) -> impl FnMut(Request<Body>) -> Bytes
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    move |request| {
        let Ok(response) = service.call(request).now_or_never().expect("nothing waits");
        let body = response.into_body().collect().now_or_never().expect("nothing waits").unwrap().to_bytes();
        assert!(!body.is_empty(), "refused");
        body
    }
}

struct Tracker;

#[tonic::async_trait]
impl Issues for Tracker {
    async fn get(&self, request: tonic::Request<GetRequest>) -> Result<tonic::Response<Issue>, Status> {
        let key = request.into_inner().key;
        Ok(tonic::Response::new(Issue { key, summary: "A bug anyone can see".to_owned() }))
    }

    type ListStream = Empty<Result<Issue, Status>>;

    async fn list(
        &self,
        _: tonic::Request<ListRequest>,
    ) -> Result<tonic::Response<Self::ListStream>, Status> {
        Err(Status::unimplemented("not measured"))
    }

    async fn import(
        &self,
        _: tonic::Request<Streaming<Issue>>,
    ) -> Result<tonic::Response<ImportSummary>, Status> {
        Err(Status::unimplemented("not measured"))
    }

    type DiscussStream = Empty<Result<Comment, Status>>;

    async fn discuss(
        &self,
        _: tonic::Request<Streaming<Comment>>,
    ) -> Result<tonic::Response<Self::DiscussStream>, Status> {
        Err(Status::unimplemented("not measured"))
    }
}
