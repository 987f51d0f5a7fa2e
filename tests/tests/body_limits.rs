//! Bodies under HTTP message signatures, against a server on TCP: how much of one is read, and what reaches a handler.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use bytes::{Bytes, BytesMut};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tower_trusted_app::httpsig::SignaturePolicy;
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::replay::MemoryReplayStore;
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{HttpSignatures, SystemClock};
use trusted_app_axum::Caller;
use trusted_app_tests::counting_listener::CountingListener;
use trusted_app_tests::once::{sign_message, signer};

const LIMIT: usize = HttpSignatures::BODY_LIMIT;
/// What a server may read of an upload that it refuses, head and all.
const HARDLY_ANYTHING: usize = 64 * 1024;
/// Enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server on loopback with a handler that takes orders.
struct Server {
    address: SocketAddr,
    /// The bytes that it took out of its sockets.
    read: Arc<AtomicUsize>,
    orders: Arc<Orders>,
}

/// What reached the handler.
#[derive(Default)]
struct Orders {
    calls: AtomicUsize,
    committed: Mutex<Vec<Bytes>>,
}

impl Orders {
    /// Commits a body once it ended without an error.
    async fn take(State(orders): State<Arc<Self>>, _: Caller<()>, mut body: Body) -> StatusCode {
        orders.calls.fetch_add(1, Ordering::Relaxed);
        let mut read = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return StatusCode::UNPROCESSABLE_ENTITY };
            read.extend(frame.into_data().expect("no trailers"));
        }
        orders.committed.lock().unwrap().push(read.freeze());
        StatusCode::CREATED
    }
}

impl Server {
    async fn start(signatures: HttpSignatures) -> Self {
        let orders = Arc::new(Orders::default());
        let app = Router::new().fallback(Orders::take).with_state(Arc::clone(&orders));
        let (address, read) = serve(app, signatures).await;
        Self { address, read, orders }
    }

    /// What the handler committed, and the answer if there was one.
    async fn receives(&self, sent: Sent) -> (Vec<Bytes>, Option<Answer>) {
        let answer =
            timeout(PATIENCE, sent.to(self.address)).await.expect("the server closes the connection");
        (std::mem::take(&mut *self.orders.committed.lock().unwrap()), answer)
    }

    fn calls(&self) -> usize {
        self.orders.calls.load(Ordering::Relaxed)
    }
}

/// Where it listens, and the bytes that it has read.
async fn serve(app: Router, signatures: HttpSignatures) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let layer = trusted_app_axum::layer_builder(
        MemoryKeyStore::new([signer().build().unwrap()]).unwrap(),
        MemoryDirectory::of_names(["alice"]),
        format!("http://{address}").parse().unwrap(),
    );
    let layer = layer.replay_store(MemoryReplayStore::default()).http_signatures(signatures);
    let listener = CountingListener::new(listener);
    let read = listener.read();
    tokio::spawn(async move { axum::serve(listener, app.layer(layer.build().unwrap())).await });
    (address, read)
}

/// How a request says where its body ends.
#[derive(Debug, Clone, Copy)]
enum Framing {
    Length(u64),
    Chunked,
}

impl Framing {
    fn field(self) -> String {
        match self {
            Self::Length(length) => format!("content-length: {length}"),
            Self::Chunked => "transfer-encoding: chunked".to_owned(),
        }
    }

    fn part(self, part: &[u8]) -> Bytes {
        match self {
            Self::Length(_) => Bytes::copy_from_slice(part),
            Self::Chunked => [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat().into(),
        }
    }

    /// A trailer too, which nobody signed.
    fn end(self) -> Bytes {
        match self {
            Self::Length(_) => Bytes::new(),
            Self::Chunked => Bytes::from_static(b"0\r\nx-trailer: nobody signed this\r\n\r\n"),
        }
    }
}

/// A request as it goes over the wire.
struct Sent {
    head: String,
    framing: Framing,
    body: Vec<Bytes>,
    /// How often the body is sent.
    times: usize,
    /// Whether the client closes its side at the end.
    closes: bool,
}

/// Status and code.
type Answer = (u16, Option<String>);

fn refused(status: u16, code: &str) -> Option<Answer> {
    Some((status, Some(code.to_owned())))
}

/// What the handler answers to a body that it commits, and to one that ends in an error.
const COMMITTED: Option<Answer> = Some((201, None));
const BROKEN: Option<Answer> = Some((422, None));

impl Sent {
    /// An order that nobody signed.
    fn unsigned(server: &Server, framing: Framing) -> Self {
        Self::of(Self::order(server), framing)
    }

    /// An order of alice's, signed with this content.
    fn signed(server: &Server, framing: Framing, content: &[u8]) -> Self {
        let has_content = !content.is_empty() || matches!(framing, Framing::Chunked);
        let content = has_content.then_some(content);
        Self::of(sign_message(Self::order(server), "alice", content, &SystemClock), framing)
    }

    /// An order of alice's whose signature covers no content.
    fn without_digest(server: &Server, framing: Framing) -> Self {
        Self::of(sign_message(Self::order(server), "alice", None, &SystemClock), framing)
    }

    fn order(server: &Server) -> Request<()> {
        let order = Request::post(format!("http://{}/rest/orders", server.address));
        order.header("content-type", "text/plain").body(()).unwrap()
    }

    fn of(request: Request<()>, framing: Framing) -> Self {
        let (path, host) = (request.uri().path(), request.uri().authority().unwrap());
        let mut head = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        for (name, value) in request.headers() {
            head += &format!("{name}: {}\r\n", value.to_str().unwrap());
        }
        head += &format!("{}\r\n\r\n", framing.field());
        Self { head, framing, body: Vec::new(), times: 1, closes: false }
    }

    /// With another text in its head.
    fn changed(self, from: &str, to: &str) -> Self {
        assert!(self.head.contains(from));
        Self { head: self.head.replace(from, to), ..self }
    }

    fn part(mut self, part: &[u8]) -> Self {
        if !part.is_empty() {
            self.body.push(self.framing.part(part));
        }
        self
    }

    fn end(mut self) -> Self {
        self.body.push(self.framing.end());
        self
    }

    /// With this body and its end.
    fn body(self, body: &[u8]) -> Self {
        self.part(body).end()
    }

    fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    fn then_closes(self) -> Self {
        Self { closes: true, ..self }
    }

    /// Writes for as long as the server takes it, and reads what it answers meanwhile, until it closes the connection.
    async fn to(self, address: SocketAddr) -> Option<Answer> {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (mut from, mut to) = stream.split();
        let write = async {
            to.write_all(self.head.as_bytes()).await?;
            for part in std::iter::repeat_n(&self.body, self.times).flatten() {
                to.write_all(part).await?;
            }
            if self.closes { to.shutdown().await } else { Ok(()) }
        };
        let mut answer = Vec::new();
        // Either may end in a reset, once the server has answered and closed.
        drop(tokio::join!(write, from.read_to_end(&mut answer)));
        let answer = String::from_utf8(answer).unwrap();
        let status = answer.split(' ').nth(1)?.parse().unwrap();
        let code = answer.lines().find_map(|line| line.strip_prefix("trusted-app-error: "));
        Some((status, code.map(str::to_owned)))
    }
}

/// Numbers that look random and are the same in each run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.below(256).to_le_bytes()[0]).collect()
    }

    /// Cuts it in parts, of a byte to many.
    fn cut<'b>(&mut self, mut body: &'b [u8]) -> Vec<&'b [u8]> {
        let mut parts = Vec::new();
        while !body.is_empty() {
            let most = [1, 10, 1_000, 100_000][self.below(4)];
            let (part, rest) = body.split_at((1 + self.below(most)).min(body.len()));
            parts.push(part);
            body = rest;
        }
        parts
    }
}

fn both_framings(body: &[u8]) -> [Framing; 2] {
    [Framing::Length(body.len() as u64), Framing::Chunked]
}

/// Both ways to hold a body against its digest, and what becomes of one that does not match.
fn both_modes(code: &str) -> [(HttpSignatures, usize, Option<Answer>); 2] {
    let (buffer, stream) = (HttpSignatures::default(), HttpSignatures::default().streaming());
    [(buffer, 0, refused(400, code)), (stream, 1, BROKEN)]
}

#[tokio::test]
async fn of_an_upload_that_nobody_signed_hardly_anything_is_read() {
    const PART: usize = 64 * 1024;
    const PARTS: usize = (4 << 30) / PART;
    let part = vec![7; PART];
    let open = HttpSignatures::default().policy(SignaturePolicy::default().with_insecure_unsigned_content());
    for mode in [HttpSignatures::default(), HttpSignatures::default().streaming(), open] {
        for framing in [Framing::Length(4 << 30), Framing::Chunked] {
            let server = Server::start(mode.clone()).await;
            let forged = Sent::signed(&server, framing, &part).changed("/rest/orders", "/rest/others");
            for (sent, code) in [
                (Sent::unsigned(&server, framing), "required"),
                (forged, "invalid_signature"),
                (Sent::without_digest(&server, framing), "coverage"),
            ] {
                let before = server.read.load(Ordering::Relaxed);
                // A client that would use the connection again.
                let sent = sent.changed("connection: close\r\n", "").part(&part).times(PARTS);
                let (committed, answer) = server.receives(sent).await;
                assert_eq!((committed.len(), answer), (0, refused(401, code)));
                let read = server.read.load(Ordering::Relaxed) - before;
                println!("{framing:?}, {code}: {read} bytes of 4 GiB were read");
                assert!(read <= HARDLY_ANYTHING, "{read}");
            }
            assert_eq!(server.calls(), 0);
        }
    }
}

#[tokio::test]
async fn the_limit_and_one_byte_more() {
    let body = Numbers(1).bytes(LIMIT + 1);
    for framing in both_framings(&body) {
        let server = Server::start(HttpSignatures::default()).await;
        let sent = Sent::signed(&server, framing, &body).body(&body);
        assert_eq!(server.receives(sent).await, (vec![], refused(413, "too_large")));
        assert_eq!(server.calls(), 0);
        let read = server.read.load(Ordering::Relaxed);
        match framing {
            // It says so before it comes.
            Framing::Length(_) => assert!(read <= HARDLY_ANYTHING, "{read}"),
            Framing::Chunked => assert!((LIMIT..LIMIT + HARDLY_ANYTHING).contains(&read), "{read}"),
        }
    }
    for framing in both_framings(&body[1..]) {
        let server = Server::start(HttpSignatures::default()).await;
        let (committed, answer) =
            server.receives(Sent::signed(&server, framing, &body[1..]).body(&body[1..])).await;
        assert_eq!(answer, COMMITTED);
        assert!(committed == [&body[1..]]);
    }
}

#[tokio::test]
async fn a_tampered_byte_is_never_committed() {
    let body = Numbers(2).bytes(100_000);
    for (mode, calls, answer) in both_modes("digest_mismatch") {
        for framing in both_framings(&body) {
            for at in [0, body.len() / 2, body.len() - 1] {
                let server = Server::start(mode.clone()).await;
                let mut tampered = body.clone();
                tampered[at] ^= 1;
                let sent = Sent::signed(&server, framing, &body).body(&tampered);
                assert_eq!(server.receives(sent).await, (vec![], answer.clone()), "{framing:?}, {at}");
                assert_eq!(server.calls(), calls);
                // It is not for want of committing.
                let sent = Sent::signed(&server, framing, &body).body(&body);
                assert_eq!(server.receives(sent).await, (vec![Bytes::from(body.clone())], COMMITTED));
            }
        }
    }
}

#[tokio::test]
async fn another_length_than_the_signed_one_is_never_committed() {
    let body = Numbers(3).bytes(50_000);
    let longer = [&body[..], b"x"].concat();
    for (mode, _, answer) in both_modes("digest_mismatch") {
        let server = Server::start(mode).await;
        for other in [&body[1..], &body[..body.len() - 1], &longer, b""] {
            for framing in both_framings(other) {
                let sent = Sent::signed(&server, Framing::Chunked, &body);
                let sent = Sent { framing, ..sent.changed("transfer-encoding: chunked", &framing.field()) };
                assert_eq!(server.receives(sent.body(other)).await, (vec![], answer.clone()), "{framing:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_never_committed() {
    let body = Numbers(4).bytes(50_000);
    for (mode, calls, answer) in both_modes("malformed") {
        for framing in both_framings(&body) {
            for part in [&body[..body.len() - 1], b""] {
                let server = Server::start(mode.clone()).await;
                let sent = Sent::signed(&server, framing, &body).part(part).then_closes();
                assert_eq!(server.receives(sent).await, (vec![], answer.clone()), "{framing:?}");
                assert_eq!(server.calls(), calls);
            }
        }
    }
}

/// What comes after the announced length is no part of the request.
#[tokio::test]
async fn what_comes_after_the_body_is_not_committed() {
    let body = Numbers(5).bytes(50_000);
    for (mode, ..) in both_modes("") {
        for framing in both_framings(&body) {
            let server = Server::start(mode.clone()).await;
            let mut sent = Sent::signed(&server, framing, &body).body(&body);
            sent.body.push(Bytes::from_static(b"more"));
            assert_eq!(server.receives(sent).await, (vec![Bytes::from(body.clone())], COMMITTED));
        }
    }
}

#[tokio::test]
async fn the_handler_gets_the_bytes_that_were_sent() {
    let mut numbers = Numbers(6);
    for (mode, ..) in both_modes("") {
        let server = Server::start(mode).await;
        let some = numbers.below(LIMIT);
        for length in [0, 1, 2, some, LIMIT] {
            let body = numbers.bytes(length);
            for framing in both_framings(&body) {
                let parts = numbers.cut(&body);
                let sent = Sent::signed(&server, framing, &body);
                let sent = parts.into_iter().fold(sent, Sent::part).end();
                let (committed, answer) = server.receives(sent).await;
                assert_eq!(answer, COMMITTED, "{framing:?}, {length}");
                assert!(committed == [&body], "{framing:?}, {length}");
            }
        }
    }
}

/// The first part of a response arrives while the last is not yet made.
#[tokio::test]
async fn a_response_flows() {
    let (parts, made) = mpsc::unbounded_channel::<&'static str>();
    let made = Arc::new(Mutex::new(Some(made)));
    let handler = async move |_: Caller<()>, _: Bytes| {
        let made = made.lock().unwrap().take().unwrap();
        Body::from_stream(UnboundedReceiverStream::new(made).map(Ok::<_, io::Error>))
    };
    let (address, read) = serve(Router::new().fallback(handler), HttpSignatures::default()).await;
    let server = Server { address, read, orders: Arc::default() };
    let sent = Sent::signed(&server, Framing::Length(4), b"body").body(b"body");

    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&[sent.head.as_bytes(), b"body"].concat()).await.unwrap();
    let mut answer = String::new();
    for part in ["first", "second", "last"] {
        parts.send(part).unwrap();
        while !answer.contains(part) {
            let mut buffer = [0; 1024];
            let read = timeout(PATIENCE, stream.read(&mut buffer)).await.expect("it comes at once").unwrap();
            assert_ne!(read, 0, "{answer}");
            answer += std::str::from_utf8(&buffer[..read]).unwrap();
        }
    }
    drop(parts);
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("0\r\n\r\n"), "{answer}");
}

/// In `streaming` mode the handler gets all but the last part while there is more to come.
#[tokio::test]
async fn a_streamed_body_flows() {
    let (parts, mut got) = mpsc::unbounded_channel();
    let handler = async move |_: Caller<()>, mut body: Body| {
        while let Some(frame) = body.frame().await {
            parts.send(frame.unwrap().into_data().unwrap()).unwrap();
        }
    };
    let (address, read) = serve(Router::new().fallback(handler), HttpSignatures::default().streaming()).await;
    let server = Server { address, read, orders: Arc::default() };
    let sent = Sent::signed(&server, Framing::Chunked, b"one, two, three");

    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(sent.head.as_bytes()).await.unwrap();
    stream.write_all(&Framing::Chunked.part(b"one, ")).await.unwrap();
    stream.write_all(&Framing::Chunked.part(b"two, ")).await.unwrap();
    assert_eq!(timeout(PATIENCE, got.recv()).await.expect("it comes at once").unwrap(), "one, ");
    stream.write_all(&Framing::Chunked.part(b"three")).await.unwrap();
    assert_eq!(timeout(PATIENCE, got.recv()).await.expect("it comes at once").unwrap(), "two, ");
    assert!(got.try_recv().is_err(), "the last part waits for the digest");
    stream.write_all(&Framing::Chunked.end()).await.unwrap();
    assert_eq!(got.recv().await.unwrap(), "three");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
