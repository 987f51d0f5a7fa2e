//! HTTP message signatures by libraries that nobody of us wrote. Each signs requests for our server, and verifies those
//! of our client, over real connections.
//!
//! | Library | Algorithms | What it leaves to its user, or has otherwise than RFC 9421 |
//! |---|---|---|
//! | PyPI `http-message-signatures` 3.0.0 | all three | |
//! | PyPI `requests-http-signature` 2.0.0 | all three | sends a digest also of no content |
//! | npm `http-message-signatures` 1.0.6 | all three; signs by two | digests; signs `rsa-pss-sha512` with the longest salt that the key allows, where section 3.3.1 says 64 bytes; verifies any salt |
//! | npm `http-message-sig` 0.3.0 | `ed25519`, `rsa-pss-sha512` | digests |
//!
//! PyPI `jwcrypto` 1.6.1 says what the thumbprints are.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::any;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt};
use tower_trusted_app::client::{ActAs, HttpSignLayer};
use tower_trusted_app::conditions::PathRule;
use tower_trusted_app::crypto::{PrivateSignatureKey, SignatureAlgorithm};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::replay::MemoryReplayStore;
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{HttpSignatures, TrustedApplication};
use trusted_app_axum::Caller;
use trusted_app_test::TestIdentity;
use trusted_app_tests::foreign;

use SignatureAlgorithm::{EcdsaP256Sha256, Ed25519, RsaPssSha512};

/// RFC 8037, appendix A.
const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
/// RFC 7517, appendix A.2.
const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}"#;

fn key(algorithm: SignatureAlgorithm) -> PrivateSignatureKey {
    match algorithm {
        Ed25519 => PrivateSignatureKey::from_jwk(ED25519),
        EcdsaP256Sha256 => PrivateSignatureKey::from_jwk(P256),
        RsaPssSha512 => {
            PrivateSignatureKey::from_pkcs8_pem(&TestIdentity::wiki().local().key().to_pkcs8_pem())
        }
        other => panic!("no key for {other}"),
    }
    .unwrap()
}

async fn serve(router: impl FnOnce(SocketAddr) -> Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router(address).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    address
}

/// Says who the user is and what the body, to the owners of the three keys.
async fn tracker() -> SocketAddr {
    async fn echo(caller: Caller<()>, body: Bytes) -> String {
        format!("{}: {}", caller.user_name(), String::from_utf8_lossy(&body))
    }
    let trusted = SignatureAlgorithm::ALL.map(|algorithm| {
        let id = algorithm.as_str().parse().unwrap();
        TrustedApplication::signing_builder(id, key(algorithm).public_key().clone())
            .addresses("127.0.0.1".parse().unwrap())
            .paths(PathRule::prefixes(["/rest"]))
            .build()
            .unwrap()
    });
    serve(|address| {
        let keys = MemoryKeyStore::new(trusted).unwrap();
        let users = MemoryDirectory::of_names(["alice", "bob", "müller"]);
        let layer =
            trusted_app_axum::layer_builder(keys, users, format!("http://{address}").parse().unwrap())
                .replay_store(MemoryReplayStore::new(1000))
                .http_signatures(HttpSignatures::default())
                .build()
                .unwrap();
        Router::new().route("/rest/{*path}", any(echo)).layer(layer)
    })
    .await
}

/// A request as the scripts get it.
fn message(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Value {
    json!({ "method": method, "url": url, "headers": headers, "body": BASE64_STANDARD.encode(body) })
}

/// The message with one member or header field of another value.
fn changed(message: &Value, what: &str, value: &str) -> Value {
    let mut changed = message.clone();
    let field = changed["headers"].as_array_mut().unwrap().iter_mut().find(|field| field[0] == what);
    let place = match field {
        Some(field) => &mut field[1],
        None => &mut changed[what],
    };
    assert!(place.is_string(), "{what}");
    *place = value.into();
    changed
}

fn components(message: &Value) -> &'static [&'static str] {
    let all = &["@method", "@target-uri", "trusted-app-user", "content-type", "content-digest"];
    if message["body"] == "" { &all[..3] } else { all }
}

fn job(algorithm: SignatureAlgorithm, message: &Value) -> Value {
    let key = key(algorithm);
    json!({
        "algorithm": algorithm.as_str(),
        "key": key.to_pkcs8_pem().as_str(),
        "keyid": key.public_key().thumbprint().to_string(),
        "components": components(message),
    })
}

/// What a script writes, given this to read.
async fn output_of(command: Command, input: &str) -> String {
    let mut command = tokio::process::Command::from(command);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut script = command.spawn().unwrap();
    script.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    let output = script.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The answers are as expected, all of them.
async fn check(command: Command, expected: Vec<(String, Value, Value)>) {
    let jobs: Vec<_> = expected.iter().map(|(_, job, _)| job).collect();
    let answers: Vec<Value> =
        serde_json::from_str(&output_of(command, &json!(jobs).to_string()).await).unwrap();
    assert_eq!(answers.len(), expected.len());
    for ((name, _, expected), mut answer) in expected.into_iter().zip(answers) {
        if !answer["code"].is_null() {
            // The problem document, which is not for here.
            answer["body"] = Value::Null;
        }
        assert_eq!(answer, expected, "{name}");
    }
}

fn refused(status: u16, code: &str) -> Value {
    json!({ "status": status, "code": code, "body": null })
}

/// Requests that the library signs and sends: as they were signed, and with one thing changed on the way.
async fn signs(command: Command, algorithms: &[SignatureAlgorithm]) {
    let server = tracker().await;
    let issues = format!("http://{server}/rest/issues?a=%2F&b=");
    let get = message("GET", &issues, &[("Trusted-App-User", "\"alice\"")], b"");
    let fields = [("Trusted-App-User", "%\"m%c3%bcller\""), ("Content-Type", "text/plain")];
    let post = message("POST", &issues, &fields, b"printer on fire");

    let accepted = |body: &str| json!({ "status": 200, "code": null, "body": body });
    let mut expected = Vec::new();
    for &algorithm in algorithms {
        let mut expect = |what: &str, signed: &Value, sent: &Value, answer: Value| {
            let mut job = job(algorithm, signed);
            (job["signed"], job["sent"]) = (signed.clone(), sent.clone());
            expected.push((format!("{algorithm}, {what}"), job, answer));
        };
        expect("GET", &get, &get, accepted("alice: "));
        expect("POST", &post, &post, accepted("müller: printer on fire"));
        for (what, signed, member, value) in [
            ("another user", &get, "Trusted-App-User", "\"bob\""),
            ("another method", &get, "method", "DELETE"),
            ("another query", &get, "url", &*issues.replace("%2F", "/")),
            ("another user of a body", &post, "Trusted-App-User", "\"bob\""),
            ("another path", &post, "url", &*issues.replace("issues", "users")),
            ("another type", &post, "Content-Type", "text/html"),
        ] {
            expect(what, signed, &changed(signed, member, value), refused(401, "invalid_signature"));
        }
        let other = BASE64_STANDARD.encode("printer is fine");
        expect("another body", &post, &changed(&post, "body", &other), refused(400, "digest_mismatch"));
    }
    check(command, expected).await;
}

/// What our client sends for alice and Müller by this key, as a server gets it.
async fn sent_by_our_client(algorithm: SignatureAlgorithm) -> [Value; 2] {
    let got = Arc::new(Mutex::new(Vec::new()));
    let server = serve(|address| {
        let got = Arc::clone(&got);
        Router::new().fallback(move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
            let fields: Vec<_> =
                headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
            let url = format!("http://{address}{uri}");
            got.lock().unwrap().push(message(method.as_str(), &url, &fields, &body));
        })
    })
    .await;
    let client = HttpSignLayer::new(key(algorithm))
        .layer(Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>());
    let url = format!("http://{server}/rest/issues?a=%2F&b=");
    let get = Request::get(&url).extension(ActAs::new("alice")).body(Full::<Bytes>::default());
    let post = Request::post(&url).extension(ActAs::new("müller")).header("content-type", "text/plain");
    for request in [get, post.body("printer on fire".into())] {
        assert_eq!(client.clone().oneshot(request.unwrap()).await.unwrap().status(), 200);
    }
    let got = got.lock().unwrap().clone();
    got.try_into().unwrap()
}

/// Requests that our client signed and sent: as they arrive, and with one thing changed.
async fn verifies(command: Command, algorithms: &[SignatureAlgorithm]) {
    let mut expected = Vec::new();
    for &algorithm in algorithms {
        let [get, post] = sent_by_our_client(algorithm).await;
        let mut expect = |what: &str, message: &Value, accepted: bool| {
            let mut job = job(algorithm, message);
            job["verify"] = message.clone();
            expected.push((format!("{algorithm}, {what}"), job, accepted.into()));
        };
        expect("GET", &get, true);
        expect("POST", &post, true);
        let path = post["url"].as_str().unwrap().replace("issues", "users");
        for (what, message, member, value) in [
            ("another user", &get, "trusted-app-user", "\"bob\""),
            ("another method", &get, "method", "DELETE"),
            ("another path", &post, "url", &*path),
            ("another type", &post, "content-type", "text/html"),
            ("another body", &post, "body", &*BASE64_STANDARD.encode("printer is fine")),
        ] {
            expect(what, &changed(message, member, value), false);
        }
    }
    check(command, expected).await;
}

const PYTHON: &str = "a Python with tests/foreign/requirements.txt";
const NODE: &str = "Node.js, with tests/foreign/package.json in target/node";

#[tokio::test]
async fn pypi_http_message_signatures() {
    let script = || foreign::python("message_signatures.py");
    let (Some(signer), Some(verifier)) = (script(), script()) else {
        return test_services::missing(PYTHON);
    };
    signs(signer, &SignatureAlgorithm::ALL).await;
    verifies(verifier, &SignatureAlgorithm::ALL).await;
}

#[tokio::test]
async fn pypi_requests_http_signature() {
    let script = || foreign::python("requests_auth.py");
    let (Some(signer), Some(verifier)) = (script(), script()) else {
        return test_services::missing(PYTHON);
    };
    signs(signer, &SignatureAlgorithm::ALL).await;
    verifies(verifier, &SignatureAlgorithm::ALL).await;
}

#[tokio::test]
async fn npm_http_message_signatures() {
    let script = || foreign::node("message_signatures.cjs");
    let (Some(signer), Some(verifier)) = (script(), script()) else { return test_services::missing(NODE) };
    signs(signer, &[Ed25519, EcdsaP256Sha256]).await;
    verifies(verifier, &SignatureAlgorithm::ALL).await;
}

#[tokio::test]
async fn npm_http_message_signatures_has_another_salt() {
    let Some(script) = foreign::node("message_signatures.cjs") else { return test_services::missing(NODE) };
    let url = format!("http://{}/rest/issues", tracker().await);
    let get = message("GET", &url, &[("Trusted-App-User", "\"alice\"")], b"");
    let mut job = job(RsaPssSha512, &get);
    (job["signed"], job["sent"]) = (get.clone(), get);
    check(script, vec![("a salt of 222 bytes".to_owned(), job, refused(401, "invalid_signature"))]).await;
}

#[tokio::test]
async fn npm_http_message_sig() {
    let script = || foreign::node("message_sig.cjs");
    let (Some(signer), Some(verifier)) = (script(), script()) else { return test_services::missing(NODE) };
    signs(signer, &[Ed25519, RsaPssSha512]).await;
    verifies(verifier, &[Ed25519, RsaPssSha512]).await;
}

#[tokio::test]
async fn pypi_jwcrypto_names_keys_as_we_do() {
    let Some(script) = foreign::python("jwk_thumbprints.py") else { return test_services::missing(PYTHON) };
    let keys = SignatureAlgorithm::ALL.map(|algorithm| key(algorithm).public_key().clone());
    let jwks = keys.each_ref().map(|key| key.to_jwk() + "\n").concat();
    let ours = keys.each_ref().map(|key| key.thumbprint().to_string());
    let theirs = output_of(script, &jwks).await;
    assert_eq!(theirs.lines().collect::<Vec<_>>(), ours);
}
