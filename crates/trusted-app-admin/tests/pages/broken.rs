//! A row of a registry that cannot be read.

use std::sync::atomic::{AtomicBool, Ordering};

use http::Request;
use tower_trusted_app::registry::{Broken, Change, Entry, Registered, RegistryError};
use tower_trusted_app::{ApplicationId, ApplicationRegistry, TrustedApplication};
use trusted_app_admin::{Administration, Site};

use crate::harness::{ByHeader, form, send};

/// Holds one broken row, until it is taken out.
#[derive(Default)]
struct Spoiled(AtomicBool);

impl Spoiled {
    fn entry(&self) -> Option<Entry> {
        (!self.0.load(Ordering::SeqCst)).then(|| Err(Broken::new("old", 7, "not base64")))
    }
}

impl ApplicationRegistry for Spoiled {
    async fn list(&self, after: Option<&str>, _: usize) -> Result<Vec<Entry>, RegistryError> {
        Ok(self.entry().filter(|_| after.is_none()).into_iter().collect())
    }
    async fn get(&self, id: &ApplicationId) -> Result<Option<Entry>, RegistryError> {
        Ok(self.entry().filter(|_| id.as_str() == "old"))
    }
    async fn add(&self, _: TrustedApplication, _: &str) -> Result<Registered, RegistryError> {
        unreachable!("nothing is added")
    }
    async fn update(&self, _: TrustedApplication, _: u64, _: &str) -> Result<Registered, RegistryError> {
        unreachable!("nothing is changed")
    }
    async fn remove(&self, _: &ApplicationId, expected: u64, _: &str) -> Result<(), RegistryError> {
        assert_eq!(expected, 7);
        self.0.store(true, Ordering::SeqCst);
        Ok(())
    }
    async fn changes(&self, _: u64, _: usize) -> Result<Vec<Change>, RegistryError> {
        Ok(Vec::new())
    }
    async fn last_change(&self) -> Result<u64, RegistryError> {
        Ok(0)
    }
}

#[tokio::test]
async fn a_broken_row_can_only_be_deleted() {
    let site = Site::new(Administration::new(Spoiled::default())).guard(ByHeader).into_router();
    let get = |path: &str| Request::get(path).header("x-user", "admin").body(Default::default()).unwrap();
    let list = send(&site, get("/trusted-applications")).await;
    list.has("Invalid Key/Row: not base64");
    list.has("id=\"delete-old\"");
    list.lacks("edit-old");
    assert_eq!(send(&site, get("/trusted-applications/edit?id=old")).await.status, 409);
    let page = send(&site, get("/trusted-applications/delete?id=old")).await;
    let (token, version) = (page.value("token"), page.value("version"));
    let fields = [("id", "old"), ("version", &*version)];
    send(&site, form("/trusted-applications/delete", &token, &fields).body_of("admin")).await.location();
    send(&site, get("/trusted-applications")).await.has("No trusted applications have been configured.");
}
