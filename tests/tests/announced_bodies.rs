//! Bodies that a proxy announces and that need not come, over HTTP/1.1 and HTTP/2: a request has content when a byte of
//! it comes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::{Stream, StreamExt as _};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::replay::MemoryReplayStore;
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{BoxError, HttpSignatures, SystemClock};
use trusted_app_axum::Caller;
use trusted_app_tests::once::{sign_message, signer};

/// How long the servers here wait for a body.
const WITHIN: Duration = Duration::from_millis(500);
/// Enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Status, and the code of a refusal.
type Answer = (u16, Option<String>);

const ACCEPTED: Answer = (200, None);

fn refused(status: u16, code: &str) -> Answer {
    (status, Some(code.to_owned()))
}

/// A server on loopback that speaks both versions, whose handler reads the body.
struct Server {
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
}

impl Server {
    async fn start(signatures: HttpSignatures) -> Self {
        let calls = Arc::new(AtomicUsize::new(0));
        let handler = {
            let calls = Arc::clone(&calls);
            async move |_: Caller<()>, body: Bytes| {
                assert!(body.is_empty(), "{body:?}");
                calls.fetch_add(1, Ordering::Relaxed);
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let layer = trusted_app_axum::layer_builder(
            MemoryKeyStore::new([signer().build().unwrap()]).unwrap(),
            MemoryDirectory::of_names(["alice"]),
            format!("http://{address}").parse().unwrap(),
        );
        let layer = layer.replay_store(MemoryReplayStore::default()).http_signatures(signatures);
        let app = Router::new().fallback(handler).layer(layer.build().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, calls }
    }

    /// Both ways to hold a body against its digest.
    async fn both() -> [Self; 2] {
        let signatures = HttpSignatures::default().body_limit(1024, WITHIN);
        [Self::start(signatures.clone()).await, Self::start(signatures.streaming()).await]
    }

    /// A request of alice's without content.
    fn signed(&self) -> Request<()> {
        let request = Request::get(format!("http://{}/rest/issues", self.address)).body(()).unwrap();
        sign_message(request, "alice", None, &SystemClock)
    }

    /// How often the handler was called since the last time.
    fn calls(&self) -> usize {
        self.calls.swap(0, Ordering::Relaxed)
    }
}

fn code(headers: &HeaderMap) -> Option<String> {
    headers.get("trusted-app-error").map(|code| code.to_str().unwrap().to_owned())
}

/// What a client does after the head of its request.
#[derive(Debug, Clone, Copy)]
enum Then {
    Sends(&'static str),
    Pauses,
    Closes,
}

/// Sends a signed request with this field, and what comes after its head, and reads the answer.
async fn over_http_1(server: &Server, field: &str, then: &[Then]) -> Answer {
    let request = server.signed();
    let mut head = format!("GET /rest/issues HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", server.address);
    for (name, value) in request.headers() {
        head += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    head += field;
    head += "\r\n";
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut from, mut to) = stream.split();
    to.write_all(head.as_bytes()).await.unwrap();
    for then in then {
        match then {
            Then::Sends(text) => to.write_all(text.as_bytes()).await.unwrap(),
            Then::Pauses => tokio::time::sleep(WITHIN / 5).await,
            Then::Closes => to.shutdown().await.unwrap(),
        }
    }
    let mut answer = Vec::new();
    // It may end in a reset, once the server has answered and closed.
    drop(tokio::time::timeout(PATIENCE, from.read_to_end(&mut answer)).await.expect("the server closes"));
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {answer:?}")).parse().unwrap();
    let code = answer.lines().find_map(|line| line.strip_prefix("trusted-app-error: "));
    (status, code.map(str::to_owned))
}

#[tokio::test]
async fn http_1_has_content_when_a_byte_comes() {
    use Then::{Closes, Pauses, Sends};
    let chunked = "transfer-encoding: chunked\r\n";
    let coverage = refused(401, "coverage");
    for server in Server::both().await {
        for (field, then, expected) in [
            ("", &[][..], ACCEPTED),
            ("content-length: 0\r\n", &[], ACCEPTED),
            (chunked, &[Sends("0\r\n\r\n")], ACCEPTED),
            (chunked, &[Sends("0\r\nx-trailer: 1\r\n\r\n")], ACCEPTED),
            (chunked, &[Pauses, Sends("0\r\n"), Pauses, Sends("\r\n")], ACCEPTED),
            (chunked, &[Sends("1\r\nx\r\n0\r\n\r\n")], coverage.clone()),
            (chunked, &[Pauses, Sends("1\r\nx\r\n")], coverage.clone()),
            ("content-length: 1\r\n", &[], coverage.clone()),
            ("content-length: 1\r\n", &[Sends("x")], coverage.clone()),
            // Neither a byte nor the end.
            (chunked, &[], coverage.clone()),
            (chunked, &[Sends("1\r\n")], coverage.clone()),
            (chunked, &[Closes], refused(400, "malformed")),
        ] {
            let answer = over_http_1(&server, field, then).await;
            assert_eq!(answer, expected, "{field:?}, {then:?}");
            assert_eq!(server.calls(), usize::from(expected == ACCEPTED), "{field:?}, {then:?}");
        }
    }
}

type Frames = StreamBody<std::pin::Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, BoxError>> + Send>>>;

/// A body of these frames, whose `HEADERS` frame never ends the stream.
fn frames(frames: &[&'static str], ends: bool) -> Frames {
    let data: Vec<_> =
        frames.iter().map(|data| Ok(Frame::data(Bytes::from_static(data.as_bytes())))).collect();
    let data = tokio_stream::iter(data);
    StreamBody::new(match ends {
        true => Box::pin(data),
        false => Box::pin(data.chain(tokio_stream::pending())),
    })
}

fn trailers() -> Frames {
    let trailers = HeaderMap::from_iter([("x-trailer".parse().unwrap(), HeaderValue::from_static("1"))]);
    StreamBody::new(Box::pin(tokio_stream::once(Ok(Frame::trailers(trailers)))))
}

#[tokio::test]
async fn http_2_has_content_when_a_byte_comes() {
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let coverage = refused(401, "coverage");
    for server in Server::both().await {
        for (what, body, expected) in [
            ("END_STREAM on an empty DATA frame", frames(&[], true), ACCEPTED),
            ("empty DATA frames", frames(&["", ""], true), ACCEPTED),
            ("trailers", trailers(), ACCEPTED),
            ("a byte", frames(&["x"], true), coverage.clone()),
            ("a byte after an empty DATA frame", frames(&["", "x"], true), coverage.clone()),
            ("a byte without an end", frames(&["x"], false), coverage.clone()),
            ("neither a byte nor the end", frames(&[""], false), coverage.clone()),
        ] {
            let request = server.signed().map(|()| body);
            let answer = tokio::time::timeout(PATIENCE, client.request(request)).await.expect("an answer");
            let answer = answer.unwrap();
            assert_eq!((answer.status().as_u16(), code(answer.headers())), expected, "{what}");
            assert_eq!(server.calls(), usize::from(expected == ACCEPTED), "{what}");
        }
    }
}

/// Not sooner and not much later, and a byte is not waited for.
#[tokio::test]
async fn a_request_is_held_no_longer_than_a_body_may_take() {
    let chunked = "transfer-encoding: chunked\r\n";
    for server in Server::both().await {
        let begin = Instant::now();
        assert_eq!(over_http_1(&server, chunked, &[]).await, refused(401, "coverage"));
        assert!((WITHIN..PATIENCE / 2).contains(&begin.elapsed()), "{:?}", begin.elapsed());
    }
    let patient = Server::start(HttpSignatures::default().body_limit(1024, PATIENCE)).await;
    let begin = Instant::now();
    let byte = [Then::Sends("1\r\nx\r\n")];
    assert_eq!(over_http_1(&patient, chunked, &byte).await, refused(401, "coverage"));
    assert!(begin.elapsed() < PATIENCE / 2, "{:?}", begin.elapsed());
}
