//! A clock that stands still.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use trusted_app_core::{Clock, Timestamp};

/// A clock that stands still until the test moves it. Clones show the same time.
///
/// ```
/// use std::time::Duration;
/// use trusted_app_core::Clock;
/// use trusted_app_test::FixedClock;
///
/// let clock = FixedClock::default();
/// let before = clock.now();
/// clock.clone().advance(Duration::from_secs(10));
/// assert_eq!(clock.now().millis_since(before), 10_000);
/// ```
#[derive(Debug, Clone)]
pub struct FixedClock(Arc<AtomicI64>);

impl FixedClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.as_millis())))
    }

    /// Shows `now` from now on.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Moves forward.
    pub fn advance(&self, duration: Duration) {
        self.set(self.now().saturating_add(duration));
    }
}

impl Default for FixedClock {
    /// A clock that shows 2023-11-14T22:13:20Z, 1 700 000 000 000 milliseconds after the epoch.
    fn default() -> Self {
        Self::new(Timestamp::from_millis(1_700_000_000_000))
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}
