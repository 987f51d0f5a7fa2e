//! Paths that could mean two things.
//!
//! A path rule is held against the raw path. Behind it, servers, proxies and routers may strip `;`
//! parameters, decode escapes (once or twice), resolve dots and merge slashes before they look for
//! a handler. A path on which two of them could disagree is no honest client's.

use std::iter;
use std::str::Chars;

use unicode_normalization::UnicodeNormalization as _;

/// What in the path could be read in two ways, or `None` for a plain path.
///
/// Allocates nothing.
pub(crate) fn ambiguity(path: &str) -> Option<&'static str> {
    if is_plain(path) {
        return None;
    }
    ambiguous_segment(path).or_else(|| ambiguous_character(path).err())
}

/// Whether the path has only what most paths have, single slashes among it: then a closer look
/// would find nothing.
fn is_plain(path: &str) -> bool {
    let mut after_slash = false;
    path.bytes().all(|byte| {
        let doubled = byte == b'/' && after_slash;
        after_slash = byte == b'/';
        !doubled && matches!(byte, b'/' | b'-' | b'_' | b':' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z')
    })
}

/// A segment without its `;` parameters, which the servlet world cuts off before it looks further.
pub(crate) fn without_parameters(segment: &str) -> &str {
    segment.split_once(';').map_or(segment, |(name, _)| name)
}

fn ambiguous_segment(path: &str) -> Option<&'static str> {
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').map(without_parameters).peekable();
    while let Some(name) = segments.next() {
        if name.is_empty() && segments.peek().is_some() {
            return Some("empty segment");
        }
        if is_dots(name) {
            return Some("dot segment");
        }
    }
    None
}

/// `.` and `..`; also longer runs of dots and blanks among them, which Windows cuts off.
fn is_dots(name: &str) -> bool {
    name.contains('.') && name.split("%20").all(|part| part.bytes().all(|byte| byte == b'.'))
}

fn ambiguous_character(path: &str) -> Result<(), &'static str> {
    let mut rest = path.chars();
    while let Some(raw) = rest.next() {
        let character = match raw {
            '\\' => return Err("backslash"),
            '?' => return Err("query"),
            '#' => return Err("fragment"),
            ' ' => return Err("blank"),
            '%' => unescape(&mut rest)?,
            other => other,
        };
        match character {
            '/' if raw == '%' => return Err("encoded slash"),
            '\\' => return Err("encoded backslash"),
            '.' if raw == '%' => return Err("encoded dot"),
            ';' if raw == '%' => return Err("encoded semicolon"),
            '%' => return Err("encoded percent sign"),
            other if is_delimiter_in_disguise(other) => return Err("disguised delimiter"),
            other if other.is_control() => return Err("control character"),
            _ => {}
        }
    }
    Ok(())
}

/// Whether Unicode normalisation, of any form, makes a delimiter of it, or one or two dots; the three of an
/// ellipsis lead nowhere.
fn is_delimiter_in_disguise(character: char) -> bool {
    let normalised = || iter::once(character).nfkc();
    let is_delimiter = |c| matches!(c, '%' | '/' | ';' | '\\');
    !character.is_ascii()
        && (normalised().any(is_delimiter) || normalised().all(|c| c == '.') && normalised().count() < 3)
}

/// Whether a character makes every path ambiguous that begins so. What is wrong with an escape may be mended by what
/// follows.
pub(crate) fn spoils_all_below(prefix: &str) -> bool {
    ambiguous_character(prefix).is_err_and(|reason| ![BAD_ESCAPE, NOT_UTF8].contains(&reason))
}

/// Decodes one character whose first `%` is already taken.
fn unescape(rest: &mut Chars<'_>) -> Result<char, &'static str> {
    let first = octet(rest)?;
    let width = match first {
        0x00..=0x7F => return Ok(char::from(first)),
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return Err(NOT_UTF8),
    };
    let mut bytes = [first, 0, 0, 0];
    for byte in bytes.iter_mut().take(width).skip(1) {
        if rest.next() != Some('%') {
            return Err(NOT_UTF8);
        }
        *byte = octet(rest)?;
    }
    let encoded = bytes.get(..width).and_then(|bytes| std::str::from_utf8(bytes).ok());
    encoded.and_then(|text| text.chars().next()).ok_or(NOT_UTF8)
}

/// Two hexadecimal digits.
fn octet(rest: &mut Chars<'_>) -> Result<u8, &'static str> {
    let mut digit = || rest.next().and_then(|character| character.to_digit(16));
    match (digit(), digit()) {
        (Some(high), Some(low)) => u8::try_from(high << 4 | low).map_err(|_| BAD_ESCAPE),
        _ => Err(BAD_ESCAPE),
    }
}

const BAD_ESCAPE: &str = "bad percent escape";
const NOT_UTF8: &str = "escapes that are no UTF-8";

#[cfg(test)]
mod tests {
    use super::ambiguity;

    #[test]
    fn says_what_is_ambiguous() {
        for (path, reason) in [
            ("/a/../b", "dot segment"),
            ("/a/..", "dot segment"),
            ("/./a", "dot segment"),
            ("/a/..;x=1/b", "dot segment"),
            ("/a/.;/b", "dot segment"),
            ("/a/.../b", "dot segment"),
            ("/a/..%20/b", "dot segment"),
            ("//a", "empty segment"),
            ("/a//b", "empty segment"),
            ("/a//", "empty segment"),
            ("/a/;x/b", "empty segment"),
            ("/;/a", "empty segment"),
            ("/a\\b", "backslash"),
            ("/a%2Fb", "encoded slash"),
            ("/a%2fb", "encoded slash"),
            ("/a%5Cb", "encoded backslash"),
            ("/a%5cb", "encoded backslash"),
            ("/a%2Eb", "encoded dot"),
            ("/a%2eb", "encoded dot"),
            ("/a%3Bb", "encoded semicolon"),
            ("/a%3bb", "encoded semicolon"),
            ("/a%25b", "encoded percent sign"),
            ("/a;x=%2e%2e", "encoded dot"),
            ("/a%00", "control character"),
            ("/a\0", "control character"),
            ("/a%0d%0A", "control character"),
            ("/a%7F", "control character"),
            ("/a%C2%85", "control character"),
            ("/a b", "blank"),
            ("/a?b", "query"),
            ("/a#b", "fragment"),
            ("/a%", "bad percent escape"),
            ("/a%2", "bad percent escape"),
            ("/a%zz", "bad percent escape"),
            ("/a%u002e", "bad percent escape"),
            ("/a%+1", "bad percent escape"),
            ("/a%٣٣", "bad percent escape"),
            ("/a%C0%AE", "escapes that are no UTF-8"),
            ("/a%E0%80%AE", "escapes that are no UTF-8"),
            ("/a%F0%80%80%AE", "escapes that are no UTF-8"),
            ("/a%80", "escapes that are no UTF-8"),
            ("/a%C3", "escapes that are no UTF-8"),
            ("/a%C3%C3", "escapes that are no UTF-8"),
            ("/a%C3é", "escapes that are no UTF-8"),
            ("/a%ED%A0%80", "escapes that are no UTF-8"),
            ("/a%F4%90%80%80", "escapes that are no UTF-8"),
            ("/a%FF", "escapes that are no UTF-8"),
            ("/a%EF%BC%8Fb", "disguised delimiter"),
            ("/a／b", "disguised delimiter"),
            ("/rest/%E2%80%A5/admin", "disguised delimiter"), // U+2025, two dots
            ("/rest/%E2%80%A4%E2%80%A4/admin", "disguised delimiter"), // U+2024, one dot
            ("/rest/..%CD%BE/admin", "disguised delimiter"),  // U+037E, a semicolon in NFC already
            ("/rest/..%EF%B9%94/admin", "disguised delimiter"), // U+FE54, a semicolon
            ("/rest/%EF%B9%A82e", "disguised delimiter"),     // U+FE68, a backslash
            ("/rest/%EF%B9%AA2e", "disguised delimiter"),     // U+FE6A, a percent sign
            ("/rest/%E2%84%80", "disguised delimiter"),       // U+2100, a/c
        ] {
            assert_eq!(ambiguity(path), Some(reason), "{path:?}");
        }
    }

    #[test]
    fn plain_paths_are_plain() {
        for path in [
            "",
            "/",
            "/a",
            "/a/",
            "/a/;x",
            "/a;x=1/b;y=2",
            "/a.b/..c/d..",
            "/a/b%20c",
            "/caf%C3%A9",
            "/café",
            "/%F0%9F%A6%80",
            "/a:b@c!$&'()*+,=~_-",
            "/a%3Fb%23c",
            "/%20",
            "*",
        ] {
            assert_eq!(ambiguity(path), None, "{path:?}");
        }
    }
}
