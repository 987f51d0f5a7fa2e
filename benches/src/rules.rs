//! Rules with few patterns and with many.

use std::net::{IpAddr, Ipv4Addr};

use tower_trusted_app::conditions::{AddressRule, PathRule};
use trusted_app_core::conditions::{Peer, SourceAddress};

/// An address rule of that many patterns, no two of which could be written as one, and its check with
/// an address that it has, another each time.
pub(crate) fn addresses(patterns: u32) -> (impl FnMut() -> Peer, impl Fn(Peer)) {
    // Every other address from 10.0.0.1 on.
    let address = |number: u32| Ipv4Addr::from_bits(0x0A00_0001 + 2 * number);
    let lines: Vec<String> = (0..patterns).map(|number| address(number).to_string()).collect();
    let rule: AddressRule = lines.join("\n").parse().unwrap();
    let mut numbers = each_other(patterns);
    let check = move |peer| rule.check([SourceAddress::Peer(peer)]).expect("it is listed");
    (move || Peer::Ip(IpAddr::V4(address(numbers()))), check)
}

/// The same with a path rule of prefixes.
pub(crate) fn paths(patterns: u32) -> (impl FnMut() -> String, impl Fn(String)) {
    let prefix = |number: u32| format!("/projects/{number:05}/issues");
    let rule = PathRule::prefixes((0..patterns).map(prefix).collect::<Vec<_>>());
    let mut numbers = each_other(patterns);
    let check = move |path: String| rule.check(Some(&path)).expect("it is listed");
    (move || prefix(numbers()) + "/HSP-1", check)
}

/// All numbers below that one, over and over, none near the one before.
fn each_other(count: u32) -> impl FnMut() -> u32 {
    let mut number = 0;
    move || {
        number = (number + 7919) % count;
        number
    }
}
