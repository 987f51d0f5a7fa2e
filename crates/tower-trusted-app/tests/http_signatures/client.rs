//! Our client with our server.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};
use tower_trusted_app::client::{ActAs, Error, HttpSignLayer, InsecureUnsignedBody, Rebuild};
use tower_trusted_app::seraph::ID;
use tower_trusted_app::{Caller, SignedBody};

use crate::bodies::{leaves_bodies_out, may_leave_bodies_out};
use crate::support::{At, KEY, NOW, ORIGIN, Parts, Tracker, tracker, tracker_of};

type Sent = Arc<Mutex<Vec<HeaderMap>>>;

/// Signs, notes what is sent, and has the tracker answer.
fn client()
-> (impl Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error = BoxError> + Clone, Sent) {
    client_of(tracker())
}

fn client_of(
    tracker: Tracker,
) -> (impl Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error = BoxError> + Clone, Sent) {
    let sent = Sent::default();
    let tracker =
        tracker.build().unwrap().layer(service_fn(|request: Request<SignedBody<Full<Bytes>>>| async move {
            let user = request.extensions().get::<Caller<()>>().unwrap().user_name().to_owned();
            let body = request.into_body().collect().await.unwrap().to_bytes();
            Ok::<_, Infallible>(Response::new(Full::new([user.as_bytes(), b": ", &body].concat().into())))
        }));
    let seen = Arc::clone(&sent);
    let noting = service_fn(move |request: Request<Full<Bytes>>| {
        seen.lock().unwrap().push(request.headers().clone());
        tracker.clone().oneshot(request)
    });
    (HttpSignLayer::new(KEY.clone()).clock(At(NOW)).layer(noting), sent)
}

fn request(body: &'static str) -> Request<Full<Bytes>> {
    let request = Request::post(format!("{ORIGIN}/rest/issues")).extension(ActAs::new("müller"));
    request.header("content-type", "text/plain").body(Full::new(body.into())).unwrap()
}

async fn answer(response: Response<Full<Bytes>>) -> (u16, String) {
    let status = response.status().as_u16();
    let Ok(body) = response.into_body().collect().await;
    (status, String::from_utf8(body.to_bytes().to_vec()).unwrap())
}

#[tokio::test]
async fn what_the_client_signs_the_layer_accepts_each_time() {
    let (client, sent) = client();
    for body in ["printer on fire", "printer on fire", ""] {
        let response = client.clone().oneshot(request(body)).await.unwrap();
        assert_eq!(answer(response).await, (200, format!("müller: {body}")));
    }
    let sent = sent.lock().unwrap();
    let inputs: std::collections::BTreeSet<_> =
        sent.iter().map(|headers| headers["signature-input"].to_str().unwrap()).collect();
    assert_eq!(inputs.len(), 3, "a nonce is new with every attempt");
    assert!(
        sent.iter()
            .all(|headers| headers["trusted-app-user"].is_sensitive() && headers["signature"].is_sensitive())
    );
    assert!(!sent[2].contains_key("content-digest"));
}

#[tokio::test]
async fn what_cannot_be_covered_is_not_sent() {
    let (client, sent) = client();
    let mut no_type = request("body");
    no_type.headers_mut().remove("content-type");
    let mut no_user = request("body");
    no_user.extensions_mut().insert(ActAs::new(" alice"));
    let mut odd_field = request("body");
    odd_field.headers_mut().insert("authorization", http::HeaderValue::from_bytes(b"Basic \xe4").unwrap());
    for request in [no_type, no_user, odd_field] {
        let error = client.clone().oneshot(request).await.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(Error::HttpSignature(_))), "{error}");
    }
    let large = request("").map(|_| Full::new(Bytes::from(vec![0; (1 << 20) + 1])));
    let error = client.clone().oneshot(large).await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Error::BodyTooLarge { limit: 1_048_576 })), "{error}");
    assert!(sent.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_body_leaves_unsigned_only_where_the_request_says_so() {
    let agreed = tracker_of(vec![may_leave_bodies_out()], leaves_bodies_out());
    for (layer, expected) in [(agreed, 200), (tracker(), 401)] {
        let (client, sent) = client_of(layer);
        let mut large = request("").map(|_| Full::new(Bytes::from(vec![b'x'; (1 << 20) + 1])));
        large.extensions_mut().insert(InsecureUnsignedBody);
        assert_eq!(answer(client.clone().oneshot(large).await.unwrap()).await.0, expected);
        assert!(!sent.lock().unwrap()[0].contains_key("content-digest"));
        // What has no body leaves nothing out.
        let mut empty = request("");
        empty.extensions_mut().insert(InsecureUnsignedBody);
        assert_eq!(answer(client.clone().oneshot(empty).await.unwrap()).await.0, 200);
        // And nothing else is left out because of it.
        let mut no_type = request("body");
        no_type.extensions_mut().insert(InsecureUnsignedBody);
        no_type.headers_mut().remove("content-type");
        let error = client.oneshot(no_type).await.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(Error::HttpSignature(_))), "{error}");
        assert_eq!(sent.lock().unwrap().len(), 2);
    }
}

/// Reads what is there.
struct AtHand;

impl Rebuild<Parts> for AtHand {
    const WAITS: bool = false;

    fn rebuild(bytes: Bytes) -> Parts {
        Parts::of([&bytes[..]])
    }
}

#[tokio::test]
async fn a_signer_that_does_not_wait_refuses_what_it_would_have_to_wait_for() {
    let nowhere = service_fn(async |_: Request<Parts>| Ok::<_, BoxError>(Response::new(())));
    let client = HttpSignLayer::new(KEY.clone()).rebuild::<AtHand>().layer(nowhere);
    for (hangs, gives_way) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut body = Parts::of([&b"printer "[..], b"on fire"]);
        (body.hangs, body.gives_way) = (hangs, gives_way);
        match client.clone().oneshot(request("").map(|_| body)).await {
            Ok(_) => assert!(!hangs),
            Err(error) => {
                assert!(hangs && matches!(error.downcast_ref(), Some(Error::StreamingBody)), "{error}");
            }
        }
    }
}

/// A service that passes requests on lends nobody its caller's identity.
#[tokio::test]
async fn what_another_signed_does_not_leave() {
    let (client, sent) = client();
    let mut passed_on = Request::get(format!("{ORIGIN}/rest")).body(Full::default()).unwrap();
    crate::support::signed("GET", "/rest", b"").headers().clone_into(passed_on.headers_mut());
    passed_on.headers_mut().insert(ID, http::HeaderValue::from_static("wiki"));
    let (status, _) = answer(client.oneshot(passed_on).await.unwrap()).await;
    assert_eq!(status, 401);
    let sent = sent.lock().unwrap();
    for name in ["trusted-app-user", "signature", "signature-input", ID.as_str()] {
        assert!(!sent[0].contains_key(name), "{name}");
    }
}
