//! The option that names our own identity.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use tower_trusted_app::LocalApplication;

#[derive(Debug, Args)]
pub(crate) struct IdentityFile {
    /// The file that `keygen` wrote
    #[arg(long = "identity", value_name = "FILE")]
    path: PathBuf,
}

impl IdentityFile {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn load(&self) -> anyhow::Result<LocalApplication> {
        LocalApplication::load(&self.path).with_context(|| format!("--identity {}", self.path.display()))
    }
}
