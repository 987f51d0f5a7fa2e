//! `trusted-app request`

use std::net::{IpAddr, ToSocketAddrs};

use anyhow::bail;
use clap::Args;
use tower_trusted_app::conditions::{AddressRule, PathRule};
use tower_trusted_app::{ApplicationRegistry, TrustedApplication};

use crate::apps::description::{self, Described};
use crate::apps::rules::{self, Rules};
use crate::author::Author;
use crate::comparison::Comparison;
use crate::store::{StoreOption, said};
use crate::url::Url;
use crate::{document, output};

/// Fetch an application's id and key from its base URL, show them, and trust it
///
/// As `details` fetches. Unless stated otherwise, requests may come from the addresses to which the URL's host
/// resolves, and ask for the paths of JIRA's issues, portlets and REST API.
///
/// Whoever answers at that URL chooses the key. Compare the fingerprint with the one that the other side's
/// administrator sees before you say yes; or state it by --fingerprint.
///
/// An application can act as any user within what you allow it: trust its code, and that it keeps its
/// private key.
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
    url: Url,
}

const EXAMPLE: &str = "\
Example:
  trusted-app request https://wiki.example.com --store sqlite:trust.db \\
    --name \"The wiki\" --path /rest --method GET";

/// What JIRA's administration proposes.
const PATHS: [&str; 3] = ["/sr/jira.issueviews:searchrequest", "/secure/RunPortlet", "/rest"];

impl Request {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let by = self.author.name()?;
        let (_, document) = document::fetch(&self.url)?;
        let (id, key) = (document.application_id(), document.public_key());
        let proposed = TrustedApplication::builder(id.clone(), key.clone())
            .name(self.url.to_string().trim_end_matches('/'))
            .addresses(AddressRule::parse_lines(self.addresses().iter().map(String::as_str))?)
            .paths(PathRule::prefixes(PATHS));
        let application = rules::build(self.rules.apply(proposed)?)?;

        let store = self.store.open_or_create().await?;
        if store.get(id).await.map_err(said)?.is_some() {
            bail!("`{id}` is registered already: `apps edit` changes what it may do, `apps rotate` its key");
        }
        let show = || description::print_to_be_asked(&application);
        self.comparison.make(key, show, format_args!("Trust {id} with this?"))?;
        let added = store.add(application, &by).await.map_err(said)?;
        if self.json {
            output::json(&Described::from(&added))
        } else {
            output::line(format_args!("added {id}"))
        }
    }

    /// Where the application itself is reached.
    fn addresses(&self) -> Vec<String> {
        let mut addresses: Vec<_> =
            self.url.host_and_port().to_socket_addrs().into_iter().flatten().collect();
        addresses.dedup();
        addresses.iter().map(|address| IpAddr::to_canonical(&address.ip()).to_string()).collect()
    }
}
