//! Streams flow through the layer message by message.

use std::time::Duration;

use issues_proto::Comment;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status, Streaming};

use crate::site::{Site, acting_as, trusting, wiki};

#[tokio::test]
async fn a_conversation_is_not_buffered() {
    let site = Site::start(trusting(wiki())).await;
    let mut client = site.client();
    converse(async move |comments| client.discuss(acting_as("alice", comments)).await).await;
}

/// Each message is sent only after the answer to the one before it has come back: nothing waits for the end.
pub(crate) async fn converse(
    discuss: impl AsyncFnOnce(ReceiverStream<Comment>) -> Result<Response<Streaming<Comment>>, Status>,
) {
    let (comments, outgoing) = mpsc::channel(1);
    let answers = discuss(ReceiverStream::new(outgoing));
    let mut answers =
        timeout(Duration::from_secs(10), answers).await.expect("the call begins").unwrap().into_inner();
    for number in 0..20 {
        let text = format!("comment {number}");
        comments.send(Comment { text: text.clone(), ..Comment::default() }).await.unwrap();
        let answer =
            timeout(Duration::from_secs(10), answers.message()).await.expect("the answer comes at once");
        assert_eq!(answer.unwrap(), Some(Comment { text, author: "alice".into() }));
    }
    drop(comments);
    assert_eq!(answers.message().await.unwrap(), None);
}
