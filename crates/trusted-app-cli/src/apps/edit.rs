//! `trusted-app apps edit`

use clap::Args;
use tower_trusted_app::application::ApplicationDescription;
use tower_trusted_app::{ApplicationId, ApplicationRegistry};

use super::description::{self, Changed};
use super::rules::{self, Rules};
use crate::author::Author;
use crate::output;
use crate::store::{StoreOption, said};

/// Change what an application may do
///
/// What is not stated stays as it is. Stated addresses, paths, methods and schemes take the place of all that were
/// there. Id and keys are not changed here: see `apps rotate` for keys, of http-signature by its --jwk.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Edit {
    #[command(flatten)]
    store: StoreOption,

    /// Change it only if it still has this version, as `show` tells it
    ///
    /// Without it the version that the command itself finds is expected: a change that somebody else makes
    /// in that moment is never overwritten.
    #[arg(long, value_name = "N")]
    expect_version: Option<u64>,

    #[command(flatten)]
    author: Author,

    /// Print the application as one JSON object, with those of its fields that were different in `before`
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    rules: Rules,

    /// The application's id
    #[arg(value_name = "ID")]
    id: ApplicationId,
}

const EXAMPLE: &str = "\
Example:
  trusted-app apps edit wiki --store sqlite:trust.db --path /rest --path subtree:/secure";

impl Edit {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let by = self.author.name()?;
        let store = self.store.open().await?;
        let before = store.find_readable(&self.id).await?;
        let application = rules::build(self.rules.edit(&before.application)?)?;
        let is_same = ApplicationDescription::from(&*before.application) == (&application).into();
        let expected = self.expect_version.unwrap_or(before.version);
        // The same again would be an entry in the log that says nothing.
        let after = if is_same && expected == before.version {
            before.clone()
        } else {
            store.update(application, expected, &by).await.map_err(said)?
        };
        if self.json {
            return output::json(&Changed::of(&before, &after)?);
        }
        description::warn(&after.application);
        if is_same {
            output::line(format_args!("{} is as stated already{}", self.id, store.version_of(&after)))
        } else {
            output::line(format_args!("changed {}{}", self.id, store.version_of(&after)))?;
            description::print_difference(&before.application, &after.application)
        }
    }
}
