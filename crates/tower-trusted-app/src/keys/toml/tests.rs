mod fields;
mod file;
mod keys;
mod rules;
mod warnings;
mod written;

use trusted_app_core::TrustedApplication;

use super::super::samples;
use super::parse_applications;

/// An application with everything that must be stated, one field a line from line 2 on.
const MINIMAL: &str = r#"[[application]]
id = "wiki"
keys = [{ spki = "<2048>" }]
addresses = "any"
paths = "any"
"#;

fn with_keys(text: &str) -> String {
    [1024, 2048, 4096]
        .into_iter()
        .fold(text.to_owned(), |text, bits| text.replace(&format!("<{bits}>"), samples::key(bits)))
}

fn parse_one(text: &str) -> TrustedApplication {
    let mut parsed = parse_applications(&with_keys(text)).unwrap();
    assert_eq!((parsed.warnings.as_slice(), parsed.applications.len()), ([].as_slice(), 1));
    parsed.applications.remove(0)
}

fn error(text: &str) -> String {
    parse_applications(&with_keys(text)).map(|parsed| parsed.applications).unwrap_err().to_string()
}

/// `MINIMAL` with this field in the place of its own, or after the last.
fn with_field(field: &str) -> String {
    let name = field.split(' ').next().unwrap();
    let replaced = MINIMAL.lines().position(|line| line.starts_with(&format!("{name} =")));
    let mut lines: Vec<&str> = MINIMAL.lines().collect();
    match replaced {
        Some(line) => lines[line] = field,
        None => lines.push(field),
    }
    lines.join("\n")
}
