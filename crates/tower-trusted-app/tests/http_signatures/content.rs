//! What counts as content: a byte that comes, not a header that announces one.

use std::time::Duration;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Request};
use tokio::time::Instant;
use tower_trusted_app::HttpSignatures;
use tower_trusted_app::content::{ContentDigest, DigestAlgorithm};
use tower_trusted_app::httpsig::{
    CONTENT_DIGEST, RequestMessage, SignaturePolicy, SigningRequest, UserField,
};

use crate::bodies::{leaves_bodies_out, may_leave_bodies_out};
use crate::support::{KEY, NOW, ORIGIN, Parts, Tracker, send, signed, tracker, tracker_of, unsigned, wiki};

/// How a request without content may be announced.
const ANNOUNCED: [Option<(HeaderName, &str)>; 3] =
    [None, Some((TRANSFER_ENCODING, "chunked")), Some((CONTENT_LENGTH, "0"))];

/// Every way to hold a body against its signature.
fn layers() -> [Tracker; 6] {
    let both = |application: fn() -> _, signatures: fn() -> HttpSignatures| {
        [signatures(), signatures().streaming()].map(|mode| tracker_of(vec![application()], mode))
    };
    let [buffer, stream] = both(wiki, HttpSignatures::default);
    let [not_registered, streams_not_registered] = both(wiki, leaves_bodies_out);
    let [open, streams_open] = both(may_leave_bodies_out, leaves_bodies_out);
    [buffer, stream, not_registered, streams_not_registered, open, streams_open]
}

/// A request of alice's whose signature covers no content, with this body.
fn bare(announced: &Option<(HeaderName, &'static str)>, body: Parts) -> Request<Parts> {
    with(signed("GET", "/rest", b""), announced, body)
}

fn with(
    mut request: Request<Parts>,
    announced: &Option<(HeaderName, &'static str)>,
    body: Parts,
) -> Request<Parts> {
    if let Some((name, value)) = announced {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    *request.body_mut() = body;
    request
}

fn parts(parts: &[&[u8]]) -> Parts {
    Parts::of(parts.iter().copied())
}

fn coverage() -> (u16, String) {
    (401, "coverage".to_owned())
}

#[tokio::test]
async fn a_body_that_is_announced_and_does_not_come_is_no_content() {
    for layer in layers() {
        for announced in &ANNOUNCED {
            let late = Parts { gives_way: true, ..parts(&[b""]) };
            for body in [parts(&[]), parts(&[b""]), parts(&[b"", b""]), late] {
                let (answer, got) = send(&layer, bare(announced, body)).await;
                let got = got.unwrap_or_else(|| panic!("{announced:?}: {answer:?}"));
                assert_eq!((answer.status, got.user.as_deref()), (200, Some("alice")));
                assert_eq!((got.parts.concat().len(), got.error), (0, None));
            }
        }
    }
}

#[tokio::test]
async fn the_first_byte_is_refused_before_the_handler_and_burns_nothing() {
    for layer in layers() {
        for announced in &ANNOUNCED {
            let late = Parts { gives_way: true, ..parts(&[b"x"]) };
            // Says that it is at its end, and is not.
            let lying = Parts { lies: true, ..parts(&[b"x"]) };
            // Never ends, which need not be waited for.
            let endless = Parts { hangs: true, ..parts(&[b"x"]) };
            for body in [parts(&[b"x"]), parts(&[b"", b"x"]), parts(&[b"x", b"more"]), late, lying, endless] {
                let taken = std::sync::Arc::clone(&body.taken);
                let request = bare(announced, body);
                let (answer, got) = send(&layer, request.clone()).await;
                assert_eq!((answer.refusal(), got.is_none()), (coverage(), true), "{announced:?}");
                assert_eq!(taken.load(std::sync::atomic::Ordering::Relaxed), 1);
                let (answer, _) = send(&layer, with(request, announced, parts(&[]))).await;
                assert_eq!(answer.status, 200, "its nonce is still good");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_length_is_content_and_is_not_waited_for() {
    let begin = Instant::now();
    for layer in layers() {
        let hanging = Parts { hangs: true, ..Parts::default() };
        let stated = Some((CONTENT_LENGTH, "5"));
        let known = Parts { length: Some(1), ..hanging.clone() };
        for request in [bare(&stated, hanging), bare(&None, known)] {
            let (answer, got) = send(&layer, request).await;
            assert_eq!((answer.refusal(), got.is_none()), (coverage(), true));
        }
    }
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_neither_begins_nor_ends_is_refused_in_time() {
    let short = Duration::from_secs(3);
    let limited = |signatures: HttpSignatures| signatures.body_limit(1, short);
    let default = HttpSignatures::default;
    for (mode, seconds) in [
        (default(), 10),
        (default().streaming(), 10),
        (limited(default()), 3),
        (limited(default()).streaming(), 3),
        (limited(default().streaming()), 3),
    ] {
        let layer = tracker_of(vec![wiki()], mode);
        for body in [parts(&[]), parts(&[b"", b""])] {
            let (begin, body) = (Instant::now(), Parts { hangs: true, ..body });
            let request = bare(&Some((TRANSFER_ENCODING, "chunked")), body);
            let (answer, got) = send(&layer, request.clone()).await;
            assert_eq!((answer.refusal(), got.is_none()), (coverage(), true));
            assert_eq!(begin.elapsed().as_secs(), seconds);
            assert_eq!(send(&layer, with(request, &None, parts(&[]))).await.0.status, 200);
        }
    }
}

/// Where it is a stream's, both sides must have agreed on it; without a byte there was no stream.
#[tokio::test]
async fn unsigned_content_that_does_not_come_needs_no_registration() {
    for layer in [tracker(), tracker_of(vec![wiki()], leaves_bodies_out())] {
        let (answer, got) = send(&layer, unsigned("POST", "/rest", parts(&[b""]))).await;
        assert_eq!((answer.status, got.unwrap().parts.len()), (200, 0));
        let (answer, got) = send(&layer, unsigned("POST", "/rest", parts(&[b"", b"x"]))).await;
        assert_eq!((answer.refusal(), got.is_none()), (coverage(), true));
    }
}

/// A signature over a digest that does not cover the content's type.
fn digest_alone(content: &[u8], body: Parts) -> Request<Parts> {
    let digest = ContentDigest::of(DigestAlgorithm::Sha256, content).to_header_value();
    let request = Request::post("/rest").header("host", "tracker.example.com");
    let mut request = request.header(CONTENT_DIGEST, digest.clone()).body(body).unwrap();
    let policy = SignaturePolicy::default().with_cover_if_present([CONTENT_DIGEST]);
    let url = format!("{ORIGIN}/rest");
    let message = RequestMessage { method: request.method(), url: &url, headers: request.headers() };
    let signing = SigningRequest::new(UserField::new("alice").unwrap(), message, NOW).with_policy(&policy);
    signing.sign(&KEY).unwrap().apply(request.headers_mut());
    request.headers_mut().insert(CONTENT_DIGEST, digest);
    request.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    request
}

#[tokio::test]
async fn content_whose_type_is_not_covered_does_not_pass_under_its_digest() {
    for layer in layers() {
        assert_eq!(send(&layer, digest_alone(b"", parts(&[]))).await.0.status, 200);
        for (signed, comes) in [(&b""[..], &b"x"[..]), (b"x", b"x"), (b"x", b"")] {
            let (answer, got) = send(&layer, digest_alone(signed, parts(&[comes]))).await;
            assert_eq!((answer.refusal(), got.is_none()), (coverage(), true), "{signed:?}, {comes:?}");
        }
    }
}
