//! From a key directory to an application.

use std::time::Duration;

use tower_trusted_app::application::KeyState;
use tower_trusted_app::conditions::PathRule;
use tower_trusted_app::crypto::{PrivateSignatureKey, SignatureAlgorithm};
use tower_trusted_app::{ApplicationRegistry, Scheme};
use trusted_app_admin::service::thumbprint_groups;
use trusted_app_admin::{AdminError, Administrator, ApplicationEdit};

use crate::harness::{VALID, with_pending};
use crate::publisher::{Publisher, key, world};

fn edit() -> ApplicationEdit {
    ApplicationEdit {
        name: "Wiki".to_owned(),
        timeout: Duration::from_secs(60),
        addresses: "10.1.2.3".parse().unwrap(),
        paths: PathRule::prefixes(["/rest"]),
    }
}

#[tokio::test]
async fn pages_from_the_request_to_the_application() {
    let world = world();
    let keys = [key(), PrivateSignatureKey::generate(SignatureAlgorithm::EcdsaP256Sha256).unwrap()];
    let publisher = Publisher::of(&world.clock, &keys).await;
    let list = world.get("/trusted-applications").await;
    list.has("<fieldset><legend>What to fetch</legend>");
    list.has("<label for=\"fetch-key-directory\">");

    let fields = [("fetch", "key-directory"), ("base_url", &*publisher.base())];
    let asked = world.post("/trusted-applications/request", &fields).await;
    let (_, token) = asked.location().split_once("directory/add?pending=").unwrap();
    let page = world.get(&format!("/trusted-applications/directory/add?pending={token}")).await;
    page.has(&publisher.url());
    page.has("Fetched without TLS.");
    for key in &keys {
        page.has(&thumbprint_groups(key.public_key().thumbprint()));
        page.has(key.algorithm().as_str());
    }
    // What is wrong is said, and the directory waits on.
    let wrong =
        with_pending(token, &[("name", ""), ("timeout_ms", "1"), ("addresses", "any"), ("paths", "any")]);
    let page = world.post("/trusted-applications/directory/add", &wrong).await;
    assert_eq!(page.status, 422);
    page.has(&thumbprint_groups(keys[0].public_key().thumbprint()));
    world.post("/trusted-applications/directory/add", &with_pending(token, &VALID)).await.location();

    let found = world.registry.get(&publisher.authority.parse().unwrap()).await.unwrap().unwrap().unwrap();
    let wiki = found.application;
    assert_eq!((wiki.name(), wiki.schemes()), ("Wiki", [Scheme::HttpSignature].as_slice()));
    assert_eq!((wiki.key_directory(), wiki.keys().len()), (Some(&*publisher.url()), 0));
    let registered: Vec<_> =
        wiki.signature_keys().iter().map(|key| (key.public_key(), key.state())).collect();
    assert_eq!(registered, keys.iter().map(|key| (key.public_key(), KeyState::Active)).collect::<Vec<_>>());
    world.get("/trusted-applications").await.has(&thumbprint_groups(keys[1].public_key().thumbprint()));

    // Once only; and an edit keeps keys and directory.
    let again = world.post("/trusted-applications/directory/add", &with_pending(token, &VALID)).await;
    assert_eq!(again.status, 409);
    let (admin, id) = (Administrator::new("admin"), publisher.authority.as_str());
    let renamed = ApplicationEdit { name: "Other".to_owned(), ..edit() };
    let edited = world.administration.edit(&admin, id, 1, Ok(renamed), false).await.unwrap().application;
    assert_eq!((edited.name(), edited.signature_keys()), ("Other", wiki.signature_keys()));
    assert_eq!(edited.key_directory(), wiki.key_directory());
}

#[tokio::test]
async fn what_waits_is_the_askers_own() {
    let world = world();
    let publisher = Publisher::of(&world.clock, &[key()]).await;
    let (admin, root) = (Administrator::new("admin"), Administrator::new("root"));
    let pending = world.administration.request_directory(&admin, &publisher.base()).await.unwrap();
    let refused = world.administration.add(&root, &pending.token, Ok(edit()), false).await;
    assert!(matches!(refused, Err(AdminError::PendingGone)));
    let dry = world.administration.add(&admin, &pending.token, Ok(edit()), true).await.unwrap();
    assert_eq!(dry.version, 0);
    world.clock.advance(std::time::Duration::from_secs(15 * 60));
    let late = world.administration.add(&admin, &pending.token, Ok(edit()), false).await;
    assert!(matches!(late, Err(AdminError::PendingGone)));
}

#[tokio::test]
async fn a_key_of_another_application_is_refused() {
    let world = world();
    let (admin, shared) = (Administrator::new("admin"), key());
    let first = Publisher::of(&world.clock, std::slice::from_ref(&shared)).await;
    let pending = world.administration.request_directory(&admin, &first.base()).await.unwrap();
    world.administration.add(&admin, &pending.token, Ok(edit()), false).await.unwrap();
    let second = Publisher::of(&world.clock, &[key(), shared]).await;
    let refused = world.administration.request_directory(&admin, &second.base()).await.unwrap_err();
    let text = format!("already belongs to `{}`; a key belongs to one application only", first.authority);
    assert!(refused.to_string().contains(&text), "{refused}");
    // The same directory again is the same application.
    let again = world.administration.request_directory(&admin, &first.base()).await.unwrap_err();
    assert!(again.to_string().contains("already exists."), "{again}");
}
