//! Very many registered applications.

use std::sync::{Arc, LazyLock};

use futures_util::FutureExt as _;
use tower_trusted_app::conditions::{AddressRule, PathRule};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::{ApplicationId, PublicKey, TrustedApplication};
use trusted_app_core::KeyStore;
use trusted_app_test::TestIdentity;

use crate::ratio::allocations_kept;

/// How many the goal P9 is about.
pub const MANY: u32 = 1_000_000;

/// That many applications, each with a key of its own, as an administrator would add them.
///
/// A million key pairs would take days. A public key need not have a private one to be registered, so
/// each is a real one with a number written over the middle of its modulus.
pub fn applications(count: u32) -> impl Iterator<Item = TrustedApplication> {
    let wiki = TestIdentity::wiki();
    let mut spki = wiki.local().public_key().spki_der().to_vec();
    let addresses: AddressRule = "10.1.*.*, 192.168.0.0/16".parse().unwrap();
    let paths = PathRule::prefixes(["/sr/jira.issueviews:searchrequest", "/secure/RunPortlet", "/rest"]);
    (0..count).map(move |number| {
        let middle = spki.len() / 2;
        spki[middle..middle + 4].copy_from_slice(&number.to_be_bytes());
        TrustedApplication::builder(id(number), PublicKey::from_spki_der(&spki).unwrap())
            .name(format!("Wiki {number}"))
            .addresses(addresses.clone())
            .paths(paths.clone())
            .build()
            .unwrap()
    })
}

fn id(number: u32) -> ApplicationId {
    format!("confluence:{number}").parse().unwrap()
}

static ALL: LazyLock<(MemoryKeyStore, f64)> = LazyLock::new(|| {
    let mut store = None;
    let kept = allocations_kept(|| store = Some(MemoryKeyStore::new(applications(MANY)).unwrap()));
    (store.unwrap(), kept as f64)
});

/// The bytes that each of many takes, all in all.
pub(crate) fn bytes_each() -> f64 {
    ALL.1 / f64::from(MANY)
}

/// Looks up one of many, another each time.
pub(crate) fn look_up_of_many() -> (impl FnMut() -> ApplicationId, impl Fn(ApplicationId) -> Found) {
    look_up(ALL.0.clone(), MANY)
}

/// Looks up one of ten.
pub(crate) fn look_up_of_ten() -> (impl FnMut() -> ApplicationId, impl Fn(ApplicationId) -> Found) {
    look_up(MemoryKeyStore::new(applications(10)).unwrap(), 10)
}

type Found = Arc<TrustedApplication>;

/// Most requests are of a few applications: of a hundred that lie far from each other, if there are as
/// many.
fn look_up(
    store: MemoryKeyStore,
    count: u32,
) -> (impl FnMut() -> ApplicationId, impl Fn(ApplicationId) -> Found) {
    let ids: Vec<ApplicationId> = (0..count).step_by((count / 100).max(1) as usize).map(id).collect();
    let mut ids = ids.into_iter().cycle();
    let next = move || ids.next().expect("a cycle has no end");
    (next, move |id| {
        store.application(&id).now_or_never().expect("nothing waits").unwrap().expect("it is there")
    })
}
