//! `apps`, each command.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod program;
mod stage;

use std::fs;

use serde_json::Value;
use stage::Stage;
use trusted_app_test::TestIdentity;

fn fingerprint(identity: &TestIdentity) -> String {
    identity.local().public_key().fingerprint().to_string()
}

/// A stranger's terminal has 80 columns.
#[track_caller]
fn fits(text: &str) {
    // A fingerprint has 95 characters, and is not cut.
    let long = text.lines().find(|line| line.chars().count() > 80 && !line.contains("SHA256 "));
    assert_eq!(long, None, "{text}");
}

#[test]
fn an_application_is_added_from_its_document_and_shown() {
    let stage = Stage::new();
    let document = stage.document(&TestIdentity::wiki());
    let added = stage.done(&format!(
        "add --document {document} --name Wiki --address 10.1.*.* --address 2001:db8::/32,local \
         --path /rest --path subtree:/secure --path rpc:wiki.Search/* --method GET --method HEAD \
         --timeout 5000ms --act-as-group staff --deny-user mallory --read-only --replay-protection every"
    ));
    assert!(added.starts_with("added wiki\n"), "{added}");
    fits(&added);
    let shown = stage.done("show wiki");
    assert_eq!(added, format!("added wiki\n{shown}"));
    for line in [
        "id         wiki\n",
        "name       Wiki\n",
        &format!(
            "keys       SHA256 {}\n             active, 2048 bits\n",
            fingerprint(&TestIdentity::wiki())
        ),
        "time-out   5000 ms\n",
        "addresses  10.1.*.*\n           2001:db8::/32\n           local\n",
        "paths      /rest\n           subtree:/secure\n           rpc:wiki.Search/*\n",
        "methods    GET, HEAD\n",
        "acts as    only group staff\n           but not user mallory\n           no administrators\n           only for reading\n",
        "schemes    seraph-v3\n",
        "replays    every\n",
        "version    1\n",
        " by carol\n",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let json = stage.json("show wiki --json");
    assert_eq!(json["created"]["by"], "carol");
    assert_eq!(json["keys"][0]["fingerprint"], fingerprint(&TestIdentity::wiki()));
    assert_eq!(json["keys"][0]["spki"], TestIdentity::wiki().local().public_key().to_base64());
    assert_eq!(json["addresses"][1], "2001:db8::/32");
    assert_eq!(json["act_as"]["groups"][0], "staff");

    // By id and key instead, with the least that must be stated.
    let key = TestIdentity::stranger().local().public_key().to_base64();
    stage.done(&format!("add confluence:4711 --spki {key} --address any --path any"));
    let json = stage.json("show confluence:4711 --json");
    assert_eq!((&json["name"], &json["addresses"]), (&Value::from("confluence:4711"), &Value::from("any")));
}

#[test]
fn add_refuses() {
    let stage = Stage::new();
    let document = stage.document(&TestIdentity::wiki());
    let refusal = |args: &str| stage.run(args).failure().to_owned();
    assert_eq!(
        refusal(&format!("add --document {document} --path /rest")),
        "say by --address where requests may come from: a pattern, or `any`"
    );
    assert_eq!(
        refusal(&format!("add --document {document} --address any")),
        "say by --path which paths may be asked for: a pattern, or `any`"
    );
    assert!(
        refusal(&format!("add --document {document} --address 192.111.. --path /"))
            .starts_with("--address: The IP address pattern: 192.111.. is invalid.")
    );
    assert!(refusal("add --address any --path any").starts_with("say which application: by its id"));
    assert!(refusal("add x --address any --path any").contains("--spki"));
    assert!(
        refusal(&format!("add --document {document} --timeout 0s --address any --path any"))
            .contains("--timeout")
    );
    assert!(
        refusal(&format!("add --document {document} --path any --path /x --address any"))
            .ends_with("write \"any\" alone, not beside others")
    );
    let identity = stage.file("private.pem", &TestIdentity::wiki().local().to_pem());
    assert!(
        refusal(&format!("add --document {identity} --address any --path any"))
            .contains("is an identity with its private key")
    );

    // What covers no request is no rule, and a key of RFC 9421 has a way of its own.
    for (rule, right) in [
        ("--path rest", "write `/rest`"),
        ("--path /a/../b/", "in its plain form"),
        ("--path any --method get", "write `GET`"),
        (
            "--path any --scheme http-signature",
            "`apps add` and `apps rotate` take one by --jwk, `apps import` from a file",
        ),
    ] {
        let refused = refusal(&format!("add --document {document} --address any {rule}"));
        assert!(refused.ends_with(right), "{refused}");
    }
    assert!(!stage.directory.path().join("trust.db").exists(), "nothing was made");

    // The store takes no key, and no id, twice.
    stage.add_wiki();
    assert!(
        refusal(&format!("add --document {document} --address any --path any")).ends_with("`wiki` is taken")
    );
    let key = TestIdentity::wiki().local().public_key().to_base64();
    let twice = refusal(&format!("add other --spki {key} --address any --path any"));
    assert!(twice.ends_with("a key belongs to one application only"), "{twice}");
    assert_eq!(stage.json("list --json").as_array().unwrap().len(), 1);
}

/// One argument may have blanks.
fn refused(stage: &Stage, option: &str, value: &str) -> String {
    let ran =
        program::run(["apps", "edit", "wiki", "--store", &stage.store, "--by", "carol", option, value], b"");
    ran.failure().to_owned()
}

#[test]
fn a_list_in_one_string_and_what_no_request_has_are_refused() {
    let stage = Stage::new();
    stage.add_wiki();
    for (option, value, words) in [
        ("--path", "/rest /plugins", "is more than one path: write each as an entry of its own"),
        ("--path", "/rest, /plugins", "is more than one path: write each as an entry of its own"),
        ("--path", "/rest,/plugins", "is more than one path: write each as an entry of its own"),
        ("--path", "subtree:/rest, subtree:/x", "is more than one path: write each as an entry of its own"),
        ("--path", "/my path", "has a blank in it"),
        ("--path", "//rest", "(empty segment): write it in its plain form"),
        ("--path", "/rest/*", "the asterisk is a plain character"),
        ("--path", "https://tracker.example.com/rest", "is a URL: write its path"),
        ("--method", "GET,POST", "is more than one method: write each as an entry of its own"),
        ("--method", "GET POST", "is more than one method: write each as an entry of its own"),
        ("--method", "Get", "write `GET`"),
        ("--method", "*", "write `any` alone"),
        ("--address", "10.1.2.3 10.1.2.4", "has a blank between two addresses: write a comma there"),
        ("--address", "10.1.2.3:8080", "has a port, and rules compare addresses alone: write 10.1.2.3."),
        ("--address", "fe80::1%eth0", "has the zone `eth0`, which no request shows: write fe80::1."),
        ("--address", "[::1]", "is in brackets: write ::1."),
        ("--address", "localhost", "is a name, and rules compare addresses"),
    ] {
        let refused = refused(&stage, option, value);
        assert!(refused.starts_with(&format!("{option}: ")) && refused.contains(words), "{value}: {refused}");
    }
}

#[test]
fn a_name_in_a_rule_that_matches_no_one_is_refused() {
    let stage = Stage::new();
    stage.add_wiki();
    let table = include_str!("../../trusted-app-core/tests/data/rule-names.json");
    let table: Vec<(String, String)> = serde_json::from_str(table).unwrap();
    for (name, words) in table {
        for option in ["--act-as-user", "--act-as-group", "--deny-user", "--deny-group"] {
            let refused = refused(&stage, option, &name);
            assert!(
                refused.starts_with(&format!("{option}: ")) && refused.contains(&words),
                "{name:?}: {refused}"
            );
        }
    }
    // Of an id too.
    for (id, words) in [
        (" wiki", "cannot begin or end with a blank"),
        ("\u{feff}wiki", r"cannot have the invisible character \u{feff}"),
    ] {
        let ran = program::run(["apps", "show", "--store", &stage.store, id], b"");
        assert!(ran.failure().contains(words), "{ran:?}");
    }
}

#[test]
fn what_is_hardly_meant_is_warned_of_by_each_command() {
    let stage = Stage::new();
    let document = stage.document(&TestIdentity::wiki());
    let dn = "cn=contractors,ou=groups,dc=example";
    let warning = format!(
        "warning: deny_groups: `{dn}` looks like a distinguished name; rules are compared with the name of a user or \
         group, such as `contractors`\n"
    );
    let warned = |args: &str| {
        let ran = stage.run(args);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, warning.as_str()), "{args}");
    };
    warned(&format!("add --document {document} --address 10.1.*.* --path /rest --deny-group {dn}"));
    warned("show wiki");
    warned("edit wiki --timeout 2500ms");
    warned("edit wiki --timeout 2500ms"); // as it is stated already
    let key = TestIdentity::stranger().local().public_key().to_base64();
    warned(&format!("rotate wiki --spki {key}"));
    let shown = stage.json("show wiki --json");
    let text = warning.trim_end().strip_prefix("warning: ").unwrap();
    assert_eq!(shown["warnings"], serde_json::json!([text]));
    assert_eq!(stage.json("list --json")[0]["warnings"], shown["warnings"]);

    let exported = stage.done("export");
    let file = stage.file("apps.toml", &exported);
    let imported = stage.run(&format!("import --dry-run {file}"));
    assert!(imported.stderr.contains("looks like a distinguished name"), "{imported:?}");
    stage.done("edit wiki --deny-afresh --deny-group contractors");
}

#[test]
fn the_list_reads_well() {
    let stage = Stage::new();
    let none = stage.run("list");
    assert!(
        none.failure().ends_with("there is no such file; `request`, `apps add` and `apps import` make one"),
        "{none:?}"
    );

    stage.add_wiki();
    let key = TestIdentity::stranger().local().public_key().to_base64();
    let name = "The-customer-portal-of-the-northern-branch-office-and-its-long-name";
    stage.done(&format!("add confluence:4711 --spki {key} --name {name} --address any --path any"));
    let list = stage.done("list");
    fits(&list);
    let lines: Vec<_> = list.lines().collect();
    assert!(lines[0].starts_with("ID               NAME "), "{list}");
    assert!(lines[1].starts_with("confluence:4711  The-customer-portal") && lines[1].contains('…'), "{list}");
    assert!(lines[2].starts_with("wiki             Wiki ") && lines[2].ends_with("  carol"), "{list}");
    assert!(lines[2].contains("1 active"), "{list}");
    let json = stage.json("list --json");
    assert_eq!((&json[0]["name"], &json[1]["id"]), (&Value::from(name), &Value::from("wiki")));

    stage.run("remove wiki --yes");
    stage.run("remove confluence:4711 --yes");
    assert_eq!(stage.done("list"), "no application is registered: every trusted request is rejected\n");
}

#[test]
fn edit_changes_what_is_stated_and_nothing_else() {
    let stage = Stage::new();
    stage.add_wiki();
    let before = stage.json("show wiki --json");
    let blank =
        program::run(["apps", "edit", "wiki", "--store", &stage.store, "--path", "subtree rest"], b"");
    assert!(
        blank.failure().ends_with("--path: the subtree `rest` must begin with a slash: `/rest`"),
        "{blank:?}"
    );
    let edited = stage.done("edit wiki --path /rest --path subtree:/secure --timeout 2500ms");
    fits(&edited);
    assert_eq!(
        edited,
        "changed wiki, version 2\n\
         time-out  10000 ms\n  now     2500 ms\n\
         paths     /rest\n  now     /rest\n          subtree:/secure\n"
    );
    let after = stage.json("show wiki --json");
    assert_eq!((&after["version"], &after["timeout_ms"]), (&Value::from(2), &Value::from(2500)));
    for field in
        ["id", "name", "created", "keys", "addresses", "methods", "act_as", "schemes", "replay_protection"]
    {
        assert_eq!(before[field], after[field], "{field}");
    }

    let edited = stage.done("edit wiki --insecure-unsigned-bodies true");
    assert!(edited.contains("may be unsigned"), "{edited}");
    assert_eq!(stage.json("show wiki --json")["insecure_unsigned_bodies"], true);
    stage.done("edit wiki --insecure-unsigned-bodies false");
    assert_eq!(stage.json("show wiki --json")["insecure_unsigned_bodies"], false);

    // The same again is no change.
    assert_eq!(stage.done("edit wiki --timeout 2500ms"), "wiki is as stated already, version 4\n");
    // Of two who start from the same version, the second is refused.
    let late = stage.run("edit wiki --name Late --expect-version 1");
    assert_eq!(late.failure(), "`wiki` was changed in the meantime: it has version 4, not 1");
    assert_eq!(stage.run("edit nobody --name x").failure(), "no application `nobody` is registered");
    assert_eq!(stage.json("show wiki --json")["name"], "Wiki");
    let by = stage.run("edit wiki --name x --by");
    assert!(by.failure().contains("--by"), "{by:?}");
}

#[test]
fn each_part_of_the_policy_is_changed_on_its_own() {
    let stage = Stage::new();
    stage.add_wiki();
    let acts = |args: &str| {
        stage.done(&format!("edit wiki {args}"));
        let shown = stage.done("show wiki");
        let (_, policy) = shown.split_once("acts as").unwrap();
        let (policy, _) = policy.split_once("schemes").unwrap();
        policy.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(acts("--act-as-user alice"), "only user alice; no administrators");
    assert_eq!(acts("--read-only"), "only user alice; no administrators; only for reading");
    assert_eq!(
        acts("--deny-user mallory"),
        "only user alice; but not user mallory; no administrators; only for reading"
    );
    assert_eq!(
        acts("--deny-group guests --insecure-administrators"),
        "only user alice; but not user mallory, group guests; administrators too; only for reading"
    );
    assert_eq!(
        acts("--act-as-group staff --insecure-administrators=false"),
        "only group staff; but not user mallory, group guests; no administrators; only for reading"
    );
    assert_eq!(
        acts("--anybody --read-only=false"),
        "everybody; but not user mallory, group guests; no administrators"
    );
    assert_eq!(acts("--deny-afresh --deny-user eve"), "everybody; but not user eve; no administrators");

    let json = stage.json("edit wiki --json --act-as-user bob");
    let before = json["before"].as_object().unwrap();
    assert_eq!((&json["act_as"]["users"][0], &json["version"]), (&"bob".into(), &9.into()));
    assert_eq!((&before["act_as"]["users"], &before["version"]), (&Value::Null, &8.into()));
    assert!(!before.contains_key("paths"), "{json}");

    assert!(stage.run("edit wiki").failure().starts_with("say what to change: by --name, "));
}

#[test]
fn an_application_with_a_signature_key_is_added() {
    const JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let stage = Stage::new();
    let file = stage.file("wiki.jwk", JWK);
    let key = TestIdentity::wiki().local().public_key().to_base64();
    let rules = "--address any --path /rest";
    stage.done(&format!("add text --jwk {JWK} {rules} --insecure-unsigned-bodies true"));
    let json = stage.json("show text --json");
    assert_eq!((&json["schemes"][0], &json["timeout_ms"]), (&"http-signature".into(), &60_000.into()));
    assert_eq!(json["keys"][0]["thumbprint"], "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    stage.done("remove text --yes");
    stage.done(&format!("add both --spki {key} --jwk {file} {rules}"));
    assert_eq!(stage.json("show both --json")["schemes"], serde_json::json!(["http-signature", "seraph-v3"]));

    let private = stage.directory.path().join("private.pem");
    let private = private.to_str().unwrap();
    program::run(["keygen", "--algorithm", "ed25519", "--out", private], b"");
    let refused = |key: &str| stage.run(&format!("add other --jwk {key} {rules}")).failure().to_owned();
    let failure = refused(private);
    assert!(failure.contains("`trusted-app certificate --signature-key"), "{failure}");
    assert!(refused("{}").starts_with("--jwk: "));
    assert!(refused("nowhere.jwk").starts_with("--jwk nowhere.jwk: "));
    assert_eq!(stage.json("list --json").as_array().unwrap().len(), 1);
}

#[test]
fn a_change_is_by_the_user_of_the_system_unless_stated() {
    let stage = Stage::new();
    stage.add_wiki();
    let store = &stage.store;
    let ran = program::run(["apps", "edit", "wiki", "--store", store, "--name", "Ours"], b"");
    assert_eq!(ran.status, 0, "{ran:?}");
    let user =
        String::from_utf8(std::process::Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    assert_eq!(stage.json("show wiki --json")["changed"]["by"], user.trim());
    let blank = program::run(["apps", "edit", "wiki", "--store", store, "--name", "Ours", "--by", " "], b"");
    assert!(blank.failure().starts_with("--by: "), "{blank:?}");
}

#[test]
fn a_rotation_step_by_step() {
    let stage = Stage::new();
    stage.add_wiki();
    let states = || {
        let json = stage.json("show wiki --json");
        let keys = json["keys"].as_array().unwrap().iter();
        keys.map(|key| {
            (key["fingerprint"].as_str().unwrap().to_owned(), key["state"].as_str().unwrap().to_owned())
        })
        .collect::<Vec<_>>()
    };
    let (old, new) = (fingerprint(&TestIdentity::wiki()), fingerprint(&TestIdentity::stranger()));
    let key = |fingerprint: &String, state: &str| (fingerprint.clone(), state.to_owned());

    let foreign = stage.document(&TestIdentity::stranger());
    let other = stage.run(&format!("rotate wiki --document {foreign}"));
    assert_eq!(other.failure(), "the document is that of `stranger`, and not of `wiki`");
    assert!(stage.run("rotate wiki").failure().starts_with("state a new key by --url"));
    assert_eq!(stage.run("rotate wiki --finish").failure(), "no key of `wiki` is retiring");
    assert!(stage.run("rotate wiki --activate").failure().starts_with("no key of `wiki` is announced"));
    assert!(stage.run("rotate wiki --activate --finish").failure().contains("cannot be used with"));

    let document = stage.document(&TestIdentity::stranger().with_id("wiki"));
    stage.done(&format!("rotate wiki --document {document} --next"));
    assert_eq!(states(), [key(&old, "active"), key(&new, "next")]);
    let again = stage.run(&format!("rotate wiki --document {document}"));
    assert!(again.failure().contains("has this key already, and it is next"), "{again:?}");
    let past = stage.run("rotate wiki --activate --retire-at 2020-01-01T00:00:00Z");
    assert!(past.failure().contains("that is past: to revoke the retiring key at once"), "{past:?}");
    assert_eq!(states(), [key(&old, "active"), key(&new, "next")]);
    fits(&stage.done("rotate wiki --activate --retire-at 2099-01-31T12:00:00Z"));
    assert_eq!(states(), [key(&old, "retiring"), key(&new, "active")]);
    assert!(stage.done("show wiki").contains("  retiring, 2048 bits, until 2099-01-31T12:00:00Z\n"));
    assert!(stage.done("list").contains("1 active, 1 retiring"));
    stage.done("rotate wiki --finish");
    assert_eq!(states(), [key(&old, "revoked"), key(&new, "active")]);

    // In one step, from a key that is at hand as text.
    let third = TestIdentity::tracker().local().public_key().to_base64();
    stage.done(&format!("rotate wiki --spki {third}"));
    assert_eq!(
        states(),
        [key(&fingerprint(&TestIdentity::tracker()), "active"), key(&old, "revoked"), key(&new, "retiring")]
    );
}

#[test]
fn remove_asks_first() {
    let stage = Stage::new();
    stage.add_wiki();
    for answer in ["n\n", "\n", "", "yes please\n"] {
        let ran = stage.run_with("remove wiki", answer.as_bytes());
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{ran:?}");
        assert!(ran.stderr.starts_with("Trust wiki (Wiki) no longer? [y/N] "), "{ran:?}");
        assert!(ran.stderr.ends_with("trusted-app: nothing was changed\n"), "{ran:?}");
    }
    assert_eq!(stage.run_with("remove wiki", b"y\n").stdout, "removed wiki\n");
    assert_eq!(stage.run("show wiki").failure(), "no application `wiki` is registered");
    stage.add_wiki();
    assert_eq!(stage.done("remove wiki --yes"), "removed wiki\n");
    assert_eq!(stage.run("remove wiki --yes").failure(), "no application `wiki` is registered");
}

#[test]
fn what_is_exported_is_imported_into_an_equal_store() {
    let stage = Stage::new();
    stage.add_wiki();
    let key = TestIdentity::stranger().local().public_key().to_base64();
    stage
        .done(&format!("add z:1 --spki {key} --address any --path any --act-as-user bob --scheme seraph-v3"));
    let rotated = TestIdentity::tracker().local().public_key().to_base64();
    stage.done(&format!("rotate wiki --spki {rotated} --retire-at 2099-01-31T12:00:00Z"));
    let exported = stage.done("export");
    assert_eq!(exported.matches("[[application]]").count(), 2);
    assert!(!exported.contains("PRIVATE"));

    let copy = Stage::new();
    let file = copy.file("apps.toml", &exported);
    let plan = copy.done(&format!("import {file} --dry-run"));
    assert_eq!(
        plan,
        "ID    NAME  WOULD BE\nwiki  Wiki  added\nz:1   z:1   added\n\
         in all: 2 added, 0 changed, 0 left as they are\n"
    );
    assert!(!copy.directory.path().join("trust.db").exists(), "a dry run makes no store");
    assert_eq!(copy.done(&format!("import {file}")), plan.replace("WOULD BE", "WAS"));
    assert_eq!(copy.done("export"), exported);
    assert_eq!(
        copy.done(&format!("import {file}")),
        "ID    NAME  WAS\nwiki  Wiki  left as it is\nz:1   z:1   left as it is\n\
         in all: 0 added, 0 changed, 2 left as they are\n"
    );

    // One that differs is changed only where that is said, and until then nothing is.
    copy.done("edit wiki --name Ours --timeout 5000ms");
    let would = copy.done(&format!("import {file} --dry-run --replace"));
    assert!(would.contains("wiki  Wiki  changed: name, timeout_ms\n"), "{would}");
    copy.done("edit wiki --timeout 10000ms");
    copy.done("remove z:1 --yes");
    let differs = copy.run(&format!("import {file}"));
    assert_eq!(differs.failure(), "wiki is registered already and differs: --replace changes it");
    assert_eq!(copy.json("list --json").as_array().unwrap().len(), 1);
    let replaced = copy.done(&format!("import {file} --replace"));
    assert_eq!(
        replaced,
        "ID    NAME  WAS\nwiki  Wiki  changed: name\nz:1   z:1   added\n\
         in all: 1 added, 1 changed, 0 left as they are\n"
    );
    assert_eq!(copy.done("export"), exported);

    assert_eq!(copy.done("export z:1").matches("[[application]]").count(), 1);
    let one = copy.directory.path().join("one.toml");
    assert!(
        copy.done(&format!("export z:1 --out {}", one.display())).starts_with("1 application written to ")
    );
    let out = copy.directory.path().join("out.toml");
    let out = out.to_str().unwrap();
    assert_eq!(copy.done(&format!("export --out {out}")), format!("2 applications written to {out}\n"));
    assert_eq!(fs::read_to_string(out).unwrap(), exported);
    assert!(
        copy.run(&format!("export --out {out}")).failure().ends_with("exists already and is not overwritten")
    );
    let bad = copy.file("bad.toml", "[[application]]\nid = 'x'\n");
    assert!(
        copy.run(&format!("import {bad}"))
            .failure()
            .contains("bad.toml: line 1: application `x`: keys: missing")
    );
}

#[test]
fn keys_are_replaced_only_where_that_is_said() {
    let stage = Stage::new();
    stage.add_wiki();
    let (old, new) = (TestIdentity::wiki(), TestIdentity::stranger());
    let of = |identity: &TestIdentity| identity.local().public_key().fingerprint().to_string();
    let exported = stage.done("export");
    let old_key = old.local().public_key().to_base64();
    let other = exported.replace(&old_key, &new.local().public_key().to_base64());
    assert_ne!(other, exported);
    let file = stage.file("other.toml", &other);

    for args in ["--replace", "--replace --dry-run"] {
        let refused = stage.run(&format!("import {file} {args}"));
        let failure = refused.failure();
        assert!(failure.starts_with("wiki is registered with other keys: SHA256 "), "{failure}");
        assert!(failure.contains(&of(&old)) && failure.contains(&of(&new)), "{failure}");
        assert!(failure.contains(". --replace-keys changes them"), "{failure}");
    }
    assert_eq!(stage.done("export"), exported, "nothing was changed");
    let alone = stage.run(&format!("import {file} --replace-keys"));
    assert!(alone.failure().starts_with("--replace is missing"), "{alone:?}");

    let replaced = stage.done(&format!("import {file} --replace --replace-keys"));
    assert!(replaced.starts_with("ID    NAME  WAS\nwiki  Wiki  changed: keys\n"), "{replaced}");
    assert_eq!(stage.done("export"), other);
}

#[test]
fn what_is_missing_is_named() {
    let failure = |args: &str| program::run(args.split(' '), b"").failure().to_owned();
    let no_store = failure("apps list");
    assert!(no_store.contains("by --store or in TRUSTED_APP_STORE: sqlite:FILE, "), "{no_store}");
    for args in ["apps add", "apps add --store file:x.toml", "apps add --spki x.pem"] {
        let no_id = failure(args);
        assert_eq!(
            no_id,
            "say which application: by its id, as in `apps add wiki --spki FILE`, or by --document FILE, its \
             certificate document (see --help)"
        );
    }
    let no_key = failure("apps add wiki --store file:x.toml");
    assert!(no_key.starts_with("say which key `wiki` has: by --document FILE, "), "{no_key}");
    assert_eq!(failure("apps import --store file:x.toml"), "<FILE.toml> is missing (see --help)");
    assert_eq!(failure("sign https://t/ --identity x"), "--user <NAME> is missing (see --help)");
}

#[test]
fn a_time_has_a_unit() {
    let stage = Stage::new();
    stage.add_wiki();
    for (time, millis) in [("1500ms", 1500), ("20s", 20_000), ("5m", 300_000), ("1h", 3_600_000)] {
        stage.done(&format!("edit wiki --timeout {time}"));
        assert_eq!(stage.json("show wiki --json")["timeout_ms"], millis, "{time}");
    }
    for (time, words) in [
        ("10000", "the unit is missing: write 10000ms for milliseconds, or 10000s for seconds"),
        ("10min", "write a whole number and its unit, ms, s, m or h"),
    ] {
        let failure = stage.run(&format!("edit wiki --timeout {time}"));
        assert!(failure.failure().contains("--timeout") && failure.failure().contains(words), "{failure:?}");
    }
}

/// What is shown is what a file has: but for what follows from it, it is read as the same application.
#[test]
fn it_is_shown_in_the_words_of_a_file() {
    use tower_trusted_app::application::ApplicationDescription;
    use tower_trusted_app::keys::parse_applications;

    let stage = Stage::new();
    stage.add_wiki();
    stage.done("edit wiki --path /rest --path subtree:/secure --act-as-group staff --deny-user mallory --timeout 20s");
    let mut shown = stage.json("show wiki --json");
    let fields = shown.as_object_mut().unwrap();
    fields.retain(|field, _| !["version", "created", "changed", "warnings"].contains(&field.as_str()));
    for key in fields["keys"].as_array_mut().unwrap() {
        key.as_object_mut().unwrap().retain(|field, _| !["fingerprint", "bits"].contains(&field.as_str()));
    }
    let shown = ApplicationDescription::from_json(&shown.to_string()).unwrap();
    let exported = parse_applications(&stage.done("export")).unwrap().applications;
    assert_eq!(shown, ApplicationDescription::from(&exported[0]));
}
