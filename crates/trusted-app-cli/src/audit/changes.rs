//! `trusted-app audit changes`

use std::collections::VecDeque;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use tower_trusted_app::application::ApplicationDescription;
use tower_trusted_app::registry::{ApplicationRegistry, Broken, Change};
use tower_trusted_app::{ApplicationId, TrustedApplication};

use crate::apps::description::print_difference;
use crate::output;
use crate::store::{Store, StoreOption, said};

/// Show who changed the applications, and what; oldest first
///
/// Reads the log of changes, which only grows. What is written past every program, by hand, is not in it.
#[derive(Debug, Args)]
pub(crate) struct Changes {
    #[command(flatten)]
    store: StoreOption,

    /// How many of the newest
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    lines: usize,

    /// Only those of this application
    #[arg(long = "app", value_name = "ID")]
    application: Option<ApplicationId>,

    /// Print one JSON object a line: number, at, by, application, what, before, after (as `apps show --json` has it, or null)
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    number: u64,
    at: String,
    by: &'a str,
    application: &'a str,
    what: &'static str,
    before: Option<ApplicationDescription>,
    after: Option<ApplicationDescription>,
}

type Described = Option<Result<Arc<TrustedApplication>, Broken>>;

impl Changes {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let changes = self.newest(&self.store.open().await?).await?;
        if changes.is_empty() && !self.json {
            return output::line("no change is recorded");
        }
        for change in &changes {
            if self.json { output::json(&Shown::from(change))? } else { print(change)? }
        }
        Ok(())
    }

    /// The log is read from its beginning, and its end is kept.
    async fn newest(&self, store: &Store) -> anyhow::Result<VecDeque<Change>> {
        const PAGE: usize = 500;
        let mut newest = VecDeque::new();
        let mut last = 0;
        loop {
            let page = store.changes(last, PAGE).await.map_err(said)?;
            let Some(end) = page.last() else { return Ok(newest) };
            last = end.number;
            newest.extend(
                page.into_iter().filter(|one| self.application.as_ref().is_none_or(|id| *id == one.id)),
            );
            newest.drain(..newest.len().saturating_sub(self.lines));
        }
    }
}

impl<'a> From<&'a Change> for Shown<'a> {
    fn from(change: &'a Change) -> Self {
        let description = |described: &Described| {
            described.as_ref()?.as_ref().ok().map(|one| ApplicationDescription::from(&**one))
        };
        Self {
            number: change.number,
            at: change.stamp.at.to_rfc3339(),
            by: &change.stamp.by,
            application: change.id.as_str(),
            what: what(change),
            before: description(&change.before),
            after: description(&change.after),
        }
    }
}

fn what(change: &Change) -> &'static str {
    match (&change.before, &change.after) {
        (None, _) => "added",
        (Some(_), None) => "removed",
        (Some(_), Some(_)) => "changed",
    }
}

fn print(change: &Change) -> anyhow::Result<()> {
    let (at, by) = (change.stamp.at.to_rfc3339(), &change.stamp.by);
    output::line(format_args!("{at}  {} {} by {by}", what(change), change.id))?;
    match (&change.before, &change.after) {
        (Some(Ok(before)), Some(Ok(after))) => print_difference(before, after),
        _ => Ok(()),
    }
}
