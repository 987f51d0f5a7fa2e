//! Source addresses: one parser and one matcher for every place that has patterns.

mod covers;
mod problem;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};

use crate::text::escaped;

pub use problem::AddressProblem;

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// An IP address.
    Ip(IpAddr),
    /// A Unix socket on this machine; only the word `local` matches it.
    Local,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Local => f.write_str(LOCAL),
        }
    }
}

/// One address that a request claims to come from or through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceAddress<'a> {
    /// The server did not say who is at the other end.
    UnknownPeer,
    /// The connection's other end (or, behind trusted proxies, the client they name).
    Peer(Peer),
    /// An entry of `X-Forwarded-For` or `Forwarded`, as it stands there.
    Forwarded(&'a str),
}

/// Reads an address as it stands in `X-Forwarded-For`: blanks around it and, as in the original,
/// dots after an IPv4 address are passed over. `None` for anything else: a name, a port, a zone,
/// brackets, an octet with leading zeros.
#[must_use]
pub fn parse_forwarded_address(text: &str) -> Option<IpAddr> {
    parse_address(text.trim_matches(BLANKS))
}

/// What may stand around an entry of a header field (RFC 9110, section 5.6.3).
const BLANKS: [char; 2] = [' ', '\t'];

fn parse_address(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| text.trim_end_matches('.').parse().map(IpAddr::V4).ok())
}

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
pub struct AddressPattern(Form);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    Network(IpNet),
    Octets([Option<u8>; 4]),
    Local,
}

const LOCAL: &str = "local";

impl FromStr for AddressPattern {
    type Err = AddressPatternError;

    /// Parses one pattern, without blanks around it.
    fn from_str(item: &str) -> Result<Self, Self::Err> {
        Self::read(item).ok_or_else(|| AddressPatternError {
            line: item.to_owned(),
            item: item.to_owned(),
            problem: AddressProblem::of(item),
        })
    }
}

impl AddressPattern {
    fn read(item: &str) -> Option<Self> {
        let form = if item == LOCAL {
            Some(Form::Local)
        } else if item.contains('*') {
            parse_octets(item).map(Form::Octets)
        } else {
            parse_network(item).map(Form::Network)
        };
        form.map(Self)
    }
}

fn parse_octets(text: &str) -> Option<[Option<u8>; 4]> {
    let mut octets = [None; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        *octet = match parts.next()? {
            "*" => None,
            number => Some(parse_decimal(number)?),
        };
    }
    parts.next().is_none().then_some(octets)
}

fn parse_network(text: &str) -> Option<IpNet> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(parse_decimal(prefix)?)),
        None => (text, None),
    };
    let address = parse_address(address)?;
    let canonical = address.to_canonical();
    let prefix = match prefix {
        None => return Some(canonical.into()),
        Some(prefix @ 96..) if canonical != address => prefix - 96,
        Some(prefix) => prefix,
    };
    IpNet::new(canonical, prefix).ok().map(|network| network.trunc())
}

/// Reads a number in its one plain form: no sign, no leading zeros (which some read as octal).
fn parse_decimal(text: &str) -> Option<u8> {
    text.parse().ok().filter(|number: &u8| number.to_string() == text)
}

impl fmt::Display for AddressPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Form::Local => f.write_str(LOCAL),
            Form::Network(network) if network.prefix_len() == network.max_prefix_len() => {
                network.addr().fmt(f)
            }
            Form::Network(network) => network.fmt(f),
            Form::Octets(octets) => {
                let [a, b, c, d] =
                    octets.map(|octet| octet.map_or_else(|| "*".to_owned(), |n| n.to_string()));
                write!(f, "{a}.{b}.{c}.{d}")
            }
        }
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
                let pattern =
                    item.parse().map_err(|error| AddressPatternError { line: line.to_owned(), ..error })?;
                patterns.push(pattern);
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

    /// Checks every source in order; the first that does not match is the answer.
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

/// Patterns, and beside them what makes matching independent of how many there are.
struct AddressSet {
    patterns: Vec<AddressPattern>,
    v4: Ranges<u32>,
    v6: Ranges<u128>,
    /// The values under each mask, for patterns such as `10.*.1.*` that are no range. There are
    /// only eleven such masks.
    masked: BTreeMap<u32, BTreeSet<u32>>,
    local: bool,
}

impl AddressSet {
    fn new(patterns: Vec<AddressPattern>) -> Self {
        let mut v4 = Vec::new();
        let mut v6 = Vec::new();
        let mut masked = BTreeMap::<_, BTreeSet<_>>::new();
        let mut local = false;
        for AddressPattern(form) in &patterns {
            match form {
                Form::Network(IpNet::V4(network)) => v4.push(v4_range(network)),
                Form::Network(IpNet::V6(network)) => {
                    v6.push((network.network().to_bits(), network.broadcast().to_bits()));
                }
                Form::Octets(octets) => {
                    let mask =
                        u32::from_be_bytes(octets.map(|octet| if octet.is_some() { u8::MAX } else { 0 }));
                    let value = Ipv4Addr::from(octets.map(Option::unwrap_or_default));
                    match Ipv4Net::with_netmask(value, mask.into()) {
                        Ok(network) => v4.push(v4_range(&network)),
                        Err(_) => _ = masked.entry(mask).or_default().insert(value.to_bits()),
                    }
                }
                Form::Local => local = true,
            }
        }
        Self { patterns, v4: Ranges::new(v4), v6: Ranges::new(v6), masked, local }
    }

    fn contains(&self, peer: Peer) -> bool {
        match peer {
            Peer::Local => self.local,
            Peer::Ip(address) => match address.to_canonical() {
                IpAddr::V4(address) => {
                    let bits = address.to_bits();
                    self.v4.contains(bits)
                        || self.masked.iter().any(|(mask, values)| values.contains(&(bits & mask)))
                }
                IpAddr::V6(address) => self.v6.contains(address.to_bits()),
            },
        }
    }

    fn contains_text(&self, text: &str) -> bool {
        parse_forwarded_address(text).is_some_and(|address| self.contains(Peer::Ip(address)))
    }
}

fn v4_range(network: &Ipv4Net) -> (u32, u32) {
    (network.network().to_bits(), network.broadcast().to_bits())
}

/// Sorted, disjoint ranges, both ends included. The first ends lie apart from the last, so that a
/// binary search touches few cache lines.
#[derive(Clone)]
struct Ranges<T> {
    firsts: Vec<T>,
    lasts: Vec<T>,
}

impl<T: Ord + Copy> Ranges<T> {
    fn new(mut ranges: Vec<(T, T)>) -> Self {
        ranges.sort_unstable();
        ranges.dedup_by(|next, kept| {
            let overlaps = next.0 <= kept.1;
            if overlaps {
                kept.1 = kept.1.max(next.1);
            }
            overlaps
        });
        let (firsts, lasts) = ranges.into_iter().unzip();
        Self { firsts, lasts }
    }

    fn contains(&self, value: T) -> bool {
        let after = self.firsts.partition_point(|&first| first <= value);
        after.checked_sub(1).and_then(|index| self.lasts.get(index)).is_some_and(|&last| value <= last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_merge_when_they_overlap() {
        let ranges = Ranges::new(vec![(30_u32, 40), (10, 20), (15, 25), (12, 13), (50, u32::MAX)]);
        assert_eq!(
            (ranges.firsts.as_slice(), ranges.lasts.as_slice()),
            ([10, 30, 50].as_slice(), [25, 40, u32::MAX].as_slice())
        );
        for inside in [10, 20, 25, 30, 40, 50, u32::MAX] {
            assert!(ranges.contains(inside), "{inside}");
        }
        for outside in [0, 9, 26, 29, 41, 49] {
            assert!(!ranges.contains(outside), "{outside}");
        }
        assert!(!Ranges::<u32>::new(Vec::new()).contains(0));
    }

    #[test]
    fn wildcards_in_the_middle_are_kept_apart_from_ranges() {
        let rule: AddressRule = "10.*.1.*, 10.*.2.*, *.0.0.1, 192.168.*.*".parse().expect("patterns");
        let set = rule.0.as_ref().expect("a set");
        assert_eq!(set.v4.firsts.len(), 1);
        assert_eq!(set.masked.keys().copied().collect::<Vec<_>>(), [0x00FF_FFFF, 0xFF00_FF00]);
        for (address, matches) in [
            ("10.9.1.7", true),
            ("10.0.2.255", true),
            ("10.9.3.7", false),
            ("11.9.1.7", false),
            ("8.0.0.1", true),
            ("8.0.0.2", false),
            ("::ffff:10.9.1.7", true),
            ("192.168.255.0", true),
        ] {
            assert_eq!(rule.matches(Peer::Ip(address.parse().expect("address"))), matches, "{address}");
        }
    }

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
