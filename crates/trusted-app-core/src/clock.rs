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

    /// The spelling of RFC 3339 in UTC, with the milliseconds where there are any:
    /// `2023-11-14T22:13:20.123Z`. Instants outside the years 0 to 9999, which it cannot spell, move
    /// to the nearest that it can.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let millis = self.0.clamp(RFC3339_FIRST, RFC3339_LAST);
        let (seconds, millis) = (millis.div_euclid(1000), millis.rem_euclid(1000));
        let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let fraction = if millis == 0 { String::new() } else { format!(".{millis:03}") };
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
    }

    /// Reads a date and time with an offset, as RFC 3339 spells it. What is finer than a millisecond
    /// is cut off; a leap second is the second after it.
    ///
    /// ```
    /// use trusted_app_core::Timestamp;
    ///
    /// let at = Timestamp::from_rfc3339("2023-11-14T23:13:20.1239+01:00").unwrap();
    /// assert_eq!(at.to_rfc3339(), "2023-11-14T22:13:20.123Z");
    /// assert_eq!(Timestamp::from_rfc3339("2023-02-29T00:00:00Z"), None);
    /// ```
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let (date, time) = text.split_once(['T', 't', ' '])?;
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let offset_at = time.find(['Z', 'z', '+', '-'])?;
        let (time, offset) = time.split_at_checked(offset_at)?;
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
        if fraction.is_empty() || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
        let offset = match offset.split_at_checked(1)? {
            ("Z" | "z", "") => 0,
            (sign, minutes) => {
                let [hours, minutes] = numbers(minutes, ':', [2, 2])?;
                let minutes = (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)?;
                if sign == "-" { -minutes } else { minutes }
            }
        };
        let days = days_from_civil(year, month, day);
        let is_civil = civil_from_days(days) == (year, month, day);
        let is_time = hour < 24 && minute < 60 && second <= 60;
        let seconds = days * 86_400 + hour * 3600 + (minute - offset) * 60 + second;
        (is_civil && is_time).then_some(Self(seconds * 1000 + millis))
    }
}

/// 0000-01-01T00:00:00Z.
const RFC3339_FIRST: i64 = -62_167_219_200_000;
/// 9999-12-31T23:59:59.999Z.
const RFC3339_LAST: i64 = 253_402_300_799_999;

/// Numbers of so many digits each, with a separator between them and nothing else.
fn numbers<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits)?;
        *number = part.bytes().all(|digit| digit.is_ascii_digit()).then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(numbers)
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

/// The count of days since 1970-01-01 of a date of the proleptic Gregorian calendar; the inverse of
/// [`civil_from_days`] for dates that exist.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let shifted_month = (month + 9) % 12;
    let of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * 146_097 + of_era - 719_468
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
    fn rfc3339_dates() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
            (RFC3339_FIRST, "0000-01-01T00:00:00Z"),
            (RFC3339_LAST, "9999-12-31T23:59:59.999Z"),
        ] {
            let at = Timestamp::from_millis(millis);
            assert_eq!(at.to_rfc3339(), text);
            assert_eq!(Timestamp::from_rfc3339(text), Some(at));
        }
        assert_eq!(Timestamp::from_millis(i64::MIN).to_rfc3339(), "0000-01-01T00:00:00Z");
        assert_eq!(Timestamp::from_millis(i64::MAX).to_rfc3339(), "9999-12-31T23:59:59.999Z");
        for (text, millis) in [
            ("1970-01-01 01:00:00+01:00", 0),
            ("1969-12-31t23:30:00.5-00:30", 500),
            ("1970-01-01T00:00:60Z", 60_000),
        ] {
            assert_eq!(Timestamp::from_rfc3339(text), Some(Timestamp::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_rfc3339_date() {
        for text in [
            "",
            "1970-01-01",
            "1970-01-01T00:00:00",
            "1970-01-01T00:00Z",
            "1970-1-1T00:00:00Z",
            "1970-13-01T00:00:00Z",
            "1970-00-01T00:00:00Z",
            "1970-01-00T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:60:00Z",
            "1970-01-01T00:00:61Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00.+1Z",
            "1970-01-01T00:00:00+24:00",
            "1970-01-01T00:00:00+0100",
            "1970-01-01T00:00:00Zx",
            "1970-01-01T00:00:00\u{e9}",
            "+970-01-01T00:00:00Z",
        ] {
            assert_eq!(Timestamp::from_rfc3339(text), None, "{text}");
        }
    }

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
