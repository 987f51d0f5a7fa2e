//! Many address patterns, looked up at once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use super::form::Form;
use super::pattern::AddressPattern;
use super::source::{Peer, parse_forwarded_address};

/// Patterns, and beside them what makes matching independent of how many there are.
pub(super) struct AddressSet {
    pub(super) patterns: Vec<AddressPattern>,
    v4: Ranges<u32>,
    v6: Ranges<u128>,
    /// The values under each mask, for patterns such as `10.*.1.*` that are no range. There are
    /// only eleven such masks.
    masked: BTreeMap<u32, BTreeSet<u32>>,
    local: bool,
}

impl AddressSet {
    pub(super) fn new(patterns: Vec<AddressPattern>) -> Self {
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

    pub(super) fn contains(&self, peer: Peer) -> bool {
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

    pub(super) fn contains_text(&self, text: &str) -> bool {
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
        let patterns = ["10.*.1.*", "10.*.2.*", "*.0.0.1", "192.168.*.*"];
        let set = AddressSet::new(patterns.map(|pattern| pattern.parse().expect("a pattern")).into());
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
            assert_eq!(set.contains(Peer::Ip(address.parse().expect("address"))), matches, "{address}");
        }
    }
}
