//! `Signature-Input` and `Signature`: their field lines, put together.

use std::borrow::Cow;
use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use memchr::memmem;

use super::input;
use crate::limits::{MAX_SIGNATURE_BYTES, MAX_SIGNATURE_INPUT_BYTES, MAX_SIGNATURES};
use crate::rejection::Rejection;
use crate::seraph::REQUEST_HEADERS;

/// The `tag` of this profile's signatures.
pub const TAG: &str = "trusted-app";

/// What is signed, and with which parameters (RFC 9421, section 4.1).
pub const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
/// The signature (RFC 9421, section 4.2).
pub const SIGNATURE: HeaderName = HeaderName::from_static("signature");

/// The two fields of a message, from which [`Credentials`](super::Credentials) are read. `Debug` shows
/// neither.
#[derive(Clone)]
pub struct SignatureFields<'h> {
    pub(super) input: Cow<'h, [u8]>,
    pub(super) signature: Cow<'h, [u8]>,
}

impl<'h> SignatureFields<'h> {
    /// Whether the request attempts this scheme at all: whether its `Signature-Input` has the profile's
    /// tag. Allocates nothing.
    #[must_use]
    pub fn attempted(headers: &HeaderMap) -> bool {
        // Comparing the few names takes less time than hashing this one.
        headers.iter().any(|(name, value)| name == SIGNATURE_INPUT && has_tag(value))
    }

    /// The signature with this label. It proves nothing by itself.
    ///
    /// # Errors
    ///
    /// [`Rejection::Malformed`] when there is none.
    pub fn signature(&self, label: &str) -> Result<Vec<u8>, Rejection> {
        input::signature(&self.signature, label, MAX_SIGNATURES)
    }

    /// Takes the fields of a message; trailers are no place for them. Both empty if it has none.
    ///
    /// # Errors
    ///
    /// [`Rejection::TwoSchemes`] when the message has the profile's tag and a field of Seraph's;
    /// [`Rejection::Malformed`] when one is above [`MAX_SIGNATURE_INPUT_BYTES`] or [`MAX_SIGNATURE_BYTES`].
    pub fn of(headers: &'h HeaderMap) -> Result<Self, Rejection> {
        if Self::attempted(headers) && headers.keys().any(|name| REQUEST_HEADERS.contains(name)) {
            return Err(Rejection::TwoSchemes);
        }
        Self::within(headers, MAX_SIGNATURE_INPUT_BYTES, MAX_SIGNATURE_BYTES)
    }

    pub(super) fn within(
        headers: &'h HeaderMap,
        max_input: usize,
        max_signature: usize,
    ) -> Result<Self, Rejection> {
        Ok(Self {
            input: joined(headers, &SIGNATURE_INPUT, max_input)?,
            signature: joined(headers, &SIGNATURE, max_signature)?,
        })
    }
}

/// A sf-string without escapes has one written form.
fn has_tag(value: &HeaderValue) -> bool {
    let value = value.as_bytes();
    memmem::find_iter(value, TAG).any(|at| {
        let quoted = at.checked_sub(1).and_then(|before| value.get(before..at + TAG.len() + 1));
        matches!(quoted, Some([b'"', .., b'"']))
    })
}

/// The lines of a field as one value (RFC 9110, section 5.2); of one line, that line.
pub(super) fn joined<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
    limit: usize,
) -> Result<Cow<'h, [u8]>, Rejection> {
    let too_long = || Rejection::malformed(format!("`{name}` is longer than {limit} bytes"));
    let mut lines = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let Some(first) = lines.next() else { return Ok(Cow::Borrowed(&[])) };
    if first.len() > limit {
        return Err(too_long());
    }
    let mut value = Cow::Borrowed(first);
    for line in lines {
        if value.len() + line.len() + 2 > limit {
            return Err(too_long());
        }
        let value = value.to_mut();
        value.extend_from_slice(b", ");
        value.extend_from_slice(line);
    }
    Ok(value)
}

/// Whether all bytes are such. Most often they are, so that it does not stop at the first that is not, and looks at
/// many at once.
pub(super) fn all(bytes: &[u8], are: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(true, |all, byte| all & are(*byte))
}

impl fmt::Debug for SignatureFields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignatureFields").finish_non_exhaustive()
    }
}
