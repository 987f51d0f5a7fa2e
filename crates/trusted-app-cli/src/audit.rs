//! `trusted-app audit`

mod changes;
mod tail;

use clap::Subcommand;

/// Look at what a server decided, and at who changed its applications
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    Tail(tail::Tail),
    Changes(changes::Changes),
}

impl Audit {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Tail(tail) => tail.run().await,
            Self::Changes(changes) => changes.run().await,
        }
    }
}
