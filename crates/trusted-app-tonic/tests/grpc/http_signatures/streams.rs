//! Streams of the client's, whose digest nobody knows when they begin.

use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use http_body_util::StreamBody;
use issues_proto::issues_client::IssuesClient;
use issues_proto::issues_server::IssuesServer;
use issues_proto::{Comment, ImportSummary, Issue};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{StreamExt, iter};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::util::MapRequestLayer;
use tower::{Layer, ServiceBuilder};
use trusted_app_tonic::client::Error;
use trusted_app_tonic::{HttpSignatures, RequestExt, not_sent};

use super::{Verifying, client, forum, leaves_bodies_out, refusal, signer, streaming, tracker, verifying};
use crate::site::{Calls, Handler, Site, acting_as, trusting};
use crate::streams::converse;

/// As long as the sender is kept it does not end.
fn open_stream<T: Default>() -> (mpsc::Sender<T>, ReceiverStream<T>) {
    let (sender, stream) = mpsc::channel(4);
    sender.try_send(T::default()).unwrap();
    (sender, ReceiverStream::new(stream))
}

fn agreed(signatures: HttpSignatures) -> Verifying {
    verifying(trusting(forum().insecure_unsigned_bodies(true)), signatures)
}

/// The first message is there, the next comes after the answer: whoever waits for the end waits for ever.
#[tokio::test]
async fn the_signer_refuses_them_and_does_not_wait() {
    let site = Site::start(agreed(leaves_bodies_out())).await;
    let (issues, stream) = open_stream::<Issue>();
    let mut client = client(&site);
    let import = timeout(Duration::from_secs(10), client.import(acting_as("alice", stream)));
    let status = import.await.expect("refused at once").unwrap_err();
    assert!(matches!(not_sent(&status), Some(Error::StreamingBody)), "{status:?}");
    let (comments, stream) = open_stream::<Comment>();
    let discuss = timeout(Duration::from_secs(10), client.discuss(acting_as("alice", stream)));
    let status = discuss.await.expect("refused at once").unwrap_err();
    assert!(matches!(not_sent(&status), Some(Error::StreamingBody)), "{status:?}");
    assert!(site.calls.take().is_empty(), "nothing arrives");
    drop((issues, comments));
}

#[tokio::test]
async fn a_server_takes_them_only_by_policy_and_registration() {
    let default = HttpSignatures::default;
    for (allowed, layer) in [
        (false, tracker()),
        (false, streaming()),
        (false, agreed(default())),
        (false, agreed(default().streaming())),
        (false, verifying(trusting(forum()), leaves_bodies_out())),
        (true, agreed(leaves_bodies_out())),
        (true, agreed(leaves_bodies_out().streaming())),
    ] {
        let site = Site::start(layer).await;
        let (issues, stream) = open_stream::<Issue>();
        let mut client = client(&site);
        let import = tokio::spawn(timeout(Duration::from_secs(10), async move {
            client.import(acting_as("alice", stream).insecure_unsigned_body()).await
        }));
        let _ = issues.send(Issue::default()).await;
        drop(issues);
        match import.await.unwrap().expect("it ends") {
            Ok(summary) => {
                assert!(allowed);
                let expected = ImportSummary { issues: 2, reporter: "alice".into() };
                assert_eq!(summary.into_inner(), expected);
            }
            Err(status) => {
                assert!(!allowed, "{status:?}");
                assert_eq!(refusal(&status), (Code::Unauthenticated, "coverage".to_owned()));
                assert!(site.calls.take().is_empty(), "the handler ran");
            }
        }
    }
}

#[tokio::test]
async fn an_unsigned_conversation_is_not_buffered() {
    for signatures in [leaves_bodies_out(), leaves_bodies_out().streaming()] {
        let site = Site::start(agreed(signatures)).await;
        let mut client = client(&site);
        converse(async move |comments| {
            client.discuss(acting_as("alice", comments).insecure_unsigned_body()).await
        })
        .await;
    }
}

/// Longer than tokio's streams go without giving way, which is no waiting.
#[tokio::test]
async fn one_that_is_all_there_is_signed_as_a_whole() {
    for layer in [tracker(), streaming()] {
        let site = Site::start(layer).await;
        let issues = iter((0..1000).map(|number| Issue { key: format!("HSP-{number}"), ..Issue::default() }));
        let summary = client(&site).import(acting_as("alice", issues)).await.unwrap().into_inner();
        assert_eq!(summary, ImportSummary { issues: 1000, reporter: "alice".into() });
        let none = client(&site).import(acting_as("alice", iter([]))).await.unwrap().into_inner();
        assert_eq!(none.issues, 0);
        let comments =
            iter(["why?", "printer on fire"].map(|text| Comment { text: text.into(), ..Comment::default() }));
        let answers = client(&site).discuss(acting_as("alice", comments)).await.unwrap().into_inner();
        let texts: Vec<_> = answers.map(|comment| comment.unwrap().text).collect().await;
        assert_eq!(texts, ["why?", "printer on fire"]);
    }
}

/// More than is signed: the signer stops there.
#[tokio::test]
async fn one_without_an_end_is_refused_at_the_limit() {
    let site = Site::start(tracker()).await;
    let issues = iter(std::iter::repeat_with(|| Issue { summary: "x".repeat(1000), ..Issue::default() }));
    let status = client(&site).import(acting_as("alice", issues)).await.unwrap_err();
    assert!(matches!(not_sent(&status), Some(Error::BodyTooLarge { limit: 1_048_576 })), "{status:?}");
    assert!(site.calls.take().is_empty(), "nothing arrives");
}

/// What a handler is told of a stream that breaks off, whether it is signed or not.
#[tokio::test]
async fn the_status_of_a_stream_survives_the_layer() {
    let break_off = MapRequestLayer::new(|request: http::Request<Body>| {
        request.map(|_| Body::new(StreamBody::new(iter([Err::<Frame<Bytes>, _>(Status::aborted("gone"))]))))
    });
    let layers = [agreed(leaves_bodies_out()), agreed(leaves_bodies_out().streaming())];
    for (layer, unsigned) in layers.into_iter().zip([true, false]) {
        let service = layer.build().unwrap().layer(IssuesServer::new(Handler(Calls::default())));
        let service = ServiceBuilder::new().layer(signer()).layer(break_off.clone()).service(service);
        let request = acting_as("alice", iter([Issue::default()]));
        let request = if unsigned { request.insecure_unsigned_body() } else { request };
        let status = IssuesClient::new(service).import(request).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::Aborted, "gone"));
    }
}
