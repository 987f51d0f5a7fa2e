//! An application that is written is the same again when it is read.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};
use trusted_app_core::application::{
    ActAsDescription, ApplicationDescription, ApplicationKey, KeyState, RuleDescription, ShownApplication,
};
use trusted_app_core::conditions::{AddressRule, PathRule, ReplayProtection};
use trusted_app_core::{ActAsPolicy, PublicKey, Scheme, TrustedApplication};

use super::parts::{address, method, path};
use super::{JWK, SPKI, minimal, with};

fn read(written: &Value) -> TrustedApplication {
    let written = without_nulls(written);
    TrustedApplication::try_from(&ApplicationDescription::read(&written).unwrap()).unwrap()
}

/// What is left out is not written as `null`.
fn without_nulls(written: &Value) -> Value {
    match written {
        Value::Object(fields) => {
            let stated = fields.iter().filter(|(_, value)| !value.is_null());
            stated.map(|(name, value)| (name.clone(), without_nulls(value))).collect()
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

fn described(application: &TrustedApplication) -> String {
    format!("{application:?}")
}

fn rule(entries: impl Strategy<Value = String>) -> impl Strategy<Value = Value> {
    prop_oneof![Just(json!("any")), vec(entries, 0..4).prop_map(Value::from)]
}

fn names() -> impl Strategy<Value = Vec<String>> {
    vec("[a-zé][a-z ]{0,6}[a-z]", 0..3)
}

fn act_as() -> impl Strategy<Value = ActAsDescription> {
    (option::of(names()), option::of(names()), names(), names(), any::<bool>(), any::<bool>()).prop_map(
        |(users, groups, deny_users, deny_groups, read_only, insecure_administrators)| ActAsDescription {
            users,
            groups,
            deny_users,
            deny_groups,
            read_only,
            insecure_administrators,
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_comes_back(
        (name, timeout) in (any::<String>(), 1..=i64::MAX),
        (addresses, paths, methods) in (rule(address()), rule(path()), rule(method())),
        act_as in act_as(),
        (state, protection) in (0..4_usize, 0..3_usize),
        (first, last) in (option::of(0..253_402_300_799_i64), option::of(253_402_300_799..253_402_300_800_i64)),
        bodies in any::<bool>(),
    ) {
        let date = |second: i64| trusted_app_core::Timestamp::from_millis(second * 1000).to_rfc3339();
        let application = read(&json!({
            "id": "wiki",
            "name": name,
            "timeout_ms": timeout,
            "addresses": addresses,
            "paths": paths,
            "methods": methods,
            "act_as": act_as,
            "schemes": Scheme::ALL,
            "replay_protection": ReplayProtection::ALL[protection],
            "insecure_unsigned_bodies": bodies,
            "keys": [
                { "jwk": serde_json::from_str::<Value>(JWK).unwrap() },
                {
                    "spki": SPKI,
                    "state": KeyState::ALL[state],
                    "not_before": first.map(date),
                    "not_after": last.map(date),
                },
            ],
        }));
        let written = ApplicationDescription::from(&application);
        let text = serde_json::to_string(&written).unwrap();
        let again: ApplicationDescription = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&again, &written);
        prop_assert_eq!(written.differing(&again), Vec::<String>::new());
        let again = again.build().unwrap();
        prop_assert_eq!(described(&again), described(&application));
        prop_assert_eq!(ApplicationDescription::from(&again), written);
    }
}

#[test]
fn what_is_not_stated_has_its_default() {
    let key: PublicKey = SPKI.parse().unwrap();
    let plain = TrustedApplication::builder("wiki".parse().unwrap(), key)
        .addresses(AddressRule::any())
        .paths(PathRule::prefixes(["/rest"]))
        .build()
        .unwrap();
    assert_eq!(described(&read(&minimal())), described(&plain));
    for (field, default) in [
        ("name", Value::Null),
        ("methods", json!("any")),
        ("methods", json!(["any"])),
        ("addresses", json!(["any"])),
        ("act_as", json!({})),
        ("timeout_ms", json!(10_000)),
        ("schemes", json!(["seraph-v3"])),
        ("replay_protection", json!("off")),
        ("insecure_min_rsa_bits", json!(2048)),
        ("paths", json!([" /rest ", "", "  "])),
    ] {
        assert_eq!(described(&read(&with(field, default))), described(&plain), "{field}");
    }
}

#[test]
fn each_kind_of_pattern_is_a_text() {
    let paths = json!(["/secure", "subtree:/rest/", "rpc:wiki.Search/*", "rest"]);
    let written = ApplicationDescription::from(&read(&with("paths", paths)));
    let expected = ["/secure", "subtree:/rest", "rpc:wiki.Search/*", "rest"];
    assert_eq!(written.paths, Some(expected.into_iter().collect()));
    let addresses = json!(["10.1.*.*, 10.2.0.1\nlocal", "2001:DB8::/32"]);
    let written = ApplicationDescription::from(&read(&with("addresses", addresses)));
    let expected = ["10.1.*.*", "10.2.0.1", "local", "2001:db8::/32"];
    assert_eq!(written.addresses, Some(RuleDescription::from_iter(expected)));
}

#[test]
fn a_jwk_is_a_table_or_a_text() {
    let table: Value = serde_json::from_str(JWK).unwrap();
    for jwk in [table.clone(), json!(JWK)] {
        let wiki = read(&with("keys", json!([{ "jwk": jwk, "state": "active" }])));
        assert_eq!((wiki.schemes(), wiki.conditions().timeout.as_secs()), (&[Scheme::HttpSignature][..], 60));
        let written = serde_json::to_value(ApplicationDescription::from(&wiki)).unwrap();
        assert_eq!(
            (&written["keys"][0]["jwk"]["x"], &written["keys"][0]["state"]),
            (&table["x"], &json!("active"))
        );
    }
}

#[test]
fn whom_it_may_act_as() {
    for (written, policy) in [
        (json!({}), ActAsPolicy::anybody()),
        (json!({ "users": [] }), ActAsPolicy::nobody()),
        (json!({ "groups": ["staff"] }), ActAsPolicy::anybody().allow_groups(["staff"])),
        (
            json!({ "deny_users": ["eve"], "read_only": true, "insecure_administrators": true }),
            ActAsPolicy::anybody().deny_users(["eve"]).read_only().insecure_administrators(),
        ),
    ] {
        assert_eq!(read(&with("act_as", written.clone())).act_as(), &policy, "{written}");
    }
}

#[test]
fn fields_that_differ_are_named() {
    let one = ApplicationDescription::read(minimal()).unwrap();
    let mut other = one.clone();
    other.keys[0].state = Some(KeyState::Retiring);
    other.name = Some("Wiki".to_owned());
    other.paths = Some(RuleDescription::Any);
    assert_eq!(one.differing(&other), ["keys", "name", "paths"]);
}

#[test]
fn what_is_shown_has_what_a_key_is_compared_by() {
    let mut written = with("act_as", json!({ "users": [] }));
    written["keys"].as_array_mut().unwrap().push(json!({ "jwk": JWK, "state": "next" }));
    let wiki = read(&written);
    let shown = serde_json::to_value(ShownApplication::from(&wiki)).unwrap();
    let fingerprint = ApplicationKey::from(SPKI.parse::<PublicKey>().unwrap()).fingerprint().to_string();
    assert_eq!((&shown["id"], &shown["paths"]), (&json!("wiki"), &json!(["/rest"])));
    let [seraph, signature] = &shown["keys"].as_array().unwrap()[..] else { panic!("{shown}") };
    assert_eq!(
        seraph,
        &json!({ "spki": SPKI.trim(), "state": "active", "fingerprint": fingerprint, "bits": 2048 })
    );
    assert_eq!((&signature["algorithm"], &signature["state"]), (&json!("ed25519"), &json!("next")));
    assert_eq!(signature["thumbprint"], "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let text = "the lists are empty, so every request is refused; for everybody leave them out";
    assert_eq!(shown["warnings"], json!([text]));
}
