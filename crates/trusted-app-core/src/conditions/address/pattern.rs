//! One address pattern, and what is none.

use std::fmt;
use std::str::FromStr;

use super::form::Form;
use super::problem::AddressProblem;
use crate::text::escaped;

/// One pattern: what a source address may be.
///
/// | Pattern | Matches |
/// |---|---|
/// | `192.0.2.7`, `2001:db8::7` | that address |
/// | `192.0.2.*`, `10.*.1.*` | any number in place of each `*`, which stands for a whole octet |
/// | `192.0.2.0/24`, `2001:db8::/32` | the network; bits after the prefix are ignored |
/// | `local` | a Unix socket |
///
/// An IPv4-mapped IPv6 address (`::ffff:192.0.2.7`) is the IPv4 address, here and in what is held
/// against the pattern, and `::ffff:10.0.0.0/104` is `10.0.0.0/8`; the original's own reading,
/// `::ffff:10.0.0.0/8`, means the same. Other IPv6 networks match no IPv4 address, not even `::/0`.
///
/// `Display` writes the pattern so that it can be parsed again.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressPattern(pub(super) Form);

impl FromStr for AddressPattern {
    type Err = AddressPatternError;

    /// Parses one pattern, without blanks around it.
    fn from_str(item: &str) -> Result<Self, Self::Err> {
        Form::read(item).map(Self).ok_or_else(|| AddressPatternError {
            line: item.to_owned(),
            item: item.to_owned(),
            problem: AddressProblem::of(item),
        })
    }
}

impl AddressPattern {
    /// Whether this pattern matches every address that `other` matches.
    ///
    /// ```
    /// use trusted_app_core::conditions::AddressPattern;
    ///
    /// let net: AddressPattern = "10.0.0.0/8".parse()?;
    /// assert!(net.covers(&"10.1.*.*".parse()?));
    /// assert!(!net.covers(&"*.1.2.3".parse()?));
    /// # Ok::<_, trusted_app_core::conditions::AddressPatternError>(())
    /// ```
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.0.covers(other.0)
    }
}

impl fmt::Display for AddressPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for AddressPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no address pattern. The first sentence is JIRA's; the second names the [problem](AddressProblem).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "The IP address pattern: {} is invalid. {} {problem}",
    escaped(line),
    escaped(if line.trim() == item { "It" } else { item })
)]
pub struct AddressPatternError {
    line: String,
    item: String,
    problem: AddressProblem,
}

impl AddressPatternError {
    /// The same of a pattern in this line.
    pub(super) fn within(self, line: &str) -> Self {
        Self { line: line.to_owned(), ..self }
    }

    /// The whole line.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }

    /// The pattern in it that could not be read.
    #[must_use]
    pub fn item(&self) -> &str {
        &self.item
    }

    /// What is wrong with it.
    #[must_use]
    pub fn problem(&self) -> &AddressProblem {
        &self.problem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_shown_so_that_they_can_be_read_again() {
        for (written, shown) in [
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3.", "10.1.2.3"),
            ("10.*.2.*", "10.*.2.*"),
            ("*.*.*.*", "*.*.*.*"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.1.2.3/32", "10.1.2.3"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:DB8:0::7", "2001:db8::7"),
            ("2001:db8::7/32", "2001:db8::/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:10.0.0.0/8", "10.0.0.0/8"),
            ("::ffff:10.0.0.7", "10.0.0.7"),
            ("::fffe:0:0/95", "::fffe:0:0/95"),
            ("::/0", "::/0"),
            ("local", "local"),
        ] {
            let pattern: AddressPattern = written.parse().expect(written);
            assert_eq!(pattern.to_string(), shown);
            assert_eq!(shown.parse::<AddressPattern>().expect(shown), pattern);
        }
    }
}
