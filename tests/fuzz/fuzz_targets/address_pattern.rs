//! A list of address patterns, as an administrator writes it, and an address.
#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use trusted_app_core::conditions::{AddressRule, Peer};

fuzz_target!(|input: (&str, IpAddr)| {
    let (text, address) = input;
    let Ok(rule) = text.parse::<AddressRule>() else { return };
    let patterns = rule.patterns().expect("a list is never `any`");

    let written: Vec<_> = patterns.iter().map(ToString::to_string).collect();
    let again: AddressRule = written.join("\n").parse().expect("what we write can be read");
    assert_eq!(again.patterns(), Some(patterns));

    for peer in [Peer::Ip(address), Peer::Ip(address.to_canonical()), Peer::Local] {
        let by_one = patterns.iter().any(|pattern| AddressRule::only([*pattern]).matches(peer));
        assert_eq!(rule.matches(peer), by_one, "{rule:?} and {peer}");
    }
});
