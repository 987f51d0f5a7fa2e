//! A tonic server that trusts a wiki, and the wiki's client: unary and streaming, signed and refused.
#![expect(clippy::print_stdout, reason = "it talks to a person at a terminal")]

use anyhow::{Result, ensure};
use examples::tracker::{Tracker, users};
use issues_proto::issues_client::IssuesClient;
use issues_proto::issues_server::IssuesServer;
use issues_proto::{Comment, GetRequest, Issue, ListRequest};
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;
use tower::Layer;
use trusted_app_tonic::conditions::{PathPattern, PathRule};
use trusted_app_tonic::keys::MemoryKeyStore;
use trusted_app_tonic::{
    LocalApplication, RequestExt, TrustedApplication, is_health_or_reflection, sign_layer,
};

#[tokio::main]
async fn main() -> Result<()> {
    // The wiki has a private key; the tracker knows the public one.
    let wiki = LocalApplication::generate("wiki".parse()?, 2048)?;

    // The server.
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let rules = ["issues.v1.Issues/Get", "issues.v1.Issues/List", "issues.v1.Issues/Discuss"];
    let rules = rules.into_iter().map(PathPattern::rpc).collect::<Result<Vec<_>, _>>()?;
    let trusted = TrustedApplication::builder(wiki.id().clone(), wiki.public_key().clone())
        .name("The team's wiki")
        .addresses("127.0.0.1".parse()?)
        .paths(PathRule::only(rules))
        .build()?;
    let layer = trusted_app_tonic::layer_builder(MemoryKeyStore::new([trusted])?, users(), url.parse()?)
        .skip(is_health_or_reflection)
        .build()?;
    let (health_reporter, health) = tonic_health::server::health_reporter();
    health_reporter.set_serving::<IssuesServer<Tracker>>().await;
    let server = Server::builder().layer(layer).add_service(health).add_service(IssuesServer::new(Tracker));
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    println!("The tracker serves issues.v1.Issues at {url}\n");

    // The client: a signer under the generated client, around the channel.
    let channel = Channel::from_shared(url.clone())?.connect().await?;
    let mut issues = IssuesClient::new(sign_layer(wiki, url.parse()?).layer(channel.clone()));

    println!("What is accepted");
    for user in ["alice", "bob"] {
        let mut list = issues.list(Request::new(ListRequest {}).acting_as(user)).await?.into_inner();
        let mut keys = Vec::new();
        while let Some(issue) = list.message().await? {
            keys.push(issue.key);
        }
        println!("  List as {user:<6}       {}", keys.join(" "));
    }
    let request = Request::new(GetRequest { key: "MKY-1".to_owned() }).acting_as("alice");
    println!("  Get MKY-1 as alice   {}", issues.get(request).await?.into_inner().summary);
    let comment = Comment { text: "Seen it too".to_owned(), ..Comment::default() };
    let request = Request::new(tokio_stream::iter([comment])).acting_as("bob");
    let mut answers = issues.discuss(request).await?.into_inner();
    while let Some(Comment { text, author }) = answers.message().await? {
        println!("  Discuss as bob       {author}: {text}");
    }
    let health = HealthClient::new(channel.clone()).check(HealthCheckRequest::default()).await?;
    println!("  health, unsigned     {:?}", health.into_inner().status());

    println!("\nWhat is refused");
    let unsigned = IssuesClient::new(channel).list(ListRequest {}).await;
    refused("List, unsigned", unsigned.map(drop))?;
    let import = issues.import(Request::new(tokio_stream::iter([Issue::default()])).acting_as("alice")).await;
    refused("Import as alice", import.map(drop))?;
    let nobody = issues.list(Request::new(ListRequest {}).acting_as("charlie")).await;
    refused("List as charlie", nobody.map(drop))
}

fn refused(what: &str, answer: Result<(), Status>) -> Result<()> {
    ensure!(answer.is_err(), "{what} was accepted");
    if let Err(status) = answer {
        let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
        println!(
            "  {what:<20} {:?} ({}), {reason}: {}",
            status.code(),
            status.code() as i32,
            status.message()
        );
    }
    Ok(())
}
