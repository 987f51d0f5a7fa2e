//! The certificate document: how an application publishes its id and public key.

use super::certificate::MAGIC_NUMBER;
use super::java::{self, Lines};
use crate::application::{ApplicationId, ApplicationIdError, Scheme};
use crate::crypto::{KeyError, PublicKey};
use crate::identity::LocalApplication;
use crate::limits::MAX_DOCUMENT_BYTES;

/// Where an application serves its certificate document, below its base URL.
pub const CERTIFICATE_PATH: &str = "/admin/appTrustCertificate";

/// An application's id and public key, as it publishes them.
///
/// The text has four lines: id, base64 of the key's SubjectPublicKeyInfo, protocol version, magic
/// number. The oldest applications publish the first two only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateDocument {
    application: ApplicationId,
    key: PublicKey,
    version: Option<i32>,
}

impl CertificateDocument {
    /// The document of an application.
    #[must_use]
    pub fn new(application: ApplicationId, key: PublicKey) -> Self {
        Self { application, key, version: None }
    }

    /// Our own document.
    #[must_use]
    pub fn of(identity: &LocalApplication) -> Self {
        Self::new(identity.id().clone(), identity.public_key().clone())
    }

    /// The application's id.
    #[must_use]
    pub fn application_id(&self) -> &ApplicationId {
        &self.application
    }

    /// The application's public key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// The protocol version that a parsed document states: any number, and nobody holds its
    /// application to it. `None` in the form of two lines.
    #[must_use]
    pub fn version(&self) -> Option<i32> {
        self.version
    }

    /// The text to serve, stating the version of `scheme` (3 if it is none of Seraph's). As with the original there is no line
    /// end at its end.
    #[must_use]
    pub fn to_text(&self, scheme: Scheme) -> String {
        let (id, key) = (&self.application, self.key.to_base64());
        format!("{id}\n{key}\n{}\n{MAGIC_NUMBER}", scheme.version().unwrap_or(3))
    }

    /// Reads a document. Lines are trimmed and empty ones dropped; lines after the fourth are
    /// ignored.
    ///
    /// # Errors
    ///
    /// A [`DocumentError`] for each bad shape, so that a log-in page or any other text is told from
    /// a bad key.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        if text.len() > MAX_DOCUMENT_BYTES {
            return Err(DocumentError::TooLarge);
        }
        let lines: Vec<_> =
            Lines::of(text).map(|(line, _)| java::trim(line)).filter(|line| !line.is_empty()).collect();
        let (id, key, version) = match *lines.as_slice() {
            [id, key] => (id, key, None),
            [id, key, version, magic, ..] => {
                let number = java::parse_int(version)
                    .ok_or_else(|| DocumentError::VersionNotANumber { version: version.to_owned() })?;
                if magic != MAGIC_NUMBER {
                    return Err(DocumentError::BadMagic);
                }
                (id, key, Some(number))
            }
            _ => return Err(DocumentError::TooFewLines { lines: lines.len() }),
        };
        Ok(Self { application: ApplicationId::new(id)?, key: PublicKey::from_base64(key)?, version })
    }
}

impl From<&LocalApplication> for CertificateDocument {
    fn from(identity: &LocalApplication) -> Self {
        Self::of(identity)
    }
}

/// Why a text is no certificate document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// Above [`MAX_DOCUMENT_BYTES`].
    #[error("a certificate document is at most {MAX_DOCUMENT_BYTES} bytes long")]
    TooLarge,
    /// Neither the form of two lines nor that of four.
    #[error("a certificate document has four lines (or two, the old form) and not {lines}")]
    TooFewLines {
        /// The lines that are not empty.
        lines: usize,
    },
    /// The third line is no decimal integer of 32 bits.
    #[error("the version `{version}` in the certificate document is no number")]
    VersionNotANumber {
        /// What it is.
        version: String,
    },
    /// The fourth line is not the magic number.
    #[error("the certificate document lacks its magic number")]
    BadMagic,
    /// The first line is no application id.
    #[error(transparent)]
    ApplicationId(#[from] ApplicationIdError),
    /// The second line is no usable key.
    #[error(transparent)]
    Key(#[from] KeyError),
}
