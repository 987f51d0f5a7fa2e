//! The TOML file of applications.

use anyhow::anyhow;
use tower_trusted_app::TrustedApplication;
use tower_trusted_app::keys::parse_applications;

use crate::input::Input;
use crate::kind::Kind;
use crate::output;

/// The applications of a file, in its order. Its warnings are shown, unless it lists no application.
pub(crate) fn read(input: Input<'_>) -> anyhow::Result<Vec<TrustedApplication>> {
    let text = input.text(usize::MAX)?;
    let parsed = parse_applications(&text).map_err(|error| match Kind::of(&text) {
        None | Some(Kind::Applications) => anyhow::Error::new(error).context(input.to_string()),
        Some(kind) => {
            anyhow!("{input} is {kind}, and no TOML file of applications: {}", kind.cure(&input.file_name()))
        }
    })?;
    if !parsed.applications.is_empty() {
        for warning in parsed.warnings {
            output::remark("warning", format_args!("{input}: {warning}"));
        }
    }
    Ok(parsed.applications)
}
