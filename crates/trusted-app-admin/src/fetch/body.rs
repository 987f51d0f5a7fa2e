//! The body of an answer, as text.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use tower_trusted_app::text::{TextError, decode};
use ureq::Body;

use super::error::FetchErrorKind;
use super::request::Deadline;

/// The bytes, of which there are at most `limit`. A compressed answer is refused, for none was asked for.
pub(super) fn bytes(
    answer: &mut http::Response<Body>,
    limit: usize,
    deadline: Deadline,
    too_large: FetchErrorKind,
) -> Result<Vec<u8>, FetchErrorKind> {
    if let Some(coding) = coding(answer.headers()) {
        return Err(FetchErrorKind::Compressed(coding));
    }
    let limit = limit.try_into().unwrap_or(u64::MAX);
    answer.body_mut().with_config().limit(limit).read_to_vec().map_err(|error| match error {
        ureq::Error::BodyExceedsLimit(_) => too_large,
        error => deadline.failure(error),
    })
}

/// The content coding, if there is one.
fn coding(headers: &HeaderMap) -> Option<String> {
    let coding = String::from_utf8_lossy(headers.get(CONTENT_ENCODING)?.as_bytes()).trim().to_lowercase();
    (!matches!(&*coding, "" | "identity")).then(|| short(&coding))
}

/// The text, which is UTF-8 or says that it is UTF-16.
pub(super) fn text(headers: &HeaderMap, bytes: Vec<u8>) -> Result<String, FetchErrorKind> {
    decode(bytes).map_err(|error| match error {
        TextError::Gzip => FetchErrorKind::Compressed("gzip".to_owned()),
        error => FetchErrorKind::NotUtf8 { charset: charset(headers), error },
    })
}

/// What the answer says its characters are.
fn charset(headers: &HeaderMap) -> Option<String> {
    let parameters = content_type(headers).split(';').skip(1);
    let mut charsets = parameters.filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| short(value.trim().trim_matches('"')))
    });
    charsets.next().filter(|charset| !charset.is_empty())
}

/// The media type, in lower case and without parameters; empty if the answer states none.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    short(content_type(headers).split(';').next().unwrap_or_default().trim()).to_ascii_lowercase()
}

/// As much of a field as a message shows.
fn short(text: &str) -> String {
    text.chars().take(128).collect()
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).map(HeaderValue::to_str).and_then(Result::ok).unwrap_or_default()
}

/// Whether the answer says that it is HTML.
pub(super) fn says_html(headers: &HeaderMap) -> bool {
    matches!(&*media_type(headers), "text/html" | "application/xhtml+xml")
}

/// Whether it looks like HTML. No certificate document begins so, whatever its media type: many servers state
/// `text/html` by default.
pub(super) fn looks_like_html(bytes: &[u8]) -> bool {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    ["<!doctype html", "<html", "<head", "<body", "<!--"]
        .iter()
        .any(|tag| start.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        [(http::HeaderName::from_static(name), value.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn what_the_fields_say() {
        for (value, expected) in [
            ("text/plain;charset=ISO-8859-1", Some("ISO-8859-1")),
            ("text/plain; Charset=\"utf-16\"", Some("utf-16")),
            ("text/plain", None),
            ("text/plain; charset=", None),
        ] {
            assert_eq!(charset(&headers("content-type", value)).as_deref(), expected, "{value}");
        }
        for (value, expected) in [("gzip", Some("gzip")), ("BR", Some("br")), ("identity", None), ("", None)]
        {
            assert_eq!(coding(&headers("content-encoding", value)).as_deref(), expected, "{value}");
        }
        for html in ["<html>", "\n <!DOCTYPE HTML>", "\u{feff}<!doctype html><p>", "<!-- x -->"] {
            assert!(looks_like_html(html.as_bytes()), "{html}");
        }
        for other in ["wiki\nMIIB", "", "<script>", "<?xml version=\"1.0\"?>"] {
            assert!(!looks_like_html(other.as_bytes()), "{other}");
        }
    }
}
