//! `trusted-app request`

use anyhow::bail;
use clap::Args;
use tower_trusted_app::conditions::{AddressRule, PathRule};
use tower_trusted_app::{ApplicationRegistry, TrustedApplication};
use trusted_app_admin::service::DEFAULT_PATHS;

use crate::apps::description::{self, Described};
use crate::apps::rules::{self, Rules};
use crate::author::Author;
use crate::comparison::Comparison;
use crate::store::{StoreOption, said};
use crate::{document, output};

/// Fetch an application's id and key from its base URL, show them, and trust it
///
/// As `details` fetches. Unless stated otherwise, requests may come from the addresses to which the URL's host
/// resolves, and ask for the paths of JIRA's issues, portlets and REST API.
///
/// Whoever answers at that URL chooses the key. Compare the fingerprint with the one that the other side's
/// administrator sees before you say yes; or state it by --fingerprint.
///
/// An application can act as any user but administrators within what you allow it: trust its code, and
/// that it keeps its private key.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Request {
    #[command(flatten)]
    store: StoreOption,

    #[command(flatten)]
    comparison: Comparison,

    #[command(flatten)]
    author: Author,

    /// Print the application as one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    rules: Rules,

    /// The application's base URL
    #[arg(value_name = "URL")]
    url: String,
}

const EXAMPLE: &str = "\
Example:
  trusted-app request https://wiki.example.com --store sqlite:trust.db \\
    --name \"The wiki\" --path /rest --method GET";

impl Request {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let by = self.author.name()?;
        let fetched = document::fetch(&self.url).await?;
        let (id, key) = (fetched.document.application_id(), fetched.document.public_key());
        let addresses: Vec<_> = fetched.addresses.iter().map(ToString::to_string).collect();
        let proposed = TrustedApplication::builder(id.clone(), key.clone())
            .name(&fetched.base_url)
            .addresses(AddressRule::parse_lines(addresses.iter().map(String::as_str))?)
            .paths(PathRule::prefixes(DEFAULT_PATHS));
        let application = rules::build(self.rules.describe(proposed)?)?;

        // A file is made when there is something to keep.
        let store = self.store.open_if_there().await?;
        if let Some(store) = &store
            && store.get(id).await.map_err(said)?.is_some()
        {
            bail!("`{id}` is registered already: `apps edit` changes what it may do, `apps rotate` its key");
        }
        let show = || description::print_to_be_asked(&application);
        self.comparison.make(key, show, format_args!("Trust {id} with this?"))?;
        let store = match store {
            Some(store) => store,
            None => self.store.open_or_create().await?,
        };
        let added = store.add(application, &by).await.map_err(said)?;
        if self.json {
            output::json(&Described::from(&added))
        } else {
            output::line(format_args!("added {id}"))
        }
    }
}
