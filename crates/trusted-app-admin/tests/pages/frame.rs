//! What stands around every page, and where its links lead.

use std::collections::HashMap;

use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Request, StatusCode};
use sha2::{Digest, Sha256};
use tower_trusted_app::ApplicationRegistry;
use trusted_app_test::TestIdentity;
use url::Url;

use crate::harness::{Peer, VALID, World, answer, document, send, with_pending};

fn get(path: &str) -> Request<Body> {
    Request::get(path).header("x-user", "admin").body(Body::empty()).unwrap()
}

/// The addresses that a page leads to, as a browser reads them.
fn links(page: &str, at: &Url) -> Vec<String> {
    let written =
        page.split(" href=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0.replace("&amp;", "&"));
    written.filter(|link| !link.starts_with('#')).map(|link| at.join(&link).unwrap().to_string()).collect()
}

/// Follows every link from the entry on, and says what is answered where.
async fn walk(site: &Router, entry: &str) -> HashMap<String, StatusCode> {
    let mut seen = HashMap::new();
    let mut next = vec![format!("http://tracker.test{entry}")];
    while let Some(url) = next.pop() {
        if seen.contains_key(&url) {
            continue;
        }
        let at = Url::parse(&url).unwrap();
        let page = send(site, get(&at[url::Position::BeforePath..])).await;
        if page.status == StatusCode::SEE_OTHER {
            next.push(at.join(page.location()).unwrap().to_string());
        }
        next.extend(links(&page.text, &at));
        seen.insert(url, page.status);
    }
    seen
}

#[tokio::test]
async fn every_link_leads_to_a_page_wherever_the_site_is() {
    let world = World::new();
    world.add_wiki().await;
    let site = || world.router.clone();
    for (router, root, entries) in [
        (Router::new().nest("/a/b", site()), "/a/b", &["", "/trusted-applications/"][..]),
        (Router::new().nest_service("/a/b", site()), "/a/b", &["", "/", "/trusted-applications/"]),
        (Router::new().nest("/admin", site()), "/admin", &[""]),
        (Router::new().nest("/x", Router::new().nest("/y", site())), "/x/y", &[""]),
        (Router::new().merge(site()), "", &["/", "/trusted-applications/"]),
    ] {
        for entry in entries {
            let seen = walk(&router, &format!("{root}{entry}")).await;
            for (url, status) in &seen {
                let expected = if url.ends_with("/trusted-applications/") { 303 } else { 200 };
                assert_eq!(*status, expected, "{root}{entry}: {url}");
            }
            for page in ["administration", "trusted-applications", "trusted-applications/edit?id=wiki"] {
                let url = format!("http://tracker.test{root}/{page}");
                assert!(seen.contains_key(&url), "{root}{entry}: {url} is not among {seen:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_address_of_forms_alone_leads_to_the_list() {
    let world = World::new();
    for (path, list) in [
        ("/trusted-applications/", "../trusted-applications"),
        ("/trusted-applications/request", "../trusted-applications"),
        ("/trusted-applications/directory/refresh", "../../trusted-applications"),
    ] {
        assert_eq!(world.get(path).await.location(), list, "{path}");
    }
}

#[tokio::test]
async fn what_was_done_is_said_in_words_of_our_own() {
    let world = World::new();
    let list = |done: &str| format!("/trusted-applications?done={done}");
    world.get(&list("added")).await.has("<p class=\"done\" role=\"status\">The application was added.</p>");
    for other in ["", "ADDED", "added%20", "All%20is%20well"] {
        let page = world.get(&list(other)).await;
        page.lacks("role=\"status\"");
        page.lacks("All is well");
    }
    world.get("/trusted-applications/edit?id=none&done=updated").await.lacks("role=\"status\"");
    world.add_wiki().await;
    let wiki = [("id", "wiki"), ("version", "1")];
    let updated = world.post("/trusted-applications/edit", &[&VALID[..], &wiki].concat()).await;
    assert_eq!(updated.location(), "../trusted-applications?done=updated");
    let deleted = world.post("/trusted-applications/delete", &wiki).await;
    assert_eq!(deleted.location(), "../trusted-applications?done=deleted");
}

#[tokio::test]
async fn a_refusal_looks_like_a_page_and_shows_strangers_nothing() {
    let world = World::new();
    for (user, status) in [(None, 401), (Some("alice"), 403)] {
        let request = user
            .into_iter()
            .fold(Request::get("/trusted-applications"), |request, user| request.header("x-user", user));
        let page = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(page.status, status);
        page.lacks("href");
        page.lacks("alice");
        // The one style that the browser takes is that of the page.
        let (_, style) = page.text.split_once("<style>").unwrap();
        let (style, _) = style.split_once("</style>").unwrap();
        let allowed = format!("style-src 'sha256-{}';", STANDARD.encode(Sha256::digest(style)));
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(style.contains("header{") && policy.contains(&allowed), "{policy}");
    }
    let missing = world.get("/no/such/page").await;
    assert_eq!(missing.status, 404);
    let forged = world.post_with("/trusted-applications/delete", "forged", &[("id", "wiki")]).await;
    assert_eq!(forged.status, 403);
    for (page, root) in [(missing, "../../"), (forged, "../")] {
        page.has(&format!("<link rel=\"stylesheet\" href=\"{root}style.css\">"));
        page.has(&format!("<a href=\"{root}trusted-applications\">Back to the list</a>"));
        assert!(page.headers["content-security-policy"].to_str().unwrap().contains("style-src 'self'"));
    }
}

#[tokio::test]
async fn the_page_that_is_shown_is_marked_and_named_once() {
    let world = World::new();
    let current = "aria-current=\"page\"";
    for (path, marked) in [
        ("/administration", "href=\"./administration\" aria-current=\"page\""),
        ("/trusted-applications", "href=\"./trusted-applications\" aria-current=\"page\""),
        ("/trusted-applications/changes", "changes\" aria-current=\"page\""),
    ] {
        let page = world.get(path).await;
        page.has(marked);
        assert_eq!(page.text.matches(current).count(), 1, "{path}");
    }
    world.get("/").await.has("<title>Administration</title>");
    world.get("/trusted-applications").await.has("<title>View Trusted Applications - Administration</title>");
}

#[tokio::test]
async fn what_cannot_be_seen_is_shown() {
    let world = World::new();
    let (id, name) = ("wiki", "Wi\u{200b}ki\u{202e}kiw \u{2764}\u{fe0f}");
    let peer = Peer::serving(answer("200 OK", "", &document(&TestIdentity::wiki().with_id(id)))).await;
    let (pending, _) = world.request(&peer.origin).await;
    let fields: Vec<_> =
        VALID.into_iter().map(|(field, old)| (field, if field == "name" { name } else { old })).collect();
    world.post("/trusted-applications/add", &with_pending(&pending, &fields)).await.location();
    for path in ["", "/edit?id=wiki", "/delete?id=wiki", "/changes", "/decisions?id=wiki"] {
        let page = world.get(&format!("/trusted-applications{path}")).await;
        assert_eq!(page.status, 200, "{path}");
        // The form has the name in a field alone, whose value is sent back.
        let shown = page.text.contains("Wi\\u{200b}ki\\u{202e}kiw \u{2764}\\u{fe0f}");
        assert_eq!(shown, !path.starts_with("/edit"), "{path}: {}", page.text);
        let text = page.text.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text);
        assert!(!text.into_iter().any(|text| text.contains(['\u{202e}', '\u{200b}', '\u{fe0f}'])), "{path}");
    }
    // The form sends back what it was shown.
    let edit = world.get("/trusted-applications/edit?id=wiki").await;
    assert_eq!((edit.value("name").as_str(), edit.value("id").as_str()), (name, id));
    assert_eq!(world.registry.list(None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_warning_says_whom_the_application_may_act_as() {
    let world = World::new();
    let (pending, add) = world.request(&Peer::wiki().await.origin).await;
    add.has("as any user but administrators, without");
    add.has("Confirm the details of this Trusted Application.");
    world.post("/trusted-applications/add", &with_pending(&pending, &VALID)).await.location();
    let edit = world.get("/trusted-applications/edit?id=wiki").await;
    edit.has("as any user but administrators, without");
    edit.has("Change what this application may do.");
    let registered = world.registry.get(TestIdentity::wiki().id()).await.unwrap().unwrap().unwrap();
    let policy = registered.application.act_as().clone().insecure_administrators();
    let all = registered.application.to_builder().act_as(policy).build().unwrap();
    world.registry.update(all, 1, "root").await.unwrap();
    world.get("/trusted-applications/edit?id=wiki").await.has("as any user, without");
}
