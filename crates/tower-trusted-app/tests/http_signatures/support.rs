//! A tracker that accepts HTTP message signatures, the wiki that signs, and a body that can be watched.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};
use tower_trusted_app::conditions::{AddressRule, PathRule};
use tower_trusted_app::crypto::PrivateSignatureKey;
use tower_trusted_app::httpsig::{RequestMessage, SigningRequest, UserField};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::replay::MemoryReplayStore;
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{
    Caller, Clock, Digested, HttpSignatures, LocalApplication, ProblemJson, SignedBody, Timestamp,
    TrustedAppLayer, TrustedAppLayerBuilder, TrustedApplication,
};

pub(crate) const ORIGIN: &str = "https://tracker.example.com";
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// RFC 8037, appendix A.
pub(crate) static KEY: LazyLock<PrivateSignatureKey> = LazyLock::new(|| {
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    PrivateSignatureKey::from_jwk(jwk).unwrap()
});

/// The forum, which uses Seraph alone.
pub(crate) fn forum() -> LocalApplication {
    LocalApplication::from_pem(include_str!("../data/identity.pem")).unwrap()
}

/// Stands still.
pub(crate) struct At(pub(crate) Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

pub(crate) fn wiki() -> TrustedApplication {
    TrustedApplication::signing_builder("signer".parse().unwrap(), KEY.public_key().clone())
        .addresses(AddressRule::any())
        .paths(PathRule::prefixes(["/rest"]))
        .build()
        .unwrap()
}

pub(crate) type Tracker = TrustedAppLayerBuilder<MemoryKeyStore, MemoryDirectory<()>, ProblemJson, Digested>;

/// Trusts these, and knows alice.
pub(crate) fn tracker_of(applications: Vec<TrustedApplication>, signatures: HttpSignatures) -> Tracker {
    TrustedAppLayer::builder(
        MemoryKeyStore::new(applications).unwrap(),
        MemoryDirectory::of_names(["alice", "müller"]),
        ORIGIN.parse().unwrap(),
    )
    .clock(At(NOW))
    .replay_store(MemoryReplayStore::new(100_000))
    .http_signatures(signatures)
}

pub(crate) fn tracker() -> Tracker {
    tracker_of(vec![wiki()], HttpSignatures::default())
}

/// A body in parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts {
    pub(crate) parts: VecDeque<Bytes>,
    /// Whether it hangs after the last one.
    pub(crate) hangs: bool,
    /// Whether it gives way to other tasks before its first part.
    pub(crate) gives_way: bool,
    /// Whether it says that it is at its end from the beginning.
    pub(crate) lies: bool,
    /// What it says about its length.
    pub(crate) length: Option<u64>,
    /// The bytes that were taken.
    pub(crate) taken: Arc<AtomicUsize>,
}

impl Parts {
    pub(crate) fn of<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> Self {
        Self { parts: parts.into_iter().map(Bytes::copy_from_slice).collect(), ..Self::default() }
    }
}

impl Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if mem::take(&mut self.gives_way) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        match self.parts.pop_front() {
            Some(part) => {
                self.taken.fetch_add(part.len(), Ordering::Relaxed);
                Poll::Ready(Some(Ok(Frame::data(part))))
            }
            None if self.hangs => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.lies || (self.parts.is_empty() && !self.hangs)
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, |length| {
            let mut hint = SizeHint::new();
            hint.set_lower(length);
            hint
        })
    }
}

/// A request of alice's, signed with the wiki's key.
pub(crate) fn signed(method: &str, path: &str, body: &[u8]) -> Request<Parts> {
    signed_for("alice", method, path, body)
}

pub(crate) fn signed_for(user: &str, method: &str, path: &str, body: &[u8]) -> Request<Parts> {
    signed_with(&KEY, user, method, path, body)
}

pub(crate) fn signed_with(
    key: &PrivateSignatureKey,
    user: &str,
    method: &str,
    path: &str,
    body: &[u8],
) -> Request<Parts> {
    let url = format!("{ORIGIN}{path}");
    let mut request = Request::builder().method(method).uri(path).header("host", "tracker.example.com");
    if !body.is_empty() {
        request = request.header("content-type", "text/plain").header("content-length", body.len());
    }
    let mut request = request.body(Parts::of(body.chunks(4))).unwrap();
    let message = RequestMessage { method: request.method(), url: &url, headers: request.headers() };
    let signing = SigningRequest::new(UserField::new(user).unwrap(), message, NOW).with_body(body);
    signing.sign(key).unwrap().apply(request.headers_mut());
    request
}

/// A request of alice's whose signature leaves the body out.
pub(crate) fn unsigned(method: &str, path: &str, body: Parts) -> Request<Parts> {
    let url = format!("{ORIGIN}{path}");
    let request = Request::builder().method(method).uri(path).header("host", "tracker.example.com");
    let request = request.header("content-type", "text/plain").header("transfer-encoding", "chunked");
    let mut request = request.body(body).unwrap();
    let message = RequestMessage { method: request.method(), url: &url, headers: request.headers() };
    let signing = SigningRequest::new(UserField::new("alice").unwrap(), message, NOW);
    signing.with_insecure_unsigned_body().sign(&KEY).unwrap().apply(request.headers_mut());
    request
}

/// What the inner service got.
#[derive(Debug, Clone, Default)]
pub(crate) struct Got {
    pub(crate) user: Option<String>,
    pub(crate) field: Option<String>,
    pub(crate) headers: http::HeaderMap,
    /// The parts of the body, or the error that it ended with.
    pub(crate) parts: Vec<Bytes>,
    pub(crate) error: Option<String>,
}

impl Got {
    pub(crate) fn body(&self) -> Vec<u8> {
        self.parts.concat()
    }
}

/// The answer, and what the inner service got, if it was called.
pub(crate) async fn send(layer: &Tracker, request: Request<Parts>) -> (Answer, Option<Got>) {
    let seen = Arc::new(Mutex::new(None));
    let inner = Arc::clone(&seen);
    let layer = layer.clone().build().unwrap();
    let service = layer.layer(service_fn(move |request: Request<SignedBody<Parts>>| {
        let seen = Arc::clone(&inner);
        async move {
            let mut got = Got {
                user: request.extensions().get::<Caller<()>>().map(|caller| caller.user_name().to_owned()),
                field: request
                    .headers()
                    .get("trusted-app-user")
                    .map(|value| value.to_str().unwrap().to_owned()),
                headers: request.headers().clone(),
                ..Got::default()
            };
            let mut body = request.into_body();
            while let Some(frame) = body.frame().await {
                match frame {
                    Ok(frame) => got.parts.push(frame.into_data().unwrap()),
                    Err(error) => got.error = Some(error.to_string()),
                }
            }
            *seen.lock().unwrap() = Some(got);
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }
    }));
    let response = service.oneshot(request).await.unwrap();
    let answer = Answer::of(response).await;
    let got = seen.lock().unwrap().take();
    (answer, got)
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    async fn of(response: Response<Full<Bytes>>) -> Self {
        let (parts, body) = response.into_parts();
        let Ok(body) = body.collect().await;
        Self { status: parts.status.as_u16(), headers: parts.headers, body: body.to_bytes() }
    }

    /// Status and code, which stands in the document and in a header.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let problem: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        let code = problem["code"].as_str().unwrap().to_owned();
        assert_eq!(self.headers["trusted-app-error"], code);
        assert_eq!(problem["status"], self.status);
        (self.status, code)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}
