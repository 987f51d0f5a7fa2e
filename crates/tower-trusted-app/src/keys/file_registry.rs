//! A registry whose applications stand in a TOML file.

mod error;
mod replace;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, fs};

use tokio::sync::Mutex;
use trusted_app_core::application::ApplicationDescription;
use trusted_app_core::registry::{ApplicationRegistry, Change, Entry, Registered, RegistryError, Reserved};
use trusted_app_core::text::decode;
use trusted_app_core::{ApplicationId, LocalApplication, TrustedApplication};

pub use self::error::FileChangeError;
use self::replace::replace;
use super::file::FileError;
use super::memory_registry::MemoryRegistry;
use super::toml::{ParsedApplications, parse_applications, write_applications};

/// A registry whose applications stand in a TOML file, the same that [`FileKeyStore`](super::FileKeyStore) reads: for
/// one machine, and for tools that change what its servers trust.
///
/// The file holds the applications and nothing else: the versions, who changed what and the log of changes are of this
/// value, from when it was opened. Every change writes the whole file, in its order by id, beside the old one and renames
/// it over that, so that no one ever reads half of it. **Comments are lost.**
///
/// # When a change cannot be written
///
/// The change fails as [`RegistryError::NotWritten`] with a [`FileChangeError`] that says what to do, and nothing is
/// changed, here or in the file. Everything can still be read, and the next change is tried again:
///
/// - This account must be allowed to write in the file's directory, and the old file must be its own (or this process
///   root's), since the new one gets the owner and the rights of the old one.
/// - The file must not be a mount of its own. In a container, mount its directory:
///
///   ```sh
///   docker run -v /srv/tracker/trust:/etc/tracker/trust …        # right: the directory
///   docker run -v /srv/tracker/apps.toml:/etc/tracker/apps.toml …  # wrong: the file cannot be replaced
///   ```
/// - If something else changed the file since it was read, nothing is overwritten: the file is read again, each
///   application that differs gets a new version, and the change is rejected once, so that it is repeated with a look at
///   what is there now. What cannot be used as it is now (invalid, cut, still open for writing, or without any
///   application, unless it says `application = []`) is not taken over: the applications stay as they were read, and
///   changes are rejected until the file is in order.
///
/// A process of another account that writes the file in place can be seen by root alone. Otherwise a change waits until
/// the file has not been written for half a second; a writer that pauses for longer can lose what it has yet to write.
///
/// What edits the file by hand should do as this does: write beside it and rename.
///
/// ```sh
/// cp -p apps.toml apps.toml.new && editor apps.toml.new && mv apps.toml.new apps.toml
/// ```
///
/// ```
/// use tower_trusted_app::keys::FileRegistry;
/// use trusted_app_core::registry::ApplicationRegistry;
/// # use trusted_app_core::{PublicKey, TrustedApplication, conditions::{AddressRule, PathRule}};
/// # let base64 = include_str!("../../../trusted-app-core/tests/data/public-key-2048.txt");
/// # let wiki = TrustedApplication::builder("wiki".parse()?, PublicKey::from_base64(base64)?);
/// # let wiki = wiki.addresses(AddressRule::any()).paths(PathRule::prefixes(["/rest"])).build()?;
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("apps.toml");
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn run(path: &std::path::Path, wiki: TrustedApplication) -> Result<(), Box<dyn std::error::Error>> {
///
/// let registry = FileRegistry::open(path)?; // makes none yet
/// registry.add(wiki, "alice").await?;
/// let written = std::fs::read_to_string(path)?;
/// assert!(written.contains("id = \"wiki\""));
///
/// // The file is edited by hand. What was written is not lost, and can be seen before the change is repeated.
/// std::fs::write(path, format!("# reviewed\n{written}"))?;
/// assert!(registry.remove(&"wiki".parse()?, 1, "alice").await.is_err());
/// assert!(std::fs::read_to_string(path)?.starts_with("# reviewed"));
/// registry.remove(&"wiki".parse()?, 1, "alice").await?;
/// assert_eq!(std::fs::read_to_string(path)?, "application = []\n"); // none, on purpose
/// # Ok(())
/// # }
/// # run(&path, wiki)?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct FileRegistry {
    path: PathBuf,
    held: Mutex<Held>,
}

/// What the file has.
struct Held {
    /// As they were read or written; `None` if there is no file yet.
    bytes: Option<Vec<u8>>,
    /// Whether they were written here.
    is_ours: bool,
    applications: MemoryRegistry,
}

impl FileRegistry {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or does not describe applications.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        // What is written takes the place of the file, and not of a link to it.
        let path = path.as_ref().canonicalize().unwrap_or_else(|_| path.as_ref().to_owned());
        let bytes = read(&path)?;
        let parsed = parse(&path, bytes.as_deref().unwrap_or_default())?;
        match MemoryRegistry::new(parsed.applications) {
            Err(reason) => Err(FileError::Conflict { path, reason }),
            Ok(applications) => Ok(Self::holding(path, Held { bytes, is_ours: false, applications })),
        }
    }

    fn holding(path: PathBuf, held: Held) -> Self {
        Self { path, held: Mutex::new(held) }
    }

    /// Rejects our own id and key, in the file and in every change.
    ///
    /// # Errors
    ///
    /// When an application in the file has one of them.
    pub fn local(self, local: &LocalApplication) -> Result<Self, FileError> {
        let Self { path, held } = self;
        let Held { bytes, is_ours, applications } = held.into_inner();
        match applications.reserving(Reserved::from(local)) {
            Err(reason) => Err(FileError::Conflict { path, reason }),
            Ok(applications) => Ok(Self::holding(path, Held { bytes, is_ours, applications })),
        }
    }

    /// Whether the file seems to have comments, which the next change drops.
    pub async fn has_comments(&self) -> bool {
        self.held.lock().await.bytes.as_ref().is_some_and(|bytes| bytes.contains(&b'#'))
    }

    /// Makes one change, and puts it into the file. If that fails, nothing is changed.
    async fn change<T>(
        &self,
        change: impl AsyncFnOnce(&MemoryRegistry) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let not_written = |error: FileChangeError| RegistryError::NotWritten(error.into());
        let mut held = self.held.lock().await;
        if !(held.is_ours && read(&self.path).is_ok_and(|bytes| bytes == held.bytes)) {
            settled(&self.path).await;
        }
        held.catch_up(&self.path).await.map_err(not_written)?;
        let changed = held.applications.fork();
        let made = change(&changed).await?;
        let all = changed.list(None, usize::MAX).await?;
        let all: Vec<_> = all.into_iter().flatten().map(|registered| registered.application).collect();
        let written = write_applications(all.iter().map(AsRef::as_ref)).into_bytes();
        replace(&self.path, held.bytes.as_deref(), &written).map_err(not_written)?;
        *held = Held { bytes: Some(written), is_ours: true, applications: changed };
        Ok(made)
    }
}

impl Held {
    /// Reads the file again if it is not what was read or written last, which is an error in any case.
    async fn catch_up(&mut self, path: &Path) -> Result<(), FileChangeError> {
        let bytes = read(path)?;
        if bytes == self.bytes {
            return Ok(());
        }
        let had_some = self.applications.list(None, 1).await.is_ok_and(|some| !some.is_empty());
        if bytes.is_none() && had_some {
            let (path, reason) = (path.to_owned(), io::ErrorKind::NotFound.into());
            return Err(FileError::Unreadable { path, reason }.into());
        }
        let parsed = parse(path, bytes.as_deref().unwrap_or_default())?;
        if parsed.applications.is_empty() && had_some && !parsed.states_none {
            return Err(FileError::NoApplications { path: path.to_owned() }.into());
        }
        replace::check_unwritten(path)?;
        let changed = self.applications.fork();
        changed
            .replace(parsed.applications, is_same, "")
            .map_err(|reason| FileError::Conflict { path: path.to_owned(), reason })?;
        *self = Self { bytes, is_ours: false, applications: changed };
        Err(FileChangeError::Changed { path: path.to_owned() })
    }
}

/// How long a file must have stayed the same before it is replaced, where not every process that may be writing it can be
/// seen.
const SETTLE_TIME: Duration = Duration::from_millis(500);

/// Waits until the file was not written for the [`SETTLE_TIME`], if this process cannot see who has it open: on Linux only
/// root sees the files of other accounts. What is there then is compared with what was read.
async fn settled(path: &Path) {
    #[cfg(target_os = "linux")]
    if rustix::process::geteuid().is_root() {
        return;
    }
    let written = fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let rest = written.and_then(|at| SETTLE_TIME.checked_sub(at.elapsed().unwrap_or_default()));
    if let Some(rest) = rest {
        tokio::time::sleep(rest).await;
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(reason) => Err(FileError::Unreadable { path: path.to_owned(), reason }),
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<ParsedApplications, FileError> {
    let text =
        decode(bytes.to_vec()).map_err(|reason| FileError::NotText { path: path.to_owned(), reason })?;
    parse_applications(&text).map_err(|reason| FileError::of_toml(path.to_owned(), reason))
}

/// What is written says everything.
fn is_same(one: &TrustedApplication, other: &TrustedApplication) -> bool {
    ApplicationDescription::from(one) == ApplicationDescription::from(other)
}

impl fmt::Debug for FileRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileRegistry").field("path", &self.path).finish_non_exhaustive()
    }
}

impl ApplicationRegistry for FileRegistry {
    async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Entry>, RegistryError> {
        self.held.lock().await.applications.list(after, limit).await
    }

    async fn get(&self, id: &ApplicationId) -> Result<Option<Entry>, RegistryError> {
        self.held.lock().await.applications.get(id).await
    }

    async fn add(&self, application: TrustedApplication, by: &str) -> Result<Registered, RegistryError> {
        self.change(async |all| all.add(application, by).await).await
    }

    async fn update(
        &self,
        application: TrustedApplication,
        expected: u64,
        by: &str,
    ) -> Result<Registered, RegistryError> {
        self.change(async |all| all.update(application, expected, by).await).await
    }

    async fn remove(&self, id: &ApplicationId, expected: u64, by: &str) -> Result<(), RegistryError> {
        self.change(async |all| all.remove(id, expected, by).await).await
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, RegistryError> {
        self.held.lock().await.applications.changes(after, limit).await
    }

    async fn last_change(&self) -> Result<u64, RegistryError> {
        self.held.lock().await.applications.last_change().await
    }
}
