//! What the API answers, against its own OpenAPI document, by a client that nobody of us wrote.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

#[allow(dead_code, reason = "the pages' tests need more of it")]
#[path = "pages/harness.rs"]
mod harness;

use std::collections::BTreeSet;
use std::env;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Output;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use harness::{ByHeader, send};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;
use tower_trusted_app::TrustedApplication;
use tower_trusted_app::application::ApplicationDescription;
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

/// An application that has every field that there is, each key too.
fn complete() -> TrustedApplication {
    let keys = include_str!("../../../tests/vectors/certificate_document.json");
    let keys: Value = serde_json::from_str(keys).unwrap();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let (first, last) = ("2020-01-01T00:00:00Z", "2099-01-31T12:00:00Z");
    let directory = "https://complete.example.com/.well-known/http-message-signatures-directory";
    let written = json!({
        "id": "complete",
        "name": "Complete",
        "key_directory": directory,
        "timeout_ms": 7000,
        "addresses": "any",
        "paths": ["/rest"],
        "methods": ["GET"],
        "schemes": ["seraph-v3", "http-signature"],
        "replay_protection": "every",
        "insecure_unsigned_bodies": true,
        "insecure_min_rsa_bits": 1024,
        "act_as": {
            "users": ["alice"], "groups": ["staff"], "deny_users": ["mallory"], "deny_groups": ["guests"],
            "read_only": true, "insecure_administrators": true,
        },
        "keys": [
            {
                "spki": keys["keys"]["pub-rsa1024"]["public_key_spki_b64"],
                "state": "retiring", "not_before": first, "not_after": last,
            },
            { "jwk": jwk, "state": "next", "not_before": first, "not_after": last },
        ],
    });
    let described = ApplicationDescription::from_json(&written.to_string()).unwrap();
    TrustedApplication::try_from(&described).unwrap()
}

fn site() -> Router {
    let applications = [TestIdentity::wiki(), TestIdentity::stranger()].map(|identity| {
        let trusted = identity.trusted().addresses("10.1.2.3".parse().unwrap());
        trusted.paths(PathRule::prefixes(["/rest"])).build().unwrap()
    });
    let registry = MemoryRegistry::new(applications.into_iter().chain([complete()])).unwrap();
    let fetcher = Fetcher::new(AddressPolicy::default()).resolver(NoHosts);
    let administration =
        Administration::new(registry).fetcher(fetcher).recent_decisions(RecentDecisions::default());
    Site::new(administration).guard(ByHeader).into_router()
}

async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, site()).await });
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

type Names = BTreeSet<String>;

fn names(object: &Value) -> Names {
    object.as_object().unwrap().keys().cloned().collect()
}

fn listed(names: &Value) -> Names {
    names.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// The core writes the JSON of an application, and this crate its schema.
#[tokio::test]
async fn the_schema_of_an_application_has_its_fields() {
    let site = site();
    let get = async |path: &str| {
        let request = Request::get(format!("/api/v1{path}")).header("x-user", "admin");
        let shown = send(&site, request.body(Body::empty()).unwrap()).await;
        serde_json::from_str::<Value>(&shown.text).unwrap()
    };
    let document = get("/openapi.json").await;
    let schema = |name: &str| document["components"]["schemas"][name].clone();
    let (complete, plain) = (get("/applications/complete").await, get("/applications/wiki").await);

    let registered = schema("Application")["allOf"][1].clone();
    let of_registry = names(&registered["properties"]);
    assert_eq!(listed(&registered["required"]), of_registry);
    let beside = |application: &Value| &names(application) - &of_registry;
    let shown = schema("ShownApplication");
    assert_eq!(names(&shown["properties"]), beside(&complete));
    assert_eq!(listed(&shown["required"]), beside(&plain));

    let act_as = schema("ActAsDescription");
    assert_eq!(names(&act_as["properties"]), names(&complete["act_as"]));
    assert_eq!(listed(&act_as["required"]), names(&plain["act_as"]));

    let key = schema("ShownKey");
    let [spki, jwk] = [0, 1].map(|at| names(&complete["keys"][at]));
    assert_eq!(names(&key["properties"]), &spki | &jwk);
    assert_eq!(listed(&key["required"]), &(&spki & &jwk) & &names(&plain["keys"][0]));
}
