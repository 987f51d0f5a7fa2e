//! Base64 as the original's library (BouncyCastle) reads and writes it.

use std::borrow::Cow;
use std::sync::LazyLock;

use ::base64::Engine as _;
use ::base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static ENGINE: LazyLock<::base64::engine::Simd> = LazyLock::new(|| ::base64::engine::Simd::standard(CONFIG));

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static ENGINE: LazyLock<::base64::engine::GeneralPurpose> =
    LazyLock::new(|| ::base64::engine::GeneralPurpose::new(&::base64::alphabet::STANDARD, CONFIG));

/// The standard alphabet with padding, which is required; unused bits at the end may be set.
const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);

pub(super) fn encode(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

/// Blanks, tabs and line ends anywhere are passed over.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    ENGINE.decode(text).ok().or_else(|| ENGINE.decode(without_blanks(text)?).ok())
}

/// Decodes into `buffer`, which need not be full after it. `None` also if it does not fit.
pub(super) fn decode_into<'b>(text: &[u8], buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let length = ENGINE
        .decode_slice(text, buffer)
        .ok()
        .or_else(|| ENGINE.decode_slice(without_blanks(text)?, buffer).ok())?;
    buffer.get(..length)
}

/// Decodes into `buffer` if it fits there, else into a vector.
pub(super) fn decode_near<'b>(text: &[u8], buffer: &'b mut [u8]) -> Option<Cow<'b, [u8]>> {
    decode_into(text, buffer).map(Cow::Borrowed).or_else(|| decode(text).map(Cow::Owned))
}

/// `None` if there are none.
fn without_blanks(text: &[u8]) -> Option<Vec<u8>> {
    let dense: Vec<u8> = text.iter().copied().filter(|byte| !is_blank(*byte)).collect();
    (dense.len() < text.len()).then_some(dense)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read() {
        for (text, bytes) in [
            ("YWI=", Some(&b"ab"[..])),
            (" Y W\tI\r\n=", Some(b"ab")),
            ("YWJ=", Some(b"ab")),
            ("", Some(b"")),
            (" ", Some(b"")),
            ("YWI", None),
            ("YWI==", None),
            ("YWI=YWI=", None),
            ("====", None),
            ("-_-_", None),
            ("YW\u{a0}I=", None),
        ] {
            assert_eq!(decode(text.as_bytes()).as_deref(), bytes, "{text:?}");
            for room in [0, 1, 2, 64] {
                let near = decode_near(text.as_bytes(), &mut [0; 64][..room]).map(Cow::into_owned);
                assert_eq!(near.as_deref(), bytes, "{text:?} in {room}");
            }
        }
    }
}
