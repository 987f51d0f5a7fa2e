//! What a signed RPC is, and that it is accepted.

use std::future::{Ready, ready};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use issues_proto::issues_client::IssuesClient;
use issues_proto::{ListRequest, issues_server::IssuesServer};
use tonic::Request;
use tonic::body::Body;
use tower::retry::{Policy, RetryLayer};
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_trusted_app::keys::MemoryKeyStore;
use trusted_app_test::TestIdentity;
use trusted_app_tonic::HttpSignatures;

use super::{captured, captured_get, client, forum, send, signer, streaming, tracker, verifying, wire};
use crate::site::{Calls, Handler, Site, acting_as, get, layer, wiki};
use crate::streams::converse;

#[tokio::test]
async fn as_the_user_whatever_the_name() {
    for layer in [tracker(), streaming()] {
        let site = Site::start(layer).await;
        for user in ["alice", "müller"] {
            let seen = format!("seen by {user}");
            let issue = client(&site).get(acting_as(user, get())).await.unwrap().into_inner();
            assert_eq!((issue.key.as_str(), &issue.summary), ("HSP-1", &seen));
            let mut issues = client(&site).list(acting_as(user, ListRequest {})).await.unwrap().into_inner();
            for key in ["HSP-1", "HSP-2"] {
                let issue = issues.message().await.unwrap().unwrap();
                assert_eq!((issue.key.as_str(), &issue.summary), (key, &seen));
            }
            assert_eq!(issues.message().await.unwrap(), None);
            assert_eq!(site.calls.take(), [user, user]);
        }
    }
}

/// A name beyond ASCII is a Display String, and what changes on the way is not signed.
#[tokio::test]
async fn what_is_covered() {
    let request = captured(async |mut client| {
        let mut request = acting_as("müller", get());
        request.set_timeout(Duration::from_secs(20));
        client.get(request).await
    })
    .await;
    let headers = request.headers();
    assert!(headers.contains_key("grpc-timeout") && headers.contains_key("te"), "{headers:?}");
    assert_eq!(headers["trusted-app-user"], "%\"m%c3%bcller\"");
    let input = headers["signature-input"].to_str().unwrap();
    let covered = r#"ta=("@method" "@target-uri" "content-type" "content-digest" "trusted-app-user");"#;
    assert!(input.starts_with(covered), "{input}");
    // The frame: not compressed, a length of 7.
    assert_eq!(request.body()[..5], [0, 0, 0, 0, 7]);

    // A proxy that has waited counts down, and says who it is.
    let site = Site::start(tracker()).await;
    let mut passed_on = request;
    for (name, value) in [("grpc-timeout", "19S"), ("user-agent", "proxy/1"), ("te", "trailers, deflate")] {
        passed_on.headers_mut().insert(name, value.parse().unwrap());
    }
    let response = send(site.channel(), passed_on).await.unwrap();
    assert!(!response.headers().contains_key("grpc-status"), "{response:?}");
    assert_eq!(site.calls.take(), ["müller"]);
}

#[tokio::test]
async fn a_deadline_and_credentials_of_the_channels_own() {
    let site = Site::start(tracker()).await;
    let mut request = acting_as("alice", get());
    request.set_timeout(Duration::from_secs(20));
    request.metadata_mut().insert("authorization", "Bearer abc".parse().unwrap());
    assert!(client(&site).get(request).await.is_ok());

    // Those are covered.
    let mut stolen = captured_get().await;
    stolen.headers_mut().insert("authorization", "Bearer abc".parse().unwrap());
    let response = send(site.channel(), stolen).await.unwrap();
    assert_eq!(response.headers()["trusted-app-error"], "coverage");
}

#[tokio::test]
async fn around_one_service() {
    let service = tracker().build().unwrap().layer(IssuesServer::new(Handler(Calls::default())));
    let mut in_memory = IssuesClient::new(signer().layer(service));
    assert!(in_memory.get(acting_as("alice", get())).await.is_ok());
}

/// On one server, each by its own scheme; what Seraph signs is untouched.
#[tokio::test]
async fn beside_seraph() {
    let keys = MemoryKeyStore::new([wiki().build().unwrap(), forum().build().unwrap()]).unwrap();
    let site = Site::start(verifying(layer(keys), HttpSignatures::default())).await;
    for _ in 0..2 {
        let issue = client(&site).get(acting_as("müller", get())).await.unwrap().into_inner();
        assert_eq!(issue.summary, "seen by müller");
        let issue = site.client().get(acting_as("alice", get())).await.unwrap().into_inner();
        assert_eq!(issue.summary, "seen by alice");
    }
    let mut client = site.client();
    converse(async move |comments| client.discuss(acting_as("alice", comments)).await).await;

    // Neither is taken for the other: the forum has no key for Seraph.
    let stranger = TestIdentity::stranger().with_id("forum");
    let mut client = crate::site::client(site.channel(), stranger, Default::default());
    assert!(client.get(acting_as("alice", get())).await.is_err());
}

/// Tries again whatever went wrong.
#[derive(Clone)]
struct OnceMore(u32);

impl<T> Policy<http::Request<Full<Bytes>>, T, BoxError> for OnceMore {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut http::Request<Full<Bytes>>,
        result: &mut Result<T, BoxError>,
    ) -> Option<Ready<()>> {
        result.is_err().then_some(())?;
        self.0 = self.0.checked_sub(1)?;
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &http::Request<Full<Bytes>>) -> Option<http::Request<Full<Bytes>>> {
        Some(request.clone())
    }
}

/// The answer to the first attempt is lost, after the server has accepted it.
#[tokio::test]
async fn a_retry_is_signed_anew() {
    let site = Site::start(tracker()).await;
    let (attempts, inputs) = (Arc::new(AtomicU32::new(0)), Arc::new(Mutex::new(Vec::new())));
    let (channel, seen) = (site.channel(), Arc::clone(&inputs));
    let lossy = wire(move |request| {
        seen.lock().unwrap().push(request.headers()["signature-input"].clone());
        let (channel, first) = (channel.clone(), attempts.fetch_add(1, Ordering::Relaxed) == 0);
        async move {
            let response = send(channel, request).await?;
            if first { Err("the answer is lost".into()) } else { Ok(response) }
        }
    });
    let retrying = ServiceBuilder::new()
        .layer(RetryLayer::new(OnceMore(1)))
        .map_request(|request: http::Request<Full<Bytes>>| request.map(Body::new))
        .layer(signer())
        .service(lossy);
    // So that an attempt can be repeated.
    let held = service_fn(move |request: http::Request<Body>| {
        let retrying = retrying.clone();
        async move {
            let (parts, body) = request.into_parts();
            let bytes = body.collect().await?.to_bytes();
            retrying.oneshot(http::Request::from_parts(parts, Full::new(bytes))).await
        }
    });
    let issue = IssuesClient::new(held).get(acting_as("alice", get())).await.unwrap().into_inner();
    assert_eq!(issue.summary, "seen by alice");
    assert_eq!(site.calls.take(), ["alice", "alice"]);
    let inputs = inputs.lock().unwrap();
    assert!(inputs.len() == 2 && inputs[0] != inputs[1], "a nonce is new with every attempt: {inputs:?}");
}

/// What names no user leaves unsigned, and without what another signed.
#[tokio::test]
async fn what_another_signed_does_not_leave() {
    let request = captured(async |mut client| {
        let mut request = Request::new(get());
        *request.metadata_mut() =
            tonic::metadata::MetadataMap::from_headers(captured_get().await.headers().clone());
        client.get(request).await
    })
    .await;
    for name in ["signature", "signature-input", "trusted-app-user"] {
        assert!(!request.headers().contains_key(name), "{name}");
    }
}
