//! Certificate documents: from a file, or from where an application serves its own.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use tower_trusted_app::limits::MAX_DOCUMENT_BYTES;
use tower_trusted_app::seraph::CertificateDocument;
use trusted_app_admin::fetch::{AddressPolicy, Fetched, Fetcher};

use crate::output;

/// From a file, or standard input for `-`; it has at most 16 KiB.
pub(crate) fn read(file: &Path) -> anyhow::Result<CertificateDocument> {
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
        let hint = match text.contains("Application-Id:") {
            true => format!("`trusted-app certificate --identity {shown}` makes one of it"),
            false => format!(
                "a signature key has none: `trusted-app certificate --signature-key {shown}` prints its public JWK"
            ),
        };
        bail!("{shown} holds a private key and is no certificate document: {hint}");
    }
    if text.len() > MAX_DOCUMENT_BYTES {
        bail!("{shown} is no certificate document: more than {MAX_DOCUMENT_BYTES} bytes");
    }
    CertificateDocument::parse(&text).with_context(|| shown.to_string())
}

/// What an application serves at its base URL. Warns where it came without TLS.
pub(crate) async fn fetch(base: &str) -> anyhow::Result<Fetched> {
    // Who runs the command reaches every address without it.
    let fetched = Fetcher::new(AddressPolicy::insecure_any()).fetch(base).await;
    let fetched = fetched.map_err(|error| anyhow!(error.reason()))?;
    if fetched.without_tls {
        output::remark("warning", "fetched without TLS: anybody on the way could have put in another key");
    }
    Ok(fetched)
}
