//! Time as the wire has it: milliseconds since the Unix epoch.

use std::fmt;
use std::time::Duration;

/// An instant in milliseconds since 1970-01-01T00:00:00Z, the unit of the wire. Negative before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant `millis` milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This instant moved forward, stopping at the last one there is.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Milliseconds from `earlier` to this instant; negative if `earlier` is the later one.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The spelling of Java's `Date.toString()` in UTC, as the original writes it into `OLD_CERT`:
    /// `Tue Nov 14 22:13:10 UTC 2023`.
    #[must_use]
    pub fn to_java_date(self) -> String {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let seconds = self.0.div_euclid(1000);
        let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        let name = |names: &[&'static str], at: i64| {
            usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or_default()
        };
        format!(
            "{} {} {day:02} {:02}:{:02}:{:02} UTC {year:04}",
            name(&DAYS, days.rem_euclid(7)),
            name(&MONTHS, month - 1),
            of_day / 3600,
            of_day / 60 % 60,
            of_day % 60,
        )
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Year, month and day of the proleptic Gregorian calendar, for a count of days since 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    // Counting from 0000-03-01 puts the leap day at the end of each 400-year era.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Where the present time comes from. The core never asks the system; tests hand in a fixed one.
pub trait Clock: Send + Sync + 'static {
    /// The present time.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_dates() {
        for (millis, text) in [
            (0, "Thu Jan 01 00:00:00 UTC 1970"),
            (-1, "Wed Dec 31 23:59:59 UTC 1969"),
            (1_709_164_799_998, "Wed Feb 28 23:59:59 UTC 2024"),
            (951_782_400_000, "Tue Feb 29 00:00:00 UTC 2000"),
            (1_700_000_000_123, "Tue Nov 14 22:13:20 UTC 2023"),
            (-62_135_596_800_000, "Mon Jan 01 00:00:00 UTC 0001"),
        ] {
            assert_eq!(Timestamp::from_millis(millis).to_java_date(), text);
        }
        // The ends of the range do not overflow.
        let _ = Timestamp::from_millis(i64::MAX).to_java_date();
        let _ = Timestamp::from_millis(i64::MIN).to_java_date();
    }
}
