//! A registry whose applications stand in a TOML file.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use fs4::FileExt;
use tempfile::NamedTempFile;
use tokio::sync::Mutex;
use trusted_app_core::registry::{ApplicationRegistry, Change, Entry, Registered, RegistryError};
use trusted_app_core::{ApplicationId, TrustedApplication};

use super::file::FileError;
use super::memory_registry::MemoryRegistry;
use super::toml::{parse_applications, write_applications};

/// A registry whose applications stand in a TOML file, the same that [`FileKeyStore`](super::FileKeyStore) reads: for
/// one machine, and for tools that change what its servers trust.
///
/// The file holds the applications and nothing else: the versions, who changed what and the log of changes are of this
/// value, from when it was opened. Every change writes the whole file anew, in its order by id, and puts it in the place
/// of the old one, so that nobody ever reads half of it. **Comments are lost.** If the file was changed by somebody else
/// since, nothing is overwritten: the change is refused as unavailable, and so is everything after it, until the registry
/// is opened again.
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
/// // Somebody edits the file. What they wrote is not lost.
/// std::fs::write(path, format!("# reviewed\n{written}"))?;
/// assert!(registry.remove(&"wiki".parse()?, 1, "alice").await.is_err());
/// assert!(std::fs::read_to_string(path)?.starts_with("# reviewed"));
/// # Ok(())
/// # }
/// # run(&path, wiki)?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileRegistry {
    path: PathBuf,
    /// The text as it was read or written; `None` if there is no file yet.
    text: Mutex<Option<String>>,
    applications: MemoryRegistry,
    /// Why a change did not get into the file, which then differs from what is held here.
    failed: OnceLock<String>,
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
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(reason) => return Err(FileError::Unreadable { path, reason }),
            Ok(text) => Some(text),
        };
        let parsed = match parse_applications(text.as_deref().unwrap_or_default()) {
            Err(reason) => return Err(FileError::Invalid { path, reason }),
            Ok(parsed) => parsed,
        };
        match MemoryRegistry::new(parsed.applications) {
            Err(reason) => Err(FileError::Conflict { path, reason }),
            Ok(applications) => {
                Ok(Self { path, text: Mutex::new(text), applications, failed: OnceLock::new() })
            }
        }
    }

    /// Whether the file seems to have comments, which the next change drops.
    pub async fn has_comments(&self) -> bool {
        self.text.lock().await.as_ref().is_some_and(|text| text.contains('#'))
    }

    fn held(&self) -> Result<&MemoryRegistry, RegistryError> {
        match self.failed.get() {
            Some(reason) => Err(RegistryError::Unavailable(reason.clone().into())),
            None => Ok(&self.applications),
        }
    }

    /// Makes one change, and puts it into the file.
    async fn change<T>(
        &self,
        change: impl AsyncFnOnce(&MemoryRegistry) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let mut text = self.text.lock().await;
        let made = change(self.held()?).await?;
        let all = self.applications.list(None, usize::MAX).await?;
        let all: Vec<_> = all.into_iter().flatten().map(|registered| registered.application).collect();
        let written = write_applications(all.iter().map(AsRef::as_ref));
        if let Err(error) = replace(&self.path, text.as_deref(), &written) {
            let reason = self.failed.get_or_init(|| format!("{}: {error}", self.path.display()));
            return Err(RegistryError::Unavailable(reason.clone().into()));
        }
        *text = Some(written);
        Ok(made)
    }
}

/// Puts a text in the place of a file that has another, or of none.
fn replace(path: &Path, before: Option<&str>, text: &str) -> io::Result<()> {
    let directory = path.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = NamedTempFile::new_in(directory)?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    let Some(before) = before else {
        new.persist_noclobber(path)?;
        return sync(directory);
    };
    // Held until the end.
    let old = File::open(path)?;
    FileExt::try_lock(&old)
        .map_err(|_| io::Error::other("somebody else is changing the file in the meantime: try again"))?;
    if fs::read_to_string(path)? != before {
        return Err(io::Error::other("the file was changed in the meantime: try again"));
    }
    keep_access(new.as_file(), &old)?;
    new.persist(path)?;
    sync(directory)
}

/// Makes the names in a directory durable, as its files are already.
fn sync(directory: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = directory;
    Ok(())
}

/// Whoever could read the old file can read the new one. A change that would not keep that is refused: a server that
/// cannot read it would go on with the old one.
fn keep_access(new: &File, old: &File) -> io::Result<()> {
    let of_old = old.metadata()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        let of_new = new.metadata()?;
        if (of_new.uid(), of_new.gid()) != (of_old.uid(), of_old.gid()) {
            fchown(new, Some(of_old.uid()), Some(of_old.gid()))?;
        }
    }
    new.set_permissions(of_old.permissions())
}

impl ApplicationRegistry for FileRegistry {
    async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Entry>, RegistryError> {
        let _settled = self.text.lock().await; // no change is half way
        self.held()?.list(after, limit).await
    }

    async fn get(&self, id: &ApplicationId) -> Result<Option<Entry>, RegistryError> {
        let _settled = self.text.lock().await; // no change is half way
        self.held()?.get(id).await
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
        let _settled = self.text.lock().await; // no change is half way
        self.held()?.changes(after, limit).await
    }

    async fn last_change(&self) -> Result<u64, RegistryError> {
        let _settled = self.text.lock().await; // no change is half way
        self.held()?.last_change().await
    }
}
