//! `trusted-app apps remove`

use anyhow::bail;
use clap::Args;
use tower_trusted_app::{ApplicationId, ApplicationRegistry};

use crate::author::Author;
use crate::output;
use crate::question::Question;
use crate::store::{StoreOption, said};

/// Trust an application no longer
///
/// Its next request is rejected. The log of changes keeps what it was.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    #[command(flatten)]
    store: StoreOption,

    #[command(flatten)]
    question: Question,

    #[command(flatten)]
    author: Author,

    /// The application's id
    #[arg(value_name = "ID")]
    id: ApplicationId,
}

impl Remove {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let by = self.author.name()?;
        let store = self.store.open().await?;
        let (version, what) = match store.find(&self.id).await? {
            Ok(registered) => {
                (registered.version, format!("{} ({})", self.id, registered.application.name()))
            }
            Err(broken) => (broken.version, broken.to_string()),
        };
        if !self.question.is_answered_with_yes(format_args!("Trust {what} no longer?"))? {
            bail!("nothing was changed");
        }
        store.remove(&self.id, version, &by).await.map_err(said)?;
        output::line(format_args!("removed {}", self.id))
    }
}
