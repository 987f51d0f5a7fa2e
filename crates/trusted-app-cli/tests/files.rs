//! The files that options name: who may have access to them, in which encoding they are, and of which kind.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod program;
mod stage;

use std::fs;

use program::{Ran, run};
use stage::Stage;
use tower_trusted_app::crypto::{PrivateSignatureKey, SignatureAlgorithm};
use trusted_app_test::TestIdentity;

const JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// A stage with an identity and a signature key.
fn keys() -> (Stage, String, String) {
    let stage = Stage::new();
    let path = |name: &str| stage.directory.path().join(name).to_str().unwrap().to_owned();
    let (identity, key) = (path("wiki.pem"), path("signature.pem"));
    TestIdentity::wiki().local().store(&identity).unwrap();
    PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519).unwrap().store(&key).unwrap();
    (stage, identity, key)
}

#[cfg(unix)]
#[test]
fn a_key_open_to_others_is_used_only_where_that_is_said() {
    use std::os::unix::fs::PermissionsExt;

    let (_stage, identity, key) = keys();
    for (option, file) in [("--identity", &identity), ("--signature-key", &key)] {
        for mode in [0o444, 0o644, 0o604, 0o660] {
            fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
            for command in [
                &["sign", "--user", "alice", "https://t/"][..],
                &["doctor", "--user", "alice", "http://127.0.0.1:9/"],
                &["certificate"],
            ] {
                let ran = run(command.iter().copied().chain([option, file]), b"");
                for part in [
                    &format!(
                        "{option} {file}, without --insecure-permissions: the private key in {file} is open"
                    ),
                    &format!("(mode {mode:03o}): run `chmod 600 {file}`"),
                    "for a Kubernetes volume write `defaultMode: 0440` and an `fsGroup`",
                ] {
                    assert!(ran.failure().contains(part), "{part}: {ran:?}");
                }
            }
            let certificate = run(["certificate", option, file, "--insecure-permissions"], b"");
            assert_eq!((certificate.status, certificate.stderr.as_str()), (0, ""), "{certificate:?}");
        }
    }
}

#[test]
fn a_key_comes_by_standard_input() {
    let (stage, identity, key) = keys();
    let read = |file: &str| fs::read(file).unwrap();
    let sign = |args: &[&str], input: &[u8]| {
        run(["sign", "--user", "alice", "https://t/"].into_iter().chain(args.iter().copied()), input)
    };
    assert!(
        sign(&["--identity", "-"], &read(&identity)).stdout.starts_with("X-Seraph-Trusted-App-ID: wiki\n")
    );
    assert!(sign(&["--signature-key", "-"], &read(&key)).stdout.contains("\nSignature: "));
    assert_eq!(sign(&["--identity", "-"], b"").failure().split(':').next(), Some("--identity"));
    let body = sign(&["--signature-key", "-", "--body", "-", "--content-type", "text/plain"], &read(&key));
    let taken = ": standard input is read for ";
    assert!(body.failure().contains(taken), "{body:?}");

    // There is one standard input.
    let apps = run(["verify", "--apps", "-"], b"application = []\n");
    assert!(apps.stderr.ends_with("standard input is read for --apps already: name a file\n"), "{apps:?}");
    let signed = sign(&["--identity", "-"], &read(&identity)).stdout;
    let twice = run(["explain", "-", "-"], format!("GET https://t/ HTTP/1.1\n{signed}\n").as_bytes());
    assert!(twice.failure().contains(taken), "{twice:?}");
    let public = TestIdentity::wiki().local().public_key().to_pem();
    let both = "add wiki --spki - --jwk - --address any --path any";
    assert!(stage.run_with(both, public.as_bytes()).failure().contains(taken));
}

/// As Windows editors write: with a mark, in UTF-8 or UTF-16, and CR LF.
fn forms(text: &str) -> [Vec<u8>; 4] {
    let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let utf16 = |unit: fn(u16) -> [u8; 2]| windows.encode_utf16().flat_map(unit).collect();
    [
        text.replace('\n', "\r\n").into(),
        windows.clone().into(),
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
    ]
}

#[test]
fn every_text_file_is_read_as_its_writer_meant_it() {
    let (stage, identity, key) = keys();
    let apps = {
        let stage = Stage::new();
        stage.add_wiki();
        stage.done("export")
    };
    let text = |file: &str| fs::read_to_string(file).unwrap();
    let document = text(&stage.document(&TestIdentity::wiki()));
    let public = TestIdentity::wiki().local().public_key().to_pem();
    let request = "GET / HTTP/1.1\nHost: t\n\n";
    let file = stage.file("file", "");
    let rules = "--address any --path any";
    for (what, text, args) in [
        ("an identity", text(&identity), format!("certificate --insecure-permissions --identity {file}")),
        ("a signature key", text(&key), format!("certificate --insecure-permissions --signature-key {file}")),
        ("a document", document.clone(), format!("details --file {file}")),
        ("a document to add", document, format!("apps add --document {file} {rules}")),
        ("a JWK", JWK.to_owned(), format!("apps add wiki --jwk {file} {rules}")),
        ("a public key", public, format!("apps add wiki --spki {file} {rules}")),
        ("applications to import", apps.clone(), format!("apps import {file}")),
        ("applications", apps, format!("verify --apps {file}")),
    ] {
        for form in forms(&text) {
            fs::write(&file, &form).unwrap();
            let new = Stage::new();
            let store = ["--store", &new.store];
            let store = if args.starts_with("apps") { &store[..] } else { &[] };
            let ran = run(args.split(' ').chain(store.iter().copied()), request.as_bytes());
            let expected = if args.starts_with("verify") { 3 } else { 0 };
            assert_eq!((ran.status, ran.stderr.as_str()), (expected, ""), "{what}: {ran:?}");
            assert!(!ran.stdout.contains("feff"), "{what}: {ran:?}");
            if args.starts_with("apps") {
                assert_eq!(new.run("show wiki").status, 0, "{what}");
            }
        }
        for (bytes, why) in [
            (&b"\xff\xfea"[..], "it begins like UTF-16 but is cut or broken: save the file as UTF-8"),
            (b"a\xe4", "byte 1 is not UTF-8: save the file as UTF-8"),
            (b"\x1f\x8b\x08", "it is compressed (gzip): decompress it first"),
            (b"abc\0", "byte 3 is NUL"),
        ] {
            fs::write(&file, bytes).unwrap();
            let ran = run(
                args.split(' ').chain(["--store", "file:x"].into_iter().filter(|_| args.starts_with("apps"))),
                b"",
            );
            assert!(ran.failure().contains(&file) && ran.failure().contains(why), "{what}: {ran:?}");
        }
    }
}

/// What is given, how it is called, and the command that takes it.
fn kinds(stage: &Stage, identity: &str, key: &str) -> Vec<(String, &'static str, &'static str)> {
    let text = |file: &str| fs::read_to_string(file).unwrap();
    let public = TestIdentity::wiki().local().public_key().clone();
    let document = text(&stage.document(&TestIdentity::wiki()));
    let old: String = document.lines().take(2).map(|line| format!("{line}\n")).collect();
    vec![
        (document, "a certificate document", "`trusted-app apps add --document FILE` takes it"),
        (old, "a certificate document", "`trusted-app apps add --document FILE` takes it"),
        (text(identity), "an identity with its private key", "`trusted-app certificate --identity FILE` prints"),
        (text(key), "a private key", "`trusted-app certificate --signature-key FILE` prints"),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n-----END OPENSSH PRIVATE KEY-----\n".to_owned(),
            "a private key",
            "keep it secret",
        ),
        (public.to_pem(), "a public key", "`trusted-app apps add ID --spki FILE` takes it"),
        (public.to_base64(), "a public key", "`trusted-app apps add ID --spki FILE` takes it"),
        (
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n".to_owned(),
            "an X.509 certificate",
            "`openssl x509 -in FILE -pubkey -noout` prints",
        ),
        (JWK.to_owned(), "a JWK", "`trusted-app apps add ID --jwk FILE` takes it"),
        (JWK.replace("{", "{\"d\":\"SECRET\","), "a private JWK", "without `d`"),
        (format!("{{\"keys\":[{JWK}]}}"), "a key directory (JWKS)", "takes one of its keys"),
        ("[{\"id\":\"wiki\"}]".to_owned(), "JSON", "are written in TOML"),
        ("{\"id\":\"wi".to_owned(), "JSON", "are written in TOML"),
        (
            "<?xml version=\"1.0\"?>\n<entity-engine-xml>\n<TrustedApplication id=\"1\" applicationId=\"wiki\"/>"
                .to_owned(),
            "an XML export of JIRA's",
            "take `applicationId` and `publicKey` from each",
        ),
        ("<hibernate-generic>\n</hibernate-generic>".to_owned(), "XML", "`trusted-app request URL`"),
        ("<!DOCTYPE html>\n<title>Log in</title>".to_owned(), "an HTML page", "perhaps to log in"),
        ("https://wiki.example.com\n".to_owned(), "a URL", "`trusted-app details URL` shows"),
    ]
}

#[test]
fn a_file_of_another_kind_is_named_with_the_command_that_takes_it() {
    let (stage, identity, key) = keys();
    let file = stage.file("given", "");
    let secrets =
        [fs::read_to_string(&identity).unwrap(), fs::read_to_string(&key).unwrap(), "SECRET".to_owned()];
    for (text, what, command) in kinds(&stage, &identity, &key) {
        fs::write(&file, &text).unwrap();
        let command = command.replace("FILE", &file);
        let check = |ran: &Ran| {
            let failure = ran.failure();
            assert!(
                failure.contains(&format!("{file} is {what}, and no TOML file of applications: ")),
                "{ran:?}"
            );
            assert!(failure.contains(&command), "{command}: {ran:?}");
            for line in
                secrets.iter().flat_map(|secret| secret.lines()).filter(|line| !line.contains("-----"))
            {
                assert!(line.is_empty() || !failure.contains(line), "{ran:?}");
            }
        };
        check(&stage.run(&format!("import {file}")));
        check(&run(["verify", "--apps", &file], b"GET / HTTP/1.1\n\n"));
    }
    assert!(!stage.directory.path().join("trust.db").exists(), "nothing was made");

    // A fault in a TOML file is one, whatever keys stand in it.
    fs::write(&file, format!("[[application]]\nid =\nkeys = [{{ spki = '''\n{}''' }}]", secrets[0])).unwrap();
    let fault = stage.run(&format!("import {file}"));
    assert!(fault.failure().contains("given: line 2: "), "{fault:?}");
}

#[test]
fn a_store_in_the_place_of_a_file_is_named() {
    let stage = Stage::new();
    stage.add_wiki();
    let (store, database) = (stage.store.as_str(), stage.store.trim_start_matches("sqlite:"));
    let apps = |apps: &str| run(["verify", "--apps", apps], b"GET / HTTP/1.1\n\n").failure().to_owned();
    for (given, why) in [
        (
            store,
            format!(
                "--apps: a file is read here, and no store: `trusted-app apps export --store {store} --out"
            ),
        ),
        (
            database,
            format!(
                "--apps {database} is an SQLite database, and no text: `trusted-app apps export --store {store}"
            ),
        ),
        (
            "postgres://me:secret@db/trust",
            "`trusted-app apps export --store postgres:… --out FILE` writes".to_owned(),
        ),
        ("file:apps.toml", "a file is named here without `file:` before it".to_owned()),
        ("https://wiki.example.com", "`trusted-app details https://wiki.example.com` shows".to_owned()),
        ("missing.toml", "--apps missing.toml: No such file".to_owned()),
    ] {
        let failure = apps(given);
        assert!(failure.contains(&why) && !failure.contains("secret"), "{why}: {failure}");
    }
}

#[test]
fn a_file_that_lists_no_application_changes_nothing() {
    let stage = Stage::new();
    stage.add_wiki();
    let before = stage.done("export");
    for text in ["", "\n\n", "# nothing\n", "application = []\n"] {
        let file = stage.file("empty.toml", text);
        for more in ["", " --replace --replace-keys", " --dry-run"] {
            let said = stage.done(&format!("import {file}{more}"));
            assert_eq!(said, format!("{file} lists no application: nothing was changed\n"));
        }
        let verified = run(["verify", "--apps", &file], b"GET / HTTP/1.1\n\n");
        assert!(verified.stderr.contains("lists no application: every request is refused"), "{verified:?}");
    }
    assert_eq!(stage.done("export"), before);
}

#[test]
fn a_public_key_is_stated_as_text_or_by_a_file() {
    let stage = Stage::new();
    let key = TestIdentity::wiki().local().public_key().clone();
    let (base64, pem) = (key.to_base64(), key.to_pem());
    let lines: String = base64
        .as_bytes()
        .chunks(64)
        .map(|line| format!("{}\n", std::str::from_utf8(line).unwrap()))
        .collect();
    let rules = "--address any --path any";
    for stated in
        [base64.clone(), stage.file("a.pem", &pem), stage.file("a.key", &base64), stage.file("b.key", &lines)]
    {
        stage.done(&format!("add wiki --spki {stated} {rules}"));
        assert_eq!(stage.json("show wiki --json")["keys"][0]["fingerprint"], key.fingerprint().to_string());
        stage.done("remove wiki --yes");
    }
    let ran = stage.run_with(&format!("add wiki --spki - {rules}"), pem.as_bytes());
    assert_eq!(ran.status, 0, "{ran:?}");
    let refused =
        |stated: &str| stage.run(&format!("add other --spki {stated} {rules}")).failure().to_owned();
    assert!(refused("missing.pem").starts_with("--spki missing.pem: No such file"));
    assert_eq!(refused(&base64.replace("MII", "***")), "--spki: not base64");
    let jwk = stage.file("a.jwk", JWK);
    assert!(refused(&jwk).contains("is a JWK, and not a public key: `trusted-app apps add ID --jwk"));
    let document = stage.document(&TestIdentity::wiki());
    assert!(refused(&document).contains("is a certificate document, and not a public key: "));

    // The id stands where the other commands have it, and a document has it itself.
    let document = stage.document(&TestIdentity::stranger());
    let other = stage.run(&format!("add wiki2 --document {document} {rules}"));
    assert_eq!(other.failure(), "the document is that of `stranger`, and not of `wiki2`");
    stage.done(&format!("add stranger --document {document} {rules}"));
}
