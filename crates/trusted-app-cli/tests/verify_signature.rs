//! `verify` of requests with an HTTP message signature, as `sign` prints them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod program;

use std::fs;

use program::{Ran, run};
use serde_json::Value;
use trusted_app_test::TestIdentity;

/// Files for one test: the wiki's keys, and the applications that a tracker trusts.
struct Files {
    directory: tempfile::TempDir,
}

const URL: &str = "https://tracker.test/rest/issues?q=1";

impl Files {
    fn new(schemes: &str) -> Self {
        let files = Self { directory: tempfile::tempdir().unwrap() };
        let key = files.path("signature.pem");
        let made = run(["keygen", "--json", "--algorithm", "ed25519", "--out", &key], b"");
        let made: Value = serde_json::from_str(&made.stdout).unwrap();
        let wiki = TestIdentity::wiki();
        wiki.local().store(files.path("wiki.pem")).unwrap();
        let public_key = wiki.local().public_key().to_base64();
        let apps = format!(
            "[[application]]\nid = \"wiki\"\nkeys = [{{ spki = \"{public_key}\" }}, {{ jwk = '{}' }}]\n\
             addresses = \"any\"\npaths = [\"/rest\"]\nschemes = [{schemes}]\ntimeout_ms = 60000\n",
            made["jwk"]
        );
        fs::write(files.path("apps.toml"), apps).unwrap();
        files
    }

    fn modern() -> Self {
        Self::new("\"http-signature\"")
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    /// A request for alice with the fields that `sign` prints.
    fn signed(&self, method: &str, body: &str) -> String {
        let key = self.path("signature.pem");
        let mut args = vec!["sign", "--signature-key", &key, "--user", "alice", "--method", method, URL];
        if !body.is_empty() {
            args.extend(["--body", "-", "--content-type", "text/plain"]);
        }
        let signed = run(args, body.as_bytes());
        assert_eq!(signed.status, 0, "{signed:?}");
        format!("{method} {URL} HTTP/1.1\n{}\n{body}", signed.stdout)
    }

    fn verify(&self, capture: &str, more: &[&str]) -> Ran {
        let apps = self.path("apps.toml");
        let args = ["verify", "--apps", &apps, "--user", "alice"];
        run(args.into_iter().chain(more.iter().copied()), capture.as_bytes())
    }

    fn json(&self, capture: &str, more: &[&str]) -> Value {
        let ran = self.verify(capture, &[more, &["--json"]].concat());
        serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"))
    }

    #[track_caller]
    fn is_refused(&self, capture: &str, more: &[&str], code: &str, reason: &str) {
        let json = self.json(capture, more);
        assert_eq!(
            (&json["outcome"], &json["code"], &json["header"]),
            (&"rejected".into(), &code.into(), &code.into())
        );
        assert!(json["reason"].as_str().unwrap().starts_with(reason), "{json}");
    }
}

#[test]
fn what_sign_prints_is_authenticated() {
    let files = Files::modern();
    for (method, body) in [("GET", ""), ("POST", "printer on fire")] {
        let capture = files.signed(method, body);
        let length = format!("HTTP/1.1\nContent-Length: {}\n", body.len());
        let chunks = format!("\n\n{:x};a=b\r\n{body}\r\n0\r\n\r\n", body.len());
        let mut captures = vec![capture.clone(), capture.replace("HTTP/1.1\n", &length) + "\nmore"];
        if body.is_empty() {
            captures.extend([capture.trim_end().to_owned(), format!("{capture}\r\n\n")]);
        } else {
            let chunked = capture.replace("HTTP/1.1\n", "HTTP/1.1\nTransfer-Encoding: chunked\n");
            captures.push(chunked.replace(&format!("\n\n{body}"), &chunks));
            captures.push(chunked);
        }
        for capture in captures {
            let json = files.json(&capture, &[]);
            assert_eq!(
                (&json["outcome"], &json["scheme"], &json["signed_url"]),
                (&"authenticated".into(), &"http-signature".into(), &URL.into()),
                "{json}: {capture}"
            );
        }
    }
}

#[test]
fn what_differs_is_refused_with_its_reason() {
    let files = Files::modern();
    let capture = files.signed("POST", "printer on fire");
    files.is_refused(&capture.replace("fire", "tree"), &[], "digest_mismatch", "the body has another digest");
    let other = capture.replace("POST", "PUT");
    files.is_refused(
        &other,
        &[],
        "invalid_signature",
        "the signature does not hold for this signature base:\n\"@method\": PUT\n",
    );
    files.is_refused(
        &capture,
        &["--public-url", "https://other.test"],
        "invalid_signature",
        "the signature does not",
    );
    files.is_refused(&capture, &["--at", "0"], "stale", "from the future: created at ");
    files.is_refused(
        &capture,
        &["--denied-user", "alice"],
        "forbidden",
        "the application may not act as `alice`",
    );
    let more = capture.replace("HTTP/1.1\n", "HTTP/1.1\nAuthorization: Basic x\n");
    files.is_refused(&more, &[], "coverage", "the signature must cover `authorization`");
    let both = capture.replace("HTTP/1.1\n", "HTTP/1.1\nX-Seraph-Trusted-App-Cert: x\n");
    files.is_refused(&both, &[], "ambiguous", "credentials of two schemes");
    files.is_refused(
        &(files.signed("GET", "") + "x"),
        &[],
        "coverage",
        "the signature must cover `content-digest`",
    );

    let cut = capture.replace("HTTP/1.1\n", "HTTP/1.1\nContent-Length: 15\n");
    let cut = files.verify(cut.trim_end_matches(" fire"), &["--json"]);
    assert!(cut.stderr.starts_with("warning: the capture has 10 of the body's 15 bytes\n"), "{cut:?}");
    assert!(cut.stdout.contains("\"digest_mismatch\""), "{cut:?}");
    assert!(
        files.verify("Signature-Input: x", &[]).failure().starts_with("no HTTP/1.1 request head on standard")
    );
}

#[test]
fn a_field_of_the_servers_own_proxy_is_named() {
    let files = Files::modern();
    let capture = files.signed("GET", "");
    let added = capture.replace("HTTP/1.1\n", "HTTP/1.1\nAuthorization: Basic x\nX-Original-URL: /other\n");
    let one = ["--proxy-field", "Authorization"];
    let both = [one[0], one[1], "--proxy-field", "x-original-url"];
    files.is_refused(&added, &one, "coverage", "the signature must cover `x-original-url`");
    assert!(files.verify(&added, &one).stdout.contains("name it by --proxy-field"));
    assert_eq!(files.json(&added, &both)["outcome"], "authenticated");

    let refused = files.verify(&added, &["--proxy-field", "Host"]);
    assert!(refused.failure().contains("`host` cannot be a proxy's"), "{refused:?}");
    assert_eq!(files.verify(&added, &["--proxy-field", "a b"]).status, 2);
}

#[test]
fn a_body_that_a_proxy_announces_and_that_does_not_come() {
    let files = Files::modern();
    let announced = files.signed("GET", "").replace("HTTP/1.1\n", "HTTP/1.1\nTransfer-Encoding: chunked\n");
    assert_eq!(files.json(&(announced.clone() + "0\r\n\r\n"), &[])["outcome"], "authenticated");
    files.is_refused(
        &(announced + "1\r\nx\r\n0\r\n\r\n"),
        &[],
        "coverage",
        "the signature must cover `content-digest`",
    );
}

#[test]
fn the_registration_alone_says_which_scheme() {
    let seraph = Files::new("\"seraph-v3\"");
    seraph.is_refused(&seraph.signed("GET", ""), &[], "invalid_signature", "the application may not use");
    let old = |files: &Files| {
        let signed = run(["sign", "--identity", &files.path("wiki.pem"), "--user", "alice", URL], b"");
        format!("GET {URL} HTTP/1.1\n{}", signed.stdout)
    };
    assert_eq!(seraph.json(&old(&seraph), &[])["outcome"], "authenticated");

    let modern = Files::modern();
    let refused = modern.json(&old(&modern), &[]);
    assert_eq!(refused["code"], "BAD_PROTOCOL_VERSION", "{refused}");
    let both = Files::new("\"seraph-v3\", \"http-signature\"");
    for capture in [old(&both), both.signed("GET", "")] {
        assert_eq!(both.json(&capture, &[])["outcome"], "authenticated");
    }
}

#[test]
fn the_explanation_for_people() {
    let files = Files::modern();
    let capture = files.signed("GET", "");
    let thumbprint = capture.split_once("keyid=\"").unwrap().1.split_once('"').unwrap().0;
    let accepted = files.verify(&capture, &[]).stdout;
    for part in [
        "authenticated\n",
        "application  wiki\n",
        &format!("signed URL   {URL}\n"),
        "scheme       http-signature\n",
        &format!("key          {thumbprint}\n"),
        "allowed is -30000 to 90000 ms\n",
    ] {
        assert!(accepted.contains(part), "{part}: {accepted}");
    }
    let refused = files.verify(&capture.replace("\"alice\"", "\"mallory\""), &[]);
    for part in [
        "rejected: invalid_signature: The signature does not hold\n",
        "reason       the signature does not hold for this signature base:\n             \"@method\": GET\n",
        "             \"trusted-app-user\": \"mallory\"\n",
        "hint         compare the signature base with the peer's",
    ] {
        assert!(refused.stdout.contains(part), "{part}: {}", refused.stdout);
    }
    assert_eq!((accepted.contains("hint"), refused.status), (false, 1));
}
