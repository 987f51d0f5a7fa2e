//! Users that options state.

use std::path::Path;

use anyhow::Context;
use tower_trusted_app::{KnownUser, text};

/// Reads `NAME[:GROUP,…]`.
pub(crate) fn user(text: &str) -> Result<KnownUser<()>, &'static str> {
    let (name, groups) = match text.split_once(':') {
        None => (text, Vec::new()),
        Some((name, groups)) => (name, groups.split(',').collect()),
    };
    if name.is_empty() || groups.contains(&"") {
        return Err("write NAME, or NAME:GROUP,GROUP");
    }
    Ok(KnownUser::new(name, ()).with_groups(groups))
}

/// Reads a file of such lines. Empty ones and those that begin with `#` do not count.
pub(crate) fn file(path: &Path) -> anyhow::Result<Vec<KnownUser<()>>> {
    let file = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {file}"))?;
    let lines = text::decode(bytes).with_context(|| file.to_string())?;
    let lines = lines.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let users = lines.map(|(number, line)| {
        user(line).map_err(|error| anyhow::anyhow!("{file}, line {}: {error}", number + 1))
    });
    users.collect()
}
