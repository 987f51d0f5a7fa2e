//! Requests that are signed, and requests that pass.

use std::cell::Cell;
use std::rc::Rc;

use http::{HeaderValue, Request, Response};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};
use tower_trusted_app::client::{ActAs, ResponseFuture, Sign, SignLayer};
use trusted_app_core::seraph::{CERTIFICATE, ID, KEY, SIGNATURE, VERSION};
use trusted_app_core::{LocalApplication, Scheme};

use crate::support::{
    NOON, Probe, Remote, get_as, is_anonymous, layer, send, url_on_arrival, verified, verify_for,
};

#[tokio::test]
async fn the_receiver_verifies_every_url() {
    for (uri, url) in [
        ("https://tracker.example.com/rest/issues", "https://tracker.example.com/rest/issues"),
        ("https://tracker.example.com/", "https://tracker.example.com/"),
        // No path is the path `/`.
        ("https://tracker.example.com", "https://tracker.example.com/"),
        ("https://tracker.example.com?jql=x", "https://tracker.example.com/?jql=x"),
        // An empty query is one.
        ("https://tracker.example.com/a?", "https://tracker.example.com/a?"),
        // Nothing is encoded again or decoded.
        (
            "https://tracker.example.com/a%2fb%2F?q=a+b%2Bc%20d",
            "https://tracker.example.com/a%2fb%2F?q=a+b%2Bc%20d",
        ),
        (
            "https://tracker.example.com/a;v=1/../b//c?x=/?&&",
            "https://tracker.example.com/a;v=1/../b//c?x=/?&&",
        ),
        (
            r#"https://tracker.example.com/'"()[]|^~?{a:[1]}|^`'"#,
            r#"https://tracker.example.com/'"()[]|^~?{a:[1]}|^`'"#,
        ),
        // The fragment stays at home.
        ("https://tracker.example.com/a?b#c", "https://tracker.example.com/a?b"),
        // Hosts and ports as `Host` will have them.
        ("https://tracker.example.com:443/a", "https://tracker.example.com/a"),
        ("http://tracker.example.com:80/a", "http://tracker.example.com/a"),
        ("https://tracker.example.com:80/a", "https://tracker.example.com:80/a"),
        ("http://tracker.example.com:8080/a", "http://tracker.example.com:8080/a"),
        ("HTTP://Tracker.Example.COM/Path", "http://tracker.example.com/Path"),
        ("http://[2001:DB8::1]:80/a", "http://[2001:db8::1]/a"),
        ("http://[::1]:8080/a", "http://[::1]:8080/a"),
    ] {
        let sent = send(&layer(), get_as("alice", uri)).await.unwrap();
        assert_eq!(url_on_arrival(&sent), url, "{uri}");
        let signature = verify_for(url, &sent.headers).unwrap_or_else(|error| panic!("{uri}: {error}"));
        assert_eq!((signature.user(), signature.created()), ("alice", NOON), "{uri}");
        assert_eq!(signature.scheme(), Scheme::SeraphV3);
    }
}

#[tokio::test]
async fn user_names_beyond_ascii() {
    for user in ["Ålice", "用户", "a b", "o'brien@example.com"] {
        let sent = send(&layer(), get_as(user, "https://tracker.example.com/")).await.unwrap();
        assert_eq!(verified(&sent).0, user);
    }
}

#[tokio::test]
async fn origin_form_is_signed_for_the_layers_origin() {
    let layer = layer().origin("https://Tracker.example.com:443".parse().unwrap());
    let sent = send(&layer, get_as("alice", "/rest/issues?a=%2B")).await.unwrap();
    assert_eq!(sent.uri, "/rest/issues?a=%2B");
    verify_for("https://tracker.example.com/rest/issues?a=%2B", &sent.headers).unwrap();

    // The same origin may be written out.
    let sent = send(&layer, get_as("alice", "https://tracker.example.com/rest")).await.unwrap();
    assert_eq!(verified(&sent).0, "alice");
}

#[tokio::test]
async fn a_host_header_is_given_the_signed_spelling() {
    for host in ["tracker.example.com", "Tracker.Example.com", "tracker.example.com:443"] {
        for uri in ["https://tracker.example.com/a", "/a"] {
            let layer = layer().origin("https://tracker.example.com".parse().unwrap());
            let mut request = get_as("alice", uri);
            request.headers_mut().insert("host", HeaderValue::from_static(host));
            let sent = send(&layer, request).await.unwrap();
            assert_eq!(sent.headers["host"], "tracker.example.com");
            assert_eq!(verified(&sent).0, "alice", "{uri} {host}");
        }
    }
}

#[tokio::test]
async fn headers_from_before_are_replaced() {
    let mut request = get_as("alice", "https://tracker.example.com/");
    for (name, value) in
        [(ID, "evil"), (ID, "twice"), (CERTIFICATE, "evil"), (KEY, "evil"), (SIGNATURE, "evil")]
    {
        request.headers_mut().append(name, HeaderValue::from_static(value));
    }
    let sent = send(&layer(), request).await.unwrap();
    assert_eq!(verified(&sent).0, "alice");
    assert!(!format!("{:?}", sent.headers).contains("evil"));
}

#[tokio::test]
async fn without_a_user_a_request_passes_but_no_identity_with_it() {
    let mut request = Request::post("https://Tracker.example.com:443/a").body(String::new()).unwrap();
    request.headers_mut().insert("host", HeaderValue::from_static("elsewhere"));
    request.headers_mut().insert("x-kept", HeaderValue::from_static("yes"));
    let stolen = send(&layer(), get_as("alice", "https://tracker.example.com/a")).await.unwrap();
    request.headers_mut().extend(stolen.headers);
    request.headers_mut().append(ID, HeaderValue::from_static("again"));

    let sent = send(&layer().only_to([]), request).await.unwrap();
    assert!(is_anonymous(&sent));
    assert_eq!(sent.uri.to_string(), "https://Tracker.example.com:443/a");
    assert_eq!(sent.headers["host"], "elsewhere");
    assert_eq!(sent.headers["x-kept"], "yes");
}

#[tokio::test]
async fn version_2_by_its_name() {
    let layer = layer().scheme(Scheme::InsecureSeraphV2);
    let sent = send(&layer, get_as("alice", "https://tracker.example.com/a")).await.unwrap();
    assert_eq!(sent.headers[VERSION], "2");
    let signature = verify_for("https://tracker.example.com/a", &sent.headers).unwrap();
    assert_eq!((signature.user(), signature.scheme()), ("alice", Scheme::InsecureSeraphV2));
}

#[tokio::test]
async fn a_remote_signer_is_waited_for() {
    let signer = Remote::new();
    let layer = SignLayer::new(signer.clone()).clock(crate::support::Hand::at(NOON));
    let sent = send(&layer, get_as("alice", "https://tracker.example.com/a")).await.unwrap();
    assert_eq!(verified(&sent).0, "alice");
    assert_eq!(signer.asked(), 1);
}

#[tokio::test]
async fn many_at_once_use_the_service_that_was_ready() {
    let probe = Probe::new();
    let mut service = SignLayer::new(Remote::new()).layer(probe.clone());
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..8 {
        let request = get_as("alice", &format!("https://tracker.example.com/{number}"));
        calls.spawn(ServiceExt::<Request<String>>::ready(&mut service).await.unwrap().call(request));
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap().unwrap();
    }
    assert_eq!(probe.sent().len(), 8);
}

#[tokio::test]
async fn nothing_is_asked_of_body_or_response() {
    // Neither `Send` nor `Sync`, nor `Clone`, nor `Debug`; and a future that is not `Send`.
    struct Body(#[allow(dead_code, reason = "its type is the point")] Rc<Cell<u8>>);
    let inner = service_fn(|request: Request<Body>| {
        let state = Rc::new(request.into_body());
        async move { Ok::<_, std::convert::Infallible>(Response::new(state)) }
    });
    let service = layer().layer(inner);
    let request = Request::get("https://tracker.example.com/")
        .extension(ActAs::new("alice"))
        .body(Body(Rc::default()))
        .unwrap();
    assert!(service.oneshot(request).await.is_ok());
}

#[test]
fn markers() {
    fn shareable<T: Clone + Send + Sync + 'static>() {}
    fn sendable<T: Send>() {}
    fn service<T: Service<Request<Vec<u8>>, Error = BoxError>>() {}
    shareable::<SignLayer<LocalApplication>>();
    shareable::<Sign<Probe, LocalApplication>>();
    shareable::<ActAs>();
    sendable::<ResponseFuture<Probe, String>>();
    service::<Sign<Probe, LocalApplication>>();
}

#[tokio::test]
async fn debug_shows_whose_signatures_but_none() {
    let layer = layer().origin("https://tracker.example.com".parse().unwrap()).reuse_certificates(10);
    let probe = Probe::new();
    let service = layer.layer(probe.clone());
    service.clone().oneshot(get_as("alice", "/rest")).await.unwrap();
    let sent = probe.sent().remove(0);

    let text = format!("{layer:?} {:?}", layer.layer("the inner service"));
    assert!(text.contains("the inner service"), "{text}");
    assert!(text.contains("confluence:4711") && text.contains("https://tracker.example.com"), "{text}");
    assert!(!text.contains(sent.headers[SIGNATURE].to_str().unwrap()));
    assert!(!text.contains(sent.headers[CERTIFICATE].to_str().unwrap()));
    assert!(format!("{:?}", ActAs::new("alice")).contains("alice"));
}
