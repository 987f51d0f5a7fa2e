//! `trusted-app apps rotate`

use anyhow::{Context, bail, ensure};
use clap::{ArgGroup, Args};
use tower_trusted_app::application::{ApplicationKey, KeyState, TrustedApplicationBuilder};
use tower_trusted_app::crypto::SignatureKey;
use tower_trusted_app::{
    ApplicationId, ApplicationRegistry, Clock, PublicKey, Scheme, SystemClock, Timestamp, TrustedApplication,
};

use super::description::{self, Described};
use super::key::{DocumentFile, KeyText, SignatureKeyText};
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
/// A key of HTTP message signatures is stated by --jwk, and takes the place of such keys only; the first one
/// of an application is added so too. All others are of Seraph, and only for an application that uses it.
///
/// Compare the new key's fingerprint with the one that the other side's administrator sees.
#[derive(Debug, Args)]
#[command(
    after_help = EXAMPLES,
    group = ArgGroup::new(NEW_KEY).args(["path", "spki", "url", "jwk"])
)]
pub(crate) struct Rotate {
    #[command(flatten)]
    store: StoreOption,

    #[command(flatten)]
    document: DocumentFile,

    #[command(flatten)]
    key: KeyText,

    /// Fetch the key from the application's base URL, show its fingerprint, and ask
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    #[command(flatten)]
    signature_key: SignatureKeyText,

    #[command(flatten)]
    comparison: Comparison,

    /// Only announce the new key
    #[arg(long)]
    next: bool,

    /// Make the announced key active, and the one in use retiring; announced keys of both kinds at once
    #[arg(long, conflicts_with_all = [NEW_KEY, "next"])]
    activate: bool,

    /// Accept the retiring key until then, such as 2027-01-31T12:00:00Z, instead of until it is revoked
    #[arg(long, value_name = "INSTANT", conflicts_with = "next", value_parser = future)]
    retire_at: Option<Timestamp>,

    /// Revoke every retiring key, of either kind: the end of a rotation
    #[arg(long, conflicts_with_all = [NEW_KEY, "next", "activate", "retire_at"])]
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

/// What brings in a new key.
const NEW_KEY: &str = "new_key";

const EXAMPLES: &str = "\
Examples:
  trusted-app apps rotate wiki --url https://wiki.example.com
  trusted-app apps rotate wiki --document new-appTrustCertificate
  trusted-app apps rotate wiki --jwk new-wiki.jwk
  trusted-app apps rotate wiki --finish            # once the wiki signs with the new key";

/// A new key, and thereby what it is for.
enum NewKey {
    Seraph(PublicKey),
    Signature(SignatureKey),
}

impl Rotate {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let by = self.author.name()?;
        let new = self.new_key().await?;
        match (&self.url, &new) {
            (Some(url), Some(NewKey::Seraph(key))) => {
                let show = || {
                    output::remark(
                        "fetched",
                        format_args!("SHA256 {}, {} bits", key.fingerprint(), key.bits()),
                    );
                };
                self.comparison.make(key, show, format_args!("Is that the key of {} at {url}?", self.id))?;
            }
            (_, Some(NewKey::Seraph(key))) => self.comparison.check(key.fingerprint())?,
            (_, Some(NewKey::Signature(key))) => self.comparison.check(&key.thumbprint().fingerprint())?,
            (_, None) => {}
        }
        let store = self.store.open().await?;
        let before = store.find_readable(&self.id).await?;
        let application = rules::build(self.rotated(&before.application, new)?)?;
        let after = store.update(application, before.version, &by).await.map_err(said)?;
        if self.json {
            return output::json(&Described::from(&after));
        }
        output::line(format_args!("changed {}{}", self.id, store.version_of(&after)))?;
        description::print(&after)
    }

    async fn new_key(&self) -> anyhow::Result<Option<NewKey>> {
        if let Some(key) = self.signature_key.read()? {
            return Ok(Some(NewKey::Signature(key)));
        }
        let document = match &self.url {
            Some(url) => Some(document::fetch(url).await?.document),
            None => self.document.read()?,
        };
        if let Some(document) = &document {
            let id = document.application_id();
            ensure!(*id == self.id, "the document is that of `{id}`, and not of `{}`", self.id);
        }
        let key = document.map(|document| document.public_key().clone()).or(self.key.read()?);
        Ok(key.map(NewKey::Seraph))
    }

    /// The application with its keys after this step.
    fn rotated(
        &self,
        application: &TrustedApplication,
        new: Option<NewKey>,
    ) -> anyhow::Result<TrustedApplicationBuilder> {
        let builder = application.to_builder();
        let (keys, signature_keys) = (application.keys(), application.signature_keys());
        match new {
            Some(NewKey::Seraph(new)) => {
                self.ensure_seraph(application)?;
                Ok(builder.keys(self.with(new, keys)?))
            }
            Some(NewKey::Signature(new)) => {
                let keys = self.with(new, signature_keys)?;
                self.warn_of_use(application);
                Ok(builder.signature_keys(keys))
            }
            None if self.activate => {
                ensure!(
                    has(keys, KeyState::Next) || has(signature_keys, KeyState::Next),
                    "no key of `{}` is announced: bring one in by --next",
                    self.id
                );
                Ok(builder.keys(self.activated(keys)).signature_keys(self.activated(signature_keys)))
            }
            None if self.finish => {
                ensure!(
                    has(keys, KeyState::Retiring) || has(signature_keys, KeyState::Retiring),
                    "no key of `{}` is retiring",
                    self.id
                );
                Ok(builder.keys(self.finished(keys)?).signature_keys(self.finished(signature_keys)?))
            }
            None => {
                bail!("state a new key by --url, --document, --spki or --jwk; or say --activate or --finish")
            }
        }
    }

    /// No key that nothing could be signed by.
    fn ensure_seraph(&self, application: &TrustedApplication) -> anyhow::Result<()> {
        ensure!(
            application.schemes().iter().any(|scheme| *scheme != Scheme::HttpSignature),
            "`{}` uses http-signature alone, and this is a key for Seraph: state one for http-signature by --jwk",
            self.id
        );
        Ok(())
    }

    fn warn_of_use(&self, application: &TrustedApplication) {
        let schemes = application.schemes();
        if !schemes.contains(&Scheme::HttpSignature) {
            let all = schemes.iter().chain([&Scheme::HttpSignature]);
            let options = all.map(|scheme| format!(" --scheme {scheme}")).collect::<String>();
            output::remark(
                "warning",
                format_args!(
                    "nothing that the key signs is accepted before the scheme is: `apps edit {}{options}`",
                    self.id
                ),
            );
        }
        if let Some(url) = application.key_directory() {
            output::remark(
                "warning",
                format_args!("a refresh from {url} ends the key, unless it is listed there"),
            );
        }
    }

    /// The keys and the new one, announced or in the place of the active ones.
    fn with<K>(&self, new: K, keys: &[ApplicationKey<K>]) -> anyhow::Result<Vec<ApplicationKey<K>>>
    where
        K: Clone + PartialEq,
    {
        if let Some(known) = keys.iter().find(|key| *key.public_key() == new) {
            bail!(
                "`{}` has this key already, and it is {}; see --activate and --finish",
                self.id,
                known.state()
            );
        }
        let new = ApplicationKey::from(new);
        if self.next {
            return Ok([keys, &[new.with_state(KeyState::Next)]].concat());
        }
        let old = keys.iter().cloned().map(|key| self.retired(key));
        Ok(std::iter::once(new).chain(old).collect())
    }

    /// The keys, of which announced ones are now active; unchanged if there is none.
    fn activated<K: Clone>(&self, keys: &[ApplicationKey<K>]) -> Vec<ApplicationKey<K>> {
        let any = has(keys, KeyState::Next);
        let step = |key: ApplicationKey<K>| match key.state() {
            KeyState::Next => key.with_state(KeyState::Active),
            _ if any => self.retired(key),
            _ => key,
        };
        keys.iter().cloned().map(step).collect()
    }

    /// The keys, of which retiring ones are now revoked.
    fn finished<K: Clone>(&self, keys: &[ApplicationKey<K>]) -> anyhow::Result<Vec<ApplicationKey<K>>> {
        ensure!(
            !has(keys, KeyState::Retiring) || has(keys, KeyState::Active),
            "no other key of `{}` is active",
            self.id
        );
        let step = |key: ApplicationKey<K>| match key.state() {
            KeyState::Retiring => key.with_state(KeyState::Revoked),
            _ => key,
        };
        Ok(keys.iter().cloned().map(step).collect())
    }

    /// An active key on its way out; any other as it is.
    fn retired<K>(&self, key: ApplicationKey<K>) -> ApplicationKey<K> {
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

fn has<K>(keys: &[ApplicationKey<K>], state: KeyState) -> bool {
    keys.iter().any(|key| key.state() == state)
}

fn future(text: &str) -> anyhow::Result<Timestamp> {
    let instant = Timestamp::from_rfc3339(text).context("an instant is written as 2027-01-31T12:00:00Z")?;
    ensure!(
        instant > SystemClock.now(),
        "that is past: to revoke the retiring key at once, leave it out and say --finish in a second step"
    );
    Ok(instant)
}
