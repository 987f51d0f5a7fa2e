//! A server's log line about a request that it rejected, as `tracing-subscriber` writes it.

use anyhow::Context;
use serde_json::{Map, Value as Json};
use tower_trusted_app::httpsig::BaseLine;

use super::text::{self, HTTP_SIGNATURE, Line, SignedText, Value};
use crate::input::Input;

pub(super) struct LogLine {
    pub(super) code: String,
    /// Without the signature base.
    pub(super) reason: String,
    /// Of the signature base that the server held the signature against: components and values.
    base: Vec<(String, String)>,
}

const PARAMS: &str = "\"@signature-params\"";

/// Before the signature base, in which a line end is [`LINE_END`].
const BASE: &str = "for this signature base:";
const LINE_END: &str = r"\u{a}";

impl LogLine {
    /// The last about this request that a file has. Only a nonce tells requests apart, and
    /// only a signature base has it: lines without one may be about any.
    pub(super) fn about(request: &SignedText, input: Input<'_>) -> anyhow::Result<Self> {
        let log = input.text(usize::MAX)?;
        let nonce = request.get(PARAMS).and_then(|line| match &line.value {
            Value::Is(params) => text::nonce(params),
            _ => None,
        });
        let mut lines = log.lines().rev().filter_map(Self::parse);
        lines.find(|line| nonce.is_some() && line.nonce() == nonce).with_context(|| {
            format!(
                "{input}: no line about this request; only a refusal whose `reason` has a signature base tells which \
                 request it is about, by the nonce"
            )
        })
    }

    fn nonce(&self) -> Option<&str> {
        let (_, params) = self.base.iter().find(|(component, _)| component == PARAMS)?;
        text::nonce(params)
    }

    fn parse(line: &str) -> Option<Self> {
        let line = without_colours(line);
        let json =
            line.find('{').and_then(|at| serde_json::from_str::<Map<String, Json>>(line.get(at..)?).ok());
        let field = |name: &str| match &json {
            Some(json) => json
                .get("fields")
                .unwrap_or(&Json::Null)
                .get(name)
                .or_else(|| json.get(name))?
                .as_str()
                .map(str::to_owned),
            None => text_field(&line, name),
        };
        let (code, reason) = (field("code")?, field("reason")?);
        let (reason, base) = reason.split_once(BASE)?;
        let base = base.split(LINE_END).filter_map(split).collect();
        Some(Self { code, reason: format!("{reason}{BASE}"), base })
    }

    /// What the server held the signature against.
    pub(super) fn signed_text(&self) -> SignedText {
        let lines = self.base.iter().map(|(component, value)| Line {
            component: component.clone(),
            value: match value.as_str() {
                BaseLine::NOT_LOGGED => Value::NotLogged,
                value => Value::Is(value.to_owned()),
            },
            from: "the log".to_owned(),
        });
        SignedText {
            scheme: HTTP_SIGNATURE,
            key: String::new(),
            lines: lines.collect(),
            is_whole: true,
            signature: None,
            url_as_written: None,
            body: None,
        }
    }
}

/// The value of `name="…"`, which is in the form of Rust's `Debug`. No such text is within another value, where the
/// quotation mark has a backslash.
fn text_field(line: &str, name: &str) -> Option<String> {
    let begin = line.find(&format!(" {name}=\"")).map(|at| at + name.len() + 3);
    let mut value = String::new();
    let mut chars = line.get(begin?..)?.chars();
    loop {
        match chars.next()? {
            '"' => return Some(value),
            '\\' => match chars.next()? {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                '0' => value.push('\0'),
                'u' => {
                    let digits: String = chars.by_ref().skip(1).take_while(|c| *c != '}').collect();
                    value.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                }
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
}

/// Component and value of a line of a signature base. A component may have a parameter, whose text is quoted.
fn split(line: &str) -> Option<(String, String)> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    let at = line.char_indices().find_map(|(at, c)| {
        is_quoted ^= c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        (c == ':' && !is_quoted).then_some(at)
    })?;
    let (component, value) = line.split_at_checked(at)?;
    let value = value.strip_prefix(':')?;
    Some((component.to_owned(), value.strip_prefix(' ').unwrap_or(value).to_owned()))
}

/// Without the escape sequences by which terminals are told of colours.
fn without_colours(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |line, part| line + part.split_once('m').map_or(part, |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn fields_of_a_line_as_text() {
        let line = "\u{1b}[33m WARN\u{1b}[0m trusted_app: refused \u{1b}[3mpath\u{1b}[0m\u{1b}[2m=\u{1b}[0m\"/ code=\\\"x\\\" \\u{e9}\" code=\"A\"";
        let line = without_colours(line);
        assert_eq!(text_field(&line, "path").unwrap(), "/ code=\"x\" é");
        assert_eq!(text_field(&line, "code").unwrap(), "A");
        assert_eq!(text_field(&line, "ode"), None);
        assert_eq!(text_field(" code=\"open", "code"), None);
    }

    #[test]
    fn a_line_of_a_base_is_split_after_its_component() {
        let pair = |component: &str, value: &str| Some((component.to_owned(), value.to_owned()));
        assert_eq!(split("\"@method\": GET"), pair("\"@method\"", "GET"));
        assert_eq!(
            split("\"@query-param\";name=\"a: \\\"b\": c: d"),
            pair("\"@query-param\";name=\"a: \\\"b\"", "c: d")
        );
        assert_eq!(split("\"empty\": "), pair("\"empty\"", ""));
        assert_eq!(split("\"no end"), None);
    }
}
