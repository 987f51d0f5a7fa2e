//! Single lines of a pasted request.

use http::HeaderName;

/// A request line, and what a tool or a log put in front of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RequestLine<'l> {
    pub(super) prefix: &'l [u8],
    pub(super) method: &'l [u8],
    target: &'l [u8],
    pub(super) version: &'l [u8],
}

impl<'l> RequestLine<'l> {
    /// The one in which a line ends.
    pub(super) fn within(line: &'l [u8]) -> Option<Self> {
        let (rest, version) = last_word(line)?;
        match version.strip_prefix(b"HTTP/")? {
            [major] if major.is_ascii_digit() => {}
            [major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => {}
            _ => return None,
        }
        let (rest, target) = last_word(rest)?;
        let method_at = rest.iter().rposition(|byte| !is_of_token(*byte)).map_or(0, |at| at + 1);
        let (prefix, method) = rest.split_at_checked(method_at)?;
        let ends_well = |prefix: &[u8]| prefix.last().is_some_and(|byte| b" \t>|]".contains(byte));
        let is_clean = prefix.iter().all(|byte| *byte == b'\t' || !byte.is_ascii_control());
        let may_be =
            prefix.is_empty() || ends_well(prefix) && is_clean && method.iter().all(u8::is_ascii_uppercase);
        (!method.is_empty() && !target.is_empty() && may_be).then_some(Self {
            prefix,
            method,
            target,
            version,
        })
    }

    /// One without a version, as documentation and editors' `.http` files have it.
    pub(super) fn without_version(line: &'l [u8]) -> Option<Self> {
        const STANDARD: [&[u8]; 7] = [b"DELETE", b"GET", b"HEAD", b"OPTIONS", b"PATCH", b"POST", b"PUT"];
        let (method, target) = last_word(line)?;
        let is_target = [&b"/"[..], b"http://", b"https://"].iter().any(|start| target.starts_with(start));
        (STANDARD.contains(&method) && is_target).then_some(Self {
            prefix: b"",
            method,
            target,
            version: b"",
        })
    }

    /// The line as HTTP/1.1 has it, with its end. The version is in no signature.
    pub(super) fn as_http_1(&self) -> Vec<u8> {
        [self.method, b" ", self.target, b" HTTP/1.1\r\n"].concat()
    }
}

/// A line without the blanks at its end, of which a carriage return is one.
pub(super) fn trimmed(line: &[u8]) -> &[u8] {
    line.trim_ascii_end()
}

/// The rest of a line that has the same in front: the same characters, of which a digit may be any other, as in a time.
pub(super) fn without_prefix<'l>(line: &'l [u8], prefix: &[u8]) -> Option<&'l [u8]> {
    let is_same = |(one, other): (&u8, &u8)| one == other || one.is_ascii_digit() && other.is_ascii_digit();
    let has = |prefix: &[u8]| line.len() >= prefix.len() && line.iter().zip(prefix).all(is_same);
    if has(prefix) {
        return line.get(prefix.len()..);
    }
    // The blank line, which lost the blanks at its end.
    let bare = prefix.trim_ascii_end();
    (line.len() == bare.len() && has(bare)).then_some(&[])
}

/// Whether it is `Name: value`.
pub(super) fn is_header(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().filter(|name| name.len() < line.len());
    name.is_some_and(|name| HeaderName::from_bytes(name).is_ok())
}

/// What stands before the last blank, and the word after it.
fn last_word(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.iter().rposition(|byte| *byte == b' ')?;
    Some((line.get(..at)?, line.get(at + 1..)?))
}

/// Whether it may stand in a method (RFC 9110, section 5.6.2).
fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
