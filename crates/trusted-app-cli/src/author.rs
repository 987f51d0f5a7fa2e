//! The option that says who makes a change.

use anyhow::{Context, bail};
use clap::Args;

/// Longest name, in bytes.
const MAX_NAME_BYTES: usize = 255;

#[derive(Debug, Args)]
pub(crate) struct Author {
    /// Who makes the change, for the log of changes; the user of this system by default
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl Author {
    pub(crate) fn name(&self) -> anyhow::Result<String> {
        let name = match &self.by {
            Some(name) => name.trim().to_owned(),
            None => whoami::username().context("cannot tell who you are: state it by --by")?,
        };
        if name.is_empty() || name.len() > MAX_NAME_BYTES || name.contains(char::is_control) {
            bail!("--by: a name has 1 to {MAX_NAME_BYTES} bytes and no control characters");
        }
        Ok(name)
    }
}
