//! Keys.

use trusted_app_core::application::{ApplicationKey, KeyState};
use trusted_app_core::{Scheme, Timestamp};

use super::super::write_applications;
use super::*;

const JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

#[test]
fn a_key_may_be_pem_or_wrapped_base64() {
    let pem = samples::public_key(2048).to_pem();
    let base64 = samples::key(2048);
    let (first, rest) = base64.split_at(64);
    for key in
        [format!("\"\"\"\n{pem}\"\"\""), format!("\"\"\"\n{first}\n  {rest}\n\"\"\""), format!("'{base64}'")]
    {
        let text = MINIMAL.replace("\"<2048>\"", &key);
        assert_eq!(parse_one(&text).keys(), [samples::public_key(2048).into()], "{key}");
    }
}

#[test]
fn no_error_quotes_a_private_key() {
    let private = include_str!("../../../../tests/data/identity.pem");
    let body = private.lines().nth(2).unwrap();
    let (head, tail) = (private.lines().nth(1).unwrap(), private.lines().last().unwrap());
    for text in [
        MINIMAL.replace("\"<2048>\"", &format!("'''{private}'''")),
        MINIMAL.replace("\"<2048>\"", &format!("'''{head}\n{body}\n{tail}'''")),
        MINIMAL.replace("<2048>", body),
        // Not even where the text is no TOML.
        MINIMAL.replace("\"<2048>\"", body),
        MINIMAL.replace("\"<2048>\"", &format!("\"{head}\n{body}\"")),
    ] {
        let error = error(&text);
        for start in (0..body.len() - 8).step_by(4) {
            assert!(!error.contains(&body[start..start + 8]), "{error}");
        }
    }
}

#[test]
fn other_forms_of_keys_are_named_or_read() {
    let block = |label: &str| format!("\"\"\"-----BEGIN {label}-----\nc2VjcmV0\n-----END {label}-----\"\"\"");
    for (key, expected) in [
        (block("CERTIFICATE"), "`openssl x509 -pubkey -noout -in FILE` prints its public key"),
        (block("RSA PRIVATE KEY"), "`openssl pkey -pubout -in FILE` prints its public key"),
        ("'ssh-rsa c2VjcmV0 wiki'".to_owned(), "`ssh-keygen -e -m PKCS8 -f FILE` prints"),
    ] {
        let error = error(&MINIMAL.replace("\"<2048>\"", &key));
        assert!(error.starts_with("line 3: application `wiki`: keys[0].spki: this is a"), "{error}");
        assert!(error.contains(expected) && !error.contains("c2VjcmV0"), "{error}");
    }
}

#[test]
fn keys_with_states_and_dates() {
    let text = with_field(
        "keys = [{ spki = '<2048>' }, { spki = '<4096>', state = 'retiring', not_after = 2027-01-31T13:00:00.5+01:00 }, \
         { spki = '<1024>', state = 'revoked', not_before = '2020-01-01T00:00:00Z' }]",
    ) + "\ninsecure_min_rsa_bits = 1024";
    let wiki = parse_one(&text);
    let at = |text| Timestamp::from_rfc3339(text).unwrap();
    let expected = [
        samples::public_key(2048).into(),
        ApplicationKey::from(samples::public_key(4096))
            .with_state(KeyState::Retiring)
            .with_not_after(at("2027-01-31T12:00:00.500Z")),
        ApplicationKey::from(samples::public_key(1024))
            .with_state(KeyState::Revoked)
            .with_not_before(at("2020-01-01T00:00:00Z")),
    ];
    assert_eq!(wiki.keys(), expected);
    let tables = MINIMAL.replace("keys = [{ spki = \"<2048>\" }]\n", "")
        + "[[application.keys]]\nspki = '<2048>'\nstate = 'next'\n[[application.keys]]\nspki = '<4096>'";
    let states: Vec<_> = parse_one(&tables).keys().iter().map(ApplicationKey::state).collect();
    assert_eq!(states, [KeyState::Next, KeyState::Active]);

    for (key, expected) in [
        ("{ state = 'next' }", "keys[0]: missing; write `spki` (base64 or PEM) or `jwk`"),
        (
            "{ spki = '<2048>', states = 'next' }",
            "keys[0].states: unknown field; known are spki, jwk, state, not_before, not_after",
        ),
        ("{ key = '<2048>' }", "keys[0].key: unknown field; write `spki` (base64 or PEM) or `jwk`"),
        (
            "{ spki = '<2048>', state = 'dead' }",
            "keys[0].state: unknown state `dead`: known are `next`, `active`, `retiring` and `revoked`",
        ),
        (
            "{ spki = '<2048>', not_after = 2027-01-31 }",
            "keys[0].not_after: expected a date and time with an offset, such as 2027-01-31T12:00:00Z, found a string",
        ),
    ] {
        let text = with_field(&format!("keys = [{key}]"));
        assert_eq!(error(&text), format!("line 3: application `wiki`: {expected}"));
    }
    let fingerprint = samples::public_key(2048).fingerprint().to_string();
    let twice = with_field("keys = [{ spki = '<2048>' }, { spki = '<2048>', state = 'revoked' }]");
    let expected = format!("line 3: application `wiki`: keys: the key {fingerprint} is listed twice");
    assert_eq!(error(&twice), expected);
    let never =
        "keys = [{ spki = '<2048>', not_before = 2027-01-02T00:00:00Z, not_after = 2027-01-01T00:00:00Z }]";
    assert!(error(&with_field(never)).contains("is never valid"));
}

#[test]
fn keys_for_http_message_signatures() {
    let text = with_field(&format!("keys = [{{ jwk = '{JWK}' }}]")) + "\n";
    let wiki = parse_one(&text);
    assert_eq!((wiki.schemes(), wiki.keys().len()), (&[Scheme::HttpSignature][..], 0));
    assert_eq!(wiki.conditions().timeout.as_secs(), 60);
    let thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    assert_eq!(wiki.signature_keys()[0].public_key().thumbprint().to_string(), thumbprint);
    let table = with_field(&format!("keys = [{{ jwk = {} }}]", JWK.replace(':', "=")));
    assert_eq!(parse_one(&table).signature_keys(), wiki.signature_keys());

    let other = JWK
        .replace("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "_FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU")
        .replace("\"x\"", "\"nbf\":1,\"x\"");
    let both = with_field(&format!(
        "keys = [{{ jwk = '{JWK}' }}, {{ spki = '<2048>' }}, \
         {{ jwk = '{other}', state = 'next', not_before = 2027-01-01T00:00:00Z }}]\n\
         schemes = ['seraph-v3', 'http-signature']"
    ));
    let wiki = parse_one(&both);
    assert_eq!((wiki.keys().len(), wiki.signature_keys().len()), (1, 2));
    assert_eq!(wiki.conditions().timeout.as_secs(), 10);
    let written = write_applications([&wiki]);
    assert_eq!(format!("{:?}", parse_one(&written)), format!("{wiki:?}"));
    assert_eq!(write_applications([&parse_one(&written)]), written);

    for (change, expected) in [
        (
            "keys = [{ jwk = 1 }]",
            "line 3: application `wiki`: keys[0].jwk: a JWK is a table of its members, or a string",
        ),
        (
            "schemes = ['http-signature']",
            "line 6: application `wiki`: schemes: the scheme `http-signature` needs a key of its own kind",
        ),
    ] {
        assert_eq!(error(&with_field(change)), expected);
    }
    let no_legacy = format!("{text}schemes = ['seraph-v3']");
    assert!(error(&no_legacy).ends_with("schemes: the scheme `seraph-v3` needs a key of its own kind"));
    let twice = with_field(&format!("keys = [{{ jwk = '{JWK}' }}, {{ jwk = '{JWK}' }}]"));
    assert!(error(&twice).contains("keys: the key ") && error(&twice).ends_with("is listed twice"));
}

#[test]
fn a_signature_key_belongs_to_one_application() {
    let wiki = with_field(&format!("keys = [{{ jwk = '{JWK}' }}]"));
    let keys = format!("keys = [{{ spki = '<2048>' }}, {{ jwk = '{JWK}', state = 'revoked' }}]");
    let forum = with_field(&keys).replace("wiki", "forum");
    let error = error(&format!("{wiki}\n{forum}"));
    assert!(error.ends_with("already belongs to `wiki`; a key belongs to one application only"), "{error}");
}

#[test]
fn no_error_quotes_a_private_jwk() {
    let secret = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    let private = JWK.replace("\"x\"", &format!("\"d\":\"{secret}\",\"x\""));
    for value in [format!("'{private}'"), format!("'{}'", &private[1..]), private.replace(':', "=")] {
        let error = error(&with_field(&format!("keys = [{{ jwk = {value} }}]")));
        assert!(error.starts_with("line 3: application `wiki`: keys[0].jwk: not a usable JWK"), "{error}");
        assert!(!error.contains(&secret[..8]), "{error}");
    }
    for value in [format!("['{secret}']"), format!("'{secret}'"), format!("[{{ '{secret}' = 1 }}]")] {
        let error = error(&with_field(&format!("keys = {value}")));
        assert!(error.starts_with("line 3: application `wiki`: keys"), "{error}");
        assert!(!error.contains(&secret[..8]), "{error}");
    }
}

#[test]
fn a_key_directory_is_kept() {
    let url = "https://wiki.example.com/.well-known/http-message-signatures-directory";
    let keyed = with_field(&format!("keys = [{{ jwk = '{JWK}' }}]")) + "\n";
    let wiki = parse_one(&format!("{keyed}key_directory = '{url}'"));
    assert_eq!(wiki.key_directory(), Some(url));
    let again = parse_one(&write_applications([&wiki]));
    assert_eq!(again.to_builder().build().unwrap().key_directory(), Some(url));
    for bad in [
        "",
        "wiki.example.com",
        "file:///etc/passwd",
        "https://wiki.example.com/x",
        &url.replace("//", "//user:secret@"),
        &format!("{url}?x"),
        &format!("ftp{url}"),
    ] {
        let error = error(&format!("{keyed}key_directory = '{bad}'"));
        assert!(error.contains("key_directory: the URL of a key directory is"), "{bad}: {error}");
    }
}
