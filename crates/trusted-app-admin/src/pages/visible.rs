//! Text whose characters all can be seen.

use tower_trusted_app::text::is_invisible;

/// A page, with escapes in the place of what cannot be seen in its text, or changes the direction of other text (UAX #9).
/// Tags and text areas stay as they are: forms send back what stands there.
pub(super) fn visible(page: &str) -> String {
    let mut parts = page.split('<');
    let mut visible = String::with_capacity(page.len());
    write_escaped(&mut visible, parts.next().unwrap_or_default());
    // No value of an attribute has angle brackets: they are escaped there.
    for (tag, text) in parts.map(|part| part.split_once('>').unwrap_or((part, ""))) {
        visible.extend(["<", tag, ">"]);
        if tag.starts_with("textarea") { visible.push_str(text) } else { write_escaped(&mut visible, text) }
    }
    visible
}

fn write_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        if is_hidden(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
}

fn is_hidden(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t') || is_invisible(c)
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn text_is_escaped_and_what_forms_send_is_not() {
        let page = "a\u{202e}b<p title=\"\u{200b}\">c\u{200b}\n</p><textarea id=\"x\">\u{2066}</textarea>d\u{2066}é…";
        let shown = "a\\u{202e}b<p title=\"\u{200b}\">c\\u{200b}\n</p><textarea id=\"x\">\u{2066}</textarea>d\\u{2066}é…";
        assert_eq!(visible(page), shown);
        assert_eq!(visible("<!DOCTYPE html><p>plain</p>"), "<!DOCTYPE html><p>plain</p>");
    }
}
