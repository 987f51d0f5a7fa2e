//! The addresses of a decision as they are recorded: a line each, for no entry of a header field has a line end.

use tower_trusted_app::conditions::SourceAddress;

pub(crate) fn write(addresses: &[SourceAddress<'_>]) -> String {
    let lines = addresses.iter().map(|address| match address {
        SourceAddress::UnknownPeer => "unknown peer".to_owned(),
        SourceAddress::Peer(peer) => format!("peer {peer}"),
        SourceAddress::Forwarded(entry) => format!("forwarded {entry}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

pub(crate) fn read(text: &str) -> Vec<String> {
    match text.strip_prefix('[') {
        Some(old) => {
            old.trim_end_matches(']').split(", ").filter(|one| !one.is_empty()).map(read_old).collect()
        }
        None => text.lines().map(str::to_owned).collect(),
    }
}

/// Records once had the form of Rust's `Debug`.
fn read_old(address: &str) -> String {
    let between = |start, end| address.strip_prefix(start)?.strip_suffix(end);
    match (between("Peer(Ip(", "))"), between("Forwarded(\"", "\")"), address) {
        (Some(ip), _, _) => format!("peer {ip}"),
        (_, Some(entry), _) => format!("forwarded {entry}"),
        (_, _, "Peer(Local)") => "peer local".to_owned(),
        (_, _, "UnknownPeer") => "unknown peer".to_owned(),
        (_, _, other) => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use tower_trusted_app::conditions::Peer;

    use super::{SourceAddress, read, write};

    #[test]
    fn what_is_written_is_read_again_and_so_is_what_was_written_once() {
        let ip = "2001:db8::1".parse().expect("an address");
        let addresses = [
            SourceAddress::Peer(Peer::Ip(ip)),
            SourceAddress::Peer(Peer::Local),
            SourceAddress::Forwarded("192.0.2.1"),
            SourceAddress::UnknownPeer,
        ];
        let expected = ["peer 2001:db8::1", "peer local", "forwarded 192.0.2.1", "unknown peer"];
        assert_eq!(read(&write(&addresses)), expected);
        assert_eq!(read(&format!("{addresses:?}")), expected);
        for none in [write(&[]), "[]".to_owned()] {
            assert_eq!(read(&none), [""; 0]);
        }
        assert_eq!(read(&write(&[SourceAddress::Forwarded("[a], \"b\"")])), ["forwarded [a], \"b\""]);
    }
}
