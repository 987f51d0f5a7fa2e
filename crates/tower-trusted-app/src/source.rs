//! Which addresses of a request are held against an application's address rule.

use std::net::SocketAddr;

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, header};
use smallvec::{SmallVec, smallvec};
use trusted_app_core::Rejection;
use trusted_app_core::conditions::{AddressRule, Peer, SourceAddress, parse_forwarded_address};
use trusted_app_core::limits::MAX_FORWARDED_ADDRESSES;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Which addresses of a request must match.
///
/// # Deployment caveat
///
/// A proxy that adds no header makes everyone behind it look like the proxy: listing that proxy's
/// address with an application lets all of them send its requests (with its key).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum SourceAddresses {
    /// The peer *and every* address in `X-Forwarded-For` and `Forwarded` (RFC 7239), over all
    /// header lines. This is the original's rule: a forged header can only narrow. List the proxies
    /// together with the clients.
    #[default]
    PeerAndEveryForwarded,
    /// One address only, the client's: walking from the peer leftwards through the header, past
    /// the proxies that match this rule, the first other address. When all are proxies it is the
    /// leftmost. An unreadable entry on the way is rejected, and so is a request from a proxy that
    /// has both headers. With an empty rule it is always the peer.
    TrustedProxies(AddressRule),
}

/// The addresses of one request, in order. Most have no more than the peer.
pub(crate) type Sources<'h> = SmallVec<[SourceAddress<'h>; 1]>;

impl SourceAddresses {
    /// The addresses to check.
    pub(crate) fn of<'h>(
        &self,
        peer: Option<Peer>,
        headers: &'h HeaderMap,
    ) -> Result<Sources<'h>, Rejection> {
        let Some(peer) = peer else { return Ok(smallvec![SourceAddress::UnknownPeer]) };
        match self {
            Self::PeerAndEveryForwarded => {
                let mut sources = smallvec![SourceAddress::Peer(peer)];
                x_forwarded_for(headers, &mut sources)?;
                forwarded(headers, &mut sources)?;
                Ok(sources)
            }
            Self::TrustedProxies(proxies) if !proxies.matches(peer) => {
                Ok(smallvec![SourceAddress::Peer(peer)])
            }
            Self::TrustedProxies(proxies) => {
                if headers.contains_key(X_FORWARDED_FOR) && headers.contains_key(header::FORWARDED) {
                    return Err(Rejection::RepeatedHeader { name: "Forwarded beside X-Forwarded-For" });
                }
                let mut hops = smallvec![SourceAddress::Peer(peer)];
                x_forwarded_for(headers, &mut hops)?;
                forwarded(headers, &mut hops)?;
                let (peer, hops) =
                    hops.split_first().map_or((SourceAddress::UnknownPeer, &[][..]), |(p, h)| (*p, h));
                let client = hops.iter().rev().copied().find(|hop| !is_proxy(*hop, proxies));
                Ok(smallvec![client.or(hops.first().copied()).unwrap_or(peer)])
            }
        }
    }
}

fn is_proxy(hop: SourceAddress<'_>, proxies: &AddressRule) -> bool {
    match hop {
        SourceAddress::Forwarded(text) => {
            parse_forwarded_address(text).is_some_and(|address| proxies.matches(Peer::Ip(address)))
        }
        _ => false,
    }
}

/// Appends every entry of every `X-Forwarded-For` line, blanks and all; empty ones are no entries.
fn x_forwarded_for<'h>(headers: &'h HeaderMap, sources: &mut Sources<'h>) -> Result<(), Rejection> {
    for line in lines(headers, &X_FORWARDED_FOR) {
        for entry in line.to_str().unwrap_or(NOT_TEXT).split(',').filter(|entry| !entry.trim().is_empty()) {
            push(sources, entry)?;
        }
    }
    Ok(())
}

/// Appends the `for` of every element of every `Forwarded` line (RFC 7239, section 4).
fn forwarded<'h>(headers: &'h HeaderMap, sources: &mut Sources<'h>) -> Result<(), Rejection> {
    for line in lines(headers, &header::FORWARDED) {
        for pair in split_outside_quotes(line.to_str().unwrap_or(NOT_TEXT)) {
            let pair = pair.trim();
            match pair.split_once('=') {
                Some((name, value)) if name.trim_end().eq_ignore_ascii_case("for") => {
                    push(sources, node_address(value.trim_start()))?;
                }
                // Another parameter, or the empty element that RFC 9110 tells to pass over.
                Some((name, value)) if is_token(name.trim_end()) && is_whole(value.trim_start()) => {}
                None if pair.is_empty() => {}
                _ => push(sources, pair)?,
            }
        }
    }
    Ok(())
}

/// The values of a header, in order. Comparing the names of a request takes less time than hashing one
/// of these, which most requests do not have.
fn lines<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h HeaderValue> {
    headers.iter().filter(move |(other, _)| *other == name).map(|(_, value)| value)
}

/// What stands for a header line that is no text: it is no address, and so is rejected.
const NOT_TEXT: &str = "(not ASCII)";

fn push<'h>(sources: &mut Sources<'h>, entry: &'h str) -> Result<(), Rejection> {
    // The first source is the peer.
    if sources.len() > MAX_FORWARDED_ADDRESSES {
        return Err(Rejection::TooLarge {
            what: "number of forwarded addresses",
            limit: MAX_FORWARDED_ADDRESSES,
        });
    }
    sources.push(SourceAddress::Forwarded(entry));
    Ok(())
}

/// Splits elements (`,`) and their pairs (`;`) alike, passing over those inside quoted strings. An
/// open quote swallows the rest, which then is no address and not [whole](is_whole).
fn split_outside_quotes(line: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    line.split(move |c: char| {
        if escaped {
            escaped = false;
            return false;
        }
        match c {
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' | ';' => return !quoted,
            _ => {}
        }
        false
    })
}

/// The address of a `for` node: without quotes, brackets and port. Whatever is neither stays as it
/// is.
fn node_address(node: &str) -> &str {
    let bare = node.strip_prefix('"').and_then(|node| node.strip_suffix('"')).unwrap_or(node);
    if let Some(rest) = bare.strip_prefix('[') {
        return match rest.split_once(']') {
            Some((address, port)) if is_port(port) && address.contains(':') => address,
            _ => node,
        };
    }
    match bare.split_once(':') {
        Some((address, port)) if !port.contains(':') => {
            if is_port(&bare[address.len()..]) {
                address
            } else {
                node
            }
        }
        Some(_) => node, // RFC 7239 wants IPv6 in brackets.
        None => bare,
    }
}

/// Empty, or a colon and a port.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || text.strip_prefix(':').is_some_and(|port| {
            matches!(port.len(), 1..=5) && port.bytes().all(|digit| digit.is_ascii_digit())
        })
}

/// Whether a parameter's value has no quotes, or is one quoted string from its first to its last
/// character. In any other the client may have opened a quote, for the addresses that a proxy appends
/// to end up inside.
fn is_whole(value: &str) -> bool {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return !value.contains('"');
    };
    let mut escaped = false;
    let has_quote = inner.chars().any(|c| {
        let escapes = c == '\\' && !escaped;
        let ends = c == '"' && !escaped;
        escaped = escapes;
        ends
    });
    !has_quote && !escaped
}

fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// The peer as a server usually leaves it in the extensions: a [`Peer`], or a [`SocketAddr`].
pub(crate) fn peer_from_extensions(extensions: &Extensions) -> Option<Peer> {
    extensions
        .get::<Peer>()
        .copied()
        .or_else(|| extensions.get::<SocketAddr>().map(|address| Peer::Ip(address.ip())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sources(
        strategy: &SourceAddresses,
        peer: &str,
        lines: &[(HeaderName, &'static str)],
    ) -> Result<Vec<String>, Rejection> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, http::HeaderValue::from_static(value));
        }
        let peer = peer.parse().ok().map(Peer::Ip);
        Ok(strategy
            .of(peer, &headers)?
            .into_iter()
            .map(|source| match source {
                SourceAddress::UnknownPeer => "?".to_owned(),
                SourceAddress::Peer(Peer::Ip(ip)) => ip.to_string(),
                SourceAddress::Peer(Peer::Local) => "local".to_owned(),
                SourceAddress::Forwarded(text) => format!("<{text}>"),
            })
            .collect())
    }

    #[test]
    fn every_forwarded() {
        let all = SourceAddresses::default();
        for (lines, expected) in [
            (vec![], vec![]),
            (vec![(X_FORWARDED_FOR, "1.1.1.1, 2.2.2.2,,")], vec!["<1.1.1.1>", "< 2.2.2.2>"]),
            (vec![(X_FORWARDED_FOR, "1.1.1.1"), (X_FORWARDED_FOR, "x")], vec!["<1.1.1.1>", "<x>"]),
            (
                vec![(header::FORWARDED, "for=1.1.1.1;proto=http, FOR=\"[2001:db8::1]:80\"")],
                vec!["<1.1.1.1>", "<2001:db8::1>"],
            ),
            (vec![(header::FORWARDED, "proto=http;by=\"a,for=9.9.9.9\"")], vec![]),
            (vec![(header::FORWARDED, "by=\", for=1.1.1.1")], vec!["<by=\", for=1.1.1.1>"]),
            (vec![(header::FORWARDED, "by=\"\\\"\\\\\", for=1.1.1.1")], vec!["<1.1.1.1>"]),
            (vec![(header::FORWARDED, "for=\"1.1.1.1:80\"")], vec!["<1.1.1.1>"]),
            (vec![(header::FORWARDED, "for=unknown, for=_x")], vec!["<unknown>", "<_x>"]),
            (vec![(header::FORWARDED, "for=\"1.1.1.1")], vec!["<\"1.1.1.1>"]),
            (vec![(header::FORWARDED, "for=1.1.1.1:x")], vec!["<1.1.1.1:x>"]),
            (vec![(header::FORWARDED, "1.1.1.1")], vec!["<1.1.1.1>"]),
            (vec![(header::FORWARDED, "for=2001:db8::1")], vec!["<2001:db8::1>"]),
            (
                vec![(X_FORWARDED_FOR, "1.1.1.1"), (header::FORWARDED, "for=2.2.2.2")],
                vec!["<1.1.1.1>", "<2.2.2.2>"],
            ),
        ] {
            let mut with_peer = vec!["10.0.0.1"];
            with_peer.extend(expected);
            assert_eq!(sources(&all, "10.0.0.1", &lines).unwrap(), with_peer, "{lines:?}");
        }
        assert_eq!(sources(&all, "", &[(X_FORWARDED_FOR, "1.1.1.1")]).unwrap(), ["?"]);
    }

    #[test]
    fn trusted_proxies() {
        let trusted = SourceAddresses::TrustedProxies("10.0.0.0/8".parse().unwrap());
        for (peer, lines, expected) in [
            ("8.8.8.8", vec![(X_FORWARDED_FOR, "1.1.1.1")], "8.8.8.8"),
            ("10.0.0.1", vec![], "10.0.0.1"),
            ("10.0.0.1", vec![(X_FORWARDED_FOR, "1.1.1.1")], "<1.1.1.1>"),
            ("10.0.0.1", vec![(X_FORWARDED_FOR, "6.6.6.6,1.1.1.1,10.0.0.9")], "<1.1.1.1>"),
            ("10.0.0.1", vec![(X_FORWARDED_FOR, "6.6.6.6"), (X_FORWARDED_FOR, "10.0.0.9")], "<6.6.6.6>"),
            ("10.0.0.1", vec![(X_FORWARDED_FOR, "1.1.1.1,junk,10.0.0.9")], "<junk>"),
            ("10.0.0.1", vec![(X_FORWARDED_FOR, "10.0.0.3,10.0.0.2")], "<10.0.0.3>"),
            ("10.0.0.1", vec![(header::FORWARDED, "for=1.1.1.1, for=10.0.0.2")], "<1.1.1.1>"),
        ] {
            assert_eq!(sources(&trusted, peer, &lines).unwrap(), [expected], "{lines:?}");
        }
        let both = [(X_FORWARDED_FOR, "1.1.1.1"), (header::FORWARDED, "for=1.1.1.1")];
        assert!(sources(&trusted, "10.0.0.1", &both).is_err());
        assert_eq!(sources(&trusted, "8.8.8.8", &both).unwrap(), ["8.8.8.8"]);
    }

    proptest! {
        /// Whatever a client has left in the line to which a proxy appends.
        #[test]
        fn what_a_proxy_appends_is_seen(
            left in r#"([a-z]{0,3}[ =";,\\]|for=192\.0\.2\.1|[a-z0-9.:\[\]]){0,12}"#,
            appended in r#"(for=198\.51\.100\.1|for="198\.51\.100\.1:80"|proto=https;for="\[2001:db8::1\]";x="y")"#,
        ) {
            let mut headers = HeaderMap::new();
            headers.insert(header::FORWARDED, format!("{left}, {appended}").parse().unwrap());
            let allowed: AddressRule = "10.0.0.1, 192.0.2.*".parse().unwrap();
            let proxies = SourceAddresses::TrustedProxies("10.0.0.1".parse().unwrap());
            for strategy in [SourceAddresses::default(), proxies] {
                let sources = strategy.of(Some(Peer::Ip([10, 0, 0, 1].into())), &headers).unwrap();
                prop_assert!(allowed.check(sources).is_err());
            }
        }
    }

    #[test]
    fn bounded() {
        let line: String = vec!["1.1.1.1"; MAX_FORWARDED_ADDRESSES + 1].join(",");
        let mut headers = HeaderMap::new();
        headers.insert(X_FORWARDED_FOR, line.parse().unwrap());
        let peer = Some(Peer::Local);
        assert!(matches!(SourceAddresses::default().of(peer, &headers), Err(Rejection::TooLarge { .. })));
    }
}
