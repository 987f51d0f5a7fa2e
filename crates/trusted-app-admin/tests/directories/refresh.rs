//! What a key directory that changes does to its application.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use tower_trusted_app::application::{ApplicationKey, KeyState};
use tower_trusted_app::crypto::{PrivateSignatureKey, SignatureKey};
use tower_trusted_app::registry::Registered;
use tower_trusted_app::{ApplicationRegistry, Clock};
use trusted_app_admin::service::thumbprint_groups;
use trusted_app_admin::{AdminError, Administration, Administrator, ApplicationEdit};

use crate::harness::{World, answer};
use crate::publisher::{Publisher, fetcher, key, world};

/// An application that was registered by its directory.
pub(crate) struct Registration {
    pub(crate) world: World,
    pub(crate) publisher: Publisher,
    admin: Administrator,
}

impl Registration {
    pub(crate) async fn of(keys: &[PrivateSignatureKey]) -> Self {
        let (world, admin) = (world(), Administrator::new("admin"));
        let publisher = Publisher::of(&world.clock, keys).await;
        let pending = world.administration.request_directory(&admin, &publisher.base()).await.unwrap();
        let edit = ApplicationEdit::proposed_with_directory(&pending.fetched);
        world.administration.add(&admin, &pending.token, Ok(edit), false).await.unwrap();
        Self { world, publisher, admin }
    }

    pub(crate) fn id(&self) -> &str {
        &self.publisher.authority
    }

    pub(crate) async fn registered(&self) -> Registered {
        self.world.administration.get(&self.admin, self.id()).await.unwrap()
    }

    pub(crate) async fn refresh(&self) -> Result<(), AdminError> {
        self.world.clock.advance(Duration::from_secs(60));
        self.world.administration.refresh_directory(self.id()).await.map(drop)
    }

    /// Another process over the same registry, which remembers nothing.
    pub(crate) fn restart(&mut self) {
        let World { registry, recent, clock, .. } = &self.world;
        let again = Administration::new(registry.clone()).fetcher(fetcher()).clock(clock.clone());
        let again = again.recent_decisions(recent.clone());
        self.world.administration = again;
    }

    /// Publishes these keys, and fetches them.
    pub(crate) async fn becomes(&self, keys: &[PrivateSignatureKey]) {
        self.world.clock.advance(Duration::from_secs(60));
        self.publisher.publish(keys);
        self.world.administration.refresh_directory(self.id()).await.unwrap();
    }

    pub(crate) async fn state(&self, key: &PrivateSignatureKey) -> Option<KeyState> {
        let application = self.registered().await.application;
        application.signature_key(key.public_key().thumbprint()).map(|key| key.state())
    }

    pub(crate) async fn is_live(&self, key: &PrivateSignatureKey) -> bool {
        let (application, now) = (self.registered().await.application, self.world.clock.now());
        application.live_signature_key(key.public_key().thumbprint(), now).is_some()
    }

    pub(crate) async fn set(&self, key: &PrivateSignatureKey, state: KeyState) {
        self.change(key, |key| key.with_state(state)).await;
    }

    pub(crate) async fn ends_in(&self, key: &PrivateSignatureKey, time: Duration) {
        let last = self.world.clock.now().saturating_add(time);
        self.change(key, |key| key.with_not_after(last)).await;
    }

    pub(crate) async fn begins_in(&self, key: &PrivateSignatureKey, time: Duration) {
        let first = self.world.clock.now().saturating_add(time);
        self.change(key, |key| key.with_not_before(first)).await;
    }

    /// As an administrator changes it.
    async fn change(
        &self,
        key: &PrivateSignatureKey,
        change: impl Fn(ApplicationKey<SignatureKey>) -> ApplicationKey<SignatureKey>,
    ) {
        let registered = self.registered().await;
        let keys = registered.application.signature_keys().iter().cloned();
        let keys = keys.map(|one| if one.public_key() == key.public_key() { change(one) } else { one });
        let changed = registered.application.to_builder().signature_keys(keys).build().unwrap();
        self.world.registry.update(changed, registered.version, "admin").await.unwrap();
    }
}

#[tokio::test]
async fn a_rotation_that_the_old_key_endorses_needs_nobody() {
    let (old, new) = (key(), key());
    let wiki = Registration::of(std::slice::from_ref(&old)).await;
    wiki.becomes(&[old.clone(), new.clone()]).await;
    assert!(wiki.is_live(&old).await && wiki.is_live(&new).await);
    wiki.becomes(std::slice::from_ref(&new)).await;
    assert!(!wiki.is_live(&old).await && wiki.is_live(&new).await);

    let changes = wiki.world.registry.changes(0, 9).await.unwrap();
    let by: Vec<_> = changes.iter().map(|change| &*change.stamp.by).collect();
    assert_eq!(by, ["admin", "key directory refresher", "key directory refresher"]);

    // What changes nothing makes no new version.
    let version = wiki.registered().await.version;
    wiki.refresh().await.unwrap();
    assert_eq!(wiki.registered().await.version, version);

    // What is listed again is a new key.
    wiki.becomes(&[new, old.clone()]).await;
    assert!(wiki.is_live(&old).await);
}

/// Somebody has taken over the host: the directory drops our key and shows another.
#[tokio::test]
async fn a_hijacked_directory_takes_nothing_over() {
    let (old, theirs) = (key(), key());
    let wiki = Registration::of(std::slice::from_ref(&old)).await;
    wiki.becomes(std::slice::from_ref(&theirs)).await;
    assert!(!wiki.is_live(&old).await && !wiki.is_live(&theirs).await);
    assert_eq!(wiki.state(&theirs).await, Some(KeyState::Next));

    // That it waits endorses nothing, nor does the old key beside it without its signature.
    let more = key();
    wiki.becomes(&[theirs.clone(), more.clone()]).await;
    assert_eq!(wiki.state(&more).await, Some(KeyState::Next));
    wiki.publisher.publish(&[theirs.clone(), old.clone()]);
    let text = wiki.publisher.text();
    let without_the_old: Vec<_> = text
        .split("\r\n")
        .map(|line| match line.split_once(", key1=") {
            Some((first, _)) => first,
            None => line,
        })
        .collect();
    wiki.publisher.answer(without_the_old.join("\r\n"));
    wiki.refresh().await.unwrap();
    assert!(!wiki.is_live(&theirs).await && !wiki.is_live(&old).await);

    // A waiting key that is withdrawn waits no longer, and the old one comes back only by an administrator too.
    wiki.becomes(std::slice::from_ref(&old)).await;
    assert!(!wiki.is_live(&theirs).await && wiki.state(&theirs).await != Some(KeyState::Next));
    assert_eq!(wiki.state(&old).await, Some(KeyState::Next));
}

#[tokio::test]
async fn a_waiting_key_is_confirmed_by_its_thumbprint_on_the_page() {
    let (old, new) = (key(), key());
    let wiki = Registration::of(std::slice::from_ref(&old)).await;
    wiki.becomes(std::slice::from_ref(&new)).await;
    let thumbprint = new.public_key().thumbprint();
    let path = format!("/trusted-applications/directory?id={}", wiki.id());
    wiki.world.get("/trusted-applications").await.has("No key in use, a new key waits");
    let page = wiki.world.get(&path).await;
    page.has(&thumbprint_groups(thumbprint));
    page.has(&wiki.publisher.url());

    let (thumbprint, version) = (thumbprint.to_string(), page.value("version"));
    let confirm = async |confirmed: &str| {
        let fields =
            [("id", wiki.id()), ("version", &version), ("thumbprint", &thumbprint), ("confirmed", confirmed)];
        wiki.world.post("/trusted-applications/directory", &fields).await
    };
    let refused = confirm("").await;
    assert_eq!(refused.status, 422);
    refused.has("You must confirm that you have compared the fingerprint.");
    assert!(!wiki.is_live(&new).await);
    assert!(confirm("yes").await.location().ends_with("&done=confirmed"));
    assert!(wiki.is_live(&new).await);
    assert_eq!(confirm("yes").await.status, 409, "once only");
}

#[tokio::test]
async fn a_revoked_key_stays_revoked() {
    let (good, bad) = (key(), key());
    let wiki = Registration::of(&[good.clone(), bad.clone()]).await;
    wiki.set(&bad, KeyState::Revoked).await;
    wiki.becomes(&[good.clone(), bad.clone()]).await;
    assert_eq!(wiki.state(&bad).await, Some(KeyState::Revoked));
    wiki.becomes(std::slice::from_ref(&good)).await;
    wiki.becomes(&[good.clone(), bad.clone()]).await;
    assert_eq!(wiki.state(&bad).await, Some(KeyState::Revoked));

    // Nor does it endorse another.
    let new = key();
    wiki.becomes(&[bad.clone(), new.clone()]).await;
    assert_eq!(wiki.state(&new).await, Some(KeyState::Next));
}

#[tokio::test]
async fn a_fetch_that_fails_takes_nothing_out_and_is_stale_after_a_day() {
    let own = key();
    let wiki = Registration::of(std::slice::from_ref(&own)).await;
    let path = format!("/trusted-applications/directory?id={}", wiki.id());
    wiki.refresh().await.unwrap();
    let version = wiki.registered().await.version;
    for bad in [answer("500 Internal Server Error", "", ""), answer("404 Not Found", "", ""), String::new()] {
        wiki.publisher.answer(bad);
        assert!(wiki.refresh().await.is_err());
    }
    // Not even an empty list, for which nobody signs.
    wiki.publisher.publish(&[]);
    assert!(wiki.refresh().await.is_err());
    assert!(wiki.is_live(&own).await);
    assert_eq!(wiki.registered().await.version, version);
    wiki.world.get(&path).await.lacks("has not been fetched for a day");

    wiki.world.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert!(wiki.refresh().await.is_err());
    wiki.world.get(&path).await.has("has not been fetched for a day");
    assert!(wiki.is_live(&own).await);

    wiki.publisher.publish(std::slice::from_ref(&own));
    wiki.world.clock.advance(Duration::from_secs(60));
    wiki.publisher.publish(std::slice::from_ref(&own));
    wiki.world.administration.refresh_directories().await.unwrap();
    wiki.world.get(&path).await.lacks("has not been fetched for a day");
}

#[tokio::test]
async fn once_a_minute() {
    let wiki = Registration::of(&[key()]).await;
    wiki.refresh().await.unwrap();
    let asked = *wiki.publisher.asked.lock().unwrap();
    let again = wiki.world.administration.refresh_directory(wiki.id()).await.unwrap_err();
    assert!(again.to_string().contains("less than a minute ago"), "{again}");
    let AdminError::Invalid(errors) = again else { panic!() };
    assert_eq!(errors[0].field(), None);
    assert_eq!(*wiki.publisher.asked.lock().unwrap(), asked);
}

#[tokio::test]
async fn an_administrator_fetches_it_now() {
    let (old, new, newer) = (key(), key(), key());
    let wiki = Registration::of(std::slice::from_ref(&old)).await;
    let on_the_page =
        async || wiki.world.post("/trusted-applications/directory/refresh", &[("id", wiki.id())]).await;
    wiki.world.clock.advance(Duration::from_secs(60));
    wiki.publisher.publish(&[old.clone(), new.clone()]);
    let list = on_the_page().await;
    assert_eq!(
        list.location(),
        format!("../../trusted-applications/directory?id={}&done=fetched", wiki.id().replace(':', "%3A"))
    );
    assert!(wiki.is_live(&new).await);
    let again = on_the_page().await;
    assert_eq!(again.status, 422);
    again.has("less than a minute ago");

    wiki.world.clock.advance(Duration::from_secs(60));
    wiki.publisher.publish(&[new, newer.clone()]);
    let by_api = async |id: &str| {
        let path = format!("/api/v1/applications/{id}/key-directory-refreshes");
        let request =
            Request::post(path).header("x-user", "admin").header("content-type", "application/json");
        wiki.world.send(request.body(Body::empty()).unwrap()).await
    };
    let refreshed = by_api(wiki.id()).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text);
    refreshed.has(&newer.public_key().thumbprint().to_string());
    assert!(wiki.is_live(&newer).await);
    assert_eq!(by_api("nobody").await.status, 404);
}

/// A directory can bring a key's last day nearer, and not put it off.
#[tokio::test]
async fn a_date_that_an_administrator_set_holds() {
    for state in [KeyState::Active, KeyState::Retiring] {
        let (good, dated) = (key(), key());
        let both = [good.clone(), dated.clone()];
        let wiki = Registration::of(&both).await;
        wiki.set(&dated, state).await;
        wiki.ends_in(&dated, Duration::from_secs(90)).await;
        wiki.becomes(&both).await;
        assert!(wiki.is_live(&dated).await);
        wiki.becomes(&both).await;
        wiki.becomes(&both).await;
        assert!(!wiki.is_live(&dated).await && wiki.is_live(&good).await, "{state}");
    }
}

/// Nor by a directory that drops the key for a while: what is listed again would have no date.
#[tokio::test]
async fn a_dated_key_that_was_dropped_comes_back_by_an_administrator_only() {
    let (good, dated) = (key(), key());
    let both = [good.clone(), dated.clone()];
    let wiki = Registration::of(&both).await;
    wiki.ends_in(&dated, Duration::from_secs(3600)).await;
    wiki.becomes(std::slice::from_ref(&good)).await;
    assert!(!wiki.is_live(&dated).await);
    for _ in 0..2 {
        wiki.becomes(&both).await;
        assert!(!wiki.is_live(&dated).await && wiki.is_live(&good).await);
    }
}

/// Dates that exclude each other are that key's own affair.
#[tokio::test]
async fn a_last_day_before_the_first_ends_that_key_alone() {
    let (good, later, old) = (key(), key(), key());
    let wiki = Registration::of(&[good.clone(), later.clone(), old.clone()]).await;
    wiki.begins_in(&later, Duration::from_secs(3600)).await;
    wiki.world.clock.advance(Duration::from_secs(60));
    let new = key();
    let seconds = wiki.world.clock.now().as_millis() / 1000;
    let dates = [
        (&later, format!(r#""exp":{}"#, seconds + 600)),
        (&new, format!(r#""nbf":{},"exp":{}"#, seconds + 600, seconds + 300)),
    ];
    wiki.publisher.publish_dated(&[good.clone(), later.clone(), new.clone()], &dates);
    wiki.world.administration.refresh_directory(wiki.id()).await.unwrap();
    assert!(wiki.is_live(&good).await && !wiki.is_live(&old).await);
    wiki.world.clock.advance(Duration::from_secs(450));
    assert!(!wiki.is_live(&later).await && !wiki.is_live(&new).await);
    wiki.world.clock.advance(Duration::from_secs(3600));
    assert!(!wiki.is_live(&later).await && !wiki.is_live(&new).await);
}

/// Not even by so many new keys that an old one must make room, to be listed as a new one then.
#[tokio::test]
async fn an_ended_key_that_is_still_listed_is_not_forgotten() {
    let (good, dated) = (key(), key());
    let both = [good.clone(), dated.clone()];
    let wiki = Registration::of(&both).await;
    wiki.ends_in(&dated, Duration::from_secs(1)).await;
    for _ in 0..3 {
        let new = (0..14).map(|_| key());
        wiki.becomes(&both.iter().cloned().chain(new).collect::<Vec<_>>()).await;
        assert!(!wiki.is_live(&dated).await && wiki.is_live(&good).await);
    }
}

/// Applications keep a bounded number of keys: the oldest that ended make room, and revoked ones never.
#[tokio::test]
async fn many_rotations_find_room() {
    let (mut last, revoked) = (key(), key());
    let wiki = Registration::of(&[last.clone(), revoked.clone()]).await;
    wiki.set(&revoked, KeyState::Revoked).await;
    for _ in 0..20 {
        let new = key();
        wiki.world.clock.advance(Duration::from_secs(2 * 60 * 60));
        wiki.becomes(&[last.clone(), new.clone()]).await;
        assert!(wiki.is_live(&new).await);
        last = new;
    }
    assert_eq!(wiki.registered().await.application.signature_keys().len(), 16);
    assert_eq!(wiki.state(&revoked).await, Some(KeyState::Revoked));
}
