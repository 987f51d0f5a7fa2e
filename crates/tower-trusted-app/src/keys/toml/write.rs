//! Applications written as the TOML that [`parse_applications`](super::parse_applications) reads.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use trusted_app_core::application::{ApplicationKey, KeyState};
use trusted_app_core::conditions::{PathPattern, PathPatternKind, ReplayProtection};
use trusted_app_core::crypto::SignatureKey;
use trusted_app_core::limits::MIN_RSA_BITS;
use trusted_app_core::{ActAsPolicy, PublicKey, TrustedApplication};

/// Writes applications as the TOML that [`parse_applications`](super::parse_applications) reads: what
/// comes back is equal in every field. None are written as `application = []`, which says that none are meant.
///
/// ```
/// use tower_trusted_app::keys::{parse_applications, write_applications};
///
/// # let key = include_str!("../../../../trusted-app-core/tests/data/public-key-2048.txt").trim();
/// let text = format!("[[application]]\nid = 'wiki'\npublic_key = '{key}'\nip_addresses = 'any'\nurl_paths = ['/rest']");
/// let applications = parse_applications(&text)?.applications;
/// let written = write_applications(&applications);
/// assert_eq!(write_applications(&parse_applications(&written)?.applications), written);
/// # Ok::<_, tower_trusted_app::keys::TomlError>(())
/// ```
#[must_use]
pub fn write_applications<'a>(applications: impl IntoIterator<Item = &'a TrustedApplication>) -> String {
    let mut text = String::new();
    for application in applications {
        if !text.is_empty() {
            text.push('\n');
        }
        write_application(&mut text, application);
    }
    if text.is_empty() {
        text.push_str("application = []\n");
    }
    text
}

fn write_application(text: &mut String, application: &TrustedApplication) {
    let conditions = application.conditions();
    let mut field = |name: &str, value: String| {
        // A string takes whatever is written to it.
        let _ = writeln!(text, "{name} = {value}");
    };
    field("[[application]]\nid", quoted(application.id().as_str()));
    if application.name() != application.id().as_str() {
        field("name", quoted(application.name()));
    }
    if !application.keys().is_empty() {
        field("public_key", keys(application.keys(), PublicKey::to_base64));
    }
    if !application.signature_keys().is_empty() {
        field("signature_key", keys(application.signature_keys(), SignatureKey::to_jwk));
    }
    if let Some(url) = application.key_directory() {
        field("key_directory", quoted(url));
    }
    field("timeout_ms", conditions.timeout.as_millis().to_string());
    let addresses = conditions.addresses.patterns();
    field("ip_addresses", list_or_any(addresses, |pattern| quoted(&pattern.to_string())));
    field("url_paths", list_or_any(conditions.paths.patterns(), path));
    if let Some(methods) = conditions.methods.methods() {
        field("methods", list(methods, |method| quoted(method.as_str())));
    }
    if *application.act_as() != ActAsPolicy::anybody() {
        field("act_as", act_as(application.act_as()));
    }
    field("schemes", list(application.schemes(), |scheme| quoted(scheme.as_str())));
    if conditions.replay_protection != ReplayProtection::Off {
        field("replay_protection", quoted(conditions.replay_protection.as_str()));
    }
    if conditions.insecure_unsigned_bodies {
        field("insecure_unsigned_bodies", "true".to_owned());
    }
    let smallest = application.keys().iter().map(|key| key.public_key().bits()).min();
    if let Some(bits) = smallest.filter(|bits| *bits < MIN_RSA_BITS) {
        field("insecure_min_rsa_bits", bits.to_string());
    }
}

fn keys<K>(keys: &[ApplicationKey<K>], text: fn(&K) -> String) -> String {
    match keys {
        [one] => key(one, text),
        several => list(several, |one| key(one, text)),
    }
}

/// The plain form where it says everything.
fn key<K>(key: &ApplicationKey<K>, text: fn(&K) -> String) -> String {
    let text = quoted(&text(key.public_key()));
    let (first, last) = (key.not_before(), key.not_after());
    if key.state() == KeyState::Active && first.is_none() && last.is_none() {
        return text;
    }
    let mut table = format!("{{ key = {text}, state = {}", quoted(key.state().as_str()));
    for (name, instant) in [("not_before", first), ("not_after", last)] {
        if let Some(instant) = instant {
            let _ = write!(table, ", {name} = {}", instant.to_rfc3339());
        }
    }
    table + " }"
}

fn act_as(policy: &ActAsPolicy) -> String {
    let names = |names: &BTreeSet<Arc<str>>| list(names, |name| quoted(name));
    let mut fields = Vec::new();
    if let Some(allowed) = policy.allowed() {
        fields.extend([("users", names(&allowed.users)), ("groups", names(&allowed.groups))]);
    }
    let denied = policy.denied();
    fields.extend([("deny_users", names(&denied.users)), ("deny_groups", names(&denied.groups))]);
    fields.push(("read_only", policy.is_read_only().to_string()));
    fields.push(("insecure_administrators", policy.allows_administrators().to_string()));
    let fields: Vec<_> = fields.into_iter().map(|(name, value)| format!("{name} = {value}")).collect();
    format!("{{ {} }}", fields.join(", "))
}

fn path(pattern: &PathPattern) -> String {
    let text = quoted(pattern.as_str());
    match pattern.kind() {
        PathPatternKind::Subtree => format!("{{ subtree = {text} }}"),
        PathPatternKind::Rpc => format!("{{ rpc = {text} }}"),
        _ => text,
    }
}

fn list_or_any<'t, T>(items: Option<&'t [T]>, write: impl Fn(&'t T) -> String) -> String {
    items.map_or_else(|| quoted("any"), |items| list(items, write))
}

fn list<T>(items: impl IntoIterator<Item = T>, write: impl Fn(T) -> String) -> String {
    format!("[{}]", items.into_iter().map(write).collect::<Vec<_>>().join(", "))
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
