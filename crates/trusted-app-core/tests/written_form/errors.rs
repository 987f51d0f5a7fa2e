//! Each fault is named with the way to its field, and with what to write.

use serde_json::{Value, json};
use trusted_app_core::TrustedApplication;
use trusted_app_core::application::{ApplicationDescription, FieldSegment, KeyDescription};

use super::{JWK, SPKI, minimal, with};

fn error(written: &Value) -> String {
    let read = ApplicationDescription::read(written);
    let error = read.and_then(|read| TrustedApplication::try_from(&read)).unwrap_err();
    error.to_string()
}

#[test]
fn a_faulty_field_is_named() {
    let rule = "expected a list, or the string \"any\", found";
    for (field, value, expected) in [
        ("id", json!(7), "id: expected a string, found 7".to_owned()),
        ("id", json!(" "), "id: an application id cannot be blank".to_owned()),
        ("name", json!(true), "name: expected a string, found true".to_owned()),
        ("timeout_ms", json!(0), "timeout_ms: expected a positive number of milliseconds, found 0".to_owned()),
        ("timeout_ms", json!(-1), "timeout_ms: expected a positive number of milliseconds, found -1".to_owned()),
        (
            "timeout_ms",
            json!("10s"),
            "timeout_ms: expected a positive number of milliseconds, found the string \"10s\"".to_owned(),
        ),
        (
            "timeout_ms",
            json!(1_u64 << 63),
            "timeout_ms: expected a positive number of milliseconds, found 9223372036854775808".to_owned(),
        ),
        ("timeout_ms", json!(0.5), "timeout_ms: expected a positive number of milliseconds, found 0.5".to_owned()),
        ("addresses", json!("10.0.0.1"), format!("addresses: {rule} the string \"10.0.0.1\"")),
        ("addresses", json!(["10.0.0.1", 7]), "addresses[1]: expected a string, found 7".to_owned()),
        ("addresses", json!(["any", "::1"]), "addresses[0]: write \"any\" alone, not beside others".to_owned()),
        ("addresses", json!(null), "addresses: `null` is no value: leave the field out, or write one".to_owned()),
        ("paths", json!({}), format!("paths: {rule} a table")),
        (
            "paths",
            json!(["/", { "subtree": "/rest" }]),
            "paths[1]: expected a string, found a table".to_owned(),
        ),
        ("paths", json!([{ "prefix": "/rest" }]), "paths[0]: expected a string, found a table".to_owned()),
        (
            "paths",
            json!(["/", "subtree:rest"]),
            "paths[1]: the subtree `rest` must begin with a slash: `/rest`".to_owned(),
        ),
        (
            "methods",
            json!(["get"]),
            "methods[0]: no request has the method `get`, for letter case counts: write `GET`".to_owned(),
        ),
        ("schemes", json!("seraph-v3"), "schemes: expected a list, found the string \"seraph-v3\"".to_owned()),
        (
            "schemes",
            json!([]),
            "schemes: an application needs at least one scheme, such as `seraph-v3`".to_owned(),
        ),
        (
            "replay_protection",
            json!("on"),
            "replay_protection: unknown replay protection `on`: known are `off`, `non-idempotent` and `every`"
                .to_owned(),
        ),
        (
            "insecure_min_rsa_bits",
            json!(-1),
            "insecure_min_rsa_bits: expected a number of bits, found -1".to_owned(),
        ),
        (
            "insecure_unsigned_bodies",
            json!("yes"),
            "insecure_unsigned_bodies: expected true or false, found the string \"yes\"".to_owned(),
        ),
        ("act_as", json!({ "users": "bob" }), "act_as.users: expected a list, found the string \"bob\"".to_owned()),
        (
            "act_as",
            json!({ "deny_groups": ["*"] }),
            "act_as: deny_groups: `*` is no name of a user or group: to deny everybody write `users = []`, or \
             remove the application".to_owned(),
        ),
        (
            "keys",
            json!([]),
            "keys: missing; write at least one key, such as [{ spki = \"…\" }] with base64 or PEM, or \
             [{ jwk = { … } }]"
                .to_owned(),
        ),
        ("keys", json!([{ "state": "next" }]), "keys[0]: missing; write `spki` (base64 or PEM) or `jwk`".to_owned()),
        ("keys", json!([{ "spki": SPKI, "jwk": JWK }]), "keys[0]: a key has either `spki` or `jwk`, and not both".to_owned()),
        ("keys", json!([{ "spki": "%" }]), "keys[0].spki: not base64".to_owned()),
        (
            "keys",
            json!([{ "jwk": 1 }]),
            "keys[0].jwk: a JWK is a table of its members, or a string".to_owned(),
        ),
        (
            "keys",
            json!([{ "spki": SPKI, "state": "dead" }]),
            "keys[0].state: unknown state `dead`: known are `next`, `active`, `retiring` and `revoked`".to_owned(),
        ),
        (
            "keys",
            json!([{ "spki": SPKI, "not_after": "2027-01-31" }]),
            "keys[0].not_after: expected a date and time with an offset, such as 2027-01-31T12:00:00Z, found a string"
                .to_owned(),
        ),
        (
            "keys",
            json!([{ "spki": SPKI, "states": "next" }]),
            "keys[0].states: unknown field; known are spki, jwk, state, not_before, not_after".to_owned(),
        ),
    ] {
        assert_eq!(error(&with(field, value.clone())), expected, "{field}: {value}");
    }
    assert_eq!(error(&json!("wiki")), "expected the table of an application, found a string");
    let mut without = minimal();
    without.as_object_mut().unwrap().remove("id");
    assert_eq!(error(&without), "id: missing; write the name that its requests carry");
}

#[test]
fn a_word_of_another_form_is_answered_with_the_right_one() {
    for (field, instead) in [
        ("ip_addresses", "write `addresses`"),
        ("url_paths", "write `paths`"),
        ("public_key", "write `keys = [{ spki = \"…\" }]`"),
        ("signature_key", "write `keys = [{ jwk = \"…\" }]`"),
        ("path", "known are id, name, key_directory, timeout_ms, addresses, "),
    ] {
        let expected = format!("{field}: unknown field; {instead}");
        assert!(error(&with(field, json!("any"))).starts_with(&expected), "{field}");
    }
    let key = with("keys", json!([{ "key": SPKI }]));
    assert_eq!(error(&key), "keys[0].key: unknown field; write `spki` (base64 or PEM) or `jwk`");
}

#[test]
fn all_faulty_values_are_found_at_once() {
    let mut written = minimal();
    written["addresses"] = json!(["10.0.0.300"]);
    written["paths"] = json!(["/a b"]);
    written["methods"] = json!(["*"]);
    written["keys"] = json!([{ "spki": "%" }, { "jwk": "{}" }]);
    let errors = ApplicationDescription::read(&written).unwrap().build().unwrap_err();
    let fields: Vec<_> = errors.iter().map(|error| error.field().unwrap()).collect();
    assert_eq!(fields, ["keys", "keys", "addresses", "paths", "methods"]);
    let path = [FieldSegment::from("keys"), FieldSegment::Index(1), FieldSegment::from("jwk")];
    assert_eq!(errors[1].path(), path);
}

#[test]
fn no_error_quotes_what_may_be_a_private_key() {
    let secret = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDn";
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\n");
    let private_jwk = json!({ "kty": "OKP", "crv": "Ed25519", "d": secret, "x": secret });
    for keys in [
        json!(secret),
        json!([secret]),
        json!(pem),
        json!([pem]),
        json!({ "spki": secret }),
        json!([{ "spki": [secret] }]),
        json!([{ "spki": secret }]),
        json!([{ "spki": pem }]),
        json!([{ "jwk": secret }]),
        json!([{ "jwk": [secret] }]),
        json!([{ "jwk": private_jwk.to_string() }]),
        json!([{ "jwk": private_jwk }]),
        json!([{ "not_after": secret }]),
        json!([{ "spki": SPKI, "state": secret }]),
        json!([{ "spki": SPKI, secret: 1 }]),
    ] {
        let written = with("keys", keys);
        let by_format = serde_json::from_str::<ApplicationDescription>(&written.to_string());
        let mut texts = vec![error(&written)];
        texts.extend(by_format.as_ref().err().map(ToString::to_string));
        texts.extend(by_format.as_ref().ok().map(|read| format!("{read:?}")));
        for text in texts {
            for part in secret.as_bytes().windows(8) {
                assert!(!text.contains(std::str::from_utf8(part).unwrap()), "{text}");
            }
        }
    }
    assert!(!error(&json!(secret)).contains(&secret[..8]));
    let shown =
        format!("{:?}", KeyDescription { spki: Some(secret.to_owned()), ..KeyDescription::default() });
    assert!(shown.contains("spki: Some(\"…\")"), "{shown}");
}

#[test]
fn every_format_says_the_same() {
    let text = with("paths", json!(["/", 7])).to_string();
    let error = serde_json::from_str::<ApplicationDescription>(&text).unwrap_err();
    assert!(error.to_string().starts_with("paths[1]: expected a string, found 7"), "{error}");
}

/// What is read must not allow more than what was meant: a list is no table of fields, `null` is no default, and of two
/// fields of one name neither counts.
#[test]
fn nothing_is_read_wider_than_it_is_written() {
    for (field, value) in [
        ("act_as", "[]"),
        ("act_as", "[[\"bob\"], [], [], [], true, false]"),
        ("act_as", "null"),
        ("act_as", "{\"users\": null}"),
        ("act_as", "{\"users\": [\"bob\"], \"users\": [\"alice\"]}"),
        ("methods", "null"),
        ("methods", "[\"GET\"], \"methods\": \"any\""),
        ("schemes", "null"),
        ("timeout_ms", "null"),
        ("replay_protection", "null"),
        ("keys", "[[\"MIIB\"]]"),
        ("keys", "[], \"keys\": []"),
    ] {
        let mut described = minimal();
        described.as_object_mut().unwrap().remove(field);
        let text = described.to_string();
        let text = format!("{{\"{field}\": {value}, {}", text.strip_prefix('{').unwrap());
        let error = ApplicationDescription::from_json(&text).unwrap_err();
        assert!(!error.to_string().contains("MIIB"), "{error}");
        assert!(serde_json::from_str::<ApplicationDescription>(&text).is_err(), "{text}");
    }
    let list = ApplicationDescription::from_json("[\"wiki\", null, null]").unwrap_err();
    assert_eq!(list.to_string(), "expected the table of an application, found a list");
}
