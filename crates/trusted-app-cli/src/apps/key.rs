//! The options that bring in an application's key.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use tower_trusted_app::limits::MAX_DOCUMENT_BYTES;
use tower_trusted_app::seraph::CertificateDocument;
use tower_trusted_app::{ApplicationId, PublicKey};

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
        self.path.as_deref().map(read_document).transpose()
    }
}

impl KeyText {
    pub(super) fn read(&self) -> anyhow::Result<Option<PublicKey>> {
        let key = self.base64.as_deref().map(PublicKey::from_base64).transpose();
        key.context("--public-key")
    }
}

/// Reads a certificate document from a file; it has at most 16 KiB.
pub(crate) fn read_document(file: &Path) -> anyhow::Result<CertificateDocument> {
    let shown = file.display();
    let input: Box<dyn Read> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(fs::File::open(file).with_context(|| format!("cannot read {shown}"))?)
    };
    let mut text = String::new();
    let limit = u64::try_from(MAX_DOCUMENT_BYTES).unwrap_or(u64::MAX);
    input
        .take(limit.saturating_add(1))
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read {shown}"))?;
    if text.contains("PRIVATE KEY") {
        bail!(
            "{shown} holds a private key and is no certificate document: `trusted-app certificate` makes one of it"
        );
    }
    if text.len() > MAX_DOCUMENT_BYTES {
        bail!("{shown} is no certificate document: more than {MAX_DOCUMENT_BYTES} bytes");
    }
    CertificateDocument::parse(&text).with_context(|| shown.to_string())
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
        _ => bail!("state the application by --document, or by --id and --public-key"),
    }
}
