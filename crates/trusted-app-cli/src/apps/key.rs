//! The options that bring in an application's key.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use tower_trusted_app::application::TrustedApplicationBuilder;
use tower_trusted_app::crypto::SignatureKey;
use tower_trusted_app::seraph::CertificateDocument;
use tower_trusted_app::{ApplicationId, PublicKey, Scheme, TrustedApplication};
use zeroize::Zeroizing;

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

#[derive(Debug, Args)]
pub(super) struct SignatureKeyText {
    /// Its public key of HTTP message signatures: the JWK itself, or a file with it, as `certificate --signature-key`
    /// prints it
    #[arg(long, value_name = "JWK or FILE")]
    signature_key: Option<String>,
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

impl SignatureKeyText {
    pub(super) fn read(&self) -> anyhow::Result<Option<SignatureKey>> {
        let Some(stated) = &self.signature_key else { return Ok(None) };
        if stated.trim_start().starts_with('{') {
            return SignatureKey::from_jwk(stated).map(Some).context("--signature-key");
        }
        let option = || format!("--signature-key {stated}");
        let text = Zeroizing::new(fs::read_to_string(stated).with_context(option)?);
        if text.contains("PRIVATE KEY") {
            bail!(
                "{}: this is a private key: `trusted-app certificate --signature-key {stated}` prints the public one",
                option()
            );
        }
        SignatureKey::from_jwk(&text).map(Some).with_context(option)
    }
}

/// A new application, from its document or by its id and keys. It may use each scheme that it has a key for.
pub(super) fn described(
    document: &DocumentFile,
    id: Option<ApplicationId>,
    key: &KeyText,
    signature_key: &SignatureKeyText,
) -> anyhow::Result<TrustedApplicationBuilder> {
    let (id, key) = match (document.read()?, id, key.read()?) {
        (Some(document), None, None) => {
            (Some(document.application_id().clone()), Some(document.public_key().clone()))
        }
        (None, id, key) => (id, key),
        _ => (None, None),
    };
    match (id, key, signature_key.read()?) {
        (Some(id), Some(key), None) => Ok(TrustedApplication::builder(id, key)),
        (Some(id), None, Some(key)) => Ok(TrustedApplication::signing_builder(id, key)),
        (Some(id), Some(key), Some(signature_key)) => Ok(TrustedApplication::builder(id, key)
            .signature_key(signature_key)
            .schemes([Scheme::HttpSignature, Scheme::SeraphV3])),
        _ => bail!(
            "say which application: by --document FILE, its certificate document, or by --id ID and --public-key \
             BASE64 or --signature-key JWK (see --help)"
        ),
    }
}
