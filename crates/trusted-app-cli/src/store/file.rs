//! A TOML file, changed as a whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use tempfile::NamedTempFile;
use tower_trusted_app::keys::{MemoryRegistry, parse_applications, write_applications};
use tower_trusted_app::registry::{ApplicationRegistry, Change, Entry, Registered, RegistryError};
use tower_trusted_app::{ApplicationId, TrustedApplication};

use crate::output;

/// The applications of a file, as `FileKeyStore` reads it.
///
/// A file knows no versions and not who changed it: a change is refused if the file is no longer as it was read.
pub(crate) struct FileRegistry {
    path: PathBuf,
    /// The text as it was read; `None` if there is no file yet.
    text: Mutex<Option<String>>,
    applications: MemoryRegistry,
}

impl FileRegistry {
    /// Reads the file, if there is one.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        // What is written takes the place of the file, and not of a link to it.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            text => Some(text.with_context(|| format!("cannot read {}", path.display()))?),
        };
        let parsed = parse_applications(text.as_deref().unwrap_or_default())
            .with_context(|| path.display().to_string())?;
        let applications = MemoryRegistry::new(parsed.applications)?;
        Ok(Self { path, text: Mutex::new(text), applications })
    }

    /// Puts the applications in the place of the file, which nobody ever sees half written.
    async fn write(&self) -> Result<(), RegistryError> {
        let all = self.applications.list(None, usize::MAX).await?;
        let applications: Vec<_> =
            all.into_iter().flatten().map(|registered| registered.application).collect();
        let written = write_applications(applications.iter().map(AsRef::as_ref));
        let mut before = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        self.replace(before.as_deref(), &written)
            .map_err(|error| RegistryError::Unavailable(error.into()))?;
        if before.as_ref().is_some_and(|text| text.contains('#')) {
            output::remark("warning", format_args!("comments in {} are not kept", self.path.display()));
        }
        *before = Some(written);
        Ok(())
    }

    fn replace(&self, before: Option<&str>, text: &str) -> io::Result<()> {
        let directory =
            self.path.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut new = NamedTempFile::new_in(directory)?;
        new.write_all(text.as_bytes())?;
        new.as_file().sync_all()?;
        let Some(before) = before else {
            new.persist_noclobber(&self.path)?;
            return Ok(());
        };
        // Held until the end. Whoever waited for it finds another text.
        let old = File::open(&self.path)?;
        old.lock()?;
        if fs::read_to_string(&self.path)? != before {
            return Err(io::Error::other("the file was changed in the meantime: try again"));
        }
        new.as_file().set_permissions(old.metadata()?.permissions())?;
        new.persist(&self.path)?;
        Ok(())
    }
}

impl ApplicationRegistry for FileRegistry {
    async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Entry>, RegistryError> {
        self.applications.list(after, limit).await
    }

    async fn get(&self, id: &ApplicationId) -> Result<Option<Entry>, RegistryError> {
        self.applications.get(id).await
    }

    async fn add(&self, application: TrustedApplication, by: &str) -> Result<Registered, RegistryError> {
        let added = self.applications.add(application, by).await?;
        self.write().await.map(|()| added)
    }

    async fn update(
        &self,
        application: TrustedApplication,
        expected: u64,
        by: &str,
    ) -> Result<Registered, RegistryError> {
        let updated = self.applications.update(application, expected, by).await?;
        self.write().await.map(|()| updated)
    }

    async fn remove(&self, id: &ApplicationId, expected: u64, by: &str) -> Result<(), RegistryError> {
        self.applications.remove(id, expected, by).await?;
        self.write().await
    }

    async fn changes(&self, _: u64, _: usize) -> Result<Vec<Change>, RegistryError> {
        Err(RegistryError::Unavailable("a file has no log of changes".into()))
    }

    async fn last_change(&self) -> Result<u64, RegistryError> {
        self.changes(0, 0).await.map(|_| 0)
    }
}
