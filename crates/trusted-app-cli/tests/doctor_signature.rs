//! `doctor` with a key of HTTP message signatures, against servers that are set up wrongly, each in one way.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod program;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::routing::get;
use http::HeaderValue;
use http::header::DATE;
use program::run;
use serde_json::Value;
use tower_trusted_app::application::TrustedApplicationBuilder;
use tower_trusted_app::conditions::{AddressRule, PathRule};
use tower_trusted_app::crypto::{PrivateSignatureKey, SignatureAlgorithm, SignatureKey};
use tower_trusted_app::httpsig::Code;
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::replay::MemoryReplayStore;
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{Clock, HttpSignatures, Scheme, SystemClock, Timestamp, TrustedApplication};
use trusted_app_test::TestIdentity;

/// A clock that goes wrong by that many milliseconds.
#[derive(Clone, Copy)]
struct Wrong(i64);

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().as_millis() + self.0)
    }
}

/// A key in a file, and who asks.
struct Patient {
    directory: tempfile::TempDir,
    key: PrivateSignatureKey,
}

impl Patient {
    fn new() -> Self {
        let key = PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519).unwrap();
        let directory = tempfile::tempdir().unwrap();
        key.store(directory.path().join("signature.pem")).unwrap();
        Self { directory, key }
    }

    /// The application of the key, as a tracker that does everything right has it.
    fn wiki(&self) -> TrustedApplicationBuilder {
        wiki(self.key.public_key())
    }

    fn ask(&self, args: &[&str]) -> program::Ran {
        let key = self.directory.path().join("signature.pem");
        run(["doctor", "--signature-key", key.to_str().unwrap()].into_iter().chain(args.iter().copied()), b"")
    }

    #[track_caller]
    fn findings(&self, user: &str, url: &str) -> (i32, Value) {
        let ran = self.ask(&["--json", "--user", user, url]);
        (ran.status, serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}")))
    }

    /// That it is refused with this code, for this cause, and what to do.
    #[track_caller]
    fn is_refused(&self, user: &str, url: &str, code: &str, cause: &str) -> String {
        let (status, findings) = self.findings(user, url);
        assert_eq!(
            (status, &findings["outcome"], &findings["code"]),
            (1, &"refused".into(), &code.into()),
            "{findings}"
        );
        assert!(findings["cause"].as_str().unwrap().starts_with(cause), "{findings}");
        findings["advice"].as_str().unwrap().to_owned()
    }
}

fn wiki(key: &SignatureKey) -> TrustedApplicationBuilder {
    TrustedApplication::signing_builder("wiki".parse().unwrap(), key.clone())
        .addresses(AddressRule::any())
        .paths(PathRule::prefixes(["/rest"]))
}

/// Serves a tracker until the test ends, and answers with the URL of its issues.
fn serve(wiki: TrustedApplicationBuilder, clock: Wrong, public_url: Option<&str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let keys = MemoryKeyStore::new([wiki.build().unwrap()]).unwrap();
    let users = MemoryDirectory::of_names(["alice", "zoë"]);
    let layer = trusted_app_axum::layer_builder(keys, users, public_url.unwrap_or(&origin).parse().unwrap())
        .clock(clock)
        .replay_store(MemoryReplayStore::new(100))
        .http_signatures(HttpSignatures::default())
        .build()
        .unwrap();
    let app = Router::new().route("/rest/issues", get(async || "issues")).layer(layer);
    let app = app.route("/open", get(async || "open to everybody"));
    let app = app.layer(axum::middleware::map_response(move |mut response: axum::response::Response| {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(clock.now().as_millis().try_into().unwrap());
        response.headers_mut().insert(DATE, HeaderValue::try_from(httpdate::fmt_http_date(now)).unwrap());
        std::future::ready(response)
    }));
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
        });
    });
    format!("{origin}/rest/issues")
}

#[test]
fn nothing_is_wrong() {
    let patient = Patient::new();
    let url = serve(patient.wiki(), Wrong(0), None);
    let ran = patient.ask(&["--user", "zoë", &url]);
    let expected = format!(
        "accepted\n\
         asked for   {url}\n\
         as          user zoë\n\
         with key    {}\n\
         status      200\n\
         clock       theirs agrees with ours (Date header)\n\
         cause       none: the other side answers the key's application as zoë\n\
         what to do  nothing\n",
        patient.key.public_key().thumbprint()
    );
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (0, expected.as_str(), ""));
}

#[test]
fn a_wrong_clock() {
    const MINUTE: i64 = 60_000;
    let patient = Patient::new();
    for (wrong, direction) in [(5 * MINUTE, "ahead of"), (-5 * MINUTE, "behind")] {
        let url = serve(patient.wiki(), Wrong(wrong), None);
        let advice =
            patient.is_refused("alice", &url, "stale", "wrong clock: to the other side the signature is");
        assert!(
            advice.contains(&format!("{direction} ours (Date header): set the wrong one right")),
            "{advice}"
        );
        assert!(advice.contains(" for 60 s, and 30 s of difference are usual"), "{advice}");
        let (_, findings) = patient.findings("alice", &url);
        let difference = findings["clock_difference_ms"].as_i64().unwrap();
        assert!((difference - wrong).abs() < 5000, "{findings}");
    }
}

#[test]
fn a_signature_that_is_not_accepted() {
    let patient = Patient::new();
    let stranger = Patient::new();
    let url = serve(patient.wiki(), Wrong(0), None);
    let cause = "the other side does not accept the signature, and does not say why";
    let advice = stranger.is_refused("alice", &url, "invalid_signature", cause);
    let thumbprint = stranger.key.public_key().thumbprint().to_string();
    assert!(advice.contains(&format!("whether the key {thumbprint} is registered and active")), "{advice}");

    let elsewhere = serve(patient.wiki(), Wrong(0), Some("https://tracker.example.com"));
    let advice = patient.is_refused("alice", &elsewhere, "invalid_signature", cause);
    let origin = elsewhere.strip_suffix("/rest/issues").unwrap();
    assert!(advice.contains(&format!("{origin} is none of its public URLs")), "{advice}");
    let from_elsewhere = serve(patient.wiki().addresses("10.1.*.*".parse().unwrap()), Wrong(0), None);
    patient.is_refused("alice", &from_elsewhere, "invalid_signature", cause);
    let old = TestIdentity::wiki().trusted().signature_key(patient.key.public_key().clone());
    let old = serve(old.schemes([Scheme::SeraphV3]), Wrong(0), None);
    patient.is_refused("alice", &old, "invalid_signature", cause);
}

#[test]
fn what_the_application_may_not_do() {
    let patient = Patient::new();
    let cause = "the signature holds; path, method or user are not allowed";
    let url = serve(patient.wiki(), Wrong(0), None);
    patient.is_refused("bob", &url, "forbidden", cause);
    let url = serve(patient.wiki().paths(PathRule::prefixes(["/secure"])), Wrong(0), None);
    let advice = patient.is_refused("alice", &url, "forbidden", cause);
    assert!(advice.contains("as a user alice; look into the other side's log"), "{advice}");
}

#[test]
fn nobody_looks_at_the_signature() {
    let patient = Patient::new();
    let open = serve(patient.wiki(), Wrong(0), None).replace("/rest/issues", "/open");
    let seraph = answering(
        "X-Seraph-Trusted-App-Status: ERROR\r\nX-Seraph-Trusted-App-Error: MISSING_CERT;\\t;[]\r\n",
    );
    for (url, cause) in [
        (
            open,
            "the other side did not look at the credentials: its answer has no Trusted-App-Error, and no Vary",
        ),
        (seraph, "the other side did not look at the signature, and asks for the headers of Seraph"),
        (answering("Vary: accept, Trusted-App-Users\r\n"), "the other side did not look at the credentials"),
    ] {
        let (status, findings) = patient.findings("alice", &url);
        assert_eq!((status, &findings["outcome"]), (3, &"not-looked-at".into()), "{findings}");
        assert!(findings["cause"].as_str().unwrap().starts_with(cause), "{findings}");
    }
    let (status, findings) = patient.findings("alice", &answering("Vary: accept, Trusted-App-User\r\n"));
    assert_eq!((status, &findings["outcome"]), (0, &"accepted".into()), "{findings}");
}

/// Answers every request with these header fields.
fn answering(fields: &str) -> String {
    let answer = format!("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n{fields}\r\n");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let mut lines = BufReader::new(&connection).lines();
            let _ = lines.find(|line| line.as_ref().is_ok_and(String::is_empty));
            let _ = (&connection).write_all(answer.as_bytes());
        }
    });
    origin
}

#[test]
fn every_code_has_a_cause_of_its_own() {
    let patient = Patient::new();
    let codes = Code::ALL.map(Code::as_str).into_iter().chain(["a code of tomorrow"]);
    let mut causes: Vec<_> = codes
        .map(|code| {
            let fields = format!("Trusted-App-Error: {code}\r\nAccept-Signature: ta=(\"x\")\r\n");
            let (status, findings) = patient.findings("alice", &answering(&fields));
            let is_known = code != "a code of tomorrow";
            let expected = if is_known { code.into() } else { Value::Null };
            assert_eq!((status, &findings["code"]), (1, &expected));
            assert_ne!(findings["advice"], "");
            assert_eq!(
                code == "coverage",
                findings["advice"].as_str().unwrap().ends_with("which asks for ta=(\"x\")")
            );
            let cause = findings["cause"].as_str().unwrap().to_owned();
            assert_eq!(is_known, !cause.contains("that this command does not know"));
            cause
        })
        .collect();
    causes.sort();
    causes.dedup();
    assert_eq!(causes.len(), Code::ALL.len() + 1, "{causes:?}");
}

#[test]
fn what_cannot_be_asked() {
    let refusal = |args: &[&str]| Patient::new().ask(args).failure().to_owned();
    assert!(refusal(&["--user", "a\u{301}", "http://t/"]).starts_with("cannot sign: trusted-app-user: "));
    assert!(refusal(&["--user", "a", "http://t/", "--identity", "x"]).contains("cannot be used with"));
    assert!(run(["doctor", "--user", "a", "http://t/"], b"").failure().starts_with("say whose key: "));
}
