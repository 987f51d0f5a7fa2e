//! Text that people and other programs write: reading it from bytes, checking names, and showing it safely.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use unicode_normalization::{UnicodeNormalization, is_nfc};
use zeroize::{Zeroize, Zeroizing};

use crate::limits::MAX_REPEATED_BYTES;

/// Whether a character cannot be seen, or changes how the text around it is shown.
///
/// These are the default ignorable code points (Unicode 16, `DerivedCoreProperties.txt`), the formatting characters
/// of the bidirectional algorithm (UAX #9), the line and paragraph separators, the interlinear annotation marks and the
/// blank Braille pattern. Control characters are not among them: see [`char::is_control`].
///
/// ```
/// use trusted_app_core::text::is_invisible;
///
/// assert!(is_invisible('\u{200b}') && is_invisible('\u{feff}') && is_invisible('\u{3164}'));
/// assert!(!is_invisible(' ') && !is_invisible('é'));
/// ```
#[must_use]
pub const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// A text with escapes such as `\u{200b}` in place of control characters and of those that are
/// [invisible](is_invisible): for terminals, logs and messages.
///
/// ```
/// use trusted_app_core::text::escaped;
///
/// assert_eq!(escaped("a\u{202e}b\n").to_string(), r"a\u{202e}b\u{a}");
/// ```
#[must_use]
pub const fn escaped(text: &str) -> Escaped<'_> {
    Escaped(text)
}

/// See [`escaped`].
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if character.is_control() || is_invisible(character) {
                write!(f, "{}", character.escape_unicode())?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// Reads the bytes of a text file as its writer meant them.
///
/// Text is UTF-8. A byte order mark at the start is dropped; UTF-16 is read if it begins with one, as Windows editors
/// write it. The line ends `\r\n` and `\r` become `\n`. The bytes are overwritten before they are freed, so a private
/// key leaves no copy behind.
///
/// ```
/// use trusted_app_core::text::decode;
///
/// assert_eq!(decode(b"\xef\xbb\xbfid = 1\r\n".to_vec())?, "id = 1\n");
/// assert_eq!(decode(b"\xff\xfea\0\n\0".to_vec())?, "a\n");
/// assert!(decode(b"id = '\xff'".to_vec()).is_err());
/// # Ok::<_, trusted_app_core::text::TextError>(())
/// ```
///
/// # Errors
///
/// When the bytes are neither, with what they seem to be.
pub fn decode(mut bytes: Vec<u8>) -> Result<String, TextError> {
    let decoded = decode_bytes(&bytes);
    bytes.zeroize();
    let mut text = decoded?;
    if !text.contains('\r') {
        return Ok(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\r' {
            plain.push(character);
        } else if characters.peek() != Some(&'\n') {
            plain.push('\n');
        }
    }
    text.zeroize();
    Ok(plain)
}

fn decode_bytes(bytes: &[u8]) -> Result<String, TextError> {
    let mut text = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest, 3)?,
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return Err(TextError::Utf32),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        [_, 0, _, 0, ..] | [0, _, 0, _, ..] => return Err(TextError::Utf16WithoutMark),
        [0x1f, 0x8b, ..] => return Err(TextError::Gzip),
        rest => utf8(rest, 0)?,
    };
    match text.find('\0') {
        Some(at) => Err(TextError::Nul { at }),
        None => Ok(std::mem::take(&mut *text)),
    }
}

fn utf8(bytes: &[u8], before: usize) -> Result<Zeroizing<String>, TextError> {
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|error| TextError::NotUtf8 { at: before + error.valid_up_to() })?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn utf16(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) -> Result<Zeroizing<String>, TextError> {
    let (units, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(TextError::Utf16);
    }
    // As wide as it can become: growing would leave a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(units.len() * 3));
    for character in char::decode_utf16(units.iter().map(|pair| unit(*pair))) {
        text.push(character.map_err(|_| TextError::Utf16)?);
    }
    Ok(text)
}

/// Why bytes are not the text of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// Another encoding, or no text.
    #[error("byte {at} is not UTF-8: save the file as UTF-8")]
    NotUtf8 {
        /// The offset of the byte, counted from 0.
        at: usize,
    },
    /// UTF-16 that is cut or broken.
    #[error("it begins like UTF-16 but is cut or broken: save the file as UTF-8")]
    Utf16,
    /// UTF-16 without the byte order mark that would tell.
    #[error("it is UTF-16 without a byte order mark: save the file as UTF-8")]
    Utf16WithoutMark,
    /// UTF-32.
    #[error("it is UTF-32: save the file as UTF-8")]
    Utf32,
    /// A compressed file.
    #[error("it is compressed (gzip): decompress it first")]
    Gzip,
    /// A NUL byte: a binary file, or one whose blocks were never written.
    #[error("byte {at} is NUL: it is no text, or it was not written completely")]
    Nul {
        /// The offset of the byte, counted from 0 without a byte order mark.
        at: usize,
    },
}

/// Checks a name that an administrator writes and a directory or a peer must repeat byte for byte.
///
/// ```
/// use trusted_app_core::text::{NameError, check_name};
///
/// assert_eq!(check_name("Müller, Anna"), Ok(()));
/// assert_eq!(check_name("staff "), Err(NameError::OuterBlank { spelling: "staff".to_owned() }));
/// ```
///
/// # Errors
///
/// When it is empty, begins or ends with a blank, has a control character or an [invisible](is_invisible) one, or
/// is not in Unicode's normalization form C (UAX #15); with the spelling that is right.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let plain = plain_spelling(name);
    if plain.is_empty() {
        return Err(NameError::Blank);
    }
    if plain == name {
        return Ok(());
    }
    let spelling = plain.into_owned();
    Err(match name.chars().find(|character| character.is_control() || is_invisible(*character)) {
        Some(character) => NameError::Invisible { character, spelling },
        None if name.trim() != name => NameError::OuterBlank { spelling },
        None => NameError::NotNfc { spelling },
    })
}

/// The name as it should be written. Taking out one character may put two others together, so it is normalized last.
fn plain_spelling(name: &str) -> Cow<'_, str> {
    let hidden = |character: char| character.is_control() || is_invisible(character);
    let visible: Cow<'_, str> = match name.contains(hidden) {
        true => name.chars().filter(|character| !hidden(*character)).collect::<String>().into(),
        false => name.into(),
    };
    let trimmed = match visible {
        Cow::Borrowed(name) => Cow::Borrowed(name.trim()),
        Cow::Owned(name) => Cow::Owned(name.trim().to_owned()),
    };
    if is_nfc(&trimmed) { trimmed } else { trimmed.nfc().collect::<String>().into() }
}

/// Why a name can match no user and no group. See [`check_name`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Empty, or nothing that can be seen.
    #[error("it is blank")]
    Blank,
    /// A blank at the beginning or the end.
    #[error("it begins or ends with a blank: write `{spelling}`")]
    OuterBlank {
        /// The name without it.
        spelling: String,
    },
    /// A control character, or one that cannot be seen.
    #[error("it has the invisible character {}: write `{spelling}`", character.escape_unicode())]
    Invisible {
        /// The first such character.
        character: char,
        /// The name without any.
        spelling: String,
    },
    /// Letters in another Unicode form, which looks the same.
    #[error("it is not in Unicode's normalization form C: write `{spelling}` with composed letters ({})", spelling.escape_default())]
    NotNfc {
        /// The name in that form.
        spelling: String,
    },
}

/// What to say of a name in a rule that has the form of a distinguished name (RFC 4514), such as
/// `cn=staff,ou=groups,dc=example`: rules are about names alone. `None` for any other name.
pub(crate) fn distinguished_name_warning(name: &str) -> Option<String> {
    let value = distinguished_name_value(name)?;
    Some(format!(
        "`{}` looks like a distinguished name; rules are compared with the name of a user or group, such as `{}`",
        escaped(name),
        escaped(value)
    ))
}

/// The value of the first part of a distinguished name; `None` if the text is not one.
fn distinguished_name_value(name: &str) -> Option<&str> {
    fn value_of(part: &str) -> Option<&str> {
        let (attribute, value) = part.split_once('=')?;
        let attribute = attribute.trim();
        let is_attribute = attribute.starts_with(|first: char| first.is_ascii_alphabetic())
            && attribute.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (is_attribute && !value.is_empty()).then(|| value.trim())
    }
    let (first, others) = name.split_once(',')?;
    if others.split(',').any(|part| value_of(part).is_none()) {
        return None;
    }
    value_of(first)
}

/// Cuts off what exceeds [`MAX_REPEATED_BYTES`], and shows that it did.
pub(crate) fn cut(mut text: String) -> String {
    let mut bytes = 0;
    let end = text.char_indices().find_map(|(at, character)| {
        bytes += escaped_len(character);
        (bytes > MAX_REPEATED_BYTES).then_some(at)
    });
    if let Some(end) = end {
        text.truncate(end);
        text.push_str("...");
    }
    text
}

/// The bytes that a character takes at most, escaped as our header or as `grpc-message` has it.
fn escaped_len(character: char) -> usize {
    match character {
        '0'..='9' | 'A'..='Z' | 'a'..='z' | '-' | '.' | '/' | ':' | '=' | '&' => 1,
        ' '..='~' => 3,
        other => 3 * other.len_utf8().max(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinguished_names_are_told_from_names() {
        for (name, value) in [
            ("cn=contractors,ou=groups,dc=example", "contractors"),
            ("CN=Admins, OU=x", "Admins"),
            ("uid=bob,dc=a", "bob"),
            ("ou=a,o=b", "a"),
        ] {
            assert_eq!(distinguished_name_value(name), Some(value), "{name}");
        }
        for name in ["contractors", "Müller, Anna", "a=b", "x, y=z", "=,=", "cn=,dc=x", "1a=b,c=d"] {
            assert_eq!(distinguished_name_value(name), None, "{name}");
        }
    }

    #[test]
    fn line_ends_and_marks_are_those_of_one_system() {
        for (bytes, text) in [
            (&b"a\r\nb\rc\n"[..], "a\nb\nc\n"),
            (b"\xef\xbb\xbf", ""),
            (b"", ""),
            (b"a", "a"),
            (b"\xff\xfea\0\r\0\n\0", "a\n"),
            (b"\xfe\xff\0a\x20\xac", "a€"),
            (b"\r\r\n\r", "\n\n\n"),
        ] {
            assert_eq!(decode(bytes.to_vec()).as_deref(), Ok(text), "{bytes:?}");
        }
    }

    #[test]
    fn other_encodings_are_named() {
        for (bytes, error) in [
            (&b"a\xe4"[..], TextError::NotUtf8 { at: 1 }),
            (b"\xef\xbb\xbfa\xe4", TextError::NotUtf8 { at: 4 }),
            (b"\xff\xfea", TextError::Utf16),
            (b"\xff\xfe\0\xd8", TextError::Utf16),
            (b"\xff\xfe\0\0", TextError::Utf32),
            (b"a\0b\0c\0", TextError::Utf16WithoutMark),
            (b"\x1f\x8b\x08", TextError::Gzip),
            (b"abc\0", TextError::Nul { at: 3 }),
        ] {
            assert_eq!(decode(bytes.to_vec()), Err(error), "{bytes:?}");
        }
    }

    #[test]
    fn names_that_look_right_and_match_nobody() {
        let invisible =
            |character, spelling: &str| NameError::Invisible { character, spelling: spelling.into() };
        let outer = |spelling: &str| NameError::OuterBlank { spelling: spelling.into() };
        let not_nfc = |spelling: &str| NameError::NotNfc { spelling: spelling.into() };
        for (name, error) in [
            ("", NameError::Blank),
            (" \t", NameError::Blank),
            ("\u{200b}", NameError::Blank),
            ("staff ", outer("staff")),
            (" staff", outer("staff")),
            ("\u{a0}staff", outer("staff")),
            ("staff\u{3000}", outer("staff")),
            ("staff\n", invisible('\n', "staff")),
            ("st\0aff", invisible('\0', "staff")),
            ("staff\u{200b}", invisible('\u{200b}', "staff")),
            ("\u{feff}staff", invisible('\u{feff}', "staff")),
            ("st\u{ad}aff", invisible('\u{ad}', "staff")),
            ("staff\u{202e}", invisible('\u{202e}', "staff")),
            ("staff\u{fe0f} ", invisible('\u{fe0f}', "staff")),
            ("staff\u{e0041}", invisible('\u{e0041}', "staff")),
            ("staff\u{3164}", invisible('\u{3164}', "staff")),
            ("staff\u{2800}", invisible('\u{2800}', "staff")),
            ("mu\u{308}ller", not_nfc("müller")),
            ("mu\u{200b}\u{308}ller", invisible('\u{200b}', "müller")),
            ("\u{212b}ngstr\u{f6}m", not_nfc("Ångström")),
            (" mu\u{308}ller", outer("müller")),
        ] {
            assert_eq!(check_name(name), Err(error.clone()), "{name:?}");
            if let NameError::OuterBlank { spelling }
            | NameError::Invisible { spelling, .. }
            | NameError::NotNfc { spelling } = error
            {
                assert_eq!(check_name(&spelling), Ok(()), "{spelling:?}");
            }
        }
        for name in ["staff", "the staff", "müller", "日本語", "o'neill", "DOMAIN\\user", "a@b", "-", "ß"]
        {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
    }
}
