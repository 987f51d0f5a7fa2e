//! Where a request comes from.

use std::fmt;
use std::net::IpAddr;

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
pub(super) const BLANKS: [char; 2] = [' ', '\t'];

pub(super) fn parse_address(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| text.trim_end_matches('.').parse().map(IpAddr::V4).ok())
}

/// How [`Peer::Local`] is written.
pub(super) const LOCAL: &str = "local";
