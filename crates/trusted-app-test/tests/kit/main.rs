//! The kit over the stores and layers that exist, and over ones that are wrong on purpose.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod directories;
mod faults;
mod mock;
mod readiness;
mod replays;
mod stores;

use std::future::Future;

use tokio::task::LocalSet;

/// What a conformance suite says about something that is wrong.
async fn complaint(suite: impl Future<Output = ()> + 'static) -> String {
    let local = LocalSet::new();
    let suite = local.spawn_local(suite);
    let ((), result) = (local.await, suite.await);
    let panic = result.expect_err("the suite found nothing").into_panic();
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref().copied()).unwrap_or_default().to_owned()
}
