//! What is wrong with a text that is no address pattern.

use std::net::{IpAddr, Ipv4Addr};

use super::form::Form;
use super::source::{BLANKS, parse_address, parse_forwarded_address};
use crate::text::is_invisible;

/// What is wrong with a text that is no [`AddressPattern`](super::AddressPattern), and what to write instead.
///
/// `Display` is a clause that follows the text, or *it*.
///
/// ```
/// use trusted_app_core::conditions::{AddressPattern, AddressProblem};
///
/// let problem = |text: &str| text.parse::<AddressPattern>().unwrap_err().problem().clone();
/// let zone = AddressProblem::Zone { zone: "eth0".to_owned(), address: "fe80::1".to_owned() };
/// assert_eq!(problem("fe80::1%eth0"), zone);
/// assert_eq!(zone.to_string(), "has the zone `eth0`, which no request shows: write fe80::1.");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressProblem {
    /// More than one address, with something else than a comma between them.
    #[error(
        "has {} between two addresses: write a comma there, or each address as an entry (in a form, a line) of its own.",
        named(*.0)
    )]
    Separator(char),
    /// A blank inside one address.
    #[error("has a blank in it: write the address without, and a comma between two addresses.")]
    Blank,
    /// A character that cannot be seen, such as a byte order mark.
    #[error("has the invisible character {}: take it out.", .0.escape_unicode())]
    Invisible(char),
    /// A URL.
    #[error("is a URL, and rules compare addresses: write the address alone.")]
    Url,
    /// A port after the address.
    #[error("has a port, and rules compare addresses alone: write {address}.")]
    Port {
        /// The address without it.
        address: String,
    },
    /// An IPv6 address in brackets.
    #[error("is in brackets: write {address}.")]
    Brackets {
        /// The address without them.
        address: String,
    },
    /// An IPv6 address with a zone (RFC 4007), such as `fe80::1%eth0`.
    #[error("has the zone `{zone}`, which no request shows: write {address}.")]
    Zone {
        /// What follows the percent sign.
        zone: String,
        /// The address without it.
        address: String,
    },
    /// The name of this machine.
    #[error(
        "is a name, and rules compare addresses: write 127.0.0.1 and ::1, and the word local for Unix sockets."
    )]
    Localhost,
    /// Another name.
    #[error("is a name, and rules compare addresses: write the host's address.")]
    Name,
    /// Two ends of a range.
    #[error("is a range: write a network such as 10.1.2.0/24, or each address.")]
    Range,
    /// A word or asterisk that is meant for every address.
    #[error("is no address: for every address write the word any alone.")]
    Any,
    /// An asterisk in an IPv6 address.
    #[error(
        "has an asterisk, which stands for an octet of IPv4 only: write an IPv6 network such as 2001:db8::/32."
    )]
    Ipv6Asterisk,
    /// More bits than the address has.
    #[error("has a prefix of more than {max} bits.")]
    PrefixTooLong {
        /// 32 for IPv4, 128 for IPv6.
        max: u8,
    },
    /// A netmask in the place of a number of bits.
    #[error("has a netmask where the number of its bits belongs: write {network}.")]
    Netmask {
        /// The network with the number of bits.
        network: String,
    },
    /// An octet with a leading zero, which some programs read as octal.
    #[error("has an octet with a leading zero, which some programs read as octal: write {address}.")]
    LeadingZero {
        /// The address without it.
        address: String,
    },
    /// Fewer than four octets.
    #[error("has fewer than four octets: write {pattern} for all addresses that begin so.")]
    FewOctets {
        /// The pattern with asterisks in the place of the others.
        pattern: String,
    },
    /// Something else.
    #[error(
        "is neither an address, in which an asterisk can stand for an octet of IPv4, nor a network such as 10.0.0.0/8, \
         nor the word local."
    )]
    NoAddress,
}

fn named(separator: char) -> String {
    match separator {
        ' ' => "a blank".to_owned(),
        '\t' => "a tab".to_owned(),
        other => format!("`{}`", other.escape_debug()),
    }
}

impl AddressProblem {
    /// What is wrong with a text that could not be read as a pattern.
    pub(super) fn of(text: &str) -> Self {
        if let Some(character) = text.chars().find(|character| is_invisible(*character)) {
            return Self::Invisible(character);
        }
        if text.contains("://") {
            return Self::Url;
        }
        if let Some(separator) = text.chars().find(|character| is_separator(*character)) {
            return separated(text, separator);
        }
        match text.to_ascii_lowercase().as_str() {
            "*" | "any" | "all" => return Self::Any,
            "localhost" | "localhost.localdomain" | "localhost4" | "localhost6" | "ip6-localhost" => {
                return Self::Localhost;
            }
            _ => {}
        }
        decorated(text)
            .or_else(|| with_prefix(text))
            .or_else(|| octets(text))
            .unwrap_or_else(|| if is_name(text) { Self::Name } else { Self::NoAddress })
    }

    /// What is wrong with an entry of a forwarding header; `None` if it is an address.
    pub(crate) fn of_forwarded(text: &str) -> Option<Self> {
        parse_forwarded_address(text).is_none().then(|| Self::of(text.trim_matches(BLANKS)))
    }
}

fn is_separator(character: char) -> bool {
    character.is_whitespace() || matches!(character, ';' | '|')
}

fn separated(text: &str, separator: char) -> AddressProblem {
    let mut parts = text.split(is_separator).filter(|part| !part.is_empty());
    let is_address = |part: &str| part.contains(['.', ':']) && !part.starts_with('/') || is_pattern(part);
    if parts.clone().count() > 1 && parts.all(is_address) {
        AddressProblem::Separator(separator)
    } else if separator.is_whitespace() {
        AddressProblem::Blank
    } else {
        AddressProblem::NoAddress
    }
}

/// An address with something around it that is none of its own.
fn decorated(text: &str) -> Option<AddressProblem> {
    if let Some((inner, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let (address, _) = inner.split_once('%').unwrap_or((inner, ""));
        return match rest.strip_prefix(':') {
            Some(port) if is_number(port) => Some(AddressProblem::Port { address: pattern(address)? }),
            _ if address != inner => decorated(&format!("{inner}{rest}")),
            _ => Some(AddressProblem::Brackets { address: pattern(&format!("{inner}{rest}"))? }),
        };
    }
    if let Some((address, rest)) = text.split_once('%') {
        let at = rest.find('/').unwrap_or(rest.len());
        let (zone, prefix) = rest.split_at_checked(at)?;
        let address = pattern(&format!("{address}{prefix}"))?;
        return Some(AddressProblem::Zone { zone: zone.to_owned(), address });
    }
    if let Some((address, port)) = text.split_once(':')
        && address.contains('.')
        && is_number(port)
    {
        return Some(AddressProblem::Port { address: pattern(address)? });
    }
    let (first, last) = text.split_once('-')?;
    let is_range = is_pattern(first) && (is_pattern(last) || is_number(last));
    is_range.then_some(AddressProblem::Range)
}

/// A network with a prefix that is none.
fn with_prefix(text: &str) -> Option<AddressProblem> {
    if text.contains(':') && text.contains('*') {
        return Some(AddressProblem::Ipv6Asterisk);
    }
    let (address, prefix) = text.split_once('/')?;
    let max = match parse_address(address)? {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    };
    if let Ok(mask) = prefix.parse::<Ipv4Addr>() {
        let bits = mask.to_bits().leading_ones();
        let is_mask = mask.to_bits().checked_shl(bits).unwrap_or_default() == 0;
        let network = is_mask.then(|| pattern(&format!("{address}/{bits}"))).flatten()?;
        return Some(AddressProblem::Netmask { network });
    }
    let is_longer = is_number(prefix) && prefix.parse::<u8>().map_or(true, |bits| bits > max);
    is_longer.then_some(AddressProblem::PrefixTooLong { max })
}

/// Octets of which one, or their number, is wrong.
fn octets(text: &str) -> Option<AddressProblem> {
    let (address, prefix) = text.split_at_checked(text.find('/').unwrap_or(text.len()))?;
    let octets: Vec<_> = address.split('.').collect();
    if octets.len() < 2 || !octets.iter().all(|octet| *octet == "*" || is_number(octet)) {
        return None;
    }
    let plain = |octet: &&str| match octet.trim_start_matches('0') {
        "" => "0".to_owned(),
        number => number.to_owned(),
    };
    let plain: Vec<_> = octets.iter().map(plain).collect();
    if let Some(address) = pattern(&format!("{}{prefix}", plain.join("."))) {
        return Some(AddressProblem::LeadingZero { address });
    }
    let missing = 4_usize.checked_sub(octets.len()).filter(|missing| *missing > 0 && prefix.is_empty())?;
    let pattern = pattern(&format!("{address}{}", ".*".repeat(missing)))?;
    Some(AddressProblem::FewOctets { pattern })
}

/// The pattern as it is written in its plain form, if it is one.
fn pattern(text: &str) -> Option<String> {
    Form::read(text).map(|pattern| pattern.to_string())
}

fn is_pattern(text: &str) -> bool {
    Form::read(text).is_some()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether it could be a host's name.
fn is_name(text: &str) -> bool {
    text.contains(|character: char| character.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::AddressProblem::{self, *};

    #[test]
    fn the_problem_is_named_with_what_to_write() {
        let port = |address: &str| Port { address: address.to_owned() };
        let brackets = |address: &str| Brackets { address: address.to_owned() };
        let zone = |zone: &str, address: &str| Zone { zone: zone.to_owned(), address: address.to_owned() };
        let netmask = |network: &str| Netmask { network: network.to_owned() };
        let zero = |address: &str| LeadingZero { address: address.to_owned() };
        let few = |pattern: &str| FewOctets { pattern: pattern.to_owned() };
        for (text, problem) in [
            ("10.1.2.3 10.1.2.4", Separator(' ')),
            ("10.1.2.3\t10.1.2.4", Separator('\t')),
            ("10.1.2.3;10.1.2.4", Separator(';')),
            ("10.1.2.3 | ::1", Separator(' ')),
            ("10.1.2.3 [::1]:80", Separator(' ')),
            ("local ::1", Separator(' ')),
            ("10.1.2.3\u{a0}10.1.2.4", Separator('\u{a0}')),
            ("10.0.0.0 /8", Blank),
            ("10.1.2. 3", Blank),
            ("10.1.2.3\u{200b}", Invisible('\u{200b}')),
            ("\u{feff}10.1.2.3", Invisible('\u{feff}')),
            ("http://10.1.2.3:8080/", Url),
            ("10.1.2.3:8080", port("10.1.2.3")),
            ("10.1.*.*:80", port("10.1.*.*")),
            ("[::1]:8080", port("::1")),
            ("[fe80::1%eth0]:80", port("fe80::1")),
            ("[::1]", brackets("::1")),
            ("[2001:db8::]/32", brackets("2001:db8::/32")),
            ("0:0:0:0:0:0:0:1%0", zone("0", "::1")),
            ("fe80::1%eth0", zone("eth0", "fe80::1")),
            ("fe80::1%1/64", zone("1", "fe80::/64")),
            ("[fe80::1%eth0]", zone("eth0", "fe80::1")),
            ("localhost", Localhost),
            ("LOCALHOST", Localhost),
            ("wiki.example.com", Name),
            ("blah", Name),
            ("10.1.2.3-10.1.2.9", Range),
            ("10.1.2.3-9", Range),
            ("*", Any),
            ("ALL", Any),
            ("2001:db8::*", Ipv6Asterisk),
            ("10.0.0.0/33", PrefixTooLong { max: 32 }),
            ("10.0.0.0/1000", PrefixTooLong { max: 32 }),
            ("::/129", PrefixTooLong { max: 128 }),
            ("::1/256", PrefixTooLong { max: 128 }),
            ("10.0.0.0/255.0.0.0", netmask("10.0.0.0/8")),
            ("10.0.0.0/255.0.255.0", NoAddress),
            ("10.01.2.3", zero("10.1.2.3")),
            ("10.00.02.*", zero("10.0.2.*")),
            ("10.0.0.01/8", zero("10.0.0.0/8")),
            ("10.1.*", few("10.1.*.*")),
            ("10.1.2", few("10.1.2.*")),
            ("10.0.0.300", NoAddress),
            ("10.1*.0.0", NoAddress),
            ("10.0.0.0/", NoAddress),
            ("10..0.1", NoAddress),
            ("1::2::3", NoAddress),
            ("?", NoAddress),
            ("", NoAddress),
        ] {
            assert_eq!(AddressProblem::of(text), problem, "{text:?}");
        }
    }

    #[test]
    fn a_forwarded_entry_is_an_address_or_has_a_problem() {
        for address in ["10.1.2.3", " ::1\t", "10.1.2.3.", "::ffff:10.1.2.3"] {
            assert_eq!(AddressProblem::of_forwarded(address), None, "{address}");
        }
        for (text, problem) in [
            (" 10.1.2.3:80", Port { address: "10.1.2.3".to_owned() }),
            ("[::1]", Brackets { address: "::1".to_owned() }),
            ("0:0:0:0:0:0:0:1%0", Zone { zone: "0".to_owned(), address: "::1".to_owned() }),
            ("unknown", Name),
            ("(not ASCII)", Blank),
        ] {
            assert_eq!(AddressProblem::of_forwarded(text), Some(problem), "{text}");
        }
    }
}
