//! A form that is sent while the store is away comes back with what was typed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tower_trusted_app::keys::MemoryRegistry;
use tower_trusted_app::registry::{Change, Entry, Registered, RegistryError};
use tower_trusted_app::{ApplicationId, ApplicationRegistry, TrustedApplication};
use trusted_app_admin::fetch::{AddressPolicy, Fetcher};
use trusted_app_admin::{Administration, Site};
use trusted_app_test::TestIdentity;

use crate::harness::{ByHeader, Peer, World, answer, but, document, with_pending};

/// A registry that can be away, or unable to write.
struct Store {
    registry: MemoryRegistry,
    away: Arc<AtomicBool>,
    stuck: Arc<AtomicBool>,
}

impl Store {
    fn reached(&self) -> Result<&MemoryRegistry, RegistryError> {
        match self.away.load(Ordering::SeqCst) {
            true => Err(RegistryError::Unavailable("as the test wants it".into())),
            false => Ok(&self.registry),
        }
    }

    fn writable(&self) -> Result<&MemoryRegistry, RegistryError> {
        match self.stuck.load(Ordering::SeqCst) {
            true => Err(RegistryError::NotWritten("mount the directory and not the file".into())),
            false => self.reached(),
        }
    }
}

impl ApplicationRegistry for Store {
    async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Entry>, RegistryError> {
        self.reached()?.list(after, limit).await
    }
    async fn get(&self, id: &ApplicationId) -> Result<Option<Entry>, RegistryError> {
        self.reached()?.get(id).await
    }
    async fn add(&self, application: TrustedApplication, by: &str) -> Result<Registered, RegistryError> {
        self.writable()?.add(application, by).await
    }
    async fn update(
        &self,
        application: TrustedApplication,
        expected: u64,
        by: &str,
    ) -> Result<Registered, RegistryError> {
        self.writable()?.update(application, expected, by).await
    }
    async fn remove(&self, id: &ApplicationId, expected: u64, by: &str) -> Result<(), RegistryError> {
        self.writable()?.remove(id, expected, by).await
    }
    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, RegistryError> {
        self.reached()?.changes(after, limit).await
    }
    async fn last_change(&self) -> Result<u64, RegistryError> {
        self.reached()?.last_change().await
    }
}

#[tokio::test]
async fn what_was_typed_is_shown_again() {
    let (mut world, away) = (World::new(), Arc::new(AtomicBool::new(false)));
    let store = Store { registry: world.registry.clone(), away: Arc::clone(&away), stuck: Arc::default() };
    let fetcher = Fetcher::new(AddressPolicy::insecure_any());
    let administration = Administration::new(store).fetcher(fetcher).clock(world.clock.clone());
    world.router = Site::new(administration).guard(ByHeader).into_router();
    world.add_wiki().await;
    let serving =
        async |identity: &TestIdentity| Peer::serving(answer("200 OK", "", &document(identity))).await.origin;
    let stranger = serving(&TestIdentity::stranger()).await;
    let (pending, _) = world.request(&stranger).await;
    let new_key = serving(&TestIdentity::tracker().with_id("wiki")).await;
    let asked = world.post("/trusted-applications/rotate", &[("id", "wiki"), ("base_url", &new_key)]).await;
    let rotation = asked.location().split_once("pending=").unwrap().1.to_owned();
    let token = world.get("/trusted-applications").await.value("token");

    away.store(true, Ordering::SeqCst);
    let of_wiki = [("id", "wiki"), ("version", "1")];
    let typed = but("name", "Typed");
    let add = with_pending(&pending, &typed);
    let edit = [&typed[..], &of_wiki].concat();
    let nowhere = [("base_url", "http://typed.invalid")];
    let rotate = [("id", "wiki"), ("base_url", "http://typed.invalid")];
    let confirm = [("pending", &*rotation), ("version", "1"), ("confirmed", "yes"), ("at_once", "yes")];
    for (path, fields, kept) in [
        ("add", &add[..], &[("name", "Typed"), ("timeout_ms", "10000"), ("pending", &*pending)][..]),
        ("edit", &edit, &[("name", "Typed"), ("id", "wiki"), ("version", "1")]),
        ("request", &nowhere, &nowhere),
        ("rotate", &rotate, &rotate),
        ("rotate/confirm", &confirm, &confirm[..3]),
        ("delete", &of_wiki, &of_wiki),
        ("revoke", &of_wiki, &of_wiki),
    ] {
        let page = world.post_with(&format!("/trusted-applications/{path}"), &token, fields).await;
        assert_eq!(page.status, 503, "{path}: {}", page.text);
        page.has("The registry of trusted applications is not available.");
        page.lacks("as the test wants it");
        for (name, value) in kept {
            assert_eq!(page.value(name), *value, "{path}: {name}");
        }
        match path {
            "add" | "edit" => assert_eq!(page.area("paths"), "/rest"),
            "rotate/confirm" => assert_eq!(page.text.matches(" checked").count(), 2),
            "request" => page.has("The details could not be requested, and no application was added."),
            _ => {}
        }
    }

    away.store(false, Ordering::SeqCst);
    world.post_with("/trusted-applications/edit", &token, &edit).await.location();
    world.post_with("/trusted-applications/add", &token, &add).await.location();
    let list = world.get("/trusted-applications").await;
    assert_eq!(list.text.matches("role=\"rowheader\">Typed</th>").count(), 2);
}

/// A change that could not be written says what to do, and everything can still be read.
#[tokio::test]
async fn what_cannot_be_written_is_told_with_its_cure() {
    let (mut world, stuck) = (World::new(), Arc::new(AtomicBool::new(false)));
    let store = Store { registry: world.registry.clone(), away: Arc::default(), stuck: Arc::clone(&stuck) };
    let fetcher = Fetcher::new(AddressPolicy::insecure_any());
    let administration = Administration::new(store).fetcher(fetcher).clock(world.clock.clone());
    world.router = Site::new(administration).guard(ByHeader).into_router();
    world.add_wiki().await;
    let token = world.get("/trusted-applications").await.value("token");
    let of_wiki = [("id", "wiki"), ("version", "1")];
    let edit = [&but("name", "Typed")[..], &of_wiki].concat();

    stuck.store(true, Ordering::SeqCst);
    for (path, fields) in [("edit", &edit[..]), ("delete", &of_wiki)] {
        let page = world.post_with(&format!("/trusted-applications/{path}"), &token, fields).await;
        assert_eq!(page.status, 503, "{path}: {}", page.text);
        page.has("The change was not saved: mount the directory and not the file.");
        assert_eq!(page.value("id"), "wiki", "{path}");
        assert_eq!(world.get("/trusted-applications").await.status, 200);
    }

    stuck.store(false, Ordering::SeqCst);
    world.post_with("/trusted-applications/edit", &token, &edit).await.location();
}
