//! What the pages and the API say of decisions about requests.

use std::convert::Infallible;

use axum::body::Body;
use http::{Request, Response};
use serde_json::{Value, json};
use tower::util::BoxCloneService;
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_trusted_app::conditions::Peer as From;
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{ApplicationRegistry, TrustedAppLayer};
use trusted_app_admin::{Administration, Administrator, Site};
use trusted_app_test::TestIdentity;

use crate::harness::{ByHeader, World, send};

/// The tracker that the world's registry is for, asked from the wiki's address.
fn tracker(world: &World) -> BoxCloneService<Request<Body>, (), BoxError> {
    let users = MemoryDirectory::of_names(["alice"]);
    let layer =
        TrustedAppLayer::builder(world.registry.clone(), users, "https://tracker.test".parse().unwrap())
            .clock(world.clock.clone())
            .peer(|_| Some(From::Ip("10.1.2.3".parse().unwrap())))
            .audit(world.recent.clone())
            .build()
            .unwrap();
    let service =
        layer.layer(service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::empty()))));
    BoxCloneService::new(service.map_response(drop).map_err(Into::into))
}

fn request(path: &str) -> Request<Body> {
    Request::get(format!("https://tracker.test{path}")).body(Body::empty()).unwrap()
}

async fn api(world: &World, path: &str) -> Value {
    serde_json::from_str(&world.get(&format!("/api/v1{path}")).await.text).unwrap()
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    let world = World::new();
    world.add_wiki().await;
    let tracker = tracker(&world);
    for (path, hop) in [("/rest/x", None), ("/rest/x", Some("10.9.9.9")), ("/admin%3Cb%3E", None)] {
        let mut request = request(path);
        hop.into_iter()
            .for_each(|hop| drop(request.headers_mut().insert("x-forwarded-for", hop.parse().unwrap())));
        let signed = TestIdentity::wiki().sign(request, "alice", &world.clock);
        tracker.clone().oneshot(signed).await.unwrap();
    }
    let page = world.get("/trusted-applications/decisions?id=wiki").await;
    page.has("this hop is not among the addresses: 10.9.9.9");
    page.has(">BAD_XFORWARD_IP</td>");
    page.has("no path pattern covers /admin%3Cb%3E");
    page.has(">OK</td>");
    world.get("/trusted-applications").await.has("2023-11-14T22:13:20");
}

#[tokio::test]
async fn who_is_told_nothing_says_so() {
    let world = World::new();
    world.add_wiki().await;
    let administration = Administration::new(world.registry.clone());
    let site = Site::new(administration).guard(ByHeader).into_router();
    let get = async |path: &str| {
        send(&site, Request::get(path).header("x-user", "admin").body(Body::empty()).unwrap()).await
    };
    for path in ["/trusted-applications/decisions?id=wiki", "/trusted-applications/decisions"] {
        let page = get(path).await;
        page.has("This server does not tell its administration what it decides");
        page.has("Administration::recent_decisions");
        page.lacks("since this server started");
    }
    get("/trusted-applications").await.lacks("since this server started");
    for path in ["/api/v1/applications/wiki/decisions", "/api/v1/decisions"] {
        let answer: Value = serde_json::from_str(&get(path).await.text).unwrap();
        assert_eq!(answer, json!({ "recorded": false, "decisions": [] }));
    }
    world.get("/trusted-applications/decisions?id=wiki").await.has("since it started");
    world.get("/trusted-applications/decisions").await.has("since this server started");
    assert_eq!(api(&world, "/decisions").await, json!({ "recorded": true, "decisions": [] }));
}

/// Anybody may send them: they are bounded and escaped, and drive nothing out that is of a registered application.
#[tokio::test]
async fn refusals_of_unknown_applications_are_shown() {
    let world = World::new();
    world.add_wiki().await;
    let tracker = tracker(&world);
    let ask = async |identity: TestIdentity, path: &str| {
        let signed = identity.sign(request(path), "alice", &world.clock);
        tracker.clone().oneshot(signed).await.unwrap();
    };
    ask(TestIdentity::wiki(), "/rest/x").await;
    let long = "x".repeat(4000);
    for number in 0..200 {
        ask(TestIdentity::stranger().with_id(&format!("<b>&{number}")), &format!("/rest/{long}")).await;
    }
    // An ordinary visitor is no such refusal.
    tracker.clone().oneshot(request("/rest/visitor")).await.unwrap();

    let answer = api(&world, "/decisions").await;
    let decisions = answer["decisions"].as_array().unwrap();
    assert_eq!((decisions.len(), &decisions[0]["application"]), (50, &json!("<b>&199")), "{answer}");
    assert_eq!((&decisions[0]["code"], &decisions[0]["user"]), (&json!("APP_UNKNOWN"), &Value::Null));
    assert!(decisions.iter().all(|one| one["path"].as_str().unwrap().chars().count() == 201), "{answer}");
    assert_eq!(api(&world, "/applications/wiki/decisions").await["decisions"].as_array().unwrap().len(), 1);

    assert!(
        world.get("/trusted-applications").await.text.contains("href=\"./trusted-applications/decisions\"")
    );
    let page = world.get("/trusted-applications/decisions").await;
    page.has(">&lt;b&gt;&amp;199</td>");
    page.has("register the application");
    page.lacks("<b>");
    page.lacks("visitor");
}

#[tokio::test]
async fn a_new_application_has_no_past() {
    let world = World::new();
    world.add_wiki().await;
    let toml = api(&world, "/export").await["toml"].as_str().unwrap().to_owned();
    let tracker = tracker(&world);
    let ask = async || {
        let signed = TestIdentity::wiki().sign(request("/rest/x"), "alice", &world.clock);
        tracker.clone().oneshot(signed).await.unwrap();
        assert_eq!(world.recent.of("wiki").len(), 1);
        assert_eq!(world.recent.last_used("wiki").len(), 1);
    };
    let alice = Administrator::new("alice");
    let delete = async || {
        let version = world.administration.get(&alice, "wiki").await.unwrap().version;
        world.administration.remove(&alice, "wiki", version, true).await.unwrap();
        assert_eq!(world.recent.of("wiki").len(), 1, "a dry run forgets nothing");
        world.administration.remove(&alice, "wiki", version, false).await.unwrap();
    };
    ask().await;
    delete().await;
    assert!(world.recent.of("wiki").is_empty() && world.recent.last_used("wiki").is_empty());

    // Nor has one whose predecessor somebody else took out.
    world.add_wiki().await;
    ask().await;
    let take_out = async || {
        let version = world.administration.get(&alice, "wiki").await.unwrap().version;
        world.registry.remove(&"wiki".parse().unwrap(), version, "elsewhere").await.unwrap();
    };
    take_out().await;
    world.add_wiki().await;
    assert!(world.recent.of("wiki").is_empty());
    ask().await;
    take_out().await;
    world.administration.import(&alice, &toml, Default::default()).await.unwrap();
    assert!(world.recent.of("wiki").is_empty());
}
