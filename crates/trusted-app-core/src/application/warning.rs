//! What an application may be registered with but is hardly meant.

use std::fmt;
use std::time::Duration;

use super::scheme::Scheme;
use super::trusted::TrustedApplication;
use crate::conditions::{PathPattern, PathPatternKind};
use crate::permission::Members;
use crate::text::{distinguished_name_warning, escaped};

/// Something about an application that is allowed but hardly meant: to show to who wrote it.
///
/// ```
/// use trusted_app_core::application::TrustedApplication;
/// use trusted_app_core::conditions::{AddressRule, PathRule};
/// use trusted_app_core::PublicKey;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let base64 = include_str!("../../tests/data/public-key-2048.txt");
/// let wiki = TrustedApplication::builder("wiki".parse()?, PublicKey::from_base64(base64)?)
///     .addresses(AddressRule::any())
///     .paths(PathRule::prefixes(["rest"]))
///     .build()?;
/// let warnings = wiki.warnings();
/// assert_eq!(warnings.len(), 1);
/// assert_eq!(warnings[0].to_string(), "no path begins with `rest`, for each begins with a slash: write `/rest`");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApplicationWarning {
    /// Which part of the application it is about.
    pub part: WarningPart,
    text: String,
}

/// Which part of an application an [`ApplicationWarning`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WarningPart {
    /// The id.
    Id,
    /// Where requests may come from.
    Addresses,
    /// Which paths may be asked for.
    Paths,
    /// Which methods may be used.
    Methods,
    /// How old a request may be.
    Timeout,
    /// Whom it may act as.
    ActAs,
}

impl WarningPart {
    /// The word for it, as in the written form of an application.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Addresses => "addresses",
            Self::Paths => "paths",
            Self::Methods => "methods",
            Self::Timeout => "timeout_ms",
            Self::ActAs => "act_as",
        }
    }
}

impl fmt::Display for ApplicationWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

const ALLOWS_NOBODY: &str = "the lists are empty, so every request is refused; for everybody leave them out";
/// No request takes a day.
const LONG_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);
/// No two clocks agree so well.
const SHORT_TIMEOUT: Duration = Duration::from_millis(1000);

impl TrustedApplication {
    /// What is allowed but hardly meant: an empty list, a pattern that matches nothing, a time-out of years, a
    /// distinguished name where a name belongs.
    #[must_use]
    pub fn warnings(&self) -> Vec<ApplicationWarning> {
        let mut warnings = Vec::new();
        let mut warn = |part, text: String| warnings.push(ApplicationWarning { part, text });
        let conditions = &self.conditions;
        if self.id.as_str().contains("${") || self.id.as_str().contains("{{") {
            let id = escaped(self.id.as_str());
            warn(WarningPart::Id, format!("the id `{id}` looks like a variable that was not replaced"));
        }
        if conditions.addresses.patterns().is_some_and(<[_]>::is_empty) {
            warn(WarningPart::Addresses, allows_nothing("addresses"));
        }
        if conditions.paths.patterns().is_some_and(<[_]>::is_empty) {
            warn(WarningPart::Paths, allows_nothing("paths"));
        }
        if conditions.methods.methods().is_some_and(<[_]>::is_empty) {
            warn(WarningPart::Methods, allows_nothing("methods"));
        }
        for pattern in conditions.paths.patterns().unwrap_or_default() {
            if let Some(text) = hardly_meant(pattern) {
                warn(WarningPart::Paths, text);
            }
        }
        for method in conditions.methods.methods().unwrap_or_default() {
            let upper = method.as_str().to_ascii_uppercase();
            if method.as_str() != upper {
                warn(WarningPart::Methods, format!("`{method}` is not {upper}: methods are case-sensitive"));
            }
        }
        let timeout = conditions.timeout;
        if timeout >= LONG_TIMEOUT && self.schemes.iter().any(|scheme| *scheme != Scheme::HttpSignature) {
            let ms = timeout.as_millis();
            warn(
                WarningPart::Timeout,
                format!(
                    "a time-out of {ms} ms is {}: a captured request is good for as long",
                    in_words(timeout)
                ),
            );
        } else if timeout < SHORT_TIMEOUT {
            let ms = timeout.as_millis();
            warn(
                WarningPart::Timeout,
                format!("a time-out of {ms} ms is shorter than clocks differ; 10000 ms is usual"),
            );
        }
        if self.act_as.allowed().is_some_and(Members::is_empty) {
            warn(WarningPart::ActAs, ALLOWS_NOBODY.to_owned());
        }
        for (list, name) in self.act_as.names() {
            if let Some(text) = distinguished_name_warning(name) {
                warn(WarningPart::ActAs, format!("{}: {text}", list.as_str()));
            } else if name.contains([',', ';', '"']) {
                let (list, name) = (list.as_str(), escaped(name));
                warn(
                    WarningPart::ActAs,
                    format!(
                        "{list}: `{name}` is one name here: write several names as entries of their own, without quotes"
                    ),
                );
            }
        }
        warnings
    }
}

/// What is odd about a path pattern that may yet be listed.
fn hardly_meant(pattern: &PathPattern) -> Option<String> {
    let is_list = || pattern.kind() != PathPatternKind::Rpc && pattern.as_str().contains(',');
    let list = || {
        let shown = escaped(pattern.as_str());
        format!("in `{shown}` the `,` is a plain character: write several paths as entries of their own")
    };
    pattern.hardly_meant().map(|error| error.to_string()).or_else(|| is_list().then(list))
}

fn allows_nothing(list: &str) -> String {
    format!("the list of {list} is empty, so every request is refused; for no rule write \"any\"")
}

fn in_words(timeout: Duration) -> String {
    let days = timeout.as_secs() / (24 * 60 * 60);
    if days < 730 { format!("{days} days") } else { format!("{} years", days / 365) }
}
