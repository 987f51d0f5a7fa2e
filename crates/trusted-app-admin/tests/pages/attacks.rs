//! What must not work.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use tower_trusted_app::ApplicationRegistry;
use trusted_app_admin::{AdminError, Administrator, Site};
use trusted_app_test::TestIdentity;

use crate::harness::{ByHeader, Peer, VALID, World, answer, but, document, form, send, with_pending};
use crate::routes;

#[tokio::test]
async fn every_answer_forbids_frames_and_scripts() {
    let world = World::new();
    for path in routes::served() {
        let headers = world.get(&path).await.headers;
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cache-control"], "no-store");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
    }
}

#[tokio::test]
async fn a_change_needs_the_administrators_own_token() {
    let world = World::new();
    world.add_wiki().await;
    let list = |user: &'static str| Request::get("/trusted-applications").header("x-user", user);
    let own = world.get("/trusted-applications").await.value("token");
    let foreign = world.send(list("root").body(Body::empty()).unwrap()).await.value("token");
    assert_ne!(own, foreign);
    let fields = [("id", "wiki"), ("version", "1")];
    let (made, code) = own.split_once('.').unwrap();
    let younger = format!("{}.{code}", made.parse::<i64>().unwrap() + 1);
    for token in ["", "x", ".", "é1", "1.é1", code, &own[..own.len() - 2], &younger, &foreign] {
        for path in routes::that_take_forms() {
            assert_eq!(world.post_with(path, token, &fields).await.status, 403, "{path} {token}");
        }
    }
    for (name, value) in [
        ("origin", "https://evil.test"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let mut request = form("/trusted-applications/delete", &own, &fields).body_of("admin");
        request.headers_mut().insert("host", "jira.test".parse().unwrap());
        request.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(world.send(request).await.status, 403, "{name}: {value}");
    }
    let mut request = form("/trusted-applications/delete", &own, &fields).body_of("admin");
    request.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(world.send(request).await.status, 415);
    assert_eq!(world.registry.list(None, 9).await.unwrap().len(), 1, "it is still there");

    let mut request = form("/trusted-applications/delete", &own, &fields).body_of("admin");
    request.headers_mut().insert("host", "jira.test:443".parse().unwrap());
    request.headers_mut().insert("origin", "https://jira.test".parse().unwrap());
    assert_eq!(world.send(request).await.status, 303);
}

#[tokio::test]
async fn behind_a_proxy_that_changes_host_the_public_origin_counts() {
    let world = World::new();
    world.add_wiki().await;
    let stated =
        Site::new(world.administration.clone()).public_origin("https://tracker.example.com").unwrap();
    let stated = stated.guard(ByHeader).into_router();
    for (router, origin, status) in [
        (&world.router, "https://tracker.example.com", 403),
        (&stated, "https://backend:8080", 403),
        (&stated, "https://evil.test", 403),
        (&stated, "https://tracker.example.com", 303),
    ] {
        let list =
            Request::get("/trusted-applications").header("x-user", "admin").body(Body::empty()).unwrap();
        let token = send(router, list).await.value("token");
        let fields = [("id", "wiki"), ("version", "1")];
        let mut request = form("/trusted-applications/delete", &token, &fields).body_of("admin");
        request.headers_mut().insert("host", "backend:8080".parse().unwrap());
        request.headers_mut().insert("origin", origin.parse().unwrap());
        let answer = send(router, request).await;
        assert_eq!(answer.status, status, "{origin}");
        // What the operator can do is for the log.
        answer.lacks("public_origin");
        answer.lacks("backend");
    }
}

#[tokio::test]
async fn a_script_is_text() {
    let script = "<script>alert(1)</script>\"'>";
    let world = World::new();
    let page = world.post("/trusted-applications/request", &[("base_url", script)]).await;
    page.lacks("<script");
    let id = "<script>alert(1)";
    let peer = Peer::serving(answer("200 OK", "", &document(&TestIdentity::wiki().with_id(id)))).await;
    let (pending, page) = world.request(&peer.origin).await;
    page.lacks("<script");
    let wrong =
        world.post("/trusted-applications/add", &with_pending(&pending, &but("addresses", script))).await;
    wrong.has("is invalid.");
    wrong.lacks("<script");
    world.post("/trusted-applications/add", &with_pending(&pending, &but("name", script))).await.location();
    for path in [
        "",
        "/edit?id=%3Cscript%3Ealert(1)",
        "/delete?id=%3Cscript%3Ealert(1)",
        "/changes",
        "/edit?id=<script>",
    ] {
        let path = format!("/trusted-applications{}", path.replace('<', "%3C").replace('>', "%3E"));
        world.get(&path).await.lacks("<script");
    }
}

#[tokio::test]
async fn details_are_for_who_asked_once_and_for_a_while() {
    let (world, peer) = (World::new(), Peer::wiki().await);
    let (pending, _) = world.request(&peer.origin).await;
    let fields = with_pending(&pending, &VALID);
    let list = Request::get("/trusted-applications").header("x-user", "root").body(Body::empty()).unwrap();
    let token = world.send(list).await.value("token");
    let stolen = world.send(form("/trusted-applications/add", &token, &fields).body_of("root")).await;
    assert_eq!(stolen.status, StatusCode::CONFLICT);
    world.clock.advance(Duration::from_secs(15 * 60 - 1));
    world.post("/trusted-applications/add", &fields).await.location();
    let again = world.post("/trusted-applications/add", &fields).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    again.has("no longer there");

    let other = Peer::serving(answer("200 OK", "", &document(&TestIdentity::stranger()))).await;
    let (late, _) = world.request(&other.origin).await;
    world.clock.advance(Duration::from_secs(15 * 60));
    let fields = with_pending(&late, &VALID);
    assert_eq!(world.post("/trusted-applications/add", &fields).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_key_changes_only_by_a_fetch_and_a_confirmation() {
    let world = World::new();
    world.add_wiki().await;
    let mut forged = VALID.to_vec();
    let other = TestIdentity::stranger().with_id("wiki");
    let key = other.local().public_key().to_base64();
    forged.extend([("id", "wiki"), ("version", "1"), ("public_key", &key), ("key", &key)]);
    world.post("/trusted-applications/edit", &forged).await.location();
    let keys = async || {
        world
            .registry
            .get(TestIdentity::wiki().id())
            .await
            .unwrap()
            .unwrap()
            .unwrap()
            .application
            .keys()
            .to_vec()
    };
    assert_eq!(keys().await[0].public_key(), TestIdentity::wiki().local().public_key());

    let stranger = Peer::serving(answer("200 OK", "", &document(&TestIdentity::stranger()))).await;
    let fields = [("id", "wiki"), ("base_url", &*stranger.origin)];
    world
        .post("/trusted-applications/rotate", &fields)
        .await
        .has("with the details of stranger, not of wiki.");
    let peer = Peer::serving(answer("200 OK", "", &document(&other))).await;
    let asked =
        world.post("/trusted-applications/rotate", &[("id", "wiki"), ("base_url", &peer.origin)]).await;
    let pending = asked.location().split_once("pending=").unwrap().1.to_owned();
    let confirm = "/trusted-applications/rotate/confirm";
    let page = world.get(&format!("{confirm}?pending={pending}")).await;
    page.has(&other.local().public_key().fingerprint().to_string());
    let version = page.value("version");
    let fields = [("pending", &*pending), ("version", &version)];
    world.post(confirm, &fields).await.has("You must confirm that you have compared the fingerprint.");
    assert_eq!(keys().await.len(), 1);
    // The details of a rotation do not add an application.
    assert_eq!(world.post("/trusted-applications/add", &with_pending(&pending, &VALID)).await.status, 409);
    world
        .post(
            confirm,
            &[("pending", &pending), ("version", &version), ("confirmed", "yes"), ("at_once", "yes")],
        )
        .await
        .location();
    let live: Vec<_> = keys()
        .await
        .into_iter()
        .filter(|key| key.is_live(tower_trusted_app::Timestamp::from_millis(0)))
        .collect();
    assert_eq!(live.len(), 1);
    assert_eq!(live[0].public_key(), other.local().public_key());
}

#[tokio::test]
async fn of_two_administrators_who_edit_at_once_the_second_is_told() {
    let world = World::new();
    world.add_wiki().await;
    let fields = |name: &'static str| {
        let mut fields = but("name", name);
        fields.extend([("id", "wiki"), ("version", "1")]);
        fields
    };
    world.post("/trusted-applications/edit", &fields("First")).await.location();
    let second = world.post("/trusted-applications/edit", &fields("Second")).await;
    assert_eq!(second.status, StatusCode::CONFLICT);
    second.has("was changed in the meantime: it has version 2, not 1.");
    assert_eq!(second.value("name"), "Second");
    // From there the second goes on: the form as it is now, whose version fits.
    second.has("<a id=\"as-it-is\" href=\"../trusted-applications/edit?id=wiki\">");
    let current = world.get("/trusted-applications/edit?id=wiki").await;
    current.lacks("as-it-is");
    assert_eq!((current.value("name").as_str(), current.value("version").as_str()), ("First", "2"));
    let deleted = world.post("/trusted-applications/delete", &[("id", "wiki"), ("version", "1")]).await;
    assert_eq!(deleted.status, StatusCode::CONFLICT);
    deleted.has("<a id=\"as-it-is\" href=\"../trusted-applications/delete?id=wiki\">");
    world.get("/trusted-applications").await.has("First");
    let remove = world.administration.remove(&Administrator::new("root"), "wiki", 1, false).await;
    assert!(matches!(remove, Err(AdminError::Changed { found: 2, .. })));
}

/// A form that was shown of an application does not change another that has its id since.
#[tokio::test]
async fn what_is_added_again_is_not_what_was_seen() {
    let world = World::new();
    world.add_wiki().await;
    let seen = world.get("/trusted-applications/edit?id=wiki").await.value("version");
    world.post("/trusted-applications/delete", &[("id", "wiki"), ("version", &seen)]).await.location();
    world.add_wiki().await;
    let mut fields = but("paths", "any");
    fields.extend([("id", "wiki"), ("version", &*seen)]);
    world.post("/trusted-applications/edit", &fields).await.has("was changed in the meantime");
    let deleted = world.post("/trusted-applications/delete", &[("id", "wiki"), ("version", &seen)]).await;
    assert_eq!(deleted.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_form_is_good_for_twelve_hours_and_kept_after() {
    let world = World::new();
    world.add_wiki().await;
    let old = world.get("/trusted-applications").await.value("token");
    let name = "A \"B\" & <C>";
    let fields = |version| {
        let mut fields = but("name", name);
        fields.extend([("id", "wiki"), ("version", version)]);
        fields
    };
    world.clock.advance(Duration::from_secs(12 * 60 * 60 - 1));
    world.post_with("/trusted-applications/edit", &old, &fields("1")).await.location();
    world.clock.advance(Duration::from_secs(1));
    let late = world.post_with("/trusted-applications/edit", &old, &fields("2")).await;
    assert_eq!(late.status, StatusCode::FORBIDDEN);
    late.has("send it again");
    late.has("name=\"name\" value=\"A &quot;B&quot; &amp; &lt;C&gt;\"");
    assert_eq!((late.value("version").as_str(), late.value("addresses").as_str()), ("2", "10.1.2.3"));
    let fresh = late.value("token");
    world.post_with("/trusted-applications/edit", &fresh, &fields("2")).await.location();
    world.get("/trusted-applications").await.has("A &quot;B&quot; &amp; &lt;C&gt;");
}
