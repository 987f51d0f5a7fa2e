//! Two servers, one database and one Redis: what is registered on one is served by the other, and what one has accepted
//! the other does not accept again.
//!
//! `cargo run -p examples --bin cluster`
//!
//! It starts a PostgreSQL and a Redis of its own on free ports of the loopback interface, and itself twice more as the two
//! servers. That needs their programs (Debian: `apt-get install postgresql redis-server`).
#![expect(clippy::print_stdout, reason = "it talks to a person at a terminal")]

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use http::{HeaderMap, Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use test_services::postgres::Postgres;
use test_services::redis::RedisServer;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tower_trusted_app::application::ApplicationDescription;
use tower_trusted_app::conditions::{PathRule, ReplayProtection};
use tower_trusted_app::keys::CachedRegistry;
use tower_trusted_app::registry::ApplicationRegistry;
use tower_trusted_app::seraph::SigningRequest;
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{ApplicationId, Clock, LocalApplication, SystemClock, TrustedApplication};
use trusted_app_axum::Caller;
use trusted_app_redis::RedisReplayStore;
use trusted_app_sqlx::PostgresRegistry;

/// A change on one server is in force on the other within this, even if no notification came through.
const BOUND: Duration = Duration::from_secs(1);

/// Both servers are reached under this URL, behind a load balancer.
const PUBLIC_URL: &str = "http://tracker.example.com";

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => story().await,
        [node, postgres, redis] if node == "node" => serve(postgres, redis).await,
        _ => anyhow::bail!("usage: cluster"),
    }
}

/// One server of the two. What you would write in yours.
async fn serve(postgres: &str, redis: &str) -> Result<()> {
    let registry = PostgresRegistry::connect(postgres).await?;
    let keys = CachedRegistry::builder(registry.clone())
        .changes(registry.listen()) // LISTEN/NOTIFY: at once
        .poll_interval(BOUND)
        .open()
        .await?;
    let users = MemoryDirectory::of_names(["alice"]);
    let layer = trusted_app_axum::layer_builder(keys, users, PUBLIC_URL.parse()?)
        .replay_store(RedisReplayStore::new(redis)?.key_prefix("cluster:"))
        .build()?;
    let app = Router::new()
        .route("/rest/hello", get(hello))
        .layer(layer)
        // In a real service the pages of `trusted-app-admin`, behind a guard.
        .route("/admin/applications", post(add))
        .route("/admin/applications/{id}", delete(remove))
        .with_state(Arc::new(registry));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

async fn hello(caller: Caller<()>) -> String {
    format!("Hello {}", caller.user_name())
}

async fn add(State(registry): State<Arc<PostgresRegistry>>, text: String) -> Result<(), StatusCode> {
    let described = ApplicationDescription::from_json(&text);
    let application = described.and_then(|described| TrustedApplication::try_from(&described));
    let application = application.map_err(|_| StatusCode::BAD_REQUEST)?;
    registry.add(application, "cluster").await.map_err(|_| StatusCode::CONFLICT)?;
    Ok(())
}

async fn remove(
    State(registry): State<Arc<PostgresRegistry>>,
    Path(id): Path<String>,
) -> Result<(), StatusCode> {
    let id: ApplicationId = id.parse().map_err(|_| StatusCode::BAD_REQUEST)?;
    let entry = registry.get(&id).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let registered = entry.and_then(Result::ok).ok_or(StatusCode::NOT_FOUND)?;
    registry.remove(&id, registered.version, "cluster").await.map_err(|_| StatusCode::CONFLICT)
}

/// What the two are put through.
async fn story() -> Result<()> {
    let postgres = Postgres::start().context("this example needs PostgreSQL")?;
    let redis = RedisServer::start(&[]).context("this example needs redis-server")?;
    let (database, claims) = (postgres.database(), redis.url());
    let (a, b) = tokio::try_join!(Node::start(&database, &claims), Node::start(&database, &claims))?;
    println!("A at {}\nB at {}\n", a.url, b.url);

    let wiki = LocalApplication::generate("wiki".parse()?, 2048)?;
    let trusted = TrustedApplication::builder(wiki.id().clone(), wiki.public_key().clone())
        .addresses("127.0.0.1".parse()?)
        .paths(PathRule::prefixes(["/rest"]))
        .replay_protection(ReplayProtection::Every)
        .build()?;

    show("the wiki asks B, which does not know it", &b.ask(&signed(&wiki)?).await?);
    let added = Request::post(format!("{}/admin/applications", a.url))
        .body(ApplicationDescription::from(&trusted).to_json().into())?;
    show("the wiki is registered on A", &send(added).await?);
    waited("served by B", || async { Ok(outcome(&b.ask(&signed(&wiki)?).await?) == (200, "")) }).await?;

    let once = signed(&wiki)?;
    let (first, again) = (a.ask(&once).await?, b.ask(&once).await?);
    ensure!(
        (outcome(&first), outcome(&again)) == ((200, ""), (401, "REPLAYED")),
        "{first:?}, then {again:?}"
    );
    show("one request to A", &first);
    show("the same to B", &again);

    let removed = Request::delete(format!("{}/admin/applications/wiki", b.url)).body(Body::empty())?;
    show("the wiki is removed on B", &send(removed).await?);
    let is_refused = || async { Ok(outcome(&a.ask(&signed(&wiki)?).await?) == (401, "APP_UNKNOWN")) };
    waited("refused by A", is_refused).await?;
    show("the wiki asks A", &a.ask(&signed(&wiki)?).await?);
    Ok(())
}

/// A running server, which ends with this.
struct Node {
    url: String,
    _process: Child,
}

impl Node {
    async fn start(postgres: &str, redis: &str) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["node", postgres, redis]).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn()?;
        let output = process.stdout.take().context("its output is piped")?;
        let line = BufReader::new(output).lines().next_line().await?;
        Ok(Self { url: line.context("a server ended before it served")?, _process: process })
    }

    async fn ask(&self, headers: &HeaderMap) -> Result<Response<()>> {
        let mut request = Request::get(format!("{}/rest/hello", self.url)).body(Body::empty())?;
        request.headers_mut().extend(headers.clone());
        send(request).await
    }
}

/// The headers of a request as alice, signed now.
fn signed(wiki: &LocalApplication) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let url = format!("{PUBLIC_URL}/rest/hello");
    SigningRequest::new("alice", &url, SystemClock.now()).sign(wiki)?.apply(&mut headers);
    Ok(headers)
}

async fn send(request: Request<Body>) -> Result<Response<()>> {
    let http: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new()).build_http();
    Ok(http.request(request).await?.map(drop))
}

/// The status and, if it is refused, the code.
fn outcome(response: &Response<()>) -> (u16, &str) {
    let error = response.headers().get("x-seraph-trusted-app-error");
    let code = error.and_then(|error| error.to_str().ok()?.split(';').next());
    (response.status().as_u16(), code.unwrap_or_default())
}

fn show(what: &str, response: &Response<()>) {
    let (status, code) = outcome(response);
    println!("{what:40} {status} {code}");
}

/// Waits until it is so, and says how long that took: not longer than the bound.
async fn waited<F: Future<Output = Result<bool>>>(what: &str, is_so: impl Fn() -> F) -> Result<()> {
    let begun = Instant::now();
    while !is_so().await? {
        ensure!(begun.elapsed() < BOUND, "not {what} within the bound of {BOUND:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    println!("{what:40} in {} ms, within the bound of {} ms", begun.elapsed().as_millis(), BOUND.as_millis());
    Ok(())
}
