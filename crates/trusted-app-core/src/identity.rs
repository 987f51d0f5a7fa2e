//! Who we are: our own application id and private key, and the file that keeps them.

use std::path::Path;

use zeroize::Zeroizing;

use crate::application::{ApplicationId, ApplicationIdError};
use crate::crypto::{KeyError, PrivateKey, PublicKey};
use crate::private_file::{self, PrivateFile, PrivateFileError};

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

    /// Reads an identity file: a path, or a [`PrivateFile`]. On Unix no one but its owner may have access to it; the
    /// table at [`PrivateFile`] has the exception, for mounted secrets.
    ///
    /// # Errors
    ///
    /// When it cannot be read, others have access to it, or its text is no good.
    pub fn load(file: impl Into<PrivateFile>) -> Result<Self, IdentityError> {
        Self::from_pem(&file.into().read()?)
    }

    /// Writes an identity file that did not exist before, and makes it durable. On Unix no one but
    /// its owner has access to it, from the first moment.
    ///
    /// # Errors
    ///
    /// When the file exists already or cannot be written; then no half of it is left behind.
    pub fn store(&self, path: impl AsRef<Path>) -> Result<(), IdentityError> {
        Ok(private_file::create(path.as_ref(), &self.to_pem())?)
    }
}

/// Why an identity could not be read or written. It never carries key material.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The file could not be read or written, or others have access to it.
    #[error(transparent)]
    File(#[from] PrivateFileError),
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

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("../tests/data/private-key-2048.pem");

    fn identity() -> LocalApplication {
        LocalApplication::new("tracker:4711".parse().unwrap(), PrivateKey::from_pkcs8_pem(KEY).unwrap())
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
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("identity.pem");
        identity().store(&path).unwrap();
        let read = LocalApplication::load(&path).unwrap();
        assert_eq!(*read.to_pem(), *identity().to_pem());

        let other = LocalApplication::new("other".parse().unwrap(), identity().key().clone());
        let exists = other.store(&path);
        assert!(matches!(exists, Err(IdentityError::File(PrivateFileError::Exists { .. }))));
        assert_eq!(LocalApplication::load(&path).unwrap().id().as_str(), "tracker:4711");
        let missing = LocalApplication::load(directory.path().join("no.pem"));
        assert!(matches!(missing, Err(IdentityError::File(PrivateFileError::Read { .. }))));

        // As a Windows editor leaves it.
        let edited = format!("\u{feff}{}", identity().to_pem().replace('\n', "\r\n"));
        std::fs::write(&path, edited).unwrap();
        assert_eq!(LocalApplication::load(&path).unwrap().id().as_str(), "tracker:4711");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_open_to_others_is_refused_unless_that_is_said() {
        use std::os::unix::fs::PermissionsExt;

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("identity.pem");
        identity().store(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
        let refused = LocalApplication::load(&path);
        assert!(
            matches!(refused, Err(IdentityError::File(PrivateFileError::Exposed { mode: 0o444, .. }))),
            "{refused:?}"
        );
        assert!(LocalApplication::load(PrivateFile::new(&path).insecure_permissions()).is_ok());
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
