//! What every [`KeyStore`] must fulfil.
//!
//! ```
//! use tower_trusted_app::keys::MemoryKeyStore;
//! use trusted_app_test::key_store;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! key_store::conformance(async |applications| MemoryKeyStore::new(applications).unwrap()).await;
//! # }
//! ```

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use tokio::task::JoinSet;
use trusted_app_core::application::{ApplicationKey, KeyState};
use trusted_app_core::conditions::{AddressRule, MethodRule, PathPattern, PathRule, ReplayProtection};
use trusted_app_core::crypto::{PrivateSignatureKey, SignatureKey, Thumbprint};
use trusted_app_core::limits::MAX_APPLICATION_ID_BYTES;
use trusted_app_core::{
    ActAsPolicy, ApplicationId, BoxError, KeyStore, PublicKey, Scheme, Timestamp, TrustedApplication,
};

use crate::TestIdentity;

/// Checks a key store: `make` makes one that holds exactly these applications.
///
/// It is called twice: with none, and with the [`applications`] that [`check`] looks up.
///
/// # Panics
///
/// When the store is wrong; the text says about what.
pub async fn conformance<K: KeyStore>(make: impl AsyncFn(Vec<TrustedApplication>) -> K) {
    let empty = make(Vec::new()).await;
    for application in applications() {
        let found = look_up(&empty, application.id()).await;
        assert!(found.is_none(), "an empty store knows `{}`", application.id());
    }
    check(make(applications()).await, &applications()).await;
}

/// Checks a store that holds exactly `applications`, however they came into it: each is found as it
/// was put in, once, again and many at a time; nothing else is found.
///
/// # Panics
///
/// When the store is wrong; the text says about what.
pub async fn check<K: KeyStore>(store: K, applications: &[TrustedApplication]) {
    for put_in in applications {
        for key in put_in.signature_keys() {
            let name = key.public_key().thumbprint();
            let found = look_up_key(&store, name).await;
            let found = found.unwrap_or_else(|| panic!("the key {name} of `{}` is not found", put_in.id()));
            assert_same(put_in, &found);
        }
        for time in ["first", "second"] {
            let found = look_up(&store, put_in.id()).await;
            let found = found.unwrap_or_else(|| panic!("`{}` is not found, {time} look-up", put_in.id()));
            assert_same(put_in, &found);
        }
    }
    for id in near_misses(applications) {
        let found = look_up(&store, &id).await.map(|found| found.id().clone());
        assert!(found.is_none(), "nobody is registered as {id:?}, but {found:?} is found");
    }
    for name in strange_keys(applications) {
        let found = look_up_key(&store, &name).await.map(|found| found.id().clone());
        assert!(found.is_none(), "nobody has the key {name}, but {found:?} is found by it");
    }
    check_at_once(store, applications).await;
}

/// Many look-ups at a time, each of which must get its own answer.
async fn check_at_once<K: KeyStore>(store: K, applications: &[TrustedApplication]) {
    let store = Arc::new(store);
    let mut look_ups = JoinSet::new();
    for put_in in applications.iter().cycle().take(4 * applications.len()) {
        let (store, put_in) = (Arc::clone(&store), put_in.clone());
        look_ups.spawn(async move {
            match look_up(&*store, put_in.id()).await {
                Some(found) => assert_same(&put_in, &found),
                None => panic!("`{}` is not found among many look-ups at a time", put_in.id()),
            }
        });
    }
    look_ups.join_all().await;
}

/// Applications that are easily mixed up, mangled or lost: ids with odd characters, every kind of
/// condition, several keys, every scheme; and many of them. No two have a key in common.
#[must_use]
pub fn applications() -> Vec<TrustedApplication> {
    let mut keys = 0;
    let mut next = |id: &str| {
        keys += 1;
        let id = id.parse().expect("an id of the suite");
        TrustedApplication::builder(id, public_key(keys)).addresses(AddressRule::any()).paths(PathRule::any())
    };
    let addresses = "192.0.2.7, 10.*.1.*, 198.51.100.0/24, 2001:db8::/32, local";
    let paths = [
        PathPattern::prefix("/secure/RunPortlet"),
        PathPattern::prefix("/päth;with,comma"),
        PathPattern::subtree("/rest"),
        PathPattern::rpc("issues.v1.Issues/List"),
        PathPattern::rpc("issues.v1.Issues/*"),
    ];
    let purge = Method::from_bytes(b"PURGE").expect("a method of the suite");
    let mut all = vec![
        next("named").name("With \"everything\", Müller & Söhne 管理"),
        next("rotating")
            .key(state(public_key(1_000_000), KeyState::Next).with_not_before(at("2030-01-01T00:00:00Z")))
            .key(
                state(public_key(1_000_001), KeyState::Retiring)
                    .with_not_after(at("2031-12-31T23:59:59.999Z")),
            )
            .key(state(public_key(1_000_002), KeyState::Revoked)),
        next("short").timeout(Duration::from_millis(1)),
        next("long").timeout(Duration::from_millis(365 * 86_400_000 + 1)),
        next("addresses").addresses(addresses.parse().expect("addresses of the suite")),
        next("nowhere").addresses(AddressRule::only([])),
        next("paths").paths(PathRule::only(paths.map(|path| path.expect("a path of the suite")))),
        next("nothing").paths(PathRule::only([])),
        next("methods").methods(MethodRule::only([Method::GET, Method::HEAD, purge])),
        next("no-method").methods(MethodRule::only([])),
        next("some-users")
            .act_as(ActAsPolicy::nobody().allow_users(["alice", "Zoë"]).allow_groups(["staff"])),
        next("nobody").act_as(ActAsPolicy::nobody()),
        next("not-these")
            .act_as(ActAsPolicy::anybody().deny_users(["mallory"]).deny_groups(["guests"]).read_only()),
        next("administrators-too").act_as(ActAsPolicy::anybody().insecure_administrators()),
        next("once").replay_protection(ReplayProtection::Every),
        next("once-if-not-idempotent").replay_protection(ReplayProtection::NonIdempotent),
        next("bodies-that-nobody-signed").insecure_unsigned_bodies(true),
        next("schemes").schemes([Scheme::InsecureSeraphV2, Scheme::SeraphV3]),
        next("both-kinds-of-key")
            .signature_key(signature_key(1))
            .signature_key(
                ApplicationKey::from(signature_key(2))
                    .with_state(KeyState::Retiring)
                    .with_not_before(at("2020-01-01T00:00:00Z"))
                    .with_not_after(at("2031-12-31T23:59:59.999Z")),
            )
            .signature_key(ApplicationKey::from(signature_key(3)).with_state(KeyState::Revoked))
            .schemes([Scheme::SeraphV3, Scheme::HttpSignature]),
        TrustedApplication::signing_builder("signing".parse().expect("an id"), signature_key(4))
            .addresses(AddressRule::any())
            .paths(PathRule::any())
            .key_directory("https://wiki.example.com/.well-known/http-message-signatures-directory"),
        next(&"x".repeat(MAX_APPLICATION_ID_BYTES)),
    ];
    all.extend(ODD_IDS.iter().map(|id| next(id)));
    all.extend((0..200).map(|number| next(&format!("many:{number}"))));
    all.into_iter().map(|one| one.build().expect("an application of the suite")).collect()
}

fn state(key: PublicKey, state: KeyState) -> ApplicationKey {
    ApplicationKey::from(key).with_state(state)
}

fn at(text: &str) -> Timestamp {
    Timestamp::from_rfc3339(text).expect("an instant of the suite")
}

/// Each another application; some differ in one byte, some only in how they are written.
const ODD_IDS: &[&str] = &[
    "confluence:4711",
    "Confluence:4711",
    "confluence: 4711",
    "confluence:  4711",
    "confluence:4711:0",
    "z\u{f6}e",
    "zo\u{308}e",
    "ZÖE",
    "管理者",
    "🔑",
    "o'hara\"; DROP TABLE application; --",
    "%",
    "_",
    "*",
    "?",
    "\\",
    "a/b/../c",
    "*)(uid=*",
    "<script>&amp;",
    "null",
    "0",
    "00",
];

/// Ids that nobody has and that a careless comparison would find.
fn near_misses(applications: &[TrustedApplication]) -> impl Iterator<Item = ApplicationId> {
    let written_otherwise = |id: &str| {
        let without_last = id.chars().next_back().map_or("", |last| &id[..id.len() - last.len_utf8()]);
        [
            id.to_uppercase(),
            id.to_lowercase(),
            id.replace(' ', "  "),
            id.replace(':', ": "),
            format!("{id}%"),
            without_last.into(),
        ]
    };
    applications
        .iter()
        .flat_map(move |application| written_otherwise(application.id().as_str()))
        .chain(["nobody", "%%", "%:4711", "' OR '1'='1"].map(Into::into))
        .filter_map(|id| ApplicationId::new(id).ok())
        .filter(|id| applications.iter().all(|application| application.id() != id))
}

async fn look_up<K: KeyStore>(store: &K, id: &ApplicationId) -> Option<Arc<TrustedApplication>> {
    let answer: Result<_, BoxError> = store.application(id).await.map_err(Into::into);
    answer.unwrap_or_else(|error| panic!("looking up `{id}`: {error}"))
}

/// Names of keys that nobody has: some at random, and the fingerprints of Seraph's keys, which are of
/// another kind.
fn strange_keys(applications: &[TrustedApplication]) -> impl Iterator<Item = Thumbprint> {
    let fingerprints = applications.iter().flat_map(TrustedApplication::keys).map(|key| *key.fingerprint());
    let of_other_kind = fingerprints.map(|fingerprint| {
        let text = URL_SAFE_NO_PAD.encode(fingerprint.as_bytes());
        text.parse().expect("32 bytes are a thumbprint")
    });
    [900, 901].map(signature_key).into_iter().map(|key| *key.thumbprint()).chain(of_other_kind)
}

async fn look_up_key<K: KeyStore>(store: &K, key: &Thumbprint) -> Option<Arc<TrustedApplication>> {
    let answer: Result<_, BoxError> = store.application_by_key(key).await.map_err(Into::into);
    answer.unwrap_or_else(|error| panic!("looking up the key {key}: {error}"))
}

/// Panics with the field in which the two differ.
pub(crate) fn assert_same(put_in: &TrustedApplication, found: &TrustedApplication) {
    let id = put_in.id();
    assert_eq!(found.id(), id, "another application is found");
    assert_eq!(found.name(), put_in.name(), "the name of `{id}`");
    assert_eq!(found.keys(), put_in.keys(), "the keys of `{id}`");
    let spki = |application: &TrustedApplication| -> Vec<Vec<u8>> {
        application.keys().iter().map(|key| key.public_key().spki_der().to_vec()).collect()
    };
    assert_eq!(spki(found), spki(put_in), "the bytes of the keys of `{id}`");
    assert_eq!(found.signature_keys(), put_in.signature_keys(), "the signature keys of `{id}`");
    let jwks = |application: &TrustedApplication| -> Vec<String> {
        application.signature_keys().iter().map(|key| key.public_key().to_jwk()).collect()
    };
    assert_eq!(jwks(found), jwks(put_in), "the JWKs of `{id}`");
    assert_eq!(found.schemes(), put_in.schemes(), "the schemes of `{id}`");
    assert_eq!(found.act_as(), put_in.act_as(), "whom `{id}` may act as");
    assert_eq!(found.key_directory(), put_in.key_directory(), "the key directory of `{id}`");
    let (found, put_in) = (found.conditions(), put_in.conditions());
    assert_eq!(found.timeout, put_in.timeout, "the time-out of `{id}`");
    assert_eq!(found.addresses.patterns(), put_in.addresses.patterns(), "the addresses of `{id}`");
    assert_eq!(found.paths.patterns(), put_in.paths.patterns(), "the paths of `{id}`");
    assert_eq!(found.methods, put_in.methods, "the methods of `{id}`");
    assert_eq!(found.replay_protection, put_in.replay_protection, "the replay protection of `{id}`");
    assert_eq!(
        found.insecure_unsigned_bodies, put_in.insecure_unsigned_bodies,
        "whether bodies of `{id}` may be unsigned"
    );
}

/// A public key of which nobody has the private half: the wiki's, with other bytes amid its modulus.
pub(crate) fn public_key(number: u64) -> PublicKey {
    /// From the end of the DER: the exponent and 100 bytes of the modulus.
    const FROM_END: usize = 105;
    let mut spki = TestIdentity::wiki().local().public_key().spki_der().to_vec();
    let amid = spki.iter_mut().rev().skip(FROM_END).zip(number.to_le_bytes());
    amid.for_each(|(byte, other)| *byte ^= other);
    PublicKey::from_spki_der(&spki).expect("a key of the suite")
}

/// A public Ed25519 key. Whoever reads this has the private half.
pub(crate) fn signature_key(number: u32) -> SignatureKey {
    /// PKCS#8 before the seed (RFC 8410, section 7).
    const BEFORE: [u8; 16] = [48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32];
    let mut der = BEFORE.to_vec();
    der.extend([0x5a; 28]);
    der.extend(number.to_be_bytes());
    let key = PrivateSignatureKey::from_pkcs8_der(&der).expect("a key of the suite");
    key.public_key().clone()
}
