//! Waiting, but not for ever.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::task::coop::unconstrained;

/// What a future answers within a time. One that answers at once needs no timer.
pub(crate) async fn within<F: Future>(time: Duration, mut future: Pin<&mut F>) -> Option<F::Output> {
    // Boxed: a timer is large, and every request would have to carry room for it.
    let mut timer = None;
    poll_fn(|context| {
        if let Poll::Ready(answer) = future.as_mut().poll(context) {
            return Poll::Ready(Some(answer));
        }
        // A future that uses up the task's budget must not keep the timer from being looked at.
        let timer = timer.get_or_insert_with(|| Box::pin(unconstrained(tokio::time::sleep(time))));
        timer.as_mut().poll(context).map(|()| None)
    })
    .await
}
