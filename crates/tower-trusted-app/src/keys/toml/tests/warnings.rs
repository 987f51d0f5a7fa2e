//! What is allowed but hardly meant.

use super::super::write_applications;
use super::*;

#[test]
fn what_is_hardly_meant_is_warned_of() {
    let text = with_keys(
        r#"
        [[application]]
        id = "wiki"
        keys = [{ spki = "<2048>" }]
        addresses = []
        paths = ["rest/api", "/ok", "/a/../b", "/c/*", "/d,e", "//rest", "rpc:a.B/*"]
        methods = ["propfind", "POST"]

        [[application]]
        id = "forum"
        keys = [{ spki = "<4096>" }]
        addresses = "any"
        paths = [" "]
        methods = []
        "#,
    );
    let empty = |list: &str| {
        format!("the list of {list} is empty, so every request is refused; for no rule write \"any\"")
    };
    assert_eq!(
        parse_applications(&text).unwrap().warnings,
        [
            format!("line 5: application `wiki`: addresses: {}", empty("addresses")),
            "line 6: application `wiki`: paths: no path begins with `rest/api`, for each begins with a slash: write `/rest/api`".to_owned(),
            "line 6: application `wiki`: paths: no path that is accepted begins with `/a/../b` (dot segment): write it in its plain form".to_owned(),
            "line 6: application `wiki`: paths: in `/c/*` the asterisk is a plain character and no wildcard: leave it out, for a pattern covers all that begins with it".to_owned(),
            "line 6: application `wiki`: paths: in `/d,e` the `,` is a plain character: write several paths as entries of their own".to_owned(),
            "line 6: application `wiki`: paths: no path that is accepted begins with `//rest` (empty segment): write it in its plain form".to_owned(),
            "line 7: application `wiki`: methods: `propfind` is not PROPFIND: methods are case-sensitive".to_owned(),
            format!("line 13: application `forum`: paths: {}", empty("paths")),
            format!("line 14: application `forum`: methods: {}", empty("methods")),
        ]
    );
    for none in ["", "# nothing yet\n"] {
        let parsed = parse_applications(none).unwrap();
        assert!(parsed.applications.is_empty() && !parsed.states_none);
        assert_eq!(parsed.warnings, ["no application is listed, so every trusted request is rejected"]);
    }
    for none in ["application = []", "# none yet\napplication = [\n]\n", &write_applications([])] {
        let parsed = parse_applications(none).unwrap();
        assert!(parsed.applications.is_empty() && parsed.states_none);
        assert!(parsed.warnings.is_empty());
    }
}

#[test]
fn what_no_administrator_means_is_warned_of() {
    for (field, value, expected) in [
        (
            "id",
            "'${WIKI_ID}'",
            "line 2: application `${WIKI_ID}`: id: the id `${WIKI_ID}` looks like a variable that was not replaced",
        ),
        (
            "timeout_ms",
            "999999999999",
            "line 6: application `wiki`: timeout_ms: a time-out of 999999999999 ms is 31 years: a captured request is good \
             for as long",
        ),
        (
            "addresses",
            "[]",
            "line 4: application `wiki`: addresses: the list of addresses is empty, so every request is refused; for \
             no rule write \"any\"",
        ),
    ] {
        let lines = MINIMAL.lines().map(|line| match line.starts_with(field) {
            true => format!("{field} = {value}"),
            false => line.to_owned(),
        });
        let mut text = lines.collect::<Vec<_>>().join("\n");
        if !MINIMAL.contains(field) {
            text += &format!("\n{field} = {value}");
        }
        assert_eq!(parse_applications(&with_keys(&text)).unwrap().warnings, [expected]);
    }
}
