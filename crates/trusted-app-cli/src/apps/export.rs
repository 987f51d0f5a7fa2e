//! `trusted-app apps export`

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use tower_trusted_app::ApplicationId;
use tower_trusted_app::keys::write_applications;

use crate::output;
use crate::store::StoreOption;

/// Print applications as the TOML that a file store and `apps import` read
///
/// All of them, by id, unless some are named. Only public keys are in it.
#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    store: StoreOption,

    /// The file to write instead of standard output; it must not exist
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// The applications' ids
    #[arg(value_name = "ID")]
    ids: Vec<ApplicationId>,
}

impl Export {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let store = self.store.open().await?;
        let mut applications = Vec::new();
        if self.ids.is_empty() {
            for entry in store.all().await? {
                applications.push(entry.context("nothing is exported")?.application);
            }
        }
        for id in &self.ids {
            applications.push(store.find_readable(id).await?.application);
        }
        let text = write_applications(applications.iter().map(AsRef::as_ref));
        let Some(file) = self.out else { return output::bytes(text.as_bytes()) };
        let shown = file.display();
        let mut written = match OpenOptions::new().write(true).create_new(true).open(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                bail!("{shown} exists already and is not overwritten")
            }
            opened => opened.with_context(|| format!("cannot write {shown}"))?,
        };
        written.write_all(text.as_bytes()).with_context(|| format!("cannot write {shown}"))?;
        let plural = if applications.len() == 1 { "" } else { "s" };
        output::line(format_args!("{} application{plural} written to {shown}", applications.len()))
    }
}
