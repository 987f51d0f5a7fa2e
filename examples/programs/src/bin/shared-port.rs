//! axum pages and gRPC on one port, behind one layer. Each is refused in the way that its clients
//! understand.
#![expect(clippy::print_stdout, reason = "it talks to a person at a terminal")]

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use examples::tracker::{self, Tracker, User, users};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use issues_proto::GetRequest;
use issues_proto::issues_client::IssuesClient;
use issues_proto::issues_server::IssuesServer;
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::transport::Channel;
use tower::{Layer, ServiceExt};
use tower_trusted_app::client::{ActAs, SignLayer};
use tower_trusted_app::conditions::{PathPattern, PathRule};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::{LocalApplication, ProblemJson, TrustedApplication};
use trusted_app_axum::Caller;
use trusted_app_tonic::{GrpcOr, RequestExt, sign_layer};

async fn page(caller: Caller<User>) -> String {
    let issues = tracker::issues(caller.user()).into_iter().map(|issue| issue.key);
    format!("{}: {}", caller.user().full_name, issues.collect::<Vec<_>>().join(" "))
}

#[tokio::main]
async fn main() -> Result<()> {
    let wiki = LocalApplication::generate("wiki".parse()?, 2048)?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);

    // One layer, made for axum, since axum serves; it answers gRPC requests with gRPC statuses.
    let rules = [PathPattern::subtree("/rest")?, PathPattern::rpc("issues.v1.Issues/*")?];
    let trusted = TrustedApplication::builder(wiki.id().clone(), wiki.public_key().clone())
        .addresses("127.0.0.1".parse()?)
        .paths(PathRule::only(rules))
        .build()?;
    let layer = trusted_app_axum::layer_builder(MemoryKeyStore::new([trusted])?, users(), url.parse()?)
        .rejections(GrpcOr(ProblemJson))
        .build()?;
    let rpcs = Routes::new(IssuesServer::new(Tracker)).into_axum_router();
    let app = Router::new().route("/rest/issues", get(page)).merge(rpcs).layer(layer);
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    println!("Pages and issues.v1.Issues at {url}\n");

    // The same caller by page and by RPC.
    let pages = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let signed_pages = SignLayer::new(wiki.clone()).layer(pages.clone());
    let request = || Request::get(format!("{url}/rest/issues"));
    let response = signed_pages.oneshot(request().extension(ActAs::new("bob")).body(Body::empty())?).await;
    let body = response.map_err(anyhow::Error::from_boxed)?.into_body().collect().await?.to_bytes();
    println!("GET /rest/issues as bob    {}", String::from_utf8_lossy(&body));

    let channel = Channel::from_shared(url.clone())?.connect().await?;
    let mut rpcs = IssuesClient::new(sign_layer(wiki, url.parse()?).layer(channel.clone()));
    let get = || tonic::Request::new(GetRequest { key: "HSP-1".to_owned() });
    let issue = rpcs.get(get().acting_as("bob")).await?.into_inner();
    println!("Get HSP-1 as bob           {}\n", issue.summary);

    // Unsigned, each gets its own kind of refusal.
    let refused = pages.request(request().body(Body::empty())?).await?;
    ensure!(refused.status() == StatusCode::UNAUTHORIZED, "an unsigned page request was accepted");
    let body = refused.into_body().collect().await?.to_bytes();
    println!("GET /rest/issues, unsigned {}", String::from_utf8_lossy(&body));
    let Err(status) = IssuesClient::new(channel).get(get()).await else {
        anyhow::bail!("an unsigned RPC was accepted");
    };
    println!(
        "Get HSP-1, unsigned        {:?} ({}): {}",
        status.code(),
        status.code() as i32,
        status.message()
    );
    Ok(())
}
