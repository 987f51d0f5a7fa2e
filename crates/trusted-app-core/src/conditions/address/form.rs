//! The forms of an address pattern: how each is read and written.

use std::fmt;

use ipnet::IpNet;

use super::source::{LOCAL, parse_address};

/// What an address pattern says.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Form {
    Network(IpNet),
    Octets([Option<u8>; 4]),
    Local,
}

impl Form {
    pub(super) fn read(item: &str) -> Option<Self> {
        if item == LOCAL {
            Some(Self::Local)
        } else if item.contains('*') {
            parse_octets(item).map(Self::Octets)
        } else {
            parse_network(item).map(Self::Network)
        }
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

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Local => f.write_str(LOCAL),
            Self::Network(network) if network.prefix_len() == network.max_prefix_len() => {
                network.addr().fmt(f)
            }
            Self::Network(network) => network.fmt(f),
            Self::Octets(octets) => {
                let [a, b, c, d] =
                    octets.map(|octet| octet.map_or_else(|| "*".to_owned(), |n| n.to_string()));
                write!(f, "{a}.{b}.{c}.{d}")
            }
        }
    }
}
