//! `FromStr` and `Display` of each part are inverse.

use std::fmt::{Debug, Display};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use proptest::prelude::*;
use trusted_app_core::application::KeyState;
use trusted_app_core::conditions::{AddressPattern, PathPattern, ReplayProtection, parse_method};
use trusted_app_core::crypto::SignatureKey;
use trusted_app_core::{ApplicationId, PublicKey, Scheme};

use super::{JWK, SPKI};

/// What is read, if anything is, is written so that it is read as the same, and in the same words.
fn comes_back<T: FromStr<Err: Debug + PartialEq> + Display + Debug + PartialEq>(
    text: &str,
) -> Result<(), TestCaseError> {
    if let Ok(part) = text.parse::<T>() {
        let written = part.to_string();
        let again = written.parse::<T>();
        prop_assert_eq!(again.as_ref(), Ok(&part), "{}", written);
        prop_assert_eq!(again.unwrap().to_string(), written);
    }
    Ok(())
}

pub(super) fn address() -> impl Strategy<Value = String> {
    let octet = prop_oneof![Just("*".to_owned()), any::<u8>().prop_map(|octet| octet.to_string())];
    prop_oneof![
        Just("local".to_owned()),
        prop::array::uniform4(octet).prop_map(|octets| octets.join(".")),
        (any::<u32>(), 0..=32_u8).prop_map(|(bits, prefix)| format!("{}/{prefix}", Ipv4Addr::from(bits))),
        (any::<u128>(), 0..=128_u8).prop_map(|(bits, prefix)| format!("{}/{prefix}", Ipv6Addr::from(bits))),
        any::<u32>().prop_map(|bits| Ipv4Addr::from(bits).to_ipv6_mapped().to_string()),
        any::<u128>().prop_map(|bits| Ipv6Addr::from(bits).to_string()),
    ]
}

pub(super) fn path() -> impl Strategy<Value = String> {
    prop_oneof![
        "/[a-z]{0,8}(/[a-zA-Z0-9._~-]{1,8}){0,3}/?",
        "subtree:(/[a-z]{1,8}){1,3}/?",
        "rpc:[a-z]{1,8}[.][A-Z][a-z]{0,8}/([A-Z][a-z]{0,8}|[*])",
    ]
}

pub(super) fn method() -> impl Strategy<Value = String> {
    prop_oneof!["(GET|HEAD|POST|PUT|DELETE)", "[A-Z][A-Z-]{3,12}"]
}

proptest! {
    #[test]
    fn an_address_pattern(text in address(), other in "[0-9a-f.:*/ local]{0,24}") {
        prop_assert!(text.parse::<AddressPattern>().is_ok(), "{}", text);
        comes_back::<AddressPattern>(&text)?;
        comes_back::<AddressPattern>(&other)?;
    }

    #[test]
    fn a_path_pattern(text in path(), other in "(any|Any|subtree|rpc|[*])?[: ]?[ -~]{0,24}", unicode in any::<String>()) {
        for text in [text, other, unicode] {
            comes_back::<PathPattern>(&text)?;
            // However the pattern was made.
            let made = [PathPattern::prefix(&text), PathPattern::subtree(&text), PathPattern::rpc(&text)];
            for pattern in made.into_iter().flatten() {
                prop_assert_eq!(pattern.to_string().parse(), Ok(pattern));
            }
        }
    }

    #[test]
    fn a_method(text in method(), other in "[ -~]{0,12}") {
        for text in [text, other] {
            if let Ok(method) = parse_method(&text) {
                prop_assert_eq!(method.as_str(), &text);
                prop_assert_eq!(parse_method(method.as_str()), Ok(method));
            }
        }
    }

    #[test]
    fn an_id(text in any::<String>()) {
        comes_back::<ApplicationId>(&text)?;
    }
}

#[test]
fn words_and_keys() {
    for state in KeyState::ALL {
        assert_eq!(state.to_string().parse(), Ok(state));
    }
    for scheme in Scheme::ALL {
        assert_eq!(scheme.to_string().parse(), Ok(*scheme));
    }
    for protection in ReplayProtection::ALL {
        assert_eq!(protection.to_string().parse(), Ok(protection));
    }
    let key: PublicKey = SPKI.parse().unwrap();
    assert_eq!((key.to_string().parse(), key.to_pem().parse()), (Ok(key.clone()), Ok(key)));
    let key: SignatureKey = JWK.parse().unwrap();
    assert_eq!(key.to_string().parse(), Ok(key));
}
