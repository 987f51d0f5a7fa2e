//! `trusted-app apps import`

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use tower_trusted_app::application::ApplicationDescription;
use tower_trusted_app::{ApplicationRegistry, TrustedApplication};

use crate::author::Author;
use crate::columns::Columns;
use crate::input::Input;
use crate::store::{Store, StoreOption, said};
use crate::{applications, output};

/// Bring in the applications of a TOML file
///
/// New ones are added; those that are the same already are left alone; those that differ are a fault
/// unless --replace says to change them, and with other keys unless --replace-keys does. None is taken out: a file that
/// lists no application changes nothing.
///
/// Nothing is changed when there is such a fault. After that one after the other is written, and the
/// first that is rejected (its key may belong to another application) ends it.
#[derive(Debug, Args)]
pub(crate) struct Import {
    #[command(flatten)]
    store: StoreOption,

    /// Tell what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Change applications that are registered already
    #[arg(long)]
    replace: bool,

    /// Change their keys as well: who holds the new ones can act for them, who holds the old ones no longer can
    #[arg(long, requires = "replace")]
    replace_keys: bool,

    #[command(flatten)]
    author: Author,

    /// The file, as `apps export` writes it; - is standard input
    #[arg(value_name = "FILE.toml")]
    file: PathBuf,
}

/// What there is to do with one application.
enum Step {
    Add,
    Replace { version: u64, fields: Vec<String> },
    Leave,
}

impl Import {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let by = self.author.name()?;
        let input = Input::of_argument(&self.file);
        let applications = applications::read(input)?;
        if applications.is_empty() {
            return output::line(format_args!("{input} lists no application: nothing was changed"));
        }
        let store = if self.dry_run {
            self.store.open_if_there().await?
        } else {
            Some(self.store.open_or_create().await?)
        };
        let mut steps = Vec::new();
        for application in applications {
            let step = match &store {
                Some(store) => self.step(store, &application).await?,
                None => Step::Add,
            };
            steps.push((application, step));
        }
        if let (Some(store), false) = (&store, self.dry_run) {
            for (application, step) in &steps {
                let done = match step {
                    Step::Add => store.add(application.clone(), &by).await.map(drop),
                    Step::Replace { version, .. } => {
                        store.update(application.clone(), *version, &by).await.map(drop)
                    }
                    Step::Leave => Ok(()),
                };
                done.map_err(said).with_context(|| application.id().to_string())?;
            }
        }
        self.print(&steps)
    }

    async fn step(&self, store: &Store, application: &TrustedApplication) -> anyhow::Result<Step> {
        let id = application.id();
        let (version, there) = match store.get(id).await.map_err(said)? {
            None => return Ok(Step::Add),
            Some(Ok(there)) => (there.version, Some(there.application)),
            Some(Err(broken)) => (broken.version, None),
        };
        let fields = there.as_ref().map(|there| {
            ApplicationDescription::from(&**there).differing(&ApplicationDescription::from(application))
        });
        if fields.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Step::Leave);
        }
        if !self.replace {
            bail!("{id} is registered already and differs: --replace changes it");
        }
        let keys = there.as_ref().is_none_or(|there| !has_same_keys(there, application));
        if keys && !self.replace_keys {
            let before =
                there.as_ref().map_or("keys that cannot be read".to_owned(), |there| fingerprints(there));
            bail!(
                "{id} is registered with other keys: {before}; the file has {}. --replace-keys changes them, but \
                 compare these with the other side's administrator first",
                fingerprints(application)
            );
        }
        Ok(Step::Replace { version, fields: fields.unwrap_or_default() })
    }

    fn print(&self, steps: &[(TrustedApplication, Step)]) -> anyhow::Result<()> {
        let mut columns = Columns::new(["ID", "NAME", if self.dry_run { "WOULD BE" } else { "WAS" }]);
        for (application, step) in steps {
            let what = match step {
                Step::Add => "added".to_owned(),
                Step::Replace { fields, .. } if fields.is_empty() => "changed, keys too".to_owned(),
                Step::Replace { fields, .. } => format!("changed: {}", fields.join(", ")),
                Step::Leave => "left as it is".to_owned(),
            };
            columns.push([application.id().to_string(), application.name().to_owned(), what]);
        }
        columns.print(1)?;
        print_totals(steps)
    }
}

fn print_totals(steps: &[(TrustedApplication, Step)]) -> anyhow::Result<()> {
    let count = |is: fn(&Step) -> bool| steps.iter().filter(|(_, step)| is(step)).count();
    output::line(format_args!(
        "in all: {} added, {} changed, {} left as they are",
        count(|step| matches!(step, Step::Add)),
        count(|step| matches!(step, Step::Replace { .. })),
        count(|step| matches!(step, Step::Leave))
    ))
}

/// Keys that differ in a state or a date are others.
fn has_same_keys(one: &TrustedApplication, other: &TrustedApplication) -> bool {
    one.keys() == other.keys() && one.signature_keys() == other.signature_keys()
}

fn fingerprints(application: &TrustedApplication) -> String {
    let keys = application.keys().iter().map(|key| format!("SHA256 {} ({})", key.fingerprint(), key.state()));
    let signature_keys = application
        .signature_keys()
        .iter()
        .map(|key| format!("{} ({})", key.public_key().thumbprint(), key.state()));
    keys.chain(signature_keys).collect::<Vec<_>>().join(", ")
}
