//! The certificate's plain text: timestamp, user name, magic number, a line each.

use super::java::{self, Lines};
use crate::clock::Timestamp;

/// The number that ends a certificate.
pub const MAGIC_NUMBER: &str = "-1159983122";

/// A certificate's lines, as they stand in its text.
#[derive(Clone, Copy)]
pub(super) struct Certificate<'a> {
    /// The first line.
    pub(super) timestamp: &'a str,
    /// The second line.
    pub(super) user: &'a str,
}

impl Certificate<'_> {
    /// The timestamp, if the first line is a number.
    pub(super) fn created(&self) -> Option<Timestamp> {
        java::parse_long(self.timestamp).map(Timestamp::from_millis)
    }
}

/// Reads a certificate whose third line is the magic number; further lines are ignored.
pub(super) fn read(text: &str) -> Option<Certificate<'_>> {
    let mut lines = Lines::of(text).map(|(line, _)| line);
    let (timestamp, user) = (lines.next()?, lines.next()?);
    (lines.next() == Some(MAGIC_NUMBER)).then_some(Certificate { timestamp, user })
}

/// Reads a certificate of version 0, of which the first two lines count. Some peers send the magic number in a third, as
/// Atlassian's own test does.
#[cfg(feature = "insecure-seraph-v1")]
pub(super) fn read_without_magic(text: &str) -> Option<Certificate<'_>> {
    let mut lines = Lines::of(text).map(|(line, _)| line);
    Some(Certificate { timestamp: lines.next()?, user: lines.next()? })
}

/// Writes a certificate.
pub(super) fn text(created: Timestamp, user: &str) -> String {
    format!("{created}\n{user}\n{MAGIC_NUMBER}")
}

/// Whether a certificate looks like one whose user name brought line ends of its own.
///
/// A peer of version 2 writes the user name as it is. A name of `admin LF -1159983122` then reads
/// as `admin`, and no signature tells. The peer ends lines in one way and writes the magic number
/// last, so such a certificate has either a second magic line or two kinds of line ends.
pub(super) fn has_injected_line_end(text: &str) -> bool {
    let mut lines = Lines::of(text);
    let ends = (lines.next().map(|(_, end)| end), lines.next().map(|(_, end)| end));
    ends.0 != ends.1 || lines.skip(1).any(|(line, _)| line == MAGIC_NUMBER)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = text(Timestamp::from_millis(-1), "zoë");
        let certificate = read(&text).unwrap();
        assert_eq!(certificate.user, "zoë");
        assert_eq!(certificate.created(), Some(Timestamp::from_millis(-1)));
        assert!(!has_injected_line_end(&text));
    }

    #[cfg(feature = "insecure-seraph-v1")]
    #[test]
    fn of_version_0_the_first_two_lines_count() {
        for text in ["1\nalice", "1\nalice\n", "1\nalice\n-1159983122", "1\r\nalice\r\n-1159983122\r\nx"] {
            let certificate = read_without_magic(text).unwrap();
            assert_eq!((certificate.timestamp, certificate.user), ("1", "alice"), "{text:?}");
        }
        assert!(read_without_magic("1").is_none());
    }

    #[test]
    fn a_name_with_line_ends_is_seen() {
        for name in ["admin\n-1159983122", "admin\n-1159983122\nx", "admin\r", "admin\r-1159983122"] {
            let text = text(Timestamp::from_millis(1), name);
            assert_eq!(read(&text).unwrap().user, "admin", "{name:?}");
            assert!(has_injected_line_end(&text), "{name:?}");
        }
        for text in ["1\r\na\r\n-1159983122", "1\ra\r-1159983122\r", "1\na\n-1159983122\nx"] {
            assert!(!has_injected_line_end(text), "{text:?}");
        }
    }
}
