//! The options that bring in an application's key.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use tower_trusted_app::seraph::CertificateDocument;
use tower_trusted_app::{ApplicationId, PublicKey};

use crate::document;

#[derive(Debug, Args)]
pub(super) struct DocumentFile {
    /// The file with the certificate document that the other side handed over; - is standard input
    #[arg(long = "document", value_name = "FILE")]
    path: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct KeyText {
    /// The key itself, in base64 as `details` shows it
    #[arg(long = "public-key", value_name = "BASE64", conflicts_with = "path")]
    base64: Option<String>,
}

impl DocumentFile {
    pub(super) fn read(&self) -> anyhow::Result<Option<CertificateDocument>> {
        self.path.as_deref().map(document::read).transpose()
    }
}

impl KeyText {
    pub(super) fn read(&self) -> anyhow::Result<Option<PublicKey>> {
        let key = self.base64.as_deref().map(PublicKey::from_base64).transpose();
        key.context("--public-key")
    }
}

/// The id and key of a new application, from either.
pub(super) fn id_and_key(
    document: &DocumentFile,
    id: Option<ApplicationId>,
    key: &KeyText,
) -> anyhow::Result<(ApplicationId, PublicKey)> {
    match (document.read()?, id, key.read()?) {
        (Some(document), None, None) => {
            Ok((document.application_id().clone(), document.public_key().clone()))
        }
        (None, Some(id), Some(key)) => Ok((id, key)),
        _ => bail!(
            "say which application: by --document FILE, its certificate document, or by --id ID and --public-key \
             BASE64 (see --help)"
        ),
    }
}
