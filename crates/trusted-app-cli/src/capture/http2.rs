//! The headers of an HTTP/2 request as tools show them, with `:method` and `:path` among them.

use super::error::PasteError;

/// The head of the same request in HTTP/1.1. The lines have no blanks around them.
pub(super) fn head(lines: &[&[u8]]) -> Result<Vec<u8>, PasteError> {
    let begin = lines.iter().position(|line| line.starts_with(b":")).unwrap_or_default();
    // As nghttp and code blocks have them.
    let may_stand_before = |line: &[u8]| line.first().is_none_or(|byte| b"[;`".contains(byte));
    if !lines.iter().take(begin).all(|line| may_stand_before(line)) {
        return Err(PasteError::Before(begin + 1));
    }
    let lines = lines.iter().skip(begin).copied();
    let lines: Vec<_> = lines.take_while(|line| !line.is_empty() && !line.starts_with(b"```")).collect();
    let fields = fields(&lines).ok_or(PasteError::PseudoHeaders)?;
    if fields.iter().any(|(name, _)| *name == b":status") {
        return Err(PasteError::Answer);
    }
    let once = |wanted: &[u8]| {
        let mut values = fields.iter().filter(|(name, _)| *name == wanted).map(|(_, value)| *value);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(PasteError::PseudoHeaders),
        }
    };
    let (Some(method), Some(path)) = (once(b":method")?, once(b":path")?) else {
        return Err(PasteError::PseudoHeaders);
    };
    let others = fields.iter().filter(|(name, _)| !name.starts_with(b":"));
    let (scheme, authority) = (once(b":scheme")?, once(b":authority")?);
    let (origin, host) = match (scheme, authority) {
        // As a server of HTTP/2 gets it.
        (Some(scheme), Some(authority)) => ([scheme, b"://", authority].concat(), None),
        (_, authority) => (Vec::new(), authority),
    };
    let host = host.map(|host| (&b"host"[..], host));
    let host = host.filter(|host| !others.clone().any(|field| field == host));

    let mut head = [method, b" ", &origin, path, b" HTTP/1.1\r\n"].concat();
    for (name, value) in host.iter().chain(others) {
        head.extend_from_slice(&[name, &b": "[..], value, b"\r\n"].concat());
    }
    Ok(head)
}

type Field<'l> = (&'l [u8], &'l [u8]);

/// Names and values: on one line, or in turn on lines of their own, as a browser's table is copied.
fn fields<'l>(lines: &[&'l [u8]]) -> Option<Vec<Field<'l>>> {
    let first = lines.first()?;
    if first.get(1..)?.strip_suffix(b":").unwrap_or(first.get(1..)?).contains(&b':') {
        return lines.iter().map(|line| field(line)).collect();
    }
    let (pairs, rest) = lines.as_chunks::<2>();
    let name = |line: &'l [u8]| line.strip_suffix(b":").unwrap_or(line);
    rest.is_empty().then(|| pairs.iter().map(|[first, value]| (name(first), *value)).collect())
}

/// A colon before the name is a part of it.
fn field(line: &[u8]) -> Option<Field<'_>> {
    let at = 1 + line.get(1..)?.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at_checked(at)?;
    Some((name, value.strip_prefix(b":")?.trim_ascii()))
}
