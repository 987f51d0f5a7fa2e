//! Whether one address pattern covers all that another matches.

use ipnet::{IpNet, Ipv4Net};

use super::form::Form;

impl Form {
    /// Whether this form matches every address that `other` matches.
    pub(super) fn covers(self, other: Self) -> bool {
        match (self, other) {
            (Self::Local, Self::Local) => true,
            (Self::Network(IpNet::V6(net)), Self::Network(IpNet::V6(other))) => net.contains(&other),
            (one, other) => match (fixed_bits(one), fixed_bits(other)) {
                (Some((value, mask)), Some((other_value, other_mask))) => {
                    mask & other_mask == mask && (value ^ other_value) & mask == 0
                }
                _ => false,
            },
        }
    }
}

/// What an IPv4 pattern fixes: the bits, and which of them count.
fn fixed_bits(form: Form) -> Option<(u32, u32)> {
    match form {
        Form::Network(IpNet::V4(net)) => Some(bits_of_net(net)),
        Form::Octets(octets) => Some((
            u32::from_be_bytes(octets.map(Option::unwrap_or_default)),
            u32::from_be_bytes(octets.map(|octet| if octet.is_some() { 0xff } else { 0 })),
        )),
        Form::Network(IpNet::V6(_)) | Form::Local => None,
    }
}

fn bits_of_net(net: Ipv4Net) -> (u32, u32) {
    (net.network().to_bits(), net.netmask().to_bits())
}

#[cfg(test)]
mod tests {
    use crate::conditions::AddressPattern;

    #[test]
    fn a_pattern_covers_what_matches_no_more() {
        for (one, other, covers) in [
            ("10.0.0.0/8", "10.0.0.0/8", true),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "10.*.*.*", true),
            ("10.*.*.*", "10.0.0.0/8", true),
            ("10.*.*.*", "10.0.0.0/7", false),
            ("10.*.1.*", "10.2.1.0/24", true),
            ("10.*.1.*", "10.2.0.0/16", false),
            ("*.*.*.*", "0.0.0.0/0", true),
            ("0.0.0.0/0", "*.1.*.1", true),
            ("*.1.*.1", "0.0.0.0/0", false),
            ("10.1.2.3", "10.0.0.0/8", false),
            ("10.1.2.0/25", "10.1.2.*", false),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
            ("2001:db8::/32", "2001:db8::1", true),
            ("2001:db8::1", "2001:db8::/32", false),
            ("::/0", "10.0.0.1", false),
            ("0.0.0.0/0", "::1", false),
            ("0.0.0.0/0", "local", false),
            ("local", "local", true),
            ("local", "127.0.0.1", false),
        ] {
            let pattern = |text: &str| text.parse::<AddressPattern>().unwrap();
            assert_eq!(pattern(one).covers(&pattern(other)), covers, "{one} {other}");
        }
    }
}
