//! A time as an option states it: a whole number and its unit.

use std::time::Duration;

use anyhow::{Context, bail, ensure};

/// The units, and their milliseconds.
const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];

/// Reads `1500ms`, `10s`, `5m` or `1h`.
pub(crate) fn parse(text: &str) -> anyhow::Result<Duration> {
    let digits = text.trim_end_matches(|character: char| !character.is_ascii_digit());
    let unit = text.strip_prefix(digits).unwrap_or_default();
    let number = digits.parse::<u64>();
    if unit.is_empty() && number.is_ok() {
        bail!(
            "the unit is missing: write {text}ms for milliseconds, or {text}s for seconds; m and h are known too"
        );
    }
    let unit = UNITS.into_iter().find(|(name, _)| *name == unit);
    let (Ok(number), Some((_, millis))) = (number, unit) else {
        bail!("write a whole number and its unit, ms, s, m or h: 1500ms, 10s, 5m or 1h");
    };
    ensure!(number > 0, "it must be positive: a time-out of 0 would never expire");
    let millis = number.checked_mul(millis).filter(|millis| i64::try_from(*millis).is_ok());
    millis.map(Duration::from_millis).context("it is too long")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_its_unit() {
        for (text, millis) in
            [("1ms", 1), ("1500ms", 1500), ("10s", 10_000), ("5m", 300_000), ("1h", 3_600_000)]
        {
            assert_eq!(parse(text).unwrap(), Duration::from_millis(millis), "{text}");
        }
    }

    #[test]
    fn anything_else_is_answered_with_what_to_write() {
        for (text, words) in [
            ("10000", "write 10000ms for milliseconds, or 10000s for seconds"),
            ("0", "write 0ms"),
            ("0s", "must be positive"),
            ("10 s", "write a whole number and its unit"),
            ("1.5s", "write a whole number and its unit"),
            ("-1s", "write a whole number and its unit"),
            ("10S", "write a whole number and its unit"),
            ("10min", "write a whole number and its unit"),
            ("1h30m", "write a whole number and its unit"),
            ("s", "write a whole number and its unit"),
            ("", "write a whole number and its unit"),
            ("9223372036854775808ms", "too long"),
            ("9223372036854775s", ""),
            ("9223372036854776s", "too long"),
            ("99999999999999999999ms", "write a whole number and its unit"),
        ] {
            match parse(text) {
                Ok(_) => assert_eq!(words, "", "{text}"),
                Err(error) => {
                    assert!(error.to_string().contains(words) && !words.is_empty(), "{text}: {error}");
                }
            }
        }
    }
}
