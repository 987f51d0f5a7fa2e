//! `verify`: what is read, and what is answered beside the vectors.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod program;

use std::fs;

use program::{Ran, run};
use serde_json::{Value, json};
use tower_trusted_app::seraph::SigningRequest;
use tower_trusted_app::{Clock, SystemClock};
use trusted_app_test::TestIdentity;

/// Files for one test: the wiki's identity, and the applications that a tracker trusts.
struct Files {
    directory: tempfile::TempDir,
}

impl Files {
    fn new(conditions: &str) -> Self {
        let files = Self { directory: tempfile::tempdir().unwrap() };
        let wiki = TestIdentity::wiki();
        wiki.local().store(files.path("wiki.pem")).unwrap();
        let key = wiki.local().public_key().to_base64();
        let apps = format!(
            "[[application]]\nid = \"{}\"\nkeys = [{{ spki = \"{key}\" }}]\n{conditions}\n",
            wiki.id()
        );
        fs::write(files.path("apps.toml"), apps).unwrap();
        files
    }

    fn open() -> Self {
        Self::new("addresses = \"any\"\npaths = \"any\"")
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    /// The headers of a request for alice, as `sign` prints them.
    fn signed(&self, url: &str, more: &[&str]) -> String {
        let identity = self.path("wiki.pem");
        let args = ["sign", "--identity", &identity, "--user", "alice", url];
        let ran = run(args.into_iter().chain(more.iter().copied()), b"");
        assert_eq!(ran.status, 0, "{ran:?}");
        ran.stdout
    }

    fn verify(&self, head: impl AsRef<[u8]>, more: &[&str]) -> Ran {
        let apps = self.path("apps.toml");
        let args = ["verify", "--apps", &apps, "--user", "alice"];
        run(args.into_iter().chain(more.iter().copied()), head.as_ref())
    }

    fn json(&self, head: impl AsRef<[u8]>, more: &[&str]) -> Value {
        let ran = self.verify(head, &[more, &["--json"]].concat());
        let json: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
        let status = match json["outcome"].as_str().unwrap() {
            "authenticated" => 0,
            "rejected" => 1,
            "anonymous" => 3,
            outcome => panic!("{outcome}"),
        };
        assert_eq!(ran.status, status);
        json
    }

    /// The code of a refused request.
    fn code(&self, head: impl AsRef<[u8]>, more: &[&str]) -> String {
        self.json(head, more)["code"].as_str().unwrap().to_owned()
    }
}

const URL: &str = "https://tracker.test/rest/issues?q=1";

#[test]
fn what_sign_prints_is_authenticated() {
    let files =
        Files::new("addresses = \"any\"\npaths = \"any\"\nschemes = [\"seraph-v3\", \"insecure-seraph-v2\"]");
    for (protocol, scheme) in [("v3", "seraph-v3"), ("v2", "insecure-seraph-v2")] {
        let headers = files.signed(URL, &["--protocol", protocol]);
        let authenticated = json!({
            "outcome": "authenticated",
            "application": "wiki",
            "user": "alice",
            "scheme": scheme,
            "signed_url": URL,
        });
        let absolute = format!("GET {URL} HTTP/1.1\n{headers}");
        assert_eq!(files.json(absolute, &[]), authenticated);
        let origin = format!("GET /rest/issues?q=1 HTTP/1.1\nHost: tracker.test\n{headers}");
        assert_eq!(files.json(&origin, &["--scheme", "https"]), authenticated);
        assert_eq!(files.json(&origin, &["--public-url", "https://tracker.test"]), authenticated);
        assert_eq!(files.code(&origin, &[]), "BAD_SIGNATURE", "http is another URL");
    }
}

/// As a peer does whose administrator typed the URL so.
#[test]
fn a_url_signed_literally_holds_for_a_public_url_that_is_written_so() {
    let files = Files::open();
    let identity = TestIdentity::wiki();
    for (written, normal, other) in [
        ("https://Tracker.Test", "https://tracker.test", "https://tracker.Test"),
        ("HTTPS://tracker.test:443/", "https://tracker.test", "https://tracker.test:443"),
        ("http://tracker.test.:80/Jira", "http://tracker.test/Jira", "http://tracker.test:80/Jira"),
    ] {
        let head = |base: &str| {
            let base = base.strip_suffix('/').unwrap_or(base);
            let url = format!("{base}/rest/issues");
            let headers =
                SigningRequest::new("alice", &url, SystemClock.now()).sign(identity.local()).unwrap();
            let lines = headers.iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()));
            (url, format!("GET /rest/issues HTTP/1.1\nHost: tracker.test\n{}", lines.collect::<String>()))
        };
        for base in [written, normal] {
            let (url, head) = head(base);
            let decided = files.json(head, &["--public-url", written]);
            let signed_for = (&decided["outcome"], &decided["signed_url"]);
            assert_eq!(signed_for, (&json!("authenticated"), &json!(url)), "{written}: {base}");
        }
        let refused = files.json(head(other).1, &["--public-url", written]);
        let message = format!("Bad signature for URL: {} or {}", head(normal).0, head(written).0);
        assert_eq!((&refused["code"], &refused["message"]), (&json!("BAD_SIGNATURE"), &json!(message)));
    }
}

#[test]
fn a_public_url_that_nothing_can_match_is_refused() {
    let files = Files::open();
    for (url, reason) in [
        ("https://tracker.test:99999", "its port is no number from 1 to 65535"),
        ("https://tracker.test:", "the port after the colon is missing"),
        ("https://tracker.test//jira", "could be read in two ways (empty segment)"),
        ("https://tracker.test/jira/..", "could be read in two ways (dot segment)"),
        ("tracker.test", "it must begin with http:// or https://"),
    ] {
        let ran = files.verify("", &["--public-url", url]);
        assert!(ran.failure().contains(reason), "{ran:?}");
    }
}

#[test]
fn where_a_head_ends() {
    let files = Files::open();
    let lf = format!("GET {URL} HTTP/1.1\n{}", files.signed(URL, &[]));
    let crlf = lf.replace('\n', "\r\n");
    for head in [
        lf.clone(),
        lf.trim_end().to_owned(),
        format!("{lf}\n"),
        format!("\r\n\n{lf}\nX-Seraph-Trusted-App-Version: 3\n\0\n"),
        crlf.clone(),
        format!("{crlf}\r\n"),
        format!("{crlf}\r\nno: header\r\n\r\n"),
        lf.replace(": ", ":"),
        lf.replace(": ", ":\t  ").replace('\n', " \t\n").replacen(" \t", "", 1),
        lf.replace("HTTP/1.1", "HTTP/1.0"),
    ] {
        assert_eq!(files.json(&head, &[])["outcome"], "authenticated", "{head:?}");
    }
    let endless = format!("{lf}\n{}", "body".repeat(1 << 20));
    assert_eq!(files.json(&endless, &[])["outcome"], "authenticated");
    assert_eq!(files.json("GET / HTTP/1.1", &[]), json!({ "outcome": "anonymous" }));
}

#[test]
fn no_request_head() {
    let files = Files::open();
    for (head, why) in [
        (&b""[..], "it is empty"),
        (b"\r\n\n\r\n", "it is empty"),
        (b"hello", "invalid token; a head begins with a line such as `GET /"),
        (b"hello /\n", "invalid token"),
        (b"GET / HTTP/10\r\n\r\n", "invalid HTTP version"),
        (b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "line 3 is no header, which is `Name: value`"),
        (b"GET / HTTP/1.1\nA: b\nc/d=\n\n", "line 3 is no header"),
        (b"\r\n\nGET / HTTP/1.1\nfoo\n\n", "line 4 is no header"),
        (b"G\0T / HTTP/1.1\n\n", "invalid token"),
        (b"GET / HTTP/1.1\r\nA : b\r\n\r\n", "line 2 is no header"),
        (b"GET / HTTP/1.1\r\n: b\r\n\r\n", "line 2 is no header"),
        (b"GET / HTTP/1.1\r\r\nA: b\r\r\n", "a line ends in something else than LF or CR LF"),
        (
            b"GET / HTTP/1.1 \nA: b\n\n",
            "a line ends in something else than LF or CR LF, or the first goes on",
        ),
        (b"\0G\0E\0T", "it is UTF-16 without a byte order mark"),
        (b"GET / HTTP/1.1\r\nA: b\0\r\n\r\n", "invalid header value"),
        (b"GET / HTTP/1.1\r\nA: b\rc: d\r\n\r\n", "invalid header value"),
        (b"GET /\xff HTTP/1.1\r\n\r\n", "invalid token"),
        (b"GET / x HTTP/1.1\r\n\r\n", "invalid HTTP version"),
        (b"OPTIONS * HTTP/1.1\r\n\r\n", "the request target must begin with"),
        (b"CONNECT t:443 HTTP/1.1\r\n\r\n", "the request target must begin with"),
        (b"GET ftp://t/ HTTP/1.1\r\n\r\n", "the request target must begin with"),
        (b"GET rest HTTP/1.1\r\n\r\n", "the request target must begin with"),
        (b"GET http:///x HTTP/1.1\r\n\r\n", "bad host in the request target"),
        (b"GET http://a\"b/x HTTP/1.1\r\n\r\n", "bad host in the request target"),
    ] {
        let ran = files.verify(head, &["--json"]);
        let what = ran.failure().strip_prefix("no HTTP/1.1 request head on standard input: ");
        assert!(what.is_some_and(|what| what.starts_with(why)), "{}: {ran:?}", head.escape_ascii());
    }
    let endless = files.verify(format!("GET / HTTP/1.1\nA: {}", "a".repeat(1 << 20)), &[]);
    assert!(endless.failure().ends_with("it has no end within 1048576 bytes"));
    let crowd: String = (0..40_000).map(|number| format!("a{number}:\n")).collect();
    let crowded = files.verify(format!("GET / HTTP/1.1\n{crowd}"), &[]);
    assert!(crowded.failure().starts_with("no HTTP/1.1 request head"), "{crowded:?}");
}

#[test]
fn bad_options_and_files() {
    let files = Files::open();
    for (options, why) in [
        (&["--remote-addr", "localhost"][..], "--remote-addr"),
        (&["--remote-addr", "10.0.0.1:80"], "--remote-addr"),
        (&["--at", "soon"], "--at"),
        (&["--at", "9223372036854775808"], "--at"),
        (&["--scheme", "ftp"], "--scheme"),
        (&["--context-path", "jira"], "--context-path"),
        (&["--public-url", "tracker.test"], "--public-url"),
        (&["--nonsense"], "--nonsense"),
        (&["--user", "bob:"], "--user"),
        (&["--user", ":staff"], "--user"),
        (&["--apps", "other.toml"], "--apps"),
    ] {
        let ran = files.verify("GET / HTTP/1.1", options);
        assert!(ran.failure().contains(why), "{ran:?}");
    }
    let missing = run(["verify", "--apps", &files.path("missing.toml")], b"GET / HTTP/1.1");
    assert!(missing.failure().starts_with("--apps ") && missing.failure().contains("missing.toml: No such"));
    let no_toml = files.path("no.toml");
    fs::write(&no_toml, "hello").unwrap();
    let no_toml = run(["verify", "--apps", &no_toml], b"GET / HTTP/1.1");
    assert!(no_toml.failure().contains("no.toml: line 1: "), "{no_toml:?}");
    assert!(run(["verify"], b"GET / HTTP/1.1").failure().contains("--apps <FILE.toml>"));
}

#[test]
fn a_user_has_the_groups_that_are_stated() {
    let files = Files::new("addresses = \"any\"\npaths = \"any\"\nact_as = { groups = [\"staff\"] }");
    let head = format!("GET {URL} HTTP/1.1\n{}", files.signed(URL, &[]));
    assert_eq!(files.code(&head, &[]), "PERMISSION_DENIED");
    assert_eq!(files.code(&head, &["--user", "alice:editors"]), "PERMISSION_DENIED");
    assert_eq!(files.json(&head, &["--user", "alice:editors,staff"])["outcome"], "authenticated");
}

#[test]
fn characters_that_http_uri_refuses() {
    let files = Files::new("addresses = \"any\"\npaths = [\"/rest\"]");
    for target in ["/rest?{x}|\"y\"<z>`^[]\\", "/rest/`<>\"{}|^[]", "/rest/é?ü", "/rest?", "/rest"] {
        let url = format!("http://tracker.test{target}");
        let headers = files.signed(&url, &[]);
        for head in [
            format!("GET {url} HTTP/1.1\n{headers}"),
            format!("GET {target} HTTP/1.1\nHost: tracker.test\n{headers}"),
        ] {
            assert_eq!(files.json(&head, &[])["signed_url"], url);
            // Another spelling of the same character is another URL.
            for (raw, other) in [("<", "%3C"), ("`", "%60"), ("é", "%C3%A9")] {
                if head.contains(raw) {
                    assert_eq!(files.code(head.replacen(raw, other, 1), &[]), "BAD_SIGNATURE");
                }
            }
        }
        // What the URI drops is not dropped from what was signed, nor from the path.
        let fragment = format!("GET {target}#x HTTP/1.1\nHost: tracker.test\n{headers}");
        assert_eq!(files.code(fragment, &[]), "BAD_SIGNATURE");
    }
}

#[test]
fn long_targets_are_rejected_and_not_failures() {
    let files = Files::open();
    for bytes in [16 * 1024, 100_000] {
        let target = format!("/{}", "a".repeat(bytes));
        let anonymous = format!("GET {target} HTTP/1.1\nHost: t\n");
        assert_eq!(files.json(&anonymous, &[])["outcome"], "anonymous");
        let signed = format!("{anonymous}{}", files.signed("http://t/", &[]));
        assert_eq!(files.code(signed, &[]), "TOO_LARGE");
    }
    let mut head = format!("GET / HTTP/1.1\nHost: t\n{}", files.signed("http://t/", &[]));
    head.push_str(&format!("X-Seraph-Trusted-App-Key: {}\n", "a".repeat(5000)));
    assert_eq!(files.code(head, &[]), "TOO_LARGE");
}

#[test]
fn every_option_reaches_the_layer() {
    let files = Files::new("addresses = [\"10.1.*.*\"]\npaths = [\"/rest\"]\nmethods = [\"GET\"]");
    let headers = files.signed("https://tracker.test/jira/rest", &[]);
    let head = format!("GET /jira/rest HTTP/1.1\nHost: backend:8080\n{headers}");
    let good = ["--public-url=https://tracker.test/jira", "--context-path=/jira", "--remote-addr=10.1.2.3"];
    assert_eq!(files.json(&head, &good)["outcome"], "authenticated");
    assert_eq!(files.code(&head, &good[..2]), "UNKNOWN_PEER");
    assert_eq!(files.code(&head, &[good[0], good[1], "--remote-addr=10.2.2.3"]), "BAD_REMOTE_IP");
    assert_eq!(files.code(&head, &[good[0], good[2]]), "BAD_SIGNATURE");
    assert_eq!(files.code(&head, &["--public-url=https://tracker.test", good[2]]), "BAD_URL");
    assert_eq!(files.code(head.replace("GET", "POST"), &good), "BAD_METHOD");
    for (at, code) in [("-9223372036854775808", "FUTURE_CERT"), ("9223372036854775807", "OLD_CERT")] {
        assert_eq!(files.code(&head, &[&good[..], &["--at", at]].concat()), code);
    }
    assert_eq!(files.code(&head, &[&good[..], &["--denied-user=alice"]].concat()), "PERMISSION_DENIED");
    let apps = files.path("apps.toml");
    let nobody = run(["verify", "--json", "--apps", &apps].into_iter().chain(good), head.as_bytes());
    assert!(nobody.stdout.contains("\"USER_UNKNOWN\""), "{nobody:?}");
}

#[test]
fn remarks_go_to_standard_error() {
    let files = Files::new("addresses = \"any\"\npaths = [\"rest\"]");
    let head = format!("GET /x HTTP/1.1\nHost: t\n{}", files.signed("http://t/x", &[]));
    let ran = files.verify(head, &["--json"]);
    assert_eq!(ran.stdout.lines().count(), 1);
    let remarks: Vec<_> = ran.stderr.lines().collect();
    assert!(remarks[0].starts_with("warning: ") && remarks[0].contains("apps.toml: line 5: "), "{remarks:?}");
    assert_eq!(remarks[1], "hint: add a path pattern to the application");
    assert_eq!(remarks.len(), 2);
}

#[test]
fn the_explanation_for_people() {
    let files = Files::new("name = \"Wiki\"\naddresses = [\"10.*.*.*\"]\npaths = [\"/rest\"]");
    let headers = files.signed(URL, &[]);
    let head = format!("GET {URL} HTTP/1.1\nX-Forwarded-For: 192.0.2.1\n{headers}");
    let ran = files.verify(&head, &["--remote-addr", "10.0.0.1"]);
    assert_eq!(ran.status, 1);
    for part in [
        "rejected: BAD_XFORWARD_IP: Request not allowed from IP address: 192.0.2.1\n",
        "application  wiki (Wiki)\n",
        &format!("signed URL   {URL}\n"),
        "scheme       seraph-v3\n",
        "user         alice\n",
        "age          stamped 15 min ahead of ",
        "allowed is -960000 to 10000 ms\n",
        "addresses    10.0.0.1 (peer), 192.0.2.1 (forwarded)\n",
        "hint         add this hop to the application's addresses",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains(headers.lines().last().unwrap().split_once(": ").unwrap().1));

    // Nobody writes control sequences to the terminal.
    let controls = format!("GET /\u{9b}31m HTTP/1.1\nHost: t\n{headers}");
    let ran = files.verify(controls, &[]);
    assert!(ran.stdout.contains("rebuilt URL  http://t/"), "not proved to be signed: {}", ran.stdout);
    assert!(ran.stdout.contains(r"\u{9b}31m") && !ran.stdout.contains('\u{9b}'), "{}", ran.stdout);

    let anonymous = files.verify("GET / HTTP/1.1", &[]);
    assert_eq!((anonymous.status, anonymous.stdout.starts_with("anonymous: ")), (3, true));
    let authenticated = files.verify(head.replace("192.0.2.1", "10.9.9.9"), &["--remote-addr", "10.0.0.1"]);
    assert_eq!((authenticated.status, authenticated.stdout.starts_with("authenticated\n")), (0, true));
}

/// What cutting and pasting does to a request.
#[test]
fn a_damaged_request_is_not_blamed_on_the_key() {
    let files = Files::open();
    let sent = format!("GET /rest/issues?q=1 HTTP/1.1\nHost: tracker.test\n{}", files.signed(URL, &[]));
    assert_eq!(files.verify(&sent, &["--scheme", "https"]).status, 0);
    let changed = |from: &str, to: &str| {
        assert!(sent.contains(from), "{from}: {sent}");
        sent.replace(from, to)
    };
    for (request, says) in [
        (changed("-Cert: ", "-Cert: x"), "look whether a header was cut, the certificate above all"),
        (
            changed("X-Seraph-Trusted-App-Version: 3\n", ""),
            "the peer sends no X-Seraph-Trusted-App-Version header",
        ),
        (changed("-Signature: ", "-Signature: AAAA"), "look whether the signature was cut"),
        (
            changed("Trusted-App-Cert", "Trusted-App-Cart"),
            "neither an X-Seraph-Trusted-App-Cert nor a signature",
        ),
    ] {
        let ran = files.verify(request, &["--scheme", "https"]);
        assert!(ran.stdout.contains(says), "{says}: {ran:?}");
    }
}
