//! `explain`: of one capture, of two, and of one and what a server logs.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod program;

use std::convert::Infallible;
use std::fs;
use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use program::{Ran, run};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};
use tower_trusted_app::conditions::{AddressRule, PathRule};
use tower_trusted_app::crypto::PrivateSignatureKey;
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::replay::MemoryReplayStore;
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{HttpSignatures, SignedBody, TrustedAppLayer, TrustedApplication};
use tracing_subscriber::fmt::MakeWriter;
use trusted_app_test::TestIdentity;

const URL: &str = "https://tracker.test/rest/issues?q=1";

/// Files for one test.
struct Files {
    directory: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        let files = Self { directory: tempfile::tempdir().unwrap() };
        TestIdentity::wiki().local().store(files.path("wiki.pem")).unwrap();
        assert_eq!(
            run(["keygen", "--algorithm", "ed25519", "--out", &files.path("signature.pem")], b"").status,
            0
        );
        files
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    /// A request as it leaves the client, in origin form.
    fn sent(&self) -> String {
        let key = self.path("signature.pem");
        let args = ["sign", "--signature-key", &key, "--user", "alice", "--method", "POST"];
        let content = ["--body", "-", "--content-type", "text/plain", URL];
        let signed = run(args.into_iter().chain(content), b"printer on fire");
        assert_eq!(signed.status, 0, "{signed:?}");
        format!("POST /rest/issues?q=1 HTTP/1.1\nHost: tracker.test\n{}\nprinter on fire", signed.stdout)
    }

    fn sent_by_seraph(&self) -> String {
        let signed = run(["sign", "--identity", &self.path("wiki.pem"), "--user", "alice", URL], b"");
        format!("GET /rest/issues?q=1 HTTP/1.1\nHost: tracker.test\n{}", signed.stdout)
    }

    fn explain(&self, captures: &[&str], more: &[&str]) -> Ran {
        let names = captures.iter().enumerate().map(|(at, capture)| {
            let name = self.path(&format!("{at}.txt"));
            fs::write(&name, capture).unwrap();
            name
        });
        let names: Vec<_> = names.collect();
        let args = ["explain", "--scheme", "https"].into_iter().chain(names.iter().map(String::as_str));
        run(args.chain(more.iter().copied()), b"")
    }

    /// What differs first, and the hint.
    #[track_caller]
    fn difference(&self, captures: &[&str], more: &[&str]) -> (Value, String) {
        let ran = self.explain(captures, &[more, &["--json"]].concat());
        let json: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
        let difference = &json["difference"];
        assert_eq!(ran.status, i32::from(!difference.is_null()), "{ran:?}");
        let three = json!([difference["component"], difference["client"], difference["server"]]);
        (three, difference["hint"].as_str().unwrap_or_default().to_owned())
    }
}

#[test]
fn each_line_of_a_signature_base_and_where_it_comes_from() {
    let files = Files::new();
    let sent = files.sent();
    let input = sent.split_once("Signature-Input: ta=").unwrap().1.lines().next().unwrap();
    let thumbprint = input.split_once("keyid=\"").unwrap().1.split_once('"').unwrap().0;
    let digest = sent.split_once("Content-Digest: ").unwrap().1.lines().next().unwrap();
    let ran = files.explain(&[&sent], &[]);
    let expected = format!(
        "scheme  http-signature\n\
         key     thumbprint {thumbprint}\n\
         1       \"@method\": POST\n          from the request line\n\
         2       \"@target-uri\": {URL}\n          from --scheme, the field host and the request line\n\
         3       \"content-type\": text/plain\n          from the field content-type\n\
         4       \"content-digest\": {digest}\n          from the field content-digest\n\
         5       \"trusted-app-user\": \"alice\"\n          from the field trusted-app-user\n\
         6       \"@signature-params\": {input}\n          from the field signature-input, after the label\n\
         body    has the digest that is signed\n"
    );
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (0, expected.as_str(), ""));

    let changed = sent.replace("Content-Type: text/plain\n", "").replace("fire", "tree");
    let ran = files.explain(&[&changed], &["--json", "--public-url", "http://other.test"]);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["lines"][1]["value"], "http://other.test/rest/issues?q=1");
    assert_eq!(json["lines"][1]["from"], "--public-url and the request line");
    assert_eq!((&json["lines"][2]["value"], &json["body"]), (&Value::Null, &false.into()));
}

#[test]
fn the_text_that_seraph_signs() {
    let files = Files::new();
    let sent = files.sent_by_seraph();
    let ran = files.explain(&[&sent], &[]).stdout;
    for part in [
        "scheme  seraph-v3\n",
        "1       timestamp: ",
        &format!("2       URL: {URL}\n"),
        "3       user: alice\n",
    ] {
        assert!(ran.contains(part), "{part}: {ran}");
    }
    let received = sent.replace("Host: tracker.test", "Host: backend:8080");
    let backend = "https://backend:8080/rest/issues?q=1";
    assert_eq!(files.difference(&[&sent, &received], &[]).0, json!(["URL", URL, backend]));
    assert!(files.difference(&[&sent, &received], &["--public-url", "https://tracker.test"]).0[0].is_null());

    // A peer that signs the host as it was typed, and the same URL as the server's operator typed it.
    let capital = sent.replace("Host: tracker.test", "Host: Tracker.Test");
    let typed = ["--public-url", "https://Tracker.Test"];
    assert!(files.difference(&[&capital, &received], &typed).0[0].is_null());
    let other = ["--public-url", "https://TRACKER.test"];
    let signed = "https://Tracker.Test/rest/issues?q=1";
    assert_eq!(files.difference(&[&capital, &received], &other).0, json!(["URL", signed, URL]));
}

#[test]
fn the_first_difference_of_two_captures() {
    let files = Files::new();
    let sent = files.sent();
    assert_eq!(files.difference(&[&sent, &sent], &[]).0, json!([null, null, null]));
    let none = files.explain(&[&sent, &sent], &[]).stdout;
    assert!(
        none.starts_with("no difference  both sides have the same text and signature\n")
            && none.contains("key            thumbprint "),
        "{none}"
    );

    for (from, to, component, server, hint) in [
        ("POST /", "PUT /", "\"@method\"", Some("PUT"), "something on the way changed the method"),
        (
            "tracker.test",
            "backend",
            "\"@target-uri\"",
            Some("https://backend/rest/issues?q=1"),
            "a proxy changed the Host",
        ),
        (
            "?q=1",
            "?q=%31",
            "\"@target-uri\"",
            Some("https://tracker.test/rest/issues?q=%31"),
            "a proxy rewrote path or query",
        ),
        (
            "text/plain",
            "text/plain; charset=utf-8",
            "\"content-type\"",
            Some("text/plain; charset=utf-8"),
            "something on the way changed the field",
        ),
        (
            "Content-Type: text/plain\n",
            "",
            "\"content-type\"",
            None,
            "something on the way removed the field",
        ),
        (
            "\"alice\"",
            "\"mallory\"",
            "\"trusted-app-user\"",
            Some("\"mallory\""),
            "something on the way changed the field",
        ),
        (" \"content-digest\"", "", "\"content-digest\"", None, "something on the way removed the field"),
        (
            "fire",
            "tree",
            "body",
            Some("has another digest than is signed"),
            "something on the way changed the body",
        ),
    ] {
        let received = sent.replace(from, to);
        let (difference, found) = files.difference(&[&sent, &received], &[]);
        assert_eq!((&difference[0], &difference[2]), (&component.into(), &json!(server)), "{difference}");
        assert!(found.starts_with(hint), "{found}");
    }
    let (difference, hint) = files.difference(&[&sent, &files.sent()], &[]);
    assert_eq!(difference[0], "\"@signature-params\"");
    assert!(hint.starts_with("these are two requests"), "{hint}");

    let text = files.explain(&[&sent, &sent.replace("tracker.test", "backend")], &[]);
    assert_eq!(
        text.stdout.lines().take(4).collect::<Vec<_>>(),
        [
            "first difference  \"@target-uri\"",
            &format!("client            {URL}"),
            "server            https://backend/rest/issues?q=1",
            "from character    9",
        ]
    );
}

#[test]
fn the_client_s_capture_has_the_scheme_of_the_public_url() {
    let files = Files::new();
    for capture in [files.sent(), files.sent_by_seraph()] {
        let [sent, received] = ["sent.txt", "received.txt"].map(|name| files.path(name));
        fs::write(&sent, &capture).unwrap();
        fs::write(&received, &capture).unwrap();
        let explain = |more: &[&str]| {
            run(["explain"].into_iter().chain(more.iter().copied()).chain([&*sent, &*received]), b"")
        };
        let ran = explain(&["--public-url", "https://tracker.test"]);
        assert_eq!(ran.status, 0, "{ran:?}");
        for (more, client) in [
            (&["--public-url", "https://tracker.test", "--scheme", "http"][..], "http://tracker.test/"),
            (&["--public-url", "http://tracker.test", "--scheme", "https"], URL),
            (&["--public-url", "HTTPS://other.test"], URL),
        ] {
            let ran = explain(more);
            assert_eq!(ran.status, 1, "{ran:?}");
            assert!(ran.stdout.contains(&format!("client            {client}")), "{ran:?}");
        }
    }
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// What a server with this public URL logs about a request, as text, in colours and as JSON.
fn logs(files: &Files, capture: &str, public_url: &str) -> [String; 3] {
    let pem = fs::read_to_string(files.path("signature.pem")).unwrap();
    let key = PrivateSignatureKey::from_pkcs8_pem(&pem).unwrap();
    let wiki = TrustedApplication::signing_builder("wiki".parse().unwrap(), key.public_key().clone());
    let wiki = wiki.addresses(AddressRule::any()).paths(PathRule::prefixes(["/rest"])).build().unwrap();
    let seraph = TestIdentity::wiki().with_id("seraph").trusted().build().unwrap();
    let keys = MemoryKeyStore::new([wiki, seraph]).unwrap();
    let layer =
        TrustedAppLayer::builder(keys, MemoryDirectory::of_names(["alice"]), public_url.parse().unwrap())
            .replay_store(MemoryReplayStore::new(100))
            .http_signatures(HttpSignatures::default())
            .build()
            .unwrap();
    let (head, body) = capture.split_once("\n\n").unwrap_or((capture.trim_end(), ""));
    let mut lines = head.lines();
    let mut line = lines.next().unwrap().split(' ');
    let mut request = Request::builder().method(line.next().unwrap()).uri(line.next().unwrap());
    for (name, value) in lines.map(|line| line.split_once(": ").unwrap()) {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap();
    let send = || {
        let server = layer.layer(service_fn(async |_: Request<SignedBody<Full<Bytes>>>| {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        assert!(!runtime.block_on(server.oneshot(request.clone())).unwrap().status().is_success());
    };
    let [text, colours, json] = [Log::default(), Log::default(), Log::default()];
    let format = tracing_subscriber::fmt;
    tracing::subscriber::with_default(format().with_ansi(false).with_writer(text.clone()).finish(), send);
    tracing::subscriber::with_default(format().with_ansi(true).with_writer(colours.clone()).finish(), send);
    tracing::subscriber::with_default(format().json().with_writer(json.clone()).finish(), send);
    [text, colours, json].map(|log| String::from_utf8(log.0.lock().unwrap().clone()).unwrap())
}

#[test]
fn the_first_difference_from_what_the_server_logs() {
    let files = Files::new();
    let sent = files.sent();
    let with_log = |capture: &str, log: &str| {
        let name = files.path("server.log");
        fs::write(&name, format!("something else\n{log}something after it\n")).unwrap();
        files.difference(&[capture], &["--log", &name])
    };
    let backend = "https://backend/rest/issues?q=1";
    for log in logs(&files, &sent, "https://backend") {
        let (difference, hint) = with_log(&sent, &log);
        assert_eq!(difference, json!(["\"@target-uri\"", URL, backend]), "{log}");
        assert!(hint.starts_with("a proxy changed the Host, or the server's public URL"), "{hint}");
    }
    for log in logs(&files, &sent.replace("\"alice\"", "\"mallory\""), "https://tracker.test") {
        assert_eq!(with_log(&sent, &log).0, json!(["\"trusted-app-user\"", "\"alice\"", "\"mallory\""]));
    }
    assert!(files.explain(&[&sent], &["--log", &files.path("server.log")]).stdout.starts_with("refused: "));
}

#[test]
fn a_log_line_about_another_request_is_not_taken() {
    let files = Files::new();
    let (sent, other) = (files.sent(), files.sent());
    let name = files.path("server.log");
    let backend = "https://backend/rest/issues?q=1";
    let own = logs(&files, &sent, "https://backend");
    for (own, other) in own.iter().zip(logs(&files, &other, "https://elsewhere")) {
        fs::write(&name, format!("{own}{other}")).unwrap();
        let difference = files.difference(&[&sent], &["--log", &name]).0;
        assert_eq!(difference, json!(["\"@target-uri\"", URL, backend]));
        fs::write(&name, other).unwrap();
        let ran = files.explain(&[&sent], &["--log", &name]);
        assert!(ran.failure().contains("no line about this request"), "{ran:?}");
    }
    // Lines without a signature base do not tell which request they are about.
    let seraph = files.sent_by_seraph().replace("ID: wiki", "ID: seraph");
    let changed = sent.replace("fire", "tree");
    for (capture, public_url) in [(&changed, "https://tracker.test"), (&seraph, "https://backend")] {
        for log in logs(&files, capture, public_url) {
            fs::write(&name, log).unwrap();
            let ran = files.explain(&[capture], &["--log", &name]);
            assert!(ran.failure().contains("no line about this request"), "{ran:?}");
        }
    }
}

#[test]
fn the_same_text_with_another_signature() {
    let files = Files::new();
    let (sent, seraph) = (files.sent(), files.sent_by_seraph());
    let value =
        |capture: &str, name: &str| capture.split_once(name).unwrap().1.lines().next().unwrap().to_owned();
    let of_another = value(&files.sent(), "Signature: ta=");
    let received = sent.replace(&value(&sent, "Signature: ta="), &of_another);
    assert_ne!(sent, received);
    let shown = json!(["signature", "(not shown)", "(not shown)"]);
    assert_eq!(files.difference(&[&sent, &received], &[]).0, shown);
    let ran = files.explain(&[&sent, &received], &[]);
    assert!(!ran.stdout.contains("from character") && !ran.stdout.contains(&of_another), "{ran:?}");

    // Another signature beside it, such as a proxy's, is none of ours.
    let beside = sent
        .replace("Signature: ta=", &format!("Signature: proxy={of_another}, ta="))
        .replace("Signature-Input: ta=", "Signature-Input: proxy=(\"@method\");created=1, ta=");
    assert!(files.difference(&[&sent, &beside], &[]).0[0].is_null());
    let received = beside.replace(&value(&sent, "Signature: ta="), &of_another);
    assert_eq!(files.difference(&[&sent, &received], &[]).0, shown);

    let name = "X-Seraph-Trusted-App-Signature: ";
    let received = seraph.replace(&value(&seraph, name), "AAAA");
    assert_ne!(seraph, received);
    assert_eq!(files.difference(&[&seraph, &received], &[]).0, shown);
}

#[test]
fn a_changed_body_has_no_position() {
    let files = Files::new();
    let sent = files.sent();
    let ran = files.explain(&[&sent, &sent.replace("fire", "tree")], &[]);
    assert!(ran.stdout.starts_with("first difference  body\n"), "{ran:?}");
    assert!(!ran.stdout.contains("from character"), "{ran:?}");
}

#[test]
fn a_server_that_got_no_signature() {
    let files = Files::new();
    for sent in [files.sent(), files.sent_by_seraph()] {
        for removed in [
            &["Signature-Input: ", "Signature: ", "X-Seraph-"][..],
            &["Signature: ", "X-Seraph-Trusted-App-Signature: "],
            &["Signature-Input: ", "X-Seraph-Trusted-App-Cert: "],
        ] {
            let received: String = sent
                .lines()
                .filter(|line| !removed.iter().any(|name| line.starts_with(name)))
                .flat_map(|line| [line, "\n"])
                .collect();
            let (difference, hint) = files.difference(&[&sent, &received], &[]);
            assert_eq!(difference, json!(["signature", "(not shown)", null]), "{received}");
            assert!(hint.starts_with("something on the way removed the fields"), "{hint}");
            let ran = files.explain(&[&sent, &received], &[]);
            assert_eq!(ran.status, 1, "{ran:?}");
            assert!(ran.stdout.contains("the server got no signature"), "{ran:?}");
        }
    }
}

#[test]
fn a_secret_that_is_covered_is_neither_logged_nor_shown() {
    let files = Files::new();
    let sent = files.sent();
    // Nobody signed this list, which only makes the signature a bad one.
    let sent = sent
        .replace("ta=(", "ta=(\"authorization\" ")
        .replace("Host: ", "Authorization: Basic c2VjcmV0\nHost: ");
    let logs = logs(&files, &sent, "https://tracker.test");
    for log in &logs {
        assert!(log.contains("(not logged)") && !log.contains("c2VjcmV0"), "{log}");
        let name = files.path("server.log");
        fs::write(&name, log).unwrap();
        assert_eq!(files.difference(&[&sent], &["--log", &name]).0, json!([null, null, null]));
    }
    let ran = files.explain(&[&sent], &[]);
    assert!(ran.stdout.contains("1       \"authorization\": (not shown)\n"), "{ran:?}");
    let other = files.explain(&[&sent, &sent.replace("c2VjcmV0", "b3RoZXI")], &[]);
    assert!(
        other.stdout.starts_with("first difference  \"authorization\"\nclient            (not shown)\n"),
        "{other:?}"
    );
    assert!(!other.stdout.contains("b3RoZXI"), "{other:?}");
}

#[test]
fn what_cannot_be_explained() {
    let files = Files::new();
    let (sent, seraph) = (files.sent(), files.sent_by_seraph());
    let log = files.path("server.log");
    fs::write(&log, "a line about nothing\n{\"code\":1}\n").unwrap();
    for (captures, more, why) in [
        (&["hello"][..], &[][..], "no HTTP/1.1 request head in "),
        (&["GET / HTTP/1.1\nHost: t"], &[], "the request is signed by no scheme"),
        (&["GET / HTTP/1.1"], &[], "no URL can be made of the request and the options"),
        (&[&sent, &seraph], &[], "signed by different schemes: http-signature and seraph-v3"),
        (&[&sent], &["--log", &log], "no line about this request"),
        (&[&sent], &["--log", "missing.log"], "--log missing.log: No such file"),
        (&[&sent, &sent], &["--log", &log], "cannot be used with"),
        (&[&sent.replace("nonce=", "once=")], &[], "the parameter `nonce` is missing"),
        (&[&seraph.replace("Version: 3", "Version: 2")], &[], "the certificate is one of version 2: only in"),
        (
            &[&seraph.replace("-Cert: ", "-Cert: x")],
            &[],
            "X-Seraph-Trusted-App-Cert cannot be read: base64 of",
        ),
    ] {
        let ran = files.explain(captures, more);
        assert!(ran.failure().contains(why), "{why}: {ran:?}");
    }
    fs::write(&log, "x code=\"BAD_SIGNATURE\" reason=\"y\"\n").unwrap();
    let other = files.explain(&[&sent], &["--log", &log]);
    assert!(other.failure().contains("no line about this request"), "{other:?}");
    assert_eq!(run(["explain"], b"").failure(), "<FILE> is missing (see --help)");
    assert_eq!(run(["explain", "missing.txt"], b"").failure().split(':').next(), Some("missing.txt"));
}
