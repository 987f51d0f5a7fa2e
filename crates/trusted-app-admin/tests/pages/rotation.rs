//! A key in the place of another, with both accepted meanwhile.

use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::application::{ApplicationKey, KeyState};
use tower_trusted_app::crypto::PrivateKey;
use trusted_app_admin::Administrator;
use trusted_app_test::TestIdentity;

use crate::harness::{Peer, World, answer, document};

const REVOKE: &str = "/trusted-applications/revoke";

async fn states(world: &World) -> Vec<KeyState> {
    let wiki = world.registry.get(TestIdentity::wiki().id()).await.unwrap().unwrap().unwrap();
    wiki.application.keys().iter().map(ApplicationKey::state).collect()
}

#[tokio::test]
async fn the_old_key_is_good_until_it_is_revoked() {
    let world = World::new();
    world.add_wiki().await;
    world.get("/trusted-applications").await.lacks("revoke-wiki");

    let new = TestIdentity::stranger().with_id("wiki");
    let peer = Peer::serving(answer("200 OK", "", &document(&new))).await;
    let fields = [("id", "wiki"), ("base_url", &*peer.origin)];
    let asked = world.post("/trusted-applications/rotate", &fields).await;
    let pending = asked.location().split_once("pending=").unwrap().1.to_owned();
    let fields = [("pending", &*pending), ("version", "1")];
    let confirm = "/trusted-applications/rotate/confirm";
    world.post(confirm, &fields).await.has("The key was not changed. See what is wrong below.");
    let changed = world.post(confirm, &[&fields[..], &[("confirmed", "yes")]].concat()).await;
    assert_eq!(changed.location(), "../../trusted-applications?done=key-changed");
    assert_eq!(states(&world).await, [KeyState::Active, KeyState::Retiring]);
    let list = world.get("/trusted-applications").await;
    for (identity, state) in [(&TestIdentity::wiki(), "retiring"), (&new, "active")] {
        list.has(&format!("{}</code> ({state})", identity.local().public_key().fingerprint()));
    }
    list.has("id=\"revoke-wiki\"");

    let page = world.get(&format!("{REVOKE}?id=wiki")).await;
    page.has("Are you sure you want to revoke the retiring key of <strong>Wiki</strong>");
    assert_eq!(states(&world).await, [KeyState::Active, KeyState::Retiring]);
    let stale = world.post(REVOKE, &[("id", "wiki"), ("version", "1")]).await;
    assert_eq!(stale.status, 409);
    stale.has("was changed in the meantime");
    world.post(REVOKE, &[("id", "wiki"), ("version", &page.value("version"))]).await.location();
    assert_eq!(states(&world).await, [KeyState::Active, KeyState::Revoked]);
    let list = world.get("/trusted-applications").await;
    list.lacks(&TestIdentity::wiki().local().public_key().fingerprint().to_string());
    list.lacks("revoke-wiki");

    // Nothing is left to revoke.
    let page = world.get(&format!("{REVOKE}?id=wiki")).await;
    page.has("is retiring: there is nothing to revoke.");
    page.lacks("<form");
    let list = world.get("/trusted-applications?done=revoked").await;
    list.has("<p class=\"done\" role=\"status\">The old key was revoked.</p>");
}

#[tokio::test]
async fn the_only_key_in_use_is_not_revoked() {
    let (world, wiki) = (World::new(), TestIdentity::wiki());
    let key = ApplicationKey::from(wiki.local().public_key().clone()).with_state(KeyState::Retiring);
    let application = wiki.trusted().keys([key]).build().unwrap();
    world.registry.add(application, "root").await.unwrap();
    let refused = world.post(REVOKE, &[("id", "wiki"), ("version", "1")]).await;
    assert_eq!(refused.status, 422);
    refused.has("No other key of the application is active");
    assert_eq!(states(&world).await, [KeyState::Retiring]);
}

/// As many keys as are kept, of which the one that retires stands last.
#[tokio::test]
async fn the_oldest_revoked_key_makes_room_and_no_other() {
    let (world, wiki) = (World::new(), TestIdentity::wiki());
    let retiring = wiki.local().public_key().clone();
    let revoked: Vec<_> = (0..15).map(|_| PrivateKey::generate(2048).unwrap().public_key().clone()).collect();
    let keys = revoked.iter().map(|key| ApplicationKey::from(key.clone()).with_state(KeyState::Revoked));
    let keys = keys.chain([ApplicationKey::from(retiring.clone()).with_state(KeyState::Retiring)]);
    let application = wiki.trusted().keys(keys).build().unwrap();
    world.registry.add(application, "root").await.unwrap();

    let peer =
        Peer::serving(answer("200 OK", "", &document(&TestIdentity::stranger().with_id("wiki")))).await;
    let admin = Administrator::new("admin");
    let pending = world.administration.request_key(&admin, "wiki", &peer.origin).await.unwrap();
    let changed = world.administration.rotate_key(&admin, &pending.token, 1, true, false).await.unwrap();
    let kept: Vec<_> = changed.application.keys().iter().map(|key| key.public_key().clone()).collect();
    assert_eq!(kept.len(), 16);
    assert!(kept.contains(&retiring) && !kept.contains(&revoked[14]) && kept.contains(&revoked[13]));
}
