//! `keygen`, `certificate` and `sign`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod program;

use std::fs;
use std::path::Path;
use std::process::Command;

use program::run;
use serde_json::Value;
use tower_trusted_app::LocalApplication;
use tower_trusted_app::crypto::{PrivateSignatureKey, SignatureKey};
use tower_trusted_app::seraph::CertificateDocument;
use trusted_app_test::TestIdentity;

/// The test kit's wiki in a file.
fn wiki(directory: &Path) -> String {
    let file = directory.join("wiki.pem");
    TestIdentity::wiki().local().store(&file).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn keygen_makes_an_identity_that_only_its_owner_reads() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("new.pem");
    let args = ["keygen", "--json", "--id", "wiki:1", "--out", file.to_str().unwrap()];
    let made = run(args, b"");
    assert_eq!((made.status, made.stderr.as_str()), (0, ""));

    let identity = LocalApplication::load(&file).unwrap();
    let json: Value = serde_json::from_str(&made.stdout).unwrap();
    assert_eq!(json["id"], "wiki:1");
    assert_eq!(json["bits"], 2048);
    assert_eq!(json["fingerprint"], identity.public_key().fingerprint().to_string());

    let written = fs::read_to_string(&file).unwrap();
    let again = run(args, b"");
    assert!(again.failure().ends_with("new.pem exists already and is not overwritten"));
    assert_eq!(fs::read_to_string(&file).unwrap(), written);
}

#[test]
fn keygen_makes_a_signature_key_whose_jwk_is_handed_out() {
    let directory = tempfile::tempdir().unwrap();
    for (algorithm, name) in [("ed25519", "ed25519"), ("p256", "ecdsa-p256-sha256")] {
        let file = directory.path().join(algorithm);
        let path = file.to_str().unwrap();
        let args = ["keygen", "--json", "--algorithm", algorithm, "--out", path];
        let made = run(args, b"");
        assert_eq!((made.status, made.stderr.as_str()), (0, ""));

        let pem = fs::read_to_string(&file).unwrap();
        let key = PrivateSignatureKey::from_pkcs8_pem(&pem).unwrap();
        let json: Value = serde_json::from_str(&made.stdout).unwrap();
        assert_eq!((&json["algorithm"], &json["file"]), (&name.into(), &path.into()));
        assert_eq!(json["thumbprint"], key.public_key().thumbprint().to_string());
        let printed = run(["certificate", "--signature-key", path], b"");
        assert_eq!(SignatureKey::from_jwk(&printed.stdout).unwrap(), *key.public_key());
        assert_eq!(serde_json::from_str::<Value>(&printed.stdout).unwrap(), json["jwk"]);
        assert!(!printed.stdout.contains("\"d\""), "nothing private");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }

        assert!(run(args, b"").failure().ends_with("exists already and is not overwritten"));
        assert_eq!(fs::read_to_string(&file).unwrap(), pem);
    }
    let wiki = wiki(directory.path());
    let other = run(["certificate", "--signature-key", &wiki, "--identity", &wiki], b"");
    assert!(other.failure().contains("--signature-key"), "{other:?}");
    let nothing = run(["certificate"], b"");
    assert!(
        nothing.failure().contains("by --identity FILE")
            && nothing.failure().contains("--signature-key FILE")
    );
    assert!(run(["keygen", "--out", "x"], b"").failure().contains("--id"));
    let both = run(["keygen", "--algorithm", "ed25519", "--id", "wiki", "--out", "x"], b"");
    assert!(both.failure().contains("--id"), "{both:?}");
}

#[test]
fn keygen_refuses() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("new.pem");
    let file = file.to_str().unwrap();
    let refusal = |args: [&str; 3]| {
        let ran = run(["keygen", "--out", file].into_iter().chain(args), b"");
        assert!(!Path::new(file).exists());
        ran.failure().to_owned()
    };
    assert_eq!(
        refusal(["--id", "wiki", "--bits=1024"]),
        "cannot generate an RSA key of 1024 bits; the sizes are [2048, 3072, 4096, 8192]"
    );
    assert!(refusal(["--id", " ", "--json"]).contains("an application id cannot be blank"));
    assert!(refusal(["--id", "a\nb", "--json"]).contains("control characters"));
}

#[test]
fn certificate_prints_the_document_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let file = wiki(directory.path());
    let printed = run(["certificate", "--identity", &file], b"");
    assert_eq!((printed.status, printed.stderr.as_str()), (0, ""));
    let wiki = TestIdentity::wiki();
    let document = CertificateDocument::parse(&printed.stdout).unwrap();
    assert_eq!(document.application_id(), wiki.id());
    assert_eq!(document.public_key(), wiki.local().public_key());
    assert!(printed.stdout.ends_with("\n3\n-1159983122"), "version 3, no line end");

    let json = run(["certificate", "--json", "--identity", &file], b"");
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["document"], printed.stdout);
    assert_eq!(json["public_key"], wiki.local().public_key().to_base64());
}

#[test]
fn an_identity_that_is_no_good_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.pem");
    let failure = run(["certificate", "--identity", missing.to_str().unwrap()], b"");
    assert!(failure.failure().contains("missing.pem") && failure.failure().contains("No such file"));

    let file = wiki(directory.path());
    let written = fs::read_to_string(&file).unwrap();
    let key = written.lines().nth(2).unwrap();
    fs::write(&file, written.replace("PRIVATE KEY", "PRIVATE JOKE")).unwrap();
    let failure = run(["sign", "--identity", &file, "--user", "alice", "http://t/"], b"");
    assert!(failure.failure().ends_with("wiki.pem: not a PEM block of type `PRIVATE KEY`"));
    assert!(!failure.stderr.contains(key));

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let failure = run(["certificate", "--identity", &file], b"");
        assert!(failure.failure().contains("open to every user (mode 644)"), "{failure:?}");
    }
}

#[test]
fn sign_prints_headers() {
    let directory = tempfile::tempdir().unwrap();
    let file = wiki(directory.path());
    let names = |protocol: &str| {
        let ran =
            run(["sign", "--identity", &file, "--user", "zoë", "--protocol", protocol, "https://t/x"], b"");
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
        let names = ran.stdout.lines().map(|line| line.split_once(": ").unwrap().0.to_owned());
        names.collect::<Vec<_>>().join(" ").replace("X-Seraph-Trusted-App-", "")
    };
    assert_eq!(names("v3"), "ID Cert Version Signature");
    assert_eq!(names("v2"), "ID Cert Key Version Magic Signature");

    let json = run(["sign", "--json", "--identity", &file, "--user", "zoë", "https://t/x"], b"");
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json.as_object().unwrap().len(), 4);
    assert_eq!(json["X-Seraph-Trusted-App-Version"], "3");
}

#[test]
fn sign_refuses() {
    let directory = tempfile::tempdir().unwrap();
    let file = wiki(directory.path());
    for (user, url, why) in [
        ("", "http://t/", "cannot sign: the user name is blank"),
        ("a\nb", "http://t/", "cannot sign: the user name has a control character"),
        ("a", "t/x", "a URL begins with http:// or https://"),
        ("a", "ftp://t/x", "the scheme must be http or https"),
        ("a", "http://a:b@t/x", "there must be no user name or password before the host"),
        ("a", "http://t/a b", "write %20 for a blank"),
    ] {
        let ran = run(["sign", "--identity", &file, "--user", user, url], b"");
        assert!(ran.failure().contains(why), "{ran:?}");
    }
    let both = run(["sign", "--curl", "--json", "--identity", &file, "--user", "a", "http://t/"], b"");
    assert!(both.failure().contains("'--curl' cannot be used with '--json'"), "{both:?}");
}

/// A new key of HTTP message signatures.
fn signature_key(directory: &Path) -> String {
    let file = directory.join("signature.pem").to_str().unwrap().to_owned();
    assert_eq!(run(["keygen", "--algorithm", "ed25519", "--out", &file], b"").status, 0);
    file
}

#[test]
fn sign_prints_the_fields_of_an_http_message_signature() {
    let directory = tempfile::tempdir().unwrap();
    let file = signature_key(directory.path());
    let sign = |args: &[&str]| {
        let start = ["sign", "--signature-key", &file, "--user", "zoë", "https://t/x"];
        let ran = run(start.into_iter().chain(args.iter().copied()), b"{}");
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
        ran.stdout
    };
    let names = |printed: &str| {
        let names = printed.lines().map(|line| line.split_once(": ").unwrap().0.to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    let get = sign(&[]);
    assert_eq!(names(&get), "Trusted-App-User Signature-Input Signature");
    assert!(get.starts_with("Trusted-App-User: %\"zo%c3%ab\"\n"), "{get}");
    assert!(get.contains("(\"@method\" \"@target-uri\" \"trusted-app-user\");created="), "{get}");
    assert_ne!(sign(&[]), get, "another nonce");

    let content =
        ["--method", "POST", "--body", "-", "--content-type", "application/json", "--lifetime", "7"];
    let post = sign(&content);
    assert_eq!(names(&post), "Content-Type Trusted-App-User Content-Digest Signature-Input Signature");
    let digest = "Content-Digest: sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:\n";
    assert!(post.contains("Content-Type: application/json\n") && post.contains(digest), "{post}");
    let number = |name: &str| {
        let rest = &post[post.find(name).unwrap() + name.len()..];
        rest[..rest.find(';').unwrap()].parse::<u64>().unwrap()
    };
    assert_eq!(number("expires=") - number("created="), 7);

    let json: Value = serde_json::from_str(&sign(&["--json"])).unwrap();
    assert_eq!(json.as_object().unwrap().len(), 3);
    let body = directory.path().join("it's.json");
    fs::write(&body, "{}").unwrap();
    let curl = sign(&["--curl", "--body", body.to_str().unwrap(), "--content-type", "application/json"]);
    assert!(curl.contains(" --header 'Content-Type: application/json' "), "{curl}");
    assert!(
        curl.ends_with("/it'\\''s.json' 'https://t/x'\n") && curl.contains(" --data-binary '@/"),
        "{curl}"
    );
    assert!(curl.starts_with("curl --request 'POST' "), "a body is posted: {curl}");
    let stated =
        ["--curl", "--method", "GET", "--body", body.to_str().unwrap(), "--content-type", "text/plain"];
    assert!(sign(&stated).starts_with("curl --request 'GET' "));
    assert!(sign(&["--curl"]).starts_with("curl --request 'GET' "));
}

#[test]
fn sign_refuses_what_cannot_be_covered_or_is_of_the_other_scheme() {
    let directory = tempfile::tempdir().unwrap();
    let (key, identity) = (signature_key(directory.path()), wiki(directory.path()));
    let by_key = ["--signature-key", key.as_str()];
    let by_identity = ["--identity", identity.as_str()];
    let json = ["--content-type", "application/json"];
    for (args, why) in [
        (vec![], "say whose key: by --identity FILE for Seraph, or by --signature-key FILE"),
        ([by_key, by_identity].concat(), "cannot be used with"),
        ([by_key, ["--protocol", "v3"]].concat(), "cannot be used with"),
        ([by_identity, ["--lifetime", "9"]].concat(), "cannot be used with"),
        ([&by_identity[..], &["--body", "-"], &json].concat(), "cannot be used with"),
        ([by_key, ["--body", "-"]].concat(), "--content-type <TYPE> is missing"),
        ([by_key, json].concat(), "--body <FILE> is missing"),
        ([by_key, ["--lifetime", "301"]].concat(), "301 is not in 1..=300"),
        ([&by_key[..], &["--body", "missing"], &json].concat(), "--body missing: No such file"),
        ([&by_key[..], &["--curl", "--body", "-"], &json].concat(), "--curl: curl cannot read"),
        (vec!["--signature-key", &identity], "this is an identity, whose key signs for Seraph"),
        (vec!["--identity", &key], "--identity "),
    ] {
        let ran = run(["sign", "--user", "alice", "https://t/"].into_iter().chain(args), b"{}");
        assert!(ran.failure().contains(why), "{why}: {ran:?}");
    }
    let user = run(["sign", "--user", "a\u{202e}b", "https://t/"].into_iter().chain(by_key), b"");
    assert!(user.failure().starts_with("cannot sign: trusted-app-user: "), "{user:?}");
}

#[cfg(unix)]
#[test]
fn a_shell_hands_curl_what_was_signed() {
    let directory = tempfile::tempdir().unwrap();
    let file = wiki(directory.path());
    let url = r#"HTTPS://T.example:443/r'e"s\t/../$(false)`!*?{a,[1-2]}&b=|<>;#f"#;
    let arguments = |method: &str| {
        let args = ["sign", "--curl", "--identity", &file, "--user", "alice", "--method", method, url];
        let signed = run(args, b"");
        assert_eq!((signed.status, signed.stderr.as_str()), (0, ""));
        let shell = format!("curl() {{ for word; do printf '%s\\n' \"$word\"; done; }}\n{}", signed.stdout);
        let output = Command::new("sh").args(["-c", &shell]).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let words = arguments("POST");
    assert_eq!(words[..4], ["--request", "POST", "--path-as-is", "--globoff"]);
    assert_eq!(words[4..6], ["--header", "X-Seraph-Trusted-App-ID: wiki"]);
    assert_eq!(words.last().unwrap(), r#"https://t.example/r'e"s\t/../$(false)`!*?{a,[1-2]}&b=|<>;"#);
    assert_eq!(words.len(), 4 + 2 * 4 + 1);
    assert_eq!(arguments("HEAD")[0], "--head");
}

#[test]
fn help_is_there_for_everything() {
    for command in
        ["keygen", "certificate", "details", "sign", "verify", "explain", "doctor", "completions", "man"]
    {
        for option in ["-h", "--help"] {
            let help = run([command, option], b"");
            assert_eq!((help.status, help.stderr.as_str()), (0, ""));
            assert!(help.stdout.contains("Usage: trusted-app"), "{}", help.stdout);
        }
    }
    let keygen = run(["keygen", "--help"], b"").stdout;
    assert!(keygen.contains("`trusted-app certificate --signature-key wiki-signature.pem`"), "{keygen}");
    let sign = run(["sign", "--help"], b"").stdout;
    assert!(sign.contains("with a --body POST"), "{sign}");
    for command in ["add", "edit"] {
        let help = run(["apps", command, "--help"], b"").stdout;
        assert!(help.contains("at most 300s"), "{help}");
    }
    assert_eq!(run(["--version"], b"").stdout, concat!("trusted-app ", env!("CARGO_PKG_VERSION"), "\n"));
    assert_eq!(run([], b"").status, 2);
    let typo = run(["verify", "--usr", "alice"], b"");
    assert!(typo.failure().ends_with("a similar argument exists: '--user' (see --help)"), "{typo:?}");
}
