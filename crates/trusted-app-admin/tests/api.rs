//! The JSON API.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

#[allow(dead_code, reason = "the pages' tests need more of it")]
#[path = "pages/harness.rs"]
mod harness;
#[allow(dead_code, reason = "the directories' tests need more of it")]
#[path = "directories/publisher.rs"]
mod publisher;

use axum::body::Body;
use axum::http::{Method, Request};
use harness::{ByHeader, Peer, World, answer, document, send};
use serde_json::{Value, json};
use tower_trusted_app::conditions::PathRule;
use tower_trusted_app::crypto::SignatureKey;
use tower_trusted_app::keys::{MemoryRegistry, write_applications};
use tower_trusted_app::registry::{Change, Entry, Registered, RegistryError};
use tower_trusted_app::{ApplicationId, ApplicationRegistry, TrustedApplication};
use trusted_app_admin::fetch::{AddressPolicy, Fetcher, MAX_FETCHES};
use trusted_app_admin::service::ImportOptions;
use trusted_app_admin::{AdminError, Administration, Administrator, ApplicationEdit, Site};
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

fn edit(name: &str) -> Value {
    json!({ "name": name, "timeout_ms": 10000, "addresses": ["10.1.2.3"], "paths": ["/rest"] })
}

fn new_application(details: &Value) -> Value {
    let mut new = edit("Wiki");
    new["pending"] = details["pending"].clone();
    new
}

async fn add(world: &World) {
    let peer = Peer::wiki().await;
    let (status, details) =
        call(world, Method::POST, "/details", None, json!({ "base_url": peer.origin })).await;
    assert_eq!((status, &details["id"], &details["without_tls"]), (200, &json!("wiki"), &json!(true)));
    let new = new_application(&details);
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
    assert_eq!(call(&world, put.clone(), path, None, edit("B")).await.0, 428);
    let (status, edited) = call(&world, put.clone(), path, Some("\"1\""), edit("B")).await;
    assert_eq!((status, &edited["version"], &edited["name"]), (200, &json!(2), &json!("B")));
    assert_eq!(call(&world, put.clone(), path, Some("\"1\""), edit("C")).await.0, 412);
    assert_eq!(call(&world, put.clone(), path, Some("W/x"), edit("C")).await.0, 412);
    // Repeated it changes nothing more.
    let (status, again) = call(&world, put.clone(), path, Some("\"2\""), edit("B")).await;
    assert_eq!((status, &again["version"]), (200, &json!(2)));

    let other = TestIdentity::stranger().with_id("wiki");
    let peer = Peer::serving(answer("200 OK", "", &document(&other))).await;
    let asked = json!({ "base_url": peer.origin });
    let (_, details) = call(&world, Method::POST, "/applications/wiki/key-requests", None, asked).await;
    let change = |confirmed| json!({ "pending": details["pending"], "confirmed": confirmed });
    let key = "/applications/wiki/key";
    assert_eq!(call(&world, put.clone(), key, Some("\"2\""), change(false)).await.0, 422);
    let (status, rotated) = call(&world, put, key, Some("\"2\""), change(true)).await;
    assert_eq!((status, &rotated["keys"][1]["state"]), (200, &json!("retiring")));
    let retiring = "/applications/wiki/retiring-keys";
    assert_eq!(call(&world, Method::DELETE, retiring, Some("\"2\""), Value::Null).await.0, 412);
    let (status, revoked) = call(&world, Method::DELETE, retiring, Some("\"3\""), Value::Null).await;
    assert_eq!((status, &revoked["keys"][1]["state"]), (200, &json!("revoked")));

    let (_, changes) = call(&world, Method::GET, "/changes", None, Value::Null).await;
    assert_eq!(changes.as_array().unwrap().len(), 4);
    assert_eq!((&changes[0]["before"], &changes[0]["after"]["name"]), (&Value::Null, &json!("Wiki")));
    let before_and_after = |field: &str| [&changes[3]["before"][field], &changes[3]["after"][field]];
    assert_eq!(before_and_after("keys"), [&rotated["keys"], &revoked["keys"]]);
    assert_eq!(before_and_after("version"), [&Value::Null; 2]);
    assert_eq!(call(&world, Method::DELETE, path, Some("\"3\""), Value::Null).await.0, 412);
    assert_eq!(call(&world, Method::DELETE, path, Some("\"4\""), Value::Null).await.0, 204);
    assert_eq!(call(&world, Method::DELETE, path, Some("\"4\""), Value::Null).await.0, 404);
}

/// What an answer says of a rule, a request may say.
#[tokio::test]
async fn a_rule_is_a_list_or_the_word_any() {
    let world = World::new();
    add(&world).await;
    let mut asked = edit("Wiki");
    for (written, shown) in [
        (json!("any"), json!("any")),
        (json!(["any"]), json!("any")),
        (json!(["local", "10.1.2.3, 10.1.2.4"]), json!(["local", "10.1.2.3", "10.1.2.4"])),
    ] {
        asked["addresses"] = written;
        let (status, edited) =
            call(&world, Method::PUT, "/applications/wiki", Some("*"), asked.clone()).await;
        assert_eq!((status, &edited["addresses"], &edited["paths"]), (200, &shown, &json!(["/rest"])));
    }
    for (wrong, expected) in [
        (json!(["any", "local"]), 422),
        (json!(["/rest", "any"]), 422),
        (json!([]), 422),
        (json!("all"), 400),
        (json!([1]), 400),
        (json!({ "any": true }), 400),
    ] {
        for field in ["addresses", "paths"] {
            let mut asked = edit("Wiki");
            asked[field] = wrong.clone();
            let (status, problem) = call(&world, Method::PUT, "/applications/wiki", Some("*"), asked).await;
            assert_eq!(status, expected, "{problem}");
            assert!(status == 400 || problem["errors"][0]["field"] == json!(field), "{problem}");
        }
    }
}

#[tokio::test]
async fn a_key_that_somebody_else_may_have_is_revoked_at_once() {
    let world = World::new();
    add(&world).await;
    let peer =
        Peer::serving(answer("200 OK", "", &document(&TestIdentity::stranger().with_id("wiki")))).await;
    let asked = json!({ "base_url": peer.origin });
    let (_, details) = call(&world, Method::POST, "/applications/wiki/key-requests", None, asked).await;
    let change = json!({ "pending": details["pending"], "confirmed": true, "at_once": true });
    let (status, changed) = call(&world, Method::PUT, "/applications/wiki/key", Some("*"), change).await;
    assert_eq!((status, &changed["keys"][1]["state"]), (200, &json!("revoked")));
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
async fn a_name_in_a_rule_that_matches_no_one_is_refused() {
    let world = World::new();
    add(&world).await;
    let (_, exported) = call(&world, Method::GET, "/export", None, Value::Null).await;
    let toml = exported["toml"].as_str().unwrap();
    let table = include_str!("../../trusted-app-core/tests/data/rule-names.json");
    let table: Vec<(String, String)> = serde_json::from_str(table).unwrap();
    for (name, words) in table {
        for list in ["users", "groups", "deny_users", "deny_groups"] {
            let toml = format!("{toml}act_as = {{ {list} = [{}] }}\n", json!(name));
            let (status, problem) =
                call(&world, Method::POST, "/import?dry_run=true", None, json!({ "toml": toml })).await;
            let error = &problem["errors"][0];
            assert_eq!((status, &error["field"]), (422, &json!("toml")), "{problem}");
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(&format!("act_as: {list}: ")) && message.contains(&words), "{message}");
        }
    }
}

#[tokio::test]
async fn an_answer_has_the_warnings() {
    let world = World::new();
    add(&world).await;
    let mut odd = edit("Wiki");
    odd["paths"] = json!(["/a,b"]);
    let warnings =
        json!(["in `/a,b` the `,` is a plain character: write several paths as entries of their own"]);
    for (query, tag) in [("?dry_run=true", "\"1\""), ("", "\"1\"")] {
        let path = format!("/applications/wiki{query}");
        let (status, answer) = call(&world, Method::PUT, &path, Some(tag), odd.clone()).await;
        assert_eq!((status, &answer["warnings"]), (200, &warnings), "{answer}");
    }
    let (_, shown) = call(&world, Method::GET, "/applications/wiki", None, Value::Null).await;
    assert_eq!(shown["warnings"], warnings);
    let (_, all) = call(&world, Method::GET, "/applications", None, Value::Null).await;
    assert_eq!(all["applications"][0]["warnings"], warnings);
    for paths in [
        json!(["/rest /plugins"]),
        json!(["/rest, /plugins"]),
        json!(["/rest,/plugins"]),
        json!(["/rest\n/plugins"]),
    ] {
        odd["paths"] = paths;
        let (status, problem) = call(&world, Method::PUT, "/applications/wiki", Some("*"), odd.clone()).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("paths")));
        assert!(
            problem["errors"][0]["message"].as_str().unwrap().contains("is more than one path"),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn an_import_is_checked_before_it_changes_anything() {
    let world = World::new();
    add(&world).await;
    let (_, exported) = call(&world, Method::GET, "/export", None, Value::Null).await;
    let wiki = exported["toml"].as_str().unwrap();
    let key = |identity: &TestIdentity| identity.local().public_key().to_base64();
    let fingerprint = |identity: &TestIdentity| identity.local().public_key().fingerprint().to_string();
    let (own, other) = (TestIdentity::wiki(), TestIdentity::stranger());
    let changed = wiki.replace(&key(&own), &key(&other)).replace("/rest", "/api");
    let import = async |query: &str, toml: &str| {
        call(&world, Method::POST, &format!("/import?{query}"), None, json!({ "toml": toml })).await
    };

    let (status, dry) = import("dry_run=true", &changed).await;
    let keys = json!({ "before": [fingerprint(&own)], "after": [fingerprint(&other)] });
    let expected = json!([{ "id": "wiki", "fields": ["keys", "paths"], "keys": keys }]);
    assert_eq!((status, &dry["changed"]), (200, &expected), "{dry}");
    let (status, problem) = import("", &changed).await;
    assert_eq!(status, 422);
    for part in ["wiki", &fingerprint(&own), &fingerprint(&other), "replace_keys"] {
        assert!(problem["errors"][0]["message"].as_str().unwrap().contains(part), "{problem}");
    }

    // A new application that would be fine stands before one that takes the wiki's key.
    let new = wiki.replace("\"wiki\"", "\"new\"").replace(&key(&own), &key(&other));
    let thief = wiki.replace("\"wiki\"", "\"thief\"");
    let both = format!("{new}\n{thief}");
    for query in ["", "dry_run=true"] {
        let (status, problem) = import(query, &both).await;
        assert_eq!((status, problem["errors"].as_array().unwrap().len()), (422, 1), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("thief"), "{problem}");
    }
    assert_eq!(world.registry.last_change().await.unwrap(), 1);

    assert_eq!(import("replace_keys=true", &changed).await.1["changed"], expected);
    let (_, again) = import("", &changed).await;
    assert_eq!((&again["changed"], &again["unchanged"]), (&json!([]), &json!(["wiki"])));
    let (_, renamed) = import("", &changed.replace("\"Wiki\"", "\"Renamed\"")).await;
    assert_eq!(renamed["changed"], json!([{ "id": "wiki", "fields": ["name"], "keys": null }]));
    for (field, line) in [
        ("insecure_unsigned_bodies", "insecure_unsigned_bodies = true"),
        (
            "key_directory",
            "key_directory = \"https://wiki.example.com/.well-known/http-message-signatures-directory\"",
        ),
        ("replay_protection", "replay_protection = \"every\""),
    ] {
        let (_, dry) =
            import("dry_run=true", &format!("{}\n{line}\n", changed.replace("\"Wiki\"", "\"Renamed\"")))
                .await;
        assert_eq!(dry["changed"], json!([{ "id": "wiki", "fields": [field], "keys": null }]), "{dry}");
    }
}

#[tokio::test]
async fn an_import_that_breaks_off_says_what_was_written() {
    let own = TestIdentity::stranger();
    let registry = MemoryRegistry::with_local(own.local());
    let administration = Administration::new(registry.clone());
    let applications = [TestIdentity::wiki(), own].map(|identity| {
        let trusted = identity.trusted().addresses("10.1.2.3".parse().unwrap());
        trusted.paths(PathRule::prefixes(["/rest"])).build().unwrap()
    });
    let toml = write_applications(&applications);
    let alice = Administrator::new("alice");
    // Only the registry knows its own application.
    let error = administration.import(&alice, &toml, ImportOptions::default()).await.unwrap_err();
    assert!(matches!(&error, AdminError::BrokenOff { done, .. } if *done == ["wiki"]), "{error}");
    assert_eq!(registry.last_change().await.unwrap(), 1);
}

/// What could not be added is refused before anybody compares its fingerprint.
#[tokio::test]
async fn details_that_cannot_be_added_are_refused_at_once() {
    let (own, wiki) = (TestIdentity::stranger(), TestIdentity::wiki());
    let registry = MemoryRegistry::with_local(own.local());
    let trusted = wiki.trusted().addresses("10.1.2.3".parse().unwrap()).paths(PathRule::prefixes(["/rest"]));
    registry.add(trusted.build().unwrap(), "alice").await.unwrap();
    let administration = Administration::new(registry).fetcher(Fetcher::new(AddressPolicy::insecure_any()));
    let alice = Administrator::new("alice");
    for (identity, why) in [
        (own.clone(), "is this server's own"),
        (own.with_id("other"), "is this server's own"),
        (wiki.clone(), "change its key instead"),
        (wiki.with_id("other"), "already belongs to `wiki`"),
    ] {
        let peer = Peer::serving(answer("200 OK", "", &document(&identity))).await;
        let refused = administration.request_details(&alice, &peer.origin).await.unwrap_err();
        assert!(refused.to_string().contains(why), "{why}: {refused}");
    }
    let peer = Peer::serving(answer("200 OK", "", &document(&TestIdentity::tracker()))).await;
    administration.request_details(&alice, &peer.origin).await.unwrap();
}

/// An edit knows nothing of keys for HTTP message signatures, and leaves them.
#[tokio::test]
async fn an_edit_keeps_what_the_form_does_not_show() {
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let key = SignatureKey::insecure_from_example_jwk(jwk).unwrap();
    let trusted = TestIdentity::wiki().trusted().signature_key(key);
    let trusted = trusted.addresses("10.1.2.3".parse().unwrap()).paths(PathRule::prefixes(["/rest"]));
    let trusted = trusted.build().unwrap();
    let administration = Administration::new(MemoryRegistry::new([trusted]).unwrap());
    let alice = Administrator::new("alice");
    let mut edit = ApplicationEdit::of(&administration.get(&alice, "wiki").await.unwrap().application);
    edit.name = "Renamed".to_owned();
    let edited = administration.edit(&alice, "wiki", 1, Ok(edit), false).await.unwrap().application;
    assert_eq!((edited.name(), edited.signature_keys().len()), ("Renamed", 1));
}

#[tokio::test]
async fn only_so_many_details_are_fetched_at_once() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", silent.local_addr().unwrap());
    let world = std::sync::Arc::new(World::new());
    let (mut connections, mut waiting) = (Vec::new(), Vec::new());
    for _ in 0..MAX_FETCHES {
        let (world, origin) = (world.clone(), origin.clone());
        waiting.push(tokio::spawn(async move {
            call(&world, Method::POST, "/details", None, json!({ "base_url": origin })).await.0
        }));
        connections.push(silent.accept().await.unwrap());
    }
    let wiki = Peer::wiki().await;
    let body = json!({ "base_url": wiki.origin }).to_string();
    let request = Request::post("/api/v1/details").header("x-user", "admin");
    let request = request.header("content-type", "application/json").body(Body::from(body)).unwrap();
    let busy = world.send(request).await;
    assert_eq!((busy.status.as_u16(), &busy.headers["retry-after"]), (503, &"5".parse().unwrap()));
    let page = world.post("/trusted-applications/request", &[("base_url", &wiki.origin)]).await;
    assert_eq!(page.status, 503);
    page.has("Try again in a few seconds.");

    drop(connections);
    for one in waiting {
        assert_eq!(one.await.unwrap(), 422);
    }
    let asked = json!({ "base_url": wiki.origin });
    assert_eq!(call(&world, Method::POST, "/details", None, asked).await.0, 200);
}

#[tokio::test]
async fn errors_are_problems() {
    let world = World::new();
    add(&world).await;
    let bad = json!({ "name": "", "timeout_ms": 0, "addresses": ["x"], "paths": [] });
    let (status, problem) = call(&world, Method::PUT, "/applications/wiki", Some("*"), bad).await;
    let fields: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
    assert_eq!((status, fields), (422, vec!["name", "timeout_ms", "addresses", "paths"]));
    for (method, path, body, expected) in [
        (Method::POST, "/details", json!({ "base_url": "http://x", "more": 1 }), 400),
        (Method::POST, "/details", json!({ "base_url": "file:///etc/passwd" }), 422),
        (Method::POST, "/import?dry_run=maybe", json!({ "toml": "" }), 400),
        (Method::GET, "/changes?after=-1", Value::Null, 400),
        (Method::GET, "/changes?limit=201", Value::Null, 400),
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

/// What clients are made from: each operation has a heading and says what it answers, and nothing that it cannot.
#[tokio::test]
async fn the_document_says_what_an_operation_answers() {
    let (_, document) = call(&World::new(), Method::GET, "/openapi.json", None, Value::Null).await;
    assert_eq!(document["servers"][0]["url"], json!("../.."));
    let headings: Vec<_> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(headings.contains(&&operation["tags"][0]), "{method} {path}: {operation}");
            let answers = operation["responses"].as_object().unwrap();
            assert!(answers.values().all(|answer| answer["description"] != json!("")), "{method} {path}");
            let parameters = operation["parameters"].to_string();
            assert_eq!(answers.contains_key("428"), parameters.contains("If-Match"), "{method} {path}");
            assert_eq!(answers.contains_key("404"), path.contains("{id}"), "{method} {path}");
            assert_eq!(answers.contains_key("415"), method != "get", "{method} {path}");
        }
    }
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["KeyState"]["enum"], json!(["next", "active", "retiring", "revoked"]));
    assert_eq!(schemas["When"]["properties"]["at"]["format"], json!("date-time"));
    assert_eq!(schemas["ShownKey"]["properties"]["not_after"]["format"], json!("date-time"));
}

#[tokio::test]
async fn who_adds_is_told_where_it_is() {
    let world = World::new();
    let peer = Peer::wiki().await;
    let (_, details) = call(&world, Method::POST, "/details", None, json!({ "base_url": peer.origin })).await;
    let new = new_application(&details).to_string();
    let send = async |query: &str| {
        let request = Request::post(format!("/api/v1/applications{query}")).header("x-user", "admin");
        world
            .send(request.header("content-type", "application/json").body(Body::from(new.clone())).unwrap())
            .await
    };
    assert!(!send("?dry_run=true").await.headers.contains_key("location"));
    assert_eq!(send("").await.headers["location"], "applications/wiki");
    let (status, problem) = call(&world, Method::PUT, "/applications/wiki", Some("1"), edit("Wiki")).await;
    assert_eq!(status, 412);
    assert!(problem["detail"].as_str().unwrap().contains("quotation marks"), "{problem}");
}

/// What would only be tried is not done in earnest because its name is misspelt, or the operation does not know it.
#[tokio::test]
async fn what_a_query_says_in_vain_is_refused() {
    let world = World::new();
    add(&world).await;
    let (_, exported) = call(&world, Method::GET, "/export", None, Value::Null).await;
    let import = json!({ "toml": exported["toml"].as_str().unwrap().replace("\"Wiki\"", "\"Renamed\"") });
    let other =
        Peer::serving(answer("200 OK", "", &document(&TestIdentity::stranger().with_id("wiki")))).await;
    let asked = json!({ "base_url": other.origin });
    let (_, details) = call(&world, Method::POST, "/applications/wiki/key-requests", None, asked).await;
    let change = json!({ "pending": details["pending"], "confirmed": true });
    for (method, path, body) in [
        (Method::POST, "/import?dry-run=true", import.clone()),
        (Method::POST, "/import?dry_run=false&dry_run=true", import.clone()),
        (Method::POST, "/import?dry_run=", import),
        (Method::PUT, "/applications/wiki?dryrun=true", edit("Renamed")),
        (Method::PUT, "/applications/wiki/key?dry_run=true", change.clone()),
        (Method::DELETE, "/applications/wiki?dry_run=true&x", Value::Null),
        (Method::DELETE, "/applications/wiki?Dry_run=true", Value::Null),
        (Method::GET, "/changes?from=1", Value::Null),
    ] {
        assert_eq!(call(&world, method, path, Some("*"), body).await.0, 400, "{path}");
    }
    assert_eq!(world.registry.last_change().await.unwrap(), 1);
    assert_eq!(call(&world, Method::PUT, "/applications/wiki/key", Some("*"), change).await.0, 200);
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

#[tokio::test]
async fn an_application_from_its_key_directory() {
    let world = publisher::world();
    let key = publisher::key();
    let publisher = publisher::Publisher::of(&world.clock, std::slice::from_ref(&key)).await;
    let asked = json!({ "base_url": publisher.base() });
    let (status, details) = call(&world, Method::POST, "/key-directories", None, asked.clone()).await;
    let thumbprint = json!(key.public_key().thumbprint().to_string());
    assert_eq!((status, &details["keys"][0]["thumbprint"]), (200, &thumbprint), "{details}");
    let new = new_application(&details);
    let (status, added) = call(&world, Method::POST, "/applications", None, new).await;
    assert_eq!((status, &added["id"]), (201, &json!(publisher.authority)));
    assert_eq!(added["key_directory"], json!(publisher.url()));
    assert_eq!(added["keys"][0]["state"], json!("active"));
    assert_eq!(call(&world, Method::POST, "/key-directories", None, asked).await.0, 422);
}
