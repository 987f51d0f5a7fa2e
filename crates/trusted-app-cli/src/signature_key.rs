//! Files of keys of HTTP message signatures (RFC 9421), and what is shown of such a key.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;
use tempfile::NamedTempFile;
use tower_trusted_app::LocalApplication;
use tower_trusted_app::crypto::{PrivateSignatureKey, SignatureAlgorithm, SignatureKey};
use zeroize::Zeroizing;

use crate::output;

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Algorithm {
    /// Ed25519
    Ed25519,
    /// ECDSA on the curve P-256 with SHA-256
    P256,
    /// RSASSA-PSS with SHA-512
    Rsa,
}

impl From<Algorithm> for SignatureAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Ed25519 => Self::Ed25519,
            Algorithm::P256 => Self::EcdsaP256Sha256,
            Algorithm::Rsa => Self::RsaPssSha512,
        }
    }
}

/// Writes the private key as PKCS#8 PEM to a new file, which appears whole and for its owner only.
pub(crate) fn store(key: &PrivateSignatureKey, path: &Path) -> anyhow::Result<()> {
    let file = path.display();
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = NamedTempFile::new_in(directory).with_context(|| format!("cannot write {file}"))?;
    new.write_all(key.to_pkcs8_pem().as_bytes())
        .and_then(|()| new.as_file().sync_all())
        .with_context(|| format!("cannot write {file}"))?;
    new.persist_noclobber(path).map(drop).map_err(|failed| match failed.error.kind() {
        ErrorKind::AlreadyExists => anyhow!("{file} exists already and is not overwritten"),
        _ => anyhow!("cannot write {file}: {}", failed.error),
    })
}

/// Reads a file that [`store`] wrote.
pub(crate) fn load(path: &Path) -> anyhow::Result<PrivateSignatureKey> {
    let option = || format!("--signature-key {}", path.display());
    let text = Zeroizing::new(fs::read_to_string(path).with_context(option)?);
    if LocalApplication::from_pem(&text).is_ok() {
        bail!(
            "{}: this is an identity, whose key signs for Seraph and nothing else: `keygen --algorithm` makes another",
            option()
        );
    }
    PrivateSignatureKey::from_pkcs8_pem(&text).with_context(option)
}

/// A public key, as text and as JSON.
#[derive(Serialize)]
pub(crate) struct Described {
    algorithm: &'static str,
    thumbprint: String,
    jwk: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

impl Described {
    pub(crate) fn of(key: &SignatureKey) -> anyhow::Result<Self> {
        Ok(Self {
            algorithm: key.algorithm().as_str(),
            thumbprint: key.thumbprint().to_string(),
            jwk: serde_json::from_str(&key.to_jwk())?,
            file: None,
        })
    }

    pub(crate) fn written_to(mut self, path: &Path) -> Self {
        self.file = Some(path.display().to_string());
        self
    }

    pub(crate) fn jwk(&self) -> &Value {
        &self.jwk
    }

    pub(crate) fn print(&self, as_json: bool) -> anyhow::Result<()> {
        if as_json {
            return output::json(self);
        }
        let file = self.file.as_deref().unwrap_or_default();
        output::table(&[
            ("algorithm", &self.algorithm),
            ("thumbprint", &self.thumbprint),
            ("public JWK", &self.jwk),
            ("written to", &file),
        ])
    }
}
