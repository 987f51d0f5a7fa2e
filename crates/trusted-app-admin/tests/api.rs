//! The JSON API.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

#[allow(dead_code, reason = "the pages' tests need more of it")]
#[path = "pages/harness.rs"]
mod harness;

use axum::body::Body;
use axum::http::{Method, Request};
use harness::{ByHeader, Peer, World, answer, document, send};
use serde_json::{Value, json};
use tower_trusted_app::registry::{Change, Entry, Registered, RegistryError};
use tower_trusted_app::{ApplicationId, ApplicationRegistry, TrustedApplication};
use trusted_app_admin::{Administration, Administrator, Site};
use trusted_app_test::TestIdentity;

async fn call(world: &World, method: Method, path: &str, tag: Option<&str>, body: Value) -> (u16, Value) {
    let mut request =
        Request::builder().method(method).uri(format!("/api/v1{path}")).header("x-user", "admin");
    if let Some(tag) = tag {
        request = request.header("if-match", tag);
    }
    let request =
        request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap();
    let shown = world.send(request).await;
    if shown.status.as_u16() >= 400 {
        assert_eq!(shown.headers["content-type"], "application/problem+json", "{}", shown.text);
    }
    (shown.status.as_u16(), serde_json::from_str(&shown.text).unwrap_or(Value::Null))
}

fn conditions(name: &str) -> Value {
    json!({ "name": name, "timeout_ms": 10000, "addresses": ["10.1.2.3"], "paths": ["/rest"] })
}

async fn add(world: &World) {
    let peer = Peer::wiki().await;
    let (status, details) =
        call(world, Method::POST, "/details", None, json!({ "base_url": peer.origin })).await;
    assert_eq!((status, &details["id"], &details["without_tls"]), (200, &json!("wiki"), &json!(true)));
    let new = json!({ "pending": details["pending"], "conditions": conditions("Wiki") });
    let (status, dry) = call(world, Method::POST, "/applications?dry_run=true", None, new.clone()).await;
    assert_eq!((status, &dry["version"]), (200, &json!(0)));
    assert!(world.registry.list(None, 9).await.unwrap().is_empty());
    assert_eq!(call(world, Method::POST, "/applications", None, new.clone()).await.0, 201);
    assert_eq!(call(world, Method::POST, "/applications", None, new).await.0, 409, "once only");
}

#[tokio::test]
async fn an_application_from_its_details_to_its_end() {
    let world = World::new();
    add(&world).await;
    let (put, path) = (Method::PUT, "/applications/wiki");
    assert_eq!(call(&world, put.clone(), path, None, conditions("B")).await.0, 428);
    let (status, edited) = call(&world, put.clone(), path, Some("\"1\""), conditions("B")).await;
    assert_eq!((status, &edited["version"], &edited["conditions"]["name"]), (200, &json!(2), &json!("B")));
    assert_eq!(call(&world, put.clone(), path, Some("\"1\""), conditions("C")).await.0, 412);
    assert_eq!(call(&world, put.clone(), path, Some("W/x"), conditions("C")).await.0, 412);
    // Repeated it changes nothing more.
    let (status, again) = call(&world, put.clone(), path, Some("\"2\""), conditions("B")).await;
    assert_eq!((status, &again["version"]), (200, &json!(2)));

    let other = TestIdentity::stranger().with_id("wiki");
    let peer = Peer::serving(answer("200 OK", "", &document(&other))).await;
    let asked = json!({ "base_url": peer.origin });
    let (_, details) = call(&world, Method::POST, "/applications/wiki/key-requests", None, asked).await;
    let change = |confirmed| json!({ "pending": details["pending"], "confirmed": confirmed });
    assert_eq!(
        call(&world, put.clone(), "/applications/wiki/key", Some("\"2\""), change(false)).await.0,
        422
    );
    let (status, rotated) = call(&world, put, "/applications/wiki/key", Some("\"2\""), change(true)).await;
    assert_eq!((status, &rotated["keys"][1]["state"]), (200, &json!("revoked")));

    let (_, changes) = call(&world, Method::GET, "/changes", None, Value::Null).await;
    assert_eq!(changes.as_array().unwrap().len(), 3);
    assert_eq!(call(&world, Method::DELETE, path, Some("\"2\""), Value::Null).await.0, 412);
    assert_eq!(call(&world, Method::DELETE, path, Some("\"3\""), Value::Null).await.0, 204);
    assert_eq!(call(&world, Method::DELETE, path, Some("\"3\""), Value::Null).await.0, 404);
}

#[tokio::test]
async fn what_is_exported_can_be_imported() {
    let (from, to) = (World::new(), World::new());
    add(&from).await;
    let (_, exported) = call(&from, Method::GET, "/export", None, Value::Null).await;
    let import = json!({ "toml": exported["toml"] });
    for (query, added) in [("?dry_run=true", json!(["wiki"])), ("", json!(["wiki"])), ("", json!([]))] {
        let (status, done) = call(&to, Method::POST, &format!("/import{query}"), None, import.clone()).await;
        assert_eq!((status, &done["added"]), (200, &added), "{done}");
    }
    assert_eq!(call(&to, Method::GET, "/export", None, Value::Null).await.1, exported);
    let (status, bad) = call(&to, Method::POST, "/import", None, json!({ "toml": "x" })).await;
    assert_eq!((status, &bad["errors"][0]["field"]), (422, &json!("toml")));
}

#[tokio::test]
async fn errors_are_problems() {
    let world = World::new();
    add(&world).await;
    let bad = json!({ "name": "", "timeout_ms": 0, "addresses": ["x"], "paths": [] });
    let (status, problem) = call(&world, Method::PUT, "/applications/wiki", Some("*"), bad).await;
    let fields: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
    assert_eq!((status, fields), (422, vec!["name", "timeout", "addresses", "paths"]));
    for (method, path, body, expected) in [
        (Method::POST, "/details", json!({ "base_url": "http://x", "more": 1 }), 400),
        (Method::POST, "/details", json!({ "base_url": "file:///etc/passwd" }), 422),
        (Method::POST, "/import?dry_run=maybe", json!({ "toml": "" }), 400),
        (Method::GET, "/changes?after=-1", Value::Null, 400),
        (Method::GET, "/applications/nobody", Value::Null, 404),
        (Method::GET, "/applications/%FF", Value::Null, 400),
        (Method::GET, "/nothing", Value::Null, 404),
        (Method::PATCH, "/applications", Value::Null, 405),
        (Method::POST, "/import", json!({ "toml": "x".repeat(5 << 20) }), 413),
    ] {
        assert_eq!(call(&world, method, path, None, body).await.0, expected, "{path}");
    }
    let request =
        Request::post("/api/v1/import").header("x-user", "admin").header("content-type", "text/plain");
    assert_eq!(world.send(request.body(Body::from("{}")).unwrap()).await.status, 415);
    let request =
        Request::delete("/api/v1/applications/wiki").header("x-user", "admin").header("if-match", "*");
    let forged = request.header("sec-fetch-site", "cross-site").body(Body::empty()).unwrap();
    assert_eq!(world.send(forged).await.status, 403);
}

#[tokio::test]
async fn the_document_has_every_route() {
    let (_, document) = call(&World::new(), Method::GET, "/openapi.json", None, Value::Null).await;
    assert_eq!(document["paths"].as_object().unwrap().len(), 9);
    assert!(document["paths"]["/api/v1/applications/{id}"]["put"]["responses"]["412"].is_object());
}

/// A registry that cannot be reached.
struct Gone;

fn gone<T>() -> Result<T, RegistryError> {
    Err(RegistryError::Unavailable("the test wants it".into()))
}

impl ApplicationRegistry for Gone {
    async fn list(&self, _: Option<&str>, _: usize) -> Result<Vec<Entry>, RegistryError> {
        gone()
    }
    async fn get(&self, _: &ApplicationId) -> Result<Option<Entry>, RegistryError> {
        gone()
    }
    async fn add(&self, _: TrustedApplication, _: &str) -> Result<Registered, RegistryError> {
        gone()
    }
    async fn update(&self, _: TrustedApplication, _: u64, _: &str) -> Result<Registered, RegistryError> {
        gone()
    }
    async fn remove(&self, _: &ApplicationId, _: u64, _: &str) -> Result<(), RegistryError> {
        gone()
    }
    async fn changes(&self, _: u64, _: usize) -> Result<Vec<Change>, RegistryError> {
        gone()
    }
    async fn last_change(&self) -> Result<u64, RegistryError> {
        gone()
    }
}

#[tokio::test]
async fn a_registry_that_is_gone_is_503_everywhere() {
    let administration = Administration::new(Gone);
    let site = Site::new(administration.clone()).guard(ByHeader).into_router();
    for path in [
        "/trusted-applications",
        "/trusted-applications/edit?id=wiki",
        "/trusted-applications/delete?id=wiki",
        "/trusted-applications/rotate?id=wiki",
        "/trusted-applications/changes",
        "/trusted-applications/decisions?id=wiki",
        "/api/v1/applications",
        "/api/v1/applications/wiki",
        "/api/v1/changes",
        "/api/v1/export",
    ] {
        let request = Request::get(path).header("x-user", "admin").body(Body::empty()).unwrap();
        assert_eq!(send(&site, request).await.status, 503, "{path}");
    }
    assert!(administration.list(&Administrator::new("admin")).await.is_err());
}
