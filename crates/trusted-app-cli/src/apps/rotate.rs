//! `trusted-app apps rotate`

use anyhow::{Context, bail, ensure};
use clap::Args;
use tower_trusted_app::application::{ApplicationKey, KeyState};
use tower_trusted_app::{
    ApplicationId, ApplicationRegistry, Clock, PublicKey, SystemClock, Timestamp, TrustedApplication,
};

use super::description::{self, Described};
use super::key::{DocumentFile, KeyText};
use super::rules;
use crate::author::Author;
use crate::comparison::Comparison;
use crate::store::{StoreOption, said};
use crate::{document, output};

/// Change an application's key without a failed request
///
/// With a new key: registers it as active, and the one in use as retiring. Both are accepted until the
/// old one is revoked, so the other side can change over when it likes. With --next the new key is only
/// announced: nobody else can take it, and nothing that it signed is accepted yet.
///
/// Compare the new key's fingerprint with the one that the other side's administrator sees.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Rotate {
    #[command(flatten)]
    store: StoreOption,

    #[command(flatten)]
    document: DocumentFile,

    #[command(flatten)]
    key: KeyText,

    /// Fetch the key from the application's base URL, show its fingerprint, and ask
    #[arg(long, value_name = "URL", conflicts_with_all = ["path", "base64"])]
    url: Option<String>,

    #[command(flatten)]
    comparison: Comparison,

    /// Only announce the new key
    #[arg(long)]
    next: bool,

    /// Make the announced key active, and the one in use retiring
    #[arg(long, conflicts_with_all = ["path", "base64", "url", "next"])]
    activate: bool,

    /// Accept the retiring key until then, such as 2027-01-31T12:00:00Z, instead of until it is revoked
    #[arg(long, value_name = "INSTANT", conflicts_with = "next", value_parser = future)]
    retire_at: Option<Timestamp>,

    /// Revoke every retiring key: the end of a rotation
    #[arg(long, conflicts_with_all = ["path", "base64", "url", "next", "activate", "retire_at"])]
    finish: bool,

    #[command(flatten)]
    author: Author,

    /// Print the application as one JSON object
    #[arg(long)]
    json: bool,

    /// The application's id
    #[arg(value_name = "ID")]
    id: ApplicationId,
}

const EXAMPLES: &str = "\
Examples:
  trusted-app apps rotate wiki --url https://wiki.example.com
  trusted-app apps rotate wiki --document new-appTrustCertificate
  trusted-app apps rotate wiki --finish            # once the wiki signs with the new key";

impl Rotate {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let by = self.author.name()?;
        let new = self.new_key().await?;
        if let (Some(url), Some(key)) = (&self.url, &new) {
            let show = || {
                output::remark("fetched", format_args!("SHA256 {}, {} bits", key.fingerprint(), key.bits()));
            };
            self.comparison.make(key, show, format_args!("Is that the key of {} at {url}?", self.id))?;
        }
        let store = self.store.open().await?;
        let before = store.find_readable(&self.id).await?;
        let keys = self.rotated(&before.application, new)?;
        let application = rules::build(before.application.to_builder().keys(keys))?;
        let after = store.update(application, before.version, &by).await.map_err(said)?;
        if self.json {
            return output::json(&Described::from(&after));
        }
        output::line(format_args!("changed {}{}", self.id, store.version_of(&after)))?;
        description::print(&after)
    }

    async fn new_key(&self) -> anyhow::Result<Option<PublicKey>> {
        let document = match &self.url {
            Some(url) => Some(document::fetch(url).await?.document),
            None => self.document.read()?,
        };
        if let Some(document) = &document {
            let id = document.application_id();
            ensure!(*id == self.id, "the document is that of `{id}`, and not of `{}`", self.id);
        }
        Ok(document.map(|document| document.public_key().clone()).or(self.key.read()?))
    }

    /// The application's keys after this step.
    fn rotated(
        &self,
        application: &TrustedApplication,
        new: Option<PublicKey>,
    ) -> anyhow::Result<Vec<ApplicationKey>> {
        let keys = application.keys().to_vec();
        let has = |state| keys.iter().any(|key| key.state() == state);
        match new {
            Some(new) => {
                if let Some(known) = keys.iter().find(|key| *key.public_key() == new) {
                    bail!(
                        "`{}` has this key already, and it is {}; see --activate and --finish",
                        self.id,
                        known.state()
                    );
                }
                let new = ApplicationKey::from(new);
                if self.next {
                    return Ok([keys, vec![new.with_state(KeyState::Next)]].concat());
                }
                let old = keys.into_iter().map(|key| self.retired(key));
                Ok(std::iter::once(new).chain(old).collect())
            }
            None if self.activate => {
                ensure!(has(KeyState::Next), "no key of `{}` is announced: bring one in by --next", self.id);
                let step = |key: ApplicationKey| match key.state() {
                    KeyState::Next => key.with_state(KeyState::Active),
                    _ => self.retired(key),
                };
                Ok(keys.into_iter().map(step).collect())
            }
            None if self.finish => {
                ensure!(has(KeyState::Retiring), "no key of `{}` is retiring", self.id);
                ensure!(has(KeyState::Active), "no other key of `{}` is active", self.id);
                let step = |key: ApplicationKey| match key.state() {
                    KeyState::Retiring => key.with_state(KeyState::Revoked),
                    _ => key,
                };
                Ok(keys.into_iter().map(step).collect())
            }
            None => {
                bail!("state a new key by --url, --document or --public-key; or say --activate or --finish")
            }
        }
    }

    /// An active key on its way out; any other as it is.
    fn retired(&self, key: ApplicationKey) -> ApplicationKey {
        if key.state() != KeyState::Active {
            return key;
        }
        let key = key.with_state(KeyState::Retiring);
        match self.retire_at {
            Some(last) => key.with_not_after(last),
            None => key,
        }
    }
}

fn future(text: &str) -> anyhow::Result<Timestamp> {
    let instant = Timestamp::from_rfc3339(text).context("an instant is written as 2027-01-31T12:00:00Z")?;
    ensure!(
        instant > SystemClock.now(),
        "that is past: to revoke the retiring key at once, leave it out and say --finish in a second step"
    );
    Ok(instant)
}
