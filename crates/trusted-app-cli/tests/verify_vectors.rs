//! Atlassian's vectors `authenticate.json` through the built program: each request as a head on standard
//! input, each answer as JSON.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod program;

use std::fs;

use program::{Ran, run};
use serde_json::{Value, json};

/// Where we deliberately answer differently.
struct Difference {
    /// A vector's id, or the kind of several.
    of: &'static str,
    /// Our code, `authenticated`, or `exit 2` where the program says that nothing can be answered.
    ours: &'static str,
    #[expect(dead_code, reason = "for the reader")]
    why: &'static str,
}

const fn differs(of: &'static str, ours: &'static str, why: &'static str) -> Difference {
    Difference { of, ours, why }
}

const ONCE: &str = "a header that comes twice is refused, whichever the original would take";
const TRIMMED: &str = "blanks around a header's value are no part of it (RFC 9112, section 5.1)";
const NO_EXCEPTION: &str = "no uncaught error: refused with the code that fits";
const NOT_TWO_MEANINGS: &str = "safe paths: one that could mean two things is refused";
const NO_TIMEOUT_OF_ZERO: &str = "no time-out of 0, which would never end: the file is refused";
const NOT_FROM_THE_FUTURE: &str = "a time beyond 15 minutes and a minute's skew is refused";
const NO_INJECTION: &str = "version 2: a user name that brought line ends of its own is refused";
const CANONICAL: &str = "an address is reported in its canonical spelling";
const NO_ADDRESS: &str = "a remote address that is none is a bad option";
const EVERY_LINE: &str = "every line of X-Forwarded-For counts";
const FORWARDED: &str = "Forwarded (RFC 7239) counts as X-Forwarded-For does";
const BLANK_IS_NOTHING: &str = "a blank path pattern is not everything";
const NO_FORWARD: &str = "there is no inside forward: URL and path are as the client asked, unaltered";
const BY_APPLICATION: &str = "the version is checked per application, so after the id";
const SIGNATURE_FIRST: &str = "the signature is checked before the conditions";

const DIFFERENCES: &[Difference] = &[
    differs("ok-no-conditions", "exit 2", NO_TIMEOUT_OF_ZERO),
    differs("ok-duplicate-headers", "REPEATED_HEADER", ONCE),
    differs("bad-duplicate-headers", "REPEATED_HEADER", ONCE),
    differs("pub-auth-080", "BAD_PROTOCOL_VERSION", TRIMMED),
    differs("pub-auth-082", "authenticated", TRIMMED),
    differs("unknown-app-space", "authenticated", TRIMMED),
    differs("too-long-Key", "BAD_MAGIC", NO_EXCEPTION),
    differs("leading-zero-Key", "BAD_MAGIC", NO_EXCEPTION),
    differs("over-modulus-Key", "BAD_MAGIC", NO_EXCEPTION),
    differs("zero-Key", "BAD_MAGIC", NO_EXCEPTION),
    differs("too-long-Magic", "BAD_MAGIC", NO_EXCEPTION),
    differs("leading-zero-Magic", "BAD_MAGIC", NO_EXCEPTION),
    differs("over-modulus-Magic", "BAD_MAGIC", NO_EXCEPTION),
    differs("base64-bad-Signature", "BAD_SIGNATURE", NO_EXCEPTION),
    differs("base64-length-Signature", "BAD_SIGNATURE", NO_EXCEPTION),
    differs("base64-urlsafe-Signature", "BAD_SIGNATURE", NO_EXCEPTION),
    differs("base64-nopad-Signature", "BAD_SIGNATURE", NO_EXCEPTION),
    differs("base64-only-padding-Signature", "BAD_SIGNATURE", NO_EXCEPTION),
    differs("pub-auth-283", "BAD_MAGIC", NO_EXCEPTION),
    differs("pub-auth-285", "BAD_MAGIC", NO_EXCEPTION),
    differs("pub-auth-363", "AMBIGUOUS_URL", NOT_TWO_MEANINGS),
    differs("timeout-zero", "exit 2", NO_TIMEOUT_OF_ZERO),
    differs("pub-auth-440", "FUTURE_CERT", NOT_FROM_THE_FUTURE),
    differs("pub-auth-441", "FUTURE_CERT", NOT_FROM_THE_FUTURE),
    differs("future-time-max", "FUTURE_CERT", NOT_FROM_THE_FUTURE),
    differs("pub-auth-445", "exit 2", NO_TIMEOUT_OF_ZERO),
    differs("pub-auth-447", "exit 2", NO_TIMEOUT_OF_ZERO),
    differs("user-with-carriage-return-v2", "BAD_MAGIC", NO_INJECTION),
    differs("user-with-newline-v2", "BAD_MAGIC", NO_INJECTION),
    differs("pub-auth-549", "BAD_REMOTE_IP", CANONICAL),
    differs("ip-remote-malformed", "exit 2", NO_ADDRESS),
    differs("ip-remote-malformed-no-patterns", "exit 2", NO_ADDRESS),
    differs("xff-malformed", "BAD_XFORWARD_IP", NO_EXCEPTION),
    differs("xff-second-header-line", "BAD_XFORWARD_IP", EVERY_LINE),
    differs("xff-other-headers", "BAD_XFORWARD_IP", FORWARDED),
    differs("xff-leading-zeros", "BAD_XFORWARD_IP", NO_EXCEPTION),
    differs("url-dot-dot", "AMBIGUOUS_URL", NOT_TWO_MEANINGS),
    differs("url-dot-dot-escaped", "AMBIGUOUS_URL", NOT_TWO_MEANINGS),
    differs("url-double-slash-after", "AMBIGUOUS_URL", NOT_TWO_MEANINGS),
    differs("url-empty-pattern", "BAD_URL", BLANK_IS_NOTHING),
    differs("pub-auth-683", "authenticated", NO_FORWARD),
    differs("forwarded-request-escaped", "authenticated", NO_FORWARD),
    differs("forwarded-request-escaped-twice", "BAD_SIGNATURE", NO_FORWARD),
    differs("pub-auth-701", "APP_ID_NOT_FOUND", BY_APPLICATION),
    differs("pub-auth-702", "APP_ID_NOT_FOUND", BY_APPLICATION),
    differs("order-time-before-bad-ip", "exit 2", NO_ADDRESS),
    differs("order-url-before-signature", "BAD_SIGNATURE", SIGNATURE_FIRST),
    differs("order-ip-before-signature", "BAD_SIGNATURE", SIGNATURE_FIRST),
];

#[test]
fn every_vector_is_answered() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/authenticate.json");
    let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let apps = directory.path().join("apps.toml");
    let mut used = vec![false; DIFFERENCES.len()];
    let mut failures = Vec::new();
    for vector in file["vectors"].as_array().unwrap() {
        fs::write(&apps, applications(&file["keys"], vector)).unwrap();
        let answer = Answer::to(vector, apps.to_str().unwrap());
        let (id, kind, ours) = (text(&vector["id"]), text(&vector["kind"]), answer.summary());
        let row = |of: &str| DIFFERENCES.iter().position(|row| row.of == of);
        match (row(id).or_else(|| row(kind)), answer.is_that_of(vector)) {
            (None, true) => {}
            (Some(at), false) if DIFFERENCES[at].ours == ours => used[at] = true,
            (Some(_), _) => failures.push(format!("{id} {kind}: not as the table has it: {answer:?}")),
            (None, false) => failures.push(format!("{id} {kind}: differs, not in the table: {answer:?}")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let stale: Vec<_> =
        DIFFERENCES.iter().zip(used).filter(|(_, used)| !used).map(|(row, _)| row.of).collect();
    assert!(stale.is_empty(), "rows that nothing differs by: {stale:?}");
}

/// What the program answered.
#[derive(Debug)]
struct Answer {
    ran: Ran,
    json: Option<Value>,
}

impl Answer {
    fn to(vector: &Value, apps: &str) -> Self {
        let request = &vector["request"];
        let at = format!("--at={}", vector["now_ms"]);
        let mut args = vec!["verify", "--json", "--apps", apps, "--denied-user", "mallory", &at];
        args.extend(["alice", "bob", "zoë", "管理者"].into_iter().flat_map(|user| ["--user", user]));
        args.extend(["--remote-addr", text(&request["remote_addr"])]);
        args.extend(["--scheme", text(&request["scheme"])]);
        args.extend(["--context-path", text(&request["context_path"])]);
        let ran = run(args, &head(request));
        let json = (!ran.stdout.is_empty()).then(|| {
            let line = ran.stdout.strip_suffix('\n').unwrap();
            assert!(!line.contains('\n'), "one line: {line}");
            serde_json::from_str(line).unwrap()
        });
        Self { ran, json }
    }

    /// The answer in the words of the table.
    fn summary(&self) -> String {
        match &self.json {
            None => {
                self.ran.failure();
                "exit 2".to_owned()
            }
            Some(json) if json["outcome"] == "rejected" => text(&json["code"]).to_owned(),
            Some(json) => text(&json["outcome"]).to_owned(),
        }
    }

    /// Whether outcome, exit status and every field are what follows from the original's answer.
    fn is_that_of(&self, vector: &Value) -> bool {
        let Some(json) = &self.json else { return false };
        let outcome = &vector["outcome"];
        match text(&outcome["status"]) {
            "success" => {
                let scheme = scheme(vector);
                let expected = json!({
                    "outcome": "authenticated",
                    "application": vector["app"]["id"],
                    "user": outcome["user"],
                    "scheme": scheme,
                    "signed_url": outcome["signed_url"],
                });
                self.ran.status == 0 && *json == expected
            }
            "failed" | "error" => {
                let header = header_of(outcome, "X-Seraph-Trusted-App-Error");
                let expected = json!({
                    "outcome": "rejected",
                    "code": outcome["error_code"],
                    "message": json["message"],
                    "header": header,
                });
                self.ran.status == 1 && *json == expected && json["message"].is_string()
            }
            "no attempt" => self.ran.status == 3 && *json == json!({ "outcome": "anonymous" }),
            // We have none: the table says how each one is refused instead.
            "exception" => false,
            status => panic!("{status}"),
        }
    }
}

fn header_of<'v>(outcome: &'v Value, name: &str) -> Option<&'v str> {
    let headers = outcome["response_headers"].as_array()?;
    headers.iter().find(|header| header[0] == name).and_then(|header| header[1].as_str())
}

fn scheme(vector: &Value) -> &'static str {
    match vector["protocol_version_in_use"].as_i64() {
        Some(2) => "insecure-seraph-v2",
        Some(3) => "seraph-v3",
        version => panic!("version {version:?}"),
    }
}

/// The vector's application as the key store's file has it. JSON's texts and lists are TOML's too.
fn applications(keys: &Value, vector: &Value) -> String {
    let app = &vector["app"];
    let or_any = |patterns: &Value| match patterns.as_array().unwrap().as_slice() {
        [] => json!("any"),
        _ => patterns.clone(),
    };
    format!(
        "[[application]]\n\
         id = {}\n\
         keys = [{{ spki = {} }}]\n\
         timeout_ms = {}\n\
         addresses = {}\n\
         paths = {}\n\
         schemes = [\"{}\"]\n\
         insecure_min_rsa_bits = 1024\n",
        app["id"],
        keys[text(&app["public_key"])]["public_key_spki_b64"],
        app["timeout_ms"],
        or_any(&app["ip_patterns"]),
        or_any(&app["url_patterns"]),
        scheme(vector),
    )
}

/// The request as the client sent it: a path that the server passed on inside is not the client's.
fn head(request: &Value) -> Vec<u8> {
    let path = text(request.get("forward_request_uri").unwrap_or(&request["request_uri"]));
    let query = request["query"].as_str().map_or_else(String::new, |query| format!("?{query}"));
    let port = match (text(&request["scheme"]), request["port"].as_u64().unwrap()) {
        ("http", 80) | ("https", 443) => String::new(),
        (_, port) => format!(":{port}"),
    };
    let (method, host) = (text(&request["method"]), text(&request["host"]));
    let mut head = format!("{method} {path}{query} HTTP/1.1\r\nHost: {host}{port}\r\n").into_bytes();
    for header in request["headers"].as_array().unwrap() {
        head.extend_from_slice(text(&header[0]).as_bytes());
        head.extend_from_slice(b": ");
        head.extend(text(&header[1]).chars().map(|c| u8::try_from(c).unwrap()));
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
