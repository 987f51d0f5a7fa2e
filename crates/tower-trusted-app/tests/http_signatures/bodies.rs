//! What becomes of bodies.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use http::Request;
use tower_trusted_app::httpsig::SignaturePolicy;
use tower_trusted_app::{Clock, HttpSignatures, Timestamp, TrustedApplication};

use crate::support::{NOW, Parts, Tracker, send, signed, tracker, tracker_of, unsigned, wiki};

const LIMIT: usize = HttpSignatures::BODY_LIMIT;
const MISMATCH: &str = "the body is not the one that was signed";

fn tracker_with(signatures: HttpSignatures) -> Tracker {
    tracker_of(vec![wiki()], signatures)
}

/// The same request with this body.
fn with_body(request: &Request<Parts>, body: Parts) -> Request<Parts> {
    let (parts, _) = request.clone().into_parts();
    Request::from_parts(parts, body)
}

#[tokio::test]
async fn an_upload_that_nobody_signed_is_not_read() {
    let part = vec![0; 64 * 1024];
    let mut body = Parts::of(std::iter::repeat_n(part.as_slice(), 100));
    body.length = Some(4 << 30);
    let taken = body.taken.clone();
    let request =
        Request::put("/rest").header("content-length", (4_u64 << 30).to_string()).body(body).unwrap();
    let (answer, got) = send(&tracker(), request).await;
    assert_eq!((answer.refusal(), got.is_none()), ((401, "required".to_owned()), true));
    assert_eq!(taken.load(Ordering::Relaxed), 0);

    // Nor one under a signature that does not cover it, or that does not hold.
    let mut body = Parts::of(std::iter::repeat_n(part.as_slice(), 100));
    body.length = Some(4 << 30);
    let taken = body.taken.clone();
    let request = with_body(&signed("GET", "/rest", b""), body.clone());
    assert_eq!(send(&tracker(), request).await.0.refusal(), (401, "coverage".to_owned()));
    let mut request = with_body(&signed("PUT", "/rest", b"other"), body);
    *request.uri_mut() = "/rest/other".parse().unwrap();
    assert_eq!(send(&tracker(), request).await.0.refusal(), (401, "invalid_signature".to_owned()));
    assert_eq!(taken.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn the_limit_and_one_byte_more() {
    let (layer, body) = (tracker(), vec![7; LIMIT + 1]);
    let good = signed("PUT", "/rest", &body[1..]);
    let (answer, got) = send(&layer, good).await;
    assert_eq!((answer.status, got.unwrap().body().len()), (200, LIMIT));

    let too_large = signed("PUT", "/rest", &body);
    let taken = too_large.body().taken.clone();
    assert_eq!(send(&layer, too_large.clone()).await.0.refusal(), (413, "too_large".to_owned()));
    assert!(taken.load(Ordering::Relaxed) <= LIMIT + 4);
    // It says so before it comes.
    let mut announced = Parts::of(body.chunks(1000));
    announced.length = Some(LIMIT as u64 + 1);
    let taken = announced.taken.clone();
    let request = with_body(&signed("PUT", "/rest", &body), announced);
    assert_eq!(send(&layer, request).await.0.refusal(), (413, "too_large".to_owned()));
    assert_eq!(taken.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_come_in_time_and_what_there_is_no_room_for() {
    let overloaded = (503, "overloaded".to_owned());
    let request = signed("PUT", "/rest", b"eight or more");
    let mut hanging = Parts::of([&b"eight"[..]]);
    hanging.hangs = true;
    let begin = tokio::time::Instant::now();
    let (answer, _) = send(&tracker(), with_body(&request, hanging.clone())).await;
    assert_eq!((answer.refusal(), begin.elapsed().as_secs()), (overloaded.clone(), 10));

    // One body takes the room of the others for as long as it is held.
    let layer = tracker_with(HttpSignatures::default().memory(16).body_limit(LIMIT, Duration::from_secs(60)));
    let first = tokio::spawn({
        let (layer, request) = (layer.clone(), with_body(&request, hanging));
        async move { send(&layer, request).await.0.status }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(send(&layer, signed("PUT", "/rest", b"eight or more")).await.0.refusal(), overloaded);
    assert_eq!(first.await.unwrap(), 503);
    assert_eq!(send(&layer, request).await.0.status, 200);
}

/// So many seconds after [`NOW`].
#[derive(Clone)]
struct After(Arc<AtomicI64>);

impl Clock for After {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(NOW.as_millis() + 1000 * self.0.load(Ordering::Relaxed))
    }
}

/// A body that is held back would otherwise outlast the memory of its nonce, which another with it has claimed.
#[tokio::test]
async fn what_comes_in_time_but_later_than_its_nonce_is_remembered() {
    let seconds = Arc::new(AtomicI64::new(-30));
    let layer = tracker_with(HttpSignatures::default().body_limit(LIMIT, Duration::from_secs(600)));
    let layer = layer.clock(After(Arc::clone(&seconds)));
    let held_back = async |mut request: Request<Parts>, begin: i64, end: i64| {
        request.body_mut().gives_way = true;
        seconds.store(begin, Ordering::Relaxed);
        let later = async { seconds.store(end, Ordering::Relaxed) };
        tokio::join!(send(&layer, request), later).0.0
    };
    let request = signed("PUT", "/rest", b"once");
    assert_eq!(held_back(request.clone(), -30, -30).await.status, 200);
    assert_eq!(held_back(request.clone(), 90, 330).await.refusal(), (401, "replayed".to_owned()));
    assert_eq!(held_back(request, 90, 337).await.refusal(), (401, "stale".to_owned()));

    // As long as it is remembered in any case, a slow body is none the worse.
    assert_eq!(held_back(signed("PUT", "/rest", b"slow"), 90, 330).await.status, 200);
    let late = held_back(signed("PUT", "/rest", b"slow"), 90, 331).await;
    assert_eq!(late.refusal(), (401, "stale".to_owned()));
}

#[tokio::test]
async fn streamed_bodies() {
    let layer = tracker_with(HttpSignatures::default().streaming());
    let body: Vec<u8> = (0..=255).collect::<Vec<u8>>().repeat(LIMIT / 128);
    let good = signed("PUT", "/rest", &body);
    let (answer, got) = send(&layer, good.clone()).await;
    let got = got.unwrap();
    assert_eq!((answer.status, got.error, got.parts.len()), (200, None, body.len() / 4));
    assert_eq!(got.parts.concat(), body);

    // Whichever byte it is, the last part is not handed out.
    for at in [0, body.len() / 2, body.len() - 1] {
        let mut other = body.clone();
        other[at] ^= 1;
        let request = with_body(&signed("PUT", "/rest", &body), Parts::of(other.chunks(4)));
        let got = send(&layer, request).await.1.unwrap();
        assert_eq!(got.error.as_deref(), Some(MISMATCH));
        assert_eq!(got.parts.len(), body.len() / 4 - 1);
    }
    for other in [&body[4..], &body[..body.len() - 4], &[&body[..], b"more"].concat(), b""] {
        let request = with_body(&signed("PUT", "/rest", &body), Parts::of(other.chunks(4)));
        let got = send(&layer, request).await.1.unwrap();
        assert_eq!(got.error.as_deref(), Some(MISMATCH));
    }
    // Nothing that would have to be unmade: what does not hold never gets that far.
    let (answer, got) = send(&layer, good).await;
    assert_eq!((answer.refusal(), got.is_none()), ((401, "replayed".to_owned()), true));
}

pub(crate) fn may_leave_bodies_out() -> TrustedApplication {
    wiki().to_builder().insecure_unsigned_bodies(true).build().unwrap()
}

pub(crate) fn leaves_bodies_out() -> HttpSignatures {
    HttpSignatures::default().policy(SignaturePolicy::default().with_insecure_unsigned_content())
}

#[tokio::test]
async fn an_unsigned_body_only_where_server_and_application_allow_it() {
    let body = Parts::of([&b"printer "[..], b"on fire"]);
    let coverage = (401, "coverage".to_owned());
    for layer in [
        tracker(),
        tracker_of(vec![may_leave_bodies_out()], HttpSignatures::default()),
        tracker_of(vec![wiki()], leaves_bodies_out()),
        tracker_of(vec![may_leave_bodies_out()], HttpSignatures::default().streaming()),
        tracker_of(vec![wiki()], leaves_bodies_out().streaming()),
    ] {
        let (answer, got) = send(&layer, unsigned("POST", "/rest/issues", body.clone())).await;
        assert_eq!((answer.refusal(), got.is_none()), (coverage.clone(), true));
    }
    for (mode, streams) in [(leaves_bodies_out(), false), (leaves_bodies_out().streaming(), true)] {
        let layer = tracker_of(vec![may_leave_bodies_out()], mode);
        let request = unsigned("POST", "/rest/issues", body.clone());
        let got = send(&layer, request.clone()).await.1.unwrap();
        assert_eq!((got.user.as_deref(), got.parts.len()), (Some("alice"), 2));
        assert_eq!(got.body(), b"printer on fire");
        // Its nonce counts once, before the body is read.
        let mut again = request;
        again.body_mut().hangs = true;
        let (answer, got) = send(&layer, again).await;
        assert_eq!((answer.refusal(), got.is_none()), ((401, "replayed".to_owned()), true));

        // A digest that was signed counts as ever, and nobody on the way can take it out.
        let request = signed("PUT", "/rest", b"eight or more");
        let (mut parts, _) = with_body(&request, Parts::default()).into_parts();
        parts.headers.remove("content-digest");
        let stripped = Request::from_parts(parts, body.clone());
        assert_eq!(send(&layer, stripped).await.0.refusal(), (400, "malformed".to_owned()));
        let tampered = with_body(&request, Parts::of([&b"eight or"[..], b" less"]));
        let (answer, got) = send(&layer, tampered).await;
        if streams {
            // The last part is withheld.
            let got = got.unwrap();
            assert_eq!((got.body(), got.error.as_deref()), (b"eight or".to_vec(), Some(MISMATCH)));
        } else {
            assert_eq!((answer.refusal(), got.is_none()), ((400, "digest_mismatch".to_owned()), true));
        }
    }
}
