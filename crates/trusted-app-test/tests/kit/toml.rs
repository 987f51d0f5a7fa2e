//! Applications in the form that the file store reads.

use std::fmt::Write;

use trusted_app_core::TrustedApplication;
use trusted_app_core::conditions::{PathPattern, PathPatternKind};

/// A TOML document of these applications.
pub(crate) fn document(applications: &[TrustedApplication]) -> String {
    let mut text = String::new();
    for one in applications {
        let conditions = one.conditions();
        let addresses = conditions.addresses.patterns();
        let addresses = addresses.map(|all| all.iter().map(|pattern| quoted(&pattern.to_string())).collect());
        let paths = conditions.paths.patterns().map(|all| all.iter().map(path).collect());
        let methods = conditions.methods.methods();
        let methods = methods.map(|all| all.iter().map(|method| quoted(method.as_str())).collect());
        writeln!(
            text,
            "[[application]]\nid = {}\nname = {}\npublic_key = {}\ntimeout_ms = {}\nip_addresses = {}\n\
             url_paths = {}\nmethods = {}\nschemes = {}\n",
            quoted(one.id().as_str()),
            quoted(one.name()),
            list(one.keys().iter().map(|key| quoted(&key.to_base64())).collect()),
            conditions.timeout.as_millis(),
            list_or_any(addresses),
            list_or_any(paths),
            list_or_any(methods),
            list(one.schemes().iter().map(|scheme| quoted(scheme.as_str())).collect()),
        )
        .unwrap();
    }
    text
}

fn path(pattern: &PathPattern) -> String {
    let text = quoted(pattern.as_str());
    match pattern.kind() {
        PathPatternKind::Prefix => text,
        PathPatternKind::Subtree => format!("{{ subtree = {text} }}"),
        PathPatternKind::Rpc => format!("{{ rpc = {text} }}"),
        other => panic!("no TOML for {other:?}"),
    }
}

fn list_or_any(items: Option<Vec<String>>) -> String {
    items.map_or_else(|| quoted("any"), list)
}

fn list(items: Vec<String>) -> String {
    format!("[{}]", items.join(", "))
}

/// A TOML basic string: our texts have no control characters.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
