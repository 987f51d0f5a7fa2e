//! `trusted-app apps add`

use clap::Args;
use tower_trusted_app::{ApplicationId, ApplicationRegistry};

use super::description::{self, Described};
use super::key::{self, DocumentFile, KeyText, SignatureKeyText};
use super::rules::{self, Rules};
use crate::author::Author;
use crate::output;
use crate::store::{StoreOption, said};

/// Trust an application
///
/// Its id and key are in the certificate document that it serves, or that its administrator handed over.
/// Compare the key's fingerprint with the one that the other side's administrator sees.
///
/// An application can act as any user but administrators within what you allow it: trust its code, and
/// that it keeps its private key.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Add {
    #[command(flatten)]
    store: StoreOption,

    #[command(flatten)]
    document: DocumentFile,

    #[command(flatten)]
    key: KeyText,

    #[command(flatten)]
    signature_key: SignatureKeyText,

    #[command(flatten)]
    author: Author,

    /// Print the application as one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    rules: Rules,

    /// The application's id, as others write it in each request; a --document states it itself
    #[arg(value_name = "ID")]
    id: Option<ApplicationId>,
}

const EXAMPLE: &str = "\
Examples:
  trusted-app apps add --store sqlite:trust.db --document appTrustCertificate \\
    --name \"The wiki\" --address 10.1.*.* --path /rest --method GET
  trusted-app apps add --store sqlite:trust.db wiki \\
    --jwk wiki.jwk --address 10.1.*.* --path /rest";

impl Add {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let by = self.author.name()?;
        let application = key::described(&self.document, self.id, &self.key, &self.signature_key)?;
        let application = rules::build(self.rules.describe(application)?)?;
        let store = self.store.open_or_create().await?;
        let added = store.add(application, &by).await.map_err(said)?;
        if self.json {
            return output::json(&Described::from(&added));
        }
        output::line(format_args!("added {}", added.application.id()))?;
        description::print(&added)
    }
}
