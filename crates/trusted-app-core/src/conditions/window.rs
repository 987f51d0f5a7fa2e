//! How old a certificate may be, in both directions.

use std::time::Duration;

use crate::application::TrustedApplication;
use crate::clock::Timestamp;
use crate::rejection::Rejection;

/// How far ahead Atlassian's clients (since library 3.0.7) stamp a certificate, so that they can
/// send the same one again for as long.
pub const STAMPED_AHEAD: Duration = Duration::from_secs(15 * 60);

/// How far a peer's clock may be ahead of ours on top of [`STAMPED_AHEAD`].
pub const ALLOWED_SKEW: Duration = Duration::from_secs(60);

/// Accepts `created` if `created + timeout >= now` and `created <= now + 15 min + skew`.
pub(crate) fn check(
    application: &TrustedApplication,
    created: Timestamp,
    now: Timestamp,
) -> Result<(), Rejection> {
    let timeout = application.conditions().timeout;
    if created.saturating_add(timeout) < now {
        return Err(Rejection::CertificateTooOld {
            application: application.id().to_string(),
            created,
            timeout_ms: i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX),
            now,
        });
    }
    if created > now.saturating_add(STAMPED_AHEAD + ALLOWED_SKEW) {
        return Err(Rejection::CertificateFromFuture {
            application: application.id().to_string(),
            created,
            now,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conditions::{AddressRule, PathRule};
    use crate::crypto::PublicKey;

    const NOW: Timestamp = Timestamp::from_millis(1_400_000_000_000);

    fn application(timeout: Duration) -> TrustedApplication {
        let key =
            PublicKey::from_base64(include_str!("../../tests/data/public-key-2048.txt")).expect("a key");
        TrustedApplication::builder("wiki".parse().expect("an id"), key)
            .timeout(timeout)
            .addresses(AddressRule::any())
            .paths(PathRule::any())
            .build()
            .expect("an application")
    }

    /// Checks a certificate stamped so many milliseconds after now.
    fn stamped(after_now: i64) -> Result<(), Rejection> {
        check(&application(Duration::from_secs(10)), Timestamp::from_millis(NOW.as_millis() + after_now), NOW)
    }

    #[test]
    fn both_ends_are_inside() {
        for after_now in [-10_000, -9_999, 0, 15 * 60_000, 16 * 60_000] {
            assert_eq!(stamped(after_now), Ok(()), "{after_now}");
        }
    }

    #[test]
    fn a_millisecond_beyond_is_outside() {
        assert_eq!(
            stamped(-10_001),
            Err(Rejection::CertificateTooOld {
                application: "wiki".to_owned(),
                created: Timestamp::from_millis(NOW.as_millis() - 10_001),
                timeout_ms: 10_000,
                now: NOW,
            })
        );
        assert_eq!(
            stamped(16 * 60_000 + 1),
            Err(Rejection::CertificateFromFuture {
                application: "wiki".to_owned(),
                created: Timestamp::from_millis(NOW.as_millis() + 16 * 60_000 + 1),
                now: NOW,
            })
        );
    }

    #[test]
    fn the_ends_of_time_do_not_wrap_round() {
        let longest = application(Duration::from_millis(i64::MAX.unsigned_abs()));
        let (first, last) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
        assert!(matches!(check(&longest, last, NOW), Err(Rejection::CertificateFromFuture { .. })));
        assert!(matches!(check(&longest, first, NOW), Err(Rejection::CertificateTooOld { .. })));
        assert_eq!(check(&longest, last, last), Ok(()));
    }
}
