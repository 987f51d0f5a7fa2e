//! The conformance suite of key stores.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tower_trusted_app::keys::{FileKeyStore, KeyStoreExt, MemoryKeyStore, key_store_fn, write_applications};
use trusted_app_core::application::{KeyState, TrustedApplicationBuilder};
use trusted_app_core::conditions::{AddressRule, MethodRule, PathRule, ReplayProtection};
use trusted_app_core::crypto::Thumbprint;
use trusted_app_core::{ActAsPolicy, ApplicationId, KeyStore, Scheme, TrustedApplication};
use trusted_app_test::{FaultyKeyStore, TestIdentity, key_store};

use crate::complaint;

type Table = HashMap<String, Arc<TrustedApplication>>;

fn table(applications: Vec<TrustedApplication>) -> Table {
    applications.into_iter().map(|one| (one.id().to_string(), Arc::new(one))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn memory() {
    key_store::conformance(async |applications| MemoryKeyStore::new(applications).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn boxed() {
    key_store::conformance(async |applications| MemoryKeyStore::new(applications).unwrap().boxed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closure() {
    key_store::conformance(async |applications| {
        let table = Arc::new(table(applications));
        let same = Arc::clone(&table);
        let by_id = key_store_fn(move |id: ApplicationId| {
            let table = Arc::clone(&table);
            async move {
                tokio::task::yield_now().await;
                Ok::<_, Infallible>(table.get(id.as_str()).cloned())
            }
        });
        by_id.by_key(move |key: Thumbprint| {
            let table = Arc::clone(&same);
            async move {
                tokio::task::yield_now().await;
                Ok::<_, Infallible>(table.values().find(|one| one.signature_key(&key).is_some()).cloned())
            }
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shared() {
    key_store::conformance(async |applications| Arc::new(MemoryKeyStore::new(applications).unwrap())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file() {
    key_store::conformance(async |applications| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(write_applications(&applications).as_bytes()).unwrap();
        FileKeyStore::open(file.path()).unwrap()
    })
    .await;
}

/// A store that finds an application by whatever `key` makes of its id.
fn found_by(key: fn(&str) -> String) -> impl AsyncFn(Vec<TrustedApplication>) -> WrongStore {
    async move |applications| {
        // What comes first stays, so that most ids still find themselves.
        let mut table = Table::new();
        for one in applications {
            table.entry(key(one.id().as_str())).or_insert_with(|| Arc::new(one));
        }
        WrongStore { table, key }
    }
}

struct WrongStore {
    table: Table,
    key: fn(&str) -> String,
}

impl KeyStore for WrongStore {
    type Error = Infallible;

    async fn application(&self, id: &ApplicationId) -> Result<Option<Arc<TrustedApplication>>, Infallible> {
        Ok(self.table.get(&(self.key)(id.as_str())).cloned())
    }

    async fn application_by_key(
        &self,
        key: &Thumbprint,
    ) -> Result<Option<Arc<TrustedApplication>>, Infallible> {
        Ok(self.table.values().find(|one| one.signature_key(key).is_some()).cloned())
    }
}

#[tokio::test]
async fn ids_are_compared_byte_for_byte() {
    key_store::conformance(found_by(str::to_owned)).await;
    for (what, key) in [
        ("letter case", str::to_lowercase as fn(&str) -> String),
        ("blanks", |id| id.replace(' ', "")),
        ("not ASCII", |id| id.replace(|c: char| !c.is_ascii(), "?")),
        ("cut off", |id| id.chars().take(64).collect()),
    ] {
        let text = complaint(key_store::conformance(found_by(key))).await;
        assert!(
            text.contains("another application is found") || text.contains("nobody is registered"),
            "{what}: {text}"
        );
    }
}

/// What the suite says about a store that changes what is put into it.
async fn complaint_about(change: fn(&TrustedApplication) -> Option<TrustedApplication>) -> String {
    let store = async move |applications: Vec<TrustedApplication>| {
        let changed = applications.iter().map(|one| change(one).unwrap_or_else(|| one.clone()));
        WrongStore { table: table(changed.collect()), key: str::to_owned }
    };
    complaint(key_store::conformance(store)).await
}

/// The description of the same application.
fn described(one: &TrustedApplication) -> TrustedApplicationBuilder {
    let conditions = one.conditions();
    let (mut keys, mut signature_keys) = (one.keys().iter().cloned(), one.signature_keys().iter().cloned());
    let builder = match keys.next() {
        Some(key) => TrustedApplication::builder(one.id().clone(), key),
        None => TrustedApplication::signing_builder(one.id().clone(), signature_keys.next().unwrap()),
    };
    let builder = builder
        .name(one.name())
        .addresses(conditions.addresses.clone())
        .paths(conditions.paths.clone())
        .methods(conditions.methods.clone())
        .replay_protection(conditions.replay_protection)
        .insecure_unsigned_bodies(conditions.insecure_unsigned_bodies)
        .timeout(conditions.timeout)
        .act_as(one.act_as().clone())
        .schemes(one.schemes().iter().copied());
    let builder = match one.key_directory() {
        Some(url) => builder.key_directory(url),
        None => builder,
    };
    let builder = keys.fold(builder, |builder, key| builder.key(key));
    signature_keys.fold(builder, |builder, key| builder.signature_key(key))
}

#[tokio::test]
async fn what_is_found_is_what_was_put_in() {
    type Change = fn(&TrustedApplication) -> Option<TrustedApplication>;
    let changes: [(&str, Change); 13] = [
        ("the name", |one| described(one).name("x").build().ok()),
        ("the keys", |one| {
            described(one).key(TestIdentity::stranger().local().public_key().clone()).build().ok()
        }),
        ("the signature keys", |one| {
            let (key, _) = one.signature_keys().split_first()?;
            let revoked = key.clone().with_state(KeyState::Revoked);
            let builder = TrustedApplication::signing_builder(one.id().clone(), revoked);
            let rest = described(one).build().ok()?;
            let builder = builder.name(rest.name()).addresses(AddressRule::any()).paths(PathRule::any());
            (rest.keys().is_empty()).then(|| builder.build().unwrap())
        }),
        ("the schemes", |one| described(one).schemes([Scheme::SeraphV3]).build().ok()),
        ("the time-out", |one| described(one).timeout(TrustedApplication::DEFAULT_TIMEOUT).build().ok()),
        ("the addresses", |one| described(one).addresses(AddressRule::any()).build().ok()),
        ("the paths", |one| described(one).paths(PathRule::any()).build().ok()),
        ("the methods", |one| described(one).methods(MethodRule::any()).build().ok()),
        ("the replay protection", |one| described(one).replay_protection(ReplayProtection::Off).build().ok()),
        ("may act as", |one| described(one).act_as(ActAsPolicy::anybody()).build().ok()),
        ("the key directory", |one| {
            let url = "https://wiki.example.net/.well-known/http-message-signatures-directory";
            one.key_directory().and_then(|_| described(one).key_directory(url).build().ok())
        }),
        ("may be unsigned", |one| described(one).insecure_unsigned_bodies(false).build().ok()),
        // The last one goes missing.
        ("is not found", |one| {
            let last = one.id().as_str() == "many:199";
            last.then(|| TestIdentity::stranger().trusted().build().unwrap())
        }),
    ];
    for (what, change) in changes {
        let text = complaint_about(change).await;
        assert!(text.contains(what), "{what}: {text}");
    }
}

#[tokio::test]
async fn a_second_look_up_counts_too() {
    /// Gives each application away once.
    struct Once(Vec<(TrustedApplication, AtomicBool)>);

    impl KeyStore for Once {
        type Error = Infallible;

        async fn application(
            &self,
            id: &ApplicationId,
        ) -> Result<Option<Arc<TrustedApplication>>, Infallible> {
            let (one, taken) = match self.0.iter().find(|(one, _)| one.id() == id) {
                Some(found) => found,
                None => return Ok(None),
            };
            Ok((!taken.swap(true, Ordering::Relaxed)).then(|| Arc::new(one.clone())))
        }

        async fn application_by_key(
            &self,
            key: &Thumbprint,
        ) -> Result<Option<Arc<TrustedApplication>>, Infallible> {
            let holder = self.0.iter().map(|(one, _)| one).find(|one| one.signature_key(key).is_some());
            Ok(holder.cloned().map(Arc::new))
        }
    }

    let store = async |applications: Vec<TrustedApplication>| {
        Once(applications.into_iter().map(|one| (one, AtomicBool::new(false))).collect())
    };
    let text = complaint(key_store::conformance(store)).await;
    assert!(text.contains("second look-up"), "{text}");
}

#[tokio::test]
async fn an_error_is_no_answer() {
    let text = complaint(key_store::conformance(async |_| FaultyKeyStore::errs())).await;
    assert!(text.contains("looking up") && text.contains("the store fails"), "{text}");
}
