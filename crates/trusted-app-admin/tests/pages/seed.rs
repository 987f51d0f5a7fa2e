//! What JIRA 4.1's administrators' guide says about the pages, sentence by sentence.
//!
//! | | The guide says | Test |
//! |---|---|---|
//! | S9 | sensitive data is sent: use SSL | `s9_…`; over TLS, `https.rs` |
//! | S10 | only system administrators may | `s10_…`; every page and method, `attacks.rs` |
//! | S11 | "Administration" leads to the pages | `s11_…` |
//! | S12 | and "Trusted Applications" under "System" to the list | `s12_…` |
//! | S13 | "Request New Trusted Application Details" is below it | `s13_…` |
//! | S14 | the base URL is where the application is reached | `s14_…` |
//! | S15 | "Send Request" fetches id and key, and the form to add appears | `s15_…` |
//! | S16 | the name is the URL and can be changed | `s16_…` |
//! | S17 | the id cannot be edited | `s17_…` |
//! | S18 to S30 | the other fields, and "Add" | `requests.rs`, by signed requests |
//! | S31 | the list shows the new entry | `s31_…` |
//!
//! S1, S7, S8 and once more S18 to S29, below the pages, are in the `seed` test of the crate `trusted-app-tests`; what
//! Atlassian's own test of the pages asks is in `atlassian.rs`.

use http::Request;
use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::registry::Registered;
use trusted_app_test::TestIdentity;

use crate::harness::{Peer, VALID, World, answer, but, send, with_pending};

async fn stored(world: &World) -> Registered {
    world.registry.get(TestIdentity::wiki().id()).await.unwrap().unwrap().unwrap()
}

#[tokio::test]
async fn s9_plain_http_is_warned_of_and_the_fingerprint_shown() {
    let (_, page) = World::new().request(&Peer::wiki().await.origin).await;
    page.has("Fetched without TLS.");
    page.has(&TestIdentity::wiki().local().public_key().fingerprint().to_string());
}

#[tokio::test]
async fn s10_only_a_system_administrator_comes_in() {
    let world = World::new();
    for user in ["alice", "plain-admin"] {
        let list =
            Request::get("/trusted-applications").header("x-user", user).body(Default::default()).unwrap();
        let shown = world.send(list).await;
        assert_eq!(shown.status, 403);
        shown.has("You do not have permission to access Trusted Application info.");
    }
    assert_eq!(world.send(Request::get("/").body(Default::default()).unwrap()).await.status, 401);
}

#[tokio::test]
async fn s11_administration_is_the_entry() {
    let page = World::new().get("/").await;
    page.has("<h1>Administration</h1>");
    page.has("href=\"./trusted-applications\"");
}

#[tokio::test]
async fn s12_system_leads_to_the_applications() {
    let world = World::new();
    let page = world.get("/trusted-applications").await;
    page.has("<h2>System</h2>");
    page.has("No trusted applications have been configured.");
    world.add_wiki().await;
    let page = world.get("/trusted-applications").await;
    page.has("role=\"rowheader\">Wiki</th>");
    page.lacks("No trusted applications");
}

#[tokio::test]
async fn s13_the_request_box_is_below_the_list() {
    let world = World::new();
    for list in ["id=\"none\"", "id=\"applications\""] {
        let page = world.get("/trusted-applications").await.text;
        assert!(page.find(list).unwrap() < page.find("Request New Trusted Application Details").unwrap());
        if list.contains("none") {
            world.add_wiki().await;
        }
    }
}

#[tokio::test]
async fn s14_base_url_is_trimmed_and_may_have_a_port_and_a_context_path() {
    let (world, peer) = (World::new(), Peer::wiki().await);
    let (_, page) = world.request(&format!("  {}/confluence/ ", peer.origin)).await;
    assert_eq!(page.value("name"), format!("{}/confluence/", peer.origin));
    assert_eq!(peer.asked.lock().unwrap()[0], "GET /confluence/admin/appTrustCertificate HTTP/1.1");
}

#[tokio::test]
async fn s15_send_request_shows_the_form_to_add() {
    let (_, page) = World::new().request(&Peer::wiki().await.origin).await;
    page.has("<h1>Add New Trusted Application</h1>");
    page.has("<code>wiki</code>");
    page.has("id=\"add_submit\"");

    let world = World::new();
    let peer = Peer::serving(answer("200 OK", "Content-Type: text/html\r\n", "<p>Log in</p>")).await;
    let refused = world.post("/trusted-applications/request", &[("base_url", &peer.origin)]).await;
    refused.has("does not support the Trusted Application protocol.");
    refused.has("The details could not be requested, and no application was added. See what is wrong below.");
    refused.has("<h1>View Trusted Applications</h1>");
    assert_eq!(world.registry.last_change().await.unwrap(), 0);
}

#[tokio::test]
async fn s16_the_name_is_the_url_and_can_be_changed() {
    let (world, peer) = (World::new(), Peer::wiki().await);
    let (pending, page) = world.request(&peer.origin).await;
    assert_eq!(page.value("name"), peer.origin);
    let blank = world.post("/trusted-applications/add", &with_pending(&pending, &but("name", " "))).await;
    blank.has("The Trusted Application Name cannot be blank.");
    world
        .post("/trusted-applications/add", &with_pending(&pending, &but("name", "Confluence")))
        .await
        .location();
    world.get("/trusted-applications").await.has("Confluence");
}

#[tokio::test]
async fn s17_the_id_is_shown_and_a_forged_one_does_nothing() {
    let world = World::new();
    let (pending, page) = world.request(&Peer::wiki().await.origin).await;
    page.lacks("name=\"application_id\"");
    let mut forged = with_pending(&pending, &VALID);
    forged.extend([("application_id", "evil"), ("id", "evil"), ("public_key", "evil")]);
    world.post("/trusted-applications/add", &forged).await.location();
    let wiki = stored(&world).await;
    assert_eq!(wiki.application.keys()[0].public_key(), TestIdentity::wiki().local().public_key());
    assert_eq!(world.registry.list(None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn s31_the_list_shows_the_new_entry_with_edit_and_delete() {
    let world = World::new();
    world.add_wiki().await;
    let page = world.get("/trusted-applications").await;
    page.has("id=\"edit-wiki\"");
    page.has("id=\"delete-wiki\"");
}

#[tokio::test]
async fn below_any_prefix_links_stay_below_it() {
    let world = World::new();
    let nested = axum::Router::new().nest("/a/b", world.router.clone());
    let request = Request::get("/a/b/trusted-applications/changes").header("x-user", "admin");
    let page = send(&nested, request.body(Default::default()).unwrap()).await;
    page.has("href=\"../trusted-applications\"");
    page.lacks("=\"/");
}
