//! The option that names a store of applications, and the store.

use std::convert::Infallible;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use tower_trusted_app::keys::FileRegistry;
use tower_trusted_app::registry::{ApplicationRegistry, Change, Entry, Registered, RegistryError, Stamp};
use tower_trusted_app::{ApplicationId, Timestamp, TrustedApplication};
use trusted_app_sqlx::{DecisionFilter, PostgresRegistry, RecordedDecision, SqliteRegistry};

use crate::output;

#[derive(Debug, Args)]
pub(crate) struct StoreOption {
    /// Where the applications are kept: sqlite:FILE, postgres://USER@HOST/DATABASE or file:FILE.toml
    ///
    /// A TOML file has no versions, no log of changes and no records of decisions; a change drops its comments.
    ///
    /// May stand in the environment instead, as TRUSTED_APP_STORE. A password is better not on the command
    /// line, where every user of the machine sees it: PostgreSQL's PGPASSWORD and ~/.pgpass are read.
    #[arg(long, value_name = "STORE", env = "TRUSTED_APP_STORE", hide_env_values = true)]
    store: Option<StoreUrl>,
}

impl StoreOption {
    fn stated(&self) -> anyhow::Result<&StoreUrl> {
        self.store.as_ref().context(
            "say where the applications are kept, by --store or in TRUSTED_APP_STORE: sqlite:FILE, \
             postgres://USER@HOST/DATABASE or file:FILE.toml (see --help)",
        )
    }

    /// Opens a store that is there.
    pub(crate) async fn open(&self) -> anyhow::Result<Store> {
        let store = self.stated()?;
        self.open_if_there().await?.with_context(|| {
            format!(
                "--store {store}: there is no such file; `request`, `apps add` and `apps import` make one"
            )
        })
    }

    /// Opens a store, unless it is a file that is not there.
    pub(crate) async fn open_if_there(&self) -> anyhow::Result<Option<Store>> {
        match self.stated()?.location()? {
            Location::Sqlite(file) | Location::File(file) if !file.exists() => Ok(None),
            _ => self.open_or_create().await.map(Some),
        }
    }

    /// Opens a store, and makes it if there is none.
    pub(crate) async fn open_or_create(&self) -> anyhow::Result<Store> {
        let store = self.stated()?;
        let opened = match store.location()? {
            Location::Sqlite(file) => SqliteRegistry::open(file).await.map(Store::Sqlite),
            Location::Postgres(url) => PostgresRegistry::connect(url).await.map(Store::Postgres),
            Location::File(file) => return Ok(Store::File(FileRegistry::open(file)?)),
        };
        opened.map_err(|error| anyhow!("--store {store}: {error}"))
    }
}

/// The text of the option. A password that stands in it is never shown.
#[derive(Clone)]
struct StoreUrl(String);

enum Location<'u> {
    Sqlite(&'u Path),
    Postgres(&'u str),
    File(&'u Path),
}

impl StoreUrl {
    fn location(&self) -> anyhow::Result<Location<'_>> {
        match self.0.split_once(':') {
            Some(("sqlite", file)) => file_of("sqlite", file).map(Location::Sqlite),
            Some(("file", file)) => file_of("file", file).map(Location::File),
            Some(("postgres" | "postgresql", _)) => postgres(&self.0).map(Location::Postgres),
            _ => bail!("--store: a store is sqlite:FILE, postgres://USER@HOST/DATABASE or file:FILE.toml"),
        }
    }
}

/// The parameters of a PostgreSQL URL that the driver knows. It passes over all others without a word, and with a
/// misspelt `sslmode` it may speak plain text.
const POSTGRES_PARAMETERS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// The error repeats nothing of the URL: what follows a `?` may be the rest of a password.
fn postgres(url: &str) -> anyhow::Result<&str> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split('=').next().unwrap_or_default();
        anyhow::ensure!(
            POSTGRES_PARAMETERS.contains(&name) || name.starts_with("options["),
            "--store postgres:…: the URL has a parameter that is not known, such as a misspelt `sslmode`; known are {}; \
             write %3F for a question mark in a password",
            POSTGRES_PARAMETERS.join(", ")
        );
    }
    Ok(url)
}

fn file_of<'u>(kind: &str, file: &'u str) -> anyhow::Result<&'u Path> {
    let file = file.strip_prefix("//").unwrap_or(file);
    anyhow::ensure!(!file.is_empty(), "--store {kind}: names no file, as sqlite:trust.db does");
    Ok(Path::new(file))
}

impl FromStr for StoreUrl {
    /// A complaint of clap's would quote the text.
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.location() {
            Ok(Location::Sqlite(_) | Location::File(_)) => f.write_str(&self.0),
            Ok(Location::Postgres(_)) => f.write_str("postgres:…"),
            Err(_) => f.write_str("…"),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A store of any kind that the option can name.
pub(crate) enum Store {
    Sqlite(SqliteRegistry),
    Postgres(PostgresRegistry),
    File(FileRegistry),
}

/// The same call of whichever registry it is.
macro_rules! of_any {
    ($store:expr, $registry:ident => $call:expr) => {
        match $store {
            Store::Sqlite($registry) => $call,
            Store::Postgres($registry) => $call,
            Store::File($registry) => $call,
        }
    };
}

impl Store {
    /// The application of that id.
    pub(crate) async fn find(&self, id: &ApplicationId) -> anyhow::Result<Entry> {
        let entry = self.get(id).await.map_err(said)?;
        entry.ok_or_else(|| anyhow!("no application `{id}` is registered"))
    }

    /// The application of that id, if it can be read.
    pub(crate) async fn find_readable(&self, id: &ApplicationId) -> anyhow::Result<Registered> {
        Ok(self.find(id).await??)
    }

    /// The version of an application, for the end of a sentence. A file keeps none.
    pub(crate) fn version_of(&self, registered: &Registered) -> String {
        match self {
            Self::File(_) => String::new(),
            Self::Sqlite(_) | Self::Postgres(_) => format!(", version {}", registered.version),
        }
    }

    /// An application as the next look at this store will find it: in a file without account or version.
    fn kept(&self, registered: Registered) -> Registered {
        let nobody = Stamp::new(Timestamp::from_millis(0), "");
        match self {
            Self::File(_) => Registered::new(registered.application, 1, nobody.clone(), nobody),
            Self::Sqlite(_) | Self::Postgres(_) => registered,
        }
    }

    /// Every application, by id.
    pub(crate) async fn all(&self) -> anyhow::Result<Vec<Entry>> {
        self.list_all().await.map_err(said)
    }

    /// The newest recorded decisions, oldest first.
    pub(crate) async fn decisions(
        &self,
        filter: &DecisionFilter,
        limit: usize,
    ) -> anyhow::Result<Vec<RecordedDecision>> {
        let decisions = match self {
            Self::Sqlite(registry) => registry.decisions(filter, limit).await,
            Self::Postgres(registry) => registry.decisions(filter, limit).await,
            Self::File(_) => bail!("a file has no records of decisions: they are in the server's log"),
        };
        decisions.map_err(said)
    }
}

impl Store {
    async fn has_comments(&self) -> bool {
        match self {
            Self::File(registry) => registry.has_comments().await,
            Self::Sqlite(_) | Self::Postgres(_) => false,
        }
    }
}

fn remark_dropped(comments: bool) {
    if comments {
        output::remark("warning", format_args!("comments in the file are not kept"));
    }
}

impl ApplicationRegistry for Store {
    async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Entry>, RegistryError> {
        of_any!(self, registry => registry.list(after, limit).await)
    }

    async fn get(&self, id: &ApplicationId) -> Result<Option<Entry>, RegistryError> {
        of_any!(self, registry => registry.get(id).await)
    }

    async fn add(&self, application: TrustedApplication, by: &str) -> Result<Registered, RegistryError> {
        let dropped = self.has_comments().await;
        let done = of_any!(self, registry => registry.add(application, by).await)?;
        remark_dropped(dropped);
        Ok(self.kept(done))
    }

    async fn update(
        &self,
        application: TrustedApplication,
        expected: u64,
        by: &str,
    ) -> Result<Registered, RegistryError> {
        let dropped = self.has_comments().await;
        let done = of_any!(self, registry => registry.update(application, expected, by).await)?;
        remark_dropped(dropped);
        Ok(self.kept(done))
    }

    async fn remove(&self, id: &ApplicationId, expected: u64, by: &str) -> Result<(), RegistryError> {
        let dropped = self.has_comments().await;
        of_any!(self, registry => registry.remove(id, expected, by).await)?;
        remark_dropped(dropped);
        Ok(())
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, RegistryError> {
        match self {
            Self::File(_) => Err(RegistryError::Unavailable(
                "a file keeps no log of changes; sqlite: and postgres: do".into(),
            )),
            Self::Sqlite(registry) => registry.changes(after, limit).await,
            Self::Postgres(registry) => registry.changes(after, limit).await,
        }
    }

    async fn last_change(&self) -> Result<u64, RegistryError> {
        of_any!(self, registry => registry.last_change().await)
    }
}

/// What a registry says. Its source, which a chain of errors would show once more, is part of that.
pub(crate) fn said(error: RegistryError) -> anyhow::Error {
    anyhow!("{error}")
}
