use std::time::Duration;

use http::Method;

use super::*;
use crate::application::{Scheme, TrustedApplicationBuilder as Builder};
use crate::clock::Timestamp;
use crate::conditions::{AddressRule, MethodRule, PathRule, ReplayProtection};
use crate::crypto::PublicKey;
use crate::permission::ActAsPolicy;

const JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const DIRECTORY: &str = "https://wiki.example.com/.well-known/http-message-signatures-directory";

fn key(bits: usize) -> PublicKey {
    let text = include_str!("../../../../../tests/vectors/certificate_document.json");
    let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
    let key = vectors["keys"][format!("pub-rsa{bits}")]["public_key_spki_b64"].as_str();
    PublicKey::from_base64(key.unwrap()).unwrap()
}

fn signature_key() -> SignatureKey {
    SignatureKey::from_jwk(JWK).unwrap()
}

/// Every rule states something.
fn base() -> TrustedApplication {
    TrustedApplication::builder("wiki".parse().unwrap(), key(2048))
        .signature_key(signature_key())
        .schemes([Scheme::SeraphV3])
        .addresses("10.0.0.0/8".parse().unwrap())
        .paths(PathRule::only([PathPattern::subtree("/rest").unwrap()]))
        .methods(MethodRule::only([Method::GET, Method::POST]))
        .act_as(policy())
        .timeout(Duration::from_secs(10))
        .replay_protection(ReplayProtection::NonIdempotent)
        .insecure_min_rsa_bits(1024)
        .build()
        .unwrap()
}

fn policy() -> ActAsPolicy {
    ActAsPolicy::nobody()
        .allow_users(["alice"])
        .allow_groups(["staff"])
        .deny_users(["bob"])
        .deny_groups(["guests"])
}

fn changed(change: fn(Builder) -> Builder) -> TrustedApplication {
    change(base().to_builder().insecure_min_rsa_bits(1024)).build().unwrap()
}

fn key_with(state: KeyState, first: Option<i64>, last: Option<i64>) -> [ApplicationKey; 1] {
    let mut key = ApplicationKey::from(key(2048)).with_state(state);
    if let Some(first) = first {
        key = key.with_not_before(Timestamp::from_millis(first));
    }
    if let Some(last) = last {
        key = key.with_not_after(Timestamp::from_millis(last));
    }
    [key]
}

/// A row: what it was, what it is, what is said of the change, and of the change back.
type Row = (fn(Builder) -> Builder, fn(Builder) -> Builder, &'static [&'static str], &'static [&'static str]);

#[test]
fn each_rule_that_allows_more_is_named_and_none_that_allows_less() {
    use KeyState::{Active, Next, Retiring, Revoked};

    let same: fn(Builder) -> Builder = |app| app;
    let rows: &[Row] = &[
        (same, same, &[], &[]),
        (same, |app| app.name("another"), &[], &[]),
        // addresses
        (same, |app| app.addresses(AddressRule::any()), &["addresses: from now on any"], &[]),
        (
            same,
            |app| app.addresses("10.0.0.0/8, 192.0.2.*, local".parse().unwrap()),
            &["addresses: from now on also: 192.0.2.*, local"],
            &[],
        ),
        (
            same,
            |app| app.addresses("10.1.2.3, 10.2.*.*".parse().unwrap()),
            &[],
            &["addresses: from now on also: 10.0.0.0/8"],
        ),
        (same, |app| app.addresses(AddressRule::only([])), &[], &["addresses: from now on also: 10.0.0.0/8"]),
        // paths
        (same, |app| app.paths(PathRule::any()), &["paths: from now on any"], &[]),
        (same, |app| app.paths(PathRule::prefixes(["/rest"])), &["paths: from now on also: `/rest`"], &[]),
        (
            same,
            |app| app.paths(PathRule::prefixes(["/rest/api"])),
            &[],
            &["paths: from now on also: `subtree:/rest`"],
        ),
        (
            same,
            |app| app.paths(PathRule::only([PathPattern::rpc("a.B/*").unwrap()])),
            &["paths: from now on also: `rpc:a.B/*`"],
            &["paths: from now on also: `subtree:/rest`"],
        ),
        // methods
        (same, |app| app.methods(MethodRule::any()), &["methods: from now on any"], &[]),
        (
            same,
            |app| app.methods(MethodRule::only([Method::DELETE, Method::PUT, Method::GET])),
            &["methods: from now on also: DELETE, PUT"],
            &["methods: from now on also: POST"],
        ),
        (|app| app.act_as(policy().read_only()), same, &["methods: no longer read-only"], &[]),
        // time, replay, bodies
        (
            same,
            |app| app.timeout(Duration::from_secs(60)),
            &["time-out: from now on 60000 ms, not 10000 ms"],
            &[],
        ),
        (
            same,
            |app| app.replay_protection(ReplayProtection::Off),
            &["replay protection: from now on `off`, not `non-idempotent`"],
            &[],
        ),
        (
            same,
            |app| app.replay_protection(ReplayProtection::Every),
            &[],
            &["replay protection: from now on `non-idempotent`, not `every`"],
        ),
        (same, |app| app.insecure_unsigned_bodies(true), &["bodies: from now on also unsigned ones"], &[]),
        // users and groups
        (
            same,
            |app| app.act_as(ActAsPolicy::anybody().deny_users(["bob"]).deny_groups(["guests"])),
            &["users: from now on all that are not denied"],
            &[],
        ),
        (
            same,
            |app| app.act_as(policy().allow_users(["carol", "dave"]).allow_groups(["contractors"])),
            &["users: from now on also: carol, dave", "groups: from now on also: contractors"],
            &[],
        ),
        (
            same,
            |app| app.act_as(policy().deny_users(["carol"]).deny_groups(["temps"])),
            &[],
            &["users: no longer denied: carol", "groups: no longer denied: temps"],
        ),
        // Denied names are compared without regard to case.
        (
            |app| app.act_as(ActAsPolicy::anybody().deny_users(["Bob"])),
            |app| app.act_as(ActAsPolicy::anybody().deny_users(["bob"])),
            &[],
            &[],
        ),
        (
            same,
            |app| app.act_as(policy().insecure_administrators()),
            &["users: from now on also administrators"],
            &[],
        ),
        // schemes
        (
            same,
            |app| app.schemes([Scheme::InsecureSeraphV2, Scheme::SeraphV3]),
            &["schemes: from now on also: insecure-seraph-v2"],
            &[],
        ),
        // keys
        (same, |app| app.key(ApplicationKey::from(key(4096)).with_state(KeyState::Next)), &[], &[]),
        (
            |app| app.signature_keys([]),
            same,
            &["signature keys: from now on also: kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"],
            &[],
        ),
        (
            same,
            |app| app.key_directory(DIRECTORY),
            &[
                "key directory: keys come from https://wiki.example.com/.well-known/http-message-signatures-directory \
               from now on",
            ],
            &[],
        ),
        (
            |app| app.keys(key_with(Active, None, None)),
            |app| app.keys(key_with(Retiring, None, None)),
            &[],
            &[],
        ),
        (
            |app| app.keys(key_with(Active, None, None)),
            |app| app.keys(key_with(Active, Some(1), Some(2))),
            &[],
            &["public keys: valid for longer: <2048>"],
        ),
        (
            |app| app.keys(key_with(Active, Some(1), Some(3))),
            |app| app.keys(key_with(Active, Some(2), Some(4))),
            &["public keys: valid for longer: <2048>"],
            &["public keys: valid for longer: <2048>"],
        ),
        (
            |app| app.keys(key_with(Next, None, None)),
            |app| app.keys(key_with(Active, None, None)),
            &["public keys: from now on also: <2048>"],
            &[],
        ),
        (
            |app| app.keys(key_with(Revoked, None, None)),
            |app| app.keys(key_with(Retiring, None, None)),
            &["public keys: from now on also: <2048>"],
            &[],
        ),
        (same, |app| app.key(key(4096)), &["public keys: from now on also: <4096>"], &[]),
        (
            same,
            |app| app.key(key(1024)),
            &["public keys: from now on also: <1024>", "RSA bits: from now on 1024, not 2048"],
            &[],
        ),
    ];
    for (number, (before, after, forth, back)) in rows.iter().enumerate() {
        let (before, after) = (changed(*before), changed(*after));
        for (now, then, expected) in [(&after, &before, forth), (&before, &after, back)] {
            let said: Vec<_> = now.widened_from(then).iter().map(ToString::to_string).collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|text| {
                    [1024, 2048, 4096].into_iter().fold((*text).to_owned(), |text, bits| {
                        text.replace(&format!("<{bits}>"), &key(bits).fingerprint().to_string())
                    })
                })
                .collect();
            assert_eq!(said, expected, "row {number}");
        }
    }
}

#[test]
fn a_widening_says_which_rule_it_is() {
    let wider = base().to_builder().timeout(Duration::from_secs(11)).build().unwrap();
    let widened = wider.widened_from(&base());
    assert_eq!((widened[0].rule, widened.len()), (WidenedRule::Timeout, 1));
    assert_eq!(widened[0].text(), "from now on 11000 ms, not 10000 ms");
}
