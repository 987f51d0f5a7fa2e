//! From which addresses requests may come.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::pattern::{AddressPattern, AddressPatternError};
use super::set::AddressSet;
use super::source::{BLANKS, Peer, SourceAddress};

/// Where requests may come from: anywhere, or the addresses that match a set of patterns.
///
/// Parsed from text, patterns are separated by commas and line ends.
///
/// ```
/// use trusted_app_core::conditions::{AddressRule, Peer};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rule: AddressRule = "10.1.*.*, 2001:db8::/32\nlocal".parse()?;
/// assert!(rule.matches(Peer::Ip("10.1.2.3".parse()?)));
/// assert!(!rule.matches(Peer::Ip("10.2.2.3".parse()?)));
/// assert!(rule.matches(Peer::Local));
///
/// let error = "192,168,0,1".parse::<AddressRule>().unwrap_err();
/// assert!(error.to_string().starts_with("The IP address pattern: 192,168,0,1 is invalid."));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AddressRule(Option<Arc<AddressSet>>);

impl AddressRule {
    /// Anywhere.
    #[must_use]
    pub const fn any() -> Self {
        Self(None)
    }

    /// Only what matches one of the patterns; an empty list allows nothing.
    #[must_use]
    pub fn only(patterns: impl IntoIterator<Item = AddressPattern>) -> Self {
        Self(Some(Arc::new(AddressSet::new(patterns.into_iter().collect()))))
    }

    /// Parses lines (and commas within a line). Blanks around a pattern, empty lines and empty
    /// patterns are passed over; when nothing is left, the rule allows nothing.
    ///
    /// # Errors
    ///
    /// An [`AddressPatternError`] that quotes the first line with a bad pattern in it.
    pub fn parse_lines<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Self, AddressPatternError> {
        let mut patterns = Vec::new();
        for line in lines.into_iter().flat_map(|text| text.split(['\n', '\r'])) {
            for item in line.split(',').map(str::trim).filter(|item| !item.is_empty()) {
                patterns.push(item.parse().map_err(|error: AddressPatternError| error.within(line))?);
            }
        }
        Ok(Self::only(patterns))
    }

    /// Whether it is [`any`](Self::any).
    #[must_use]
    pub const fn is_any(&self) -> bool {
        self.0.is_none()
    }

    /// The patterns in the order given, or `None` for [`any`](Self::any).
    #[must_use]
    pub fn patterns(&self) -> Option<&[AddressPattern]> {
        self.0.as_ref().map(|set| set.patterns.as_slice())
    }

    /// Whether this peer matches.
    #[must_use]
    pub fn matches(&self, peer: Peer) -> bool {
        self.0.as_ref().is_none_or(|set| set.contains(peer))
    }

    /// Checks every source in order; the first that does not match is the rejection.
    /// [`any`](Self::any) looks at none of them. Entries of headers that are blank are passed over.
    ///
    /// # Errors
    ///
    /// [`AddressMismatch::Peer`] for a peer and [`AddressMismatch::Forwarded`]
    /// for an entry of a header that matches no pattern or is no address;
    /// [`AddressMismatch::PeerUnknown`] when there is no address to look at.
    pub fn check<'a>(
        &self,
        sources: impl IntoIterator<Item = SourceAddress<'a>>,
    ) -> Result<(), AddressMismatch<'a>> {
        let Some(set) = &self.0 else { return Ok(()) };
        let mut known = false;
        for source in sources {
            match source {
                SourceAddress::UnknownPeer => return Err(AddressMismatch::PeerUnknown),
                SourceAddress::Peer(peer) if !set.contains(peer) => {
                    return Err(AddressMismatch::Peer(peer));
                }
                SourceAddress::Forwarded(text) if text.trim_matches(BLANKS).is_empty() => continue,
                SourceAddress::Forwarded(text) if !set.contains_text(text) => {
                    return Err(AddressMismatch::Forwarded(text));
                }
                SourceAddress::Peer(_) | SourceAddress::Forwarded(_) => known = true,
            }
        }
        if known { Ok(()) } else { Err(AddressMismatch::PeerUnknown) }
    }
}

/// Why an address rule does not allow the addresses of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressMismatch<'a> {
    /// There is no address to look at.
    PeerUnknown,
    /// The connection's address matches no pattern.
    Peer(Peer),
    /// An entry of a header matches no pattern, or is no address.
    Forwarded(&'a str),
}

impl FromStr for AddressRule {
    type Err = AddressPatternError;

    /// The same as [`parse_lines`](Self::parse_lines) of this one text.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse_lines([text])
    }
}

impl fmt::Debug for AddressRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.patterns() {
            None => f.write_str("any"),
            Some(patterns) => f.debug_set().entries(patterns).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_quotes_the_whole_line_and_names_the_item() {
        let error = "10.0.0.1\r\n 10.0.0.2, 10.0.0.300 ,x\n".parse::<AddressRule>().expect_err("bad");
        assert_eq!(error.line(), " 10.0.0.2, 10.0.0.300 ,x");
        assert_eq!(error.item(), "10.0.0.300");
        assert!(error.to_string().starts_with(
            "The IP address pattern:  10.0.0.2, 10.0.0.300 ,x is invalid. 10.0.0.300 is neither"
        ));
        let error = "10.0.0.1\n 10.0.0.300 ".parse::<AddressRule>().expect_err("bad");
        assert!(error.to_string().contains("10.0.0.300  is invalid. It is neither"), "{error}");
    }

    #[test]
    fn debug_shows_the_patterns_once() {
        let rule: AddressRule = "10.*.0.1, ::1/64".parse().expect("patterns");
        assert_eq!(format!("{rule:?}"), "{10.*.0.1, ::/64}");
        assert_eq!(format!("{:?}", AddressRule::any()), "any");
    }
}
