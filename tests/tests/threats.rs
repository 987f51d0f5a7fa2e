//! Each attack of the profile's threat table, carried out against running servers, with Seraph beside it.
//!
//! | Attack | Seraph | HTTP message signatures | Test |
//! |---|---|---|---|
//! | forge from one capture | refused from version 2 on; 0 and 1: `trusted-app-core`, `attacks` | refused | `forge_from_one_capture` |
//! | change the URL | refused | refused | `change_the_url` |
//! | swap the user | works in version 2, not in 3 | refused | `swap_the_user` |
//! | change the method | works | refused | `change_the_method` |
//! | change the body | works | refused | `change_the_body` |
//! | inject a header that overrides | works | refused | `inject_an_override` |
//! | replay within the time-out | works, unless replay protection is on | refused | `replay` |
//! | replay at another server | refused: the server knows its own URL | refused | `replay_at_another_server` |
//! | collision of SHA-1 | possible, costly | no SHA-1 | not carried out |
//! | confusion of algorithms | - | refused | `confuse_the_algorithm` |
//! | downgrade | refused | refused | `downgrade` |
//! | flood of nonces | - | leaves nothing behind | `flood_the_replay_store` |
//! | server-side request forgery, hijacked directory | - | refused | `trusted-app-admin`, `directories` |
//! | stolen key, act as administrator | refused | refused | `act_as_an_administrator` |
//! | error oracle | says which id is known, as the original does, unless told not to | says nothing | `ask_the_errors` |

use std::net::SocketAddr;
use std::sync::LazyLock;

use axum::Router;
use axum::routing::any;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::net::TcpListener;
use tower_trusted_app::conditions::PathRule;
use tower_trusted_app::crypto::{PrivateSignatureKey, SignatureAlgorithm};
use tower_trusted_app::httpsig::{self, RequestMessage, SIGNATURE_INPUT, UserField};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::replay::MemoryReplayStore;
use tower_trusted_app::seraph::{self, CERTIFICATE, ERROR, TransportError};
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{Clock, HttpSignatures, KnownUser, Scheme, SystemClock};
use trusted_app_axum::Caller;
use trusted_app_test::TestIdentity;
use trusted_app_tests::once::{SIGNER_KEY, signer};

static WIKI: LazyLock<TestIdentity> = LazyLock::new(TestIdentity::wiki);
/// An application that is still at version 2.
static OLD: LazyLock<TestIdentity> = LazyLock::new(|| TestIdentity::stranger().with_id("old"));

/// A server on loopback that says as whom, by which method and with which body it was called.
struct Server {
    address: SocketAddr,
    claims: MemoryReplayStore,
}

impl Server {
    async fn start() -> Self {
        async fn echo(method: Method, caller: Caller<()>, body: Bytes) -> String {
            format!("{} {method} {}", caller.user_name(), String::from_utf8_lossy(&body))
        }
        let rest = || PathRule::prefixes(["/rest"]);
        let keys = MemoryKeyStore::new([
            signer().addresses("127.0.0.1".parse().unwrap()).paths(rest()).build().unwrap(),
            WIKI.trusted().paths(rest()).build().unwrap(),
            OLD.trusted().paths(rest()).schemes([Scheme::InsecureSeraphV2]).build().unwrap(),
        ])
        .unwrap();
        let users = MemoryDirectory::of_names(["alice", "carol"]);
        users.insert_user(KnownUser::new("root", ()).as_administrator());
        let claims = MemoryReplayStore::new(1000);

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let layer =
            trusted_app_axum::layer_builder(keys, users, format!("http://{address}").parse().unwrap())
                .replay_store(claims.clone())
                .http_signatures(HttpSignatures::default())
                .build()
                .unwrap();
        let router = Router::new().route("/rest/{*path}", any(echo)).layer(layer);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { address, claims }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request of the wiki's, by Seraph 3.
    fn seraph(&self, user: &str, method: &str, path: &str, body: &'static str) -> Sent {
        self.seraph_of(&WIKI, Scheme::SeraphV3, user, method, path, body)
    }

    fn seraph_of(
        &self,
        of: &TestIdentity,
        scheme: Scheme,
        user: &str,
        method: &str,
        path: &str,
        body: &'static str,
    ) -> Sent {
        let mut sent = Sent::new(method, path, body);
        let url = self.url(path);
        let signing = seraph::SigningRequest::new(user, &url, SystemClock.now()).with_scheme(scheme);
        signing.sign(of.local()).unwrap().apply(&mut sent.headers);
        sent
    }

    /// A request of the signer's, by an HTTP message signature.
    fn modern(&self, user: &str, method: &str, path: &str, body: &'static str) -> Sent {
        self.modern_by(&SIGNER_KEY, user, method, path, body)
    }

    fn modern_by(
        &self,
        key: &PrivateSignatureKey,
        user: &str,
        method: &str,
        path: &str,
        body: &'static str,
    ) -> Sent {
        let mut sent = Sent::new(method, path, body);
        let url = self.url(path);
        let message = RequestMessage { method: &sent.method, url: &url, headers: &sent.headers };
        let user = UserField::new(user).unwrap();
        let signing = httpsig::SigningRequest::new(user, message, SystemClock.now());
        let headers = signing.with_body(body.as_bytes()).sign(key).unwrap();
        headers.apply(&mut sent.headers);
        sent
    }

    async fn send(&self, sent: &Sent) -> Answer {
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let mut request = Request::builder().method(sent.method.clone()).uri(self.url(&sent.path));
        *request.headers_mut().unwrap() = sent.headers.clone();
        let response = client.request(request.body(Full::from(sent.body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    async fn works(&self, sent: &Sent, answer: &str) {
        let got = self.send(sent).await;
        assert_eq!((got.status, &*String::from_utf8_lossy(&got.body)), (200, answer));
    }

    async fn refuses(&self, sent: &Sent, status: u16, code: &str) {
        assert_eq!(self.send(sent).await.refusal(), (status, code.to_owned()));
    }
}

/// A request as it was captured, and as an attacker changes it.
#[derive(Clone)]
struct Sent {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: &'static str,
}

impl Sent {
    fn new(method: &str, path: &str, body: &'static str) -> Self {
        let mut headers = HeaderMap::new();
        if !body.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        }
        Self { method: method.parse().unwrap(), path: path.to_owned(), headers, body }
    }

    fn with_method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    fn with_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    fn with_body(mut self, body: &'static str) -> Self {
        self.body = body;
        self
    }

    fn with(mut self, name: impl Into<HeaderName>, value: &str) -> Self {
        self.headers.insert(name.into(), value.parse().unwrap());
        self
    }

    /// With another parameter at the end of the signature's input.
    fn with_parameter(self, parameter: &str) -> Self {
        let input = self.headers[SIGNATURE_INPUT].to_str().unwrap().to_owned() + parameter;
        self.with(SIGNATURE_INPUT, &input)
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// Status and code, of either scheme.
    fn refusal(&self) -> (u16, String) {
        assert!(self.status >= 400, "{self:?}");
        let code = match self.headers.get(ERROR) {
            Some(error) => TransportError::from_header_value(error).unwrap().code().to_string(),
            None => {
                let problem: Value = serde_json::from_slice(&self.body).unwrap();
                problem["code"].as_str().unwrap().to_owned()
            }
        };
        (self.status, code)
    }

    /// Everything that a peer can tell apart, but the time.
    fn seen(&self) -> (u16, HeaderMap, &Bytes) {
        let mut headers = self.headers.clone();
        headers.remove(header::DATE);
        (self.status, headers, &self.body)
    }
}

#[tokio::test]
async fn forge_from_one_capture() {
    let server = Server::start().await;
    let capture = server.seraph("alice", "GET", "/rest/a", "");
    server.works(&capture, "alice GET ").await;
    let stamp = SystemClock.now();
    let forged = BASE64_STANDARD.encode(format!("{stamp}\ncarol\n-1159983122"));
    server.refuses(&capture.with(CERTIFICATE, &forged), 401, "BAD_SIGNATURE").await;

    let capture = server.modern("alice", "GET", "/rest/a", "");
    server.works(&capture, "alice GET ").await;
    let mut forged = server.modern("carol", "GET", "/rest/b", "");
    forged.headers.insert(httpsig::SIGNATURE, capture.headers[httpsig::SIGNATURE].clone());
    server.refuses(&forged, 401, "invalid_signature").await;
}

#[tokio::test]
async fn change_the_url() {
    let server = Server::start().await;
    for changed in ["/rest/b", "/rest/a?x=1", "/rest/A", "/rest/%61"] {
        let capture = server.seraph("alice", "GET", "/rest/a", "");
        server.refuses(&capture.with_path(changed), 401, "BAD_SIGNATURE").await;
        let capture = server.modern("alice", "GET", "/rest/a", "");
        server.refuses(&capture.with_path(changed), 401, "invalid_signature").await;
    }
}

#[tokio::test]
async fn swap_the_user() {
    let server = Server::start().await;
    let swap = |capture: Sent, certificate: Vec<u8>| {
        let swapped: Vec<_> = certificate
            .into_iter()
            .enumerate()
            .map(|(at, byte)| match at.checked_sub(14) {
                Some(at @ 0..5) => byte ^ b"alice"[at] ^ b"carol"[at],
                _ => byte,
            })
            .collect();
        capture.with(CERTIFICATE, &BASE64_STANDARD.encode(swapped))
    };
    let certificate = |sent: &Sent| BASE64_STANDARD.decode(&sent.headers[CERTIFICATE]).unwrap();

    // A stream cipher over a text that is known.
    let capture = server.seraph_of(&OLD, Scheme::InsecureSeraphV2, "alice", "GET", "/rest/a", "");
    let known = certificate(&capture);
    server.works(&swap(capture, known), "carol GET ").await;

    let capture = server.seraph("alice", "GET", "/rest/a", "");
    let known = certificate(&capture);
    assert_eq!(&known[14..19], b"alice");
    server.refuses(&swap(capture, known), 401, "BAD_SIGNATURE").await;

    let capture = server.modern("alice", "GET", "/rest/a", "");
    server.refuses(&capture.with(httpsig::TRUSTED_APP_USER, "\"carol\""), 401, "invalid_signature").await;
}

#[tokio::test]
async fn change_the_method() {
    let server = Server::start().await;
    let capture = server.seraph("alice", "GET", "/rest/a", "");
    server.works(&capture.with_method(Method::DELETE), "alice DELETE ").await;
    let capture = server.modern("alice", "GET", "/rest/a", "");
    server.refuses(&capture.with_method(Method::DELETE), 401, "invalid_signature").await;
}

#[tokio::test]
async fn change_the_body() {
    let server = Server::start().await;
    let capture = server.seraph("alice", "POST", "/rest/a", "pay 1");
    server.works(&capture.with_body("pay 9"), "alice POST pay 9").await;

    let capture = || server.modern("alice", "POST", "/rest/a", "pay 1");
    server.works(&capture(), "alice POST pay 1").await;
    server.refuses(&capture().with_body("pay 9"), 400, "digest_mismatch").await;
    server.refuses(&capture().with_body(""), 400, "digest_mismatch").await;
    let of_another = server.modern("alice", "POST", "/rest/a", "pay 9");
    let digest = of_another.headers[httpsig::CONTENT_DIGEST].to_str().unwrap();
    let both = capture().with_body("pay 9").with(httpsig::CONTENT_DIGEST, digest);
    server.refuses(&both, 401, "invalid_signature").await;
    // One that had none.
    let capture = server.modern("alice", "GET", "/rest/a", "");
    server.refuses(&capture.with_body("pay 9"), 401, "coverage").await;
}

#[tokio::test]
async fn inject_an_override() {
    let server = Server::start().await;
    for name in
        ["x-http-method-override", "x-original-url", "x-rewrite-url", "authorization", "idempotency-key"]
    {
        let name = HeaderName::from_static(name);
        let capture = server.seraph("alice", "GET", "/rest/a", "");
        server.works(&capture.with(name.clone(), "DELETE"), "alice GET ").await;
        let capture = server.modern("alice", "GET", "/rest/a", "");
        server.refuses(&capture.with(name, "DELETE"), 401, "coverage").await;
    }
}

#[tokio::test]
async fn replay() {
    let server = Server::start().await;
    let capture = server.seraph("alice", "POST", "/rest/a", "pay 1");
    server.works(&capture, "alice POST pay 1").await;
    server.works(&capture, "alice POST pay 1").await;
    let capture = server.modern("alice", "POST", "/rest/a", "pay 1");
    server.works(&capture, "alice POST pay 1").await;
    server.refuses(&capture, 401, "replayed").await;
}

#[tokio::test]
async fn replay_at_another_server() {
    let (server, other) = (Server::start().await, Server::start().await);
    // Both trust the same applications; a proxy or the attacker names the first.
    let host = server.address.to_string();
    let capture = server.seraph("alice", "GET", "/rest/a", "");
    other.refuses(&capture.with(header::HOST, &host), 401, "BAD_SIGNATURE").await;
    for (name, value) in
        [("host", &*host), ("x-forwarded-host", &*host), ("forwarded", &*format!("host=\"{host}\""))]
    {
        let capture = server.modern("alice", "GET", "/rest/a", "");
        let named = capture.with(HeaderName::from_static(name), value);
        other.refuses(&named, 401, "invalid_signature").await;
    }
}

#[tokio::test]
async fn confuse_the_algorithm() {
    let server = Server::start().await;
    for algorithm in ["hmac-sha256", "rsa-v1_5-sha256", "rsa-pss-sha512", "ecdsa-p256-sha256", "none", ""] {
        let capture = server.modern("alice", "GET", "/rest/a", "");
        let confused = capture.with_parameter(&format!(";alg=\"{algorithm}\""));
        server.refuses(&confused, 401, "invalid_signature").await;
    }
    // The right one, but it was not signed.
    let capture = server.modern("alice", "GET", "/rest/a", "").with_parameter(";alg=\"ed25519\"");
    server.refuses(&capture, 401, "invalid_signature").await;
}

#[tokio::test]
async fn downgrade() {
    let server = Server::start().await;
    // Both at once: neither decides.
    let mut both = server.modern("alice", "GET", "/rest/a", "");
    both.headers.extend(server.seraph("alice", "GET", "/rest/a", "").headers);
    server.refuses(&both, 400, "ambiguous").await;

    // The modern fields taken away, nothing else is left; and the name in its field says nothing.
    let mut stripped = server.modern("alice", "GET", "/rest/a", "");
    stripped.headers.remove(SIGNATURE_INPUT);
    stripped.headers.remove(httpsig::SIGNATURE);
    let answer = server.send(&stripped).await;
    assert_eq!(answer.status, 401, "{answer:?}");

    // Seraph under the id of an application that uses signatures alone.
    let impostor = WIKI.clone().with_id("signer");
    let legacy = server.seraph_of(&impostor, Scheme::SeraphV3, "alice", "GET", "/rest/a", "");
    assert!(server.send(&legacy).await.status >= 400);
    // Version 2 of an application that is at version 3.
    let older = server.seraph_of(&WIKI, Scheme::InsecureSeraphV2, "alice", "GET", "/rest/a", "");
    server.refuses(&older, 401, "BAD_PROTOCOL_VERSION").await;
}

#[tokio::test]
async fn flood_the_replay_store() {
    let server = Server::start().await;
    let stranger = PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519).unwrap();
    for number in 0..1_000 {
        let path = format!("/rest/{number}");
        server
            .refuses(&server.modern_by(&stranger, "alice", "GET", &path, ""), 401, "invalid_signature")
            .await;
        let capture = server.modern("alice", "GET", &path, "").with_path("/rest/other");
        server.refuses(&capture, 401, "invalid_signature").await;
        // Signed, and refused later.
        server.refuses(&server.modern("root", "GET", &path, ""), 403, "forbidden").await;
    }
    assert!(server.claims.is_empty());
    server.works(&server.modern("alice", "GET", "/rest/a", ""), "alice GET ").await;
    assert_eq!(server.claims.len(), 1);
}

#[tokio::test]
async fn act_as_an_administrator() {
    let server = Server::start().await;
    server.refuses(&server.modern("root", "GET", "/rest/a", ""), 403, "forbidden").await;
    let answer = server.send(&server.seraph("root", "GET", "/rest/a", "")).await;
    assert_eq!(answer.refusal().0, 403);
}

#[tokio::test]
async fn ask_the_errors() {
    let server = Server::start().await;
    let stranger = PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519).unwrap();
    let unknown_key = server.send(&server.modern_by(&stranger, "alice", "GET", "/rest/a", "")).await;
    let unknown_user = server.send(&server.modern_by(&stranger, "nobody", "GET", "/rest/a", "")).await;
    let broken = server.modern("alice", "GET", "/rest/b", "").with_path("/rest/a");
    let known_key = server.send(&broken).await;
    let broken = server.modern("root", "GET", "/rest/b", "").with_path("/rest/a");
    let administrator = server.send(&broken).await;
    assert_eq!(unknown_key.refusal(), (401, "invalid_signature".to_owned()));
    for other in [&unknown_user, &known_key, &administrator] {
        assert_eq!(other.seen(), unknown_key.seen());
    }

    // What the original says, and Atlassian's clients rely on.
    let unknown = TestIdentity::tracker();
    let unknown = server.seraph_of(&unknown, Scheme::SeraphV3, "alice", "GET", "/rest/a", "");
    server.refuses(&unknown, 401, "APP_UNKNOWN").await;
    let known = server.seraph("alice", "GET", "/rest/b", "").with_path("/rest/a");
    server.refuses(&known, 401, "BAD_SIGNATURE").await;
}
