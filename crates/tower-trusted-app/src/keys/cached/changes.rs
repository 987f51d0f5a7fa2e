//! What tells a cache that its registry may have changed.

use std::future::Future;

use trusted_app_core::BoxError;

/// Tells that a registry may have changed, so that a cache looks at once and not only at its next
/// poll.
pub trait ChangeSource: Send + 'static {
    /// Waits until something may have changed since the last call. An error means that changes may
    /// have been missed; the cache looks then as well, and calls again a poll later.
    fn changed(&mut self) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// No source: the cache polls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Polling;

impl ChangeSource for Polling {
    async fn changed(&mut self) -> Result<(), BoxError> {
        std::future::pending().await
    }
}
