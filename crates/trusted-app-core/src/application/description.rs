//! The written form of an application: one for files, JSON, command lines and forms.

mod build;
mod error;
mod key;
mod read;
mod rule;
mod shown;
mod words;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer, de};
use serde_json::{Map, Value};

pub use self::error::{DescriptionError, DescriptionProblem, FieldSegment};
pub use self::key::KeyDescription;
pub use self::rule::RuleDescription;
pub use self::shown::{ShownApplication, ShownKey};
use super::{ApplicationId, Scheme, TrustedApplication};
use crate::conditions::ReplayProtection;
use crate::limits::MIN_RSA_BITS;
use crate::permission::{ActAsPolicy, Members};

/// An application as it is written, in any format that `serde` has.
///
/// What is not stated has its default, see [`TrustedApplicationBuilder`](super::TrustedApplicationBuilder). `keys`,
/// `addresses` and `paths` must be stated.
///
/// Reading checks the form, and [`build`](Self::build) each value. An error of either kind names the field, such as
/// `paths[1]`, and quotes no key.
///
/// ```
/// use trusted_app_core::TrustedApplication;
/// use trusted_app_core::application::ApplicationDescription;
///
/// # let key = include_str!("../../tests/data/public-key-2048.txt").trim();
/// let json = r#"{
///     "id": "confluence:4711",
///     "name": "Wiki",
///     "addresses": ["10.1.*.*", "2001:db8::/32", "local"],
///     "paths": ["/secure/RunPortlet", "subtree:/rest", "rpc:wiki.Search/*"],
///     "methods": "any",
///     "act_as": { "groups": ["staff"], "deny_users": ["mallory"] },
///     "keys": [{ "spki": "MIIBIjANBgkq..." }]
/// }"#;
/// # let json = json.replace("MIIBIjANBgkq...", key);
/// let description: ApplicationDescription = serde_json::from_str(&json)?;
/// let wiki = TrustedApplication::try_from(&description)?;
/// assert_eq!(wiki.name(), "Wiki");
///
/// // All that holds for an application, what was not stated too.
/// let written = ApplicationDescription::from(&wiki);
/// assert_eq!(written.timeout_ms, Some(10_000));
/// assert_eq!(TrustedApplication::try_from(&written)?.keys(), wiki.keys());
///
/// let wrong = json.replace("/secure/RunPortlet", "/secure /rest");
/// let wrong: ApplicationDescription = serde_json::from_str(&wrong)?;
/// let error = TrustedApplication::try_from(&wrong).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "paths[0]: `/secure /rest` is more than one path: write each as an entry of its own"
/// );
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
// `remote` makes the derived implementations plain functions, so that every format reads by way of `read`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, expecting = "the table of an application")]
pub struct ApplicationDescription {
    /// The id that its requests carry.
    pub id: ApplicationId,
    /// The name for people; the id by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The URL of the key directory from which its `jwk` keys come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_directory: Option<String>,
    /// How old a request may be on arrival, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read::milliseconds")]
    pub timeout_ms: Option<u64>,
    /// Where requests may come from: the text of an [`AddressPattern`](crate::conditions::AddressPattern) each, or
    /// several with commas or line ends between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<RuleDescription>,
    /// Which paths it may ask for: the text of a [`PathPattern`](crate::conditions::PathPattern) each. Blank ones are
    /// passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<RuleDescription>,
    /// Which methods it may use, such as `GET`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub methods: Option<RuleDescription>,
    /// How its requests prove themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schemes: Option<Vec<Scheme>>,
    /// Which requests count once only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_protection: Option<ReplayProtection>,
    /// Whether HTTP message signatures may leave the body out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insecure_unsigned_bodies: Option<bool>,
    /// The smallest RSA key of Seraph's that is allowed, in bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insecure_min_rsa_bits: Option<usize>,
    /// Whom it may act as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act_as: Option<ActAsDescription>,
    /// Its keys, at least one. Written last, so that a text that is cut lacks them and is noticed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyDescription>,
}

/// Whom an application may act as, as it is written: see [`ActAsPolicy`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "a table of `users`, `groups`, `deny_users`, `deny_groups`, \
    `read_only` and `insecure_administrators`"
)]
pub struct ActAsDescription {
    /// Only these, and who is in one of the `groups`; everybody if neither list is stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<String>>,
    /// Only the users of these, and the `users`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// None of these.
    pub deny_users: Vec<String>,
    /// None of the users of these.
    pub deny_groups: Vec<String>,
    /// Only by safe methods.
    pub read_only: bool,
    /// Administrators too.
    pub insecure_administrators: bool,
}

impl ApplicationDescription {
    /// The description as JSON, as registries keep it.
    ///
    /// # Panics
    ///
    /// Never: JSON has all that is in a description.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("JSON has tables, lists, texts, truths and numbers")
    }

    /// Reads JSON.
    ///
    /// # Errors
    ///
    /// As of [`read`](Self::read), and where it is no JSON.
    pub fn from_json(text: &str) -> Result<Self, DescriptionError> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let read = Self::read(&mut reader)?;
        reader.end().map_err(de::Error::custom).map(|()| read)
    }

    /// The names of the fields that differ, sorted.
    #[must_use]
    pub fn differing(&self, other: &Self) -> Vec<String> {
        let fields = |written: &Self| match serde_json::to_value(written) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        let (ours, theirs) = (fields(self), fields(other));
        let names: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
        names.into_iter().filter(|name| ours.get(*name) != theirs.get(*name)).cloned().collect()
    }
}

impl From<&TrustedApplication> for ApplicationDescription {
    /// Everything that holds for it, each field with its value even if that is the default.
    fn from(application: &TrustedApplication) -> Self {
        let conditions = &application.conditions;
        let smallest = application.keys.iter().map(|key| key.public_key().bits()).min();
        let signature_keys = application.signature_keys.iter().map(KeyDescription::from);
        Self {
            id: application.id.clone(),
            name: Some(application.name.clone()),
            key_directory: application.key_directory.clone(),
            timeout_ms: u64::try_from(conditions.timeout.as_millis()).ok(),
            addresses: Some(RuleDescription::of(conditions.addresses.patterns())),
            paths: Some(RuleDescription::of(conditions.paths.patterns())),
            methods: Some(RuleDescription::of(conditions.methods.methods())),
            schemes: Some(application.schemes.clone()),
            replay_protection: Some(conditions.replay_protection),
            insecure_unsigned_bodies: Some(conditions.insecure_unsigned_bodies),
            insecure_min_rsa_bits: smallest.filter(|bits| *bits < MIN_RSA_BITS),
            act_as: Some(ActAsDescription::from(&application.act_as)),
            keys: application.keys.iter().map(KeyDescription::from).chain(signature_keys).collect(),
        }
    }
}

impl From<&ActAsPolicy> for ActAsDescription {
    fn from(policy: &ActAsPolicy) -> Self {
        let lists = |members: &Members| {
            [&members.users, &members.groups].map(|names| names.iter().map(ToString::to_string).collect())
        };
        let [users, groups] = policy.allowed().map(lists).map_or([None, None], |lists| lists.map(Some));
        let [deny_users, deny_groups] = lists(policy.denied());
        let (read_only, insecure_administrators) = (policy.is_read_only(), policy.allows_administrators());
        Self { users, groups, deny_users, deny_groups, read_only, insecure_administrators }
    }
}

impl From<&ActAsDescription> for ActAsPolicy {
    fn from(written: &ActAsDescription) -> Self {
        let names =
            |names: &[String]| names.iter().map(|name| Arc::from(name.as_str())).collect::<Vec<Arc<str>>>();
        let mut policy = Self::anybody();
        if let Some(users) = &written.users {
            policy = policy.allow_users(names(users));
        }
        if let Some(groups) = &written.groups {
            policy = policy.allow_groups(names(groups));
        }
        policy = policy.deny_users(names(&written.deny_users)).deny_groups(names(&written.deny_groups));
        if written.read_only {
            policy = policy.read_only();
        }
        if written.insecure_administrators {
            policy = policy.insecure_administrators();
        }
        policy
    }
}

impl Serialize for ApplicationDescription {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}
