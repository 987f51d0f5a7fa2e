//! Who we are: our own application id and private key, and the file that keeps them.
//!
//! That file is the only one this crate reads or writes, and only when asked to.

#![expect(clippy::disallowed_types, reason = "the identity file")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::application::{ApplicationId, ApplicationIdError};
use crate::crypto::{KeyError, PrivateKey, PublicKey};

/// What stands before the id in the identity file.
const ID_PREFIX: &str = "Application-Id: ";

/// Our own application: the id under which others know us, and the private key that proves it.
///
/// Written down it is one line of text and a PKCS#8 PEM block, which other tools (OpenSSL) read as
/// a private key:
///
/// ```text
/// Application-Id: tracker:4711
/// -----BEGIN PRIVATE KEY-----
/// MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7...
/// -----END PRIVATE KEY-----
/// ```
#[derive(Debug, Clone)]
pub struct LocalApplication {
    id: ApplicationId,
    key: PrivateKey,
}

impl LocalApplication {
    /// Puts id and key together.
    #[must_use]
    pub fn new(id: ApplicationId, key: PrivateKey) -> Self {
        Self { id, key }
    }

    /// Generates a key of `bits` bits: see [`PrivateKey::generate`].
    ///
    /// # Errors
    ///
    /// When no key of that size can be generated.
    pub fn generate(id: ApplicationId, bits: usize) -> Result<Self, KeyError> {
        Ok(Self::new(id, PrivateKey::generate(bits)?))
    }

    /// Our id.
    #[must_use]
    pub fn id(&self) -> &ApplicationId {
        &self.id
    }

    /// Our private key.
    #[must_use]
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// Our public key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    /// The text of the identity file. It contains the private key.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        let key = self.key.to_pkcs8_pem();
        // Wide enough from the start: growing would leave a copy of the key behind.
        let mut text =
            Zeroizing::new(String::with_capacity(ID_PREFIX.len() + self.id.as_str().len() + 1 + key.len()));
        for part in [ID_PREFIX, self.id.as_str(), "\n", &key] {
            text.push_str(part);
        }
        text
    }

    /// Reads the text of an identity file.
    ///
    /// # Errors
    ///
    /// When the id or the key is missing, or one of them is no good.
    pub fn from_pem(text: &str) -> Result<Self, IdentityError> {
        let mut ids = text
            .lines()
            .take_while(|line| !line.starts_with("-----BEGIN "))
            .filter_map(|line| line.strip_prefix(ID_PREFIX));
        let id = ids.next().ok_or(IdentityError::NoApplicationId)?;
        if ids.next().is_some() {
            return Err(IdentityError::RepeatedApplicationId);
        }
        Ok(Self::new(ApplicationId::new(id)?, PrivateKey::from_pkcs8_pem(text)?))
    }

    /// Reads an identity file. On Unix nobody but its owner may have access to it.
    ///
    /// # Errors
    ///
    /// When it cannot be read, others have access to it, or its text is no good.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, IdentityError> {
        let path = path.as_ref();
        Self::from_pem(&read_private(path)?)
    }

    /// Writes an identity file that did not exist before, and makes it durable. On Unix nobody but
    /// its owner has access to it, from the first moment.
    ///
    /// # Errors
    ///
    /// When the file exists already or cannot be written; then no half of it is left behind.
    pub fn store(&self, path: impl AsRef<Path>) -> Result<(), IdentityError> {
        let path = path.as_ref();
        let mut file = create_private(path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => IdentityError::Exists { path: path.to_owned() },
            _ => IdentityError::io(path, source),
        })?;
        let written = file
            .write_all(self.to_pem().as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| sync_directory_of(path));
        written.map_err(|source| {
            // What counts is the first error; a file that cannot be written may not be removable.
            let _ = fs::remove_file(path);
            IdentityError::io(path, source)
        })
    }
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes the file's name durable too.
fn sync_directory_of(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(directory) = path.parent() {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

fn read_private(path: &Path) -> Result<Zeroizing<String>, IdentityError> {
    let mut file = File::open(path).map_err(|source| IdentityError::io(path, source))?;
    let metadata = file.metadata().map_err(|source| IdentityError::io(path, source))?;
    if metadata.is_dir() {
        return Err(IdentityError::io(path, io::ErrorKind::IsADirectory.into()));
    }
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::MetadataExt::mode(&metadata) & 0o777;
        if mode & 0o077 != 0 {
            return Err(IdentityError::Exposed { path: path.to_owned(), mode });
        }
    }
    // Room for the whole file at once: growing would leave a copy of the key behind.
    let size = usize::try_from(metadata.len()).unwrap_or_default();
    let mut text = Zeroizing::new(String::with_capacity(size));
    file.read_to_string(&mut text).map_err(|source| IdentityError::io(path, source))?;
    Ok(text)
}

/// Why an identity could not be read or written. It never carries key material.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The system refused.
    #[error("cannot read or write the identity file {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file stands where one should be written. An identity is never overwritten: its key could
    /// not be had again.
    #[error("{} exists already and is not overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner have access to the file.
    #[error("the private key in {} is open to others (mode {mode:03o}): run `chmod 600 {}`", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// No line `Application-Id: …` before the key.
    #[error(
        "no line `{ID_PREFIX}…` before a private key: a certificate document has none, nor a key of HTTP message \
         signatures"
    )]
    NoApplicationId,
    /// More than one such line.
    #[error("more than one line `{ID_PREFIX}…` before the private key")]
    RepeatedApplicationId,
    /// The id is no good.
    #[error(transparent)]
    ApplicationId(#[from] ApplicationIdError),
    /// The key is no good.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl IdentityError {
    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("../tests/data/private-key-2048.pem");

    fn identity() -> LocalApplication {
        LocalApplication::new("tracker:4711".parse().unwrap(), PrivateKey::from_pkcs8_pem(KEY).unwrap())
    }

    /// A directory of its own for one test.
    fn directory() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn text() {
        let text = identity().to_pem();
        assert_eq!(*text, format!("Application-Id: tracker:4711\n{KEY}"));
        for text in [text.to_string(), text.replace('\n', "\r\n"), format!("# a remark\n\n{}", *text)] {
            let read = LocalApplication::from_pem(&text).unwrap();
            assert_eq!((read.id(), read.public_key()), (identity().id(), identity().public_key()));
        }
    }

    #[test]
    fn odd_ids_survive() {
        for id in ["a  b", "管理", "-----BEGIN PRIVATE KEY-----", "Application-Id: x", "Zoe\u{308}"] {
            let written = LocalApplication::new(id.parse().unwrap(), identity().key().clone()).to_pem();
            assert_eq!(LocalApplication::from_pem(&written).unwrap().id().as_str(), id);
        }
    }

    #[test]
    fn bad_texts() {
        let read = |text: String| LocalApplication::from_pem(&text).unwrap_err();
        assert!(matches!(read(KEY.to_owned()), IdentityError::NoApplicationId));
        assert!(matches!(read(format!("{KEY}Application-Id: late\n")), IdentityError::NoApplicationId));
        let twice = format!("Application-Id: a\nApplication-Id: b\n{KEY}");
        assert!(matches!(read(twice), IdentityError::RepeatedApplicationId));
        assert!(matches!(read(format!("Application-Id:  \n{KEY}")), IdentityError::ApplicationId(_)));
        for bad in [
            "",
            "-----BEGIN PRIVATE KEY-----\n",
            &KEY.replace("PRIVATE", "RSA PRIVATE"),
            &KEY.replace('E', "F"),
        ] {
            assert!(matches!(read(format!("Application-Id: a\n{bad}")), IdentityError::Key(_)), "{bad}");
        }
    }

    #[test]
    fn file() {
        let directory = directory();
        let path = directory.path().join("identity.pem");
        identity().store(&path).unwrap();
        let read = LocalApplication::load(&path).unwrap();
        assert_eq!(*read.to_pem(), *identity().to_pem());

        let other = LocalApplication::new("other".parse().unwrap(), identity().key().clone());
        assert!(matches!(other.store(&path), Err(IdentityError::Exists { .. })));
        assert_eq!(LocalApplication::load(&path).unwrap().id().as_str(), "tracker:4711");

        let missing = directory.path().join("no").join("identity.pem");
        assert!(matches!(identity().store(&missing), Err(IdentityError::Io { .. })));
        assert!(matches!(LocalApplication::load(&missing), Err(IdentityError::Io { .. })));
        // Whatever its mode: nobody is told to take the rights from a directory.
        assert!(matches!(LocalApplication::load(directory.path()), Err(IdentityError::Io { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_open_to_others_is_refused() {
        use std::os::unix::fs::PermissionsExt;

        let directory = directory();
        let path = directory.path().join("identity.pem");
        identity().store(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for (mode, loads) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o620, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            match LocalApplication::load(&path) {
                Ok(_) => assert!(loads, "{mode:o}"),
                Err(error) => {
                    assert!(!loads, "{mode:o}: {error}");
                    assert!(
                        error.to_string().contains(&format!("(mode {mode:03o}): run `chmod 600 ")),
                        "{error}"
                    );
                }
            }
        }
    }

    #[test]
    fn nothing_private_is_shown() {
        let shown = format!("{:?} {:#?}", identity(), identity());
        assert!(
            shown.contains("tracker:4711")
                && shown.contains(&identity().public_key().fingerprint().to_string())
        );
        // No line of the key's base64, and none of its numbers in a list of bytes.
        assert!(KEY.lines().all(|line| !shown.contains(line)));
        assert!(shown.len() < 600, "{shown}");
    }
}
