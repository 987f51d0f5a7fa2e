//! What a cache and its task share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use trusted_app_core::registry::Broken;

use super::error::CacheError;
use super::snapshot::Snapshot;

pub(super) struct Shared {
    pub(super) snapshot: Snapshot,
    pub(super) status: ArcSwap<Known>,
    /// Up to when the registry is known to have said nothing else, in milliseconds since `started`.
    pub(super) confirmed: AtomicU64,
    pub(super) started: Instant,
    pub(super) max_age: Duration,
    /// How many full readings were asked for, and a call for the task to look.
    pub(super) asked: AtomicU64,
    pub(super) call: Notify,
    /// Up to which of them an attempt is through that began after it was asked for.
    pub(super) attempted: watch::Sender<u64>,
}

/// What is known beside the applications.
#[derive(Clone, Default)]
pub(super) struct Known {
    pub(super) generation: u64,
    pub(super) applications: usize,
    pub(super) skipped: Vec<Arc<Broken>>,
    pub(super) skipped_count: usize,
    pub(super) last_error: Option<String>,
}

impl Shared {
    /// How long ago the registry last confirmed what is known.
    pub(super) fn age(&self) -> Duration {
        let confirmed = Duration::from_millis(self.confirmed.load(Ordering::Acquire));
        self.started.elapsed().saturating_sub(confirmed)
    }

    pub(super) fn check_age(&self) -> Result<(), CacheError> {
        let age = self.age();
        if age > self.max_age { Err(CacheError::TooOld { age }) } else { Ok(()) }
    }

    pub(super) fn confirm(&self, at: Instant) {
        let since = at.saturating_duration_since(self.started).as_millis();
        self.confirmed.store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Release);
    }
}
