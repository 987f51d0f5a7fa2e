//! Over HTTP/1.1 and HTTP/2: whatever our client signs our server takes, and no change on the way to a part that
//! is covered passes.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use bytes::Bytes;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use tokio::net::TcpListener;
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_trusted_app::client::{ActAs, HttpSignLayer};
use tower_trusted_app::conditions::PathRule;
use tower_trusted_app::crypto::PrivateSignatureKey;
use tower_trusted_app::httpsig::{
    SIGNATURE, SIGNATURE_INPUT, SignatureFields, SignaturePolicy, TRUSTED_APP_USER, UserField,
};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::replay::MemoryReplayStore;
use tower_trusted_app::users::user_directory_fn;
use tower_trusted_app::{ApplicationId, HttpSignatures, TrustedApplication, UserLookup};
use trusted_app_axum::Caller;

/// RFC 8037, appendix A.
static KEY: LazyLock<PrivateSignatureKey> = LazyLock::new(|| {
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    PrivateSignatureKey::from_jwk(jwk).unwrap()
});

#[test]
fn over_http_1() {
    holds(false);
}

#[test]
fn over_http_2() {
    holds(true);
}

fn holds(http2: bool) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(HttpSignatures::default()));
    let client = Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() });
    let cases = (message(), message(), any::<Index>(), 0..8_u8);
    let outcome = runner.run(&cases, |(sent, other, at, bit)| {
        prop_assume!(sent.method != other.method && sent.target != other.target && sent.user != other.user);
        runtime.block_on(async {
            let signed = sent.sign(server.address).await;
            // First those that must not pass: the nonce is still good after all of them.
            for changed in signed.changed(&other, at, bit) {
                // A server that refuses by the headers alone may end the connection under the body.
                let status = changed.send(&client).await.map(|answer| answer.status());
                prop_assert!(
                    status.as_ref().map_or(true, StatusCode::is_client_error),
                    "{status:?} for {changed:?}"
                );
                prop_assert_eq!(server.seen(), None, "{:?}", changed);
            }
            let answer = signed.send(&client).await.unwrap();
            prop_assert_eq!(answer.status(), StatusCode::OK, "{:?} {:?}", &answer, &signed);
            prop_assert_eq!(server.seen(), Some(sent));
            Ok(())
        })
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// A proxy that adds each of these to every request: the handler sees those that the application signed, and no other.
#[tokio::test]
async fn what_the_servers_own_proxy_adds_reaches_no_handler() {
    let added = FIELDS.into_iter().filter(|name| !["accept", "content-type", "x-other"].contains(name));
    let added: Vec<_> = added.map(HeaderName::from_static).collect();
    let policy = SignaturePolicy::default().with_proxy_fields(added.clone()).unwrap();
    let server = Server::start(HttpSignatures::default().policy(policy)).await;
    let not_told = Server::start(HttpSignatures::default()).await;
    for http2 in [false, true] {
        let client = Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
        for covered in [None].into_iter().chain(added.iter().map(Some)) {
            let value = HeaderValue::from_static("x");
            let headers = covered.into_iter().map(|name| (name.clone(), value.clone())).collect();
            let (user, target, body) = ("alice".into(), "/rest?q=1".parse().unwrap(), Bytes::new());
            let sent = Message { user, method: Method::GET, target, headers, body };
            let passed_on = async |server: &Server| {
                let mut signed = sent.sign(server.address).await;
                for name in added.iter().filter(|name| Some(*name) != covered) {
                    signed.parts.headers.append(name, value.clone());
                }
                let status = signed.send(&client).await.unwrap().status();
                (status, server.seen())
            };
            assert_eq!(passed_on(&server).await, (StatusCode::OK, Some(sent.clone())));
            assert_eq!(passed_on(&not_told).await, (StatusCode::UNAUTHORIZED, None));
        }
    }
}

/// What an application sends for a user, and what a handler gets of it.
#[derive(Clone, PartialEq)]
struct Message {
    user: String,
    method: Method,
    target: PathAndQuery,
    headers: HeaderMap,
    body: Bytes,
}

// Without the bytes of the body.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, method, target, headers, body } = self;
        write!(f, "{method} {target} for {user:?}, {} bytes, {headers:?}", body.len())
    }
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { method, uri, headers, .. } = &self.parts;
        write!(f, "{method} {uri}, {} bytes, {headers:?}", self.body.len())
    }
}

impl Message {
    /// As our client's layer hands it on.
    async fn sign(&self, to: SocketAddr) -> Signed {
        let signed = Arc::new(Mutex::new(None));
        let wire = {
            let signed = Arc::clone(&signed);
            service_fn(move |request: Request<Full<Bytes>>| {
                let signed = Arc::clone(&signed);
                async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await?.to_bytes();
                    *signed.lock().unwrap() = Some(Signed { parts, body });
                    Ok::<_, Infallible>(Response::new(()))
                }
            })
        };
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(format!("http://{to}{}", self.target))
            .extension(ActAs::new(self.user.as_str()));
        *request.headers_mut().unwrap() = self.headers.clone();
        let request = request.body(Full::new(self.body.clone())).unwrap();
        HttpSignLayer::new(KEY.clone()).layer(wire).oneshot(request).await.unwrap();
        signed.lock().unwrap().take().unwrap()
    }
}

/// A request as it is on the way.
#[derive(Clone)]
struct Signed {
    parts: Parts,
    body: Bytes,
}

impl Signed {
    async fn send(&self, client: &Client<HttpConnector, Full<Bytes>>) -> Result<Response<Bytes>, BoxError> {
        let request = Request::from_parts(self.parts.clone(), Full::new(self.body.clone()));
        let (parts, body) = client.request(request).await?.into_parts();
        Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
    }

    /// Each single change to what is covered, with `other` for what comes in its place.
    fn changed(&self, other: &Message, at: Index, bit: u8) -> Vec<Self> {
        let with = |change: &dyn Fn(&mut Self)| {
            let mut changed = self.clone();
            change(&mut changed);
            changed
        };
        let uri = |target: &str| format!("http://{}{target}", self.parts.uri.authority().unwrap());
        let mut all = vec![
            with(&|signed| signed.parts.method = other.method.clone()),
            with(&|signed| signed.parts.uri = uri(other.target.as_str()).parse().unwrap()),
            with(&|signed| {
                let user = UserField::new(other.user.as_str()).unwrap().to_header_value();
                signed.parts.headers.insert(TRUSTED_APP_USER, user);
            }),
            with(&|signed| {
                let mut body = signed.body.to_vec();
                match body.len() {
                    0 => body.push(bit),
                    length => body[at.index(length)] ^= 1 << bit,
                }
                signed.body = body.into();
            }),
            with(&|signed| signed.body = [&signed.body[..], b"x"].concat().into()),
        ];
        if !self.body.is_empty() {
            all.push(with(&|signed| signed.body.truncate(at.index(signed.body.len()))));
        }
        for name in covered(&self.parts.headers) {
            all.push(with(&|signed| drop(signed.parts.headers.remove(&name))));
            all.push(with(&|signed| {
                signed.parts.headers.append(&name, HeaderValue::from_static("x"));
            }));
        }
        for name in [SIGNATURE_INPUT, SIGNATURE] {
            let changed = with(&|signed| {
                let mut value = signed.parts.headers[&name].as_bytes().to_vec();
                let at = at.index(value.len());
                value[at] = if value[at] == b'A' { b'B' } else { b'A' };
                signed.parts.headers.insert(&name, HeaderValue::from_bytes(&value).unwrap());
            });
            // The last bits of base64 and its padding mean nothing.
            let signature = |signed: &Self| {
                SignatureFields::of(&signed.parts.headers).and_then(|fields| fields.signature("ta"))
            };
            if name != SIGNATURE || signature(&changed) != signature(self) {
                all.push(changed);
            }
        }
        all
    }
}

/// The names that a signature covers, as they stand in its own field.
fn covered(headers: &HeaderMap) -> Vec<HeaderName> {
    let input = headers[SIGNATURE_INPUT].to_str().unwrap();
    let list = input.split_once('(').unwrap().1.split_once(')').unwrap().0;
    list.split(' ').filter_map(|name| HeaderName::try_from(name.trim_matches('"')).ok()).collect()
}

/// A server on loopback that speaks both versions, and keeps what its handler got.
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Option<Message>>>,
}

impl Server {
    async fn start(signatures: HttpSignatures) -> Self {
        let seen = Arc::new(Mutex::new(None));
        let handler = {
            let seen = Arc::clone(&seen);
            move |caller: Caller<()>, method: Method, uri: Uri, mut headers: HeaderMap, body: Bytes| async move {
                let ours = headers.keys().filter(|name| !FIELDS.contains(&name.as_str())).cloned();
                for name in ours.collect::<Vec<_>>() {
                    headers.remove(name);
                }
                let user = caller.user_name().to_owned();
                let target = uri.path_and_query().unwrap().clone();
                *seen.lock().unwrap() = Some(Message { user, method, target, headers, body });
            }
        };
        let wiki = TrustedApplication::signing_builder("wiki".parse().unwrap(), KEY.public_key().clone())
            .addresses("127.0.0.1".parse().unwrap())
            .paths(PathRule::any())
            .build()
            .unwrap();
        let anybody = user_directory_fn(|_: ApplicationId, name: String| async move {
            Ok::<_, Infallible>(UserLookup::found(name, ()))
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}").parse().unwrap();
        let layer = trusted_app_axum::layer_builder(MemoryKeyStore::new([wiki]).unwrap(), anybody, url)
            .replay_store(MemoryReplayStore::new(1000))
            .http_signatures(signatures)
            .build()
            .unwrap();
        let router = Router::new().fallback(handler).layer(layer);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { address, seen }
    }

    /// What the handler got since the last time.
    fn seen(&self) -> Option<Message> {
        self.seen.lock().unwrap().take()
    }
}

const FIELDS: [&str; 7] = [
    "accept",
    "authorization",
    "content-encoding",
    "content-type",
    "idempotency-key",
    "x-http-method-override",
    "x-other",
];

prop_compose! {
    fn message()(
        user in user(),
        method in method(),
        target in target(),
        headers in headers(),
        body in prop_oneof![
            Just(Vec::new()),
            proptest::collection::vec(any::<u8>(), 1..64),
            // More than a frame of HTTP/2.
            any::<u8>().prop_map(|byte| vec![byte; 20_000]),
        ],
    ) -> Message {
        Message { user, method, target, headers, body: body.into() }
    }
}

/// Any name that the profile takes.
fn user() -> impl Strategy<Value = String> {
    ".{1,40}".prop_filter("a name of the profile", |name| UserField::new(name.as_str()).is_ok())
}

/// Any method but the one that asks for a tunnel.
fn method() -> impl Strategy<Value = Method> {
    prop_oneof!["GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS|TRACE", "[A-Z]{1,10}"]
        .prop_filter("a tunnel", |name| name != "CONNECT")
        .prop_map(|name| Method::from_bytes(name.as_bytes()).unwrap())
}

fn target() -> impl Strategy<Value = PathAndQuery> {
    r"(/[!-~&&[^?#]]{0,12}){1,3}(\?[!-~&&[^#]]{0,20})?"
        .prop_filter_map("a target", |target| target.parse().ok())
}

fn headers() -> impl Strategy<Value = HeaderMap> {
    let field = (proptest::sample::select(&FIELDS[..]), r"([!-~]([ -~]{0,12}[!-~])?)?");
    proptest::collection::vec(field, 0..6).prop_map(|fields| {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            if name != "content-type" {
                headers.append(name, HeaderValue::try_from(value).unwrap());
            }
        }
        headers.insert("content-type", HeaderValue::from_static("application/octet-stream"));
        headers
    })
}
