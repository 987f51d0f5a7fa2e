//! gRPC and pages on one port behind one layer: the answer has the shape that the request's content type asks for.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use issues_proto::issues_client::IssuesClient;
use issues_proto::issues_server::IssuesServer;
use tokio::net::TcpListener;
use tonic::Code;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};
use tower_trusted_app::Clock;
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::seraph::SigningRequest;
use tower_trusted_app::users::MemoryDirectory;
use trusted_app_axum::Caller;
use trusted_app_test::{FixedClock, TestIdentity};
use trusted_app_tonic::{GrpcOr, ProblemJson};

use crate::site::{Calls, Handler, PUBLIC, acting_as, client, refusal, wiki};

async fn page(caller: Caller<()>) -> String {
    format!("a page for {}", caller.user_name())
}

/// By axum's server, with the peer's address as axum leaves it, and an address rule.
async fn start() -> SocketAddr {
    let wiki = wiki().addresses("127.0.0.1".parse().unwrap()).build().unwrap();
    let keys = MemoryKeyStore::new([wiki]).unwrap();
    let users = MemoryDirectory::of_names(["alice"]);
    let layer = trusted_app_axum::layer_builder(keys, users, PUBLIC.parse().unwrap())
        .clock(FixedClock::default())
        .rejections(GrpcOr(ProblemJson))
        .build()
        .unwrap();
    let rpcs = Routes::new(IssuesServer::new(Handler(Calls::default()))).into_axum_router();
    let app = Router::new().route("/page", get(page)).merge(rpcs).layer(layer);

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

fn channel(server: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{server}")).unwrap();
    endpoint.origin(PUBLIC.parse().unwrap()).connect_lazy()
}

async fn page_of(server: SocketAddr, headers: HeaderMap) -> (StatusCode, HeaderMap, String) {
    let mut request =
        Request::get(format!("http://{server}/page")).body(Empty::<bytes::Bytes>::new()).unwrap();
    request.headers_mut().extend(headers);
    let http = Client::builder(TokioExecutor::new()).build_http();
    let (parts, body) = http.request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn signed_requests_of_both_kinds_are_accepted() {
    let server = start().await;
    let mut rpcs = client(channel(server), TestIdentity::wiki(), FixedClock::default());
    let issue = rpcs.get(acting_as("alice", crate::site::get())).await.unwrap().into_inner();
    assert_eq!(issue.summary, "seen by alice");

    let mut headers = HeaderMap::new();
    SigningRequest::new("alice", &format!("{PUBLIC}/page"), FixedClock::default().now())
        .sign(TestIdentity::wiki().local())
        .unwrap()
        .apply(&mut headers);
    let (status, _, body) = page_of(server, headers).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "a page for alice"));
}

#[tokio::test]
async fn each_kind_is_refused_in_its_own_way() {
    let server = start().await;
    let status = IssuesClient::new(channel(server)).get(crate::site::get()).await.unwrap_err();
    assert_eq!(refusal(&status), (Code::Unauthenticated, "MISSING_CERT".to_owned()));

    let (status, headers, body) = page_of(server, HeaderMap::new()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
    assert!(headers.contains_key(header::WWW_AUTHENTICATE));
    assert!(!headers.contains_key("grpc-status"));
    assert!(body.contains("\"code\":\"MISSING_CERT\""), "{body}");
}
