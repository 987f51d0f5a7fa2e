//! The layer with HTTP message signatures.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod bodies;
mod client;
mod content;
mod proxies;
mod refused;
mod support;

use http::{HeaderValue, Request};
use tower_trusted_app::conditions::{AddressRule, PathRule};
use tower_trusted_app::seraph::SigningRequest;
use tower_trusted_app::{HttpSignatures, TrustedApplication};

use support::{NOW, ORIGIN, Parts, forum, send, signed, signed_for, tracker, tracker_of, wiki};

#[tokio::test]
async fn a_signed_request_goes_on_as_its_user() {
    let (answer, got) = send(&tracker(), signed("POST", "/rest/issues", b"printer on fire")).await;
    let got = got.unwrap();
    assert_eq!(
        (answer.status, got.user.as_deref(), got.body()),
        (200, Some("alice"), b"printer on fire".to_vec())
    );
    // It is verified, so it stays.
    assert_eq!(got.field.as_deref(), Some("\"alice\""));
    assert_eq!(
        (answer.header("cache-control"), answer.header("vary")),
        (Some("private"), Some("trusted-app-user"))
    );
    assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("x-seraph")));

    let (answer, got) = send(&tracker(), signed_for("müller", "GET", "/rest/issues?a=%2F&b", b"")).await;
    assert_eq!((answer.status, got.unwrap().user.as_deref()), (200, Some("müller")));
}

#[tokio::test]
async fn nobody_elses_word_says_who_the_user_is() {
    let layer = tracker_of(vec![wiki(), trusted_forum()], HttpSignatures::default());
    let field = HeaderValue::from_static("\"alice\"");

    // Anonymous, and with a signature that is not of the profile.
    let optional = layer.clone().optional();
    for request in
        [Request::get("/rest"), Request::get("/rest").header("signature-input", "a=();tag=\"other\"")]
    {
        let request = request.header("trusted-app-user", &field).body(Parts::default()).unwrap();
        let (answer, got) = send(&optional, request).await;
        let got = got.unwrap();
        assert_eq!((answer.status, got.user, got.field), (200, None, None));
    }
    // Not looked at.
    let skipping = layer.clone().skip(|_, uri, _| uri.path() == "/rest/health");
    let (_, got) = send(&skipping, signed("GET", "/rest/health", b"")).await;
    let got = got.unwrap();
    assert_eq!((got.user, got.field), (None, None));
    // By Seraph.
    let mut request =
        Request::get("/rest").header("trusted-app-user", "\"müller\"").body(Parts::default()).unwrap();
    let signed = SigningRequest::new("alice", &format!("{ORIGIN}/rest"), NOW).sign(&forum()).unwrap();
    signed.apply(request.headers_mut());
    let (answer, got) = send(&layer, request).await;
    let got = got.unwrap();
    assert_eq!((answer.status, got.user.as_deref(), got.field), (200, Some("alice"), None));
    assert_eq!(answer.header("x-seraph-trusted-app-status"), Some("OK"));
}

fn trusted_forum() -> TrustedApplication {
    TrustedApplication::builder(forum().id().clone(), forum().public_key().clone())
        .addresses(AddressRule::any())
        .paths(PathRule::prefixes(["/rest"]))
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_at_once_one_is_accepted() {
    let (layer, request) = (tracker(), signed("POST", "/rest/issues", b"x"));
    let mut sent = tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let (layer, request) = (layer.clone(), request.clone());
        sent.spawn(async move { send(&layer, request).await.0.status });
    }
    let answers = sent.join_all().await;
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1);
    assert!(answers.iter().all(|status| [200, 401].contains(status)));
}
