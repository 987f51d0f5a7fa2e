//! An application in words: for people, and as JSON.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use tower_trusted_app::application::ApplicationKey;
use tower_trusted_app::crypto::SignatureKey;
use tower_trusted_app::keys::write_applications;
use tower_trusted_app::permission::Members;
use tower_trusted_app::registry::{Broken, Registered, Stamp};
use tower_trusted_app::{ActAsPolicy, Scheme, TrustedApplication};

use crate::output;

/// The JSON form. Fields that the file format has are named as there.
#[derive(Serialize)]
pub(crate) struct Described {
    id: String,
    name: String,
    version: u64,
    /// `null` where the store keeps no account.
    created: Option<Stamped>,
    changed: Option<Stamped>,
    keys: Vec<DescribedKey>,
    signature_keys: Vec<DescribedSignatureKey>,
    key_directory: Option<String>,
    timeout_ms: u128,
    /// `null` is any.
    ip_addresses: Option<Vec<String>>,
    url_paths: Option<Vec<String>>,
    methods: Option<Vec<String>>,
    act_as: DescribedPolicy,
    schemes: Vec<&'static str>,
    replay_protection: &'static str,
    insecure_unsigned_bodies: bool,
    /// What is allowed but hardly meant.
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Stamped {
    at: String,
    by: String,
}

#[derive(Serialize)]
struct DescribedKey {
    fingerprint: String,
    bits: usize,
    state: &'static str,
    not_before: Option<String>,
    not_after: Option<String>,
    public_key: String,
}

#[derive(Serialize)]
struct DescribedSignatureKey {
    thumbprint: String,
    algorithm: String,
    state: &'static str,
    not_before: Option<String>,
    not_after: Option<String>,
    jwk: String,
}

#[derive(Serialize)]
struct DescribedPolicy {
    /// `null` is everybody.
    only: Option<DescribedMembers>,
    denied: DescribedMembers,
    read_only: bool,
    insecure_administrators: bool,
}

#[derive(Serialize)]
struct DescribedMembers {
    users: Vec<String>,
    groups: Vec<String>,
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
        let application = &*registered.application;
        let conditions = application.conditions();
        Self {
            id: application.id().to_string(),
            name: application.name().to_owned(),
            version: registered.version,
            created: Stamped::of(&registered.created),
            changed: Stamped::of(&registered.updated),
            keys: application.keys().iter().map(DescribedKey::from).collect(),
            signature_keys: application.signature_keys().iter().map(DescribedSignatureKey::from).collect(),
            key_directory: application.key_directory().map(str::to_owned),
            timeout_ms: conditions.timeout.as_millis(),
            ip_addresses: conditions.addresses.patterns().map(texts),
            url_paths: conditions.paths.patterns().map(texts),
            methods: conditions.methods.methods().map(texts),
            act_as: application.act_as().into(),
            schemes: application.schemes().iter().map(|scheme| scheme.as_str()).collect(),
            replay_protection: conditions.replay_protection.as_str(),
            insecure_unsigned_bodies: conditions.insecure_unsigned_bodies,
            warnings: texts(&application.warnings()),
        }
    }
}

impl Stamped {
    /// Nobody is named where the store keeps no account.
    fn of(stamp: &Stamp) -> Option<Self> {
        (!stamp.by.is_empty()).then(|| Self { at: stamp.at.to_rfc3339(), by: stamp.by.to_string() })
    }
}

impl From<&ApplicationKey> for DescribedKey {
    fn from(key: &ApplicationKey) -> Self {
        Self {
            fingerprint: key.fingerprint().to_string(),
            bits: key.public_key().bits(),
            state: key.state().as_str(),
            not_before: key.not_before().map(|at| at.to_rfc3339()),
            not_after: key.not_after().map(|at| at.to_rfc3339()),
            public_key: key.public_key().to_base64(),
        }
    }
}

impl From<&ApplicationKey<SignatureKey>> for DescribedSignatureKey {
    fn from(key: &ApplicationKey<SignatureKey>) -> Self {
        Self {
            thumbprint: key.public_key().thumbprint().to_string(),
            algorithm: key.public_key().algorithm().to_string(),
            state: key.state().as_str(),
            not_before: key.not_before().map(|at| at.to_rfc3339()),
            not_after: key.not_after().map(|at| at.to_rfc3339()),
            jwk: key.public_key().to_jwk(),
        }
    }
}

impl From<&ActAsPolicy> for DescribedPolicy {
    fn from(policy: &ActAsPolicy) -> Self {
        Self {
            only: policy.allowed().map(DescribedMembers::from),
            denied: policy.denied().into(),
            read_only: policy.is_read_only(),
            insecure_administrators: policy.allows_administrators(),
        }
    }
}

impl From<&Members> for DescribedMembers {
    fn from(members: &Members) -> Self {
        let names = |names: &BTreeSet<Arc<str>>| names.iter().map(ToString::to_string).collect();
        Self { users: names(&members.users), groups: names(&members.groups) }
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

/// The text by which a file describes it.
pub(crate) fn text(application: &TrustedApplication) -> String {
    write_applications([application])
}

/// Whether a file would describe both by the same text.
pub(super) fn is_same(one: &TrustedApplication, other: &TrustedApplication) -> bool {
    text(one) == text(other)
}

/// The names of what a change makes different.
pub(super) fn differing(before: &TrustedApplication, after: &TrustedApplication) -> Vec<&'static str> {
    let pairs = facts(before).into_iter().zip(facts(after));
    pairs.filter(|(before, after)| before != after).map(|((name, _), _)| name).collect()
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
