//! `trusted-app apps list`

use clap::Args;
use serde::Serialize;
use tower_trusted_app::application::KeyState;
use tower_trusted_app::registry::{Broken, Entry, Registered};

use super::description::{Described, DescribedBroken};
use crate::columns::Columns;
use crate::output;
use crate::store::StoreOption;

/// List the applications, by id, and how many keys of either kind each has
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    store: StoreOption,

    /// Print one JSON array, with all that `show --json` has of each
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Item {
    Readable(Box<Described>),
    Broken(DescribedBroken),
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let entries = self.store.open().await?.all().await?;
        if self.json {
            return output::json(&entries.iter().map(Item::from).collect::<Vec<_>>());
        }
        if entries.is_empty() {
            return output::line("no application is registered: every trusted request is rejected");
        }
        let mut columns = Columns::new(["ID", "NAME", "KEYS", "CHANGED", "BY"]);
        for entry in &entries {
            columns.push(match entry {
                Ok(registered) => readable(registered),
                Err(broken) => unreadable(broken),
            });
        }
        columns.print(1)
    }
}

impl From<&Entry> for Item {
    fn from(entry: &Entry) -> Self {
        match entry {
            Ok(registered) => Self::Readable(Box::new(registered.into())),
            Err(broken) => Self::Broken(broken.into()),
        }
    }
}

fn readable(registered: &Registered) -> [String; 5] {
    let application = &registered.application;
    let states = KeyState::ALL.into_iter().filter_map(|state| {
        let states = application.keys().iter().map(|key| key.state());
        let states = states.chain(application.signature_keys().iter().map(|key| key.state()));
        let count = states.filter(|of_key| *of_key == state).count();
        (count > 0).then(|| format!("{count} {state}"))
    });
    let by = registered.updated.by.to_string();
    // A store that names nobody does not know when, either.
    let date = if by.is_empty() { String::new() } else { registered.updated.at.to_rfc3339() };
    [
        application.id().to_string(),
        application.name().to_owned(),
        states.collect::<Vec<_>>().join(", "),
        date.split('T').next().unwrap_or_default().to_owned(),
        by,
    ]
}

fn unreadable(broken: &Broken) -> [String; 5] {
    [
        broken.id.clone(),
        "cannot be read: see `apps show`".to_owned(),
        String::new(),
        String::new(),
        String::new(),
    ]
}
