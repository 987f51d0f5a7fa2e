//! A table of address rules and sources, and what `AddressRule::check` answers.

use std::net::IpAddr;

use proptest::prelude::*;
use trusted_app_core::conditions::SourceAddress::{self, Forwarded, UnknownPeer};
use trusted_app_core::conditions::{
    AddressMismatch, AddressPattern, AddressRule, Peer, parse_forwarded_address,
};

/// A peer, written as text: an address or `local`.
fn peer(text: &str) -> SourceAddress<'_> {
    SourceAddress::Peer(match text {
        "local" => Peer::Local,
        address => Peer::Ip(address.parse().expect("an address")),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Pass,
    /// The connection's address, as the rejection names it.
    BadPeer(&'static str),
    /// The header's entry, as the rejection names it.
    BadHop(&'static str),
    Unknown,
}
use Outcome::{BadHop, BadPeer, Pass, Unknown};

#[test]
fn every_source_must_match() {
    const LAN: &str = "10.*.*.*, 192.168.0.0/16";
    const V6: &str = "2001:db8::/32";
    let table: &[(&str, &[SourceAddress<'_>], Outcome)] = &[
        // the connection alone
        (LAN, &[peer("10.1.2.3")], Pass),
        (LAN, &[peer("192.168.255.255")], Pass),
        (LAN, &[peer("192.169.0.0")], BadPeer("192.169.0.0")),
        (LAN, &[peer("::ffff:10.1.2.3")], Pass),
        (LAN, &[peer("::ffff:11.1.2.3")], BadPeer("::ffff:11.1.2.3")),
        (LAN, &[peer("::10.1.2.3")], BadPeer("::a01:203")),
        (LAN, &[peer("::1")], BadPeer("::1")),
        ("10.*.1.*", &[peer("10.200.1.7")], Pass),
        ("10.*.1.*", &[peer("10.1.2.1")], BadPeer("10.1.2.1")),
        ("*.*.*.*", &[peer("203.0.113.9")], Pass),
        ("*.*.*.*", &[peer("2001:db8::1")], BadPeer("2001:db8::1")),
        ("::/0", &[peer("2001:db8::1")], Pass),
        ("::/0", &[peer("10.1.2.3")], BadPeer("10.1.2.3")),
        ("::ffff:10.0.0.0/104", &[peer("10.255.0.1")], Pass),
        ("::ffff:10.0.0.0/104", &[peer("11.0.0.0")], BadPeer("11.0.0.0")),
        (V6, &[peer("2001:db8:ffff::1")], Pass),
        (V6, &[peer("2001:db9::1")], BadPeer("2001:db9::1")),
        // a Unix socket
        ("local", &[peer("local")], Pass),
        ("local", &[peer("127.0.0.1")], BadPeer("127.0.0.1")),
        ("127.0.0.1, ::1, *.*.*.*, ::/0", &[peer("local")], BadPeer("local")),
        // nobody known
        (LAN, &[UnknownPeer], Unknown),
        (LAN, &[], Unknown),
        (LAN, &[UnknownPeer, Forwarded("10.1.2.3")], Unknown),
        (LAN, &[Forwarded(""), Forwarded(" \t")], Unknown),
        // through proxies
        (LAN, &[peer("10.0.0.1"), Forwarded("10.0.0.2"), Forwarded(" 10.0.0.3")], Pass),
        (LAN, &[peer("10.0.0.1"), Forwarded("10.0.0.2"), Forwarded(" 11.0.0.3 ")], BadHop(" 11.0.0.3 ")),
        (LAN, &[peer("10.0.0.1"), Forwarded("11.0.0.2"), Forwarded("12.0.0.3")], BadHop("11.0.0.2")),
        (LAN, &[peer("11.0.0.1"), Forwarded("unknown")], BadPeer("11.0.0.1")),
        (LAN, &[peer("10.0.0.1"), Forwarded(""), Forwarded("\t"), Forwarded("10.0.0.2")], Pass),
        (LAN, &[peer("10.0.0.1"), Forwarded("10.0.0.2.")], Pass),
        (LAN, &[peer("10.0.0.1"), Forwarded("10.0.0.2...")], Pass),
        (LAN, &[peer("10.0.0.1"), Forwarded("::ffff:10.0.0.2")], Pass),
        (LAN, &[peer("10.0.0.1"), Forwarded("::ffff:a00:2")], Pass),
        (LAN, &[peer("local"), Forwarded("10.0.0.2")], BadPeer("local")),
        (V6, &[peer("2001:db8::1"), Forwarded("2001:DB8:0::2")], Pass),
        // entries that are no address
        (LAN, &[peer("10.0.0.1"), Forwarded("unknown")], BadHop("unknown")),
        (LAN, &[peer("10.0.0.1"), Forwarded("_hidden")], BadHop("_hidden")),
        (LAN, &[peer("10.0.0.1"), Forwarded("local")], BadHop("local")),
        ("local, 10.0.0.1", &[peer("10.0.0.1"), Forwarded("local")], BadHop("local")),
        (LAN, &[peer("10.0.0.1"), Forwarded("10.0.0.2:80")], BadHop("10.0.0.2:80")),
        (LAN, &[peer("10.0.0.1"), Forwarded("10.0.0.02")], BadHop("10.0.0.02")),
        (LAN, &[peer("10.0.0.1"), Forwarded("10.2")], BadHop("10.2")),
        (LAN, &[peer("10.0.0.1"), Forwarded("167772162")], BadHop("167772162")),
        (LAN, &[peer("10.0.0.1"), Forwarded("0xa.0.0.2")], BadHop("0xa.0.0.2")),
        (LAN, &[peer("10.0.0.1"), Forwarded(".10.0.0.2")], BadHop(".10.0.0.2")),
        (LAN, &[peer("10.0.0.1"), Forwarded("10.0.0.2\n")], BadHop("10.0.0.2\n")),
        (LAN, &[peer("10.0.0.1"), Forwarded("\u{a0}10.0.0.2")], BadHop("\u{a0}10.0.0.2")),
        (LAN, &[peer("10.0.0.1"), Forwarded("10.0.0.2 10.0.0.3")], BadHop("10.0.0.2 10.0.0.3")),
        (V6, &[peer("2001:db8::1"), Forwarded("[2001:db8::2]")], BadHop("[2001:db8::2]")),
        (V6, &[peer("2001:db8::1"), Forwarded("2001:db8::2%eth0")], BadHop("2001:db8::2%eth0")),
        (V6, &[peer("2001:db8::1"), Forwarded("2001:db8::2.")], BadHop("2001:db8::2.")),
        // an empty set allows nothing
        ("", &[peer("10.0.0.1")], BadPeer("10.0.0.1")),
        (" ,\n, ", &[peer("local")], BadPeer("local")),
    ];
    for (patterns, sources, expected) in table {
        let rule: AddressRule = patterns.parse().expect("patterns");
        let expected = match *expected {
            Pass => Ok(()),
            BadPeer(address) => Err(("peer", address.to_owned())),
            BadHop(address) => Err(("hop", address.to_owned())),
            Unknown => Err(("unknown", String::new())),
        };
        let answer = rule.check(sources.iter().copied()).map_err(|mismatch| match mismatch {
            AddressMismatch::Peer(peer) => ("peer", peer.to_string()),
            AddressMismatch::Forwarded(text) => ("hop", text.to_owned()),
            AddressMismatch::PeerUnknown => ("unknown", String::new()),
        });
        assert_eq!(answer, expected, "{patterns:?} against {sources:?}");
    }
}

#[test]
fn any_looks_at_nothing() {
    let sources = std::iter::from_fn(|| -> Option<SourceAddress<'static>> { panic!("looked at") });
    assert_eq!(AddressRule::any().check(sources), Ok(()));
}

#[test]
fn lines_and_commas() {
    let rule = AddressRule::parse_lines([
        "10.0.0.1,,10.0.0.2 ,\t10.0.0.3",
        "",
        "  ",
        "10.0.0.4\r\n10.0.0.5\r10.0.0.6",
    ]);
    let shown: Vec<_> =
        rule.expect("patterns").patterns().expect("a set").iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
}

#[test]
fn what_is_no_pattern() {
    for item in [
        "*",
        "10.*",
        "10.*.*",
        "10.*.*.*.*",
        "10.1*.0.0",
        "10.**.0.0",
        "10.*.*.256",
        "10.*.0.01",
        "10.?.0.0",
        "+10.*.0.0",
        "10..*.0",
        "*.*.*.*/8",
        "::ffff:10.*.0.1",
        "2001:db8:*",
        "10.0.0",
        "10.0.0.256",
        "10.0.0.01",
        "+10.0.0.1",
        "10.0.0.1 10.0.0.2",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/+8",
        "10.0.0.0/08",
        "10.0.0.0/",
        "10.0.0.0/8/8",
        "10.0.0.0 /8",
        "10.0.0.0/255.0.0.0",
        "10.0.0.1-10.0.0.9",
        "::/129",
        "::1/256",
        "::ffff:10.0.0.0/33",
        "::ffff:10.0.0.0/95",
        "::ffff:10.0.0.0/129",
        "[::1]",
        "fe80::1%eth0",
        "fe80::1%1/64",
        "1::2::3",
        "::g",
        "::12345",
        "localhost",
        "LOCAL",
        "any",
        "example.com",
        ".",
    ] {
        assert!(item.parse::<AddressPattern>().is_err(), "{item}");
        let error = AddressRule::parse_lines(["10.0.0.1", item]).expect_err(item);
        assert!(error.to_string().starts_with(&format!("The IP address pattern: {item} is invalid. ")));
    }
}

#[test]
fn jiras_functional_test() {
    let error = "192.168.0.1\n192,168,0,1".parse::<AddressRule>().expect_err("no pattern");
    assert_eq!((error.line(), error.item()), ("192,168,0,1", "192"));
    assert!(error.to_string().starts_with("The IP address pattern: 192,168,0,1 is invalid."));
}

/// Pattern text of every form, some of it no pattern.
fn pattern() -> impl Strategy<Value = String> {
    let octet = prop_oneof![(0_u8..4).prop_map(|number| number.to_string()), Just("*".to_owned())];
    prop_oneof![
        prop::array::uniform4(octet).prop_map(|octets| octets.join(".")),
        (small_address(), 0_u8..=129).prop_map(|(address, prefix)| format!("{address}/{prefix}")),
        small_address().prop_map(|address| address.to_string()),
        Just("local".to_owned()),
    ]
}

/// Addresses that are close to each other, so that patterns match and overlap.
fn small_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        prop::array::uniform4(0_u8..4).prop_map(IpAddr::from),
        prop::array::uniform4(0_u8..4)
            .prop_map(|octets| std::net::Ipv4Addr::from(octets).to_ipv6_mapped().into()),
        prop::array::uniform16(prop_oneof![Just(0_u8), Just(1), Just(255)]).prop_map(IpAddr::from),
    ]
}

proptest! {
    #[test]
    fn a_set_matches_what_one_of_its_patterns_matches(
        texts in prop::collection::vec(pattern(), 0..20),
        addresses in prop::collection::vec(small_address(), 1..20),
    ) {
        let patterns: Vec<AddressPattern> = texts.iter().filter_map(|text| text.parse().ok()).collect();
        let set = AddressRule::only(patterns.clone());
        for peer in addresses.into_iter().map(Peer::Ip).chain([Peer::Local]) {
            let one = patterns.iter().any(|&pattern| AddressRule::only([pattern]).matches(peer));
            prop_assert_eq!(set.matches(peer), one, "{} in {:?}", peer, set);
        }
    }

    #[test]
    fn a_pattern_is_read_again_as_it_is_shown(text in pattern()) {
        if let Ok(pattern) = text.parse::<AddressPattern>() {
            prop_assert_eq!(pattern.to_string().parse::<AddressPattern>(), Ok(pattern));
        }
    }

    #[test]
    fn an_address_matches_itself_in_every_spelling(address in any::<IpAddr>()) {
        let rule: AddressRule = address.to_string().parse().expect("an address");
        prop_assert!(rule.matches(Peer::Ip(address)));
        prop_assert!(rule.matches(Peer::Ip(address.to_canonical())));
        prop_assert_eq!(parse_forwarded_address(&format!("\t{address} ")), Some(address));
    }

    #[test]
    fn no_text_panics(text in "\\PC*") {
        let _ = text.parse::<AddressRule>();
        let rule: AddressRule = "10.*.*.*".parse().expect("a pattern");
        let _ = rule.check([Forwarded(&text)]);
    }
}
