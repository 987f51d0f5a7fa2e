//! Applications from a TOML file that is loaded again when it changes.

mod changes;
mod error;
mod loaded;
mod look;
mod status;

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use trusted_app_core::crypto::Thumbprint;
use trusted_app_core::registry::Reserved;
use trusted_app_core::{ApplicationId, KeyStore, LocalApplication, TrustedApplication};

pub use self::error::FileError;
use self::loaded::ApplicationsFile;
pub use self::status::FileStatus;
use super::watch::Watch;

/// Applications from a TOML file (its form: [`parse_applications`](super::parse_applications)), which is loaded again
/// when it changes.
///
/// # Changing the file
///
/// Write a new file beside it and rename that over it. Readers then see the old file or the new one, and never half of
/// one:
///
/// ```sh
/// cp -p apps.toml apps.toml.new
/// editor apps.toml.new
/// trusted-app apps list --store file:apps.toml.new   # reads it, so it is valid
/// mv apps.toml.new apps.toml                         # same directory: one step
/// ```
///
/// `trusted-app apps …` and [`FileRegistry`](super::FileRegistry) do the same.
///
/// # When a change is loaded
///
/// A thread of its own watches the file's directory, so that a replaced file, a renamed one and the
/// `..data` link of a Kubernetes volume are noticed, and looks at the content now and then in case
/// the system reports nothing. The applications stay as they were, and [`status`](Self::status) and the log say why,
/// as long as
///
/// - the file is missing, cannot be read, is no text (UTF-8, or UTF-16 with a byte order mark) or is invalid;
/// - content, length and time of change have not stayed the same for the
///   [settle time](FileKeyStoreBuilder::settle_time);
/// - a process has the file open for writing, however long that takes;
/// - it lists no application any more although there were some, unless it says `application = []`: an empty file, or
///   one with blank lines and comments alone, is what a full disk and a copy that has just begun leave behind.
///
/// Linux tells which process has a file open if it runs in the same PID namespace and under our account, or if we are
/// root. Of any other it reports writes and closes, if the file is on a local file system and no link or mount of its
/// own: the file is then loaded when any process that may write it closes it, or a minute after the last write. In all
/// other cases (network file systems, other systems than Linux) the settle time alone decides. **A script that writes the file in place, and
/// pauses for longer, is then loaded half**: a text that ends after a complete line of an application is valid, and may
/// lack the rules that would have followed.
///
/// A load that removes an application, or lets one do more than before, says so in the log at `WARN`, each rule by
/// itself (see [`TrustedApplication::widened_from`]); a new application is logged at `INFO`.
///
/// The file must be valid and complete at the start too. [`open`](Self::open) and [`reload`](Self::reload) are called
/// when it is, so they do not wait, and handles of our own process do not count for them.
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
    /// When the file cannot be read or is invalid, or another process has it open for writing.
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
    /// When the file cannot be read or is invalid, another process has it open for writing, or it lists no application
    /// any more. The applications then stay as they were.
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
    /// Rejects a file that lists our own id or key.
    pub fn local(mut self, local: &LocalApplication) -> Self {
        self.reserved = Some(Reserved::from(local));
        self
    }

    /// How often the content is looked at though nothing was reported (network file systems report
    /// nothing); 10 seconds by default.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// How long a changed file must stay the same before it is loaded; 100 milliseconds by default.
    ///
    /// Where the system cannot tell who has the file open (see [`FileKeyStore`]), it should be longer than the longest
    /// pause of what writes the file in place.
    pub fn settle_time(mut self, time: Duration) -> Self {
        self.settle_time = time;
        self
    }

    /// Loads the file and watches it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is invalid, another process has it open for writing, or no thread can be had.
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
        let file = Arc::new(ApplicationsFile::load(path, self.reserved, watch.unclosed())?);
        let observer = Arc::clone(&file);
        let watch = watch
            .start(self.poll_interval, self.settle_time, move |before| observer.observe(before))
            .map_err(|reason| FileError::Unwatched { path: file.path.clone(), reason })?;
        Ok(FileKeyStore { file, _watch: Arc::new(watch) })
    }
}

/// Whether every account of this machine may write the file, and so decide whom this server trusts.
#[cfg(unix)]
fn is_world_writable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;

    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o002 != 0)
}

#[cfg(not(unix))]
fn is_world_writable(_: &Path) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn who_may_write_is_known() {
        use std::os::unix::fs::PermissionsExt;

        let file = tempfile::NamedTempFile::new().unwrap();
        for (mode, expected) in [(0o644, false), (0o664, false), (0o666, true), (0o602, true)] {
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_world_writable(file.path()), expected, "{mode:o}");
        }
    }
}
