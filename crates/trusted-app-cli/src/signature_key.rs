//! Keys of HTTP message signatures (RFC 9421): their algorithms, and what is shown of one.

use std::path::Path;

use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;
use tower_trusted_app::crypto::{SignatureAlgorithm, SignatureKey};

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
