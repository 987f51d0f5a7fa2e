//! One parameter of a query (RFC 9421, section 2.2.8).

/// The value of the parameter that is `wanted`, both in the encoding of the signature base; `None`
/// unless there is exactly one of that name.
pub(super) fn parameter(query: &str, wanted: &str) -> Option<String> {
    let mut values = query.split('&').filter(|pair| !pair.is_empty()).filter_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (encode(&decode(name)) == wanted).then(|| encode(&decode(value)))
    });
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// `application/x-www-form-urlencoded` (URL standard, section 5.1).
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(16 * high + low);
                    rest = after;
                }
                _ => bytes.push(b'%'),
            },
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// All but ASCII letters, digits and `*-._` as percent signs with two upper-case digits.
fn encode(text: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'-' | b'.' | b'_') {
            encoded.push(char::from(byte));
        } else {
            // A string takes whatever is written to it.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::parameter;

    #[test]
    fn examples_of_the_rfc() {
        let query = "param=value&foo=bar&baz=batman&qux=";
        for (name, value) in [("baz", "batman"), ("qux", ""), ("param", "value")] {
            assert_eq!(parameter(query, name).as_deref(), Some(value));
        }
        let query = "var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something";
        for (name, value) in [
            ("var", "this%20is%20a%20big%0Amultiline%20value"),
            ("bar", "with%20plus%20whitespace"),
            ("fa%C3%A7ade%22%3A%20", "something"),
        ] {
            assert_eq!(parameter(query, name).as_deref(), Some(value));
        }
    }

    #[test]
    fn not_exactly_one() {
        assert_eq!(parameter("a=1&b=2&a=3", "a"), None);
        assert_eq!(parameter("a=1", "b"), None);
        assert_eq!(parameter("", "a"), None);
        assert_eq!(parameter("a=%", "a").as_deref(), Some("%25"));
    }
}
