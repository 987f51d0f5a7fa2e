//! `trusted-app apps`

mod add;
mod check;
pub(crate) mod description;
mod edit;
mod export;
mod import;
mod key;
mod list;
mod remove;
mod rotate;
pub(crate) mod rules;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

/// Look at and change the applications that a server trusts
///
/// Works on the store that the server reads: an SQLite file, a PostgreSQL database or a TOML file. A running
/// server sees a change at once, or within the bound that it was set up with. A database keeps every change
/// in its log, with the time and who made it.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Apps {
    List(list::List),
    Show(show::Show),
    Check(check::Check),
    Add(add::Add),
    Edit(edit::Edit),
    Rotate(rotate::Rotate),
    Remove(remove::Remove),
    Import(import::Import),
    Export(export::Export),
}

const EXAMPLES: &str = "\
Examples:
  export TRUSTED_APP_STORE=sqlite:trust.db
  trusted-app apps import apps.toml --dry-run
  trusted-app apps list
  trusted-app apps check --user alice:staff --user bob:contractors
  trusted-app apps edit wiki --address 10.1.*.* --address 2001:db8::/32";

impl Apps {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let done = match self {
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Check(check) => return check.run().await,
            Self::Add(add) => add.run().await,
            Self::Edit(edit) => edit.run().await,
            Self::Rotate(rotate) => rotate.run().await,
            Self::Remove(remove) => remove.run().await,
            Self::Import(import) => import.run().await,
            Self::Export(export) => export.run().await,
        };
        done.map(|()| ExitCode::SUCCESS)
    }
}
