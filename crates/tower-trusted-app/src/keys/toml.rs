//! Applications as a TOML file describes them.

mod write;

pub use write::write_applications;

use std::fmt::Display;
use std::ops::Range;
use std::sync::Arc;

use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};
use serde_json::{Number, Value};
use trusted_app_core::TrustedApplication;
use trusted_app_core::application::{
    ApplicationDescription, DescriptionError, DescriptionProblem, FieldSegment,
};

use super::applications::Applications;

/// Reads applications from a TOML text.
///
/// ```
/// # let key = include_str!("../../../trusted-app-core/tests/data/public-key-2048.txt").trim();
/// let text = r#"
///     [[application]]
///     id = "confluence:4711"
///     name = "Wiki"                     # for people; the id by default
///     keys = [{ spki = "MIIBIjANBgkq..." }]   # base64 or PEM; see below
///     key_directory = "https://wiki.example.com/.well-known/http-message-signatures-directory"   # see below
///     timeout_ms = 10000                # the default; 60000 if `http-signature` is the only scheme
///     addresses = ["10.1.*.*", "2001:db8::/32", "local"]
///     paths = ["/secure/RunPortlet", "subtree:/rest", "rpc:wiki.Search/*"]
///     methods = ["GET", "HEAD"]         # any by default
///     act_as = { groups = ["staff"], deny_users = ["mallory"], read_only = true }   # see below
///     schemes = ["seraph-v3"]           # the default
///     replay_protection = "off"         # the default; "non-idempotent" or "every" request counts once
///     insecure_unsigned_bodies = false  # the default; true lets HTTP message signatures leave bodies out
///     insecure_min_rsa_bits = 2048      # the default; 1024 lets an old peer's key in
/// "#;
/// # let text = &text.replace("MIIBIjANBgkq...", key);
/// let parsed = tower_trusted_app::keys::parse_applications(text)?;
/// assert_eq!(parsed.applications[0].name(), "Wiki");
/// # Ok::<_, tower_trusted_app::keys::TomlError>(())
/// ```
///
/// These are the fields of an [`ApplicationDescription`]. `id`, `keys`, `addresses` and `paths` must be there.
/// `addresses`, `paths` and `methods` are each a list or the string `"any"`; an empty list allows nothing. Each path and
/// each method is an entry of its own; in a string of `addresses` commas and line ends may stand between several.
///
/// Each key has `spki`, for Seraph's schemes, or `jwk`, for `http-signature`; an application that has only keys of the
/// latter kind uses that scheme unless `schemes` says otherwise. Beside it may stand where the key stands in a rotation (a
/// [`KeyState`](trusted_app_core::application::KeyState), `active` by default) and when it is good; a date is TOML's
/// own or a string:
///
/// ```toml
/// keys = [
///     { spki = "MIIBIjANBgkq..." },
///     { spki = "MIIBIjANBgkr...", state = "retiring", not_after = 2027-01-31T12:00:00Z },
///     { spki = "MIIBIjANBgks...", state = "revoked" },
///     { spki = "MIIBIjANBgkt...", not_before = "2027-02-01T00:00:00+01:00" },
///     { jwk = { kty = "OKP", crv = "Ed25519", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" } },
/// ]
/// ```
///
/// `key_directory` is where the keys of the kind `jwk` come from; an administration with a refresher fetches them from
/// there, and nothing else does.
///
/// `act_as` says [whom the application may act as](trusted_app_core::ActAsPolicy): everybody but administrators
/// by default. Its fields are lists: `users` and `groups`, of which either makes that *only these*, `deny_users`
/// and `deny_groups`, which win; and switches: `read_only` and `insecure_administrators`.
///
/// A text without applications means none. A store that has some takes that for a file that is cut, unless the text
/// [says so](ParsedApplications::states_none): `application = []`.
///
/// A text that is cut after a complete line is mostly valid, and lacks the rules that would have followed. So a file that
/// is in use is never written in place: write a new one beside it and rename that over it.
///
/// ```sh
/// generate-applications > apps.toml.new && mv apps.toml.new apps.toml
/// ```
///
/// # Errors
///
/// The first fault that is found, with its line, application and field. A field that is not listed
/// above is a fault, and so is an id or a key that two applications have. Where the text
/// [ends too early](TomlError::is_at_end), the error says so.
pub fn parse_applications(text: &str) -> Result<ParsedApplications, TomlError> {
    let document = DeTable::parse(text).map_err(|error| {
        // Its own form would quote the line, which might be part of a private key.
        let at = error.span().unwrap_or_default();
        let at_end = is_at_end(text, &at) && !error.message().starts_with("duplicate key");
        TomlError { at_end, ..TomlError::new(text, at, error.message()) }
    })?;
    let nodes =
        applications(document.get_ref()).map_err(|(at, problem)| TomlError::new(text, at, problem))?;

    let mut parsed = ParsedApplications {
        states_none: nodes.is_empty() && document.get_ref().contains_key("application"),
        ..ParsedApplications::default()
    };
    let mut set = Applications::default();
    for (number, node) in (1..).zip(nodes) {
        let entry = Entry { text, number, node, is_last: number == nodes.len() };
        let application = entry.read(&mut parsed.warnings)?;
        set.add(Arc::new(application.clone())).map_err(|conflict| entry.error(&[], conflict))?;
        parsed.applications.push(application);
    }
    if parsed.applications.is_empty() && !parsed.states_none {
        parsed.warnings.push("no application is listed, so every trusted request is rejected".to_owned());
    }
    Ok(parsed)
}

/// What [`parse_applications`] found.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ParsedApplications {
    /// The applications in the order of the text.
    pub applications: Vec<TrustedApplication>,
    /// What is allowed but hardly meant, such as a path pattern that matches nothing.
    pub warnings: Vec<String>,
    /// Whether the text says that there are none, by `application = []`.
    pub states_none: bool,
}

/// Why a TOML text does not describe applications.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct TomlError {
    line: usize,
    problem: String,
    at_end: bool,
}

impl TomlError {
    fn new(text: &str, at: Range<usize>, problem: impl ToString) -> Self {
        let line = 1 + text.bytes().take(at.start).filter(|byte| *byte == b'\n').count();
        Self { line, problem: problem.to_string(), at_end: false }
    }

    /// The line of the fault, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Whether the fault is that the text ends: in a string, a list or a line, or in an application that lacks a field.
    /// It may then be cut.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.at_end
    }
}

/// Whether what is at that place ends in the last line that is not blank.
fn is_at_end(text: &str, at: &Range<usize>) -> bool {
    !text.get(at.end..).unwrap_or_default().trim_end().contains('\n')
}

/// What is listed under `[[application]]`; else what is wrong, and where.
fn applications<'t>(document: &'t DeTable<'t>) -> Result<&'t [Node<'t>], (Range<usize>, String)> {
    if let Some(key) = document.keys().find(|key| key.get_ref() != "application") {
        return Err((key.span(), format!("unknown key `{}`; known is only [[application]]", key.get_ref())));
    }
    let Some(applications) = document.get("application") else { return Ok(&[]) };
    match applications.get_ref() {
        DeValue::Array(applications) => Ok(applications),
        _ => Err((applications.span(), "write [[application]] with two brackets".to_owned())),
    }
}

type Node<'t> = Spanned<DeValue<'t>>;

/// One `[[application]]`.
struct Entry<'t> {
    text: &'t str,
    number: usize,
    node: &'t Node<'t>,
    is_last: bool,
}

impl Entry<'_> {
    fn read(&self, warnings: &mut Vec<String>) -> Result<TrustedApplication, TomlError> {
        let described = ApplicationDescription::read(json(self.node.get_ref()));
        let application = described.and_then(|described| TrustedApplication::try_from(&described));
        let application = application.map_err(|error| self.faulty(&error))?;
        warnings.extend(application.warnings().iter().map(|warning| {
            let field = warning.part.as_str();
            self.error(&[field.into()], format_args!("{field}: {warning}")).to_string()
        }));
        Ok(application)
    }

    fn faulty(&self, error: &DescriptionError) -> TomlError {
        let is_missing = matches!(error.problem(), DescriptionProblem::Missing { .. });
        // Not an empty list.
        let could_follow = match error.path() {
            [field] => step(self.node, field).is_none(),
            _ => true,
        };
        let at_end = is_missing && could_follow && self.is_last;
        TomlError { at_end, ..self.error(error.path(), error) }
    }

    fn error(&self, path: &[FieldSegment], problem: impl Display) -> TomlError {
        let application = match step(self.node, &"id".into()).and_then(|id| id.get_ref().as_str()) {
            Some(id) => format!("`{}`", id.escape_debug()),
            None => format!("number {}", self.number),
        };
        // Where the field stands, or what is around it if it does not.
        let place = path.iter().try_fold(self.node, |node, segment| step(node, segment).ok_or(node));
        let at = place.unwrap_or_else(|around| around).span();
        TomlError::new(self.text, at, format_args!("application {application}: {problem}"))
    }
}

/// A field of a table, or an item of a list.
fn step<'t>(node: &'t Node<'t>, segment: &FieldSegment) -> Option<&'t Node<'t>> {
    match (node.get_ref(), segment) {
        (DeValue::Table(table), FieldSegment::Name(name)) => table.get(name.as_str()),
        (DeValue::Array(items), FieldSegment::Index(index)) => items.get(*index),
        _ => None,
    }
}

/// The same in the types of JSON, where a date is a string.
fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => whole(number.as_str(), number.radix()),
        // No field is one; what JSON cannot hold is none all the same.
        DeValue::Float(number) => {
            let number = number.as_str().parse::<f64>().ok().filter(|number| number.is_finite());
            Value::from(number.unwrap_or(f64::MAX))
        }
        DeValue::Boolean(truth) => Value::from(*truth),
        DeValue::Datetime(date) => Value::from(date.to_string()),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(fields) => {
            fields.iter().map(|(name, value)| (name.get_ref().to_string(), json(value.get_ref()))).collect()
        }
    }
}

fn whole(digits: &str, radix: u32) -> Value {
    let number = i128::from_str_radix(digits, radix).ok();
    number.and_then(Number::from_i128).map_or_else(|| Value::from(digits), Value::Number)
}

#[cfg(test)]
mod tests;
