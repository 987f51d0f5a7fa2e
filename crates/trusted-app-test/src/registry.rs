//! What every [`ApplicationRegistry`] must fulfil.
//!
//! ```
//! use tower_trusted_app::keys::MemoryRegistry;
//! use trusted_app_test::registry;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! registry::conformance(async || MemoryRegistry::new([]).unwrap()).await;
//! # }
//! ```

use std::sync::Arc;

use tokio::task::JoinSet;
use trusted_app_core::application::{ApplicationKey, KeyState, TrustedApplicationBuilder};
use trusted_app_core::conditions::{AddressRule, PathRule};
use trusted_app_core::registry::{
    ApplicationConflict, ApplicationRegistry, Change, Registered, RegistryError,
};
use trusted_app_core::{ApplicationId, TrustedApplication};

use crate::key_store::{applications, assert_same, public_key, signature_key};

/// Checks a registry: `make` makes one that is empty.
///
/// # Panics
///
/// When the registry is wrong; the text says about what.
pub async fn conformance<R: ApplicationRegistry>(make: impl AsyncFn() -> R) {
    holds_what_is_added(make().await).await;
    changes_are_made_from_a_version(make().await).await;
    ids_and_keys_belong_to_one(make().await).await;
    the_log_tells_every_change(make().await).await;
    of_changes_at_once_one_wins(make().await).await;
}

async fn holds_what_is_added<R: ApplicationRegistry>(registry: R) {
    let mut all = applications();
    for one in &all {
        let added = added(&registry, one.clone(), "importer").await;
        assert_eq!(added.version, 1, "the first version of `{}`", one.id());
        assert_eq!((&*added.created.by, &added.created), ("importer", &added.updated), "`{}`", one.id());
    }
    all.sort_by(|one, other| one.id().cmp(other.id()));
    for one in &all {
        let found = found(&registry, one.id()).await;
        let found = found.unwrap_or_else(|| panic!("`{}` is not found", one.id()));
        assert_same(one, &found.application);
    }
    for page in [1, 7, all.len(), all.len() + 1] {
        let listed = list(&registry, page).await;
        assert_eq!(listed.len(), all.len(), "listed in pages of {page}");
        for (one, listed) in all.iter().zip(&listed) {
            assert_same(one, &listed.application);
        }
    }
}

async fn list<R: ApplicationRegistry>(registry: &R, page: usize) -> Vec<Registered> {
    let mut all: Vec<Registered> = Vec::new();
    loop {
        let after = all.last().map(|last| last.application.id().as_str());
        let listed = registry.list(after, page).await.unwrap_or_else(|error| panic!("listing: {error}"));
        assert!(listed.len() <= page, "{} listed where {page} were asked for", listed.len());
        if listed.is_empty() {
            return all;
        }
        all.extend(listed.into_iter().map(|entry| entry.unwrap_or_else(|broken| panic!("{broken}"))));
    }
}

async fn changes_are_made_from_a_version<R: ApplicationRegistry>(registry: R) {
    let (id, nobody) = (id("wiki"), id("nobody"));
    let created = added(&registry, described("wiki", 1).build().expect("the suite's"), "alice").await.created;

    for (version, by) in [(1, "bob"), (2, "carol")] {
        let next = described("wiki", 1).name(by).build().expect("the suite's");
        let updated = registry.update(next, version, by).await;
        let updated = updated.unwrap_or_else(|error| panic!("updating: {error}"));
        assert_eq!(updated.version, version + 1, "an update raises the version by one");
        assert_eq!(updated.created, created, "an update leaves who added the application");
        assert_eq!(&*updated.updated.by, by);
        let found = found(&registry, &id).await.unwrap_or_else(|| panic!("`wiki` is lost"));
        assert_eq!((found.application.name(), found.version), (by, version + 1));
        assert_eq!(found.updated, updated.updated, "what is answered and what is kept");
        assert_eq!(found.created, created);
    }

    let wiki = || described("wiki", 1).name("late").build().expect("the suite's");
    for expected in [0, 1, 2, 4] {
        let found = |error: &RegistryError| match error {
            RegistryError::VersionConflict { application, expected: stated, found } => {
                *application == id && *stated == expected && *found == 3
            }
            _ => false,
        };
        refused(registry.update(wiki(), expected, "dora").await, "an update of another version", found);
        refused(registry.remove(&id, expected, "dora").await, "a removal of another version", found);
    }
    assert_eq!(named(&registry, "wiki").await.as_deref(), Some("carol"));

    let not_found = |error: &RegistryError| matches!(error, RegistryError::NotFound(id) if *id == nobody);
    let stranger = described("nobody", 2).build().expect("the suite's");
    refused(registry.update(stranger, 1, "dora").await, "an update of what is not there", not_found);
    refused(registry.remove(&nobody, 1, "dora").await, "a removal of what is not there", not_found);

    registry.remove(&id, 3, "dora").await.unwrap_or_else(|error| panic!("removing: {error}"));
    assert!(found(&registry, &id).await.is_none(), "what was removed is found");
    let again = added(&registry, wiki(), "dora").await.version;
    assert!(
        again > 3,
        "what is added again has version {again}, from which a change of what was removed could be made"
    );
}

async fn ids_and_keys_belong_to_one<R: ApplicationRegistry>(registry: R) {
    let (wiki, forum) = (id("wiki"), id("forum"));
    let two_keys = described("wiki", 1).key(revoked(2)).build().expect("the suite's");
    added(&registry, two_keys, "alice").await;
    added(&registry, described("forum", 3).build().expect("the suite's"), "alice").await;

    let again = described("wiki", 4).build().expect("the suite's");
    refused(
        registry.add(again, "bob").await,
        "an id a second time",
        |error| matches!(error, RegistryError::Conflict(ApplicationConflict::Id { application }) if *application == wiki),
    );
    // Also a revoked key is somebody's.
    for key in [1, 2] {
        let held = *public_key(key).fingerprint();
        let is_held = |id: &str| {
            let id = id.to_owned();
            move |error: &RegistryError| match error {
                RegistryError::Conflict(ApplicationConflict::Key { fingerprint, application, other }) => {
                    *fingerprint == held && application.as_str() == id && other.as_str() == "wiki"
                }
                _ => false,
            }
        };
        let thief = described("thief", key).build().expect("the suite's");
        refused(registry.add(thief, "bob").await, "a key of another's", is_held("thief"));
        let thief = described("forum", 3).key(public_key(key)).build().expect("the suite's");
        refused(registry.update(thief, 1, "bob").await, "a further key of another's", is_held("forum"));
    }
    let held = signature_key(5).thumbprint().fingerprint();
    let holder = described("signer", 5).signature_key(signature_key(5)).build().expect("the suite's");
    added(&registry, holder, "alice").await;
    let revoked = ApplicationKey::from(signature_key(5)).with_state(KeyState::Revoked);
    let thief = described("thief", 6).signature_key(revoked).build().expect("the suite's");
    refused(registry.add(thief, "bob").await, "a signature key of another's", |error| {
        matches!(error, RegistryError::Conflict(ApplicationConflict::Key { fingerprint, other, .. })
            if *fingerprint == held && other.as_str() == "signer")
    });
    assert!(found(&registry, &id("thief")).await.is_none(), "what was refused is found");
    let forum_is =
        found(&registry, &forum).await.map(|found| (found.version, found.application.keys().len()));
    assert_eq!(forum_is, Some((1, 1)), "what was refused changed the application");

    let fewer = described("wiki", 1).build().expect("the suite's");
    registry.update(fewer, 1, "carol").await.unwrap_or_else(|error| panic!("updating: {error}"));
    added(&registry, described("second", 2).build().expect("the suite's"), "carol").await;
    registry.remove(&wiki, 2, "carol").await.unwrap_or_else(|error| panic!("removing: {error}"));
    added(&registry, described("first", 1).build().expect("the suite's"), "carol").await;
}

async fn the_log_tells_every_change<R: ApplicationRegistry>(registry: R) {
    assert_eq!(last_change(&registry).await, 0, "an empty registry was changed");
    let one = |name: &str| described("wiki", 1).name(name).build().expect("the suite's");
    added(&registry, one("first"), "alice").await;
    registry.update(one("second"), 1, "bob").await.unwrap_or_else(|error| panic!("updating: {error}"));
    refused(registry.update(one("third"), 1, "eve").await, "an old version", |_| true);
    refused(registry.add(one("fourth"), "eve").await, "an id a second time", |_| true);
    registry.remove(&id("wiki"), 2, "carol").await.unwrap_or_else(|error| panic!("removing: {error}"));

    let changes = changes(&registry, 0, 100).await;
    let told: Vec<_> =
        changes.iter().map(|change| (change.number, &*change.stamp.by, names(change))).collect();
    let name = |name: &str| Some(name.to_owned());
    let expected = [
        (1, "alice", (None, name("first"))),
        (2, "bob", (name("first"), name("second"))),
        (3, "carol", (name("second"), None)),
    ];
    assert_eq!(told, expected, "the log");
    assert!(changes.iter().all(|change| change.id.as_str() == "wiki"));
    assert_eq!(last_change(&registry).await, 3);
    for (after, limit, numbers) in [(1, 100, vec![2, 3]), (0, 1, vec![1]), (3, 100, vec![])] {
        let page = self::changes(&registry, after, limit).await;
        let page: Vec<_> = page.iter().map(|change| change.number).collect();
        assert_eq!(page, numbers, "after {after}, at most {limit}");
    }
}

fn names(change: &Change) -> (Option<String>, Option<String>) {
    let name = |side: &Option<Result<Arc<TrustedApplication>, _>>| {
        side.as_ref().map(|one| one.as_ref().expect("an application of the suite").name().to_owned())
    };
    (name(&change.before), name(&change.after))
}

async fn of_changes_at_once_one_wins<R: ApplicationRegistry>(registry: R) {
    const AT_ONCE: u64 = 16;
    let registry = Arc::new(registry);
    let start = |number: u64, what: &'static str| {
        let registry = Arc::clone(&registry);
        async move {
            let by = format!("writer {number}");
            let one = |id: &str, key| described(id, key).name(&*by).build().expect("the suite's");
            match what {
                "id" => registry.add(one("wiki", 100 + number), &by).await.map(drop),
                "key" => registry.add(one(&format!("forum:{number}"), 7), &by).await.map(drop),
                "update" => registry.update(one("wiki", 1), 2, &by).await.map(drop),
                _ => registry.remove(&id("wiki"), 3, &by).await,
            }
        }
    };
    for what in ["id", "key", "update", "remove"] {
        if what == "update" {
            // Whoever added it: from here on its key is known.
            let wiki = described("wiki", 1).build().expect("the suite's");
            registry.update(wiki, 1, "suite").await.unwrap_or_else(|error| panic!("updating: {error}"));
        }
        let before = last_change(&*registry).await;
        let outcomes =
            (0..AT_ONCE).map(|number| start(number, what)).collect::<JoinSet<_>>().join_all().await;
        let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(won, 1, "of {AT_ONCE} at once ({what}), {won} won: {outcomes:?}");
        for error in outcomes.into_iter().filter_map(Result::err) {
            let is_typed = match what {
                "id" => matches!(error, RegistryError::Conflict(ApplicationConflict::Id { .. })),
                "key" => matches!(error, RegistryError::Conflict(ApplicationConflict::Key { .. })),
                "update" => matches!(error, RegistryError::VersionConflict { expected: 2, found: 3, .. }),
                _ => matches!(error, RegistryError::NotFound(_)),
            };
            assert!(is_typed, "losing {what} was answered by {error:?}");
        }
        assert_eq!(last_change(&*registry).await, before + 1, "one change is one entry of the log ({what})");
    }
    let numbers: Vec<_> = changes(&*registry, 0, 100).await.iter().map(|change| change.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5], "the numbers of the log");
}

fn id(id: &str) -> ApplicationId {
    id.parse().expect("an id of the suite")
}

fn described(name: &str, key: u64) -> TrustedApplicationBuilder {
    TrustedApplication::builder(id(name), public_key(key))
        .addresses(AddressRule::any())
        .paths(PathRule::any())
}

fn revoked(key: u64) -> ApplicationKey {
    ApplicationKey::from(public_key(key)).with_state(KeyState::Revoked)
}

async fn added<R: ApplicationRegistry>(registry: &R, one: TrustedApplication, by: &str) -> Registered {
    let id = one.id().clone();
    registry.add(one, by).await.unwrap_or_else(|error| panic!("adding `{id}`: {error}"))
}

async fn found<R: ApplicationRegistry>(registry: &R, id: &ApplicationId) -> Option<Registered> {
    let found = registry.get(id).await.unwrap_or_else(|error| panic!("looking up `{id}`: {error}"));
    found.map(|entry| entry.unwrap_or_else(|broken| panic!("{broken}")))
}

async fn named<R: ApplicationRegistry>(registry: &R, name: &str) -> Option<String> {
    found(registry, &id(name)).await.map(|found| found.application.name().to_owned())
}

async fn changes<R: ApplicationRegistry>(registry: &R, after: u64, limit: usize) -> Vec<Change> {
    let changes = registry.changes(after, limit).await;
    changes.unwrap_or_else(|error| panic!("reading the log: {error}"))
}

async fn last_change<R: ApplicationRegistry>(registry: &R) -> u64 {
    registry.last_change().await.unwrap_or_else(|error| panic!("reading the log's end: {error}"))
}

/// Whether it is rejected, and with the right error.
#[track_caller]
fn refused<T>(outcome: Result<T, RegistryError>, what: &str, is_right: impl Fn(&RegistryError) -> bool) {
    match outcome {
        Ok(_) => panic!("{what} is not refused"),
        Err(error) => assert!(is_right(&error), "{what} is answered by {error:?}"),
    }
}
