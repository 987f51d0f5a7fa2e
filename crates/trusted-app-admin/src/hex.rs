//! Bytes as hexadecimal text.

pub(crate) fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `None` for what is no such text.
#[cfg(any(feature = "pages", feature = "api"))]
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let pair = |at| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..text.len()).step_by(2).map(pair).collect()
}
