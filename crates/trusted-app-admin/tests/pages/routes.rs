//! What holds for every route of the pages and of the API.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tower_trusted_app::ApplicationRegistry;
use trusted_app_admin::Site;

use crate::harness::{World, send};

/// The routes of the pages, and whether a form is sent to them.
const PAGES: [(&str, bool); 17] = [
    ("/", false),
    ("/administration", false),
    ("/style.css", false),
    ("/trusted-applications", false),
    ("/trusted-applications/", false),
    ("/trusted-applications/request", true),
    ("/trusted-applications/add", true),
    ("/trusted-applications/edit", true),
    ("/trusted-applications/delete", true),
    ("/trusted-applications/rotate", true),
    ("/trusted-applications/rotate/confirm", true),
    ("/trusted-applications/revoke", true),
    ("/trusted-applications/changes", false),
    ("/trusted-applications/decisions", false),
    ("/trusted-applications/directory/add", true),
    ("/trusted-applications/directory", true),
    ("/trusted-applications/directory/refresh", true),
];

const DOCUMENT: &str = "/api/v1/openapi.json";

/// The operations of the API, as its document has them; with an id where one is asked for.
async fn operations() -> Vec<(Method, String)> {
    let document: Value = serde_json::from_str(&World::new().get(DOCUMENT).await.text).unwrap();
    let mut operations = vec![(Method::GET, DOCUMENT.to_owned())];
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            operations.push((method.to_uppercase().parse().unwrap(), path.replace("{id}", "wiki")));
        }
    }
    operations
}

/// The paths of the pages.
pub(crate) fn served() -> impl Iterator<Item = String> {
    PAGES.into_iter().map(|(path, _)| path.to_owned())
}

pub(crate) fn that_take_forms() -> impl Iterator<Item = &'static str> {
    PAGES.into_iter().filter(|(_, form)| *form).map(|(path, _)| path)
}

async fn every_path() -> Vec<String> {
    let mut paths: Vec<_> = operations().await.into_iter().map(|(_, path)| path).chain(served()).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// The routes that the source of a router states, with the methods of each.
fn stated(source: &str, list: &str) -> Vec<(String, String)> {
    let mut routes = Vec::new();
    for line in source.lines().filter_map(|line| line.trim().strip_prefix(".route(")) {
        let (path, methods) = line.split_once(", ").unwrap();
        let path = path.trim_start_matches("&format!(").trim_matches(|c| c == '"' || c == ')');
        let path = match path {
            "list" => list.to_owned(),
            path => path.replace("{list}", list),
        };
        routes.push((path, methods.to_owned()));
    }
    routes
}

#[tokio::test]
async fn no_route_is_forgotten() {
    let pages = stated(include_str!("../../src/pages/mod.rs"), "/trusted-applications");
    let expected: Vec<_> =
        pages.iter().map(|(path, methods)| (path.as_str(), methods.contains("post("))).collect();
    assert_eq!(expected, PAGES);

    let api = stated(include_str!("../../src/api/mod.rs"), "");
    let mut stated = Vec::new();
    for (path, methods) in api {
        for (method, call) in [
            (Method::GET, "get("),
            (Method::PUT, "put("),
            (Method::POST, "post("),
            (Method::DELETE, "delete("),
        ] {
            if methods.contains(call) {
                stated.push((method, path.replace("{id}", "wiki")));
            }
        }
    }
    let key = |(method, path): &(Method, String)| (path.clone(), method.to_string());
    let mut documented = operations().await;
    stated.sort_by_key(key);
    documented.sort_by_key(key);
    assert_eq!(stated, documented);
    assert!(stated.len() > 12);
}

#[tokio::test]
async fn nobody_and_a_plain_user_come_in_nowhere() {
    let world = World::new();
    let unguarded = Site::new(world.administration.clone()).into_router();
    for path in every_path().await.iter().map(String::as_str).chain(["/no-such-page", "/api/v1/nothing"]) {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            let request = |user: Option<&str>| {
                let request = Request::builder().method(method).uri(path);
                user.into_iter()
                    .fold(request, |request, user| request.header("x-user", user))
                    .body(Body::empty())
                    .unwrap()
            };
            assert_eq!(world.send(request(None)).await.status, 401, "{method} {path}");
            assert_eq!(world.send(request(Some("alice"))).await.status, 403, "{method} {path}");
            assert_eq!(send(&unguarded, request(Some("admin"))).await.status, 403, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn get_changes_nothing() {
    let world = World::new();
    world.add_wiki().await;
    let token = world.get("/trusted-applications").await.value("token");
    for path in every_path().await {
        for method in [Method::GET, Method::HEAD] {
            let query = format!("token={token}&id=wiki&version=1&confirmed=yes&base_url=http://127.0.0.1");
            let request = Request::builder().method(method).uri(format!("{path}?{query}"));
            let request = request.header("x-user", "admin").header("if-match", "*");
            world.send(request.body(Body::empty()).unwrap()).await;
        }
    }
    assert_eq!(world.registry.last_change().await.unwrap(), 1);
    assert_eq!(world.registry.list(None, 9).await.unwrap().len(), 1);
}

/// A form of a page needs its token, and what the API is sent must be JSON, which no form is.
#[tokio::test]
async fn what_a_form_of_another_site_sends_is_refused() {
    let world = World::new();
    world.add_wiki().await;
    for path in that_take_forms() {
        let request = Request::post(path).header("x-user", "admin");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let sent = request.body(Body::from("id=wiki&version=1&confirmed=yes")).unwrap();
        assert_eq!(world.send(sent).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    for (method, path) in operations().await.into_iter().filter(|(method, _)| method != Method::GET) {
        let request = |kind: &str| {
            let request = Request::builder().method(method.clone()).uri(&path).header("x-user", "admin");
            request.header("content-type", kind).header("if-match", "*")
        };
        for kind in ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"] {
            let sent = request(kind).body(Body::from(json!({}).to_string())).unwrap();
            assert_eq!(world.send(sent).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path}");
        }
        let sent = request("application/json").header("sec-fetch-site", "cross-site");
        assert_eq!(
            world.send(sent.body(Body::empty()).unwrap()).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
    assert_eq!(world.registry.last_change().await.unwrap(), 1);
}
