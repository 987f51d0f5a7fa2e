//! The list of an error's parameters, as the original's reader of JSON takes it: texts only, but in
//! many spellings.

use std::str::Chars;

/// Reads a list: texts in double or single quotes, or bare up to the list's end or another mark;
/// between them commas or semicolons, blanks and comments (`/* */`, `//`, `#`). The bracket at the
/// end may be missing, anything may follow it. `None` for what the original rejects.
pub(super) fn parse(text: &str) -> Option<Vec<String>> {
    let mut reader = Reader(text.chars());
    let mut params = Vec::new();
    if reader.skip_blanks()? != Some('[') {
        return None;
    }
    reader.advance();
    loop {
        match reader.skip_blanks()? {
            Some(']') | None => return Some(params),
            Some(quote @ ('"' | '\'')) => {
                reader.advance();
                params.push(reader.quoted(quote)?);
            }
            Some(_) => params.push(reader.bare()?),
        }
        match reader.skip_blanks()? {
            Some(',' | ';') => reader.advance(),
            Some(']') | None => return Some(params),
            Some(_) => return None,
        }
    }
}

struct Reader<'a>(Chars<'a>);

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.0.clone().next()
    }

    fn advance(&mut self) {
        self.0.next();
    }

    /// Goes to the next character that is neither blank nor comment, and says which one it is.
    /// `None` for a comment without an end.
    fn skip_blanks(&mut self) -> Option<Option<char>> {
        loop {
            let rest = self.0.as_str();
            if let Some(comment) = rest.strip_prefix("/*") {
                self.0 = comment.split_once("*/")?.1.chars();
            } else if rest.starts_with('#') || rest.starts_with("//") {
                self.0.by_ref().find(|c| matches!(c, '\n' | '\r'));
            } else if rest.starts_with(|c| c <= ' ') {
                self.advance();
            } else {
                return Some(self.peek());
            }
        }
    }

    /// The text up to the closing quote. A line end or the end of all before it is an error.
    fn quoted(&mut self, quote: char) -> Option<String> {
        // In UTF-16, because the two halves of a character can be escaped each for itself.
        let mut units = Vec::new();
        loop {
            let c = match self.0.next()? {
                c if c == quote => return Some(String::from_utf16_lossy(&units)),
                '\n' | '\r' => return None,
                '\\' => match self.0.next()? {
                    'b' => '\u{8}',
                    't' => '\t',
                    'n' => '\n',
                    'f' => '\u{c}',
                    'r' => '\r',
                    'u' => {
                        units.push(self.hex_unit()?);
                        continue;
                    }
                    other => other,
                },
                c => c,
            };
            units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
        }
    }

    fn hex_unit(&mut self) -> Option<u16> {
        let digits = self
            .0
            .as_str()
            .get(..4)
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        let unit = u16::from_str_radix(digits, 16).ok()?;
        self.0.nth(3);
        Some(unit)
    }

    /// A text without quotes. Nothing and `null` are none.
    fn bare(&mut self) -> Option<String> {
        let rest = self.0.as_str();
        let end = rest.find(|c| c < ' ' || ":]}/\\\"[{;=#".contains(c)).unwrap_or(rest.len());
        let (text, rest) = rest.split_at_checked(end)?;
        self.0 = rest.chars();
        let text = text.trim_end_matches(' ');
        (!text.is_empty() && text != "null" && !text.starts_with(',')).then(|| text.to_owned())
    }
}
