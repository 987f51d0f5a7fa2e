//! A client that nobody of us wrote: Python's `grpcio`, with a signature made by Python's `cryptography`.

use std::net::SocketAddr;
use std::process::Output;

use issues_proto::issues_server::{Issues, IssuesServer};
use issues_proto::{Comment, GetRequest, ImportSummary, Issue, ListRequest};
use tokio::net::TcpListener;
use tokio_stream::Empty;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::users::MemoryDirectory;
use trusted_app_test::{FaultyKeyStore, TestIdentity};
use trusted_app_tests::foreign;
use trusted_app_tonic::conditions::{PathPattern, PathRule};
use trusted_app_tonic::{KeyStore, RequestExt, is_health_or_reflection};

struct Tracker;

#[tonic::async_trait]
impl Issues for Tracker {
    async fn get(&self, request: Request<GetRequest>) -> Result<Response<Issue>, Status> {
        let summary = format!("seen by {}", request.caller::<()>()?.user_name());
        Ok(Response::new(Issue { key: request.into_inner().key, summary }))
    }

    type ListStream = Empty<Result<Issue, Status>>;

    async fn list(&self, _: Request<ListRequest>) -> Result<Response<Self::ListStream>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }

    async fn import(&self, _: Request<Streaming<Issue>>) -> Result<Response<ImportSummary>, Status> {
        panic!("the path rule has no Import")
    }

    type DiscussStream = Empty<Result<Comment, Status>>;

    async fn discuss(&self, _: Request<Streaming<Comment>>) -> Result<Response<Self::DiscussStream>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }
}

async fn serve(keys: impl KeyStore) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("http://{address}").parse().unwrap();
    let layer = trusted_app_tonic::layer_builder(keys, MemoryDirectory::of_names(["alice", "bob"]), url)
        .skip(is_health_or_reflection)
        .build()
        .unwrap();
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<IssuesServer<Tracker>>().await;
    let server = Server::builder().layer(layer).add_service(health).add_service(IssuesServer::new(Tracker));
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    address
}

#[tokio::test]
async fn python_sees_codes_and_reasons_and_signs_itself() {
    let Some(client) = foreign::python("grpc_client.py") else {
        return test_services::missing("a Python with tests/foreign/requirements.txt");
    };
    let wiki = TestIdentity::wiki();
    let rules = ["issues.v1.Issues/Get", "issues.v1.Issues/List"].map(|rule| PathPattern::rpc(rule).unwrap());
    let trusted = wiki.trusted().addresses("127.0.0.1".parse().unwrap()).paths(PathRule::only(rules));
    let server = serve(MemoryKeyStore::new([trusted.build().unwrap()]).unwrap()).await;
    let broken = serve(FaultyKeyStore::errs()).await;

    let files = tempfile::tempdir().unwrap();
    let (key, descriptors) = (files.path().join("wiki.pem"), files.path().join("issues.bin"));
    std::fs::write(&key, wiki.local().key().to_pkcs8_pem().as_bytes()).unwrap();
    std::fs::write(&descriptors, issues_proto::FILE_DESCRIPTOR_SET).unwrap();

    let mut client = tokio::process::Command::from(client);
    client.args(["--server", &server.to_string(), "--broken", &broken.to_string()]);
    client
        .args(["--application", wiki.id().as_str()])
        .arg("--key")
        .arg(key)
        .arg("--descriptors")
        .arg(descriptors);
    let Output { status, stdout, stderr } = client.output().await.unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    println!("{stdout}");
    assert!(status.success(), "{stderr}");
    assert_eq!(stdout.lines().filter(|line| line.starts_with("ok: ")).count(), 7, "{stdout}");
}
