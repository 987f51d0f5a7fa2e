//! Editing leaves alone what the form has no field for.

use std::time::Duration;

use tower_trusted_app::keys::{parse_applications, write_applications};
use tower_trusted_app::{ApplicationRegistry, TrustedApplication};
use trusted_app_test::TestIdentity;

use crate::harness::{VALID, World};

/// An application with every condition that there is.
fn particular() -> TrustedApplication {
    let key = |identity: TestIdentity| identity.local().public_key().to_base64();
    let (active, retiring, revoked) =
        (key(TestIdentity::wiki()), key(TestIdentity::stranger()), key(TestIdentity::tracker()));
    let text = format!(
        r#"
        [[application]]
        id = "wiki"
        keys = [
            {{ spki = "{active}", not_before = 2020-01-01T00:00:00Z }},
            {{ spki = "{retiring}", state = "retiring", not_after = 2027-01-31T12:00:00Z }},
            {{ spki = "{revoked}", state = "revoked" }},
            {{ jwk = {{ kty = "OKP", crv = "Ed25519", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }} }},
        ]
        timeout_ms = 7000
        addresses = ["10.9.9.9"]
        paths = ["/before"]
        methods = ["GET", "REPORT"]
        act_as = {{ users = ["alice"], groups = ["staff"], deny_users = ["mallory"], deny_groups = ["guests"], read_only = true }}
        schemes = ["seraph-v3", "insecure-seraph-v2", "http-signature"]
        replay_protection = "every"
    "#
    );
    parse_applications(&text).unwrap().applications.remove(0)
}

#[tokio::test]
async fn what_the_form_does_not_show_stays() {
    let (world, before) = (World::new(), particular());
    world.registry.add(before.clone(), "root").await.unwrap();
    let expected = before
        .to_builder()
        .name("Wiki")
        .timeout(Duration::from_secs(10))
        .addresses("10.1.2.3".parse().unwrap())
        .paths(tower_trusted_app::conditions::PathRule::prefixes(["/rest"]))
        .build()
        .unwrap();
    let mut fields = VALID.to_vec();
    // Nor does a form that somebody makes up change them.
    fields.extend([("id", "wiki"), ("version", "1"), ("methods", "any"), ("schemes", "insecure-seraph-v2")]);
    world.post("/trusted-applications/edit", &fields).await.location();
    let after = world.registry.get(TestIdentity::wiki().id()).await.unwrap().unwrap().unwrap().application;
    assert_eq!(write_applications([&*after]), write_applications([&expected]));
}

#[tokio::test]
async fn it_is_shown_all_the_same() {
    let (world, before) = (World::new(), particular());
    world.registry.add(before.clone(), "root").await.unwrap();
    let shown = world.get("/trusted-applications/edit?id=wiki").await;
    let mut wrong = VALID.to_vec();
    wrong.extend([("id", "wiki"), ("version", "1"), ("timeout_ms", "0")]);
    wrong.retain(|field| *field != ("timeout_ms", "10000"));
    let shown_again = world.post("/trusted-applications/edit", &wrong).await;
    shown_again.has("Nothing was changed. See what is wrong below.");
    for page in [shown, shown_again] {
        let (_, further) = page.text.split_once("<summary>More conditions</summary>").unwrap();
        for text in [
            "<code>GET</code> <code>REPORT</code>",
            "the user <code>alice</code>",
            "the group <code>staff</code>",
            "the user <code>mallory</code>",
            "the group <code>guests</code>",
            "<dt>Administrators</dt><dd>never</dd>",
            "no method but those that only read",
            "<code>seraph-v3</code> <code>insecure-seraph-v2</code> <code>http-signature</code>",
            "<dd>every</dd>",
            "(active, from <time datetime=\"2020-01-01T00:00:00",
            "(retiring, until <time datetime=\"2027-01-31T12:00:00",
            "(revoked)",
            "(active) for HTTP message signatures",
        ] {
            assert!(further.contains(text), "{text}: {further}");
        }
    }
}

/// What a file can have, and no form can state.
#[tokio::test]
async fn a_pattern_that_covers_nothing_does_not_come_to_cover_something() {
    let key = TestIdentity::wiki().local().public_key().to_base64();
    for pattern in ["rest", " rest ", "//rest", "Any", "*"] {
        let text = format!(
            "[[application]]\nid = 'wiki'\nkeys = [{{ spki = '{key}' }}]\naddresses = ['10.1.2.3']\n\
             paths = [\"{pattern}\"]"
        );
        let world = World::new();
        world.registry.add(parse_applications(&text).unwrap().applications.remove(0), "root").await.unwrap();
        let shown = world.get("/trusted-applications/edit?id=wiki").await;
        let paths = shown.area("paths");
        let mut fields = VALID.to_vec();
        fields.retain(|(name, _)| *name != "paths");
        fields.extend([("id", "wiki"), ("version", "1"), ("paths", &paths)]);
        let refused = world.post("/trusted-applications/edit", &fields).await;
        assert_eq!((paths.as_str(), refused.status.as_u16()), ("", 422), "{pattern}");
        refused.has("You must specify URLs to match against.");
    }
}

/// The list and the form show what is hardly meant; `subtree` and `rpc` are read with a colon or a blank.
#[tokio::test]
async fn what_is_hardly_meant_is_shown_after_it_was_saved() {
    let world = World::new();
    world.add_wiki().await;
    world.get("/trusted-applications").await.lacks("warning</summary>");
    world.get("/trusted-applications/edit?id=wiki").await.lacks("id=\"warnings\"");
    let mut fields = VALID.to_vec();
    fields.retain(|(name, _)| !["paths", "timeout_ms"].contains(name));
    let paths = "/a,b\r\nsubtree /c\r\nrpc:d.E/*";
    fields.extend([("id", "wiki"), ("version", "1"), ("paths", paths), ("timeout_ms", "1")]);
    let saved = world.post("/trusted-applications/edit", &fields).await;
    assert_eq!(saved.location(), "../trusted-applications?done=updated");
    let list = world.get("/trusted-applications?done=updated").await;
    list.has("<summary>2 warnings</summary>");
    let form = world.get("/trusted-applications/edit?id=wiki").await;
    for page in [&list, &form] {
        page.has("in `/a,b` the `,` is a plain character: write several paths as entries of their own");
        page.has("a time-out of 1 ms is shorter than clocks differ");
    }
    assert_eq!(form.area("paths"), "/a,b\nsubtree:/c\nrpc:d.E/*");
}
