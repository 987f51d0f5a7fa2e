//! `details` against a server of the test's own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod program;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use program::{Ran, run};
use serde_json::Value;
use tower_trusted_app::Scheme;
use tower_trusted_app::seraph::CertificateDocument;
use trusted_app_test::TestIdentity;

/// Answers each request target with what `answer` writes, until the test ends.
struct Server {
    origin: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if let Some(target) = target_of(&connection) {
                    log.lock().unwrap().push(target.clone());
                    let _ = (&connection).write_all(&answer(&target));
                }
            }
        });
        Self { origin, asked }
    }

    fn details(&self, path: &str) -> Ran {
        run(["details", "--json", &format!("{}{path}", self.origin)], b"")
    }

    /// Why what is served at every path is refused, without the URL before it.
    fn refusal(answer: Vec<u8>) -> String {
        let server = Self::start(move |_| answer.clone());
        let ran = server.details("");
        let url = format!("{}/admin/appTrustCertificate", server.origin);
        ran.failure().strip_prefix(&url).unwrap_or_else(|| panic!("{ran:?}")).to_owned()
    }
}

/// Reads the head of a `GET`.
fn target_of(connection: &TcpStream) -> Option<String> {
    let mut lines = BufReader::new(connection).lines();
    let target = lines.next()?.ok()?.strip_prefix("GET ")?.strip_suffix(" HTTP/1.1")?.to_owned();
    lines.find(|line| line.as_ref().is_ok_and(String::is_empty)).map(|_| target)
}

fn answer(status: &str, head: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{head}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn document() -> String {
    CertificateDocument::of(TestIdentity::wiki().local()).to_text(Scheme::SeraphV3)
}

#[test]
fn the_document_is_found_below_a_base_url_or_at_its_own() {
    let server = Server::start(|_| answer("200 OK", "Content-Type: text/plain\r\n", document().as_bytes()));
    for (path, asked) in [
        ("", "/admin/appTrustCertificate"),
        ("/", "/admin/appTrustCertificate"),
        ("/wiki", "/wiki/admin/appTrustCertificate"),
        ("/wiki//#top", "/wiki/admin/appTrustCertificate"),
        ("/wiki/admin/appTrustCertificate", "/wiki/admin/appTrustCertificate"),
    ] {
        let ran = server.details(path);
        let json: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
        let key = TestIdentity::wiki().local().public_key().clone();
        assert_eq!(json["id"], "wiki");
        assert_eq!(json["bits"], 2048);
        assert_eq!(json["version"], 3);
        assert_eq!(json["fingerprint"], key.fingerprint().to_string());
        assert_eq!(json["public_key"], key.to_base64());
        assert_eq!(json["url"], format!("{}{asked}", server.origin));
        assert!(ran.stderr.starts_with("warning: fetched without TLS"), "{ran:?}");
        assert_eq!(server.asked.lock().unwrap().pop().unwrap(), asked);
    }
    let query = server.details("/wiki?x");
    assert!(query.failure().ends_with("a base URL has no query"));
    let text = run(["details", &server.origin], b"").stdout;
    assert!(text.contains("id           wiki\n") && text.contains("fingerprint  SHA256 "), "{text}");
}

#[test]
fn a_document_in_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let details = |name: &str, text: &str| {
        let file = directory.path().join(name);
        std::fs::write(&file, text).unwrap();
        run(["details", "--json", "--file", file.to_str().unwrap()], b"")
    };
    let ran = details("good", &format!("{}\n", document()));
    let json: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    assert_eq!((&json["id"], &json["url"]), (&Value::from("wiki"), &Value::Null));
    assert_eq!(json["public_key"], TestIdentity::wiki().local().public_key().to_base64());
    assert_eq!(ran.stderr, "");

    assert!(
        details("bad", "hello")
            .failure()
            .ends_with("bad: a certificate document has four lines (or two, the old form) and not 1")
    );
    let identity = TestIdentity::wiki().local().to_pem();
    let ran = details("identity", &identity);
    assert!(
        ran.failure().contains("identity is an identity with its private key, and no certificate document: ")
    );
    assert!(ran.failure().contains("`trusted-app certificate --identity "), "{ran:?}");
    let key = directory.path().join("signature.pem");
    let key = key.to_str().unwrap();
    run(["keygen", "--algorithm", "ed25519", "--out", key], b"");
    let ran = run(["details", "--file", key], b"");
    assert!(
        ran.failure().contains(&format!("`trusted-app certificate --signature-key {key}` prints")),
        "{ran:?}"
    );
    assert!(identity.lines().skip(2).all(|line| !ran.stderr.contains(line)), "{ran:?}");
    let missing = run(["details", "--file", "no-such-file"], b"");
    assert!(missing.failure().starts_with("--file no-such-file: No such file"), "{missing:?}");
    let neither = run(["details"], b"");
    assert_eq!(
        neither.failure(),
        "say whose document: the application's base URL, such as https://wiki.example.com, or --file FILE (see --help)"
    );
    let both = run(["details", "--file", "x", "https://wiki.example.com"], b"");
    assert!(both.failure().contains("cannot be used with"), "{both:?}");
}

#[test]
fn the_old_form_states_no_version() {
    let old: String = document().lines().take(2).map(|line| format!("{line}\r\n")).collect();
    let server = Server::start(move |_| answer("200 OK", "", old.as_bytes()));
    let json: Value = serde_json::from_str(&server.details("").stdout).unwrap();
    assert_eq!((&json["id"], &json["version"]), (&Value::from("wiki"), &Value::Null));
}

#[test]
fn each_refusal_says_what_is_wrong() {
    let html = format!("<html>\n<body>\n{}</body>\n</html>\n", "<p>Log in</p>\n".repeat(3));
    let html_type = "Content-Type: text/html;charset=UTF-8\r\n";
    let broken = document().replace("MIIB", "MIIC");
    for (answer, why) in [
        (answer("404 Not Found", "", b""), " answers 404 Not Found: no certificate document is served there"),
        (answer("500 Internal Server Error", "", b""), " answers 500 Internal Server Error: "),
        (
            answer("200 OK", html_type, html.as_bytes()),
            " answers with an HTML page, perhaps to log in, and no certificate document: ",
        ),
        (
            answer("200 OK", "", b"hello"),
            " answers with no certificate document: a certificate document has four lines",
        ),
        (answer("200 OK", "", broken.as_bytes()), " answers with no certificate document: not a DER "),
        (
            answer("200 OK", "", b"\xff"),
            " answers with text that is not UTF-8: byte 0 is in another encoding; have the application serve it as UTF-8",
        ),
        (
            answer("200 OK", "", b"\x1f\x8b\x08"),
            " answers with compressed content (gzip), which was not asked for: ",
        ),
        (
            answer("401 Unauthorized", "WWW-Authenticate: Basic\r\n", b""),
            " answers 401 Unauthorized: it asks for a log-in (Basic): exempt this URL from the log-in",
        ),
        (
            answer("429 Too Many Requests", "Retry-After: 30\r\n", b""),
            " answers 429 Too Many Requests: it was asked too often: ",
        ),
        (
            answer("200 OK", "", &[b'x'; 16 * 1024 + 1]),
            " answers with no certificate document: more than 16384 bytes",
        ),
        (answer("302 Found", "", b""), " answers 302 Found and does not say where to go"),
        (
            answer("302 Found", "Location: ftp://t/\r\n", b""),
            " redirects to ftp://t/: the scheme must be http",
        ),
    ] {
        let refusal = Server::refusal(answer);
        assert!(refusal.starts_with(why), "{refusal}");
    }
}

#[test]
fn redirects_stay_within_the_origin() {
    let server = Server::start(|target| match target {
        "/admin/appTrustCertificate" => answer("301 Moved Permanently", "Location: /wiki/\r\n", b""),
        "/wiki/" => answer("307 Temporary Redirect", "Location: here?x\r\n", b""),
        "/wiki/here?x" => answer("200 OK", "", document().as_bytes()),
        _ => answer("302 Found", "Location: /round\r\n", b""),
    });
    let ran = server.details("");
    let json: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    assert_eq!(json["url"], format!("{}/wiki/here?x", server.origin));
    assert!(server.details("/round").failure().ends_with("more than 5 redirects"));

    let elsewhere = Server::start(|_| answer("200 OK", "", document().as_bytes()));
    let location = format!("Location: {}/admin/appTrustCertificate\r\n", elsewhere.origin);
    let refusal = Server::refusal(answer("302 Found", &location, b""));
    assert!(refusal.starts_with(&format!(" redirects to another origin, {}", elsewhere.origin)), "{refusal}");
    assert!(elsewhere.asked.lock().unwrap().is_empty(), "nothing was asked there");
}

#[test]
fn nobody_answers() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = run(["details", &format!("http://{unused}/")], b"");
    assert!(refused.failure().ends_with("appTrustCertificate: connection refused"), "{refused:?}");
    assert!(refused.failure().starts_with(&format!("cannot fetch http://{unused}/")));

    let nowhere = run(["details", "http://nowhere.invalid/"], b"");
    assert!(nowhere.failure().starts_with("cannot fetch http://nowhere.invalid/"), "{nowhere:?}");

    let closing = Server::start(|_| Vec::new());
    let closed = closing.details("");
    assert!(closed.failure().starts_with("cannot fetch http://"), "{closed:?}");
}

#[test]
fn tls_is_not_given_up() {
    let plain = Server::start(|_| answer("200 OK", "", document().as_bytes()));
    let ran = run(["details", &plain.origin.replace("http:", "https:")], b"");
    assert!(ran.failure().starts_with("cannot fetch https://"), "{ran:?}");
    assert!(plain.asked.lock().unwrap().is_empty());
}

#[test]
fn ten_seconds_are_enough() {
    let slow = Server::start(|_| {
        thread::sleep(Duration::from_secs(15));
        Vec::new()
    });
    assert!(slow.details("").failure().ends_with("no answer within 10 seconds"));
}
