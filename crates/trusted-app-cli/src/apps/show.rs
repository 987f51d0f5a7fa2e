//! `trusted-app apps show`

use clap::Args;
use tower_trusted_app::ApplicationId;

use super::description::{self, Described};
use crate::output;
use crate::store::StoreOption;

/// Show all that is registered of one application
#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    store: StoreOption,

    /// Print one JSON object; fields are named as in the TOML file
    #[arg(long)]
    json: bool,

    /// The application's id
    #[arg(value_name = "ID")]
    id: ApplicationId,
}

impl Show {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let registered = self.store.open().await?.find_readable(&self.id).await?;
        if self.json { output::json(&Described::from(&registered)) } else { description::print(&registered) }
    }
}
