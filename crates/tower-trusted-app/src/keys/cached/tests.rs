use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{sleep, timeout};
use trusted_app_core::conditions::{AddressRule, PathRule};
use trusted_app_core::crypto::SignatureKey;
use trusted_app_core::registry::{
    ApplicationRegistry, Broken, Change, Entry, Registered, RegistryError, Stamp,
};
use trusted_app_core::{ApplicationId, Timestamp, TrustedApplication};

use super::CachedRegistry;
use crate::keys::samples::application;

/// A registry whose rows are changed by hand.
#[derive(Clone, Default)]
struct Tables(Arc<Mutex<Rows>>);

#[derive(Default)]
struct Rows {
    /// By what they are sorted by: the id that is read, empty if it is no text, and the application, if it is one.
    rows: BTreeMap<String, (String, Option<Arc<TrustedApplication>>)>,
    changes: Vec<Change>,
    /// Who was asked for, refresh by refresh.
    asked: Vec<Vec<String>>,
    out_of_reach: Option<String>,
}

fn stamp() -> Stamp {
    Stamp::new(Timestamp::from_millis(0), "alice")
}

fn entry((id, application): &(String, Option<Arc<TrustedApplication>>)) -> Entry {
    match application {
        Some(application) => Ok(Registered::new(Arc::clone(application), 1, stamp(), stamp())),
        None => Err(Broken::new(id, 1, "no application")),
    }
}

impl Tables {
    fn put(&self, application: TrustedApplication) {
        let id = application.id().to_string();
        self.0.lock().unwrap().rows.insert(id.clone(), (id, Some(Arc::new(application))));
    }

    fn spoil(&self, id: &str) {
        self.0.lock().unwrap().rows.insert(id.to_owned(), (id.to_owned(), None));
    }

    /// A row whose id is no text; they come last.
    fn put_unreadable(&self, number: usize) {
        self.0.lock().unwrap().rows.insert(format!("~{number:04}"), (String::new(), None));
    }

    /// A change that is logged.
    fn change(&self, application: TrustedApplication) {
        self.put(application.clone());
        let changes = &mut self.0.lock().unwrap().changes;
        let (number, id) = (changes.len() as u64 + 1, application.id().clone());
        changes.push(Change::new(number, stamp(), id, None, Some(Ok(Arc::new(application)))));
    }
}

const BY_HAND: &str = "these tables are changed by hand";

impl ApplicationRegistry for Tables {
    async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Entry>, RegistryError> {
        let rows = &self.0.lock().unwrap().rows;
        let follows = |id: &str| after.is_none_or(|after| id > after);
        Ok(rows.iter().filter(|(id, _)| follows(id)).take(limit).map(|(_, row)| entry(row)).collect())
    }

    async fn get(&self, id: &ApplicationId) -> Result<Option<Entry>, RegistryError> {
        let mut rows = self.0.lock().unwrap();
        rows.asked.last_mut().unwrap().push(id.to_string());
        if rows.out_of_reach.as_deref() == Some(id.as_str()) {
            return Err(RegistryError::Unavailable("out of reach".into()));
        }
        Ok(rows.rows.get(id.as_str()).map(entry))
    }

    async fn add(&self, _: TrustedApplication, _: &str) -> Result<Registered, RegistryError> {
        Err(RegistryError::Unavailable(BY_HAND.into()))
    }

    async fn update(&self, _: TrustedApplication, _: u64, _: &str) -> Result<Registered, RegistryError> {
        Err(RegistryError::Unavailable(BY_HAND.into()))
    }

    async fn remove(&self, _: &ApplicationId, _: u64, _: &str) -> Result<(), RegistryError> {
        Err(RegistryError::Unavailable(BY_HAND.into()))
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, RegistryError> {
        let changes = &self.0.lock().unwrap().changes;
        Ok(changes.iter().filter(|change| change.number > after).take(limit).cloned().collect())
    }

    async fn last_change(&self) -> Result<u64, RegistryError> {
        let mut rows = self.0.lock().unwrap();
        rows.asked.push(Vec::new());
        Ok(rows.changes.len() as u64)
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_full_reading_ends_whatever_the_ids() {
    let tables = Tables::default();
    tables.put(application("forum", 2048));
    // The first page of 1000 is full, and its last id is no text.
    (0..998).for_each(|number| tables.spoil(&format!("row{number:04}")));
    tables.put_unreadable(0);
    let opened = timeout(10 * SECOND, CachedRegistry::open(tables.clone())).await;
    let keys = opened.expect("an end").unwrap();
    assert_eq!((keys.status().applications, keys.status().skipped_count), (1, 999));

    // The second is full of them.
    (1..1000).for_each(|number| tables.put_unreadable(number));
    timeout(10 * SECOND, keys.reload()).await.expect("an end");
    let error = keys.status().last_error.unwrap();
    assert!(error.contains("no id in it can be read"), "{error}");
    assert_eq!(keys.status().applications, 1, "what was in force stays");
}

/// One who cannot be read is not unknown: by its key neither, however often it was read in vain.
#[tokio::test]
async fn a_broken_application_stays_unavailable_by_its_key() {
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let key = SignatureKey::from_jwk(jwk).unwrap();
    let signer = TrustedApplication::signing_builder("signer".parse().unwrap(), key.clone())
        .addresses(AddressRule::any())
        .paths(PathRule::any())
        .build()
        .unwrap();
    let key = *key.thumbprint();
    let tables = Tables::default();
    tables.put(signer.clone());
    let keys = CachedRegistry::open(tables.clone()).await.unwrap();
    assert!(keys.get_by_key(&key).unwrap().is_some());
    tables.spoil("signer");
    for _ in 0..3 {
        keys.reload().await;
        assert!(keys.get_by_key(&key).is_err());
    }
    tables.put(signer);
    keys.reload().await;
    assert!(keys.get_by_key(&key).unwrap().is_some());
    tables.0.lock().unwrap().rows.clear();
    keys.reload().await;
    assert!(keys.get_by_key(&key).unwrap().is_none());
}

#[tokio::test]
async fn of_two_with_one_key_at_the_start_the_lower_id_has_it_and_the_other_is_listed() {
    let tables = Tables::default();
    tables.put(application("wiki", 2048));
    tables.put(application("forum", 2048));
    let keys = CachedRegistry::open(tables).await.unwrap();
    assert!(keys.get(&"forum".parse().unwrap()).unwrap().is_some());
    assert!(keys.get(&"wiki".parse().unwrap()).is_err());
    let status = keys.status();
    assert_eq!((status.applications, status.skipped_count), (1, 1));
    assert_eq!(status.skipped[0].id, "wiki");
    assert!(status.skipped[0].reason.contains("already belongs to `forum`"), "{}", status.skipped[0]);
}

#[tokio::test(start_paused = true)]
async fn the_skipped_are_asked_for_in_turn_however_often_something_changes() {
    let tables = Tables::default();
    let all: Vec<_> = (0..250).map(|number| format!("row{number:04}")).collect();
    all.iter().for_each(|id| tables.spoil(id));
    let _keys = CachedRegistry::open(tables.clone()).await.unwrap();
    for _ in 0..4 {
        tables.change(application("forum", 2048));
        sleep(SECOND).await;
    }
    let asked = tables.0.lock().unwrap().asked.clone();
    assert!(asked.iter().all(|refresh| refresh.len() <= 100));
    let asked: Vec<_> = asked.into_iter().flatten().collect();
    assert_eq!(asked[..250], all);
}

#[tokio::test(start_paused = true)]
async fn one_who_cannot_be_asked_for_holds_up_neither_changes_nor_the_others() {
    let tables = Tables::default();
    tables.spoil("first");
    tables.spoil("second");
    tables.0.lock().unwrap().out_of_reach = Some("first".to_owned());
    let keys = CachedRegistry::open(tables.clone()).await.unwrap();
    tables.change(application("forum", 2048));
    tables.put(application("second", 4096));
    sleep(SECOND + SECOND / 2).await;
    assert!(keys.get(&"forum".parse().unwrap()).unwrap().is_some());
    sleep(SECOND).await;
    assert!(keys.get(&"second".parse().unwrap()).unwrap().is_some());
    assert!(keys.status().last_error.unwrap().contains("out of reach"));
}
