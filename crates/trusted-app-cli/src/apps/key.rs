//! The options that bring in an application's key.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use tower_trusted_app::application::TrustedApplicationBuilder;
use tower_trusted_app::crypto::{KeyError, SignatureKey};
use tower_trusted_app::limits::MAX_DOCUMENT_BYTES;
use tower_trusted_app::seraph::CertificateDocument;
use tower_trusted_app::{ApplicationId, PublicKey, Scheme, TrustedApplication};

use crate::document;
use crate::input::Input;
use crate::kind::Kind;

#[derive(Debug, Args)]
pub(super) struct DocumentFile {
    /// The file with the certificate document that the other side handed over; - is standard input
    #[arg(long = "document", value_name = "FILE")]
    path: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct KeyText {
    /// Its public key of Seraph (SubjectPublicKeyInfo): the key itself, in base64 as `details` shows it, or a file with it, in base64 or PEM; - is standard input
    #[arg(long, value_name = "BASE64 or FILE", conflicts_with = "path")]
    spki: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct SignatureKeyText {
    /// Its public key of HTTP message signatures: the JWK itself, or a file with it, as `certificate --signature-key`
    /// prints it; - is standard input
    #[arg(long, value_name = "JWK or FILE")]
    jwk: Option<String>,
}

impl DocumentFile {
    pub(super) fn read(&self) -> anyhow::Result<Option<CertificateDocument>> {
        self.path.as_deref().map(|file| document::read(Input::of_option("--document", file))).transpose()
    }
}

impl KeyText {
    pub(super) fn read(&self) -> anyhow::Result<Option<PublicKey>> {
        const OPTION: &str = "--spki";
        let Some(stated) = &self.spki else { return Ok(None) };
        match stated.parse() {
            Ok(key) => return Ok(Some(key)),
            Err(error) if is_no_file_name(stated) => return Err(error).context(OPTION),
            Err(_) => {}
        }
        of_file(Input::of_option(OPTION, Path::new(stated)), Kind::PublicKey, str::parse).map(Some)
    }
}

/// No key in base64 is so short, and hardly a file's name so long.
fn is_no_file_name(text: &str) -> bool {
    text.len() > 100 && !Path::new(text).exists()
}

impl SignatureKeyText {
    pub(super) fn read(&self) -> anyhow::Result<Option<SignatureKey>> {
        const OPTION: &str = "--jwk";
        let Some(stated) = &self.jwk else { return Ok(None) };
        if stated.trim_start().starts_with('{') {
            return SignatureKey::from_jwk(stated).map(Some).context(OPTION);
        }
        let input = Input::of_option(OPTION, Path::new(stated));
        of_file(input, Kind::Jwk, SignatureKey::from_jwk).map(Some)
    }
}

/// The public key that a file holds. A file of another kind is named.
fn of_file<K>(
    input: Input<'_>,
    wanted: Kind,
    parse: impl FnOnce(&str) -> Result<K, KeyError>,
) -> anyhow::Result<K> {
    let text = input.text(MAX_DOCUMENT_BYTES)?;
    parse(&text).map_err(|error| match Kind::of(&text) {
        Some(kind) if kind != wanted => {
            anyhow!("{input} is {kind}, and not {wanted}: {}", kind.cure(&input.file_name()))
        }
        _ => anyhow::Error::new(error).context(input.to_string()),
    })
}

/// A new application, from its document or by its id and keys. It may use each scheme that it has a key for.
pub(super) fn described(
    document: &DocumentFile,
    id: Option<ApplicationId>,
    key: &KeyText,
    signature_key: &SignatureKeyText,
) -> anyhow::Result<TrustedApplicationBuilder> {
    let (id, key) = match (document.read()?, id) {
        (Some(document), stated) => {
            let id = document.application_id();
            if let Some(stated) = stated.filter(|stated| stated != id) {
                bail!("the document is that of `{id}`, and not of `{stated}`");
            }
            (id.clone(), Some(document.public_key().clone()))
        }
        (None, Some(id)) => (id, key.read()?),
        (None, None) => bail!(
            "say which application: by its id, as in `apps add wiki --spki FILE`, or by --document FILE, its \
             certificate document (see --help)"
        ),
    };
    match (key, signature_key.read()?) {
        (Some(key), None) => Ok(TrustedApplication::builder(id, key)),
        (None, Some(key)) => Ok(TrustedApplication::signing_builder(id, key)),
        (Some(key), Some(signature_key)) => Ok(TrustedApplication::builder(id, key)
            .signature_key(signature_key)
            .schemes([Scheme::HttpSignature, Scheme::SeraphV3])),
        (None, None) => bail!(
            "say which key `{id}` has: by --document FILE, its certificate document, or by --spki or --jwk \
             (see --help)"
        ),
    }
}
