//! How old a certificate may be, in both directions.

use std::time::Duration;

use crate::clock::Timestamp;

/// How far ahead Atlassian's clients (since library 3.0.7) stamp a certificate, so that they can
/// send the same one again for as long.
pub const STAMPED_AHEAD: Duration = Duration::from_secs(15 * 60);

/// How far a peer's clock may be ahead of ours on top of [`STAMPED_AHEAD`].
pub const ALLOWED_SKEW: Duration = Duration::from_secs(60);

/// At which end a certificate is outside its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WindowMismatch {
    TooOld,
    FromFuture,
}

/// Accepts `created` if `created + timeout >= now` and `created <= now + 15 min + skew`.
pub(crate) fn check(timeout: Duration, created: Timestamp, now: Timestamp) -> Result<(), WindowMismatch> {
    if created.saturating_add(timeout) < now {
        Err(WindowMismatch::TooOld)
    } else if created > now.saturating_add(STAMPED_AHEAD + ALLOWED_SKEW) {
        Err(WindowMismatch::FromFuture)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_400_000_000_000);
    const TIMEOUT: Duration = Duration::from_secs(10);

    /// Checks a certificate stamped so many milliseconds after now.
    fn stamped(after_now: i64) -> Result<(), WindowMismatch> {
        check(TIMEOUT, Timestamp::from_millis(NOW.as_millis() + after_now), NOW)
    }

    #[test]
    fn both_ends_are_inside() {
        for after_now in [-10_000, -9_999, 0, 15 * 60_000, 16 * 60_000] {
            assert_eq!(stamped(after_now), Ok(()), "{after_now}");
        }
    }

    #[test]
    fn a_millisecond_beyond_is_outside() {
        assert_eq!(stamped(-10_001), Err(WindowMismatch::TooOld));
        assert_eq!(stamped(16 * 60_000 + 1), Err(WindowMismatch::FromFuture));
    }

    #[test]
    fn the_ends_of_time_do_not_wrap_round() {
        let longest = Duration::from_millis(i64::MAX.unsigned_abs());
        let (first, last) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
        assert_eq!(check(longest, last, NOW), Err(WindowMismatch::FromFuture));
        assert_eq!(check(longest, first, NOW), Err(WindowMismatch::TooOld));
        assert_eq!(check(longest, last, last), Ok(()));
    }
}
