//! `apps rotate` with keys of HTTP message signatures.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod program;
mod stage;

use stage::Stage;
use tower_trusted_app::crypto::{PrivateSignatureKey, SignatureAlgorithm};
use trusted_app_test::TestIdentity;

/// A new public key: its JWK and its thumbprint.
fn new_key() -> (String, String) {
    let key = PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519).unwrap();
    (key.public_key().to_jwk(), key.public_key().thumbprint().to_string())
}

/// The signature keys of an application, each with its state.
fn states(stage: &Stage, id: &str) -> Vec<(String, String)> {
    let json = stage.json(&format!("show {id} --json"));
    let keys = json["keys"].as_array().unwrap().iter().filter(|key| key.get("jwk").is_some());
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    keys.map(|key| (text(&key["thumbprint"]), text(&key["state"]))).collect()
}

fn key(name: &str, state: &str) -> (String, String) {
    (name.to_owned(), state.to_owned())
}

#[test]
fn a_key_with_another_fingerprint_is_not_taken() {
    let stage = Stage::new();
    stage.add_wiki();
    let key = TestIdentity::stranger().local().public_key().clone();
    let new = [
        format!("--document {}", stage.document(&TestIdentity::stranger().with_id("wiki"))),
        format!("--spki {}", key.to_base64()),
        format!("--jwk {}", new_key().0),
    ];
    let before = stage.done("show wiki");
    for new in &new {
        for (stated, why) in
            [("00:".repeat(32), "the key has another fingerprint"), ("abc".to_owned(), "write all 32 bytes")]
        {
            let ran = stage.run(&format!("rotate wiki {new} --fingerprint {}", stated.trim_end_matches(':')));
            assert!(ran.failure().contains(why), "{ran:?}");
        }
    }
    assert_eq!(stage.done("show wiki"), before);
    let fingerprint = key.fingerprint().to_string().replace(':', "").to_uppercase();
    stage.done(&format!("rotate wiki {} --fingerprint {fingerprint}", new[1]));
}

#[test]
fn a_rotation_step_by_step() {
    let stage = Stage::new();
    let ((first, one), (second, two), (third, three)) = (new_key(), new_key(), new_key());
    stage.done(&format!("add sync --jwk {first} --address any --path /rest"));

    stage.done(&format!("rotate sync --jwk {second} --next"));
    assert_eq!(states(&stage, "sync"), [key(&one, "active"), key(&two, "next")]);
    assert!(stage.done("list").contains("  1 next, 1 active  "), "{}", stage.done("list"));
    let shown = stage.done("show sync");
    assert!(shown.contains("every, as always by http-signature (configured: off)\n"), "{shown}");
    let again = stage.run(&format!("rotate sync --jwk {second}"));
    assert!(again.failure().contains("has this key already, and it is next"), "{again:?}");
    let edited = stage.done("edit sync --replay-protection every");
    assert!(edited.ends_with("(configured: every)\n"), "a change is seen: {edited}");
    stage.done("rotate sync --activate --retire-at 2099-01-31T12:00:00Z");
    assert_eq!(states(&stage, "sync"), [key(&one, "retiring"), key(&two, "active")]);
    assert!(stage.done("show sync").contains("retiring, ed25519, until 2099-01-31T12:00:00Z\n"));
    stage.done("rotate sync --finish");
    assert_eq!(states(&stage, "sync"), [key(&one, "revoked"), key(&two, "active")]);
    assert_eq!(stage.run("rotate sync --finish").failure(), "no key of `sync` is retiring");

    // In one step, from a file.
    let file = stage.file("third.jwk", &third);
    stage.done(&format!("rotate sync --jwk {file}"));
    assert_eq!(states(&stage, "sync"), [key(&three, "active"), key(&one, "revoked"), key(&two, "retiring")]);

    let both = stage.run(&format!("rotate sync --jwk {first} --spki x"));
    assert!(both.failure().contains("cannot be used with"), "{both:?}");
    let both = stage.run(&format!("rotate sync --jwk {first} --activate"));
    assert!(both.failure().contains("cannot be used with"), "{both:?}");
}

#[test]
fn an_application_gets_its_first_and_its_seraph_keys_stay() {
    let stage = Stage::new();
    stage.add_wiki();
    let no_key = stage.run("edit wiki --scheme http-signature");
    assert!(no_key.failure().contains("`apps rotate` take one by --jwk"), "{no_key:?}");
    let seraph = stage.json("show wiki --json")["keys"][0].clone();
    let (jwk, name) = new_key();
    let ran = stage.run(&format!("rotate wiki --jwk {jwk}"));
    assert_eq!(ran.status, 0, "{ran:?}");
    let hint = "`apps edit wiki --scheme seraph-v3 --scheme http-signature`";
    assert!(ran.stderr.starts_with("warning: ") && ran.stderr.contains(hint), "{ran:?}");
    stage.done("edit wiki --scheme seraph-v3 --scheme http-signature");
    assert_eq!(states(&stage, "wiki"), [key(&name, "active")]);
    assert!(stage.done("list").contains("  2 active  "), "{}", stage.done("list"));
    let shown = stage.done("show wiki");
    assert!(shown.contains("off\n") && shown.contains("  every, if by http-signature\n"), "{shown}");

    // A step of one kind leaves the other kind alone.
    let (jwk, next) = new_key();
    stage.done(&format!("rotate wiki --jwk {jwk} --next"));
    stage.done("rotate wiki --activate");
    stage.done("rotate wiki --finish");
    assert_eq!(states(&stage, "wiki"), [key(&name, "revoked"), key(&next, "active")]);
    assert_eq!(stage.json("show wiki --json")["keys"][0], seraph);
}

#[test]
fn a_key_for_seraph_is_refused_where_seraph_is_not_used() {
    let stage = Stage::new();
    let (jwk, _) = new_key();
    stage.done(&format!("add stranger --jwk {jwk} --address any --path /rest"));
    let before = stage.done("show stranger");
    let document = stage.document(&TestIdentity::stranger());
    let public = TestIdentity::stranger().local().public_key().to_base64();
    for new in [format!("--document {document}"), format!("--spki {public} --next")] {
        let refused = stage.run(&format!("rotate stranger {new}"));
        assert_eq!(
            refused.failure(),
            "`stranger` uses http-signature alone, and this is a key for Seraph: state one for http-signature by \
             --jwk"
        );
    }
    assert_eq!(stage.done("show stranger"), before);
    assert!(program::run(["apps", "rotate", "--help"], b"").stdout.contains("--jwk <JWK or FILE>"));
    let edit = program::run(["apps", "edit", "--help"], b"").stdout;
    assert!(edit.contains("`apps rotate`") && edit.contains("--jwk"), "{edit}");
}
