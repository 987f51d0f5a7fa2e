//! To which addresses a fetch may go.

use std::net::{IpAddr, Ipv6Addr};

use tower_trusted_app::conditions::{AddressRule, Peer};

/// What no fetch asks unless an operator opens it: this machine, the networks of a house and of a
/// link (with the metadata services of clouds in them), what is no address of one host, and the
/// IPv6 networks that lead to IPv4 addresses. Of IPv6 that is all but `2000::/3`, from which alone public
/// addresses are given out, and some networks in it.
const INTERNAL: &str = "
    0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.0.0.0/24, 192.0.2.0/24
    192.88.99.0/24, 192.168.0.0/16, 198.18.0.0/15, 198.51.100.0/24, 203.0.113.0/24, 224.0.0.0/4, 240.0.0.0/4
    168.63.129.16
    ::/3, 2001::/23, 2001:db8::/32, 2002::/16, 3fff::/20, 4000::/2, 8000::/1";

/// To which addresses a fetch may go.
///
/// By default to none that is private, loopback, link-local, unique-local, or otherwise not one of
/// the public internet: whoever may ask for a fetch could else reach what only this server can.
#[derive(Debug, Clone)]
pub struct AddressPolicy {
    opened: AddressRule,
    plain_directories: bool,
}

impl AddressPolicy {
    /// Public addresses, and internal ones that match `opened`, such as the network of the house:
    /// `10.1.0.0/16`.
    #[must_use]
    pub fn insecure_open(opened: AddressRule) -> Self {
        Self { opened, plain_directories: false }
    }

    /// Every address: for a command line, whose user can reach them anyway.
    #[must_use]
    pub fn insecure_any() -> Self {
        Self::insecure_open(AddressRule::any())
    }

    /// Fetches key directories by http too: anybody on the way can put in keys of their own, or take keys out.
    #[must_use]
    pub fn insecure_plain_directories(self) -> Self {
        Self { plain_directories: true, ..self }
    }

    pub(super) fn allows_plain_directories(&self) -> bool {
        self.plain_directories
    }

    /// Whether a fetch may go there.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let internal = match INTERNAL.parse::<AddressRule>() {
            Ok(internal) => internal.matches(Peer::Ip(address)),
            Err(_) => true,
        };
        !internal || self.opened.matches(Peer::Ip(address))
    }
}

impl Default for AddressPolicy {
    /// Public addresses only.
    fn default() -> Self {
        Self::insecure_open(AddressRule::only([]))
    }
}

/// A host of a URL that is an address and no name.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(v6) => v6.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn internal_addresses_are_refused_unless_opened() {
        let default = AddressPolicy::default();
        for refused in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "0.0.0.0",
            "168.63.129.16",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "fd00:ec2::254",
            "fe80::1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::7f00:1",
            "::ffff:0:7f00:1",
            "2001:0:7f00:1::",
            "2001:2::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!default.allows(refused.parse().unwrap()), "{refused}");
            assert!(AddressPolicy::insecure_any().allows(refused.parse().unwrap()), "{refused}");
        }
        for allowed in ["1.1.1.1", "172.32.0.1", "2001:4860:4860::8888", "2606:4700::1111", "::ffff:8.8.8.8"]
        {
            assert!(default.allows(allowed.parse().unwrap()), "{allowed}");
        }
        let house = AddressPolicy::insecure_open("10.1.0.0/16".parse().unwrap());
        assert!(house.allows("10.1.2.3".parse().unwrap()));
        assert!(!house.allows("10.2.2.3".parse().unwrap()));
    }
}
