//! The values of an application's fields.

use std::ops::Range;
use std::time::Duration;

use ::toml::Spanned;
use ::toml::de::DeValue;
use trusted_app_core::application::{ApplicationKey, KeyState};
use trusted_app_core::conditions::{
    AddressRule, MethodRule, PathPattern, PathPatternError, PathRule, ReplayProtection, parse_method,
};
use trusted_app_core::crypto::SignatureKey;
use trusted_app_core::{ApplicationId, PublicKey, Scheme, Timestamp};

pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// What is wrong with a value, and where in the text it stands.
pub(super) struct Problem {
    pub(super) at: Range<usize>,
    pub(super) text: String,
}

impl Problem {
    pub(super) fn new(at: Range<usize>, text: impl ToString) -> Self {
        Self { at, text: text.to_string() }
    }

    pub(super) fn expected(what: &str, value: &Value<'_>) -> Self {
        Self::new(value.span(), format!("expected {what}, found {}", describe(value.get_ref())))
    }
}

/// The value itself where it is short, else what kind it is.
fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.len() <= 64 => format!("the string {text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Array(items) if items.is_empty() => "an empty list".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        other => format!("a {}", other.type_str()),
    }
}

pub(super) fn string<'t>(value: &'t Value<'_>) -> Result<&'t str, Problem> {
    value.get_ref().as_str().ok_or_else(|| Problem::expected("a string", value))
}

pub(super) fn application_id(value: &Value<'_>) -> Result<ApplicationId, Problem> {
    string(value)?.parse().map_err(|error| Problem::new(value.span(), error))
}

/// A key or a list of them. What stands there is never quoted: it might be a private key.
pub(super) fn keys(value: &Value<'_>) -> Result<Vec<ApplicationKey>, Problem> {
    several(value, |item| key(item, "base64 or PEM", public_key))
}

/// Likewise for HTTP message signatures.
pub(super) fn signature_keys(value: &Value<'_>) -> Result<Vec<ApplicationKey<SignatureKey>>, Problem> {
    several(value, |item| key(item, "a JWK", signature_key))
}

fn several<T>(value: &Value<'_>, read: impl Fn(&Value<'_>) -> Result<T, Problem>) -> Result<Vec<T>, Problem> {
    match value.get_ref() {
        DeValue::Array(items) if items.is_empty() => Err(Problem::expected("at least one key", value)),
        DeValue::Array(items) => items.iter().map(read).collect(),
        _ => Ok(vec![read(value)?]),
    }
}

/// A key by itself, or with its state and dates.
fn key<K>(
    value: &Value<'_>,
    form: &str,
    read: fn(&Value<'_>) -> Result<K, Problem>,
) -> Result<ApplicationKey<K>, Problem> {
    let DeValue::Table(table) = value.get_ref() else { return read(value).map(Into::into) };
    if let Some(name) = table.keys().find(|name| !KEY_FIELDS.contains(&name.get_ref().as_ref())) {
        let problem = format!("unknown field of a key; known are {}", KEY_FIELDS.join(", "));
        return Err(Problem::new(name.span(), problem));
    }
    let missing = || Problem::new(value.span(), format!("`key` is missing; write {form}"));
    let mut key = ApplicationKey::from(read(table.get("key").ok_or_else(missing)?)?);
    if let Some(state) = table.get("state") {
        let state: KeyState = string(state)?.parse().map_err(|error| Problem::new(state.span(), error))?;
        key = key.with_state(state);
    }
    if let Some(first) = table.get("not_before") {
        key = key.with_not_before(timestamp(first)?);
    }
    if let Some(last) = table.get("not_after") {
        key = key.with_not_after(timestamp(last)?);
    }
    Ok(key)
}

const KEY_FIELDS: [&str; 4] = ["key", "state", "not_before", "not_after"];

/// A date and time with an offset, of TOML's own kind.
pub(super) fn timestamp(value: &Value<'_>) -> Result<Timestamp, Problem> {
    let written = value.get_ref().as_datetime().map(ToString::to_string);
    written.and_then(|text| Timestamp::from_rfc3339(&text)).ok_or_else(|| {
        Problem::expected(
            "a date and time with an offset, such as 2027-01-31T12:00:00Z, without quotes",
            value,
        )
    })
}

fn public_key(value: &Value<'_>) -> Result<PublicKey, Problem> {
    let text = value.get_ref().as_str().ok_or_else(|| {
        Problem::expected("a key as base64 or PEM, a table of one, or a list of keys", value)
    })?;
    let key =
        if text.contains("-----BEGIN ") { PublicKey::from_pem(text) } else { PublicKey::from_base64(text) };
    key.map_err(|error| Problem::new(value.span(), error))
}

fn signature_key(value: &Value<'_>) -> Result<SignatureKey, Problem> {
    let text = value
        .get_ref()
        .as_str()
        .ok_or_else(|| Problem::expected("a JWK as a string, a table of one, or a list of keys", value))?;
    SignatureKey::from_jwk(text).map_err(|error| Problem::new(value.span(), error))
}

pub(super) fn timeout(value: &Value<'_>) -> Result<Duration, Problem> {
    match u64::try_from(integer(value)?) {
        Ok(millis @ 1..) => Ok(Duration::from_millis(millis)),
        _ => Err(Problem::expected("a positive number of milliseconds", value)),
    }
}

pub(super) fn bits(value: &Value<'_>) -> Result<usize, Problem> {
    usize::try_from(integer(value)?).map_err(|_| Problem::expected("a number of bits", value))
}

pub(super) fn boolean(value: &Value<'_>) -> Result<bool, Problem> {
    value.get_ref().as_bool().ok_or_else(|| Problem::expected("true or false", value))
}

fn integer(value: &Value<'_>) -> Result<i64, Problem> {
    value
        .get_ref()
        .as_integer()
        .and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok())
        .ok_or_else(|| Problem::expected("an integer of at most 2^63 - 1", value))
}

pub(super) fn address_rule(value: &Value<'_>) -> Result<AddressRule, Problem> {
    let lines = list_or_any(value, |item| {
        AddressRule::parse_lines([string(item)?]).map_err(|error| Problem::new(item.span(), error))
    })?;
    Ok(lines.map_or(AddressRule::any(), |lines| {
        AddressRule::only(lines.iter().filter_map(AddressRule::patterns).flatten().copied())
    }))
}

/// Blank prefixes are dropped: one would cover every path.
pub(super) fn path_rule(value: &Value<'_>) -> Result<PathRule, Problem> {
    let patterns = list_or_any(value, path_pattern)?;
    Ok(patterns.map_or(PathRule::any(), |patterns| PathRule::only(patterns.into_iter().flatten())))
}

fn path_pattern(value: &Value<'_>) -> Result<Option<PathPattern>, Problem> {
    let pattern = match value.get_ref() {
        DeValue::String(prefix) => PathPattern::prefix(prefix),
        DeValue::Table(table) => match table.iter().collect::<Vec<_>>().as_slice() {
            [(kind, path)] if kind.get_ref() == "subtree" => PathPattern::subtree(string(path)?),
            [(kind, name)] if kind.get_ref() == "rpc" => PathPattern::rpc(string(name)?),
            _ => return Err(Problem::expected(PATH_PATTERN, value)),
        },
        _ => return Err(Problem::expected(PATH_PATTERN, value)),
    };
    match pattern {
        Ok(pattern) => Ok(Some(pattern)),
        Err(PathPatternError::Blank) if value.get_ref().is_str() => Ok(None),
        Err(error) => Err(Problem::new(value.span(), error)),
    }
}

const PATH_PATTERN: &str = "a prefix, { subtree = \"/…\" } or { rpc = \"package.Service/*\" }";

pub(super) fn method_rule(value: &Value<'_>) -> Result<MethodRule, Problem> {
    let methods = list_or_any(value, |item| {
        parse_method(string(item)?).map_err(|error| Problem::new(item.span(), error))
    })?;
    Ok(methods.map_or(MethodRule::any(), MethodRule::only))
}

pub(super) fn schemes(value: &Value<'_>) -> Result<Vec<Scheme>, Problem> {
    let DeValue::Array(items) = value.get_ref() else {
        return Err(Problem::expected("a list of schemes", value));
    };
    items.iter().map(|item| string(item)?.parse().map_err(|error| Problem::new(item.span(), error))).collect()
}

pub(super) fn replay_protection(value: &Value<'_>) -> Result<ReplayProtection, Problem> {
    string(value)?.parse().map_err(|error| Problem::new(value.span(), error))
}

/// What an error says that a rule may be.
pub(super) const LIST_OR_ANY: &str = "a list, or the string \"any\"";

/// The items of a list; `None` for the string `any` in its place.
fn list_or_any<T>(
    value: &Value<'_>,
    read: impl Fn(&Value<'_>) -> Result<T, Problem>,
) -> Result<Option<Vec<T>>, Problem> {
    let is_any = |value: &Value<'_>| value.get_ref().as_str() == Some("any");
    match value.get_ref() {
        DeValue::Array(items) => items
            .iter()
            .map(|item| {
                if is_any(item) {
                    return Err(Problem::new(item.span(), "write \"any\" alone, not in a list"));
                }
                read(item)
            })
            .collect::<Result<_, _>>()
            .map(Some),
        _ if is_any(value) => Ok(None),
        _ => Err(Problem::expected(LIST_OR_ANY, value)),
    }
}
