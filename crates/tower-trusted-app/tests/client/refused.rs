//! Never unsigned: whatever prevents the signature, nothing is sent.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request, Uri};
use tower::limit::ConcurrencyLimitLayer;
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt};
use tower_trusted_app::client::{ActAs, Error, OriginError, SignLayer};

use crate::support::{Hand, NOON, Probe, Remote, get_as, layer, send};

const TRACKER: &str = "https://tracker.example.com";

#[tokio::test]
async fn a_signer_that_fails() {
    let layer = SignLayer::new(Remote::failing(1)).clock(Hand::at(NOON));
    let error = send(&layer, get_as("alice", TRACKER)).await.unwrap_err();
    assert!(matches!(error, Error::Sign(_)), "{error}");
    assert!(error.to_string().contains("not sent"));
    // The next one is tried again.
    send(&layer, get_as("alice", TRACKER)).await.unwrap();
}

#[tokio::test]
async fn a_user_name_with_a_line_feed() {
    for user in ["alice\nadmin", "\n", "admin\n-1159983122"] {
        for layer in [layer(), layer().reuse_certificates(10)] {
            let error = send(&layer, get_as(user, TRACKER)).await.unwrap_err();
            assert!(matches!(error, Error::Sign(_)), "{user:?}: {error}");
        }
    }
}

#[tokio::test]
async fn targets_that_name_no_url() {
    for (uri, layer) in
        [("*", layer().origin(TRACKER.parse().unwrap())), ("tracker.example.com:443", layer())]
    {
        let error = send(&layer, get_as("alice", uri)).await.unwrap_err();
        assert!(matches!(error, Error::NoUrl), "{uri}: {error}");
    }
    let error = send(&layer(), get_as("alice", "/rest")).await.unwrap_err();
    assert!(matches!(error, Error::NoOrigin), "{error}");
    // A list of origins does not say which of them a path belongs to.
    let error =
        send(&layer().only_to([TRACKER.parse().unwrap()]), get_as("alice", "/rest")).await.unwrap_err();
    assert!(matches!(error, Error::NoOrigin), "{error}");
}

#[tokio::test]
async fn uris_that_would_not_be_sent_as_signed() {
    let refusal = async |uri: &str| send(&layer(), get_as("alice", uri)).await.unwrap_err();
    let error = refusal("https://bob:secret@tracker.example.com/").await;
    assert!(matches!(error, Error::BadOrigin(OriginError::UserInfo)), "{error}");
    assert!(!error.to_string().contains("secret"));
    assert!(matches!(refusal("ws://tracker.example.com/").await, Error::BadOrigin(OriginError::Scheme)));
    assert!(matches!(
        refusal("http://tracker.example.com:99999/").await,
        Error::BadOrigin(OriginError::Port)
    ));
}

#[tokio::test]
async fn origins_that_are_not_listed() {
    let tracker = || TRACKER.parse().unwrap();
    let wiki = || "https://wiki.example.com".parse().unwrap();
    let foreign = [
        "http://tracker.example.com/",
        "https://tracker.example.com:8443/",
        "https://tracker.example.com.evil.example/",
        "https://evil.example/tracker.example.com",
    ];
    for layer in [layer().only_to([tracker(), wiki()]), layer().origin(tracker()).only_to([wiki()])] {
        for uri in foreign {
            let error = send(&layer, get_as("alice", uri)).await.unwrap_err();
            let Error::ForeignOrigin { requested, allowed } = error else { panic!("{uri}: {error}") };
            assert!(uri.starts_with(&requested.to_string()));
            assert_eq!(allowed, [tracker(), wiki()]);
        }
        send(&layer, get_as("alice", "https://TRACKER.example.com:443/")).await.unwrap();
        send(&layer, get_as("alice", "https://wiki.example.com/")).await.unwrap();
    }
    let own = layer().origin(tracker());
    let error = send(&own, get_as("alice", "https://wiki.example.com/")).await.unwrap_err();
    assert!(error.to_string().contains("https://wiki.example.com"), "{error}");
    // An empty list allows nothing.
    let error = send(&layer().only_to([]), get_as("alice", TRACKER)).await.unwrap_err();
    assert!(matches!(error, Error::ForeignOrigin { .. }), "{error}");
}

#[tokio::test]
async fn a_host_header_that_disagrees() {
    let hosts: [&[&str]; 6] = [
        &["evil.example"],
        &["tracker.example.com:8443"],
        &["bob@tracker.example.com"],
        &["tracker.example.com", "tracker.example.com"],
        &[""],
        &["tracker.example.com/"],
    ];
    for values in hosts {
        for uri in ["https://tracker.example.com/a", "/a"] {
            let mut request = get_as("alice", uri);
            for value in values {
                request.headers_mut().append("host", HeaderValue::from_str(value).unwrap());
            }
            let layer = layer().origin(TRACKER.parse().unwrap());
            let error = send(&layer, request).await.unwrap_err();
            assert!(matches!(error, Error::HostDisagrees(_)), "{values:?}: {error}");
        }
    }
}

#[tokio::test]
async fn a_user_belongs_to_the_first_origin() {
    let layer = layer();
    let alice = ActAs::new("alice");
    let request = |act_as: &ActAs, uri: &'static str| {
        let mut request = Request::new(String::new());
        *request.uri_mut() = Uri::from_static(uri);
        request.extensions_mut().insert(act_as.clone());
        request
    };
    // A refusal binds nothing.
    let only = layer.clone().only_to([]);
    send(&only, request(&alice, "https://evil.example/")).await.unwrap_err();

    send(&layer, request(&alice, "https://tracker.example.com/a")).await.unwrap();
    send(&layer, request(&alice, "https://Tracker.example.com:443/b")).await.unwrap();
    for uri in ["https://evil.example/", "http://tracker.example.com/", "https://tracker.example.com:8443/"] {
        let error = send(&layer, request(&alice, uri)).await.unwrap_err();
        let Error::ForeignOrigin { allowed, .. } = &error else { panic!("{uri}: {error}") };
        assert_eq!(allowed, &[TRACKER.parse().unwrap()]);
    }
    // Another user of the same name is another user.
    send(&layer, request(&ActAs::new("alice"), "https://evil.example/")).await.unwrap();
}

#[tokio::test]
async fn the_inner_service_is_free_again() {
    let probe = Probe::new();
    let service =
        ServiceBuilder::new().layer(layer()).layer(ConcurrencyLimitLayer::new(1)).service(probe.clone());
    let mut refused = service.clone().oneshot(get_as("alice", "/no-origin"));
    assert!((&mut refused).await.unwrap_err().is::<Error>());
    // Even while somebody still holds the future that failed.
    let passes = service.oneshot(get_as("alice", TRACKER));
    tokio::time::timeout(Duration::from_secs(5), passes).await.expect("the permit came back").unwrap();
    drop(refused);
    assert_eq!(probe.sent().len(), 1);
}

#[tokio::test]
async fn the_inner_services_error_stays_what_it_is() {
    #[derive(Debug, thiserror::Error)]
    #[error("refused")]
    struct Refused;
    let inner =
        tower::service_fn(|_: Request<String>| async { Err::<http::Response<()>, _>(Arc::new(Refused)) });
    let service = layer().layer(inner.map_err(|_| Refused));
    let error: BoxError = service.oneshot(get_as("alice", TRACKER)).await.unwrap_err();
    assert!(error.is::<Refused>() && !error.is::<Error>());
}
