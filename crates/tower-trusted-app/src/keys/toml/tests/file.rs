//! The file as a whole.

use super::*;

#[test]
fn what_is_no_application_is_refused() {
    for (text, expected) in [
        ("[application]\nid = 'wiki'", "line 1: write [[application]] with two brackets"),
        ("application = [1]", "line 1: application number 1: expected the table of an application, found 1"),
        ("\n[[applications]]", "line 2: unknown key `applications`; known is only [[application]]"),
        ("version = 1", "line 1: unknown key `version`; known is only [[application]]"),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
    assert!(error("# one\n[[application").starts_with("line 2: "));
    assert!(error(&format!("{MINIMAL}id = 'twice'")).starts_with("line 6: duplicate key"));
}

#[test]
fn an_id_or_a_key_twice_is_refused() {
    let same_id = format!("{MINIMAL}{}", MINIMAL.replace("<2048>", "<4096>"));
    assert_eq!(error(&same_id), "line 6: application `wiki`: the application id `wiki` is taken");

    let same_key = format!("{MINIMAL}{}", MINIMAL.replace("wiki", "forum"));
    let fingerprint = samples::public_key(2048).fingerprint().to_string();
    assert_eq!(
        error(&same_key),
        format!(
            "line 6: application `forum`: the public key {fingerprint} of application `forum` already belongs \
             to `wiki`; a key belongs to one application only"
        )
    );

    let different = format!("{MINIMAL}{}", MINIMAL.replace("wiki", "forum").replace("<2048>", "<4096>"));
    assert_eq!(parse_applications(&with_keys(&different)).unwrap().applications.len(), 2);
}

#[test]
fn a_text_that_ends_too_early_is_known() {
    let text = with_keys(MINIMAL);
    let is_at_end = |text: &str| parse_applications(text).map(drop).unwrap_err().is_at_end();
    for (cut, line) in [
        ("\npaths", "in a line"),
        ("addresses = \"a", "in a string"),
        ("= \"any\"\npa", "in a key"),
        ("\naddresses", "before a field that must be there"),
    ] {
        let at = text.find(cut).unwrap() + cut.len();
        assert!(is_at_end(&text[..at]), "{line}: {:?}", &text[at - 10..at]);
    }
    for whole in [
        text.replace("\"any\"", "\"all\""),
        text.replace("paths", "path"),
        format!("{text}id = 'twice'"),
        text.replace("id = \"wiki\"", "id = \"wiki"),
        format!("{}{}", text.replace("paths = \"any\"", ""), text.replace("wiki", "forum")),
    ] {
        assert!(!is_at_end(&whole), "{whole}");
    }
}

#[test]
fn line_ends_and_marks_of_other_systems_are_read() {
    parse_one(&MINIMAL.replace('\n', "\r\n"));
    parse_one(&format!("\u{feff}{MINIMAL}"));
}
