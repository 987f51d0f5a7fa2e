//! Certificates that are sent again.

use std::time::Duration;

use http::HeaderMap;
use tokio::task::JoinSet;
use tower::{Layer, ServiceExt};
use tower_trusted_app::client::{Error, SignLayer};
use trusted_app_core::Scheme;
use trusted_app_core::conditions::STAMPED_AHEAD;

use crate::support::{Hand, NOON, Probe, Remote, WIKI, get_as, send, verified};

const URL: &str = "https://tracker.example.com/rest/issues?jql=x";
const MOMENT: Duration = Duration::from_millis(1);

fn reusing(clock: &Hand) -> SignLayer<std::sync::Arc<trusted_app_core::LocalApplication>, Hand> {
    SignLayer::new(WIKI.clone()).clock(clock.clone()).reuse_certificates(100)
}

#[tokio::test]
async fn the_same_headers_for_fifteen_minutes() {
    let clock = Hand::at(NOON);
    let layer = reusing(&clock);
    let headers = async |layer: &_| -> HeaderMap { send(layer, get_as("alice", URL)).await.unwrap().headers };

    let first = send(&layer, get_as("alice", URL)).await.unwrap();
    assert_eq!(verified(&first), ("alice".to_owned(), NOON.saturating_add(STAMPED_AHEAD)));

    clock.forward(STAMPED_AHEAD - MOMENT);
    assert_eq!(headers(&layer).await, first.headers);
    // Its clones and all its services share the certificates.
    assert_eq!(headers(&layer.clone()).await, first.headers);

    clock.forward(MOMENT);
    let renewed = send(&layer, get_as("alice", URL)).await.unwrap();
    assert_eq!(verified(&renewed).1, NOON.saturating_add(2 * STAMPED_AHEAD));
    assert_eq!(headers(&layer).await, renewed.headers);
}

#[tokio::test]
async fn never_for_another_user_or_url() {
    let layer = reusing(&Hand::at(NOON));
    for user in ["alice", "bob", "Alice"] {
        for url in
            [URL, "https://tracker.example.com/rest/issues?jql=y", "http://tracker.example.com/rest/issues"]
        {
            for _ in 0..2 {
                assert_eq!(verified(&send(&layer, get_as(user, url)).await.unwrap()).0, user);
            }
        }
    }
}

#[tokio::test]
async fn a_clock_set_back_signs_anew() {
    let clock = Hand::at(NOON);
    let layer = reusing(&clock);
    send(&layer, get_as("alice", URL)).await.unwrap();
    clock.back(Duration::from_secs(3600));
    let sent = send(&layer, get_as("alice", URL)).await.unwrap();
    assert_eq!(verified(&sent).1.millis_since(NOON), (900 - 3600) * 1000);
}

#[tokio::test]
async fn without_it_each_request_is_signed_at_its_own_time() {
    let clock = Hand::at(NOON);
    let signer = Remote::new();
    let layer = SignLayer::new(signer.clone()).clock(clock.clone());
    for seconds in [0, 1] {
        let sent = send(&layer, get_as("alice", URL)).await.unwrap();
        assert_eq!(verified(&sent).1.millis_since(NOON), seconds * 1000);
        clock.forward(Duration::from_secs(1));
    }
    assert_eq!(signer.asked(), 2);
}

#[tokio::test]
async fn requests_at_the_same_time_wait_for_one_signature() {
    let signer = Remote::new();
    let service = SignLayer::new(signer.clone()).reuse_certificates(100).layer(Probe::new());
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        calls.spawn(service.clone().oneshot(get_as("alice", URL)));
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap().unwrap();
    }
    assert_eq!(signer.asked(), 1);
}

#[tokio::test]
async fn a_failed_or_abandoned_signature_leaves_the_place_to_the_next() {
    let signer = Remote::failing(1);
    let service = SignLayer::new(signer.clone()).reuse_certificates(100).layer(Probe::new());
    let (failed, waiting) = tokio::join!(
        service.clone().oneshot(get_as("alice", URL)),
        service.clone().oneshot(get_as("alice", URL)),
    );
    assert!(failed.unwrap_err().is::<Error>());
    waiting.unwrap();
    assert_eq!(signer.asked(), 2);

    let abandoned = tokio::spawn(service.clone().oneshot(get_as("bob", URL)));
    while signer.asked() < 3 {
        tokio::task::yield_now().await;
    }
    abandoned.abort();
    assert!(abandoned.await.unwrap_err().is_cancelled());
    service.oneshot(get_as("bob", URL)).await.unwrap();
    assert_eq!(signer.asked(), 4);
}

#[tokio::test]
async fn the_number_kept_is_bounded() {
    let signer = Remote { latency: Duration::ZERO, ..Remote::new() };
    let layer = SignLayer::new(signer.clone()).clock(Hand::at(NOON)).reuse_certificates(4);
    for _ in 0..2 {
        for number in 0..12 {
            send(&layer, get_as("alice", &format!("https://tracker.example.com/{number}"))).await.unwrap();
        }
    }
    assert!(signer.asked() >= 2 * 12 - 4, "{} signatures", signer.asked());

    // Even one place is one.
    let signer = Remote { latency: Duration::ZERO, ..Remote::new() };
    let layer = SignLayer::new(signer.clone()).clock(Hand::at(NOON)).reuse_certificates(0);
    for _ in 0..3 {
        send(&layer, get_as("alice", URL)).await.unwrap();
    }
    assert_eq!(signer.asked(), 1);
}

#[tokio::test]
async fn version_2_too() {
    let layer = reusing(&Hand::at(NOON)).scheme(Scheme::InsecureSeraphV2);
    let first = send(&layer, get_as("alice", URL)).await.unwrap();
    assert_eq!(send(&layer, get_as("alice", URL)).await.unwrap().headers, first.headers);
}
