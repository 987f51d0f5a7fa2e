//! Applications from a TOML file that is loaded again when it changes.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use std::{fmt, fs, io};

use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use trusted_app_core::crypto::Thumbprint;
use trusted_app_core::registry::{ApplicationConflict, Reserved};
use trusted_app_core::{ApplicationId, KeyStore, LocalApplication, TrustedApplication};

use super::applications::Applications;
use super::toml::{TomlError, parse_applications};
use super::watch::Watch;

/// Applications from a TOML file (its form: [`parse_applications`]), which is loaded again when it
/// changes.
///
/// A thread of its own watches the file's directory, so that a replaced file, a renamed one and the
/// `..data` link of a Kubernetes volume are noticed, and looks at the content now and then in case
/// the system reports nothing. A change is loaded once the content has stayed the same for the
/// [settle time](FileKeyStoreBuilder::settle_time), so a file that is still being written is not.
/// If the new content is invalid or the file is gone, the applications stay as they were, and
/// [`status`](Self::status) and the log say why.
///
/// A look-up does no I/O and takes no lock. Clones share everything; the thread ends with the last.
#[derive(Clone)]
pub struct FileKeyStore {
    file: Arc<ApplicationsFile>,
    _watch: Arc<Watch>,
}

impl FileKeyStore {
    /// Loads the file and watches it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is invalid.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        Self::builder(path).open()
    }

    /// The same with options.
    pub fn builder(path: impl AsRef<Path>) -> FileKeyStoreBuilder {
        FileKeyStoreBuilder {
            path: path.as_ref().to_owned(),
            reserved: None,
            poll_interval: Duration::from_secs(10),
            settle_time: Duration::from_millis(100),
        }
    }

    /// The application registered under `id`.
    #[must_use]
    pub fn get(&self, id: &ApplicationId) -> Option<Arc<TrustedApplication>> {
        self.file.current.load().get(id).map(Arc::clone)
    }

    /// The application that has this key for HTTP message signatures.
    #[must_use]
    pub fn get_by_key(&self, key: &Thumbprint) -> Option<Arc<TrustedApplication>> {
        self.file.current.load().get_by_key(key).map(Arc::clone)
    }

    /// Loads the file at once, without waiting for it to settle: call it when it is complete.
    ///
    /// It reads the file on the calling thread.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is invalid. The applications then stay as they were.
    pub fn reload(&self) -> Result<(), FileError> {
        self.file.reload()
    }

    /// How the last attempt to load went.
    #[must_use]
    pub fn status(&self) -> FileStatus {
        FileStatus::clone(&self.file.status.load())
    }
}

impl KeyStore for FileKeyStore {
    type Error = Infallible;

    async fn application(&self, id: &ApplicationId) -> Result<Option<Arc<TrustedApplication>>, Infallible> {
        Ok(self.get(id))
    }

    async fn application_by_key(
        &self,
        key: &Thumbprint,
    ) -> Result<Option<Arc<TrustedApplication>>, Infallible> {
        Ok(self.get_by_key(key))
    }
}

impl fmt::Debug for FileKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileKeyStore")
            .field("path", &self.file.path)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// Opens a [`FileKeyStore`].
#[derive(Debug, Clone)]
#[must_use = "call `open`"]
pub struct FileKeyStoreBuilder {
    path: PathBuf,
    reserved: Option<Reserved>,
    poll_interval: Duration,
    settle_time: Duration,
}

impl FileKeyStoreBuilder {
    /// Refuses a file that lists our own id or key.
    pub fn local(mut self, local: &LocalApplication) -> Self {
        self.reserved = Some(Reserved::from(local));
        self
    }

    /// How often the content is looked at though nothing was reported (network file systems report
    /// nothing); 10 seconds unless stated.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// How long changed content must stay the same before it is loaded; 100 milliseconds unless
    /// stated. Longer than the longest pause of whoever writes the file in place.
    pub fn settle_time(mut self, time: Duration) -> Self {
        self.settle_time = time;
        self
    }

    /// Loads the file and watches it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is invalid, or no thread can be had.
    pub fn open(self) -> Result<FileKeyStore, FileError> {
        let unreadable = |reason| FileError::Unreadable { path: self.path.clone(), reason };
        let path = std::path::absolute(&self.path).map_err(unreadable)?;
        if is_world_writable(&path) {
            tracing::warn!(
                target: "trusted_app",
                path = %path.display(),
                "anyone on this machine may change the trusted applications"
            );
        }
        let watch = Watch::prepare(&path);
        let file = Arc::new(ApplicationsFile::load(path, self.reserved)?);
        let observer = Arc::clone(&file);
        let watch = watch
            .start(self.poll_interval, self.settle_time, move |before| observer.observe(before))
            .map_err(|reason| FileError::Unwatched { path: file.path.clone(), reason })?;
        Ok(FileKeyStore { file, _watch: Arc::new(watch) })
    }
}

/// How the last attempts to load a file went.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FileStatus {
    /// How many times the file was loaded, the first time included.
    pub generation: u64,
    /// When the present applications were loaded.
    pub loaded_at: SystemTime,
    /// Why the file as it is now could not be loaded; `None` if it is what is in use.
    pub last_error: Option<String>,
}

/// Why a file of applications could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It is missing, may not be read, or is not UTF-8.
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// It does not describe applications.
    #[error("{}, {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, and in which line.
        reason: TomlError,
    },
    /// An application has our own id or key.
    #[error("{}: {reason}", path.display())]
    Conflict {
        /// The file.
        path: PathBuf,
        /// Which application it is.
        reason: ApplicationConflict,
    },
    /// The thread that would watch it could not be started.
    #[error("cannot watch {}: {reason}", path.display())]
    Unwatched {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
}

/// What stood in the file at one look: the SHA-256 of its content, or why there was none.
type Observation = Result<[u8; 32], io::ErrorKind>;

/// The file and what was last loaded from it.
struct ApplicationsFile {
    path: PathBuf,
    reserved: Option<Reserved>,
    current: ArcSwap<Applications>,
    status: ArcSwap<FileStatus>,
    /// What the file was when it was last loaded or found faulty. Held from reading to publishing,
    /// so that of two loads the one that read later also publishes later.
    handled: Mutex<Observation>,
}

impl ApplicationsFile {
    fn load(path: PathBuf, reserved: Option<Reserved>) -> Result<Self, FileError> {
        let content = fs::read(&path);
        let handled = observation(&content);
        let applications = read_applications(&path, content, reserved.as_ref())?;
        let status = FileStatus { generation: 1, loaded_at: SystemTime::now(), last_error: None };
        Ok(Self {
            path,
            reserved,
            current: ArcSwap::from_pointee(applications),
            status: ArcSwap::from_pointee(status),
            handled: Mutex::new(handled),
        })
    }

    fn reload(&self) -> Result<(), FileError> {
        let mut handled = self.handled.lock().unwrap_or_else(PoisonError::into_inner);
        let content = fs::read(&self.path);
        *handled = observation(&content);
        self.publish(content)
    }

    /// One look at the file. Answers with what it saw if that is new and also differs from what was
    /// seen `before`, a settle time ago; loads what has settled.
    fn observe(&self, before: Option<Observation>) -> Option<Observation> {
        let mut handled = self.handled.lock().unwrap_or_else(PoisonError::into_inner);
        let content = fs::read(&self.path);
        let now = observation(&content);
        if now == *handled {
            return None;
        }
        if Some(now) != before {
            return Some(now);
        }
        *handled = now;
        if let Err(error) = self.publish(content) {
            tracing::error!(target: "trusted_app", %error, "the trusted applications stay as they were");
        }
        None
    }

    fn publish(&self, content: io::Result<Vec<u8>>) -> Result<(), FileError> {
        let before = self.status.load();
        match read_applications(&self.path, content, self.reserved.as_ref()) {
            Ok(applications) => {
                let generation = before.generation + 1;
                self.current.store(Arc::new(applications));
                self.status.store(Arc::new(FileStatus {
                    generation,
                    loaded_at: SystemTime::now(),
                    last_error: None,
                }));
                tracing::info!(
                    target: "trusted_app",
                    path = %self.path.display(),
                    generation,
                    "loaded the trusted applications"
                );
                Ok(())
            }
            Err(error) => {
                self.status.store(Arc::new(FileStatus {
                    last_error: Some(error.to_string()),
                    ..FileStatus::clone(&before)
                }));
                Err(error)
            }
        }
    }
}

fn observation(content: &io::Result<Vec<u8>>) -> Observation {
    match content {
        Ok(content) => Ok(Sha256::digest(content).into()),
        Err(error) => Err(error.kind()),
    }
}

fn read_applications(
    path: &Path,
    content: io::Result<Vec<u8>>,
    reserved: Option<&Reserved>,
) -> Result<Applications, FileError> {
    let text = content
        .and_then(|content| {
            String::from_utf8(content).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
        })
        .map_err(|reason| FileError::Unreadable { path: path.to_owned(), reason })?;
    let parsed =
        parse_applications(&text).map_err(|reason| FileError::Invalid { path: path.to_owned(), reason })?;
    for warning in parsed.warnings {
        tracing::warn!(target: "trusted_app", path = %path.display(), "{warning}");
    }
    Applications::new(parsed.applications.into_iter().map(Arc::new), reserved.cloned())
        .map_err(|reason| FileError::Conflict { path: path.to_owned(), reason })
}

/// Whether every account of this machine may write the file, and so decide whom this server trusts.
#[cfg(unix)]
fn is_world_writable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;

    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o002 != 0)
}

#[cfg(not(unix))]
fn is_world_writable(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn text(id: &str) -> String {
        let key = samples::key(2048);
        format!(
            "[[application]]\nid = '{id}'\npublic_key = '{key}'\nip_addresses = 'any'\nurl_paths = 'any'\n"
        )
    }

    fn file(content: &str) -> (tempfile::TempDir, ApplicationsFile) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("apps.toml");
        fs::write(&path, content).unwrap();
        (directory, ApplicationsFile::load(path, None).unwrap())
    }

    fn knows(file: &ApplicationsFile, id: &str) -> bool {
        file.current.load().get(&id.parse().unwrap()).is_some()
    }

    #[test]
    fn content_is_loaded_when_it_was_the_same_twice() {
        let (_directory, file) = file(&text("one"));
        assert_eq!(file.observe(None), None);

        fs::write(&file.path, text("two")).unwrap();
        let two = file.observe(None);
        assert!(two.is_some());
        fs::write(&file.path, text("three")).unwrap();
        let three = file.observe(two);
        assert!(three.is_some() && three != two);
        assert!(knows(&file, "one"));
        assert_eq!(file.observe(three), None);
        assert!(knows(&file, "three") && !knows(&file, "one"));
        assert_eq!(file.status.load().generation, 2);

        // Written and taken back before it settled.
        fs::write(&file.path, text("four")).unwrap();
        let four = file.observe(None);
        fs::write(&file.path, text("three")).unwrap();
        assert_eq!(file.observe(four), None);
        assert_eq!(file.status.load().generation, 2);
    }

    #[test]
    fn a_fault_is_reported_once() {
        let (_directory, file) = file(&text("one"));
        let fault = |content: &str| {
            fs::write(&file.path, content).unwrap();
            let seen = file.observe(None);
            assert!(seen.is_some());
            assert_eq!(file.observe(seen), None);
            assert_eq!(file.observe(None), None, "it would be reported again");
            assert!(knows(&file, "one"));
            file.status.load().last_error.clone().unwrap()
        };
        let path = file.path.display();
        assert_eq!(
            fault("[[application]]"),
            format!(
                "{path}, line 1: application number 1: id: missing; write the name that its requests carry"
            )
        );
        assert_eq!(fault("x = 1"), format!("{path}, line 1: unknown key `x`; known is only [[application]]"));

        // The content that is in use ends the fault.
        fs::write(&file.path, text("one")).unwrap();
        assert_eq!(file.observe(file.observe(None)), None);
        assert_eq!(file.status.load().last_error, None);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("apps.toml");
        fs::write(&path, b"id = '\xff'").unwrap();
        let error = FileKeyStore::open(&path).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("cannot read {}: invalid utf-8 sequence of 1 bytes from index 6", path.display())
        );
    }

    #[cfg(unix)]
    #[test]
    fn who_may_write_is_known() {
        use std::os::unix::fs::PermissionsExt;

        let (_directory, file) = file(&text("one"));
        for (mode, expected) in [(0o644, false), (0o664, false), (0o666, true), (0o602, true)] {
            fs::set_permissions(&file.path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_world_writable(&file.path), expected, "{mode:o}");
        }
    }
}
