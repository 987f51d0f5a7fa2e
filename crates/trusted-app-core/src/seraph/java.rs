//! Text as Java reads it, where the protocol is defined by what Java does.

/// Where the blocks of ten decimal digits (Unicode category Nd) start in the Basic Multilingual
/// Plane beyond ASCII, ascending. Java's number parsers accept all of them, and none beyond the
/// plane.
const ZERO_DIGITS: [u32; 36] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6,
    0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0,
    0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
];

/// `Long.parseLong`: an optional sign, then at least one decimal digit of any script, and no
/// overflow. No blanks.
pub(super) fn parse_long(text: &str) -> Option<i64> {
    if text.is_ascii() {
        return text.parse().ok();
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    // Summed up below zero, where there is room for one more.
    let below_zero = digits
        .chars()
        .try_fold(0_i64, |sum, digit| sum.checked_mul(10)?.checked_sub(i64::from(decimal_digit(digit)?)))?;
    if negative { Some(below_zero) } else { below_zero.checked_neg() }
}

/// `Integer.parseInt`.
pub(super) fn parse_int(text: &str) -> Option<i32> {
    parse_long(text).and_then(|number| number.try_into().ok())
}

fn decimal_digit(digit: char) -> Option<u32> {
    if digit.is_ascii() {
        return digit.to_digit(10);
    }
    let digit = u32::from(digit);
    let zero = ZERO_DIGITS.iter().rev().find(|zero| **zero <= digit)?;
    Some(digit - zero).filter(|value| *value < 10)
}

/// `String.trim`: cuts off blanks and control characters up to U+0020, and nothing else.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineEnd {
    Lf,
    Cr,
    CrLf,
    /// By the end of the text.
    Text,
}

/// `BufferedReader.readLine`: lines end in LF, CR or CR LF; a line end at the very end of the text
/// starts no further line.
#[derive(Debug, Clone)]
pub(super) struct Lines<'a>(&'a str);

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self(text)
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (&'a str, LineEnd);

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let Some((line, rest)) = self
            .0
            .bytes()
            .position(|byte| matches!(byte, b'\n' | b'\r'))
            .and_then(|end| self.0.split_at_checked(end))
        else {
            return Some((std::mem::take(&mut self.0), LineEnd::Text));
        };
        let (rest, end) = if let Some(rest) = rest.strip_prefix("\r\n") {
            (rest, LineEnd::CrLf)
        } else if let Some(rest) = rest.strip_prefix('\r') {
            (rest, LineEnd::Cr)
        } else {
            (rest.strip_prefix('\n').unwrap_or(rest), LineEnd::Lf)
        };
        self.0 = rest;
        Some((line, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, number) in [
            ("0", Some(0)),
            ("+0017", Some(17)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("\u{661}\u{ff12}\u{967}", Some(121)),
            ("\u{1d7ce}", None),
            ("\u{66a}", None),
            ("/", None),
            ("", None),
            ("+", None),
            ("+-1", None),
            (" 1", None),
            ("1_0", None),
        ] {
            assert_eq!(parse_long(text), number, "{text:?}");
        }
        assert_eq!(parse_int("2147483647"), Some(i32::MAX));
        assert_eq!(parse_int("2147483648"), None);
    }

    #[test]
    fn lines() {
        use LineEnd::{Cr, CrLf, Lf, Text};
        let lines = |text| Lines::of(text).collect::<Vec<_>>();
        assert_eq!(lines("a\nb\r\nc\rd"), [("a", Lf), ("b", CrLf), ("c", Cr), ("d", Text)]);
        assert_eq!(lines("a\n\r"), [("a", Lf), ("", Cr)]);
        assert_eq!(lines("\n"), [("", Lf)]);
        assert_eq!(lines(""), []);
    }
}
