//! What the API answers, against its own OpenAPI document, by a client that nobody of us wrote.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

#[allow(dead_code, reason = "the pages' tests need more of it")]
#[path = "pages/harness.rs"]
mod harness;

use std::env;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Output;
use std::time::Duration;

use harness::ByHeader;
use tokio::net::TcpListener;
use tokio::process::Command;
use tower_trusted_app::conditions::PathRule;
use tower_trusted_app::keys::MemoryRegistry;
use trusted_app_admin::fetch::{AddressPolicy, Fetcher, Resolve};
use trusted_app_admin::recent::RecentDecisions;
use trusted_app_admin::{Administration, Site};
use trusted_app_test::TestIdentity;

/// Knows no name, so that nothing outside is asked.
struct NoHosts;

impl Resolve for NoHosts {
    fn resolve<'a>(
        &'a self,
        _: &'a str,
        _: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

async fn serve() -> SocketAddr {
    let applications = [TestIdentity::wiki(), TestIdentity::stranger()].map(|identity| {
        let trusted = identity.trusted().addresses("10.1.2.3".parse().unwrap());
        trusted.paths(PathRule::prefixes(["/rest"])).build().unwrap()
    });
    let registry = MemoryRegistry::new(applications).unwrap();
    let fetcher = Fetcher::new(AddressPolicy::default()).resolver(NoHosts);
    let administration =
        Administration::new(registry).fetcher(fetcher).recent_decisions(RecentDecisions::default());
    let router = Site::new(administration).guard(ByHeader).into_router();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// The Schemathesis of `tests/foreign/requirements.txt`: beside the Python of `TRUSTED_APP_TEST_PYTHON`, or in the
/// virtual environment `target/python`.
fn schemathesis() -> Option<PathBuf> {
    let target = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/python/bin/python"));
    let python = env::var_os("TRUSTED_APP_TEST_PYTHON").map_or(target.to_owned(), PathBuf::from);
    let program = python.with_file_name("schemathesis");
    program.exists().then_some(program)
}

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                      response_schema_conformance,negative_data_rejection";

#[tokio::test]
async fn every_answer_is_as_documented() {
    let Some(program) = schemathesis() else {
        return test_services::missing("a Python with tests/foreign/requirements.txt");
    };
    let server = serve().await;
    let directory = tempfile::tempdir().unwrap();
    let mut client = Command::new(program);
    client
        .current_dir(directory.path())
        .args(["run", &format!("http://{server}/api/v1/openapi.json"), "--header", "x-user: admin"])
        .args(["--checks", CHECKS, "--continue-on-failure", "--max-examples", "25"])
        .args(["--generation-deterministic", "--no-color"])
        .kill_on_drop(true);
    let ran = tokio::time::timeout(Duration::from_secs(90), client.output()).await;
    let Output { status, stdout, stderr } = ran.expect("it ends within 90 seconds").unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    println!("{stdout}");
    assert!(status.success(), "{stdout}\n{stderr}");
    assert!(stdout.contains("17 selected / 17 total"), "{stdout}");
}
