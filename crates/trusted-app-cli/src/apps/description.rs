//! An application in words: for people, and as JSON.

use std::fmt::Display;

use serde::Serialize;
use serde_json::Value;
use tower_trusted_app::application::{ApplicationKey, ShownApplication};
use tower_trusted_app::crypto::SignatureKey;
use tower_trusted_app::permission::Members;
use tower_trusted_app::registry::{Broken, Registered, Stamp};
use tower_trusted_app::{ActAsPolicy, Scheme, TrustedApplication};

use crate::output;

/// The JSON form: the fields of the file's, and what the store keeps.
#[derive(Serialize)]
pub(crate) struct Described {
    #[serde(flatten)]
    application: ShownApplication,
    version: u64,
    /// `null` where the store keeps no account.
    created: Option<Stamped>,
    changed: Option<Stamped>,
}

#[derive(Serialize)]
struct Stamped {
    at: String,
    by: String,
}

/// The JSON form of an application that cannot be read.
#[derive(Serialize)]
pub(super) struct DescribedBroken {
    id: String,
    version: u64,
    broken: String,
}

impl From<&Registered> for Described {
    fn from(registered: &Registered) -> Self {
        Self {
            application: ShownApplication::from(&*registered.application),
            version: registered.version,
            created: Stamped::of(&registered.created),
            changed: Stamped::of(&registered.updated),
        }
    }
}

impl Stamped {
    /// Nobody is named where the store keeps no account.
    fn of(stamp: &Stamp) -> Option<Self> {
        (!stamp.by.is_empty()).then(|| Self { at: stamp.at.to_rfc3339(), by: stamp.by.to_string() })
    }
}

impl From<&Broken> for DescribedBroken {
    fn from(broken: &Broken) -> Self {
        Self { id: broken.id.clone(), version: broken.version, broken: broken.reason.clone() }
    }
}

/// Says what about an application is allowed but hardly meant.
pub(super) fn warn(application: &TrustedApplication) {
    for warning in application.warnings() {
        output::remark("warning", warning);
    }
}

/// Prints an application in two columns, and how it came to be; and warns of what is hardly meant.
pub(super) fn print(registered: &Registered) -> anyhow::Result<()> {
    warn(&registered.application);
    let mut rows = facts_with_id(&registered.application);
    rows.push(("version", vec![registered.version.to_string()]));
    for (name, stamp) in [("created", &registered.created), ("changed", &registered.updated)] {
        rows.extend(
            Stamped::of(stamp).map(|stamped| (name, vec![format!("{} by {}", stamped.at, stamped.by)])),
        );
    }
    output::sections(&rows)
}

/// Prints an application in two columns before it is registered: on standard error, where the question will stand.
pub(crate) fn print_to_be_asked(application: &TrustedApplication) {
    warn(application);
    output::sections_to_be_asked(&facts_with_id(application));
}

fn facts_with_id(application: &TrustedApplication) -> Vec<(&'static str, Vec<String>)> {
    let mut rows = vec![("id", vec![application.id().to_string()])];
    rows.extend(facts(application).into_iter().filter(|(_, lines)| !lines.is_empty()));
    rows
}

/// The JSON form of what an application is, with those of its fields that were different before.
#[derive(Serialize)]
pub(super) struct Changed {
    #[serde(flatten)]
    after: Described,
    before: Value,
}

impl Changed {
    pub(super) fn of(before: &Registered, after: &Registered) -> anyhow::Result<Self> {
        let after = Described::from(after);
        let (mut before, is) =
            (serde_json::to_value(Described::from(before))?, serde_json::to_value(&after)?);
        if let Value::Object(fields) = &mut before {
            fields.retain(|field, was| is.get(field) != Some(was));
        }
        Ok(Self { after, before })
    }
}

/// Prints what a change made different, each as it was and as it is.
pub(crate) fn print_difference(
    before: &TrustedApplication,
    after: &TrustedApplication,
) -> anyhow::Result<()> {
    let (before, after) = (facts(before), facts(after));
    let changed: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
    let rows: Vec<_> = changed
        .into_iter()
        .flat_map(|((name, was), (_, is))| [(*name, was.clone()), ("  now", is.clone())])
        .collect();
    output::sections(&rows)
}

/// All that can be changed, in a fixed order; a list has one line an item.
fn facts(application: &TrustedApplication) -> Vec<(&'static str, Vec<String>)> {
    let conditions = application.conditions();
    let or_any = |items: Option<Vec<String>>| match items {
        None => vec!["any".to_owned()],
        Some(items) if items.is_empty() => vec!["none: every request is refused".to_owned()],
        Some(items) => items,
    };
    let bodies = match conditions.insecure_unsigned_bodies {
        true => "may be unsigned",
        false => "signed, if by http-signature",
    };
    vec![
        ("name", vec![application.name().to_owned()]),
        ("keys", application.keys().iter().flat_map(key).collect()),
        ("signature keys", application.signature_keys().iter().flat_map(signature_key).collect()),
        ("key directory", application.key_directory().map(str::to_owned).into_iter().collect()),
        ("time-out", vec![format!("{} ms", conditions.timeout.as_millis())]),
        ("addresses", or_any(conditions.addresses.patterns().map(texts))),
        ("paths", or_any(conditions.paths.patterns().map(texts))),
        ("methods", vec![or_any(conditions.methods.methods().map(texts)).join(", ")]),
        ("acts as", policy(application.act_as())),
        ("schemes", texts(application.schemes())),
        ("replays", replays(application)),
        ("bodies", vec![bodies.to_owned()]),
    ]
}

/// What counts once: by http-signature every request, whatever is configured.
fn replays(application: &TrustedApplication) -> Vec<String> {
    let configured = application.conditions().replay_protection;
    let signs = |scheme: &Scheme| *scheme == Scheme::HttpSignature;
    match application.schemes() {
        schemes if schemes.iter().all(signs) => {
            vec![format!("every, as always by http-signature (configured: {configured})")]
        }
        schemes if schemes.iter().any(signs) => {
            vec![format!("{configured}"), "every, if by http-signature".to_owned()]
        }
        _ => vec![configured.to_string()],
    }
}

/// The fingerprint of a key has a line of its own: it is 95 characters long.
fn key(key: &ApplicationKey) -> [String; 2] {
    [
        format!("SHA256 {}", key.fingerprint()),
        format!("  {}, {} bits{}", key.state(), key.public_key().bits(), validity(key)),
    ]
}

fn signature_key(key: &ApplicationKey<SignatureKey>) -> [String; 2] {
    let public = key.public_key();
    [public.thumbprint().to_string(), format!("  {}, {}{}", key.state(), public.algorithm(), validity(key))]
}

fn validity<K>(key: &ApplicationKey<K>) -> String {
    [("from", key.not_before()), ("until", key.not_after())]
        .into_iter()
        .filter_map(|(word, instant)| instant.map(|instant| format!(", {word} {}", instant.to_rfc3339())))
        .collect()
}

fn policy(policy: &ActAsPolicy) -> Vec<String> {
    let mut lines = vec![match policy.allowed() {
        None => "everybody".to_owned(),
        Some(members) if members.is_empty() => "nobody".to_owned(),
        Some(members) => format!("only {}", named(members)),
    }];
    if !policy.denied().is_empty() {
        lines.push(format!("but not {}", named(policy.denied())));
    }
    lines.push(
        if policy.allows_administrators() { "administrators too" } else { "no administrators" }.to_owned(),
    );
    if policy.is_read_only() {
        lines.push("only for reading".to_owned());
    }
    lines
}

fn named(members: &Members) -> String {
    let users = members.users.iter().map(|name| format!("user {name}"));
    let groups = members.groups.iter().map(|name| format!("group {name}"));
    users.chain(groups).collect::<Vec<_>>().join(", ")
}

fn texts<T: Display>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}
