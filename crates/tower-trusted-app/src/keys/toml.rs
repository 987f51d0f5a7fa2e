//! Applications as a TOML file describes them.

mod act_as;
mod fields;
mod write;

pub use write::write_applications;

use std::ops::Range;
use std::sync::Arc;

use ::toml::de::{DeTable, DeValue};
use trusted_app_core::TrustedApplication;
use trusted_app_core::application::{ApplicationError, WarningPart};
use trusted_app_core::conditions::MethodRule;

use self::fields::{LIST_OR_ANY, Problem, Value};
use super::applications::Applications;

/// Reads applications from a TOML text.
///
/// ```
/// # let key = include_str!("../../../trusted-app-core/tests/data/public-key-2048.txt").trim();
/// let text = r#"
///     [[application]]
///     id = "confluence:4711"
///     name = "Wiki"                     # for people; the id unless stated
///     public_key = "MIIBIjANBgkq..."    # base64 or PEM; see below for a rotation
///     signature_key = """{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"""
///     key_directory = "https://wiki.example.com/.well-known/http-message-signatures-directory"   # see below
///     timeout_ms = 10000                # the default; 60000 if `http-signature` is the only scheme
///     ip_addresses = ["10.1.*.*", "2001:db8::/32", "local"]
///     url_paths = ["/secure/RunPortlet", { subtree = "/rest" }, { rpc = "wiki.Search/*" }]
///     methods = ["GET", "HEAD"]         # any unless stated
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
/// `id`, `ip_addresses`, `url_paths` and one of the two kinds of key must be there: `public_key` for
/// Seraph's schemes, `signature_key`, a JWK, for `http-signature`. An application that has only the latter
/// uses that scheme unless `schemes` says otherwise. `ip_addresses`, `url_paths` and
/// `methods` are each a list or the string `"any"`; an empty list allows nothing. A string in
/// `url_paths` is a plain prefix. Each path and each method is an entry of its own; in a string of `ip_addresses`
/// commas and line ends may stand between several.
///
/// During a rotation `public_key` is a list, and so is `signature_key`. In the place of a key may stand a table that states
/// where the key stands in the rotation (a [`KeyState`](trusted_app_core::application::KeyState),
/// `active` unless stated) and when it is good:
///
/// ```toml
/// public_key = [
///     "MIIBIjANBgkq...",
///     { key = "MIIBIjANBgkr...", state = "retiring", not_after = 2027-01-31T12:00:00Z },
///     { key = "MIIBIjANBgks...", state = "revoked" },
///     { key = "MIIBIjANBgkt...", not_before = 2027-02-01T00:00:00+01:00 },
/// ]
/// ```
///
/// `key_directory` is where the signature keys come from; an administration with a refresher fetches them from
/// there, and nothing else does.
///
/// `act_as` says [whom the application may act as](trusted_app_core::ActAsPolicy): everybody but administrators
/// unless stated. Its fields are lists: `users` and `groups`, of which either makes that *only these*, `deny_users`
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
/// above is a fault, and so is an id or a public key that two applications have. Where the text
/// [ends too early](TomlError::is_at_end), the error says so.
pub fn parse_applications(text: &str) -> Result<ParsedApplications, TomlError> {
    let document = DeTable::parse(text).map_err(|error| {
        // Its own form would quote the line, which might be part of a private key.
        let at = error.span().unwrap_or_default();
        let at_end = is_at_end(text, &at) && !error.message().starts_with("duplicate key");
        TomlError { at_end, ..TomlError::new(text, String::new(), Problem::new(at, error.message())) }
    })?;
    let tables =
        tables(document.get_ref()).map_err(|problem| TomlError::new(text, String::new(), problem))?;

    let mut parsed = ParsedApplications {
        states_none: tables.is_empty() && document.get_ref().contains_key("application"),
        ..ParsedApplications::default()
    };
    let mut set = Applications::default();
    let last = tables.len();
    for (number, (at, table)) in (1..).zip(tables) {
        let entry = Entry { text, at, number, table, is_last: number == last };
        let application = entry.read(&mut parsed.warnings)?;
        set.add(Arc::new(application.clone()))
            .map_err(|conflict| entry.error("", Problem::new(entry.at.clone(), conflict)))?;
        parsed.applications.push(application);
    }
    if parsed.applications.is_empty() && !parsed.states_none {
        parsed.warnings.push("no application is listed, so every trusted request is refused".to_owned());
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
#[error("line {line}: {place}{problem}")]
pub struct TomlError {
    line: usize,
    place: String,
    problem: String,
    at_end: bool,
}

impl TomlError {
    fn new(text: &str, place: String, problem: Problem) -> Self {
        let line = 1 + text.bytes().take(problem.at.start).filter(|byte| *byte == b'\n').count();
        Self { line, place, problem: problem.text, at_end: false }
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

/// The `[[application]]` tables, each with its place.
fn tables<'t>(document: &'t DeTable<'t>) -> Result<Vec<(Range<usize>, &'t DeTable<'t>)>, Problem> {
    if let Some(key) = document.keys().find(|key| key.get_ref() != "application") {
        let problem = format!("unknown key `{}`; known is only [[application]]", key.get_ref());
        return Err(Problem::new(key.span(), problem));
    }
    let Some(applications) = document.get("application") else { return Ok(Vec::new()) };
    let items = applications
        .get_ref()
        .as_array()
        .ok_or_else(|| Problem::new(applications.span(), "write [[application]] with two brackets"))?;
    items
        .iter()
        .map(|item| match item.get_ref() {
            DeValue::Table(table) => Ok((item.span(), table)),
            _ => Err(Problem::expected("the table of an application", item)),
        })
        .collect()
}

/// The fields of an application.
const FIELDS: [&str; 14] = [
    "id",
    "name",
    "public_key",
    "signature_key",
    "key_directory",
    "timeout_ms",
    "ip_addresses",
    "url_paths",
    "methods",
    "act_as",
    "schemes",
    "replay_protection",
    "insecure_unsigned_bodies",
    "insecure_min_rsa_bits",
];

/// One `[[application]]`.
struct Entry<'t> {
    text: &'t str,
    at: Range<usize>,
    number: usize,
    table: &'t DeTable<'t>,
    is_last: bool,
}

impl<'t> Entry<'t> {
    fn read(&self, warnings: &mut Vec<String>) -> Result<TrustedApplication, TomlError> {
        if let Some(key) = self.table.keys().find(|key| !FIELDS.contains(&key.get_ref().as_ref())) {
            let problem = format!("unknown field; known are {}", FIELDS.join(", "));
            return Err(self.error(key.get_ref(), Problem::new(key.span(), problem)));
        }
        let id = self.required("id", "the name that its requests carry", fields::application_id)?;
        let signature_keys = self.optional("signature_key", fields::signature_keys)?;
        let keys = match signature_keys {
            Some(_) => self.optional("public_key", fields::keys)?.unwrap_or_default(),
            None => self.required("public_key", "base64 or PEM, or a list of them", fields::keys)?,
        };
        let addresses = self.required("ip_addresses", LIST_OR_ANY, fields::address_rule)?;
        let paths = self.required("url_paths", LIST_OR_ANY, fields::path_rule)?;
        let methods = self.optional("methods", fields::method_rule)?.unwrap_or(MethodRule::any());

        let (mut keys, mut signature_keys) = (keys.into_iter(), signature_keys.into_iter().flatten());
        let first = match keys.next() {
            Some(key) => Some(TrustedApplication::builder(id, key)),
            None => signature_keys.next().map(|key| TrustedApplication::signing_builder(id, key)),
        };
        // Neither list is ever empty.
        let first = first.ok_or_else(|| self.error("public_key", Problem::new(self.at.clone(), "no key")))?;
        let mut application = first.addresses(addresses).paths(paths).methods(methods);
        for key in keys {
            application = application.key(key);
        }
        for key in signature_keys {
            application = application.signature_key(key);
        }
        if let Some(name) = self.optional("name", fields::string)? {
            application = application.name(name);
        }
        if let Some(url) = self.optional("key_directory", fields::string)? {
            application = application.key_directory(url);
        }
        if let Some(timeout) = self.optional("timeout_ms", fields::timeout)? {
            application = application.timeout(timeout);
        }
        if let Some(policy) = self.optional("act_as", act_as::policy)? {
            application = application.act_as(policy);
        }
        if let Some(schemes) = self.optional("schemes", fields::schemes)? {
            application = application.schemes(schemes);
        }
        if let Some(protection) = self.optional("replay_protection", fields::replay_protection)? {
            application = application.replay_protection(protection);
        }
        if let Some(allowed) = self.optional("insecure_unsigned_bodies", fields::boolean)? {
            application = application.insecure_unsigned_bodies(allowed);
        }
        if let Some(bits) = self.optional("insecure_min_rsa_bits", fields::bits)? {
            application = application.insecure_min_rsa_bits(bits);
        }
        let application = application.build().map_err(|error| {
            let field = match error {
                ApplicationError::KeyTooSmall { .. }
                | ApplicationError::TooManyKeys(_)
                | ApplicationError::TooManyKeptKeys(_)
                | ApplicationError::KeyTwice(_)
                | ApplicationError::KeyNeverValid(_)
                    if self.table.contains_key("public_key") =>
                {
                    "public_key"
                }
                ApplicationError::TooManyKeptKeys(_)
                | ApplicationError::KeyTwice(_)
                | ApplicationError::KeyNeverValid(_)
                | ApplicationError::KeyOfTwoSchemes(_) => "signature_key",
                ApplicationError::KeyDirectory => "key_directory",
                ApplicationError::MinRsaBits(_) => "insecure_min_rsa_bits",
                ApplicationError::ActAsName { .. } | ApplicationError::RuleName { .. } => "act_as",
                ApplicationError::NoScheme | ApplicationError::NoKey(_) => "schemes",
                _ => "",
            };
            self.error(field, Problem::new(self.place_of(field), error))
        })?;
        self.warn(&application, warnings);
        Ok(application)
    }

    fn required<T>(
        &self,
        field: &str,
        what: &str,
        read: impl FnOnce(&'t Value<'t>) -> Result<T, Problem>,
    ) -> Result<T, TomlError> {
        let missing = || TomlError {
            at_end: self.is_last,
            ..self.error(field, Problem::new(self.at.clone(), format!("missing; write {what}")))
        };
        self.optional(field, read)?.ok_or_else(missing)
    }

    fn optional<T>(
        &self,
        field: &str,
        read: impl FnOnce(&'t Value<'t>) -> Result<T, Problem>,
    ) -> Result<Option<T>, TomlError> {
        self.table.get(field).map(read).transpose().map_err(|problem| self.error(field, problem))
    }

    /// What is allowed but hardly meant, each with its place.
    fn warn(&self, application: &TrustedApplication, warnings: &mut Vec<String>) {
        warnings.extend(application.warnings().iter().map(|warning| {
            let field = match warning.part {
                WarningPart::Id => "id",
                WarningPart::Addresses => "ip_addresses",
                WarningPart::Paths => "url_paths",
                WarningPart::Methods => "methods",
                WarningPart::Timeout => "timeout_ms",
                WarningPart::ActAs => "act_as",
                _ => "",
            };
            self.error(field, Problem::new(self.place_of(field), warning)).to_string()
        }));
    }

    /// Where a field stands, or the application if it does not.
    fn place_of(&self, field: &str) -> Range<usize> {
        self.table.get(field).map_or_else(|| self.at.clone(), Value::span)
    }

    fn error(&self, field: &str, problem: Problem) -> TomlError {
        let application = match self.table.get("id").and_then(|id| id.get_ref().as_str()) {
            Some(id) => format!("`{}`", id.escape_debug()),
            None => format!("number {}", self.number),
        };
        let colon = if field.is_empty() { "" } else { ": " };
        TomlError::new(self.text, format!("application {application}: {field}{colon}"), problem)
    }
}

#[cfg(test)]
mod tests;
